//! Translates an OpenAI chat request into the inputs of a Workers AI model.
//!
//! | chat field | input |
//! | --- | --- |
//! | `model` | none: it is the first argument of `run` |
//! | `messages` | the same; `developer` becomes `system`, null content `""`, a list of texts one text |
//! | `max_completion_tokens`, else `max_tokens` | `max_tokens`; absent: 2048, since the models' default of 256 cuts answers off |
//! | `tools` | the same; only functions |
//! | `tool_choice` | the same; a function's name becomes `required` with that tool alone |
//! | `response_format` `json_object` | the same |
//! | `response_format` `json_schema` | `json_schema` is the schema itself, without its name |
//! | `temperature`, `top_p`, `top_k`, `seed`, `stop`, `frequency_penalty`, `presence_penalty`, `repetition_penalty`, `reasoning_effort`, `parallel_tool_calls`, `stream`, `stream_options` | the same; older models ignore unknown ones |
//!
//! Refused: `n` above 1, `logprobs`, `top_logprobs`, `audio`, `modalities` other than text,
//! `web_search_options`, `functions`, `function_call`, audio and files in messages. Dropped:
//! `logit_bias`, `user`, `metadata`, `store`, `service_tier`, `prediction`, `verbosity`, and any
//! field not named here; of a message, all but role, content, name, calls and the call's id.

use serde_json::{Map, Value, json};

use crate::error::Untranslatable;
use crate::translate::shared::unsupported::refuse_unsupported;

/// The limit on output tokens if a request states none; the models' own default is 256.
const DEFAULT_MAX_TOKENS: u64 = 2048;

const SAME: [&str; 12] = [
    "temperature",
    "top_p",
    "top_k",
    "seed",
    "stop",
    "frequency_penalty",
    "presence_penalty",
    "repetition_penalty",
    "reasoning_effort",
    "parallel_tool_calls",
    "stream",
    "stream_options",
];

/// Translates an OpenAI chat request.
///
/// # Errors
/// [`Untranslatable`], naming the field.
pub(crate) fn request_to_inputs(chat: &Value) -> Result<Value, Untranslatable> {
    if !chat.is_object() {
        return Err(Untranslatable::malformed("body", chat, "a JSON object"));
    }
    refuse_unsupported(chat)?;
    let mut inputs = Map::new();
    inputs.insert("messages".into(), messages(&chat["messages"])?.into());
    let limit = ["max_completion_tokens", "max_tokens"].into_iter().find(|n| !chat[*n].is_null());
    let max_tokens = match limit {
        None => DEFAULT_MAX_TOKENS.into(),
        Some(name) if chat[name].as_u64().is_some_and(|tokens| tokens > 0) => chat[name].clone(),
        Some(name) => {
            let expected = "a whole number, at least 1";
            return Err(Untranslatable::malformed(name, &chat[name], expected));
        }
    };
    inputs.insert("max_tokens".into(), max_tokens);
    for name in SAME {
        if !chat[name].is_null() {
            inputs.insert(name.into(), chat[name].clone());
        }
    }
    tools(chat, &mut inputs)?;
    if let Some(format) = response_format(&chat["response_format"])? {
        inputs.insert("response_format".into(), format);
    }
    Ok(Value::Object(inputs))
}

fn messages(messages: &Value) -> Result<Vec<Value>, Untranslatable> {
    let Some(list) = messages.as_array().filter(|list| !list.is_empty()) else {
        return Err(Untranslatable::malformed("messages", messages, "a list of messages"));
    };
    list.iter().enumerate().map(|(at, one)| message(one, &format!("messages[{at}]"))).collect()
}

fn message(message: &Value, field: &str) -> Result<Value, Untranslatable> {
    let role = match message["role"].as_str() {
        Some("developer") => "system",
        Some(role @ ("system" | "user" | "assistant" | "tool")) => role,
        Some(_) => {
            let expected = "\"system\", \"developer\", \"user\", \"assistant\" or \"tool\"";
            let field = format!("{field}.role");
            return Err(Untranslatable::unsupported(field, &message["role"], expected));
        }
        None => {
            let field = format!("{field}.role");
            return Err(Untranslatable::malformed(field, &message["role"], "a string"));
        }
    };
    let content = content(&message["content"], &format!("{field}.content"))?;
    let mut translated = json!({"role": role, "content": content});
    for name in ["name", "tool_calls", "tool_call_id"] {
        if !message[name].is_null() {
            translated[name] = message[name].clone();
        }
    }
    Ok(translated)
}

