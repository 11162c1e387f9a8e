//! Assigns requests to the arms of a rollout, counts what came of the candidate's, and returns to what was served
//! before where that breaches a bound.
//!
//! The counts are in the Durable Object `Ledger` named `rollout` (`js/rollout-state.mjs`), so all isolates see a
//! return, and a restart forgets none. An isolate looks at most every ten seconds, behind an answer; after each
//! value that it adds it knows too. Where the object does not answer, nobody gets the candidate.

use std::cell::RefCell;

use serde::Deserialize;
use serde_json::{Value, json};
use worker::{Env, Fetch, Headers, Method, Request, RequestInit};

use super::bundle;
use super::hmac::{LogSecret, hmac};
use super::isolate::Config;
use super::js::{iso_time, now, random_id};
use super::ledger::Ledger;
use super::log;
use super::request_context::RequestContext;
use crate::accounting::record::{BundleId, Record};
use crate::config::{Arm, Candidate, Mode, Rollout};
use crate::error::GatewayError;

/// The least time between two looks at the counts, in milliseconds.
const LOOK_MS: f64 = 10_000.0;
/// How often a return is posted to the webhook.
const POSTS: u32 = 3;
/// The header that signs what is posted.
const SIGNATURE: &str = "x-pointsman-signature";

thread_local! {
    static WATCH: RefCell<Watch> = const { RefCell::new(Watch { of: String::new(), looked_at: 0.0, state: State::Paused }) };
}

/// What an isolate knows of a rollout.
struct Watch {
    /// The rollout's id.
    of: String,
    looked_at: f64,
    state: State,
}

/// How far a rollout is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum State {
    Running,
    /// Its counts cannot be read, so nobody gets the candidate.
    Paused,
    Returned(Returned),
}

/// A return, as the object states it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Returned {
    metric: String,
    value: f64,
    bound: f64,
    count: u64,
    low: f64,
    high: f64,
    at: f64,
    name: String,
    told: bool,
}

/// The arm of a request.
pub(super) struct Assigned {
    pub(super) arm: Arm,
    /// What stays with it.
    unit: String,
    candidate: Candidate,
}

/// What the candidate's requests are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Metric {
    Feedback,
    Shadow,
    Errors,
}

impl Metric {
    fn name(self) -> &'static str {
        match self {
            Self::Feedback => "feedback",
            Self::Shadow => "shadow",
            Self::Errors => "errors",
        }
    }
}

impl Assigned {
    /// Whether the candidate bundle decides.
    pub(super) fn gets_candidate_bundle(&self) -> bool {
        self.arm == Arm::Candidate && self.candidate == Candidate::Bundle
    }

    /// The mode of a rollout that switches routing on.
    pub(super) fn mode(&self) -> Option<Mode> {
        match (self.candidate, self.arm) {
            (Candidate::Bundle, _) => None,
            (Candidate::On, Arm::Candidate) => Some(Mode::On),
            (Candidate::On, Arm::Current) => Some(Mode::Observe),
        }
    }

    /// Notes the arm in a record.
    pub(super) async fn note(&self, env: &Env, record: &mut Record) {
        record.arm = Some(self.arm.name().to_owned());
        if let LogSecret::Set(secret) = LogSecret::of(env) {
            record.session_key = hmac(&secret, &self.unit).await.ok();
        }
    }
}

impl RequestContext<'_> {
    /// The arm of this request; none without a rollout, or without a candidate.
    pub(super) async fn assigned(&self, session: Option<&str>) -> Option<Assigned> {
        let rollout = self.config.settings.rollout.as_ref()?;
        let id = id(rollout)?;
        let address = format!("{}\n{}", self.caller.name, self.address);
        let caller = self.caller.key.map_or(address.as_str(), |key| key.name.as_str());
        let unit = rollout.unit(caller, session);
        let arm = match self.state(rollout, &id).await {
            State::Running => rollout.arm(self.caller.key.map(|key| key.name.as_str()), &unit),
            State::Paused | State::Returned(_) => Arm::Current,
        };
        Some(Assigned { arm, unit, candidate: rollout.candidate })
    }

    /// How far the rollout is: the first look is awaited, later ones are made behind an answer.
    async fn state(&self, rollout: &Rollout, id: &str) -> State {
        if rollout.bounds.is_none() {
            return State::Running;
        }
        let known = WATCH
            .with_borrow(|watch| (watch.of == id).then(|| (watch.looked_at, watch.state.clone())));
        let Some((looked_at, state)) = known else {
            return look(self.env, self.config, id).await;
        };
        if now() - looked_at >= LOOK_MS {
            WATCH.with_borrow_mut(|watch| watch.looked_at = now());
            let (env, config) = (self.env.clone(), self.config.clone());
            let id = id.to_owned();
            self.context.wait_until(async move {
                look(&env, &config, &id).await;
            });
        }
        state
    }
}

/// Whose counts are a rollout's: those of its candidate bundle, or of the bundle whose choices are called.
fn id(rollout: &Rollout) -> Option<String> {
    let of = match rollout.candidate {
        Candidate::Bundle => bundle::candidate()?.id.clone(),
        Candidate::On => bundle::current_id()?,
    };
    Some(id_of(rollout, &of))
}

fn id_of(rollout: &Rollout, bundle: &BundleId) -> String {
    format!("{}:{}", rollout.name, bundle.sha256)
}

/// What is known of the counts, if it is not older than a look.
fn fresh(id: &str) -> Option<State> {
    WATCH.with_borrow(|watch| {
        let fresh = watch.of == id && now() - watch.looked_at < LOOK_MS;
        fresh.then(|| watch.state.clone())
    })
}

