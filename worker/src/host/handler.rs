//! Serves a request for an upstream: reads the body, plans, calls the upstream and responds.

use std::rc::Rc;

use worker::Response;

use super::after_response::Settlement;
use super::attempts::{ChainResult, Kept, Spending, call_chain};
use super::auth;
use super::bundle::{self, Loaded};
use super::isolate::Config;
use super::js::{header, iso_time, now};
use super::ledger::{Ledger, Reservation};
use super::log;
use super::request_body::Source;
use super::request_context::RequestContext;
use super::rollout::Assigned;
use super::shadow::{Parts, Shadow};
use super::upstream_answer::Reply;
use super::upstream_call::{OwnKeys, Passthrough, UpstreamRequest};
use crate::accounting::attempt::{Costs, ModelPrices};
use crate::accounting::bound::Demand;
use crate::accounting::prices::Prices;
use crate::accounting::record::{CascadeRecord, Record};
use crate::config::{Mode, Upstream};
use crate::error::GatewayError;
use crate::request::body::{RequestBody, check_bounds};
use crate::request::endpoint::Dialect;
use crate::request::model_name::PolicyHeaders;
use crate::routing::cascade::failed_rule;
use crate::routing::permissions::{Permissions, RequestOptions, listed};
use crate::routing::plan::{Plan, Planner};
use crate::translate::anthropic::signature::History;
use crate::upstream::breaker::CallerId;

/// What is done once a request is answered.
pub(super) struct AfterAnswer {
    pub(super) record: Record,
    pub(super) session: Option<Ledger>,
    /// The comparison of the answer with another model's.
    pub(super) shadow: Option<Shadow>,
    /// The prices of the model that routing chose.
    pub(super) chosen_prices: Option<Prices>,
}

/// What the calls of a request need.
pub(super) struct CallRequest<'a> {
    pub(super) body: &'a RequestBody,
    pub(super) source: &'a Source,
    pub(super) history: &'a History,
    pub(super) plan: &'a Plan,
    pub(super) own_keys: &'a OwnKeys,
    /// Of an endpoint whose requests are passed on as they are.
    pub(super) passthrough: Option<&'a Passthrough>,
}

