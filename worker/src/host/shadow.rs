//! Compares both LLMs' answers to a share of the requests, behind the answer that the client gets.
//!
//! ```text
//! plan: the other LLM of the pair -> draw -> the answer's end: eligible? -> reserve -> decision logged
//!   -> the other LLM answers -> the judge, in both orders -> settle -> verdict logged
//! ```
//! Whether a request is eligible does not depend on the draw, so that the drawn ones stand for all. What the
//! calls may cost is reserved before the first of them, under a cap of its own. An isolate that dies leaves the
//! reservation, which then counts as spent.

use std::cell::Cell;
use std::rc::Rc;

use worker::Env;

use super::bundle::Loaded;
use super::isolate::Config;
use super::js::{now, random};
use super::judge::{self, Judge};
use super::ledger::{BudgetState, Ledger, Reservation};
use super::log;
use super::own_calls::{Asked, OwnCalls};
use super::request_body::Source;
use super::request_context::RequestContext;
use super::rollout::{self, Metric};
use crate::accounting::record::{Draw, Record};
use crate::accounting::verdict::{
    Compared, Comparison, Failed, Verdict, judged_text, without_judge,
};
use crate::config::Shadow as Settings;
use crate::error::GatewayError;
use crate::request::body::RequestBody;
use crate::request::endpoint::Dialect;
use crate::routing::plan::Plan;
use crate::translate::anthropic::signature::History;
use crate::translate::call::content_of;
use crate::translate::stream::MOST_COMPARED;
use crate::wire::answer::AnswerContent;

/// The longest whole answer that is kept to be compared, in bytes.
const MOST_BODY: usize = 4 * MOST_COMPARED;
/// How long no request is compared once outstanding reservations leave too little of the cap, in milliseconds.
const PAUSE_MS: f64 = 10_000.0;

thread_local! {
    /// Until when no request is compared, since the cap leaves too little, in milliseconds since 1970.
    static PAUSED_UNTIL: Cell<f64> = const { Cell::new(0.0) };
}

/// A request that may be compared.
pub(super) struct Shadow {
    draw: Draw,
    dialect: Dialect,
    /// The model whose answer is compared.
    called: String,
    /// What the comparison needs, where the request was drawn.
    job: Option<Job>,
}

/// What a comparison needs.
struct Job {
    env: Env,
    config: Rc<Config>,
    loaded: Rc<Loaded>,
    calls: OwnCalls,
    body: Rc<RequestBody>,
    source: Rc<Source>,
    history: Rc<History>,
    plan: Rc<Plan>,
    other: String,
}

/// The parts of a request that a comparison keeps.
pub(super) struct Parts<'a> {
    pub(super) loaded: &'a Rc<Loaded>,
    pub(super) body: &'a Rc<RequestBody>,
    pub(super) source: &'a Rc<Source>,
    pub(super) history: &'a Rc<History>,
    pub(super) plan: &'a Rc<Plan>,
}

/// The answer that the client got.
pub(super) enum Answer {
    /// It was not kept, or was too long.
    Unknown,
    /// Its text.
    Content(AnswerContent),
    /// A whole answer in the client's API.
    Body(Vec<u8>),
}

impl Answer {
    /// Keeps a whole answer that is not too long. `content` is empty where it was not read.
    pub(super) fn of_whole(content: AnswerContent, body: &[u8]) -> Self {
        match content == AnswerContent::default() {
            false => Self::Content(content),
            true if body.len() <= MOST_BODY => Self::Body(body.to_vec()),
            true => Self::Unknown,
        }
    }

    fn content(self, client: Dialect) -> Option<AnswerContent> {
        let content = match self {
            Self::Unknown => None,
            Self::Content(content) => Some(content),
            Self::Body(body) => content_of(client, &body).ok(),
        };
        content.filter(|content| content.text.len() <= MOST_COMPARED)
    }
}

/// A comparison whose cost is reserved.
pub(super) struct Begun {
    job: Job,
    draw: Draw,
    reserved: Reservation,
    answer: AnswerContent,
}

impl RequestContext<'_> {
    /// Draws whether a request is compared; none if it cannot be. The caller's own key pays for no comparison,
    /// so its requests are left out.
    pub(super) fn shadow(&self, parts: &Parts<'_>, brings_keys: bool) -> Option<Shadow> {
        let settings = self.config.settings.shadow.as_ref()?;
        let other = parts.plan.counterpart.as_ref().filter(|_| !brings_keys)?;
        let sampled = random() < settings.share;
        let calls = match sampled {
            true => OwnCalls::new(self.env, self.config, parts.loaded, self.request, self.id),
            false => return Some(self.undrawn(parts, settings)),
        };
        let calls = calls.inspect_err(|error| worker::console_error!("shadow: {error}")).ok()?;
        let job = Job {
            env: self.env.clone(),
            config: Rc::clone(self.config),
            loaded: Rc::clone(parts.loaded),
            calls,
            body: Rc::clone(parts.body),
            source: Rc::clone(parts.source),
            history: Rc::clone(parts.history),
            plan: Rc::clone(parts.plan),
            other: other.clone(),
        };
        let draw = Draw { probability: settings.share, sampled };
        Some(Shadow { draw, job: Some(job), ..self.undrawn(parts, settings) })
    }

    fn undrawn(&self, parts: &Parts<'_>, settings: &Settings) -> Shadow {
        Shadow {
            draw: Draw { probability: settings.share, sampled: false },
            dialect: parts.body.dialect,
            called: parts.plan.chain[0].clone(),
            job: None,
        }
    }
}

