//! Writes a whole chat completion, or a completion of a prompt, as chunks.

use serde_json::{Value, json};

use super::json::{list, object};
use crate::translate::shared::answer_defaults::AnswerDefaults;
use crate::translate::shared::chunk::DONE;
use crate::wire::answer::finish_reason;
use crate::wire::written::flatten;
use crate::wire::{json_tree, sse};

/// The chunks of each choice, which `write` makes, and their `object`.
pub(super) fn events(
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

/// The chunks of a choice of a chat completion.
pub(super) fn choice(mut choice: Value) -> Result<(&'static str, Vec<Value>), String> {
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

/// The chunk of a choice of a completion of a prompt.
pub(super) fn choice_of_prompt(mut choice: Value) -> Result<(&'static str, Vec<Value>), String> {
    if !choice["text"].is_string() {
        return Err("a choice without a text".to_owned());
    }
    if finish_reason(&choice).is_none() {
        choice["finish_reason"] = "stop".into();
    }
    Ok(("text_completion", vec![choice]))
}
