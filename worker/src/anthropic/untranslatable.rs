//! What a translation can refuse, and how a translated stream can fail.

use serde_json::Value;

use crate::sse::Event;

/// A request or an answer that has no faithful translation. Nothing is dropped silently but what
/// the tables in this folder say is dropped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Untranslatable {
    /// A field of a request asks for what the upstream's API has no word for.
    #[error(
        "{field:?} is {found}, which this model's upstream cannot do: expected {expected}. Change it or choose another model"
    )]
    Unsupported { field: String, found: String, expected: &'static str },
    /// A field of a request has the wrong shape.
    #[error("{field:?} is {found}: expected {expected}. Correct the request")]
    Malformed { field: String, found: String, expected: &'static str },
    /// The upstream's answer does not have its API's shape.
    #[error(
        "the upstream's answer is not understood: {field:?} is {found}, expected {expected}. Try again, or choose another model"
    )]
    Answer { field: String, found: String, expected: &'static str },
}

impl Untranslatable {
    /// A field of a request that cannot be expressed.
    pub(crate) fn unsupported(
        field: impl Into<String>,
        found: &Value,
        expected: &'static str,
    ) -> Self {
        Self::Unsupported { field: field.into(), found: shown(found), expected }
    }

    /// A field of a request that has the wrong shape.
    pub(crate) fn malformed(
        field: impl Into<String>,
        found: &Value,
        expected: &'static str,
    ) -> Self {
        Self::Malformed { field: field.into(), found: shown(found), expected }
    }

    /// A field of an answer that has the wrong shape.
    pub(crate) fn answer(field: impl Into<String>, found: &Value, expected: &'static str) -> Self {
        Self::Answer { field: field.into(), found: shown(found), expected }
    }

    /// The field's path, such as `messages[2].content[0].type`: OpenAI's `param`.
    pub(crate) fn field(&self) -> &str {
        match self {
            Self::Unsupported { field, .. }
            | Self::Malformed { field, .. }
            | Self::Answer { field, .. } => field,
        }
    }

    /// The HTTP status: the caller's fault, or the upstream's.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Unsupported { .. } | Self::Malformed { .. } => 400,
            Self::Answer { .. } => 502,
        }
    }

    /// The stable code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Unsupported { .. } => "field_unsupported",
            Self::Malformed { .. } => "field_malformed",
            Self::Answer { .. } => "upstream_answer_malformed",
        }
    }
}

/// Why a translated stream ends before its time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StreamError {
    /// The upstream reports an error within its stream.
    #[error("the upstream broke its answer off with {kind:?}: {message}. Try again")]
    Upstream {
        /// The status that the error would have had as an answer.
        status: u16,
        /// The upstream's own name for it.
        kind: String,
        /// The upstream's own words.
        message: String,
    },
    /// An event that is no JSON, lacks a field or comes out of turn.
    #[error(
        "the upstream's event {event:?} is not understood: found {found}, expected {expected}. Try again, or choose another model"
    )]
    Malformed { event: String, found: String, expected: &'static str },
    /// The body ended before the answer did.
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

    /// The HTTP status, for an error that comes before the answer's first byte went out.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Upstream { status, .. } => *status,
            Self::Malformed { .. } | Self::Cut { .. } => 502,
        }
    }
}

/// The JSON object that an event carries.
///
/// # Errors
/// [`StreamError::Malformed`].
pub(crate) fn event_json(event: &Event) -> Result<Value, StreamError> {
    let name = || event.name.as_deref().unwrap_or("data");
    match serde_json::from_str(&event.data) {
        Ok(object @ Value::Object(_)) => Ok(object),
        Ok(other) => Err(StreamError::malformed(name(), shown(&other), "a JSON object")),
        Err(error) => Err(StreamError::malformed(name(), error.to_string(), "a JSON object")),
    }
}

/// A value for a message: short, and never a whole conversation.
pub(crate) fn shown(value: &Value) -> String {
    const LETTERS: usize = 40;
    match value {
        Value::Null => "missing".to_owned(),
        Value::Array(list) => format!("a list of {}", list.len()),
        Value::Object(_) => "an object".to_owned(),
        Value::String(text) if text.chars().count() > LETTERS => {
            format!("{:?}...", text.chars().take(LETTERS).collect::<String>())
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_error_names_the_field_the_found_the_expected_and_the_remedy() {
        let error = Untranslatable::unsupported("n", &json!(3), "1");
        let text = error.to_string();
        assert!(["\"n\"", "3", "expected 1", "choose another"].iter().all(|w| text.contains(w)));
        assert_eq!((error.field(), error.status()), ("n", 400));
        assert_eq!(Untranslatable::answer("id", &Value::Null, "a string").status(), 502);
    }

    #[test]
    fn a_long_text_is_not_repeated_whole() {
        assert_eq!(shown(&json!("é".repeat(41))), format!("\"{}\"...", "é".repeat(40)));
        assert_eq!(shown(&json!("short")), "\"short\"");
        assert_eq!(shown(&json!([1, 2])), "a list of 2");
        assert_eq!(shown(&json!({"secret": 1})), "an object");
    }
}
