//! Keeps the thinking of one model from another: signatures carry the model's tag.
//!
//! Anthropic signs each `thinking` block, and refuses a signature that is empty or another model's with
//! 400, on every further turn of the conversation. A conversation whose turns are routed to different
//! models would end there. So what a client gets has a tag in front, and what an upstream gets is
//! checked by it:
//!
//! ```text
//! upstream "EqQB..."              -> client "pm1f0c...8a.EqQB..."       tagged_answer, tagged_event
//! client   "pm1f0c...8a.EqQB..."  -> the same model: "EqQB..."          request_for
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
use std::collections::HashMap;
use std::ops::Range;

use pointsman::sha256_hex;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::tools::CallIds;

/// The hexadecimal digits of a tag.
const DIGITS: usize = 16;

/// The tag of a model: `base_url` is its upstream's root, `model` its name there.
pub(crate) fn model_tag(base_url: &str, model: &str) -> String {
    let (scheme, rest) = base_url.split_once("://").unwrap_or_default();
    let host = rest.split('/').next().unwrap_or_default().to_ascii_lowercase();
    let hash = sha256_hex(format!("{scheme}://{host}\n{model}").as_bytes());
    format!("pm{}.", &hash[..DIGITS])
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
    signature: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Option<Cow<'a, str>>,
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    tool_use_id: Option<Cow<'a, str>>,
}

/// What becomes of a block.
enum Fate {
    Same,
    Changed(String),
    LeftOut,
}

/// The body of a Messages request for the model with this tag. A body of another shape stays as it is:
/// the upstream says what is wrong with it.
pub(crate) fn request_for<'t>(body: &'t str, tag: &str) -> Cow<'t, str> {
    let Ok(request) = serde_json::from_str::<Request<'_>>(body) else { return Cow::Borrowed(body) };
    let mut ids = CallIds::default();
    let mut messages = Vec::with_capacity(request.messages.len());
    let (mut changed, mut lacks_thinking) = (false, false);
    for raw in &request.messages {
        let Ok(message) = serde_json::from_str::<Message<'_>>(raw.get()) else {
            messages.push(Cow::Borrowed(raw.get()));
            continue;
        };
        let Ok(blocks) = serde_json::from_str::<Vec<&RawValue>>(message.content.get()) else {
            // A text. That of a user begins another exchange.
            lacks_thinking &= message.role != "user";
            messages.push(Cow::Borrowed(raw.get()));
            continue;
        };
        let content = rewritten(&blocks, tag, &mut ids);
        match message.role.as_ref() {
            "user" => lacks_thinking &= content.answers_calls,
            _ => lacks_thinking |= content.calls_without_thinking,
        }
        match content.text {
            None => messages.push(Cow::Borrowed(raw.get())),
            Some(text) => {
                changed = true;
                if let Some(text) = text {
                    messages.push(Cow::Owned(with(raw.get(), message.content, &text)));
                }
            }
        }
    }
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    if changed && let Some(span) = span_of_list(body) {
        edits.push((span, format!("[{}]", messages.join(","))));
    }
    if lacks_thinking
        && let Some(thinking) = request.thinking
        && serde_json::from_str::<Value>(thinking.get()).is_ok_and(|t| t["type"] == "enabled")
    {
        edits.push((span(body, thinking), r#"{"type":"disabled"}"#.to_owned()));
    }
    edited(body, edits)
}

/// The content of a message after its blocks were rewritten.
struct Content {
    /// The new list; none if nothing changes, none within if nothing is left.
    text: Option<Option<String>>,
    /// Whether it has tool calls whose thinking was left out.
    calls_without_thinking: bool,
    /// Whether it has results of tool calls.
    answers_calls: bool,
}

fn rewritten(blocks: &[&RawValue], tag: &str, ids: &mut CallIds) -> Content {
    let mut kept: Vec<Cow<'_, str>> = Vec::with_capacity(blocks.len());
    let (mut changed, mut calls, mut thinks, mut lost) = (false, false, false, false);
    let mut answers_calls = false;
    for raw in blocks {
        let block = serde_json::from_str::<Block<'_>>(raw.get());
        let Ok(block) = block else {
            kept.push(Cow::Borrowed(raw.get()));
            continue;
        };
        let fate = match block.r#type.as_ref() {
            "thinking" => untagged(raw.get(), "signature", block.signature.as_deref(), tag),
            "redacted_thinking" => untagged(raw.get(), "data", block.data.as_deref(), tag),
            "tool_use" => {
                calls = true;
                with_id(raw.get(), "id", block.id.as_deref(), |id| ids.call(id))
            }
            "tool_result" => {
                answers_calls = true;
                with_id(raw.get(), "tool_use_id", block.tool_use_id.as_deref(), |id| ids.result(id))
            }
            _ => Fate::Same,
        };
        let is_thinking = block.r#type.ends_with("thinking");
        match fate {
            Fate::Same => kept.push(Cow::Borrowed(raw.get())),
            Fate::Changed(text) => {
                thinks |= is_thinking;
                changed = true;
                kept.push(Cow::Owned(text));
            }
            Fate::LeftOut => (changed, lost) = (true, true),
        }
    }
    let list = || (!kept.is_empty()).then(|| format!("[{}]", kept.join(",")));
    Content {
        text: changed.then(list),
        calls_without_thinking: calls && lost && !thinks,
        answers_calls,
    }
}

