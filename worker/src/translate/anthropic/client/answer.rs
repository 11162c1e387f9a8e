//! Translates an OpenAI chat completion into an Anthropic message.
//!
//! | completion | message |
//! | --- | --- |
//! | `id`, `model` | the same; where absent, those of `AnswerDefaults` |
//! | reasoning (`wire::written`) | a `thinking` block with an empty signature |
//! | `content` | a `text` block |
//! | `refusal` | a `text` block, and `stop_reason` `refusal` |
//! | `tool_calls` | `tool_use` blocks; ids get Anthropic's letters, and one is made where it is absent |
//! | arguments that `max_tokens` cut off | an empty `input` |
//! | `finish_reason` | `stop_reason`, see `stop` |
//! | `usage` | `usage`; cached tokens are in `cache_read_input_tokens` and not in `input_tokens` |
//!
//! Only the first choice is translated: an Anthropic request asks for one.

use std::cell::OnceCell;

use serde_json::{Value, json};

use crate::error::Untranslatable;
use crate::translate::anthropic::stop::Ending;
use crate::translate::anthropic::tools::{self, CallIds};
use crate::translate::shared::answer_defaults::AnswerDefaults;
use crate::translate::shared::call_pieces::CallFields;
use crate::wire::usage::Usage;
use crate::wire::written::{Written, written};

/// Translates an answer.
///
/// # Errors
/// [`Untranslatable::Answer`].
pub(crate) fn completion_to_message(
    completion: &Value,
    defaults: &AnswerDefaults<'_>,
) -> Result<Value, Untranslatable> {
    let choice = &completion["choices"][0];
    let message = &choice["message"];
    if !message.is_object() {
        return Err(Untranslatable::answer("choices[0].message", message, "an object"));
    }
    let written = written(message).map_err(|found| {
        Untranslatable::answer("choices[0].message.content", found, "a text or a list of parts")
    })?;
    let refused = written.iter().any(|piece| matches!(piece, Written::Refusal(_)));
    let ending = Ending::of(choice).unwrap_or_default();
    let mut blocks = Vec::new();
    for piece in written {
        add(piece, &mut blocks);
    }
    let made_ids = OnceCell::new();
    let (mut ids, texts) = (CallIds::default(), blocks.len());
    for (at, call) in CallFields::all(message).enumerate() {
        let id = match &*call.id {
            "" => {
                made_ids.get_or_init(|| defaults.call_ids("toolu", &completion.to_string())).of(at)
            }
            id => ids.call(id),
        };
        blocks.push(tool_use(&call, id, at, ending.is_cut())?);
    }
    let (stop_reason, stop_sequence) = ending.to_anthropic(blocks.len() > texts, refused);
    let usage = Usage::from_chat(&completion["usage"]).unwrap_or_default();
    Ok(json!({
        "id": defaults.id_of(completion),
        "type": "message",
        "role": "assistant",
        "model": defaults.model_of(completion),
        "content": blocks,
        "stop_reason": stop_reason,
        "stop_sequence": stop_sequence,
        "usage": usage.to_anthropic(),
    }))
}

/// Adds a piece of text as a block, or to the last block of its kind.
fn add(piece: Written, blocks: &mut Vec<Value>) {
    let (kind, text) = match piece {
        Written::Reasoning(text) => ("thinking", text),
        Written::Text(text) | Written::Refusal(text) => ("text", text),
    };
    match blocks.last_mut().filter(|block| block["type"] == kind) {
        Some(block) => {
            block[kind] = format!("{}{text}", block[kind].as_str().unwrap_or_default()).into();
        }
        None if kind == "thinking" => {
            blocks.push(json!({"type": kind, "thinking": text, "signature": ""}));
        }
        None => blocks.push(json!({"type": kind, "text": text})),
    }
}

fn tool_use(
    call: &CallFields<'_>,
    id: String,
    at: usize,
    is_cut: bool,
) -> Result<Value, Untranslatable> {
    let field = |name: &str| format!("choices[0].message.tool_calls[{at}].function.{name}");
    let arguments = Value::from(&*call.arguments);
    let input = match tools::input(&arguments) {
        Some(input) => input,
        None if is_cut => json!({}),
        None => {
            let expected = "the text of a JSON object";
            return Err(Untranslatable::answer(field("arguments"), &arguments, expected));
        }
    };
    if call.name.is_empty() {
        return Err(Untranslatable::answer(field("name"), &Value::Null, "a name"));
    }
    Ok(json!({"type": "tool_use", "id": id, "name": call.name, "input": input}))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::wire::json_tree;

    const DEFAULTS: AnswerDefaults<'static> =
        AnswerDefaults { id: "msg_7", model: "asked", created: 7 };

    fn answer(message: Value, finish: &str) -> Value {
        let completion = json!({"id": "c", "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": finish}]});
        translated(&completion).unwrap()
    }

    fn translated(completion: &Value) -> Result<Value, Untranslatable> {
        completion_to_message(completion, &DEFAULTS)
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
            json_tree::plain(&translated(&completion).unwrap()),
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
            let blocks = translated(&completion).unwrap()["content"].clone();
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
            let error = translated(&completion).unwrap_err();
            assert_eq!((error.field(), error.status()), (field, 502), "{completion}");
        }
    }
}
