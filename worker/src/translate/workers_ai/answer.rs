//! Translates a Workers AI model's answer into an OpenAI chat completion.
//!
//! | answer | completion |
//! | --- | --- |
//! | `choices` | the same; id, time, model and calls' ids are filled in if absent |
//! | `response` | `content`; an object, from a model asked for JSON, becomes its JSON text |
//! | `tool_calls` (`name`, `arguments` as an object) | `tool_calls` |
//! | `usage` | `usage` |
//! | - | `finish_reason`: `tool_calls` if there are any, else the answer's own, else `stop` |

use serde_json::{Map, Value, json};

use crate::error::Untranslatable;
use crate::wire::usage::Usage;

/// Translates an answer of `model`. The binding returns neither id nor time, so the host supplies both;
/// `created` is in seconds since 1970.
///
/// # Errors
/// [`Untranslatable::Answer`] for an answer of neither shape.
pub(crate) fn answer_to_completion(
    answer: &Value,
    model: &str,
    id: &str,
    created: u64,
) -> Result<Value, Untranslatable> {
    let Some(fields) = answer.as_object() else {
        return Err(Untranslatable::answer("answer", answer, "an object"));
    };
    if !answer["choices"].is_null() {
        return openai(fields.clone(), model, id, created);
    }
    if !["response", "tool_calls"].iter().any(|name| fields.contains_key(*name)) {
        return Err(Untranslatable::answer("response", &Value::Null, "a text, or \"choices\""));
    }
    let text = text(&answer["response"]);
    let calls = calls(&answer["tool_calls"], "tool_calls", id)?;
    let finish = match answer["finish_reason"].as_str() {
        _ if !calls.is_empty() => "tool_calls",
        Some(reason) => reason,
        None => "stop",
    };
    let silent = text.is_empty() && !calls.is_empty();
    let content = if silent { Value::Null } else { text.into() };
    let mut message = json!({"role": "assistant", "content": content, "refusal": null});
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    let mut completion = json!({
        "id": id,
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": finish}],
    });
    if let Some(usage) = Usage::from_chat(&answer["usage"]) {
        completion["usage"] = usage.to_chat();
    }
    Ok(completion)
}

fn openai(
    mut answer: Map<String, Value>,
    model: &str,
    id: &str,
    created: u64,
) -> Result<Value, Untranslatable> {
    add_missing_fields(&mut answer, "chat.completion", model, id, created);
    let mut answer = Value::Object(answer);
    let message = &answer["choices"][0]["message"];
    if !message.is_object() {
        return Err(Untranslatable::answer("choices[0].message", message, "an object"));
    }
    let calls = calls(&message["tool_calls"], "choices[0].message.tool_calls", id)?;
    if !calls.is_empty() {
        answer["choices"][0]["message"]["tool_calls"] = calls.into();
    }
    Ok(answer)
}

/// Adds the fields that OpenAI clients read and Workers AI may leave out.
pub(super) fn add_missing_fields(
    answer: &mut Map<String, Value>,
    object: &str,
    model: &str,
    id: &str,
    created: u64,
) {
    for (name, value) in [
        ("id", json!(id)),
        ("object", json!(object)),
        ("created", json!(created)),
        ("model", json!(model)),
    ] {
        let field = answer.entry(name).or_insert(Value::Null);
        if field.is_null() || *field == "" {
            *field = value;
        }
    }
}

/// Converts a `response`, which may be a number or an object, to text.
pub(super) fn text(response: &Value) -> String {
    match response {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A call's name and its arguments as text, from either shape of call; none if it has no name.
pub(super) fn call(call: &Value) -> Option<(&str, String)> {
    let function = if call["function"].is_object() { &call["function"] } else { call };
    let arguments = match text(&function["arguments"]) {
        empty if empty.is_empty() => "{}".to_owned(),
        text => text,
    };
    Some((function["name"].as_str()?, arguments))
}

/// The id of the call at index `at`; if it has none, a unique one made from the answer's id.
pub(super) fn call_id(call: &Value, at: usize, id: &str) -> String {
    match call["id"].as_str() {
        Some(own) if !own.is_empty() => own.to_owned(),
        _ => format!("call_{id}_{at}"),
    }
}

fn calls(list: &Value, field: &str, id: &str) -> Result<Vec<Value>, Untranslatable> {
    let list = match list {
        Value::Null => return Ok(vec![]),
        Value::Array(list) => list,
        other => return Err(Untranslatable::answer(field, other, "a list")),
    };
    let translate = |(at, given): (usize, &Value)| {
        let Some((name, arguments)) = call(given) else {
            return Err(Untranslatable::answer(format!("{field}[{at}]"), given, "a named call"));
        };
        let function = json!({"name": name, "arguments": arguments});
        Ok(json!({"id": call_id(given, at, id), "type": "function", "function": function}))
    };
    list.iter().enumerate().map(translate).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const MODEL: &str = "@cf/meta/llama-3.1-8b-instruct";

    fn completion(answer: Value) -> Value {
        answer_to_completion(&answer, MODEL, "chatcmpl-7", 1_700_000_000).unwrap()
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
        assert_eq!(
            choice["message"]["tool_calls"],
            json!([
                {"id": "call_chatcmpl-7_0", "type": "function",
                 "function": {"name": "weather", "arguments": "{\"town\":\"Kyoto\"}"}},
                {"id": "own", "type": "function",
                 "function": {"name": "now", "arguments": "{}"}},
            ])
        );
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
        assert_eq!(message["tool_calls"][0]["id"], "call_chatcmpl-7_0");
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
            let error = answer_to_completion(&answer, MODEL, "c", 0).unwrap_err();
            assert_eq!((error.field(), error.status()), (field, 502), "{answer}");
        }
    }
}
