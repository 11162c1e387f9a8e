//! Errors of translating a stream.

use pointsman::{bounded, quoted};

use crate::wire::upstream_error::UpstreamError;

/// Why a translated stream ends early.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StreamError {
    /// The upstream reports an error within its stream.
    #[error("the upstream ended its answer with the error {kind}: {message}. Try again", kind = quoted(.error.kind.as_deref().unwrap_or("error")), message = bounded(&.error.message))]
    Upstream {
        /// The HTTP status that belongs to the error.
        status: u16,
        /// What the upstream says.
        error: Box<UpstreamError>,
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

/// Why a stream broke off.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StreamFailure {
    /// A message for people.
    pub(crate) detail: String,
    /// The HTTP status of this error if no byte has been sent yet.
    pub(crate) status: u16,
    /// What the upstream said, if it reported an error.
    pub(crate) error: Option<Box<UpstreamError>>,
}

impl StreamFailure {
    /// A stream that cannot be read further.
    pub(crate) fn unreadable(detail: String) -> Self {
        Self { detail, status: 502, error: None }
    }
}

impl From<StreamError> for StreamFailure {
    fn from(error: StreamError) -> Self {
        let (detail, status) = (error.to_string(), error.status());
        let error = match error {
            StreamError::Upstream { error, .. } => Some(error),
            StreamError::Malformed { .. } | StreamError::Cut { .. } => None,
        };
        Self { detail, status, error }
    }
}
