//! Errors of translating a stream.

use pointsman::{bounded, quoted};

/// Why a translated stream ends early.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StreamError {
    /// The upstream reports an error within its stream.
    #[error("the upstream ended its answer with the error {kind}: {message}. Try again", kind = quoted(.kind), message = bounded(.message))]
    Upstream {
        /// The HTTP status that belongs to the error.
        status: u16,
        /// The error's type, as the upstream names it.
        kind: String,
        /// The upstream's message.
        message: String,
    },
    /// An event is not JSON, lacks a field or is out of order.
    #[error(
        "the upstream's event {event} is malformed: found {found}, expected {expected}. Try again, or choose another model", event = quoted(.event), found = bounded(.found)
    )]
    Malformed { event: String, found: String, expected: &'static str },
    /// The body ended before the answer was complete.
    #[error(
        "the upstream's stream ended early: found its end, expected {expected}. Try again, or choose another model"
    )]
    Cut { expected: &'static str },
}

impl StreamError {
    pub(crate) fn malformed(
        event: impl Into<String>,
        found: impl Into<String>,
        expected: &'static str,
    ) -> Self {
        Self::Malformed { event: event.into(), found: found.into(), expected }
    }

    /// The HTTP status, used if no byte of the answer has been sent yet.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Upstream { status, .. } => *status,
            Self::Malformed { .. } | Self::Cut { .. } => 502,
        }
    }
}