/// Joins the parts into plain text if all are texts: older models accept nothing else.
fn content(content: &Value, field: &str) -> Result<Value, Untranslatable> {
    let parts = match content {
        Value::Null => return Ok("".into()),
        Value::String(_) => return Ok(content.clone()),
        Value::Array(parts) => parts,
        other => {
            return Err(Untranslatable::malformed(field, other, "a string or a list of parts"));
        }
    };
    let mut texts = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        match part["type"].as_str() {
            Some(kind @ ("text" | "refusal")) => {
                let text = part[kind].as_str().ok_or_else(|| {
                    let field = format!("{field}[{at}].{kind}");
                    Untranslatable::malformed(field, &part[kind], "a string")
                })?;
                texts.push(text);
            }
            Some("image_url") => {}
            _ => {
                let field = format!("{field}[{at}].type");
                let expected = "\"text\" or \"image_url\"";
                return Err(Untranslatable::unsupported(field, &part["type"], expected));
            }
        }
    }
    let texts_alone = texts.len() == parts.len();
    Ok(if texts_alone { texts.join("\n").into() } else { content.clone() })
}

fn tools(chat: &Value, inputs: &mut Map<String, Value>) -> Result<(), Untranslatable> {
    let tools = match &chat["tools"] {
        Value::Null => return Ok(()),
        Value::Array(tools) if tools.is_empty() => return Ok(()),
        Value::Array(tools) => tools,
        other => return Err(Untranslatable::malformed("tools", other, "a list")),
    };
    if let Some(at) = tools.iter().position(|tool| tool["type"] != "function") {
        let field = format!("tools[{at}].type");
        return Err(Untranslatable::unsupported(field, &tools[at]["type"], "\"function\""));
    }
    let mut tools: Vec<&Value> = tools.iter().collect();
    let choice = &chat["tool_choice"];
    let word = match choice {
        Value::Null => None,
        Value::String(word) if ["auto", "none", "required"].contains(&word.as_str()) => {
            Some(word.as_str())
        }
        named if named["type"] == "function" => {
            let name = &named["function"]["name"];
            tools.retain(|tool| name.is_string() && tool["function"]["name"] == *name);
            if tools.is_empty() {
                let field = "tool_choice.function.name";
                return Err(Untranslatable::malformed(field, name, "the name of one of the tools"));
            }
            Some("required")
        }
        other => {
            let expected = "\"auto\", \"none\", \"required\" or a function's name";
            return Err(Untranslatable::unsupported("tool_choice", other, expected));
        }
    };
    inputs.insert("tools".into(), json!(tools));
    if let Some(word) = word {
        inputs.insert("tool_choice".into(), word.into());
    }
    Ok(())
}

