//! The key under which an answer is stored.

use std::fmt;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::models_file::{Api, ModelEntry};
use super::request::CompletionRequest;
use super::wire;

/// Names an answer by what was asked: SHA-256, cut to 16 bytes, over API, endpoint, body as sent and
/// sample. Prices, limits and the entry's id are not part of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct RequestKey([u8; 16]);

impl RequestKey {
    /// The key of a request to a model.
    #[must_use]
    pub fn of(model: &ModelEntry, request: &CompletionRequest) -> Self {
        let mut hasher = Sha256::new();
        let api = match model.api {
            Api::OpenAi => "openai",
            Api::Anthropic => "anthropic",
        };
        hasher.update(format!("pointsman completion 1\n{api}\n{}\n", model.endpoint));
        hash_value(&mut hasher, &wire::body(model, request));
        hasher.update(request.sample.to_le_bytes());
        let digest = hasher.finalize();
        let mut key = [0; 16];
        for (to, from) in key.iter_mut().zip(digest) {
            *to = from;
        }
        Self(key)
    }

    /// Parses 32 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(|number| Self(number.to_be_bytes()))
    }
}

impl fmt::Display for RequestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for RequestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Hashes a JSON value with the fields of objects in alphabetical order, whatever order the maps of
/// this build keep.
fn hash_value(hasher: &mut Sha256, value: &Value) {
    match value {
        Value::Object(fields) => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort_unstable();
            hasher.update(b"{");
            for name in names {
                hasher.update(Value::from(name.as_str()).to_string());
                hasher.update(b":");
                hash_value(hasher, fields.get(name).unwrap_or(&Value::Null));
                hasher.update(b",");
            }
            hasher.update(b"}");
        }
        Value::Array(values) => {
            hasher.update(b"[");
            for value in values {
                hash_value(hasher, value);
                hasher.update(b",");
            }
            hasher.update(b"]");
        }
        other => hasher.update(other.to_string()),
    }
}
