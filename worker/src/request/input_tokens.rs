//! Estimates the tokens that a model reads of a request, in any API's shape.
//!
//! ```text
//! tokens = max(count(sample) * text bytes / sample bytes, text bytes / 8)
//!        + base64 bytes / 6 + 4 * messages + token ids + images and files
//! ```
//! The text is every string that a model reads, at any depth: parts of messages, results and arguments of
//! tool calls, reasoning, system texts, tools, schemas of the answer, predicted outputs, documents with text.
//! Of calls' inputs and of schemas the names and punctuation count too. Ids, roles, types and signatures do
//! not, nor does the data of images and files, which [`Media`](super::media::Media) estimates.
//!
//! The sample is the first [`COUNTED_BYTES`] of the text. The work is bounded by it, and by one pass over the
//! body that copies nothing else.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::ops::Range;

use pointsman::estimated_tokens;
use serde::de::{Deserialize, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::body::RequestBody;
use super::endpoint::Dialect;
use super::media::{Kind, is_payload};

/// The most bytes of text that are tokenised; the rest is estimated in proportion.
const COUNTED_BYTES: usize = 64 << 10;
/// The bytes of base64 that hold one token of text.
const BASE64_BYTES_PER_TOKEN: u64 = 6;
/// The tokens that a chat template adds to each message.
const MESSAGE_TOKENS: u64 = 4;
/// The most bytes of a `type` that is read.
const MAX_TYPE_BYTES: usize = 64;

/// Estimates the input tokens of a request; `text` is its body. `count` counts the tokens of a text.
pub(crate) fn input_tokens(
    request: &RequestBody,
    text: &str,
    count: &dyn Fn(&str) -> usize,
) -> usize {
    let mut counter = Counter::default();
    for (name, place) in fields(request.dialect) {
        if let Some(range) = request.fields.get(name) {
            let mut deserializer = serde_json::Deserializer::from_str(&text[range]);
            // What was read of a malformed value counts; the upstream refuses it.
            let _ = Walk { counter: &mut counter, place: *place, is_payload: false }
                .deserialize(&mut deserializer);
        }
    }
    let tokens = counter.tokens(count).saturating_add(request.media.estimated_tokens());
    usize::try_from(tokens).unwrap_or(usize::MAX)
}

/// The fields of a request that a model reads.
fn fields(dialect: Dialect) -> &'static [(&'static str, Place)] {
    use Place::{Conversation, Json, Part, Prompt};
    match dialect {
        Dialect::Chat => &[
            ("messages", Conversation),
            ("tools", Json),
            ("functions", Json),
            ("response_format", Part),
            ("prediction", Part),
        ],
        Dialect::Messages => &[
            ("system", Part),
            ("messages", Conversation),
            ("tools", Json),
            ("output_config", Part),
            ("output_format", Part),
        ],
        Dialect::Responses => &[
            ("instructions", Part),
            ("input", Conversation),
            ("tools", Json),
            ("text", Part),
            ("prompt", Part),
        ],
        Dialect::Completions => &[("prompt", Prompt), ("suffix", Part)],
        Dialect::Embeddings => &[("input", Prompt)],
    }
}

/// Where a value stands, which decides what of it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A list of messages or items, or one message's text.
    Conversation,
    /// A message or an item.
    Message,
    /// A part of a message, or a field of it.
    Part,
    /// JSON that the model reads as such; a text here is a text.
    Json,
    /// A value within it.
    JsonValue,
    /// Texts, or token ids.
    Prompt,
}

/// What has been counted.
#[derive(Debug, Default)]
struct Counter {
    /// The first texts, with a line break between them.
    sample: String,
    /// Bytes of text in the sample.
    sampled: u64,
    /// Bytes of all text.
    bytes: u64,
    /// Bytes of text in base64, readable or not.
    base64: u64,
    messages: u64,
    token_ids: u64,
}

/// A text that was counted, and may turn out to be the data of an image or a file.
#[derive(Debug)]
struct Payload {
    /// Its place in the sample, with the line break.
    place: Range<usize>,
    sampled: u64,
    bytes: u64,
    /// Whether it is a text in base64.
    is_text: bool,
}

impl Counter {
    /// Adds a text, apart from that before it.
    fn add(&mut self, text: &str) -> Payload {
        let begin = self.sample.len();
        if text.trim().is_empty() {
            return Payload { place: begin..begin, sampled: 0, bytes: 0, is_text: false };
        }
        if begin > 0 && begin < COUNTED_BYTES {
            self.sample.push('\n');
        }
        let sampled = self.join(text);
        let is_text = ["data:text/", "data:application/json", "data:application/xml"]
            .iter()
            .any(|start| text.starts_with(start));
        let (place, bytes) = (begin..self.sample.len(), text.len() as u64);
        Payload { place, sampled, bytes, is_text }
    }

    /// Adds a text to that before it; returns how much of it is in the sample.
    fn join(&mut self, text: &str) -> u64 {
        let room = COUNTED_BYTES.saturating_sub(self.sample.len());
        let part = &text[..text.floor_char_boundary(room.min(text.len()))];
        self.sample.push_str(part);
        self.sampled += part.len() as u64;
        self.bytes += text.len() as u64;
        part.len() as u64
    }

    fn join_all(&mut self, texts: [&str; 3]) {
        for text in texts {
            self.join(text);
        }
    }

