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

use serde_json::{Value, json};

use super::stream_error::StreamError;

/// The most characters of an upstream's message that are passed on.
const MESSAGE_CHARACTERS: usize = 8192;
/// The most characters of an upstream's error type that are passed on.
const KIND_CHARACTERS: usize = 100;

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

/// Translates an Anthropic error's status and body into OpenAI's. A body of another shape, such as a
/// proxy's HTML page, is translated by its status and not passed on.
pub(crate) fn error_to_openai(status: u16, body: &str) -> (u16, Value) {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let error = &body["error"];
    let kind = error["type"].as_str().map(|kind| cut(kind, KIND_CHARACTERS));
    let known = ERRORS
        .iter()
        .find(|(name, ..)| kind == Some(name))
        .or_else(|| ERRORS.iter().find(|(_, anthropics, ..)| *anthropics == status));
    let (code, status, openais) = match known {
        Some((name, _, status, openais)) => (kind.unwrap_or(name), *status, *openais),
        None if status < 500 => {
            (kind.unwrap_or("invalid_request_error"), status, "invalid_request_error")
        }
        None => (kind.unwrap_or("api_error"), status, "server_error"),
    };
    let message = message(&body, status);
    let error = json!({"message": message, "type": openais, "param": null, "code": code});
    (status, json!({"error": error}))
}

/// Translates an OpenAI error's status and body into Anthropic's.
pub(crate) fn error_to_anthropic(status: u16, openai_error: &Value) -> (u16, Value) {
    let error = &openai_error["error"];
    let out_of_quota = [&error["code"], &error["type"]].iter().any(|v| **v == "insufficient_quota");
    let (status, kind) = match status {
        _ if out_of_quota => (402, "billing_error"),
        408 => (504, "timeout_error"),
        503 => (529, "overloaded_error"),
        _ => match ERRORS.iter().find(|(_, anthropics, ..)| *anthropics == status) {
            Some((name, ..)) => (status, *name),
            None if status < 500 => (status, "invalid_request_error"),
            None => (status, "api_error"),
        },
    };
    let error = json!({"type": kind, "message": message(openai_error, status)});
    (status, json!({"type": "error", "error": error}))
}

/// Reads an error event of a stream, Anthropic's or OpenAI's.
pub(crate) fn error_in_stream(data: &Value) -> StreamError {
    let error = &data["error"];
    let word = |key: &str| error[key].as_str();
    let kind = word("type").or(word("code")).unwrap_or("error");
    let by_code = error["code"].as_u64().and_then(|code| u16::try_from(code).ok());
    let status = ERRORS
        .iter()
        .find(|(name, ..)| *name == kind)
        .map(|(_, _, status, _)| *status)
        .or(by_code.filter(|code| (400..=599).contains(code)))
        .unwrap_or(502);
    let kind = cut(kind, KIND_CHARACTERS).to_owned();
    StreamError::Upstream { status, kind, message: message(data, status) }
}

/// The upstream's message, from any of the fields in which upstreams put it.
fn message(body: &Value, status: u16) -> String {
    let places = [&body["error"]["message"], &body["error"], &body["message"], &body["detail"]];
    match places.into_iter().find_map(|place| place.as_str()) {
        Some(text) if !text.is_empty() => cut(text, MESSAGE_CHARACTERS).to_owned(),
        _ => format!("the upstream answered with status {status} and no message. Try again"),
    }
}

/// The beginning of a text, at most `most` characters.
fn cut(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_error_is_shortened() {
        let long = "é".repeat(1 << 20);
        let body = json!({"error": {"type": long, "message": long, "code": long}});
        let (_, openai) = error_to_openai(400, &body.to_string());
        let (_, anthropic) = error_to_anthropic(400, &body);
        for text in [openai.to_string(), anthropic.to_string()] {
            assert!(text.len() < 3 * MESSAGE_CHARACTERS, "{}", text.len());
        }
        assert!(error_in_stream(&body).to_string().len() < 4096);
    }

    #[test]
    fn every_kind_goes_there_and_back() {
        for (kind, anthropics, openais, openai_kind) in ERRORS {
            let error = json!({"type": "error", "error": {"type": kind, "message": "So."},
                               "request_id": "req_1"});
            let (status, body) = error_to_openai(anthropics, &error.to_string());
            assert_eq!(status, openais);
            assert_eq!(
                body["error"],
                json!({"message": "So.", "type": openai_kind, "param": null, "code": kind})
            );
            let (status, body) = error_to_anthropic(status, &body);
            assert_eq!((status, &body["type"]), (anthropics, &json!("error")));
            assert_eq!(body["error"], json!({"type": kind, "message": "So."}));
        }
    }

    #[test]
    fn a_body_without_an_error_is_translated_by_its_status() {
        let (status, body) = error_to_openai(529, "<html>busy</html>");
        assert_eq!((status, &body["error"]["code"]), (503, &json!("overloaded_error")));
        assert!(body["error"]["message"].as_str().is_some_and(|m| m.contains("503")));
        let (status, body) = error_to_openai(418, "");
        assert_eq!((status, &body["error"]["type"]), (418, &json!("invalid_request_error")));
        let (status, body) = error_to_openai(599, "{}");
        assert_eq!((status, &body["error"]["type"]), (599, &json!("server_error")));
    }

    #[test]
    fn an_unknown_error_type_is_passed_on_as_code() {
        let (status, body) = error_to_openai(422, r#"{"error": {"type": "new_error"}}"#);
        assert_eq!((status, &body["error"]["code"]), (422, &json!("new_error")));
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
            let (found, translated) = error_to_anthropic(given, &body);
            assert_eq!((found, &translated["error"]["type"]), (status, &json!(kind)), "{body}");
            assert!(translated["error"]["message"].as_str().is_some_and(|m| !m.is_empty()));
        }
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
        assert_eq!(of(json!({"error": "gone"})).0, 502);
        assert_eq!(of(json!({"error": {"code": 7}})).0, 502);
    }
}
