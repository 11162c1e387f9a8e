//! Learns from an upstream's error which fields of a request it refuses, so that it is asked again without them:
//! those that the gateway wrote or translated, and a limit whose other name means the same.
//!
//! ```text
//! 400 {"error": {"param": "max_tokens", "code": "unsupported_parameter", "message": "... Use 'max_completion_tokens'"}}
//!     -> the limit is sent as max_completion_tokens
//! 422 {"detail": [{"loc": ["body", "reasoning_effort"], "msg": "Extra inputs are not permitted"}]}
//!     -> reasoning_effort is left out
//! ```
//! What the caller itself wrote is never left out: its error is the caller's to read.

use std::collections::BTreeMap;

use crate::wire::upstream_error::UpstreamError;

/// The fields that a translation writes and that may be left out: the answer means the same without them, or
/// the caller asked for them in other words.
pub(crate) const TRANSLATED: [&str; 10] = [
    "effort",
    "metadata",
    "parallel_tool_calls",
    "reasoning",
    "reasoning_content",
    "reasoning_effort",
    "strict",
    STREAM_OPTIONS,
    "thinking",
    "user",
];
/// The field by which a stream is asked for its usage.
pub(crate) const STREAM_OPTIONS: &str = "stream_options";
/// The names of the limit on the output of a chat request.
const LIMITS: [&str; 2] = ["max_tokens", "max_completion_tokens"];

/// What an upstream is sent otherwise than its configuration says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Adjustments {
    /// The name of the limit on the output.
    pub(crate) limit_field: Option<&'static str>,
    /// The fields that are left out.
    left_out: Vec<&'static str>,
}

/// What may be changed in a request that was refused.
#[derive(Debug, Clone, Default)]
pub(crate) struct Adjustable {
    /// Whether the name of its limit may be changed: it is a chat request and its limit is a number.
    pub(crate) limit: bool,
    /// The fields that the gateway wrote.
    pub(crate) written: Vec<&'static str>,
}

/// The adjustments of each model that an isolate has learned. Only configured models have any.
#[derive(Debug, Default)]
pub(crate) struct Learned(BTreeMap<String, Adjustments>);

impl Adjustments {
    /// The fields that are left out.
    pub(crate) fn left_out(&self) -> &[&'static str] {
        &self.left_out
    }

    /// These adjustments with those that an error of this status asks for; none if it asks for no further one.
    pub(crate) fn after(
        &self,
        status: u16,
        error: &UpstreamError,
        may: &Adjustable,
    ) -> Option<Self> {
        if !matches!(status, 400 | 422) {
            return None;
        }
        let named: Vec<&str> = error.fields.iter().flat_map(|path| names(path)).collect();
        let message = error.message.to_ascii_lowercase();
        let words = match named.is_empty() {
            true => names(&message).collect(),
            false => vec![],
        };
        let mut next = self.clone();
        let changed = match words.first() {
            None => named.iter().filter(|name| next.adjust(name, error, may)).count() > 0,
            // Only the field that is named first: an error may go on with those that are known.
            Some(_) => words.iter().any(|name| next.adjust(name, error, may)),
        };
        changed.then_some(next)
    }

    /// Changes what is sent of a field that an error names. Returns whether that is something new.
    fn adjust(&mut self, name: &str, error: &UpstreamError, may: &Adjustable) -> bool {
        if let Some(at) = LIMITS.iter().position(|limit| *limit == name) {
            let other = LIMITS[1 - at];
            // The field was refused and not its value, which the other name would not change.
            let told = is_unknown(error) || names(&error.message).any(|name| name == other);
            let refused = may.limit && self.limit_field.is_none() && told;
            if refused {
                self.limit_field = Some(other);
            }
            return refused;
        }
        let Some(field) = may.written.iter().find(|field| **field == name) else { return false };
        // A name that is also a word is meant where the error names it as a field, or says what is wrong.
        let meant = field.contains('_') || !error.fields.is_empty() || is_unknown(error);
        let new = meant && !self.left_out.contains(field);
        if new {
            self.left_out.push(field);
        }
        new
    }
}

impl Learned {
    /// What a model's upstream is sent otherwise.
    pub(crate) fn of(&self, model: &str) -> Adjustments {
        self.0.get(model).cloned().unwrap_or_default()
    }

    /// Keeps the adjustments with which a model's upstream answered.
    pub(crate) fn keep(&mut self, model: &str, adjustments: &Adjustments) {
        if self.0.get(model) != Some(adjustments) {
            self.0.insert(model.to_owned(), adjustments.clone());
        }
    }
}

/// Whether an error says that a field is not known.
fn is_unknown(error: &UpstreamError) -> bool {
    const WORDS: [&str; 18] = [
        "does not have",
        "extra",
        "forbidden",
        "instead",
        "no such",
        "not a field",
        "not a parameter",
        "not accept",
        "not allowed",
        "not available",
        "not know",
        "not permitted",
        "not recogni",
        "not support",
        "unexpected",
        "unknown",
        "unrecogni",
        "unsupported",
    ];
    let code = error.code.as_deref().unwrap_or_default();
    let text = format!("{code} {}", error.message).to_ascii_lowercase();
    WORDS.iter().any(|words| text.contains(words))
}

