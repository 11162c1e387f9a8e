//! Writes a whole answer as the stream that its client asked for: some upstreams answer `stream: true` with
//! whole JSON, which a client that waits for events cannot read.
//!
//! | API | events |
//! | --- | --- |
//! | chat, completions | for each choice a chunk with all that was written and one with its end; the usage, if asked for; `[DONE]` |
//! | Messages | `message_start`, each block with one delta of each kind, `message_delta`, `message_stop` |
//! | Responses | `response.created`, each item with one delta for each of its texts, `response.completed` |

use serde_json::{Map, Value, json};

use super::shared::answer_defaults::AnswerDefaults;
use super::shared::chunk::DONE;
use crate::request::endpoint::Dialect;
use crate::wire::answer::finish_reason;
use crate::wire::written::flatten;
use crate::wire::{json_tree, sse};

mod responses;

/// Writes the events of an answer in the client's API.
///
/// # Errors
/// What of the answer is no answer of this API.
pub(crate) fn whole_as_stream(
    dialect: Dialect,
    answer: &[u8],
    include_usage: bool,
    defaults: &AnswerDefaults<'_>,
) -> Result<Vec<u8>, String> {
    let text = std::str::from_utf8(answer).map_err(|e| e.to_string())?;
    let read = || json_tree::parse_answer(text);
    let events = match dialect {
        Dialect::Chat => chunks(read()?, include_usage, defaults, chat_choice)?,
        Dialect::Completions => chunks(read()?, include_usage, defaults, text_choice)?,
        Dialect::Messages => message(read()?)?,
        Dialect::Responses => responses::events(read()?, text.len())?,
        // They have no streams.
        Dialect::Embeddings => text.to_owned(),
    };
    Ok(events.into_bytes())
}

/// Writes an event whose name is its type.
fn event(data: &Value) -> String {
    sse::event(data["type"].as_str(), &json_tree::to_text(data))
}

/// The object of an answer.
fn object(answer: Value, field: &str) -> Result<Map<String, Value>, String> {
    match answer {
        Value::Object(fields) if fields.get(field).is_some_and(Value::is_array) => Ok(fields),
        _ => Err(format!("an answer without a list {field:?}")),
    }
}

fn list(value: Option<Value>) -> Vec<Value> {
    match value {
        Some(Value::Array(list)) => list,
        _ => vec![],
    }
}

