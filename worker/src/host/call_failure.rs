//! What a failed upstream call is to the client, to retries and to the budget.

use super::upstream_body::ReadError;
use crate::accounting::attempt::CallOutcome;
use crate::config::Timeouts;
use crate::error::GatewayError;
use crate::translate::stream::StreamFailure;
use crate::translate::workers_ai::error_status;
use crate::upstream::retry::Fault;
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
}

/// An error for the client.
pub(super) enum Refusal {
    /// An error of the gateway.
    Own(GatewayError),
    /// An error of the upstream.
    Upstream { status: u16, headers: Vec<(String, String)>, body: String },
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
    Failure { fault, outcome, received: Received::default(), answer: Refusal::Own(error) }
}

/// Tells the errors of the binding `AI` apart by their number.
pub(super) fn by_number(failure: Failure) -> Failure {
    match failure.answer {
        Refusal::Own(GatewayError::UpstreamBadAnswer { candidate, detail })
            if error_status(&detail) != 502 =>
        {
            let status = error_status(&detail);
            let answer = GatewayError::UpstreamError { candidate, status, detail };
            Failure {
                fault: Fault::Status { status, retry_after_ms: None },
                outcome: CallOutcome::of_status(status),
                answer: Refusal::Own(answer),
                ..failure
            }
        }
        answer => Failure { answer, ..failure },
    }
}

pub(super) fn stream_failure(model: &str, found: StreamFailure) -> Failure {
    let StreamFailure { detail, status } = found;
    let candidate = model.to_owned();
    let answer = match status {
        400..=499 => GatewayError::UpstreamError { candidate, status, detail },
        _ => GatewayError::UpstreamBadAnswer { candidate, detail },
    };
    let fault = match status {
        502 => Fault::NoAnswer,
        status => Fault::Status { status, retry_after_ms: None },
    };
    failed(fault, CallOutcome::Failed, answer)
}
