//! Keeps the thinking of one model from another: signatures carry the model's tag.
//!
//! Anthropic signs each `thinking` block, and refuses a signature that is empty or another model's with
//! 400, on every further turn of the conversation. A conversation whose turns are routed to different
//! models would end there. So what a client gets has a tag in front, and what an upstream gets is
//! checked by it:
//!
//! ```text
//! upstream "EqQB..."              -> client "pm1f0c...8a.EqQB..."       tagged_answer, tagged_event
//! client   "pm1f0c...8a.EqQB..."  -> the same model: "EqQB..."          History::edits
//!                                 -> another model: the block is left out
//! ```
//! `redacted_thinking` has its tag in `data`. A block whose signature is empty, or has no tag, is left out
//! too; a turn of nothing else is left out whole. If that takes the thinking of the tool calls that are
//! being answered, and the request has `thinking.type` `enabled`, which Anthropic then refuses, thinking is
//! disabled for this request.
//!
//! Ids of calls get Anthropic's letters (`tools::call_id`), and differ from each other. Everything else
//! keeps the client's bytes.

use std::borrow::Cow;
use std::ops::Range;

use pointsman::sha256_hex;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::tools::CallIds;
use crate::wire::fields::range_in;
use crate::wire::outgoing::Edit;
use crate::wire::places::{Place, inserted, places};

/// The hexadecimal digits of a tag.
const DIGITS: usize = 16;
/// The bytes of a tag.
const TAG_BYTES: usize = "pm".len() + DIGITS + ".".len();

/// The tag of a model: `base_url` is its upstream's root, `model` its name there.
pub(crate) fn model_tag(base_url: &str, model: &str) -> String {
    let (scheme, rest) = base_url.split_once("://").unwrap_or_default();
    let host = rest.split('/').next().unwrap_or_default().to_ascii_lowercase();
    let hash = sha256_hex(format!("{scheme}://{host}\n{model}").as_bytes());
    format!("pm{}.", &hash[..DIGITS])
}

/// What of a Messages request depends on the model that it is sent to, or breaks Anthropic's rules, by byte
/// ranges of the body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct History {
    /// The turns with thinking.
    turns: Vec<Turn>,
    /// Ids of calls that change.
    ids: Vec<Edit>,
    /// The value of `thinking`, if its type is `enabled`.
    enabled: Option<Range<usize>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Turn {
    /// Its index among the messages.
    at: usize,
    place: Place,
    blocks: Vec<Part>,
    /// Whether it has tool calls.
    calls: bool,
    /// Whether they are still being answered.
    in_progress: bool,
}

/// A block of a turn with thinking.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    place: Place,
    /// The place and text of its tag, empty if it has none; none for a block without a signature.
    tag: Option<(Range<usize>, String)>,
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    messages: Vec<&'a RawValue>,
    #[serde(borrow)]
    thinking: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow)]
    content: &'a RawValue,
}

#[derive(Deserialize)]
struct Block<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    signature: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_use_id: Option<&'a RawValue>,
}

impl History {
    /// Reads a request. Of a body of another shape nothing is changed: the upstream says what is wrong
    /// with it.
    pub(crate) fn read(body: &str) -> Self {
        let mut history = Self::default();
        let Ok(request) = serde_json::from_str::<Request<'_>>(body) else { return history };
        let mut ids = CallIds::default();
        let places = places(body, &request.messages);
        for (at, (raw, place)) in request.messages.iter().zip(places).enumerate() {
            let Ok(message) = serde_json::from_str::<Message<'_>>(raw.get()) else { continue };
            let blocks = serde_json::from_str::<Vec<&RawValue>>(message.content.get());
            let mut turn = Turn { at, place, blocks: vec![], calls: false, in_progress: true };
            let answers_calls =
                blocks.is_ok_and(|blocks| history.read_blocks(body, &blocks, &mut turn, &mut ids));
            if message.role == "user" && !answers_calls {
                history.turns.iter_mut().for_each(|turn| turn.in_progress = false);
            }
            if turn.blocks.iter().any(|part| part.tag.is_some()) {
                history.turns.push(turn);
            }
        }
        history.enabled = request.thinking.and_then(|thinking| {
            let value: Value = serde_json::from_str(thinking.get()).ok()?;
            (value["type"] == "enabled").then(|| range_in(body, thinking.get()))
        });
        history
    }

