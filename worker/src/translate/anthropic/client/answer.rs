//! Translates an OpenAI chat completion into an Anthropic message.
//!
//! | completion | message |
//! | --- | --- |
//! | `id`, `model` | the same |
//! | `reasoning_content`, else `reasoning` | a `thinking` block with an empty signature |
//! | `content` | a `text` block |
//! | `refusal` | a `text` block, and `stop_reason` `refusal` |
//! | `tool_calls` | `tool_use` blocks; ids get Anthropic's letters, and one is made where it is absent |
//! | `finish_reason` | `stop_reason`, see `stop`; OpenAI does not report which stop sequence it was |
//! | `usage` | `usage`; cached tokens are in `cache_read_input_tokens` and not in `input_tokens` |
//!
//! Only the first choice is translated: an Anthropic request asks for one.

use serde_json::{Value, json};

use crate::error::Untranslatable;
use crate::translate::anthropic::stop;
use crate::translate::anthropic::tools::{self, CallIds};
use crate::wire::usage::Usage;

/// Translates an answer.
///
/// # Errors
/// [`Untranslatable::Answer`].
pub(crate) fn completion_to_message(completion: &Value) -> Result<Value, Untranslatable> {
    let choice = &completion["choices"][0];
    let message = &choice["message"];
    if !message.is_object() {
        return Err(Untranslatable::answer("choices[0].message", message, "an object"));
    }
    let mut blocks = Vec::new();
    if let Some(thinking) = reasoning(message) {
        blocks.push(json!({"type": "thinking", "thinking": thinking, "signature": ""}));
    }
    let content = text(&message["content"])?;
    let refusal = message["refusal"].as_str().unwrap_or_default();
    for text in [content.as_str(), refusal] {
        if !text.is_empty() {
            blocks.push(json!({"type": "text", "text": text}));
        }
    }
    let calls = message["tool_calls"].as_array().map_or(&[][..], Vec::as_slice);
    let mut ids = CallIds::default();
    let given = |call: &Value| call["id"].as_str().filter(|id| !id.is_empty()).map(str::to_owned);
    let lacks_one = calls.iter().any(|call| given(call).is_none());
    let seed = if lacks_one { completion.to_string() } else { String::new() };
    for (at, call) in calls.iter().enumerate() {
        let mut block = tool_use(call, at)?;
        block["id"] = match given(call) {
            Some(id) => ids.call(&id).into(),
            None => tools::made_id(&seed, at as u64).into(),
        };
        blocks.push(block);
    }
    let finish = choice["finish_reason"].as_str();
    let stop_reason = match refusal.is_empty() {
        true => stop::to_stop(finish, !calls.is_empty()),
        false => "refusal",
    };
    let usage = Usage::from_chat(&completion["usage"]).unwrap_or_default();
    Ok(json!({
        "id": completion["id"].as_str().unwrap_or_default(),
        "type": "message",
        "role": "assistant",
        "model": completion["model"].as_str().unwrap_or_default(),
        "content": blocks,
        "stop_reason": stop_reason,
        "stop_sequence": null,
        "usage": usage.to_anthropic(),
    }))
}

/// The reasoning of a message or delta, under either of the names that upstreams use.
pub(super) fn reasoning(message: &Value) -> Option<&str> {
    let names = ["reasoning_content", "reasoning"];
    names.iter().filter_map(|name| message[*name].as_str()).find(|text| !text.is_empty())
}

/// Reads content that is a text, a list of parts (from some upstreams) or null.
fn text(content: &Value) -> Result<String, Untranslatable> {
    const FIELD: &str = "choices[0].message.content";
    match content {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        Value::Array(parts) => Ok(parts.iter().filter_map(|part| part["text"].as_str()).collect()),
        other => Err(Untranslatable::answer(FIELD, other, "a string")),
    }
}

