//! OpenAI's Chat Completions, as OpenAI and other servers speak it.

use serde_json::{Map, Value, json};

use super::{Answer, finish_of, usage};
use crate::completions::request::Message;
use crate::data::Role;

pub fn put_messages(fields: &mut Map<String, Value>, messages: &[Message]) {
    let turns = messages.iter().map(|message| {
        let role = match message.role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        json!({"role": role, "content": message.content})
    });
    fields.insert("messages".into(), turns.collect());
}

pub fn answer(body: &Value) -> Result<Answer, String> {
    let choice = body.get("choices").and_then(|choices| choices.get(0));
    let choice = choice.ok_or("found no choices in the answer, expected one")?;
    let message = choice.get("message").ok_or("found a choice without a message")?;
    let refusal = message.get("refusal").and_then(Value::as_str).unwrap_or_default();
    let text = match message.get("content") {
        Some(Value::Array(parts)) => {
            parts.iter().filter_map(|part| part.get("text")?.as_str()).collect()
        }
        content => content.and_then(Value::as_str).unwrap_or_default().to_owned(),
    };
    let reason = choice.get("finish_reason").and_then(Value::as_str).unwrap_or_default();
    let refused = !refusal.trim().is_empty() && text.trim().is_empty();
    Ok(Answer {
        finish: finish_of(refused, reason == "content_filter", reason == "length", &text),
        text: if refused { refusal.to_owned() } else { text },
        usage: usage(body, &["prompt_tokens"], "completion_tokens"),
        answered_by: body.get("model").and_then(Value::as_str).map(str::to_owned),
    })
}
