//! Finds the error that an answer with a status of success reports, whole or in an event.
//!
//! | what is sent | by |
//! | --- | --- |
//! | `error` beside no answer, or with `type` `error`; `object` `error` | most APIs; vLLM |
//! | `error` in every choice; `finish_reason` `error` | OpenRouter |
//! | `finish_reason` `insufficient_system_resource`; `abort` | DeepSeek; vLLM |
//! | `status` `failed`, the event `response.failed` | the Responses API |
//! | `errors` beside no answer | Cloudflare |
//! | `message` or `detail` as a text, beside nothing that an answer has | AWS, FastAPI |
//!
//! Only the fields that decide are read: the rest of an answer takes no memory.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::fields::raw_values;
use super::json_bounds;

/// The most bytes of an error that are read; a longer one is reported without its words.
const MAX_ERROR_BYTES: usize = 16 << 10;

/// The fields of an answer, of an event, or of a response in an event.
const FIELDS: [&str; 15] = [
    "type",
    "object",
    "status",
    "error",
    "errors",
    "message",
    "detail",
    "choices",
    "output",
    "data",
    "content",
    "response",
    "result",
    "usage",
    "sequence_number",
];

/// The values of [`FIELDS`] in one object.
#[derive(Debug)]
pub(crate) struct AnswerFields<'a>([Option<&'a RawValue>; FIELDS.len()]);

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    finish_reason: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_calls: Option<&'a RawValue>,
}

/// The error that an answer or an event reports, see [`AnswerFields::reported_error`].
pub(crate) fn reported_error(json: &[u8]) -> Option<Value> {
    AnswerFields::read(json).ok()?.reported_error(json)
}

impl<'a> AnswerFields<'a> {
    /// Reads the fields of the object `json`.
    ///
    /// # Errors
    /// The parser's.
    pub(crate) fn read(json: &'a [u8]) -> serde_json::Result<Self> {
        raw_values(json, FIELDS).map(Self)
    }

    /// The value of one of [`FIELDS`]; none if it is absent or null.
    pub(crate) fn get(&self, name: &str) -> Option<&'a RawValue> {
        FIELDS.iter().position(|field| *field == name).and_then(|at| self.0[at])
    }

    /// The error that is reported, as an object with `error` or the words in one of the fields of an error's
    /// body; none for an answer. `json` is what the fields were read from.
    pub(crate) fn reported_error(&self, json: &[u8]) -> Option<Value> {
        let choices = self.get("choices").and_then(|list| serde_json::from_str(list.get()).ok());
        let choices: Vec<Choice<'_>> = choices.unwrap_or_default();
        if is(self.get("type"), "error") || is(self.get("object"), "error") {
            return Some(match said(self.get("error")) {
                Some(error) => with_words(error),
                None => json!({"error": small_tree(json)}),
            });
        }
        if is(self.get("type"), "response.failed") {
            let response = self.get("response").map_or("null", RawValue::get);
            let [error] = raw_values(response.as_bytes(), ["error"]).unwrap_or_default();
            return Some(failed_response(error));
        }
        if is(self.get("status"), "failed") && choices.is_empty() {
            return Some(failed_response(self.get("error")));
        }
        if !choices.is_empty() && choices.iter().all(Choice::failed) {
            let told =
                said(self.get("error")).or_else(|| choices.iter().find_map(|c| said(c.error)));
            let reason = choices.first().and_then(|choice| choice.finish_reason);
            let busy = is(reason, "insufficient_system_resource");
            let words =
                format!("the answer ended with finish_reason {}", reason.map_or("", RawValue::get));
            return Some(match told {
                Some(error) => with_words(error),
                None => json!({"error": {"message": words, "code": busy.then_some(503)}}),
            });
        }
        if self.answered(&choices) {
            return None;
        }
        if let Some(error) = said(self.get("error")) {
            return Some(with_words(error));
        }
        if let Some(errors) = said(self.get("errors")) {
            let errors = small_tree(errors.get().as_bytes());
            return Some(json!({"error": errors.get(0).cloned().unwrap_or(errors)}));
        }
        let worded =
            ["message", "detail"].iter().any(|words| said(self.get(words)).is_some_and(is_text));
        (self.get("type").is_none() && !self.has_an_answers_field() && worded)
            .then(|| small_tree(json))
    }

    /// Whether anything was answered beside an error.
    fn answered(&self, choices: &[Choice<'_>]) -> bool {
        let parts = ["output", "data", "content", "response", "result"];
        parts.iter().any(|part| said(self.get(part)).is_some())
            || choices.iter().any(Choice::answered)
    }

    fn has_an_answers_field(&self) -> bool {
        let parts = ["choices", "output", "data", "content", "response", "result"];
        parts.iter().any(|part| self.get(part).is_some())
    }
}

