//! Serves a request for an upstream: reads the body, plans, calls the upstream and responds.

use std::rc::Rc;

use worker::{Context, Env, Request, Response};

use super::after_response::Settlement;
use super::attempts::{ChainResult, call_chain};
use super::auth::{self, Caller};
use super::bundle::{self, Loaded};
use super::isolate::Config;
use super::js::{header, iso_time, now};
use super::ledger::Ledger;
use super::response::{Body, build, error_response, internal};
use super::stream_body::stream_body;
use super::upstream_call::{Refusal, Reply, UpstreamRequest};
use super::{log, request_body};
use crate::accounting::prices::Prices;
use crate::accounting::record::{CascadeRecord, Record};
use crate::error::GatewayError;
use crate::request::body::RequestBody;
use crate::request::endpoint::Dialect;
use crate::request::model_name::PolicyHeaders;
use crate::routing::cascade::failed_rule;
use crate::routing::plan::{Plan, Planner, RequestOptions, listed};

/// One request, with what the runtime and the configuration say about it.
pub(super) struct RequestContext<'a> {
    pub(super) env: &'a Env,
    pub(super) context: &'a Context,
    pub(super) config: &'a Rc<Config>,
    pub(super) caller: &'a Caller<'a>,
    pub(super) request: &'a Request,
    pub(super) id: &'a str,
    pub(super) started: f64,
}

