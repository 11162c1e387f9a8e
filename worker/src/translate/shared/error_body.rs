//! Translates errors between OpenAI's and Anthropic's shape.
//!
//! ```text
//! {"type": "error", "error": {"type": "overloaded_error", "message": "Busy"}}, 529
//! <-> {"error": {"message": "Busy", "type": "server_error", "param": null, "code": "overloaded_error"}}, 503
//! ```
//!
//! | Anthropic type | status | OpenAI status | OpenAI type |
//! | --- | --- | --- | --- |
//! | `invalid_request_error` | 400 | 400 | `invalid_request_error` |
//! | `authentication_error` | 401 | 401 | `authentication_error` |
//! | `billing_error` | 402 | 402 | `insufficient_quota` |
//! | `permission_error` | 403 | 403 | `permission_error` |
//! | `not_found_error` | 404 | 404 | `invalid_request_error` |
//! | `conflict_error` | 409 | 409 | `invalid_request_error` |
//! | `request_too_large` | 413 | 413 | `invalid_request_error` |
//! | `rate_limit_error` | 429 | 429 | `rate_limit_error` |
//! | `api_error` | 500 | 500 | `server_error` |
//! | `timeout_error` | 504 | 504 | `server_error` |
//! | `overloaded_error` | 529 | 503 | `server_error` |
//!
//! OpenAI's `code` is the Anthropic type. Other statuses stay: 4xx as `invalid_request_error`, 5xx
//! as `server_error` and `api_error`. Towards Anthropic, OpenAI's `insufficient_quota` (429 there)
//! is `billing_error` 402, so that clients do not retry in vain, and 408 is `timeout_error`. Types and
//! messages of an upstream are shortened.
//!
//! Of a request that is longer than the context window clients read OpenAI's `code`
//! `context_length_exceeded`, or Anthropic's `invalid_request_error` with the words "prompt is too long":
//! these are added where the upstream says the same in other words.

use serde_json::{Value, json};

use super::stream_error::StreamError;
use crate::request::endpoint::Dialect;
use crate::wire::context_overflow::{ANTHROPIC_WORDS, OPENAI_CODE, is_context_overflow};
use crate::wire::upstream_error::UpstreamError;

/// The most characters of an upstream's message that are passed on.
const MESSAGE_CHARACTERS: usize = 8192;
/// The most characters of an upstream's error type that are passed on.
const KIND_CHARACTERS: usize = 100;
/// The code of an upstream's error that has none.
const NO_CODE: &str = "upstream_error";

/// Anthropic's type, Anthropic's status, OpenAI's status, OpenAI's type.
const ERRORS: [(&str, u16, u16, &str); 11] = [
    ("invalid_request_error", 400, 400, "invalid_request_error"),
    ("authentication_error", 401, 401, "authentication_error"),
    ("billing_error", 402, 402, "insufficient_quota"),
    ("permission_error", 403, 403, "permission_error"),
    ("not_found_error", 404, 404, "invalid_request_error"),
    ("conflict_error", 409, 409, "invalid_request_error"),
    ("request_too_large", 413, 413, "invalid_request_error"),
    ("rate_limit_error", 429, 429, "rate_limit_error"),
    ("api_error", 500, 500, "server_error"),
    ("timeout_error", 504, 504, "server_error"),
    ("overloaded_error", 529, 503, "server_error"),
];

/// Writes an upstream's error for a client of OpenAI's API, with its status there. `upstream` is the API of
/// the upstream: Anthropic's names of errors have statuses of their own.
pub(crate) fn error_to_openai(
    status: u16,
    error: &UpstreamError,
    upstream: Dialect,
) -> (u16, Value) {
    let told = error.kind.as_deref().map(|kind| cut(kind, KIND_CHARACTERS));
    let by_status = || ERRORS.iter().find(|(_, anthropics, ..)| *anthropics == status);
    let (status, kind, code) = match upstream {
        Dialect::Messages => {
            let known = ERRORS.iter().find(|(name, ..)| told == Some(name)).or_else(by_status);
            match known {
                Some((name, _, status, kind)) => (*status, *kind, told.unwrap_or(name)),
                None if status < 500 => {
                    (status, "invalid_request_error", told.unwrap_or("invalid_request_error"))
                }
                None => (status, "server_error", told.unwrap_or("api_error")),
            }
        }
        _ => {
            let own = match by_status() {
                Some((.., kind)) => kind,
                None if status < 500 => "invalid_request_error",
                None => "server_error",
            };
            let code = error.code.as_deref().map(|code| cut(code, KIND_CHARACTERS));
            (status, told.unwrap_or(own), code.unwrap_or(NO_CODE))
        }
    };
    let overflow = status < 500 && is_context_overflow(error);
    let (kind, code) = match overflow {
        true => ("invalid_request_error", OPENAI_CODE),
        false => (kind, code),
    };
    let param = error.fields.first().map(|field| cut(field, KIND_CHARACTERS));
    let message = message(error, status);
    let body = json!({"message": message, "type": kind, "param": param, "code": code});
    (status, json!({"error": body}))
}