impl Shadow {
    /// Notes in the record whether the request was eligible and drawn, and reserves what its comparison may cost.
    pub(super) async fn begin(self, record: &mut Record, answer: Answer) -> Option<Begun> {
        let answered = (200..300).contains(&record.status) && record.error.is_none();
        if !answered || record.model != self.called || record.cascade.is_some() {
            return None;
        }
        let mut skip = |code: &str| {
            record.shadow_skipped = Some(code.to_owned());
            None
        };
        let Some(content) = answer.content(self.dialect) else { return skip("answer_too_long") };
        if content.tool_calls {
            return skip("tools_called");
        }
        if now() < PAUSED_UNTIL.get() {
            return skip("cap_reached");
        }
        let Some(job) = self.job else {
            record.shadow = Some(self.draw);
            return None;
        };
        match job.reserve(&content).await {
            Ok(Some(reserved)) => {
                record.shadow = Some(self.draw);
                Some(Begun { job, draw: self.draw, reserved, answer: content })
            }
            Ok(None) => skip("cap_reached"),
            Err(error) => {
                worker::console_error!("shadow: {}: {error}", error.code());
                skip(error.code())
            }
        }
    }
}

impl Job {
    fn judge<'j>(&'j self, settings: &'j Settings) -> Judge<'j> {
        Judge {
            model: &settings.judge,
            upstream: self.config.upstreams.get(&settings.judge),
            calls: &self.calls,
            loaded: &self.loaded,
        }
    }

    /// Reserves what the calls may cost: the other LLM's answer, and the judge's if that answer is as long as the
    /// one given. None if the cap does not allow it; then no request is compared for a while, so that which
    /// ones are does not depend on their length.
    async fn reserve(&self, answer: &AnswerContent) -> Result<Option<Reservation>, GatewayError> {
        let Some(settings) = &self.config.settings.shadow else { return Ok(None) };
        let judge = self.judge(settings);
        let text = self.source.text()?;
        let shown = self.body.judged(&text).unwrap_or_default();
        let given = judged_text(answer);
        let orders = judge.orders(&shown, given, given)?;
        let usd = self.calls.bound(&self.other, &self.body)?.usd() + judge.bound(&orders)?;
        let (ledger, budget) = (Ledger::of_shadow(&self.env)?, settings.budget());
        match Reservation::new(ledger.clone(), budget, usd, usd).await {
            Ok(reserved) => Ok(Some(reserved)),
            Err(GatewayError::BudgetExhausted { .. } | GatewayError::LedgerFull) => {
                let state: BudgetState = ledger.state(budget).await?;
                PAUSED_UNTIL.set(state.spent_until(usd).unwrap_or(now() + PAUSE_MS));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

impl Begun {
    /// Asks the other LLM and the judge, settles, and writes the verdict.
    pub(super) async fn run(mut self, record: &Record) {
        let Some(settings) = self.job.config.settings.shadow.clone() else { return };
        self.job.calls.begin(settings.timeout_ms);
        let (compared, charged) = self.compare(record, &settings).await;
        if let Err(error) = self.reserved.settle(charged).await {
            worker::console_error!("shadow: {}: {error}", error.code());
        }
        let Some(verdict) = Verdict::new(record, compared) else { return };
        let value = verdict.of_chosen();
        log::write_verdict(&self.job.env, verdict).await;
        if let Some(value) = value {
            let (env, config) = (&self.job.env, &self.job.config);
            rollout::observe(env, config, record, Metric::Shadow, value).await;
        }
    }

    /// What the comparison came to, and what it cost in US dollars.
    async fn compare(&self, record: &Record, settings: &Settings) -> (Compared, f64) {
        let job = &self.job;
        let asked = Asked {
            model: &job.other,
            body: &job.body,
            source: &job.source,
            history: &job.history,
            references: &job.plan.references,
            input_tokens: job.plan.input_tokens as u64,
        };
        let part = self.reserved.part(self.usd());
        let found = job.calls.call(&asked, part).await;
        let mut compared = Compared {
            comparison: Comparison::WithoutJudge(0.5),
            judge: settings.judge.clone(),
            judge_prompt: judge::prompt().version().to_owned(),
            draw: self.draw,
            other: (job.other.clone(), found.shown, found.ms),
            judge_usd: 0.0,
        };
        let failed = |at, code| Comparison::Failed(Failed { at, code });
        let other = match &found.answer {
            Ok(content) if content.tool_calls => Err("tools_called".to_owned()),
            Ok(content) => Ok(judged_text(content)),
            Err(code) => Err(code.clone()),
        };
        let other = match other {
            Ok(text) => text,
            Err(code) => {
                compared.comparison = failed("model", code);
                return (compared, found.charged);
            }
        };
        let given = judged_text(&self.answer);
        let is_strong = record.strong.as_deref() == Some(record.model.as_str());
        let (strong, weak) = if is_strong { (given, other) } else { (other, given) };
        if let Some(share) = without_judge(strong, weak) {
            compared.comparison = Comparison::WithoutJudge(share);
            return (compared, found.charged);
        }
        let judge = job.judge(settings);
        let shown = job.source.text().ok().and_then(|text| job.body.judged(&text));
        let orders = match judge.orders(&shown.unwrap_or_default(), strong, weak) {
            Ok(orders) => orders,
            Err(error) => {
                compared.comparison = failed("judge", error.code().to_owned());
                return (compared, found.charged);
            }
        };
        let judged = judge.ask(&orders, &self.reserved, found.charged).await;
        compared.judge_usd = judged.shown.unwrap_or(judged.charged);
        compared.comparison = match judged.places {
            Ok(places) => Comparison::Judged(places),
            Err(code) => failed("judge", code),
        };
        (compared, found.charged + judged.charged)
    }

    /// What the other LLM's answer may cost.
    fn usd(&self) -> f64 {
        let bound = self.job.calls.bound(&self.job.other, &self.job.body);
        bound.map_or(0.0, |bound| bound.usd())
    }
}
