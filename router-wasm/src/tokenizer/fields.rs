//! Reads objects of `tokenizer.json` and refuses those with an unknown field.
//!
//! Fields are read by hand from serde's values: derived readers are tens of kilobytes of wasm, which a
//! Worker would compile at its first query to read two kilobytes of JSON once.

use serde_json::{Map, Value};

/// Why a file is not read as plain BERT.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// It is another pipeline, or none.
    Other,
    /// It is damaged; the text says how.
    Damaged(String),
}

/// The fields of an object; each is taken out, and none may be left.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub(super) fn of(value: Value) -> Result<Self, Unreadable> {
        match value {
            Value::Object(fields) => Ok(Self(fields)),
            _ => Err(Unreadable::Other),
        }
    }

    /// A field; null where it is missing.
    pub(super) fn value(&mut self, name: &str) -> Value {
        self.0.remove(name).unwrap_or_default()
    }

    pub(super) fn object(&mut self, name: &str) -> Result<Self, Unreadable> {
        Self::of(self.value(name))
    }

    pub(super) fn list(&mut self, name: &str) -> Result<Vec<Value>, Unreadable> {
        list(self.value(name))
    }

    pub(super) fn text(&mut self, name: &str) -> Result<String, Unreadable> {
        text(self.value(name))
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<bool, Unreadable> {
        self.value(name).as_bool().ok_or(Unreadable::Other)
    }

    pub(super) fn number(&mut self, name: &str) -> Result<u32, Unreadable> {
        number(&self.value(name))
    }

    /// The fields that are left, in the order of their names.
    pub(super) fn rest(self) -> Map<String, Value> {
        self.0
    }

    /// Checks that no field is left, which could have changed an answer.
    pub(super) fn end(self) -> Result<(), Unreadable> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(Unreadable::Other),
        }
    }
}

pub(super) fn list(value: Value) -> Result<Vec<Value>, Unreadable> {
    match value {
        Value::Array(values) => Ok(values),
        _ => Err(Unreadable::Other),
    }
}

pub(super) fn text(value: Value) -> Result<String, Unreadable> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Unreadable::Other),
    }
}

pub(super) fn number(value: &Value) -> Result<u32, Unreadable> {
    value.as_u64().and_then(|number| u32::try_from(number).ok()).ok_or(Unreadable::Other)
}