/// Writes an error of OpenAI's shape, or of another that is not Anthropic's, for a client of Anthropic's API.
pub(crate) fn error_to_anthropic(status: u16, error: &UpstreamError) -> (u16, Value) {
    let out_of_quota =
        [&error.code, &error.kind].iter().any(|v| v.as_deref() == Some("insufficient_quota"));
    let overflow = status < 500 && is_context_overflow(error);
    let (status, kind) = match status {
        _ if out_of_quota => (402, "billing_error"),
        _ if overflow => (400, "invalid_request_error"),
        408 => (504, "timeout_error"),
        503 => (529, "overloaded_error"),
        _ => match ERRORS.iter().find(|(_, anthropics, ..)| *anthropics == status) {
            Some((name, ..)) => (status, *name),
            None if status < 500 => (status, "invalid_request_error"),
            None => (status, "api_error"),
        },
    };
    let message = match message(error, status) {
        message if overflow && !message.to_lowercase().contains(ANTHROPIC_WORDS) => {
            format!("{ANTHROPIC_WORDS}: {message}")
        }
        message => message,
    };
    (status, json!({"type": "error", "error": {"type": kind, "message": message}}))
}

/// Reads an error event of a stream, Anthropic's or OpenAI's.
pub(crate) fn error_in_stream(data: &Value) -> StreamError {
    let error = UpstreamError::of(data);
    StreamError::Upstream { status: status_of(&error), error: Box::new(error) }
}

/// The HTTP status of an error in a stream or in an answer of status 200.
pub(crate) fn status_of(error: &UpstreamError) -> u16 {
    let kind = error.kind.as_deref().or(error.code.as_deref());
    let named =
        ERRORS.iter().find(|(name, ..)| Some(*name) == kind).map(|(_, _, status, _)| *status);
    let overflow = || is_context_overflow(error).then_some(400);
    error.status.or(named).or_else(overflow).unwrap_or(502)
}

/// The upstream's message.
fn message(error: &UpstreamError, status: u16) -> String {
    match error.message.as_str() {
        "" => format!("the upstream answered with status {status} and no message. Try again"),
        text => cut(text, MESSAGE_CHARACTERS).to_owned(),
    }
}

