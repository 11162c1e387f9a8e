//! Serves a request for an upstream: reads the body, plans, calls the upstream and responds.

use std::rc::Rc;

use worker::{Context, Env, Headers, Request, Response};

use super::access::{self, Caller};
use super::bundle::{self, Loaded};
use super::call::{Outgoing, Refusal, Reply};
use super::flow;
use super::javascript::{header, iso, now};
use super::ledger::Ledger;
use super::run::{Served, run};
use super::sequel::Sequel;
use super::state::Config;
use super::{journal, receive};
use crate::ask::Ask;
use crate::cascade::failed_rule;
use crate::cost::Prices;
use crate::endpoint::Dialect;
use crate::error::GatewayError;
use crate::plan::{Desk, Plan, Wishes, listed};
use crate::record::{CascadeRecord, Record};
use crate::target::PolicyHeaders;

/// The context of one request.
pub(super) struct Service<'a> {
    pub(super) env: &'a Env,
    pub(super) context: &'a Context,
    pub(super) config: &'a Rc<Config>,
    pub(super) caller: &'a Caller<'a>,
    pub(super) request: &'a Request,
    pub(super) id: &'a str,
    pub(super) started: f64,
}

impl Service<'_> {
    /// Answers a request of an API, and logs a refusal.
    ///
    /// # Errors
    /// The gateway's own errors. An upstream's error is returned as a response.
    pub(super) async fn answer(&self, dialect: Dialect) -> Result<Response, GatewayError> {
        let answer = self.planned(dialect).await;
        if let Err(error) = &answer {
            let record = Record {
                id: self.id.to_owned(),
                at: iso(self.started),
                key: self.caller.name.to_owned(),
                endpoint: dialect.path().to_owned(),
                status: error.status(),
                error: Some(error.code().to_owned()),
                total_ms: now() - self.started,
                ..Record::default()
            };
            let env = self.env.clone();
            self.context.wait_until(async move { journal::write(&env, &record).await });
        }
        answer
    }

    async fn planned(&self, dialect: Dialect) -> Result<Response, GatewayError> {
        let config = self.config;
        let text = receive::text(self.request, config.settings.max_body_bytes).await?;
        let loaded = bundle::loaded(self.env, config, self.context).await?;
        let ask = Ask::new(dialect, &text, &loaded.manifest)?;
        let budget = match self.caller.key.and_then(|key| key.budget) {
            Some(budget) => Some((Ledger::of_budget(self.env, self.caller.name)?, budget)),
            None => None,
        };
        let budget_used = match &budget {
            Some((ledger, budget)) => ledger.used(*budget).await?,
            None => 0.0,
        };
        let session = match header(self.request, "x-pointsman-session") {
            Some(session) => Some(Ledger::of_session(self.env, self.caller.name, &session)?),
            None => None,
        };
        let pinned = match &session {
            Some(session) => session.pinned().await?,
            None => None,
        };
        let wishes = self.wishes()?;
        let desk = self.desk(&loaded, &wishes, budget_used, pinned.as_deref());
        let plan = desk.plan(&ask)?;
        let estimate = plan.estimate(&plan.chain[0], &config.upstreams, &loaded.manifest);
        if let Some((ledger, budget)) = &budget {
            for model in plan.chain.iter().chain(&plan.escalate_to) {
                if Prices::of(model, &config.upstreams, &loaded.manifest).is_none() {
                    return Err(GatewayError::PriceUnknown { model: model.clone() });
                }
            }
            ledger.reserve(self.id, estimate.unwrap_or_default(), *budget).await?;
        }
        let record = self.record(dialect, &plan, &loaded, estimate);
        let sequel = Sequel {
            env: self.env.clone(),
            record,
            prices: None,
            budget,
            session,
            started: self.started,
        };
        self.forward(&ask, &text, &plan, &loaded, sequel).await
    }

    /// Makes the planner's inputs for this caller.
    pub(super) fn desk<'d>(
        &'d self,
        loaded: &'d Loaded,
        wishes: &'d Wishes,
        budget_used: f64,
        pinned: Option<&'d str>,
    ) -> Desk<'d> {
        Desk {
            manifest: &loaded.manifest,
            upstreams: &self.config.upstreams,
            settings: &self.config.settings,
            key: self.caller.key,
            wishes,
            engine: loaded,
            budget_used,
            pinned,
        }
    }

    /// Reads the caller's routing headers.
    pub(super) fn wishes(&self) -> Result<Wishes, GatewayError> {
        let of = |name: &str| header(self.request, name);
        let cascade = match of("x-pointsman-cascade").as_deref() {
            None => None,
            Some("on") => Some(true),
            Some("off") => Some(false),
            Some(other) => {
                let found = other.to_owned();
                return Err(GatewayError::HeaderNotOnOrOff {
                    header: "x-pointsman-cascade",
                    found,
                });
            }
        };
        Ok(Wishes {
            policy: PolicyHeaders {
                threshold: of("x-pointsman-threshold"),
                strong_share: of("x-pointsman-strong-share"),
                max_cost: of("x-pointsman-max-cost"),
                cost_weight: of("x-pointsman-cost-weight"),
            },
            models: of("x-pointsman-models").map(|list| listed(&list)),
            exclude: of("x-pointsman-exclude").map(|list| listed(&list)).unwrap_or_default(),
            cascade,
        })
    }

    async fn forward(
        &self,
        ask: &Ask,
        text: &str,
        plan: &Plan,
        loaded: &Loaded,
        mut sequel: Sequel,
    ) -> Result<Response, GatewayError> {
        let Config { settings, upstreams, .. } = &**self.config;
        let outgoing = Outgoing {
            env: self.env,
            request: self.request,
            ask,
            text,
            id: self.id,
            timeouts: settings.timeouts,
            caller_key: access::upstream_key(self.request, self.config),
        };
        let checked = plan.escalate_to.is_some();
        let first = run(&outgoing, &plan.chain, upstreams, settings, checked).await;
        let (served, cost_before) = match &plan.escalate_to {
            Some(to) => {
                let prices = Prices::of(&first.model, upstreams, &loaded.manifest);
                let (served, note) = self.checked(&outgoing, first, to, prices).await;
                let escalated = note.outcome == "escalated";
                let cost = note.first_cost.filter(|_| escalated).unwrap_or_default();
                sequel.record.cascade = Some(note);
                (served, cost)
            }
            None => (first, 0.0),
        };
        sequel.prices = Prices::of(&served.model, upstreams, &loaded.manifest);
        self.respond(served, plan, sequel, cost_before)
    }

    /// Checks a cheaper model's answer, and calls `to` if it fails.
    async fn checked(
        &self,
        outgoing: &Outgoing<'_>,
        first: Served,
        to: &str,
        prices: Option<Prices>,
    ) -> (Served, CascadeRecord) {
        let Config { settings, upstreams, .. } = &**self.config;
        let check = settings.cascade.as_ref().map(|cascade| &cascade.check);
        let (failed, usage) = match (&first.reply, check) {
            (Ok(Reply::Whole { said, usage, .. }), Some(check)) => {
                (failed_rule(said, check, outgoing.ask.wants_json()), *usage)
            }
            _ => (Some("answered"), None),
        };
        let mut note = CascadeRecord {
            outcome: "accepted".into(),
            failed_rule: failed.map(str::to_owned),
            first_model: first.model.clone(),
            first_ms: now() - self.started,
            first_cost: usage.zip(prices).map(|(usage, prices)| prices.of_usage(&usage)),
        };
        if failed.is_none() {
            return (first, note);
        }
        let second = run(outgoing, &[to.to_owned()], upstreams, settings, false).await;
        let calls = first.calls + second.calls;
        let kept = second.reply.is_err() && first.reply.is_ok();
        note.outcome = if kept { "kept" } else { "escalated" }.into();
        (Served { calls, ..if kept { first } else { second } }, note)
    }

    fn respond(
        &self,
        served: Served,
        plan: &Plan,
        mut sequel: Sequel,
        cost_before: f64,
    ) -> Result<Response, GatewayError> {
        let Served { model, reply, calls } = served;
        sequel.record.model.clone_from(&model);
        sequel.record.attempts = calls;
        sequel.record.first_ms = now() - self.started;
        let mut ours = decision_headers(plan, &sequel.record);
        match reply {
            Ok(Reply::Whole { status, headers, body, usage, .. }) => {
                sequel.record.status = status;
                let cost = sequel.cost(usage, cost_before);
                if let Some(cost) = cost {
                    ours.push(("x-pointsman-cost", money(cost)));
                }
                sequel.follows(self.context, usage, cost, None);
                response(status, headers, ours, Body::Whole(body))
            }
            Ok(Reply::Stream { headers, first, relay, reader }) => {
                sequel.record.status = 200;
                let timeouts = self.config.settings.timeouts;
                let at_end = sequel.at_end(self.context, cost_before);
                let body = flow::body(model, first, relay, reader, timeouts, at_end);
                let stream = Response::from_stream(body).map_err(super::internal)?;
                response(200, headers, ours, Body::Stream(stream))
            }
            Err(refusal) => {
                let (status, code) = match &refusal {
                    Refusal::Own(error) => (error.status(), error.code()),
                    Refusal::Upstream { status, .. } => (*status, "upstream_error"),
                };
                sequel.record.status = status;
                sequel.follows(self.context, None, Some(cost_before), Some(code));
                match refusal {
                    Refusal::Upstream { status, headers, body } => {
                        response(status, headers, ours, Body::Whole(body.into_bytes()))
                    }
                    Refusal::Own(error) => {
                        let response = super::refusal(&error, self.request)?;
                        for (name, value) in ours {
                            response.headers().set(name, &value).map_err(super::internal)?;
                        }
                        Ok(response)
                    }
                }
            }
        }
    }

    fn record(
        &self,
        dialect: Dialect,
        plan: &Plan,
        loaded: &Loaded,
        estimated_cost: Option<f64>,
    ) -> Record {
        let decision = plan.decision.as_ref();
        let mut record = Record {
            id: self.id.to_owned(),
            at: iso(self.started),
            key: self.caller.name.to_owned(),
            endpoint: dialect.path().to_owned(),
            router: loaded.manifest.name.clone(),
            model: plan.chain[0].clone(),
            reason: plan.reason.to_owned(),
            win_rate: decision.and_then(|decision| decision.win_rate),
            threshold: decision.and_then(|decision| decision.threshold),
            scores: decision.map(|decision| decision.scores.clone()).unwrap_or_default(),
            estimated_cost,
            ..Record::default()
        };
        let query = plan.query.as_ref().filter(|_| journal::has_bindings(self.env));
        if let Some(query) = query {
            record.set_query(query.turns(), self.config.settings.log.content);
        }
        record
    }
}