/// The words of a text that may be names of fields.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn all() -> Adjustable {
        Adjustable { limit: true, written: TRANSLATED.to_vec() }
    }

    fn plain() -> Adjustable {
        Adjustable { limit: true, written: vec![STREAM_OPTIONS] }
    }

    fn after(body: &Value, may: &Adjustable) -> Option<Adjustments> {
        Adjustments::default().after(400, &UpstreamError::of(body), may)
    }

    fn left_out(fields: &[&'static str]) -> Option<Adjustments> {
        Some(Adjustments { limit_field: None, left_out: fields.to_vec() })
    }

    fn limit(field: &'static str) -> Option<Adjustments> {
        Some(Adjustments { limit_field: Some(field), left_out: vec![] })
    }

    #[test]
    fn a_refused_limit_gets_its_other_name() {
        let (old, new) = ("max_tokens", "max_completion_tokens");
        for (body, field) in [
            (
                json!({"error": {"param": old, "code": "unsupported_parameter", "message":
                    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."}}),
                new,
            ),
            (
                json!({"error": {"message": "this model wants max_completion_tokens, not max_tokens", "param": old}}),
                new,
            ),
            (
                json!({"detail": [{"loc": ["body", new], "msg": "Extra inputs are not permitted"}]}),
                old,
            ),
            (
                json!({"message": "Unrecognized request argument supplied: max_completion_tokens"}),
                old,
            ),
            (json!({"error": "json: unknown field \"max_completion_tokens\""}), old),
        ] {
            for may in [all(), plain()] {
                assert_eq!(after(&body, &may), limit(field), "{body}");
            }
            assert_eq!(after(&body, &Adjustable { limit: false, ..all() }), None);
        }
    }

    #[test]
    fn a_refused_value_of_a_limit_is_the_callers() {
        for message in [
            "max_tokens is too large: 100000. This model supports at most 4096 completion tokens",
            "max_tokens must be at least 1",
            "max_completion_tokens: Input should be greater than 0",
        ] {
            assert_eq!(after(&json!({"error": {"message": message}}), &all()), None, "{message}");
        }
    }

    #[test]
    fn a_field_of_the_gateways_is_left_out() {
        for (body, fields) in [
            (
                json!({"error": {"message": "reasoning_effort is not a field of this model"}}),
                &["reasoning_effort"][..],
            ),
            (
                json!({"error": {"message": "property 'reasoning_effort' is unsupported, allowed: user"}}),
                &["reasoning_effort"],
            ),
            (
                json!({"error": {"message": "Bad", "param": "tools[0].function.strict"}}),
                &["strict"],
            ),
            (
                json!({"message": "Additional properties are not allowed ('stream_options' was unexpected)"}),
                &["stream_options"],
            ),
            (
                json!({"detail": [{"loc": ["body", "user"], "msg": "x"}, {"loc": ["body", "parallel_tool_calls"], "msg": "x"}]}),
                &["user", "parallel_tool_calls"],
            ),
            (
                json!({"detail": [{"loc": ["body", "messages", 1, "reasoning_content"], "msg": "x"}]}),
                &["reasoning_content"],
            ),
            (
                json!({"error": {"message": "thinking: adaptive thinking is not supported on this model"}}),
                &["thinking"],
            ),
        ] {
            assert_eq!(after(&body, &all()), left_out(fields), "{body}");
        }
    }

    #[test]
    fn what_the_caller_wrote_is_not() {
        let body = |field: &str| json!({"error": {"message": format!("{field} is not supported"), "param": field}});
        for field in ["temperature", "top_p", "top_k", "response_format", "tools", "seed"] {
            assert_eq!(after(&body(field), &all()), None, "{field}");
        }
        for field in ["reasoning_effort", "user", "strict"] {
            assert_eq!(after(&body(field), &plain()), None, "{field}");
        }
        assert_eq!(after(&body("stream_options"), &plain()), left_out(&["stream_options"]));
        let own = Adjustable { written: vec![], ..plain() };
        assert_eq!(after(&body("stream_options"), &own), None);
    }

    #[test]
    fn a_word_that_is_also_a_fields_name_is_not_taken_for_it() {
        for message in [
            "messages: roles must alternate between \"user\" and \"assistant\"",
            "the strict rules of thinking are broken",
        ] {
            assert_eq!(after(&json!({"error": {"message": message}}), &all()), None, "{message}");
        }
        let named =
            json!({"error": {"message": "This model does not support the effort parameter."}});
        assert_eq!(after(&named, &all()), left_out(&["effort"]));
    }

    #[test]
    fn a_field_is_adjusted_once_and_only_after_a_refusal_of_the_request() {
        let error = UpstreamError::of(&json!({"error": {"message": "No.", "param": "user"}}));
        let none = Adjustments::default();
        let once = none.after(422, &error, &all()).unwrap_or_default();
        assert_eq!(once.left_out(), ["user"]);
        assert_eq!(once.after(422, &error, &all()), None);
        for status in [401, 404, 429, 500] {
            assert_eq!(none.after(status, &error, &all()), None);
        }
        let swap =
            |field: &str| UpstreamError::of(&json!({"error": format!("unknown field {field}")}));
        let new = none.after(400, &swap("max_tokens"), &all()).unwrap_or_default();
        assert_eq!(new.after(400, &swap("max_completion_tokens"), &all()), None);
    }

    #[test]
    fn what_was_learned_is_kept_by_model() {
        let mut learned = Learned::default();
        let found = left_out(&["user"]).unwrap_or_default();
        learned.keep("a", &found);
        assert_eq!((learned.of("a"), learned.of("b")), (found, Adjustments::default()));
    }
}
