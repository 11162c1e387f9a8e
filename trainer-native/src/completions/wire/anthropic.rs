//! Anthropic's Messages.

use serde_json::{Map, Value, json};

use super::{Answer, finish_of, usage};
use crate::completions::request::Message;
use crate::data::Role;

/// System turns are a field of their own, joined by a blank line.
pub fn put_messages(fields: &mut Map<String, Value>, messages: &[Message]) {
    let system = messages.iter().filter(|message| message.role == Role::System);
    let system: Vec<&str> = system.map(|message| message.content.as_str()).collect();
    if !system.is_empty() {
        fields.insert("system".into(), system.join("\n\n").into());
    }
    let turn = |message: &Message| {
        let role = match message.role {
            Role::System => return None,
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        Some(json!({"role": role, "content": message.content}))
    };
    fields.insert("messages".into(), messages.iter().filter_map(turn).collect());
}

pub fn answer(body: &Value) -> Result<Answer, String> {
    let blocks = body.get("content").and_then(Value::as_array);
    let blocks = blocks.ok_or("found no content in the answer, expected a list of blocks")?;
    let is_text = |block: &&Value| block.get("type").and_then(Value::as_str) == Some("text");
    let text: String =
        blocks.iter().filter(is_text).filter_map(|block| block.get("text")?.as_str()).collect();
    let reason = body.get("stop_reason").and_then(Value::as_str).unwrap_or_default();
    let cut = matches!(reason, "max_tokens" | "model_context_window_exceeded");
    // Tokens of a cached prompt are counted apart.
    let input = ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"];
    Ok(Answer {
        finish: finish_of(reason == "refusal", false, cut, &text),
        text,
        usage: usage(body, &input, "output_tokens"),
        answered_by: body.get("model").and_then(Value::as_str).map(str::to_owned),
    })
}