    /// Reads the blocks of a turn; whether there are results of calls among them.
    fn read_blocks(
        &mut self,
        body: &str,
        blocks: &[&RawValue],
        turn: &mut Turn,
        ids: &mut CallIds,
    ) -> bool {
        let mut answers_calls = false;
        for (raw, place) in blocks.iter().zip(places(body, blocks)) {
            let mut tag = None;
            if let Ok(block) = serde_json::from_str::<Block<'_>>(raw.get()) {
                let mut change = |id: Option<&RawValue>, new: &mut dyn FnMut(&str) -> String| {
                    let Some(raw) = id else { return };
                    let id: Cow<'_, str> = serde_json::from_str(raw.get()).unwrap_or_default();
                    let new = if id.is_empty() { String::new() } else { new(&id) };
                    if new != id {
                        let text = Value::from(new).to_string();
                        self.ids.push(Edit { range: range_in(body, raw.get()), text });
                    }
                };
                match block.r#type.as_ref() {
                    "thinking" => tag = Some(tag_of(body, block.signature)),
                    "redacted_thinking" => tag = Some(tag_of(body, block.data)),
                    "tool_use" => {
                        turn.calls = true;
                        change(block.id, &mut |id| ids.call(id));
                    }
                    "tool_result" => {
                        answers_calls = true;
                        change(block.tool_use_id, &mut |id| ids.result(id));
                    }
                    _ => {}
                }
            }
            turn.blocks.push(Part { place, tag });
        }
        answers_calls
    }

    /// The changes of the body for the model with this tag; none of them overlap.
    pub(crate) fn edits(&self, tag: &str) -> Vec<Edit> {
        let mut edits = self.ids.clone();
        // How many of the first messages are left out.
        let (mut gone, mut lacks_thinking) = (0, false);
        for turn in &self.turns {
            let own = |part: &Part| part.tag.as_ref().is_none_or(|(_, found)| found == tag);
            if !turn.blocks.iter().any(own) {
                let range = turn.place.without(gone == turn.at);
                edits.push(Edit { range, text: String::new() });
                gone += usize::from(gone == turn.at);
                continue;
            }
            let (mut kept, mut thinks) = (false, false);
            for part in &turn.blocks {
                let range = match &part.tag {
                    _ if !own(part) => part.place.without(!kept),
                    Some((range, _)) => range.clone(),
                    None => 0..0,
                };
                thinks |= own(part) && part.tag.is_some();
                kept |= own(part);
                if !range.is_empty() {
                    edits.push(Edit { range, text: String::new() });
                }
            }
            lacks_thinking |= turn.in_progress && turn.calls && !thinks;
        }
        if let Some(range) = self.enabled.clone().filter(|_| lacks_thinking) {
            edits.push(Edit { range, text: r#"{"type":"disabled"}"#.to_owned() });
        }
        edits
    }
}

/// The place and text of a signature's tag; empty if it has none, or nothing behind it.
fn tag_of(body: &str, value: Option<&RawValue>) -> (Range<usize>, String) {
    let literal = value.map_or("", RawValue::get);
    let tag = literal.strip_prefix('"').and_then(|text| text.get(..TAG_BYTES)).filter(|tag| {
        let plain = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let digits = tag.strip_prefix("pm").and_then(|rest| rest.strip_suffix('.'));
        digits.is_some_and(|digits| digits.bytes().all(plain))
            && literal.len() > TAG_BYTES + "\"\"".len()
    });
    match (value, tag) {
        (Some(value), Some(tag)) => {
            let start = range_in(body, value.get()).start + 1;
            (start..start + TAG_BYTES, tag.to_owned())
        }
        _ => (0..0, String::new()),
    }
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow)]
    content: Vec<&'a RawValue>,
}

/// A complete answer of the model with this tag, for a client.
pub(crate) fn tagged_answer<'t>(answer: &'t str, tag: &str) -> Cow<'t, str> {
    let Ok(Content { content }) = serde_json::from_str::<Content<'_>>(answer) else {
        return Cow::Borrowed(answer);
    };
    let at = content.into_iter().filter_map(|raw| tag_place(answer, raw)).collect::<Vec<_>>();
    inserted(answer, &at, tag)
}

/// The data of an event of a stream of the model with this tag, for a client; none if it stays the same.
pub(crate) fn tagged_event(data: &str, tag: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(borrow)]
        content_block: Option<&'a RawValue>,
        #[serde(borrow)]
        delta: Option<&'a RawValue>,
        #[serde(borrow)]
        message: Option<&'a RawValue>,
    }
    // Most events are pieces of text.
    if !["signature", "redacted", "\\u"].iter().any(|part| data.contains(part)) {
        return None;
    }
    let event: Event<'_> = serde_json::from_str(data).ok()?;
    let message = event.message.and_then(|message| {
        let content: Content<'_> = serde_json::from_str(message.get()).ok()?;
        Some(content.content)
    });
    let parts = [event.content_block, event.delta].into_iter().flatten();
    let parts = parts.chain(message.into_iter().flatten());
    let at: Vec<usize> = parts.filter_map(|part| tag_place(data, part)).collect();
    match inserted(data, &at, tag) {
        Cow::Borrowed(_) => None,
        Cow::Owned(tagged) => Some(tagged),
    }
}

/// Where the signature of a block or of a delta begins; none if it has none.
fn tag_place(text: &str, raw: &RawValue) -> Option<usize> {
    let block: Block<'_> = serde_json::from_str(raw.get()).ok()?;
    let value = match block.r#type.as_ref() {
        "thinking" | "signature_delta" => block.signature?,
        "redacted_thinking" => block.data?,
        _ => return None,
    };
    let signed = value.get().starts_with('"') && value.get() != "\"\"";
    signed.then(|| range_in(text, value.get()).start + 1)
}

#[cfg(test)]
mod tests;
