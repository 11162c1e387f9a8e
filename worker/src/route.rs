//! `POST /v1/route`: decides for one request or a batch, and calls no upstream.
//!
//! ```text
//! {"query": "What is 2 + 2?", "policy": {"threshold": 0.5}}  ->  {"model": "small", "winRate": 0.21, ...}
//! {"batch": [{"query": "a"}, {"query": ""}]}                 ->  {"results": [{"model": ...}, {"error": {...}}]}
//! ```
//! A request is the engine's [`RouteRequest`], a result its `Decision`.

use pointsman::{RouteRequest, RouterError};
use serde_json::Value;

use crate::error::GatewayError;

/// The most requests in a batch.
const MAX_BATCH: usize = 256;

/// A parsed body.
#[derive(Debug, PartialEq)]
pub(crate) enum Asked {
    /// One request.
    One(RouteRequest),
    /// A batch; each request is parsed or has its own error.
    Batch(Vec<Result<RouteRequest, GatewayError>>),
}

/// Parses a body.
///
/// # Errors
/// [`GatewayError::BodyNotJson`] and those of [`RouteRequest::from_json`]; errors of a batch's
/// requests are returned as their results.
pub(crate) fn asked(body: &str) -> Result<Asked, GatewayError> {
    let Ok(Value::Object(fields)) = serde_json::from_str(body) else {
        return Ok(Asked::One(request(body)?));
    };
    let Some(batch) = fields.get("batch") else {
        return Ok(Asked::One(request(body)?));
    };
    let ill_formed = |detail: String| GatewayError::from(RouterError::RequestIllFormed { detail });
    if let Some(other) = fields.keys().find(|field| *field != "batch") {
        return Err(ill_formed(format!("unexpected field {other:?} beside \"batch\"")));
    }
    match batch.as_array() {
        Some(requests) if requests.len() <= MAX_BATCH => {
            Ok(Asked::Batch(requests.iter().map(|one| request(&one.to_string())).collect()))
        }
        Some(requests) => Err(ill_formed(format!(
            "\"batch\" has {} requests: expected at most {MAX_BATCH}",
            requests.len()
        ))),
        None => Err(ill_formed("\"batch\" is not a list".into())),
    }
}

/// Parses a request. Invalid JSON and JSON of another shape are different errors.
fn request(body: &str) -> Result<RouteRequest, GatewayError> {
    RouteRequest::from_json(body).map_err(|error| {
        match (&error, serde_json::from_str::<serde::de::IgnoredAny>(body)) {
            (RouterError::RequestIllFormed { .. }, Err(e)) => unreadable(&e),
            _ => error.into(),
        }
    })
}

/// Makes an error of a parser's message. A lone surrogate, which is valid JSON and not valid UTF-8, is
/// reported as an ill-formed query.
pub(crate) fn unreadable(error: &serde_json::Error) -> GatewayError {
    let detail = error.to_string();
    match detail.contains("surrogate") || detail.contains("unexpected end of hex escape") {
        true => RouterError::QueryIllFormed { detail: format!("lone surrogate ({detail})") }.into(),
        false => GatewayError::BodyNotJson { detail },
    }
}

/// Decodes a body as UTF-8.
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
        let Asked::One(request) =
            asked(r#"{"query": "Hello", "policy": {"strongShare": 0.5}}"#).unwrap()
        else {
            unreachable!()
        };
        assert_eq!(request.query.newest(), "Hello");
        assert_eq!(request.policy.strong_share, Some(0.5));
    }

    #[test]
    fn a_batch_keeps_its_order_and_each_requests_error() {
        let Asked::Batch(found) =
            asked(r#"{"batch": [{"query": "a"}, {"query": " "}, 7, {"query": "b"}]}"#).unwrap()
        else {
            unreachable!()
        };
        let codes: Vec<_> = found
            .iter()
            .map(|one| one.as_ref().map_or_else(|e| e.code(), |request| request.query.newest()))
            .collect();
        assert_eq!(codes, ["a", "query_empty", "request_ill_formed", "b"]);
    }

    #[test]
    fn bad_requests_have_codes() {
        let long = format!(r#"{{"batch": [{}7]}}"#, "7,".repeat(MAX_BATCH));
        let cases = [
            ("not json", "body_not_json"),
            (r#"{"query": "x""#, "body_not_json"),
            ("{}", "request_ill_formed"),
            ("[]", "request_ill_formed"),
            (r#"{"query": 42}"#, "request_ill_formed"),
            (r#"{"query": "x", "polciy": {}}"#, "request_ill_formed"),
            (r#"{"query": " "}"#, "query_empty"),
            (r#"{"query": "\udc00"}"#, "query_ill_formed"),
            (r#"{"query": "\ud800 x"}"#, "query_ill_formed"),
            (r#"{"messages": []}"#, "messages_without_text"),
            (r#"{"batch": {}}"#, "request_ill_formed"),
            (r#"{"batch": [], "policy": {}}"#, "request_ill_formed"),
            (&long, "request_ill_formed"),
        ];
        for (body, code) in cases {
            assert_eq!(asked(body).unwrap_err().code(), code, "{body}");
        }
    }

    #[test]
    fn bytes_that_are_no_utf8_are_placed() {
        assert_eq!(utf8(vec![b'{', 0xff]), Err(GatewayError::BodyNotUtf8 { at: 1 }));
    }
}