/// Reads the counts, tells a return that was not told, and remembers the state.
async fn look(env: &Env, config: &Config, id: &str) -> State {
    let found = match Ledger::of_rollout(env) {
        Ok(ledger) => ledger.watched(id).await,
        Err(error) => Err(error),
    };
    learn(env, config, id, found).await
}

/// Counts a value, in [0, 1], of a request that the candidate decided.
pub(super) async fn observe(
    env: &Env,
    config: &Config,
    record: &Record,
    metric: Metric,
    value: f64,
) {
    let Some(rollout) = &config.settings.rollout else { return };
    let (Some(bounds), Some(bundle)) = (&rollout.bounds, &record.bundle) else { return };
    let watches = match metric {
        Metric::Feedback => bounds.feedback_below.is_some(),
        Metric::Shadow => bounds.shadow_below.is_some(),
        Metric::Errors => bounds.errors_above.is_some(),
    };
    if !watches || record.arm.as_deref() != Some(Arm::Candidate.name()) {
        return;
    }
    let id = id_of(rollout, bundle);
    let at = now();
    let name = format!("{}_{}", iso_time(at), random_id());
    let request = json!({"id": id, "metric": metric.name(), "value": value, "bounds": bounds,
                         "now": at, "name": name});
    let found = match Ledger::of_rollout(env) {
        Ok(ledger) => ledger.observe(request).await,
        Err(error) => Err(error),
    };
    learn(env, config, &id, found).await;
}

/// Remembers what the object answered.
async fn learn(env: &Env, config: &Config, id: &str, found: Result<Value, GatewayError>) -> State {
    let state = match found {
        Ok(found) => match Returned::deserialize(&found["returned"]) {
            Ok(returned) => State::Returned(returned),
            Err(_) => State::Running,
        },
        Err(error) => {
            worker::console_error!("rollout: {}: {error}", error.code());
            State::Paused
        }
    };
    WATCH.with_borrow_mut(|watch| {
        *watch = Watch { of: id.to_owned(), looked_at: now(), state: state.clone() };
    });
    if let State::Returned(returned) = &state
        && !returned.told
    {
        tell(env, config, id, returned).await;
    }
    state
}

/// Tells a return in the log and by the webhook, at least once.
async fn tell(env: &Env, config: &Config, id: &str, returned: &Returned) {
    let Some(rollout) = &config.settings.rollout else { return };
    let current = bundle::current_id();
    let from = match rollout.candidate {
        Candidate::Bundle => bundle::candidate().map(|loaded| loaded.id.clone()),
        Candidate::On => current.clone(),
    };
    let to = match rollout.candidate {
        Candidate::Bundle => json!(current),
        Candidate::On => Mode::Observe.name().into(),
    };
    let Returned { metric, value, bound, count, low, high, at, name, .. } = returned;
    let event = json!({"format": 1, "at": iso_time(*at), "kind": "returned", "from": from, "to": to,
                       "metric": metric, "value": value, "bound": bound, "count": count,
                       "low": low, "high": high});
    let text = event.to_string();
    worker::console_error!("rollout returned: {text}");
    let written = log::write_event(env, &format!("rollout/events/{name}.json"), &text).await;
    let posted = match &rollout.webhook {
        Some(address) => post(env, address, &text).await,
        None => Ok(()),
    };
    for failed in [written, posted].into_iter().filter_map(Result::err) {
        worker::console_error!("rollout: {failed}");
        return;
    }
    let ledger = Ledger::of_rollout(env);
    if let Ok(ledger) = ledger
        && let Err(error) = ledger.told(id).await
    {
        worker::console_error!("rollout: {error}");
    }
}

/// Posts an event with its HMAC-SHA-256 under `LOG_SECRET`.
async fn post(env: &Env, address: &str, text: &str) -> Result<(), String> {
    let secret = LogSecret::of(env).usable().map_err(|e| e.to_string())?;
    let signature = hmac(&secret, text).await.map_err(|e| e.to_string())?;
    let mut failed = String::new();
    for _ in 0..POSTS {
        let headers = Headers::new();
        let set = headers
            .set("content-type", "application/json")
            .and_then(|()| headers.set(SIGNATURE, &format!("sha256={signature}")));
        set.map_err(|e| e.to_string())?;
        let mut init = RequestInit::new();
        init.with_method(Method::Post).with_headers(headers).with_body(Some(text.into()));
        let request = Request::new_with_init(address, &init).map_err(|e| e.to_string())?;
        match Fetch::Request(request).send().await {
            Ok(response) if (200..300).contains(&response.status_code()) => return Ok(()),
            Ok(response) => failed = format!("status {}", response.status_code()),
            Err(error) => failed = error.to_string(),
        }
    }
    Err(format!("the webhook was not told: {failed}"))
}

/// What `/healthz` says of a rollout; none without one, or without a candidate.
pub(super) async fn health(env: &Env, config: &Config) -> Option<Value> {
    let rollout = config.settings.rollout.as_ref()?;
    let candidate = match rollout.candidate {
        Candidate::Bundle => bundle::candidate()?.id.name.clone(),
        Candidate::On => "on".to_owned(),
    };
    let mut health = json!({"candidate": candidate, "percent": rollout.percent});
    let state = match (&rollout.bounds, id(rollout)) {
        (Some(_), Some(id)) => match fresh(&id) {
            Some(state) => state,
            None => look(env, config, &id).await,
        },
        _ => State::Running,
    };
    match state {
        State::Running => health["state"] = "running".into(),
        State::Paused => health["state"] = "paused".into(),
        State::Returned(returned) => {
            health["state"] = "returned".into();
            health["metric"] = returned.metric.into();
            health["at"] = iso_time(returned.at).into();
        }
    }
    Some(health)
}
