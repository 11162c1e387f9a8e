//! Runs a request: calls its models with retries and fallbacks until one answers.

use std::time::Duration;

use worker::Delay;

use super::call::{Failure, Outgoing, Refusal, Reply};
use super::javascript::{now, random};
use super::state;
use crate::config::{Settings, Upstreams};
use crate::course::{Course, Fault, Step};
use crate::error::GatewayError;

/// The result of a run.
pub(super) struct Served {
    /// The model that answered, or that failed last.
    pub(super) model: String,
    /// The answer, or the error for the client.
    pub(super) reply: Result<Reply, Refusal>,
    /// The number of upstream calls.
    pub(super) calls: u32,
}

/// Calls the models of `chain` in order until one answers.
pub(super) async fn run(
    outgoing: &Outgoing<'_>,
    chain: &[String],
    upstreams: &Upstreams,
    settings: &Settings,
    checked: bool,
) -> Served {
    let mut course = Course::new(chain.len(), settings.retries);
    let mut at = 0;
    let mut last: Option<(String, Refusal)> = None;
    loop {
        let model = &chain[at];
        let upstream = match upstreams.get(model) {
            Some(upstream) if admitted(model, settings) => upstream,
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
                match course.next() {
                    Step::Call { upstream, .. } => at = upstream,
                    Step::End => break,
                }
                continue;
            }
        };
        course.called();
        let Failure { fault, answer } = match outgoing.call(model, upstream, checked).await {
            Ok(reply) => {
                state::breakers(|breakers| breakers.succeeded(model));
                return Served { model: model.clone(), reply: Ok(reply), calls: course.calls() };
            }
            Err(failure) => failure,
        };
        let upstreams_fault = match fault {
            Fault::NoAnswer => !outgoing.is_unwanted(),
            Fault::Status { status, .. } => status >= 500 || status == 408,
        };
        state::breakers(|breakers| match upstreams_fault {
            true => breakers.failed(model, now(), settings.breaker),
            false => breakers.succeeded(model),
        });
        last = Some((model.clone(), answer));
        if outgoing.is_unwanted() {
            break;
        }
        match course.after(fault, random()) {
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
    Served { model, reply: Err(refusal), calls: course.calls() }
}

fn admitted(model: &str, settings: &Settings) -> bool {
    state::breakers(|breakers| breakers.admits(model, now(), settings.breaker))
}
