//! Messages about fields of gold answers.

use serde_json::{Map, Value};

/// Longest text that a message or a report repeats, in characters.
const LONGEST: usize = 200;

/// The reason for a field of another type than `expected`.
pub(super) fn wrong_type(fields: &Map<String, Value>, name: &str, expected: &str) -> String {
    let found = brief(fields.get(name).unwrap_or(&Value::Null));
    format!("found {found} as {name:?} of a gold answer, expected {expected}")
}

/// A value as JSON, [`shortened`].
pub(super) fn brief(value: &Value) -> String {
    shortened(value.to_string())
}

/// The beginning of a text.
pub(super) fn shortened(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
