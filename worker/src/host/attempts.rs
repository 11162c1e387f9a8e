//! Calls a request's models with retries and fallbacks until one answers.

use std::time::Duration;

use worker::Delay;

use super::isolate;
use super::js::{now, random};
use super::upstream_call::{Failure, Refusal, Reply, UpstreamRequest};
use crate::config::{Settings, Upstreams};
use crate::error::GatewayError;
use crate::upstream::retry::{Fault, RetryState, Step};

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
    let mut state = RetryState::new(chain.len(), settings.retries);
    let mut at = 0;
    let mut last: Option<(String, Refusal)> = None;
    loop {
        let model = &chain[at];
        let upstream = match upstreams.get(model) {
            Some(upstream) if breaker_admits(model, settings) => upstream,
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
                isolate::breakers(|breakers| breakers.succeeded(model));
                return ChainResult {
                    model: model.clone(),
                    reply: Ok(reply),
                    calls: state.calls(),
                };
            }
            Err(failure) => failure,
        };
        let upstreams_fault = match fault {
            Fault::NoAnswer => !upstream_request.client_is_gone(),
            Fault::Status { status, .. } => status >= 500 || status == 408,
        };
        isolate::breakers(|breakers| match upstreams_fault {
            true => breakers.failed(model, now(), settings.breaker),
            false => breakers.succeeded(model),
        });
        last = Some((model.clone(), answer));
        if upstream_request.client_is_gone() {
            break;
        }
        match state.after(fault, random()) {
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

fn breaker_admits(model: &str, settings: &Settings) -> bool {
    isolate::breakers(|breakers| breakers.admits(model, now(), settings.breaker))
}