fn chunks(
    answer: Value,
    include_usage: bool,
    defaults: &AnswerDefaults<'_>,
    write: impl Fn(Value) -> Result<(&'static str, Vec<Value>), String>,
) -> Result<String, String> {
    let (id, model) = (defaults.id_of(&answer), defaults.model_of(&answer));
    let mut chunk = object(answer, "choices")?;
    chunk.insert("id".into(), id.into());
    chunk.insert("model".into(), model.into());
    chunk.entry("created").or_insert_with(|| defaults.created.into());
    let (choices, usage) = (list(chunk.remove("choices")), chunk.remove("usage"));
    if include_usage {
        chunk.insert("usage".into(), Value::Null);
    }
    let mut events = String::new();
    for choice in choices {
        let (kind, pieces) = write(choice)?;
        chunk.insert("object".into(), kind.into());
        for piece in pieces {
            chunk.insert("choices".into(), json!([piece]));
            events.push_str(&sse::event(None, &json_tree::to_text(&Value::Object(chunk.clone()))));
        }
    }
    if let Some(usage) = usage.filter(|usage| include_usage && usage.is_object()) {
        chunk.insert("choices".into(), json!([]));
        chunk.insert("usage".into(), usage);
        events.push_str(&sse::event(None, &json_tree::to_text(&Value::Object(chunk))));
    }
    events.push_str(DONE);
    Ok(events)
}

fn chat_choice(mut choice: Value) -> Result<(&'static str, Vec<Value>), String> {
    let mut delta = match choice.get_mut("message").map(Value::take) {
        Some(message @ Value::Object(_)) => message,
        _ => return Err("a choice without a message".to_owned()),
    };
    if !delta["role"].is_string() {
        delta["role"] = "assistant".into();
    }
    flatten(&mut delta).map_err(|_| "a choice whose content is neither a text nor parts")?;
    let mut calls = 0;
    let list = delta.get_mut("tool_calls").and_then(Value::as_array_mut);
    for call in list.into_iter().flatten() {
        if let Some(call) = call.as_object_mut() {
            call.entry("index").or_insert_with(|| calls.into());
        }
        calls += 1;
    }
    let index = choice["index"].as_u64().unwrap_or(0);
    let reason = finish_reason(&choice).unwrap_or(if calls > 0 { "tool_calls" } else { "stop" });
    let logprobs = &choice["logprobs"];
    let mut last = json!({"index": index, "delta": {}, "logprobs": null, "finish_reason": reason});
    // What else the choice has, such as the stop sequence that ended it.
    for (name, value) in choice.as_object().into_iter().flatten() {
        if last.get(name).is_none() && name != "message" {
            last[name] = value.clone();
        }
    }
    let first =
        json!({"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": null});
    Ok(("chat.completion.chunk", vec![first, last]))
}

fn text_choice(mut choice: Value) -> Result<(&'static str, Vec<Value>), String> {
    if !choice["text"].is_string() {
        return Err("a choice without a text".to_owned());
    }
    if finish_reason(&choice).is_none() {
        choice["finish_reason"] = "stop".into();
    }
    Ok(("text_completion", vec![choice]))
}

fn message(answer: Value) -> Result<String, String> {
    let mut start = object(answer, "content")?;
    let blocks = list(start.insert("content".into(), json!([])));
    let mut ended = |field: &str| start.insert(field.to_owned(), Value::Null).unwrap_or_default();
    let delta =
        json!({"stop_reason": ended("stop_reason"), "stop_sequence": ended("stop_sequence")});
    let usage = start.get("usage").cloned().unwrap_or_default();
    let mut events = event(&json!({"type": "message_start", "message": start}));
    for (index, block) in blocks.into_iter().enumerate() {
        let (empty, deltas) = block_deltas(block);
        let start = json!({"type": "content_block_start", "index": index, "content_block": empty});
        events.push_str(&event(&start));
        for delta in deltas {
            let delta = json!({"type": "content_block_delta", "index": index, "delta": delta});
            events.push_str(&event(&delta));
        }
        events.push_str(&event(&json!({"type": "content_block_stop", "index": index})));
    }
    events.push_str(&event(&json!({"type": "message_delta", "delta": delta, "usage": usage})));
    events.push_str(&event(&json!({"type": "message_stop"})));
    Ok(events)
}

/// A block as it begins, and the deltas that complete it. A block of another type begins whole.
fn block_deltas(mut block: Value) -> (Value, Vec<Value>) {
    let parts: &[(&str, &str)] = match block["type"].as_str() {
        Some("text") => &[("text", "text_delta")],
        Some("thinking") => &[("thinking", "thinking_delta"), ("signature", "signature_delta")],
        Some("tool_use" | "server_tool_use" | "mcp_tool_use") => {
            let input = json_tree::to_text(&block["input"]);
            block["input"] = json!({});
            let delta = json!({"type": "input_json_delta", "partial_json": input});
            return (block, if input == "{}" { vec![] } else { vec![delta] });
        }
        _ => return (block, vec![]),
    };
    let mut deltas = Vec::new();
    for (field, kind) in parts {
        let text = std::mem::replace(&mut block[*field], "".into());
        if text.as_str().is_some_and(|text| !text.is_empty()) {
            deltas.push(json!({"type": kind, *field: text}));
        }
    }
    let citations = block.as_object_mut().and_then(|fields| fields.remove("citations"));
    deltas.extend(
        list(citations)
            .into_iter()
            .map(|citation| json!({"type": "citations_delta", "citation": citation})),
    );
    (block, deltas)
}

#[cfg(test)]
mod tests;
