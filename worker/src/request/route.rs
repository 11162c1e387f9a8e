//! `POST /v1/route`: decides for one request or a batch, and calls no upstream.
//!
//! ```text
//! {"query": "What is 2 + 2?", "policy": {"strongShare": 0.3}}  ->  {"model": "small", "winRate": 0.21, ...}
//! {"batch": [{"query": "a"}, {"query": ""}]}                 ->  {"results": [{"model": ...}, {"error": {...}}]}
//! ```
//! A request is the engine's [`RouteRequest`], a result its `Decision`.

use std::fmt;

use pointsman::{MAX_RATED_BYTES, RouteRequest, RouterError};
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::json::json_error;
use crate::error::GatewayError;
use crate::wire::json_bounds::{MAX_TREE_VALUES, check};

/// The longest body, in bytes: the longest text that is rated with every character escaped, and more.
pub(crate) const MAX_BODY_BYTES: usize = 2 << 20;
/// The most requests in a batch.
const MAX_BATCH: usize = 256;
/// The most text rated in all requests of a batch, in bytes: that of four single ones. Rating takes time in
/// proportion to it.
const MAX_BATCH_BYTES: usize = 4 * MAX_RATED_BYTES;

/// A parsed body.
#[derive(Debug, PartialEq)]
pub(crate) enum RouteBody {
    /// One request.
    One(RouteRequest),
    /// A batch; each request is parsed or has its own error.
    Batch(Vec<Result<RouteRequest, GatewayError>>),
}

/// A body with a field `batch`.
#[derive(Deserialize)]
struct BatchBody<'a> {
    #[serde(borrow)]
    batch: Option<&'a RawValue>,
}

/// The same, if it has no other field.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BatchAlone<'a> {
    #[serde(borrow)]
    batch: Requests<'a>,
}

/// The requests of a batch, up to one more than [`MAX_BATCH`], and their number.
struct Requests<'a>(Vec<&'a RawValue>, usize);

impl<'de: 'a, 'a> Deserialize<'de> for Requests<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Listed;
        impl<'de> Visitor<'de> for Listed {
            type Value = Requests<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of requests in \"batch\"")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let (mut requests, mut count) = (Vec::new(), 0);
                while let Some(request) = list.next_element()? {
                    count += 1;
                    if count <= MAX_BATCH {
                        requests.push(request);
                    }
                }
                Ok(Requests(requests, count))
            }
        }
        deserializer.deserialize_seq(Listed)
    }
}

/// Parses a body.
///
/// # Errors
/// [`GatewayError::BodyTooComplex`], [`GatewayError::BodyNotJson`], those of [`RouteRequest::from_json`], and `query_too_long` for a
/// batch of more than 1 MiB of text to rate; errors of a batch's requests are returned as their results.
pub(crate) fn parse_route_body(body: &str) -> Result<RouteBody, GatewayError> {
    let ill_formed = |detail: String| GatewayError::from(RouterError::RequestIllFormed { detail });
    check(body.as_bytes(), MAX_TREE_VALUES)
        .map_err(|e| GatewayError::BodyTooComplex { detail: e.to_string() })?;
    let is_object = body.trim_start().starts_with('{');
    let batch = serde_json::from_str::<BatchBody<'_>>(body).ok().filter(|_| is_object);
    if batch.is_none_or(|body| body.batch.is_none()) {
        return Ok(RouteBody::One(request(body)?));
    }
    let BatchAlone { batch: Requests(requests, count) } =
        serde_json::from_str(body).map_err(|e| ill_formed(e.to_string()))?;
    if count > MAX_BATCH {
        return Err(ill_formed(format!(
            "\"batch\" has {count} requests: expected at most {MAX_BATCH}"
        )));
    }
    let requests: Vec<_> = requests.into_iter().map(|one| request(one.get())).collect();
    let texts = requests.iter().flatten().flat_map(|request| request.query.turns());
    let bytes = texts.map(String::len).sum();
    match bytes > MAX_BATCH_BYTES {
        true => Err(RouterError::QueryTooLong { bytes, limit: MAX_BATCH_BYTES }.into()),
        false => Ok(RouteBody::Batch(requests)),
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
    fn a_batch_holds_as_much_text_as_four_requests() {
        let one = format!(r#"{{"query": "{}"}}"#, "[,".repeat(MAX_RATED_BYTES / 2));
        let body = format!(r#"{{"batch": [{one}, {one}, {one}, {one}]}}"#);
        assert!(matches!(parse_route_body(&body), Ok(RouteBody::Batch(four)) if four.len() == 4));
    }

    #[test]
    fn bad_requests_have_codes() {
        let long = format!(r#"{{"batch": [{}7]}}"#, "7,".repeat(MAX_BATCH));
        let many = format!(r#"{{"x": [{}0]}}"#, "0,".repeat(MAX_TREE_VALUES));
        let one = format!(r#"{{"query": "{}"}}"#, "x".repeat(MAX_RATED_BYTES));
        let texts = format!(r#"{{"batch": [{one}, {one}, {one}, {one}, {{"query": "x"}}]}}"#);
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
            (r#"{"batch": null}"#, "request_ill_formed"),
            (r#"{"batch": [], "policy": {}}"#, "request_ill_formed"),
            (&long, "request_ill_formed"),
            (&many, "body_too_complex"),
            (&texts, "query_too_long"),
        ];
        for (body, code) in cases {
            assert_eq!(parse_route_body(body).unwrap_err().code(), code, "{body}");
        }
    }
}