fn tool_use(call: &Value, at: usize) -> Result<Value, Untranslatable> {
    let field = format!("choices[0].message.tool_calls[{at}]");
    let function = &call["function"];
    let arguments = &function["arguments"];
    let input = tools::input(arguments).ok_or_else(|| {
        let field = format!("{field}.function.arguments");
        Untranslatable::answer(field, arguments, "the text of a JSON object")
    })?;
    let Some(name) = function["name"].as_str() else {
        let field = format!("{field}.function.name");
        return Err(Untranslatable::answer(field, &function["name"], "a string"));
    };
    Ok(json!({"type": "tool_use", "name": name, "input": input}))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::wire::json_tree;

    fn answer(message: Value, finish: &str) -> Value {
        let completion = json!({"id": "c", "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": finish}]});
        completion_to_message(&completion).unwrap()
    }

    #[test]
    fn a_whole_completion_is_translated() {
        let completion = json!({
            "id": "chatcmpl-1", "object": "chat.completion", "created": 5, "model": "small-1",
            "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {
                "role": "assistant", "content": "Let me look.", "reasoning_content": "Hm.",
                "tool_calls": [{"id": "call_1", "type": "function", "function":
                    {"name": "weather", "arguments": "{\"town\": \"Kyoto\"}"}}]}}],
            "usage": {"prompt_tokens": 60, "completion_tokens": 5, "total_tokens": 65,
                      "prompt_tokens_details": {"cached_tokens": 30}},
        });
        assert_eq!(
            json_tree::plain(&completion_to_message(&completion).unwrap()),
            json!({
                "id": "chatcmpl-1", "type": "message", "role": "assistant", "model": "small-1",
                "content": [
                    {"type": "thinking", "thinking": "Hm.", "signature": ""},
                    {"type": "text", "text": "Let me look."},
                    {"type": "tool_use", "id": "call_1", "name": "weather",
                     "input": {"town": "Kyoto"}}],
                "stop_reason": "tool_use", "stop_sequence": null,
                "usage": {"input_tokens": 30, "cache_creation_input_tokens": 0,
                          "cache_read_input_tokens": 30, "output_tokens": 5},
            })
        );
    }

    #[test]
    fn a_refusal_is_a_text_and_a_reason() {
        let message = answer(json!({"content": null, "refusal": "Not this."}), "stop");
        assert_eq!(message["content"], json!([{"type": "text", "text": "Not this."}]));
        assert_eq!(message["stop_reason"], "refusal");
    }

    #[test]
    fn upstreams_that_differ_are_understood() {
        let parts = json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]);
        let message = answer(json!({"content": parts, "reasoning": "r"}), "stop");
        assert_eq!(message["content"][1]["text"], "ab");
        assert_eq!(message["content"][0]["thinking"], "r");
        let call = json!({"function": {"name": "now", "arguments": ""}});
        let message = answer(json!({"content": "", "tool_calls": [call]}), "stop");
        let id = message["content"][0]["id"].clone();
        let block = json!({"type": "tool_use", "id": id, "name": "now", "input": {}});
        assert_eq!(message["content"], json!([block]));
        assert_eq!(message["stop_reason"], "tool_use");
        assert_eq!(message["usage"]["input_tokens"], 0);
    }

    #[test]
    fn ids_of_calls_are_anthropics_and_differ_within_and_between_answers() {
        let ids = |id: Value, created: u64| {
            let call = json!({"id": id, "function": {"name": "now", "arguments": ""}});
            let message = json!({"content": "", "tool_calls": [call, call]});
            let completion = json!({"created": created, "choices": [{"message": message}]});
            let blocks = completion_to_message(&completion).unwrap()["content"].clone();
            [blocks[0]["id"].clone(), blocks[1]["id"].clone()]
        };
        assert_eq!(ids(json!("functions.now:0"), 1)[0], "functions_2e_now_3a_0");
        for id in [json!("functions.now:0"), json!(""), Value::Null] {
            let [first, second] = ids(id.clone(), 1);
            assert_ne!(first, second);
            for id in [&first, &second] {
                let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
                assert!(id.as_str().is_some_and(|id| id.chars().all(plain)), "{id}");
            }
            if id != "functions.now:0" {
                assert_ne!(first, ids(id, 2)[0]);
            }
        }
    }

    #[test]
    fn a_malformed_answer_is_the_upstreams_fault() {
        let with = |message: Value| json!({"choices": [{"message": message}]});
        let call = |function: Value| with(json!({"tool_calls": [{"function": function}]}));
        let cut = "choices[0].message.tool_calls[0].function.arguments";
        let cases = [
            (json!({}), "choices[0].message"),
            (json!({"choices": []}), "choices[0].message"),
            (with(json!({"content": 4})), "choices[0].message.content"),
            (call(json!({"name": "f", "arguments": "{\"a"})), cut),
            (call(json!({})), "choices[0].message.tool_calls[0].function.name"),
        ];
        for (completion, field) in cases {
            let error = completion_to_message(&completion).unwrap_err();
            assert_eq!((error.field(), error.status()), (field, 502), "{completion}");
        }
    }
}
