//! Translates an Anthropic message into an OpenAI chat completion.
//!
//! | message | completion |
//! | --- | --- |
//! | `id`, `model` | the same; where absent, those of `AnswerDefaults` |
//! | `text` blocks | `content`, concatenated; null if there are only tool calls |
//! | `thinking` blocks | `reasoning_content`, an extension that many clients read |
//! | `tool_use` blocks | `tool_calls`; an id is made where it is absent |
//! | `stop_reason` | `finish_reason`, see `stop` |
//! | `stop_details.explanation` of a refusal | `refusal` |
//! | `usage` | `usage`; `prompt_tokens` counts cached tokens too |
//!
//! Dropped: signatures, redacted thinking, citations, and blocks of unknown types.

use serde_json::{Map, Value, json};

use crate::error::Untranslatable;
use crate::translate::anthropic::{stop, tools};
use crate::translate::shared::answer_defaults::AnswerDefaults;
use crate::wire::json_tree;
use crate::wire::usage::Usage;

/// Translates an answer.
///
/// # Errors
/// [`Untranslatable::Answer`].
pub(crate) fn message_to_completion(
    message: &Value,
    defaults: &AnswerDefaults<'_>,
) -> Result<Value, Untranslatable> {
    let (blocks, text) = match &message["content"] {
        Value::Array(blocks) => (blocks.as_slice(), ""),
        Value::String(text) => (&[][..], text.as_str()),
        other => return Err(Untranslatable::answer("content", other, "a list of blocks")),
    };
    let (mut content, mut reasoning, mut calls) = (text.to_owned(), String::new(), Vec::new());
    let mut ids = None;
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
                let input = tools::input(&block["input"]).ok_or_else(|| {
                    let field = format!("content[{at}].input");
                    Untranslatable::answer(field, &block["input"], "an object")
                })?;
                let function =
                    json!({"name": string("name")?, "arguments": json_tree::to_text(&input)});
                let ids =
                    ids.get_or_insert_with(|| defaults.call_ids("call", &message.to_string()));
                let id = ids.unique(block["id"].as_str().unwrap_or_default(), calls.len());
                calls.push(json!({"id": id, "type": "function", "function": function}));
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
    let finish = stop::to_finish(message["stop_reason"].as_str(), !calls.is_empty());
    if !calls.is_empty() {
        answer.insert("tool_calls".into(), calls.into());
    }
    let mut completion = json!({
        "id": defaults.id_of(message),
        "object": "chat.completion",
        "created": defaults.created,
        "model": defaults.model_of(message),
        "choices": [{
            "index": 0,
            "message": answer,
            "logprobs": null,
            "finish_reason": finish,
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

    const DEFAULTS: AnswerDefaults<'static> =
        AnswerDefaults { id: "chatcmpl-7", model: "asked", created: 1_700_000_000 };

    fn translated(message: &Value) -> Result<Value, Untranslatable> {
        message_to_completion(message, &DEFAULTS)
    }

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
            translated(&message).unwrap(),
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
            translated(&message).unwrap()["choices"][0]["message"]["content"].clone()
        };
        assert_eq!(content(json!([])), json!(""));
        let call = json!([{"type": "tool_use", "id": "t", "name": "now", "input": {}}]);
        assert_eq!(content(call), Value::Null);
    }

    #[test]
    fn a_refusal_is_translated() {
        let message = json!({"content": [], "stop_reason": "refusal",
                             "stop_details": {"type": "refusal", "explanation": "Not this."}});
        let choice = translated(&message).unwrap()["choices"][0].clone();
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
            let error = translated(&message).unwrap_err();
            assert_eq!((error.field(), error.status()), (field, 502), "{message}");
        }
    }
}