impl RequestContext<'_> {
    /// Awaits an answer of the endpoint `path`, and logs a refusal.
    ///
    /// # Errors
    /// The answer's.
    pub(super) async fn logged(
        &self,
        path: &str,
        answer: impl Future<Output = Result<Response, GatewayError>>,
    ) -> Result<Response, GatewayError> {
        let answer = answer.await;
        if let Err(error) = &answer {
            let record = Record {
                id: self.id.to_owned(),
                at: iso_time(self.started),
                key: self.caller.name.to_owned(),
                endpoint: path.to_owned(),
                status: error.status(),
                error: Some(error.code().to_owned()),
                total_ms: now() - self.started,
                ..Record::default()
            };
            let env = self.env.clone();
            self.context.wait_until(async move {
                let mut record = record;
                log::write(&env, &mut record).await;
            });
        }
        answer
    }

    /// Answers a request of an API.
    ///
    /// # Errors
    /// The gateway's own errors. An upstream's error is returned as a response.
    pub(super) async fn plan_and_call(&self, dialect: Dialect) -> Result<Response, GatewayError> {
        let config = self.config;
        let source = Rc::new(Source::read(self.request, config.settings.max_body_bytes).await?);
        let budget = match self.caller.key.and_then(|key| key.budget) {
            Some(budget) => Some((Ledger::of_budget(self.env, self.caller.name)?, budget)),
            None => None,
        };
        let budget_used = match &budget {
            Some((ledger, budget)) => {
                let state = ledger.state(*budget).await?;
                if state.share() >= 1.0 {
                    return Err(state.exhausted(0.0));
                }
                state.share()
            }
            None => 0.0,
        };
        let loaded = bundle::loaded(self.env, config, self.context).await?;
        let session = auth::session(self.request, self.caller)?;
        let assigned = self.assigned(session.as_deref()).await;
        let tries = assigned.as_ref().is_some_and(Assigned::gets_candidate_bundle);
        let loaded = bundle::candidate().filter(|_| tries).unwrap_or(loaded);
        let text = source.text()?;
        source.pause().await;
        check_bounds(&text)?;
        source.pause().await;
        let body = Rc::new(RequestBody::new(dialect, &text, &loaded.manifest)?);
        source.pause().await;
        let session = match session {
            Some(session) => Some(Ledger::of_session(self.env, self.caller.name, &session)?),
            None => None,
        };
        let pinned = match &session {
            Some(session) => session.pinned().await?,
            None => None,
        };
        let options = self.options()?;
        let mode = self.mode(assigned.as_ref());
        let planner = self.planner(&loaded, &options, budget_used, pinned.as_deref());
        let planner = Planner { mode, ..planner };
        let plan = Rc::new(planner.plan(&body, &text)?);
        let history = Rc::new(match dialect {
            Dialect::Messages => History::read(&text),
            _ => History::default(),
        });
        drop(text);
        source.pause().await;
        let prices = |model: &str| loaded.prices(config, model, dialect);
        let first = prices(&plan.chain[0]).shown;
        let estimate = first.map(|prices| prices.estimate(plan.input_tokens, plan.output_tokens));
        let first = config.upstreams.get(&plan.chain[0]);
        let own_keys = OwnKeys {
            keys: auth::caller_keys(self.request, config)?,
            first_origin: first.and_then(Upstream::origin),
        };
        // Only a budget bounds what a request may use; otherwise the upstream checks it.
        let budget = match budget {
            Some((ledger, budget)) => {
                let demand = Demand::new(&body)?;
                let models = plan.chain.iter().chain(&plan.escalate_to);
                let (usd, least) = self.bound(models, &demand, &prices, &own_keys)?;
                Some((Reservation::new(ledger, budget, usd, least).await?, demand))
            }
            None => None,
        };
        let spending = Spending {
            budget,
            input_tokens: plan.input_tokens as u64,
            context_window: &|model| planner.context_window(model),
            prices: &prices,
            costs: Costs::default(),
        };
        let mut record = self.record(dialect.path(), &plan, &loaded, estimate);
        record.mode = mode;
        log::identify(self.env, self.caller.key, &mut record).await;
        if let Some(assigned) = assigned.filter(|_| record.is_routed()) {
            assigned.note(self.env, &mut record).await;
        }
        let request = CallRequest {
            body: &body,
            source: &source,
            history: &history,
            plan: &plan,
            own_keys: &own_keys,
            passthrough: None,
        };
        let parts =
            Parts { loaded: &loaded, body: &body, source: &source, history: &history, plan: &plan };
        let after = AfterAnswer {
            record,
            session,
            shadow: self.shadow(&parts, first.is_some_and(|first| own_keys.of(first).is_some())),
            chosen_prices: plan.chosen.as_ref().and_then(|(model, _)| prices(model).shown),
        };
        self.call(&request, spending, after).await
    }

    /// Whether routing's choice is called for this caller.
    pub(super) fn mode(&self, assigned: Option<&Assigned>) -> Mode {
        let of_key = self.caller.key.and_then(|key| key.mode);
        let of_arm = assigned.and_then(Assigned::mode);
        of_key.or(of_arm).unwrap_or(self.config.settings.mode)
    }

    /// What a request may cost at the dearest of its models, and the least for which its first model is
    /// worth calling, in US dollars.
    fn bound<'m>(
        &self,
        models: impl Iterator<Item = &'m String>,
        demand: &Demand,
        prices: &dyn Fn(&str) -> ModelPrices,
        own_keys: &OwnKeys,
    ) -> Result<(f64, f64), GatewayError> {
        let (mut most, mut least) = (0.0_f64, None);
        for model in models {
            let unknown = || GatewayError::PriceUnknown { model: model.clone() };
            let upstream = self.config.upstreams.get(model).ok_or_else(unknown)?;
            if own_keys.of(upstream).is_some() {
                least.get_or_insert(0.0);
                continue;
            }
            let bound = demand.at(upstream, &prices(model).budget.ok_or_else(unknown)?);
            most = most.max(bound.usd());
            least.get_or_insert(bound.least_usd());
        }
        Ok((most, least.unwrap_or_default()))
    }

    /// Who calls, for the circuit breakers: a caller without a key by its address.
    pub(super) fn caller_id(&self) -> CallerId<'_> {
        match self.caller.key {
            Some(key) => CallerId::Key(&key.name),
            None => CallerId::Open(self.address),
        }
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
            permissions: Permissions {
                manifest: &loaded.manifest,
                upstreams: &self.config.upstreams,
                settings: &self.config.settings,
                key: self.caller.key,
                has_keys: !self.config.keys.is_empty(),
                options,
            },
            caller: self.caller_id(),
            engine: loaded,
            budget_used,
            pinned,
            mode: self.mode(None),
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

    /// Calls the models of a plan, and responds.
    ///
    /// # Errors
    /// `inference_failed` if the runtime refuses the response.
    pub(super) async fn call(
        &self,
        request: &CallRequest<'_>,
        mut spending: Spending<'_>,
        after: AfterAnswer,
    ) -> Result<Response, GatewayError> {
        let Config { settings, upstreams, .. } = &**self.config;
        let CallRequest { body, source, history, plan, own_keys, passthrough } = *request;
        let AfterAnswer { mut record, session, shadow, chosen_prices } = after;
        let begin = now();
        let upstream_request = UpstreamRequest {
            env: self.env,
            request: self.request,
            body,
            source,
            history,
            references: &plan.references,
            passthrough,
            routed: plan.routed,
            counts_tokens: false,
            id: self.id,
            timeouts: settings.timeouts,
            deadline: begin + f64::from(settings.timeouts.total_ms),
            begun: begin,
            caller: self.caller_id(),
            own_keys,
            restricted: plan.restricted,
        };
        let kept = match (&plan.escalate_to, &shadow) {
            (Some(_), _) => Kept::ToCheck,
            (None, Some(_)) => Kept::ToCompare,
            (None, None) => Kept::No,
        };
        let chain = &plan.chain;
        let first =
            call_chain(&upstream_request, chain, upstreams, settings, &mut spending, kept).await;
        let served = match &plan.escalate_to {
            Some(to) => {
                let (served, note) =
                    self.check_cascade(&upstream_request, first, to, &mut spending).await;
                record.cascade = Some(note);
                served
            }
            None => first,
        };
        let Spending { budget, input_tokens, prices, costs, .. } = spending;
        let callers_key =
            upstreams.get(&served.model).is_some_and(|upstream| own_keys.of(upstream).is_some());
        let settlement = Settlement {
            env: self.env.clone(),
            config: Rc::clone(self.config),
            record,
            reservation: budget.map(|(reservation, _)| reservation),
            session,
            shadow,
            chosen_prices,
            costs,
            prices: prices(&served.model),
            callers_key,
            input_tokens,
            started: self.started,
        };
        self.respond(served, plan, settlement)
    }

    /// Checks a cheaper model's answer, and calls `to` if it fails.
    async fn check_cascade(
        &self,
        upstream_request: &UpstreamRequest<'_>,
        first: ChainResult,
        to: &str,
        spending: &mut Spending<'_>,
    ) -> (ChainResult, CascadeRecord) {
        let Config { settings, upstreams, .. } = &**self.config;
        let check = settings.cascade.as_ref().map(|cascade| &cascade.check);
        let (failed, outcome) = match (&first.reply, check) {
            (Ok(Reply::Whole { content, .. }), Some(check)) => {
                (failed_rule(content, check, upstream_request.body.wants_json()), "accepted")
            }
            // It is too long to be held back, and is passed on.
            (Ok(Reply::Stream { .. }), _) => (None, "unchecked"),
            _ => (Some("answered"), ""),
        };
        let mut note = CascadeRecord {
            outcome: outcome.into(),
            failed_rule: failed.map(str::to_owned),
            first_model: first.model.clone(),
            first_ms: now() - self.started,
            first_cost: spending.costs.shown,
        };
        if failed.is_none() {
            return (first, note);
        }
        let stronger = [to.to_owned()];
        let second =
            call_chain(upstream_request, &stronger, upstreams, settings, spending, Kept::No).await;
        let calls = first.calls + second.calls;
        let kept = second.reply.is_err() && first.reply.is_ok();
        note.outcome = if kept { "kept" } else { "escalated" }.into();
        (ChainResult { calls, ..if kept { first } else { second } }, note)
    }
}
