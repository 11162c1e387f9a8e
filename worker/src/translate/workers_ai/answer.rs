//! Translates a Workers AI model's answer into an OpenAI chat completion.
//!
//! | answer | completion |
//! | --- | --- |
//! | `choices` | the same; id, time, model and calls' ids are filled in if absent |
//! | `content` as a list of parts | its texts as `content`, its thinking as `reasoning_content` |
//! | `response` | `content`; an object, from a model asked for JSON, becomes its JSON text |
//! | `tool_calls` (`name`, `arguments` as an object) | `tool_calls` |
//! | `usage` | `usage` |
//! | - | `finish_reason`: `tool_calls` if there are any, else the answer's own, else `stop` |

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::error::Untranslatable;
use crate::translate::shared::answer_defaults::{AnswerDefaults, MadeIds};
use crate::translate::shared::call_pieces::CallFields;
use crate::wire::answer::finish_reason;
use crate::wire::json_tree;
use crate::wire::usage::Usage;
use crate::wire::written::flatten;

/// Translates an answer. The binding returns neither id nor time, so the host supplies both.
///
/// # Errors
/// [`Untranslatable::Answer`] for an answer of neither shape.
pub(crate) fn answer_to_completion(
    answer: &Value,
    defaults: &AnswerDefaults<'_>,
) -> Result<Value, Untranslatable> {
    let Some(fields) = answer.as_object() else {
        return Err(Untranslatable::answer("answer", answer, "an object"));
    };
    if !answer["choices"].is_null() {
        return openai(fields.clone(), defaults);
    }
    if !["response", "tool_calls"].iter().any(|name| fields.contains_key(*name)) {
        return Err(Untranslatable::answer("response", &Value::Null, "a text, or \"choices\""));
    }
    let text = text(&answer["response"]);
    let calls = calls(answer, "tool_calls", call_ids(defaults, answer))?;
    let finish = finish(finish_reason(answer), !calls.is_empty());
    let silent = text.is_empty() && !calls.is_empty();
    let content = if silent { Value::Null } else { text.into() };
    let mut message = json!({"role": "assistant", "content": content, "refusal": null});
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    let mut completion = json!({
        "id": defaults.id,
        "object": "chat.completion",
        "created": defaults.created,
        "model": defaults.model,
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": finish}],
    });
    if let Some(usage) = Usage::from_chat(&answer["usage"]) {
        completion["usage"] = usage.to_chat();
    }
    Ok(completion)
}

fn openai(
    mut answer: Map<String, Value>,
    defaults: &AnswerDefaults<'_>,
) -> Result<Value, Untranslatable> {
    add_missing_fields(&mut answer, "chat.completion", defaults);
    let mut answer = Value::Object(answer);
    let choice = &answer["choices"][0];
    if !choice["message"].is_object() {
        return Err(Untranslatable::answer("choices[0].message", &choice["message"], "an object"));
    }
    let mut message = choice["message"].clone();
    flatten(&mut message).map_err(|found| {
        let expected = "a text or a list of parts";
        Untranslatable::answer("choices[0].message.content", &found, expected)
    })?;
    let made_ids = call_ids(defaults, &answer);
    let calls = calls(&message, "choices[0].message.tool_calls", made_ids)?;
    let reason = finish(finish_reason(choice), !calls.is_empty()).to_owned();
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    answer["choices"][0]["message"] = message;
    answer["choices"][0]["finish_reason"] = reason.into();
    Ok(answer)
}

/// The `finish_reason` of an answer. Some models report `stop` after tool calls.
pub(super) fn finish(own: Option<&str>, calls_tools: bool) -> &str {
    match own {
        None | Some("stop") if calls_tools => "tool_calls",
        Some(reason) => reason,
        None => "stop",
    }
}

/// Adds the fields that OpenAI clients read and Workers AI may leave out.
pub(super) fn add_missing_fields(
    answer: &mut Map<String, Value>,
    object: &str,
    defaults: &AnswerDefaults<'_>,
) {
    for (name, value) in [
        ("id", json!(defaults.id)),
        ("object", json!(object)),
        ("created", json!(defaults.created)),
        ("model", json!(defaults.model)),
    ] {
        let field = answer.entry(name).or_insert(Value::Null);
        if field.is_null() || *field == "" {
            *field = value;
        }
    }
}

/// Converts a `response`, which may be a number or an object, to text.
pub(super) fn text(response: &Value) -> Cow<'_, str> {
    match response {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(json_tree::to_text(other)),
    }
}

/// The ids of an answer's calls that come without one.
pub(super) fn call_ids(defaults: &AnswerDefaults<'_>, answer: &Value) -> MadeIds {
    defaults.call_ids("call", &answer.to_string())
}

