//! Errors of translating a request or an answer.

use pointsman::{bounded, quoted};
use serde_json::Value;

/// A request or an answer without a faithful translation. Only the fields that the tables in
/// `crate::translate` list as dropped are dropped silently.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Untranslatable {
    /// A field of a request has no equivalent in the upstream's API.
    #[error(
        "{field} is {found}, which this model's upstream does not support: expected {expected}. Change it or choose another model", field = quoted(.field), found = bounded(.found)
    )]
    Unsupported { field: String, found: String, expected: &'static str },
    /// A field of a request has the wrong shape.
    #[error("{field} is {found}: expected {expected}. Correct the request", field = quoted(.field), found = bounded(.found))]
    Malformed { field: String, found: String, expected: &'static str },
    /// The upstream's answer does not have its API's shape.
    #[error(
        "the upstream's answer is malformed: {field} is {found}, expected {expected}. Try again, or choose another model", field = quoted(.field), found = bounded(.found)
    )]
    Answer { field: String, found: String, expected: &'static str },
}

impl Untranslatable {
    /// A field of a request without an equivalent.
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

    /// The HTTP status: 400 for the caller's fault, 502 for the upstream's.
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

/// Shows a value in an error message, shortened to at most 40 characters.
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
