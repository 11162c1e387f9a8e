//! Calls models for the gateway itself, on no caller's budget or key: an LLM whose answer is compared, and the
//! judge.
//!
//! A call goes the way of a caller's, with the same translation and the same bounds, but for a request of its
//! own, which no client ends.

use std::rc::Rc;

use worker::{Env, Headers, Request, RequestInit};

use super::attempts::{Kept, Spending, call_chain};
use super::bundle::Loaded;
use super::call_failure::Refusal;
use super::isolate::Config;
use super::js::{header, now};
use super::ledger::Reservation;
use super::request_body::Source;
use super::response::internal;
use super::upstream_answer::Reply;
use super::upstream_call::{OwnKeys, UpstreamRequest};
use crate::accounting::attempt::{Attempt, CallOutcome, Costs};
use crate::accounting::bound::{Bound, Demand};
use crate::config::Settings;
use crate::error::GatewayError;
use crate::request::body::RequestBody;
use crate::translate::anthropic::signature::History;
use crate::translate::response_ids::References;
use crate::upstream::breaker::CallerId;
use crate::upstream::headers::REQUEST_HEADERS;
use crate::wire::answer::AnswerContent;

/// The name under which the circuit breakers know the gateway's own calls: they open no circuit to a caller
/// with a key.
const CALLER: CallerId<'static> = CallerId::Open("the gateway itself");
/// How often a call that failed is repeated.
const RETRIES: u32 = 1;

/// What the gateway's own calls for one request share.
pub(super) struct OwnCalls {
    env: Env,
    config: Rc<Config>,
    loaded: Rc<Loaded>,
    settings: Settings,
    request: Request,
    id: String,
    deadline: f64,
}

/// A request to a model.
pub(super) struct Asked<'a> {
    pub(super) model: &'a str,
    pub(super) body: &'a RequestBody,
    pub(super) source: &'a Source,
    pub(super) history: &'a History,
    pub(super) references: &'a References,
    /// The estimated input tokens.
    pub(super) input_tokens: u64,
}

/// What came of it.
pub(super) struct OwnAnswer {
    /// The answer, or the code of the error.
    pub(super) answer: Result<AnswerContent, String>,
    /// What it cost in US dollars, for the cap.
    pub(super) charged: f64,
    /// What the log shows of that.
    pub(super) shown: Option<f64>,
    /// How long it took, in milliseconds.
    pub(super) ms: f64,
}

impl OwnCalls {
    /// Prepares calls that copy what `request` states beside its body.
    ///
    /// # Errors
    /// `inference_failed` if the runtime refuses the request.
    pub(super) fn new(
        env: &Env,
        config: &Rc<Config>,
        loaded: &Rc<Loaded>,
        request: &Request,
        id: &str,
    ) -> Result<Self, GatewayError> {
        let headers = Headers::new();
        for name in REQUEST_HEADERS {
            if let Some(value) = header(request, name) {
                headers.set(name, &value).map_err(internal)?;
            }
        }
        let mut init = RequestInit::new();
        init.with_headers(headers);
        let url = request.url().map_err(internal)?;
        Ok(Self {
            env: env.clone(),
            config: Rc::clone(config),
            loaded: Rc::clone(loaded),
            settings: config.settings.clone(),
            request: Request::new_with_init(url.as_str(), &init).map_err(internal)?,
            id: id.to_owned(),
            deadline: f64::INFINITY,
        })
    }

    /// Limits all calls from now on together to `milliseconds`.
    pub(super) fn begin(&mut self, milliseconds: u32) {
        self.deadline = now() + f64::from(milliseconds);
        self.settings.timeouts.total_ms = milliseconds;
        self.settings.retries.most = self.settings.retries.most.min(RETRIES);
    }

    /// The most that a request may cost at a model.
    ///
    /// # Errors
    /// [`GatewayError::PriceUnknown`]; [`GatewayError::Untranslatable`] for a limit that is no number.
    pub(super) fn bound(&self, model: &str, body: &RequestBody) -> Result<Bound, GatewayError> {
        let unknown = || GatewayError::PriceUnknown { model: model.to_owned() };
        let prices = self.loaded.prices(&self.config, model, body.dialect).budget;
        let upstream = self.config.upstreams.get(model).ok_or_else(unknown)?;
        Ok(Demand::new(body)?.at(upstream, &prices.ok_or_else(unknown)?))
    }

    /// Calls a model within what is reserved for it.
    pub(super) async fn call(&self, asked: &Asked<'_>, reserved: Reservation) -> OwnAnswer {
        let begun = now();
        let failed = |code: &str| OwnAnswer {
            answer: Err(code.to_owned()),
            charged: 0.0,
            shown: Some(0.0),
            ms: now() - begun,
        };
        let demand = match Demand::new(asked.body) {
            Ok(demand) => demand,
            Err(error) => return failed(GatewayError::from(error).code()),
        };
        let own_keys = OwnKeys::default();
        let upstream_request = UpstreamRequest {
            env: &self.env,
            request: &self.request,
            body: asked.body,
            source: asked.source,
            history: asked.history,
            references: asked.references,
            passthrough: None,
            routed: true,
            counts_tokens: false,
            id: &self.id,
            timeouts: self.settings.timeouts,
            deadline: self.deadline,
            begun,
            caller: CALLER,
            own_keys: &own_keys,
            restricted: true,
        };
        let prices = |model: &str| self.loaded.prices(&self.config, model, asked.body.dialect);
        let mut spending = Spending {
            budget: Some((reserved, demand)),
            input_tokens: asked.input_tokens,
            context_window: &|model| self.loaded.context_window(&self.config, model),
            prices: &prices,
            costs: Costs::default(),
        };
        let chain = [asked.model.to_owned()];
        let upstreams = &self.config.upstreams;
        let (settings, kept) = (&self.settings, Kept::ToCheck);
        let found =
            call_chain(&upstream_request, &chain, upstreams, settings, &mut spending, kept).await;
        let mut costs = spending.costs;
        let answer = match found.reply {
            Ok(Reply::Whole { content, .. }) => Ok(content),
            Ok(Reply::Stream { translator, .. }) => {
                let (model, received) = (asked.model.to_owned(), translator.received());
                let outcome = CallOutcome::Left;
                let attempt = Attempt { model, outcome, callers_key: false, received };
                costs.add(&attempt, &prices(asked.model), asked.input_tokens);
                Err("answer_too_long".to_owned())
            }
            Ok(Reply::Bytes { .. }) => Err("upstream_bad_answer".to_owned()),
            Err(Refusal::Own(error)) => Err(error.code().to_owned()),
            Err(Refusal::Upstream { .. }) => Err("upstream_error".to_owned()),
        };
        OwnAnswer { answer, charged: costs.charged, shown: costs.shown, ms: now() - begun }
    }
}