impl RequestContext<'_> {
    /// Answers a request of an API, and logs a refusal.
    ///
    /// # Errors
    /// The gateway's own errors. An upstream's error is returned as a response.
    pub(super) async fn answer(&self, dialect: Dialect) -> Result<Response, GatewayError> {
        let answer = self.plan_and_call(dialect).await;
        if let Err(error) = &answer {
            let record = Record {
                id: self.id.to_owned(),
                at: iso_time(self.started),
                key: self.caller.name.to_owned(),
                endpoint: dialect.path().to_owned(),
                status: error.status(),
                error: Some(error.code().to_owned()),
                total_ms: now() - self.started,
                ..Record::default()
            };
            let env = self.env.clone();
            self.context.wait_until(async move { log::write(&env, &record).await });
        }
        answer
    }

    async fn plan_and_call(&self, dialect: Dialect) -> Result<Response, GatewayError> {
        let config = self.config;
        let text = request_body::read_text(self.request, config.settings.max_body_bytes).await?;
        let loaded = bundle::loaded(self.env, config, self.context).await?;
        let body = RequestBody::new(dialect, &text, &loaded.manifest)?;
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
        let options = self.options()?;
        let planner = self.planner(&loaded, &options, budget_used, pinned.as_deref());
        let plan = planner.plan(&body)?;
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
        let settlement = Settlement {
            env: self.env.clone(),
            record,
            prices: None,
            budget,
            session,
            started: self.started,
        };
        self.call(&body, &text, &plan, &loaded, settlement).await
    }

    /// Makes the planner's inputs for this caller.
    pub(super) fn planner<'d>(
        &'d self,
        loaded: &'d Loaded,
        options: &'d RequestOptions,
        budget_used: f64,
        pinned: Option<&'d str>,
    ) -> Planner<'d> {
        Planner {
            manifest: &loaded.manifest,
            upstreams: &self.config.upstreams,
            settings: &self.config.settings,
            key: self.caller.key,
            options,
            engine: loaded,
            budget_used,
            pinned,
        }
    }

    /// Reads the caller's routing headers.
    pub(super) fn options(&self) -> Result<RequestOptions, GatewayError> {
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
        Ok(RequestOptions {
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

    async fn call(
        &self,
        body: &RequestBody,
        text: &str,
        plan: &Plan,
        loaded: &Loaded,
        mut settlement: Settlement,
    ) -> Result<Response, GatewayError> {
        let Config { settings, upstreams, .. } = &**self.config;
        let upstream_request = UpstreamRequest {
            env: self.env,
            request: self.request,
            body,
            text,
            id: self.id,
            timeouts: settings.timeouts,
            caller_key: auth::upstream_key(self.request, self.config),
        };
        let checked = plan.escalate_to.is_some();
        let first = call_chain(&upstream_request, &plan.chain, upstreams, settings, checked).await;
        let (served, cost_before) = match &plan.escalate_to {
            Some(to) => {
                let prices = Prices::of(&first.model, upstreams, &loaded.manifest);
                let (served, note) = self.check_cascade(&upstream_request, first, to, prices).await;
                let escalated = note.outcome == "escalated";
                let cost = note.first_cost.filter(|_| escalated).unwrap_or_default();
                settlement.record.cascade = Some(note);
                (served, cost)
            }
            None => (first, 0.0),
        };
        settlement.prices = Prices::of(&served.model, upstreams, &loaded.manifest);
        self.respond(served, plan, settlement, cost_before)
    }

    /// Checks a cheaper model's answer, and calls `to` if it fails.
    async fn check_cascade(
        &self,
        upstream_request: &UpstreamRequest<'_>,
        first: ChainResult,
        to: &str,
        prices: Option<Prices>,
    ) -> (ChainResult, CascadeRecord) {
        let Config { settings, upstreams, .. } = &**self.config;
        let check = settings.cascade.as_ref().map(|cascade| &cascade.check);
        let (failed, usage) = match (&first.reply, check) {
            (Ok(Reply::Whole { content, usage, .. }), Some(check)) => {
                (failed_rule(content, check, upstream_request.body.wants_json()), *usage)
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
        let second =
            call_chain(upstream_request, &[to.to_owned()], upstreams, settings, false).await;
        let calls = first.calls + second.calls;
        let kept = second.reply.is_err() && first.reply.is_ok();
        note.outcome = if kept { "kept" } else { "escalated" }.into();
        (ChainResult { calls, ..if kept { first } else { second } }, note)
    }

    fn respond(
        &self,
        served: ChainResult,
        plan: &Plan,
        mut settlement: Settlement,
        cost_before: f64,
    ) -> Result<Response, GatewayError> {
        let ChainResult { model, reply, calls } = served;
        settlement.record.model.clone_from(&model);
        settlement.record.attempts = calls;
        settlement.record.first_ms = now() - self.started;
        let mut stated = decision_headers(plan, &settlement.record);
        match reply {
            Ok(Reply::Whole { status, headers, body, usage, .. }) => {
                settlement.record.status = status;
                let cost = settlement.cost(usage, cost_before);
                if let Some(cost) = cost {
                    stated.push(("x-pointsman-cost", format_usd(cost)));
                }
                settlement.settle_in_background(self.context, usage, cost, None);
                build(status, headers, stated, Body::Whole(body))
            }
            Ok(Reply::Stream { headers, first, translator, source }) => {
                settlement.record.status = 200;
                let timeouts = self.config.settings.timeouts;
                let on_end = settlement.on_stream_end(self.context, cost_before);
                let body = stream_body(model, first, translator, source, timeouts, on_end);
                let stream = Response::from_stream(body).map_err(internal)?;
                build(200, headers, stated, Body::Stream(stream))
            }
            Err(refusal) => {
                let (status, code) = match &refusal {
                    Refusal::Own(error) => (error.status(), error.code()),
                    Refusal::Upstream { status, .. } => (*status, "upstream_error"),
                };
                settlement.record.status = status;
                settlement.settle_in_background(self.context, None, Some(cost_before), Some(code));
                match refusal {
                    Refusal::Upstream { status, headers, body } => {
                        build(status, headers, stated, Body::Whole(body.into_bytes()))
                    }
                    Refusal::Own(error) => {
                        let response = error_response(&error, self.request)?;
                        for (name, value) in stated {
                            response.headers().set(name, &value).map_err(internal)?;
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
            at: iso_time(self.started),
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
        let query = plan.query.as_ref().filter(|_| log::has_bindings(self.env));
        if let Some(query) = query {
            record.set_query(query.turns(), self.config.settings.log.content);
        }
        record
    }
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
        ("x-pointsman-estimated-cost", record.estimated_cost.map(format_usd)),
        ("x-pointsman-cascade", record.cascade.as_ref().map(|cascade| cascade.outcome.clone())),
    ];
    headers.extend(numbers.into_iter().filter_map(|(name, value)| Some((name, value?))));
    headers
}

fn format_usd(usd: f64) -> String {
    format!("{usd:.9}")
}