impl Choice<'_> {
    fn failed(&self) -> bool {
        let reasons = ["error", "abort", "insufficient_system_resource"];
        said(self.error).is_some() || reasons.iter().any(|reason| is(self.finish_reason, reason))
    }

    fn answered(&self) -> bool {
        let message = self.message.and_then(|json| serde_json::from_str(json.get()).ok());
        let parts =
            message.map_or([None, None], |Message { content, tool_calls }| [content, tool_calls]);
        said(self.text).is_some() || parts.iter().any(|part| said(*part).is_some())
    }
}

/// The error of a failed response, whose field `error` is given.
fn failed_response(error: Option<&RawValue>) -> Value {
    match said(error) {
        Some(error) => with_words(error),
        None => json!({"error": {"message": "the response has the status \"failed\""}}),
    }
}

fn with_words(error: &RawValue) -> Value {
    json!({"error": small_tree(error.get().as_bytes())})
}

/// A value that says something: not null, false or empty.
fn said(value: Option<&RawValue>) -> Option<&RawValue> {
    value.filter(|value| !matches!(value.get(), "null" | "false" | "\"\"" | "[]" | "{}"))
}

fn is(value: Option<&RawValue>, text: &str) -> bool {
    value.is_some_and(|value| value.get().trim_matches('"').eq_ignore_ascii_case(text))
}

fn is_text(value: &RawValue) -> bool {
    value.get().starts_with('"')
}

/// Parses an error; a long one is an object without words.
fn small_tree(json: &[u8]) -> Value {
    match json.len() <= MAX_ERROR_BYTES {
        true => json_bounds::parse_tree(json).unwrap_or_default(),
        false => json!({}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &Value) -> Option<Value> {
        reported_error(value.to_string().as_bytes())
    }

    #[test]
    fn every_shape_of_an_error_is_found_with_its_words() {
        let error = json!({"message": "provider died", "code": 502});
        let whole = |finish: &str, error: &Value| {
            json!({"choices": [{"finish_reason": finish, "error": error,
                                "message": {"content": "Half"}}]})
        };
        let chunk = json!({"object": "chat.completion.chunk", "error": error,
                           "choices": [{"delta": {"content": ""}, "finish_reason": "error"}]});
        let failed = json!({"object": "response", "status": "failed", "error": error,
                            "output": [{"type": "message"}]});
        for value in [
            json!({"error": error}),
            json!({"error": error, "choices": []}),
            json!({"error": error, "choices": [{"message": {"role": "assistant", "content": ""}}]}),
            json!({"error": error, "choices": [{"text": ""}]}),
            json!({"type": "error", "error": error}),
            whole("error", &error),
            whole("stop", &error),
            chunk,
            json!({"error": error, "choices": [{"delta": {"content": "x"}}]}),
            failed.clone(),
            json!({"type": "response.failed", "response": failed}),
            json!({"success": false, "errors": [error], "result": null}),
        ] {
            assert_eq!(of(&value), Some(json!({"error": error})), "{value}");
        }
        for (value, words) in [
            (json!({"error": "busy"}), "busy"),
            (json!({"type": "error", "code": "x", "message": "busy"}), "busy"),
            (json!({"object": "error", "message": "busy", "code": 400}), "busy"),
            (json!({"message": "busy"}), "busy"),
            (json!({"detail": "busy"}), "busy"),
            (whole("error", &Value::Null), "finish_reason"),
            (
                json!({"choices": [{"delta": {}, "finish_reason": "insufficient_system_resource"}]}),
                "503",
            ),
            (json!({"status": "failed", "error": null, "output": []}), "failed"),
            (json!({"type": "response.failed"}), "failed"),
        ] {
            assert!(of(&value).is_some_and(|found| found.to_string().contains(words)), "{value}");
        }
        let long = json!({"error": {"message": "x".repeat(MAX_ERROR_BYTES)}});
        assert_eq!(of(&long), Some(json!({"error": {}})));
    }

    #[test]
    fn an_answer_is_none() {
        for value in [
            json!({"choices": []}),
            json!({"choices": [], "error": null, "usage": {}}),
            json!({"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}], "error": {"x": 1}}),
            json!({"choices": [{"message": {"content": null, "tool_calls": [{}]}}], "error": "warning"}),
            json!({"choices": [{"delta": {"content": "error"}, "finish_reason": null, "error": null}]}),
            json!({"choices": [{"finish_reason": "error", "message": {"content": ""}},
                               {"finish_reason": "stop", "message": {"content": "Hi"}}]}),
            json!({"status": "completed", "error": null, "output": []}),
            json!({"status": "incomplete", "output": []}),
            json!({"type": "message", "content": [], "stop_reason": "end_turn"}),
            json!({"type": "ping"}),
            json!({"type": "message_start", "message": {"id": "m"}}),
            json!({"type": "response.created", "response": {"status": "in_progress", "error": null}}),
            json!({"data": [{"embedding": [0.5]}], "message": "ok"}),
            json!({"response": "Hi", "error": "a warning"}),
            json!({"success": true, "errors": [], "result": {"response": "Hi"}}),
            json!({"choices": 7}),
            json!("text"),
        ] {
            assert_eq!(of(&value), None, "{value}");
        }
        assert_eq!(reported_error(b"{\"error\""), None);
    }
}