/// The beginning of a text, at most `most` characters.
fn cut(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &Value) -> UpstreamError {
        UpstreamError::read(&body.to_string()).unwrap_or_default()
    }

    fn from_anthropic(status: u16, body: &Value) -> (u16, Value) {
        error_to_openai(status, &read(body), Dialect::Messages)
    }

    #[test]
    fn a_long_error_is_shortened() {
        let long = "é".repeat(1 << 20);
        let body = json!({"error": {"type": long, "message": long, "code": long, "param": long}});
        let error = UpstreamError::of(&body);
        for upstream in [Dialect::Messages, Dialect::Chat] {
            let (_, openai) = error_to_openai(400, &error, upstream);
            assert!(openai.to_string().len() < 3 * MESSAGE_CHARACTERS);
        }
        let (_, anthropic) = error_to_anthropic(400, &error);
        assert!(anthropic.to_string().len() < 3 * MESSAGE_CHARACTERS);
        assert!(error_in_stream(&body).to_string().len() < 4096);
    }

    #[test]
    fn every_kind_goes_there_and_back() {
        for (kind, anthropics, openais, openai_kind) in ERRORS {
            let error = json!({"type": "error", "error": {"type": kind, "message": "So."},
                               "request_id": "req_1"});
            let (status, body) = from_anthropic(anthropics, &error);
            assert_eq!(status, openais);
            assert_eq!(
                body["error"],
                json!({"message": "So.", "type": openai_kind, "param": null, "code": kind})
            );
            let (status, body) = error_to_anthropic(status, &read(&body));
            assert_eq!((status, &body["type"]), (anthropics, &json!("error")));
            assert_eq!(body["error"], json!({"type": kind, "message": "So."}));
        }
    }

    #[test]
    fn an_error_without_words_is_translated_by_its_status() {
        let none = UpstreamError::default();
        let (status, body) = error_to_openai(529, &none, Dialect::Messages);
        assert_eq!((status, &body["error"]["code"]), (503, &json!("overloaded_error")));
        assert!(body["error"]["message"].as_str().is_some_and(|m| m.contains("503")));
        let (status, body) = error_to_openai(418, &none, Dialect::Messages);
        assert_eq!((status, &body["error"]["type"]), (418, &json!("invalid_request_error")));
        let (status, body) = error_to_openai(599, &none, Dialect::Messages);
        assert_eq!((status, &body["error"]["type"]), (599, &json!("server_error")));
    }

    #[test]
    fn an_unknown_error_type_is_passed_on_as_code() {
        let (status, body) = from_anthropic(422, &json!({"error": {"type": "new_error"}}));
        assert_eq!((status, &body["error"]["code"]), (422, &json!("new_error")));
    }

    #[test]
    fn other_shapes_become_openais_with_their_status_and_names() {
        let body = json!({"detail": [{"loc": ["body", "n"], "msg": "Too many"}]});
        let (status, openai) = error_to_openai(422, &read(&body), Dialect::Chat);
        let expected = json!({"error": {"message": "body.n: Too many", "type": "invalid_request_error",
                                        "param": "body.n", "code": "upstream_error"}});
        assert_eq!((status, openai), (422, expected));
        let google =
            json!([{"error": {"code": 429, "message": "Slow", "status": "RESOURCE_EXHAUSTED"}}]);
        let (status, openai) = error_to_openai(429, &read(&google), Dialect::Chat);
        let error = &openai["error"];
        assert_eq!((status, &error["type"]), (429, &json!("rate_limit_error")));
        assert_eq!(error["code"], "RESOURCE_EXHAUSTED");
    }

    #[test]
    fn openais_statuses_have_anthropics_names() {
        let cases = [
            (408, json!({"error": {"message": "Slow"}}), 504, "timeout_error"),
            (422, json!({"detail": "Odd"}), 422, "invalid_request_error"),
            (502, json!({"error": "Broken"}), 502, "api_error"),
            (503, json!({"message": "Busy"}), 529, "overloaded_error"),
            (429, json!({"error": {"code": "insufficient_quota"}}), 402, "billing_error"),
            (429, Value::Null, 429, "rate_limit_error"),
        ];
        for (given, body, status, kind) in cases {
            let (found, translated) = error_to_anthropic(given, &read(&body));
            assert_eq!((found, &translated["error"]["type"]), (status, &json!(kind)), "{body}");
            assert!(translated["error"]["message"].as_str().is_some_and(|m| !m.is_empty()));
        }
    }

    #[test]
    fn an_overflow_is_recognisable_to_both_kinds_of_client() {
        let words = "This model's maximum context length is 4096 tokens.";
        for (status, body) in [(400, json!({"detail": words})), (413, json!({"error": words}))] {
            let error = read(&body);
            let (_, openai) = error_to_openai(status, &error, Dialect::Chat);
            assert_eq!(openai["error"]["code"], "context_length_exceeded");
            assert_eq!(openai["error"]["message"], words);
            let (status, anthropic) = error_to_anthropic(status, &error);
            assert_eq!(
                (status, &anthropic["error"]["type"]),
                (400, &json!("invalid_request_error"))
            );
            let expected = format!("prompt is too long: {words}");
            assert_eq!(anthropic["error"]["message"], expected);
        }
        let anthropics = json!({"type": "error", "error": {"type": "invalid_request_error",
            "message": "prompt is too long: 210000 tokens > 200000 maximum"}});
        let (status, openai) = from_anthropic(400, &anthropics);
        assert_eq!((status, &openai["error"]["code"]), (400, &json!("context_length_exceeded")));
        let (_, again) = error_to_anthropic(400, &read(&anthropics));
        assert_eq!(again["error"], anthropics["error"]);
    }

    #[test]
    fn an_error_in_a_stream_has_the_status_it_would_have_had() {
        let of = |data: Value| {
            let error = error_in_stream(&data);
            (error.status(), error.to_string())
        };
        let (status, text) = of(json!({"type": "error", "error":
            {"type": "overloaded_error", "message": "Busy"}}));
        assert_eq!(status, 503);
        assert!(text.contains("overloaded_error") && text.contains("Busy"));
        assert_eq!(of(json!({"error": {"code": 429, "message": "x"}})).0, 429);
        assert_eq!(
            of(json!({"error": {"code": "context_length_exceeded", "message": "x"}})).0,
            400
        );
        assert_eq!(of(json!({"error": "gone"})).0, 502);
        assert_eq!(of(json!({"error": {"code": 7}})).0, 502);
    }
}
