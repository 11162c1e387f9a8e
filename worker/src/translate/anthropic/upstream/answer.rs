//! Translates an Anthropic message into an OpenAI chat completion.
//!
//! | message | completion |
//! | --- | --- |
//! | `id`, `model` | the same |
//! | `text` blocks | `content`, concatenated; null if there are only tool calls |
//! | `thinking` blocks | `reasoning_content`, an extension that many clients read |
//! | `tool_use` blocks | `tool_calls` |
//! | `stop_reason` | `finish_reason`, see `stop` |
//! | `stop_details.explanation` of a refusal | `refusal` |
//! | `usage` | `usage`; `prompt_tokens` counts cached tokens too |
//!
//! Dropped: signatures, redacted thinking, citations, and blocks of unknown types.

use serde_json::{Map, Value, json};

use crate::error::Untranslatable;
use crate::translate::anthropic::stop;
use crate::wire::json_tree;
use crate::wire::usage::Usage;

/// Translates an answer. `created` is in seconds since 1970; Anthropic's message has no such field.
///
/// # Errors
/// [`Untranslatable::Answer`].
pub(crate) fn message_to_completion(
    message: &Value,
    created: u64,
) -> Result<Value, Untranslatable> {
    let Some(blocks) = message["content"].as_array() else {
        return Err(Untranslatable::answer("content", &message["content"], "a list of blocks"));
    };
    let (mut content, mut reasoning, mut calls) = (String::new(), String::new(), Vec::new());
    for (at, block) in blocks.iter().enumerate() {
        let string = |key: &str| {
            block[key].as_str().ok_or_else(|| {
                Untranslatable::answer(format!("content[{at}].{key}"), &block[key], "a string")
            })
        };
        match string("type")? {
            "text" => content.push_str(string("text")?),
            "thinking" => reasoning.push_str(string("thinking")?),
            "tool_use" => {
                let input = &block["input"];
                if !input.is_object() {
                    let field = format!("content[{at}].input");
                    return Err(Untranslatable::answer(field, input, "an object"));
                }
                let function =
                    json!({"name": string("name")?, "arguments": json_tree::to_text(input)});
                calls.push(json!({"id": string("id")?, "type": "function", "function": function}));
            }
            _ => {}
        }
    }
    let mut answer = Map::new();
    answer.insert("role".into(), "assistant".into());
    let silent = content.is_empty() && !calls.is_empty();
    answer.insert("content".into(), if silent { Value::Null } else { content.into() });
    answer.insert("refusal".into(), message["stop_details"]["explanation"].clone());
    if !reasoning.is_empty() {
        answer.insert("reasoning_content".into(), reasoning.into());
    }
    if !calls.is_empty() {
        answer.insert("tool_calls".into(), calls.into());
    }
    let mut completion = json!({
        "id": message["id"].as_str().unwrap_or_default(),
        "object": "chat.completion",
        "created": created,
        "model": message["model"].as_str().unwrap_or_default(),
        "choices": [{
            "index": 0,
            "message": answer,
            "logprobs": null,
            "finish_reason": stop::to_finish(message["stop_reason"].as_str()),
        }],
    });
    if let Some(usage) = Usage::from_anthropic(&message["usage"]) {
        completion["usage"] = usage.to_chat();
    }
    Ok(completion)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_whole_message_is_translated() {
        let message = json!({
            "id": "msg_01", "type": "message", "role": "assistant", "model": "claude-opus-4-6",
            "content": [
                {"type": "thinking", "thinking": "Look outside.", "signature": "c2ln"},
                {"type": "redacted_thinking", "data": "eA=="},
                {"type": "text", "text": "Let me "},
                {"type": "text", "text": "look.", "citations": []},
                {"type": "tool_use", "id": "toolu_1", "name": "weather",
                 "input": {"town": "Kyoto"}},
                {"type": "a_block_of_tomorrow"},
            ],
            "stop_reason": "tool_use", "stop_sequence": null,
            "usage": {"input_tokens": 10, "cache_creation_input_tokens": 20,
                      "cache_read_input_tokens": 30, "output_tokens": 5},
        });
        assert_eq!(
            message_to_completion(&message, 1_700_000_000).unwrap(),
            json!({
                "id": "msg_01", "object": "chat.completion", "created": 1_700_000_000,
                "model": "claude-opus-4-6",
                "choices": [{"index": 0, "logprobs": null, "finish_reason": "tool_calls",
                    "message": {"role": "assistant", "content": "Let me look.", "refusal": null,
                        "reasoning_content": "Look outside.",
                        "tool_calls": [{"id": "toolu_1", "type": "function", "function":
                            {"name": "weather", "arguments": "{\"town\":\"Kyoto\"}"}}]}}],
                "usage": {"prompt_tokens": 60, "completion_tokens": 5, "total_tokens": 65,
                          "prompt_tokens_details": {"cached_tokens": 30}},
            })
        );
    }

    #[test]
    fn content_is_null_only_beside_calls() {
        let content = |blocks| {
            let message = json!({"content": blocks, "stop_reason": "end_turn"});
            message_to_completion(&message, 0).unwrap()["choices"][0]["message"]["content"].clone()
        };
        assert_eq!(content(json!([])), json!(""));
        let call = json!([{"type": "tool_use", "id": "t", "name": "now", "input": {}}]);
        assert_eq!(content(call), Value::Null);
    }

    #[test]
    fn a_refusal_is_translated() {
        let message = json!({"content": [], "stop_reason": "refusal",
                             "stop_details": {"type": "refusal", "explanation": "Not this."}});
        let choice = message_to_completion(&message, 0).unwrap()["choices"][0].clone();
        assert_eq!(choice["finish_reason"], "content_filter");
        assert_eq!(choice["message"]["refusal"], "Not this.");
    }

    #[test]
    fn a_malformed_answer_is_the_upstreams_fault() {
        let cases = [
            (json!({}), "content"),
            (json!({"content": [{}]}), "content[0].type"),
            (json!({"content": [{"type": "text"}]}), "content[0].text"),
            (json!({"content": [{"type": "tool_use", "input": 1}]}), "content[0].input"),
            (json!({"content": [{"type": "tool_use", "input": {}}]}), "content[0].name"),
        ];
        for (message, field) in cases {
            let error = message_to_completion(&message, 0).unwrap_err();
            assert_eq!((error.field(), error.status()), (field, 502), "{message}");
        }
    }
}