fn calls(message: &Value, field: &str, mut ids: MadeIds) -> Result<Vec<Value>, Untranslatable> {
    let list = &message["tool_calls"];
    if !list.is_null() && !list.is_array() {
        return Err(Untranslatable::answer(field, list, "a list"));
    }
    let translate = |(at, call): (usize, CallFields<'_>)| {
        if call.name.is_empty() {
            let field = format!("{field}[{at}]");
            return Err(Untranslatable::answer(field, &Value::Null, "a named call"));
        }
        let arguments = if call.arguments.is_empty() { "{}" } else { &*call.arguments };
        let function = json!({"name": call.name, "arguments": arguments});
        Ok(json!({"id": ids.unique(&call.id, at), "type": "function", "function": function}))
    };
    CallFields::all(message).enumerate().map(translate).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const MODEL: &str = "@cf/meta/llama-3.1-8b-instruct";
    const DEFAULTS: AnswerDefaults<'static> =
        AnswerDefaults { id: "chatcmpl-7", model: MODEL, created: 1_700_000_000 };

    fn completion(answer: Value) -> Value {
        answer_to_completion(&answer, &DEFAULTS).unwrap()
    }

    #[test]
    fn a_classic_answer_is_translated() {
        let answer = json!({"response": "Hello", "tool_calls": [],
            "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}});
        assert_eq!(
            completion(answer),
            json!({
                "id": "chatcmpl-7", "object": "chat.completion", "created": 1_700_000_000,
                "model": MODEL,
                "choices": [{"index": 0, "logprobs": null, "finish_reason": "stop", "message":
                    {"role": "assistant", "content": "Hello", "refusal": null}}],
                "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4,
                          "prompt_tokens_details": {"cached_tokens": 0}},
            })
        );
    }

    #[test]
    fn classic_calls_get_ids_and_texts() {
        let answer = json!({"response": null, "tool_calls": [
            {"name": "weather", "arguments": {"town": "Kyoto"}},
            {"id": "own", "name": "now", "arguments": null}]});
        let choice = &completion(answer)["choices"][0];
        assert_eq!(choice["finish_reason"], "tool_calls");
        assert_eq!(choice["message"]["content"], Value::Null);
        let calls = &choice["message"]["tool_calls"];
        assert_made(&calls[0]["id"]);
        let function = json!({"name": "weather", "arguments": "{\"town\":\"Kyoto\"}"});
        assert_eq!((&calls[0]["type"], &calls[0]["function"]), (&json!("function"), &function));
        let own = json!({"id": "own", "type": "function",
                         "function": {"name": "now", "arguments": "{}"}});
        assert_eq!(calls[1], own);
    }

    fn assert_made(id: &Value) {
        assert!(
            id.as_str().is_some_and(|id| id.starts_with("call_") && id.ends_with("_0")),
            "{id}"
        );
    }

    #[test]
    fn parts_of_content_become_text_and_an_empty_finish_reason_an_end() {
        let answer = json!({"choices": [{"index": 0, "finish_reason": "", "message": {"content": [
            {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
            {"type": "text", "text": "Hi."}]}}]});
        let choice = &completion(answer)["choices"][0];
        assert_eq!(choice["message"], json!({"content": "Hi.", "reasoning_content": "Hm."}));
        assert_eq!(choice["finish_reason"], "stop");
    }

    #[test]
    fn a_response_that_is_not_text_becomes_text() {
        let content = |response| {
            completion(json!({"response": response}))["choices"][0]["message"]["content"].clone()
        };
        assert_eq!(content(json!({"a": 1})), "{\"a\":1}");
        assert_eq!(content(json!(7)), "7");
        assert_eq!(content(Value::Null), "");
    }

    #[test]
    fn an_openai_shaped_answer_is_passed_on_and_filled_in() {
        let answer = json!({"id": "", "object": "chat.completion", "system_fingerprint": "f",
            "choices": [{"index": 0, "finish_reason": "tool_calls", "message":
                {"role": "assistant", "content": null, "reasoning_content": "Hm.",
                 "tool_calls": [{"type": "function",
                                 "function": {"name": "f", "arguments": {"a": 1}}}]}}]});
        let completion = completion(answer);
        assert_eq!(completion["id"], "chatcmpl-7");
        assert_eq!(completion["model"], MODEL);
        assert_eq!(completion["system_fingerprint"], "f");
        let message = &completion["choices"][0]["message"];
        assert_eq!(message["reasoning_content"], "Hm.");
        assert_eq!(message["tool_calls"][0]["function"]["arguments"], "{\"a\":1}");
        assert_made(&message["tool_calls"][0]["id"]);
    }

    #[test]
    fn an_answer_of_neither_shape_is_the_upstreams_fault() {
        let cases = [
            (json!("text"), "answer"),
            (json!({"shape": [1], "data": []}), "response"),
            (json!({"choices": []}), "choices[0].message"),
            (json!({"response": "", "tool_calls": {}}), "tool_calls"),
            (json!({"response": "", "tool_calls": [{"id": "x"}]}), "tool_calls[0]"),
        ];
        for (answer, field) in cases {
            let error = answer_to_completion(&answer, &DEFAULTS).unwrap_err();
            assert_eq!((error.field(), error.status()), (field, 502), "{answer}");
        }
    }
}
