//! What a failed upstream call is to the client, to retries and to the budget.

use super::upstream_body::ReadError;
use crate::accounting::attempt::CallOutcome;
use crate::config::Timeouts;
use crate::error::GatewayError;
use crate::upstream::field_adjustments::Adjustments;
use crate::upstream::retry::Fault;
use crate::wire::upstream_error::UpstreamError;
use crate::wire::usage::Received;

/// A failed call.
pub(super) struct Failure {
    /// What decides on retries and fallbacks.
    pub(super) fault: Fault,
    /// What the call costs.
    pub(super) outcome: CallOutcome,
    /// What arrived of an answer.
    pub(super) received: Received,
    /// The client's answer if no later call succeeds.
    pub(super) answer: Refusal,
    /// The adjustments with which the upstream may answer.
    pub(super) otherwise: Option<Adjustments>,
}

/// An error for the client.
pub(super) enum Refusal {
    /// An error of the gateway.
    Own(GatewayError),
    /// An error of the upstream.
    Upstream {
        status: u16,
        headers: Vec<(String, String)>,
        body: String,
        /// What the upstream says.
        said: UpstreamError,
    },
}

/// Makes an error of a body that ended early.
pub(super) fn read_failure(model: &str, error: ReadError, timeouts: Timeouts) -> GatewayError {
    let candidate = model.to_owned();
    match error {
        ReadError::TimedOut => {
            GatewayError::UpstreamTimeout { candidate, stage: "in its body", ms: timeouts.idle_ms }
        }
        ReadError::Broken(detail) => GatewayError::UpstreamBrokeOff { candidate, detail },
        ReadError::Overdue => GatewayError::TotalTimeout { ms: timeouts.total_ms },
        ReadError::TooLong(limit) => {
            let detail = format!("the answer is longer than {limit} bytes");
            GatewayError::UpstreamBadAnswer { candidate, detail }
        }
    }
}

/// Fails the call in a way that moves on to the next upstream.
pub(super) fn try_next(error: impl Into<GatewayError>) -> Failure {
    failed(Fault::NotCalled, CallOutcome::Unsent, error.into())
}

pub(super) fn no_answer(error: GatewayError) -> Failure {
    failed(Fault::NoAnswer, CallOutcome::Failed, error)
}

/// Fails a call with an error of the gateway. `fault` is for an error that does not say which it is.
fn failed(fault: Fault, outcome: CallOutcome, error: GatewayError) -> Failure {
    let fault = Fault::of_error(&error).unwrap_or(fault);
    let answer = Refusal::Own(error);
    Failure { fault, outcome, received: Received::default(), answer, otherwise: None }
}