fn response_format(format: &Value) -> Result<Option<Value>, Untranslatable> {
    match format["type"].as_str() {
        None if format.is_null() => Ok(None),
        Some("text") => Ok(None),
        Some("json_object") => Ok(Some(json!({"type": "json_object"}))),
        Some("json_schema") => {
            let schema = &format["json_schema"]["schema"];
            if !schema.is_object() {
                let field = "response_format.json_schema.schema";
                return Err(Untranslatable::malformed(field, schema, "a JSON schema"));
            }
            Ok(Some(json!({"type": "json_schema", "json_schema": schema})))
        }
        _ => {
            let expected = "\"text\", \"json_object\" or \"json_schema\"";
            Err(Untranslatable::unsupported("response_format.type", &format["type"], expected))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn inputs(fields: Value) -> Result<Value, Untranslatable> {
        let mut chat = fields;
        if chat.get("messages").is_none() {
            chat["messages"] = json!([{"role": "user", "content": "Hi"}]);
        }
        request_to_inputs(&chat)
    }

    fn tool(name: &str) -> Value {
        json!({"type": "function", "function": {"name": name, "parameters": {"type": "object"}}})
    }

    #[test]
    fn a_whole_request_is_translated() {
        let schema = json!({"type": "object"});
        let call = json!({"id": "c1", "type": "function",
                          "function": {"name": "now", "arguments": "{}"}});
        let image = json!([{"type": "text", "text": "What?"},
                           {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]);
        let chat = json!({
            "model": "auto", "max_completion_tokens": 9, "max_tokens": 8, "temperature": 1.5,
            "top_p": 0.9, "seed": 3, "stop": ["END"], "stream": true, "user": "ann", "n": 1,
            "logit_bias": {}, "store": true, "stream_options": {"include_usage": true},
            "messages": [
                {"role": "developer", "content": "Brief.", "cache_control": {}},
                {"role": "user", "content": [{"type": "text", "text": "a"},
                                             {"type": "text", "text": "b"}]},
                {"role": "assistant", "content": null, "refusal": null, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "c1", "content": "Noon"},
                {"role": "user", "content": image},
            ],
            "tools": [tool("now")], "tool_choice": "auto",
            "response_format": {"type": "json_schema",
                                "json_schema": {"name": "x", "schema": schema}},
        });
        assert_eq!(
            request_to_inputs(&chat).unwrap(),
            json!({
                "max_tokens": 9, "temperature": 1.5, "top_p": 0.9, "seed": 3, "stop": ["END"],
                "stream": true, "stream_options": {"include_usage": true},
                "messages": [
                    {"role": "system", "content": "Brief."},
                    {"role": "user", "content": "a\nb"},
                    {"role": "assistant", "content": "", "tool_calls": [call]},
                    {"role": "tool", "tool_call_id": "c1", "content": "Noon"},
                    {"role": "user", "content": image},
                ],
                "tools": [tool("now")], "tool_choice": "auto",
                "response_format": {"type": "json_schema", "json_schema": schema},
            })
        );
    }

    #[test]
    fn a_limit_is_always_sent() {
        assert_eq!(inputs(json!({})).unwrap()["max_tokens"], DEFAULT_MAX_TOKENS);
        assert_eq!(inputs(json!({"max_tokens": 5})).unwrap()["max_tokens"], 5);
    }

    #[test]
    fn a_named_tool_is_the_only_one() {
        let named = |name: &str| {
            inputs(json!({"tools": [tool("a"), tool("b")],
                          "tool_choice": {"type": "function", "function": {"name": name}}}))
        };
        let sent = named("b").unwrap();
        assert_eq!(sent["tools"], json!([tool("b")]));
        assert_eq!(sent["tool_choice"], "required");
        assert_eq!(named("c").unwrap_err().field(), "tool_choice.function.name");
        assert!(inputs(json!({"tools": []})).unwrap().get("tools").is_none());
    }

    #[test]
    fn formats_are_translated() {
        let of = |kind: &str| inputs(json!({"response_format": {"type": kind}})).unwrap();
        assert_eq!(of("json_object")["response_format"], json!({"type": "json_object"}));
        assert!(of("text").get("response_format").is_none());
    }

    #[test]
    fn unsupported_fields_are_refused_by_name() {
        let said = |message: Value| json!({"messages": [message]});
        let cases = [
            (json!({"n": 2}), "n"),
            (json!({"max_tokens": -1}), "max_tokens"),
            (json!({"messages": []}), "messages"),
            (json!({"tools": [{"type": "custom"}]}), "tools[0].type"),
            (json!({"tools": 3}), "tools"),
            (json!({"tools": [tool("a")], "tool_choice": "any"}), "tool_choice"),
            (json!({"response_format": {"type": "grammar"}}), "response_format.type"),
            (
                json!({"response_format": {"type": "json_schema"}}),
                "response_format.json_schema.schema",
            ),
            (said(json!({"content": "x"})), "messages[0].role"),
            (said(json!({"role": "function"})), "messages[0].role"),
            (said(json!({"role": "user", "content": 1})), "messages[0].content"),
            (
                said(json!({"role": "user", "content": [{"type": "text"}]})),
                "messages[0].content[0].text",
            ),
            (
                said(json!({"role": "user", "content": [{"type": "input_audio"}]})),
                "messages[0].content[0].type",
            ),
        ];
        for (fields, field) in cases {
            assert_eq!(inputs(fields.clone()).unwrap_err().field(), field, "{fields}");
        }
        assert_eq!(request_to_inputs(&json!(1)).unwrap_err().field(), "body");
    }
}