    /// Takes texts out again that are data of the part around them. `hidden` data is text that the provider
    /// has encrypted.
    fn remove(&mut self, payloads: &mut Vec<Payload>, hidden: bool) {
        while let Some(payload) = payloads.pop() {
            self.sample.drain(payload.place);
            self.sampled -= payload.sampled;
            self.bytes -= payload.bytes;
            if hidden || payload.is_text {
                self.base64 += payload.bytes;
            }
        }
    }

    fn tokens(&self, count: &dyn Fn(&str) -> usize) -> u64 {
        let counted = if self.sample.is_empty() { 0 } else { count(&self.sample) as u64 };
        estimated_tokens(counted, self.sampled, self.bytes)
            .saturating_add(self.base64 / BASE64_BYTES_PER_TOKEN)
            .saturating_add(self.messages * MESSAGE_TOKENS)
            .saturating_add(self.token_ids)
    }
}

/// Fields of messages and parts that no model reads.
fn is_unread(name: &str) -> bool {
    matches!(
        name,
        "role"
            | "id"
            | "call_id"
            | "tool_call_id"
            | "tool_use_id"
            | "item_id"
            | "file_id"
            | "container_id"
            | "response_id"
            | "status"
            | "phase"
            | "cache_control"
            | "signature"
            | "citations"
            | "annotations"
            | "logprobs"
            | "media_type"
            | "mime_type"
            | "detail"
            | "caller"
    )
}

/// Fields whose objects and lists a model reads as JSON.
fn is_json(name: &str) -> bool {
    matches!(
        name,
        "input"
            | "arguments"
            | "parameters"
            | "input_schema"
            | "schema"
            | "action"
            | "operation"
            | "tools"
            | "json"
    )
}

struct Walk<'c> {
    counter: &'c mut Counter,
    place: Place,
    /// Whether a text here may be the data or the address of an image or a file.
    is_payload: bool,
}

impl Walk<'_> {
    fn scalar(self, text: &dyn fmt::Display) {
        if self.place == Place::JsonValue {
            let mut json = String::new();
            // Writing to a string does not fail.
            let _ = write!(json, "{text},");
            self.counter.join(&json);
        }
    }

    fn number(self, number: impl Into<serde_json::Value>) {
        match self.place {
            Place::Prompt => self.counter.token_ids += 1,
            _ => self.scalar(&number.into()),
        }
    }

    /// Reads an object that a model reads as JSON.
    fn json_object<'de, A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.counter.join("{");
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            self.counter.join_all(["\"", &*name, "\":"]);
            let counter = &mut *self.counter;
            map.next_value_seed(Walk { counter, place: Place::JsonValue, is_payload: false })?;
        }
        self.counter.join("},");
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    /// Texts that may be data of a part around them.
    type Value = Vec<Payload>;

    fn deserialize<D: serde::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = Vec<Payload>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        self.scalar(&value);
        Ok(vec![])
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        self.number(number);
        Ok(vec![])
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        self.number(number);
        Ok(vec![])
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        self.number(number);
        Ok(vec![])
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        self.scalar(&"null");
        Ok(vec![])
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        match self.place {
            Place::JsonValue => self.counter.join_all(["\"", text, "\","]),
            place => {
                self.counter.messages += u64::from(place == Place::Conversation);
                let counted = self.counter.add(text);
                if self.is_payload {
                    return Ok(vec![counted]);
                }
            }
        }
        Ok(vec![])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let place = match self.place {
            Place::Conversation => Place::Message,
            Place::Message => Place::Part,
            Place::Json => Place::JsonValue,
            same => same,
        };
        loop {
            let counter = &mut *self.counter;
            let walk = Walk { counter, place, is_payload: false };
            if list.next_element_seed(walk)?.is_none() {
                return Ok(vec![]);
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        match self.place {
            Place::Json | Place::JsonValue => return self.json_object(map).map(|()| vec![]),
            place => self.counter.messages += u64::from(place == Place::Message),
        }
        let (mut payloads, mut kind) = (Vec::new(), None);
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            match &*name {
                "type" => kind = map.next_value::<TypeOf>()?.0,
                "encrypted_content" => {
                    let raw = map.next_value::<&RawValue>()?.get();
                    self.counter.base64 += raw.len() as u64;
                }
                name if is_unread(name) => drop(map.next_value::<IgnoredAny>()?),
                name => {
                    let place = if is_json(name) { Place::Json } else { Place::Part };
                    let is_payload = is_payload(name);
                    let counter = &mut *self.counter;
                    payloads.extend(map.next_value_seed(Walk { counter, place, is_payload })?);
                }
            }
        }
        match kind {
            Some(Kind::Image | Kind::Document | Kind::Recording) => {
                self.counter.remove(&mut payloads, false);
            }
            Some(Kind::Encrypted) => self.counter.remove(&mut payloads, true),
            Some(Kind::Inline) => payloads.clear(),
            None => {}
        }
        Ok(payloads)
    }
}

/// The kind that a `type` names.
struct TypeOf(Option<Kind>);

impl<'de> Deserialize<'de> for TypeOf {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        let name: Option<String> = match raw.len() <= MAX_TYPE_BYTES {
            true => serde_json::from_str(raw).ok(),
            false => None,
        };
        Ok(Self(name.and_then(|name| Kind::of(&name))))
    }
}

#[cfg(test)]
mod tests;