enum Body {
    Whole(Vec<u8>),
    Stream(Response),
}

/// The response headers that state the decision and the calls made.
fn decision_headers(plan: &Plan, record: &Record) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("x-pointsman-model", record.model.clone()),
        ("x-pointsman-router", record.router.clone()),
        ("x-pointsman-reason", plan.reason.to_owned()),
        ("x-pointsman-attempts", record.attempts.to_string()),
    ];
    let numbers = [
        ("x-pointsman-win-rate", record.win_rate.map(|value| format!("{value:.6}"))),
        ("x-pointsman-threshold", record.threshold.map(|value| format!("{value:.6}"))),
        ("x-pointsman-estimated-cost", record.estimated_cost.map(money)),
        ("x-pointsman-cascade", record.cascade.as_ref().map(|cascade| cascade.outcome.clone())),
    ];
    headers.extend(numbers.into_iter().filter_map(|(name, value)| Some((name, value?))));
    headers
}

fn money(usd: f64) -> String {
    format!("{usd:.9}")
}

fn response(
    status: u16,
    headers: Vec<(String, String)>,
    ours: Vec<(&'static str, String)>,
    body: Body,
) -> Result<Response, GatewayError> {
    let fields = Headers::new();
    for (name, value) in headers {
        fields.set(&name, &value).map_err(super::internal)?;
    }
    for (name, value) in ours {
        fields.set(name, &value).map_err(super::internal)?;
    }
    let response = match body {
        Body::Whole(bytes) => Response::from_bytes(bytes).map_err(super::internal)?,
        Body::Stream(stream) => stream,
    };
    Ok(response.with_status(status).with_headers(fields))
}
