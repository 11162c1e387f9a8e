//! Reads the parts of an answer, and writes events.

use serde_json::{Map, Value};

use crate::wire::{json_tree, sse};

/// Writes an event whose name is its type.
pub(super) fn event(data: &Value) -> String {
    sse::event(data["type"].as_str(), &json_tree::to_text(data))
}

/// The object of an answer.
pub(super) fn object(answer: Value, field: &str) -> Result<Map<String, Value>, String> {
    match answer {
        Value::Object(fields) if fields.get(field).is_some_and(Value::is_array) => Ok(fields),
        _ => Err(format!("an answer without a list {field:?}")),
    }
}

pub(super) fn list(value: Option<Value>) -> Vec<Value> {
    match value {
        Some(Value::Array(list)) => list,
        _ => vec![],
    }
}
