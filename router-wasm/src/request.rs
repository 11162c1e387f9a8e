//! A routing request as JSON, from JavaScript and of `POST /v1/route`.
//!
//! ```
//! use pointsman::RouteRequest;
//! let request = RouteRequest::from_json(
//!     r#"{"query": "What is the capital of France?", "policy": {"strongShare": 0.2}}"#,
//! )
//! .unwrap();
//! assert_eq!(request.policy.strong_share, Some(0.2));
//! ```

use serde::Deserialize;

use crate::error::RouterError;
use crate::policy::Policy;
use crate::query::{Message, Query};

/// A query and a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteRequest {
    /// What to route, from `query` or `messages`.
    pub query: Query,
    /// How to decide; the bundle's default where absent.
    pub policy: Policy,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    query: Option<String>,
    messages: Option<Vec<Message>>,
    policy: Option<Policy>,
}

impl RouteRequest {
    /// Reads a request. A lone surrogate, which JSON can carry and UTF-8 cannot, is an ill-formed
    /// query.
    ///
    /// # Errors
    /// [`RouterError::RequestIllFormed`], and those of [`Query::new`] and
    /// [`Query::from_messages`].
    pub fn from_json(json: &str) -> Result<Self, RouterError> {
        // serde would read a list as the struct's fields in order.
        if !json.trim_start().starts_with('{') {
            let detail = "it is not a JSON object".into();
            return Err(RouterError::RequestIllFormed { detail });
        }
        let wire: Wire = serde_json::from_str(json).map_err(|e| {
            let ill_formed = || RouterError::RequestIllFormed { detail: e.to_string() };
            lone_surrogate(&e).unwrap_or_else(ill_formed)
        })?;
        let ill_formed = |detail: &str| RouterError::RequestIllFormed { detail: detail.into() };
        let query = match (wire.query, wire.messages) {
            (Some(text), None) => Query::new(text)?,
            (None, Some(messages)) => Query::from_messages(&messages)?,
            (Some(_), Some(_)) => {
                return Err(ill_formed("both \"query\" and \"messages\" are given"));
            }
            (None, None) => return Err(ill_formed("neither \"query\" nor \"messages\" is given")),
        };
        Ok(Self { query, policy: wire.policy.unwrap_or_default() })
    }
}

/// Makes the error of a query from a JSON parser's error about a lone surrogate, which JSON can carry
/// and UTF-8 cannot; none for any other error.
#[must_use]
pub fn lone_surrogate(error: &serde_json::Error) -> Option<RouterError> {
    let detail = error.to_string();
    // serde_json's errors have no code for this case.
    let lone = ["surrogate", "unexpected end of hex escape"];
    lone.iter()
        .any(|part| detail.contains(part))
        .then(|| RouterError::QueryIllFormed { detail: format!("lone surrogate ({detail})") })
}
