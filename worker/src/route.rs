//! `POST /v1/route`: the decision alone.
//!
//! ```text
//! {"query": "What is 2 + 2?", "policy": {"threshold": 0.5}}  ->  {"model": "small", "winRate": 0.21, ...}
//! ```
//! The request is the engine's [`RouteRequest`], the answer its `Decision`.

use switchyard_router::{RouteRequest, RouterError};

use crate::error::GatewayError;

/// Reads the request. A body that is no JSON at all is told apart from JSON of another shape.
///
/// # Errors
/// [`GatewayError::BodyNotJson`], and those of [`RouteRequest::from_json`].
pub(crate) fn request(body: &str) -> Result<RouteRequest, GatewayError> {
    RouteRequest::from_json(body).map_err(|error| {
        match (&error, serde_json::from_str::<serde::de::IgnoredAny>(body)) {
            (RouterError::RequestIllFormed { .. }, Err(e)) => unreadable(&e),
            _ => error.into(),
        }
    })
}

/// A parser's complaint about a body. A lone surrogate, which JSON can carry and UTF-8 cannot, is
/// an ill-formed query rather than bad JSON.
pub(crate) fn unreadable(error: &serde_json::Error) -> GatewayError {
    let detail = error.to_string();
    match detail.contains("surrogate") || detail.contains("unexpected end of hex escape") {
        true => RouterError::QueryIllFormed { detail: format!("lone surrogate ({detail})") }.into(),
        false => GatewayError::BodyNotJson { detail },
    }
}

/// The body as text.
///
/// # Errors
/// [`GatewayError::BodyNotUtf8`].
pub(crate) fn utf8(body: Vec<u8>) -> Result<String, GatewayError> {
    String::from_utf8(body)
        .map_err(|e| GatewayError::BodyNotUtf8 { at: e.utf8_error().valid_up_to() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_request_carries_query_and_policy() {
        let request = request(r#"{"query": "Hello", "policy": {"strongShare": 0.5}}"#).unwrap();
        assert_eq!(request.query.text(), "Hello");
        assert_eq!(request.policy.strong_share, Some(0.5));
    }

    #[test]
    fn bad_requests_have_codes() {
        let cases = [
            ("not json", "body_not_json"),
            (r#"{"query": "x""#, "body_not_json"),
            ("{}", "request_ill_formed"),
            (r#"{"query": 42}"#, "request_ill_formed"),
            (r#"{"query": "x", "polciy": {}}"#, "request_ill_formed"),
            (r#"{"query": " "}"#, "query_empty"),
            (r#"{"query": "\udc00"}"#, "query_ill_formed"),
            (r#"{"query": "\ud800 x"}"#, "query_ill_formed"),
            (r#"{"messages": []}"#, "messages_without_text"),
        ];
        for (body, code) in cases {
            assert_eq!(request(body).unwrap_err().code(), code, "{body}");
        }
    }

    #[test]
    fn bytes_that_are_no_utf8_are_placed() {
        assert_eq!(utf8(vec![b'{', 0xff]), Err(GatewayError::BodyNotUtf8 { at: 1 }));
    }
}