/// Takes the tag off a block of the same model, and leaves out any other.
fn untagged(raw: &str, field: &str, value: Option<&str>, tag: &str) -> Fate {
    let own = value.and_then(|value| value.strip_prefix(tag)).filter(|value| !value.is_empty());
    own.and_then(|own| with_field(raw, field, own)).map_or(Fate::LeftOut, Fate::Changed)
}

fn with_id(raw: &str, field: &str, id: Option<&str>, new: impl FnOnce(&str) -> String) -> Fate {
    let Some(id) = id.filter(|id| !id.is_empty()) else { return Fate::Same };
    let new = new(id);
    match new == id {
        true => Fate::Same,
        false => with_field(raw, field, &new).map_or(Fate::Same, Fate::Changed),
    }
}

/// A complete answer of the model with this tag, for a client.
pub(crate) fn tagged_answer<'t>(answer: &'t str, tag: &str) -> Cow<'t, str> {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(borrow)]
        content: Vec<&'a RawValue>,
    }
    let Ok(Answer { content }) = serde_json::from_str::<Answer<'_>>(answer) else {
        return Cow::Borrowed(answer);
    };
    let edits = content.into_iter().filter_map(|raw| {
        let new = tagged_block(raw.get(), tag)?;
        Some((span(answer, raw), new))
    });
    edited(answer, edits.collect())
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
    let message = event.message.and_then(|raw| match tagged_answer(raw.get(), tag) {
        Cow::Borrowed(_) => None,
        Cow::Owned(new) => Some((raw, new)),
    });
    let parts = [event.content_block, event.delta].into_iter().flatten();
    let mut edits =
        parts.filter_map(|raw| Some((raw, tagged_block(raw.get(), tag)?))).chain(message);
    let (raw, new) = edits.next()?;
    Some(edited(data, vec![(span(data, raw), new)]).into_owned())
}

/// Puts the tag in front of the signature of a block or of a delta; none if it has none.
fn tagged_block(raw: &str, tag: &str) -> Option<String> {
    let block: Block<'_> = serde_json::from_str(raw).ok()?;
    let (field, value) = match block.r#type.as_ref() {
        "thinking" | "signature_delta" => ("signature", block.signature?),
        "redacted_thinking" => ("data", block.data?),
        _ => return None,
    };
    if value.is_empty() {
        return None;
    }
    with_field(raw, field, &format!("{tag}{value}"))
}

/// The object with another text in one of its fields; none if it lacks it.
fn with_field(object: &str, field: &str, text: &str) -> Option<String> {
    let fields: HashMap<Cow<'_, str>, &RawValue> = serde_json::from_str(object).ok()?;
    Some(with(object, fields.get(field)?, &Value::from(text).to_string()))
}

/// The text with a part of it replaced.
fn with(text: &str, part: &RawValue, new: &str) -> String {
    edited(text, vec![(span(text, part), new.to_owned())]).into_owned()
}

/// The byte range of a raw value that was borrowed from `text`.
fn span(text: &str, part: &RawValue) -> Range<usize> {
    let start = part.get().as_ptr().addr() - text.as_ptr().addr();
    start..start + part.get().len()
}

/// The byte range of the list of messages.
fn span_of_list(body: &str) -> Option<Range<usize>> {
    #[derive(Deserialize)]
    struct List<'a> {
        #[serde(borrow)]
        messages: &'a RawValue,
    }
    let list: List<'_> = serde_json::from_str(body).ok()?;
    Some(span(body, list.messages))
}

/// Replaces ranges that do not overlap.
fn edited(text: &str, mut edits: Vec<(Range<usize>, String)>) -> Cow<'_, str> {
    if edits.is_empty() {
        return Cow::Borrowed(text);
    }
    edits.sort_by_key(|(range, _)| range.start);
    let (mut new, mut at) = (String::with_capacity(text.len()), 0);
    for (range, with) in edits {
        new.push_str(&text[at..range.start]);
        new.push_str(&with);
        at = range.end;
    }
    new.push_str(&text[at..]);
    Cow::Owned(new)
}

#[cfg(test)]
mod tests;
