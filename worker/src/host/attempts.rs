//! Calls a request's models with retries and fallbacks until one answers.

use std::time::Duration;

use worker::Delay;

use super::auth;
use super::isolate;
use super::js::{header, now, random};
use super::upstream_call::{Failure, Refusal, Reply, UpstreamRequest};
use crate::config::{Api, Settings, Upstreams};
use crate::error::GatewayError;
use crate::translate::workers_ai::error_status;
use crate::upstream::breaker::{CallerId, Outcome};
use crate::upstream::retry::{Fault, RetryState, Step, TimeLimits};

/// The result of calling a chain of models.
pub(super) struct ChainResult {
    /// The model that answered, or that failed last.
    pub(super) model: String,
    /// The answer, or the error for the client.
    pub(super) reply: Result<Reply, Refusal>,
    /// The number of upstream calls.
    pub(super) calls: u32,
}

/// Calls the models of `chain` in order until one answers.
pub(super) async fn call_chain(
    upstream_request: &UpstreamRequest<'_>,
    chain: &[String],
    upstreams: &Upstreams,
    settings: &Settings,
    checked: bool,
) -> ChainResult {
    let mut state = RetryState::new(chain.len(), settings.retries, TimeLimits::default());
    let started = now();
    let config = isolate::config(upstream_request.env).ok();
    let address = header(upstream_request.request, "cf-connecting-ip").unwrap_or_default();
    let known = config.as_ref().and_then(|c| auth::caller(upstream_request.request, c).ok());
    let caller = match known.and_then(|caller| caller.key) {
        Some(key) => CallerId::Key(&key.name),
        None => CallerId::Open(&address),
    };
    let mut at = 0;
    let mut last: Option<(String, Refusal)> = None;
    loop {
        let model = &chain[at];
        let upstream = match upstreams.get(model) {
            Some(upstream) if breaker_admits(model, caller, settings) => upstream,
            found => {
                let candidate = model.clone();
                let error = match found {
                    Some(_) => GatewayError::UpstreamsResting {
                        candidate,
                        seconds: settings.breaker.open_ms.div_ceil(1000),
                    },
                    None => GatewayError::UpstreamNotConfigured { candidate },
                };
                // An error of an upstream called before says more than this one.
                last.get_or_insert((model.clone(), Refusal::Own(error)));
                match state.next() {
                    Step::Call { upstream, .. } => at = upstream,
                    Step::End => break,
                }
                continue;
            }
        };
        state.count_call();
        let Failure { fault, answer } = match upstream_request.call(model, upstream, checked).await
        {
            Ok(reply) => {
                record(model, caller, Outcome::Answered, settings);
                return ChainResult {
                    model: model.clone(),
                    reply: Ok(reply),
                    calls: state.calls(),
                };
            }
            Err(failure) => failure,
        };
        let (fault, answer) = match upstream.api {
            Api::WorkersAi => by_number(fault, answer),
            Api::Openai | Api::Anthropic => (fault, answer),
        };
        let fault = match &answer {
            Refusal::Own(error) => Fault::of_error(error).unwrap_or(fault),
            Refusal::Upstream { .. } => fault,
        };
        let outcome = match upstream_request.client_is_gone() {
            true => Outcome::Unknown,
            false => fault.outcome(),
        };
        record(model, caller, outcome, settings);
        last = Some((model.clone(), answer));
        if upstream_request.client_is_gone() {
            break;
        }
        match state.after(fault, random(), (now() - started) as u64) {
            Step::Call { upstream, wait_ms } => {
                if wait_ms > 0 {
                    Delay::from(Duration::from_millis(wait_ms)).await;
                }
                at = upstream;
            }
            Step::End => break,
        }
    }
    let (model, refusal) = last.unwrap_or_else(|| {
        let candidate = chain[0].clone();
        let error = GatewayError::UpstreamNotConfigured { candidate };
        (chain[0].clone(), Refusal::Own(error))
    });
    ChainResult { model, reply: Err(refusal), calls: state.calls() }
}

/// Tells the errors of the binding `AI` apart by their number.
fn by_number(fault: Fault, answer: Refusal) -> (Fault, Refusal) {
    match answer {
        Refusal::Own(GatewayError::UpstreamBadAnswer { candidate, detail })
            if error_status(&detail) != 502 =>
        {
            let status = error_status(&detail);
            let answer = GatewayError::UpstreamError { candidate, status, detail };
            (Fault::Status { status, retry_after_ms: None }, Refusal::Own(answer))
        }
        answer => (fault, answer),
    }
}

fn breaker_admits(model: &str, caller: CallerId<'_>, settings: &Settings) -> bool {
    isolate::breakers(|breakers| breakers.admits(model, caller, now(), settings.breaker))
}

fn record(model: &str, caller: CallerId<'_>, outcome: Outcome, settings: &Settings) {
    isolate::breakers(|breakers| breakers.record(model, caller, outcome, now(), settings.breaker));
}
