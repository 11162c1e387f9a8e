//! Counts the text of an answer, to estimate the tokens of one whose usage the upstream does not report.

use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::scalars::scalars_are_default;
use super::surrogates;

/// Fields that hold text which the model wrote, in any of the APIs.
const FIELDS: [&str; 14] = [
    "arguments",
    "content",
    "delta",
    "input",
    "partial_json",
    "reasoning",
    "reasoning_content",
    "refusal",
    "response",
    "summary_text",
    "text",
    "thinking",
    "thought",
    "transcript",
];
/// Bytes of text per token. The tokens of non-Latin scripts are shorter in characters and not in bytes.
const BYTES_PER_TOKEN: u64 = 4;

/// The text of an answer, counted event by event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct OutputText {
    bytes: u64,
    pieces: u64,
}

impl OutputText {
    /// Adds the text in an event or in a whole answer; a text that is not JSON counts in full.
    pub(crate) fn add(&mut self, json: &[u8]) {
        let bytes = text_bytes(json).unwrap_or_else(|| {
            let whole = std::str::from_utf8(json).map(surrogates::replaced);
            let found = whole.ok().and_then(|json| text_bytes(json.as_bytes()));
            found.unwrap_or(json.len() as u64)
        });
        self.bytes += bytes;
        self.pieces += u64::from(bytes > 0);
    }

    /// Adds text of which only the length is known, in bytes.
    pub(crate) fn add_bytes(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    /// The estimated output tokens: an event with text is at least one.
    pub(crate) fn tokens(&self) -> u64 {
        self.bytes.div_ceil(BYTES_PER_TOKEN).max(self.pieces)
    }
}

/// The bytes of the text in a JSON text; none if it does not parse.
fn text_bytes(json: &[u8]) -> Option<u64> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    Texts { counts: false }.deserialize(&mut deserializer).ok()
}

/// Sums the bytes of the strings in [`FIELDS`], at any depth.
#[derive(Clone, Copy)]
struct Texts {
    /// Whether this value stands in such a field.
    counts: bool,
}

impl<'de> DeserializeSeed<'de> for Texts {
    type Value = u64;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Texts {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    scalars_are_default!();

    fn visit_str<E>(self, text: &str) -> Result<u64, E> {
        Ok(if self.counts { text.len() as u64 } else { 0 })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<u64, A::Error> {
        let mut bytes = 0;
        while let Some(more) = list.next_element_seed(self)? {
            bytes += more;
        }
        Ok(bytes)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<u64, A::Error> {
        let mut bytes = 0;
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                // Log probabilities repeat the text, token by token.
                "logprobs" | "usage" => drop(map.next_value::<IgnoredAny>()?),
                name => {
                    let counts = FIELDS.contains(&name);
                    bytes += map.next_value_seed(Self { counts })?;
                }
            }
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(events: &[&str]) -> u64 {
        let mut text = OutputText::default();
        events.iter().for_each(|event| text.add(event.as_bytes()));
        text.tokens()
    }

    #[test]
    fn text_counts_in_every_api_and_nothing_else_does() {
        let chunk = r#"{"id": "chatcmpl-123456789", "model": "m", "choices": [{"index": 0, "delta": {"content": "12345678"},
            "logprobs": {"content": [{"token": "12345678", "text": "12345678"}]}}]}"#;
        assert_eq!(tokens(&[chunk]), 2);
        let call = r#"{"choices": [{"delta": {"tool_calls": [{"function": {"name": "f", "arguments": "12345678"}}]}}]}"#;
        assert_eq!(tokens(&[call]), 2);
        let delta = r#"{"type": "content_block_delta", "delta": {"type": "text_delta", "text": "12345678"}}"#;
        assert_eq!(tokens(&[delta]), 2);
        assert_eq!(tokens(&[r#"{"type": "response.output_text.delta", "delta": "12345678"}"#]), 2);
        assert_eq!(tokens(&[r#"{"response": "12345678"}"#, r#"{"usage": {"text": "1234"}}"#]), 2);
    }

    #[test]
    fn an_event_with_text_is_at_least_one_token() {
        assert_eq!(tokens(&[r#"{"text": "a"}"#; 5]), 5);
        assert_eq!(tokens(&[r#"{"text": ""}"#, r#"{"choices": []}"#]), 0);
        assert_eq!(tokens(&["not JSON"]), 2);
        assert_eq!(tokens(&[r#"{"id": "0123456789abcdef", "text": "\ud83d"}"#]), 1);
    }
}
