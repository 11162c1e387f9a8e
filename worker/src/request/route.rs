//! `POST /v1/route`: decides for one request or a batch, and calls no upstream.
//!
//! ```text
//! {"query": "What is 2 + 2?", "policy": {"threshold": 0.5}}  ->  {"model": "small", "winRate": 0.21, ...}
//! {"batch": [{"query": "a"}, {"query": ""}]}                 ->  {"results": [{"model": ...}, {"error": {...}}]}
//! ```
//! A request is the engine's [`RouteRequest`], a result its `Decision`.

use pointsman::{RouteRequest, RouterError};
use serde_json::Value;

use super::json::json_error;
use crate::error::GatewayError;

/// The most requests in a batch.
const MAX_BATCH: usize = 256;

/// A parsed body.
#[derive(Debug, PartialEq)]
pub(crate) enum RouteBody {
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
pub(crate) fn parse_route_body(body: &str) -> Result<RouteBody, GatewayError> {
    let Ok(Value::Object(fields)) = serde_json::from_str(body) else {
        return Ok(RouteBody::One(request(body)?));
    };
    let Some(batch) = fields.get("batch") else {
        return Ok(RouteBody::One(request(body)?));
    };
    let ill_formed = |detail: String| GatewayError::from(RouterError::RequestIllFormed { detail });
    if let Some(other) = fields.keys().find(|field| *field != "batch") {
        return Err(ill_formed(format!("unexpected field {other:?} beside \"batch\"")));
    }
    match batch.as_array() {
        Some(requests) if requests.len() <= MAX_BATCH => {
            Ok(RouteBody::Batch(requests.iter().map(|one| request(&one.to_string())).collect()))
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
            (RouterError::RequestIllFormed { .. }, Err(e)) => json_error(&e),
            _ => error.into(),
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_request_carries_query_and_policy() {
        let RouteBody::One(request) =
            parse_route_body(r#"{"query": "Hello", "policy": {"strongShare": 0.5}}"#).unwrap()
        else {
            unreachable!()
        };
        assert_eq!(request.query.newest(), "Hello");
        assert_eq!(request.policy.strong_share, Some(0.5));
    }

    #[test]
    fn a_batch_keeps_its_order_and_each_requests_error() {
        let RouteBody::Batch(found) =
            parse_route_body(r#"{"batch": [{"query": "a"}, {"query": " "}, 7, {"query": "b"}]}"#)
                .unwrap()
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
            assert_eq!(parse_route_body(body).unwrap_err().code(), code, "{body}");
        }
    }
}
