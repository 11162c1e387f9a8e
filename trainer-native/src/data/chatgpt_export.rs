//! ChatGPT's export of one's data: `conversations.json`, a list of conversations, each a tree of messages.
//!
//! ```json
//! [{"id": "c-1", "current_node": "m2", "mapping": {
//!   "m1": {"parent": null, "message": {"author": {"role": "user"}, "content": {"content_type": "text", "parts": ["Name a prime above 10."]}}},
//!   "m2": {"parent": "m1", "message": {"author": {"role": "assistant"}, "content": {"content_type": "text", "parts": ["11"]}}}}}]
//! ```
//!
//! A conversation is the way from its root to `current_node`: answers that were made anew, and questions that
//! were changed, lie beside it. Its prompt is the last user turn with what stands before it. The settings that
//! ChatGPT sends along, and what the LLM thought, are left out.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::DataError;
use super::bad_row::RowFault;
use super::files::{read_bytes, stem_of};
use super::json_array::for_each_element;
use super::lines::without_place;
use super::messages::asked;
use super::prompt_sink::{Entry, PromptSink};
use super::source_log::Sink;

const EXPECTED: &str = "a list of conversations with \"mapping\" and \"current_node\"";

/// Messages that no person sees.
const HIDDEN: [&str; 4] =
    ["user_editable_context", "model_editable_context", "thoughts", "reasoning_recap"];

#[derive(Deserialize)]
#[serde(expecting = "an object with mapping and current_node")]
struct Conversation {
    id: Option<String>,
    conversation_id: Option<String>,
    current_node: Option<String>,
    mapping: Option<Map<String, Value>>,
}

pub(super) fn read_files(files: &[PathBuf], sink: &mut PromptSink<'_>) -> Result<(), DataError> {
    files.iter().try_for_each(|file| {
        let set = stem_of(file);
        sink.log().start_file(file);
        let bytes = read_bytes(file)?;
        sink.log().hash(&bytes);
        for_each_element(file, &bytes, EXPECTED, |number, line, element| {
            sink.push(line, entry(element, &set, number))
        })
    })
}

fn entry(element: &[u8], set: &str, number: usize) -> Result<Entry, RowFault> {
    let conversation: Conversation = serde_json::from_slice(element)
        .map_err(|error| RowFault::new("wrong_type", without_place(&error)))?;
    let missing = |name: &str| {
        let reason = format!("found no {name:?}, expected it in every conversation");
        RowFault::new("missing_field", reason)
    };
    let mapping = conversation.mapping.ok_or_else(|| missing("mapping"))?;
    let last = conversation.current_node.ok_or_else(|| missing("current_node"))?;
    let turns = way_to(&last, &mapping)?;
    let id = conversation.conversation_id.or(conversation.id);
    let id = id.unwrap_or_else(|| format!("{set}-{}", number + 1));
    Ok(Entry::of(asked(&Value::Array(turns))?, id, set.to_owned()))
}

/// The turns from the root to a node.
fn way_to(last: &str, mapping: &Map<String, Value>) -> Result<Vec<Value>, RowFault> {
    let mut turns = Vec::new();
    let mut next = Some(last);
    // A way is no longer than the tree has nodes; a longer one goes round in a circle.
    for _ in 0..=mapping.len() {
        let Some(name) = next else {
            turns.reverse();
            return Ok(turns);
        };
        let node = mapping.get(name).ok_or_else(|| {
            let reason = format!("found no node {name:?} in \"mapping\", expected every parent");
            RowFault::new("missing_node", reason)
        })?;
        turns.extend(node.get("message").and_then(turn));
        next = node.get("parent").and_then(Value::as_str);
    }
    Err(RowFault::new("circle", "found messages that are each other's parents, expected a tree"))
}

/// A message as other logs write it; `None` where no person sees it.
fn turn(message: &Value) -> Option<Value> {
    let content = message.get("content")?;
    let kind = content.get("content_type").and_then(Value::as_str).unwrap_or("text");
    if HIDDEN.contains(&kind) {
        return None;
    }
    let role = message.get("author")?.get("role")?;
    let parts = match content.get("parts") {
        Some(parts @ Value::Array(_)) => parts.clone(),
        // Code, its output and pages that were read stand in a field of their own.
        _ => json!([content.get("text").and_then(Value::as_str).unwrap_or_default()]),
    };
    let said = parts.as_array().is_some_and(|parts| parts.iter().any(|part| part != ""));
    // Each conversation begins with an empty system turn.
    let to_tool = message.get("recipient").and_then(Value::as_str).is_some_and(|to| to != "all");
    let role = if to_tool && role == "assistant" { &Value::from("tool") } else { role };
    said.then(|| json!({"role": role, "content": parts}))
}
