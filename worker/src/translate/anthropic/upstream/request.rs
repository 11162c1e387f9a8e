//! Translates an OpenAI chat request into an Anthropic Messages request.
//!
//! | chat field | Messages field |
//! | --- | --- |
//! | `messages` | `system` and `messages`, see `turns` and `content` |
//! | `max_completion_tokens`, else `max_tokens` | `max_tokens`; absent: 8192, and 32000 beside `reasoning_effort` |
//! | `temperature` | the same below 1; left out from 1 on, both APIs' default and Anthropic's maximum |
//! | `top_p` | the same below 1; left out beside a `temperature`, since newer models refuse both together |
//! | `top_k`, `stream` | the same |
//! | `stop` | `stop_sequences`, blank ones left out |
//! | `tools`, `tool_choice`, `parallel_tool_calls` | see `tools`; without them, the tools that the conversation calls, and the choice of none |
//! | `reasoning_effort` | `thinking` and `output_config.effort`, see `thinking` |
//! | `thinking` (an extension) | the same, instead of `reasoning_effort` |
//! | `response_format` `json_schema` | `output_config.format` |
//! | `response_format` `text` | nothing |
//! | `user`, else `safety_identifier` | `metadata.user_id` |
//! | `stream_options` | nothing: Anthropic's stream always has the usage, which is passed on if asked for |
//!
//! Refused, since the answer would lack something that was asked for: `n` above 1, `logprobs`,
//! `top_logprobs`, `response_format` `json_object` (Anthropic needs a schema), `audio`, `modalities`
//! other than text, `web_search_options`, `functions`, `function_call`.
//!
//! Dropped, since they are hints, metadata, or sampling options that Anthropic's API lacks: `seed`,
//! `logit_bias`, `presence_penalty`, `frequency_penalty`, `prediction`, `verbosity`, `service_tier`,
//! `store`, `metadata`, `prompt_cache_key`, and any field not named here. With thinking,
//! `temperature`, `top_p` and `top_k` are dropped too: Anthropic refuses them beside it.

use serde_json::{Map, Value, json};

use super::turns::Conversation;
use crate::error::Untranslatable;
use crate::translate::anthropic::content::text;
use crate::translate::anthropic::thinking::{self, Thinking, ThinkingInputs};
use crate::translate::anthropic::tools;
use crate::translate::shared::unsupported::refuse_unsupported;
use crate::wire::json_tree;

/// The limit on output tokens if a request states none: no current model has a lower maximum.
const DEFAULT_MAX_TOKENS: u64 = 8192;
/// The same for an answer with reasoning: the lowest maximum among the models that think.
const DEFAULT_MAX_TOKENS_WITH_REASONING: u64 = 32_000;

/// Translates an OpenAI chat request for the upstream's `model`.
///
/// # Errors
/// [`Untranslatable`], naming the field.
pub(crate) fn request_to_messages(chat: &Value, model: &str) -> Result<Value, Untranslatable> {
    if !chat.is_object() {
        return Err(Untranslatable::malformed("body", chat, "a JSON object"));
    }
    refuse_unsupported(chat)?;
    let conversation = Conversation::from_chat(&chat["messages"])?;
    let tools = tools::to_anthropic(&chat["tools"])?;
    let choice = tools::choice_to_anthropic(chat, tools.is_some())?;
    let max_tokens = max_tokens(chat)?;
    let forced_choice = choice
        .as_ref()
        .is_some_and(|choice| matches!(choice["type"].as_str(), Some("any" | "tool")));
    let thinking = thinking(
        chat,
        &ThinkingInputs {
            model,
            max_tokens,
            forced_choice,
            within_tool_calls: conversation.ends_in_tool_results(),
        },
    )?;

    let mut request = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            request.insert(name.to_owned(), value);
        }
    };
    put("model", Some(model.into()));
    put("max_tokens", Some(max_tokens.into()));
    put("system", (!conversation.system.is_empty()).then(|| json!(conversation.system)));
    let messages = conversation.into_messages();
    let (tools, choice) = match tools {
        None if choice.is_none() => tools::of_history(&messages).unzip(),
        tools => (tools, choice),
    };
    put("messages", Some(messages.into()));
    put("tools", tools);
    put("tool_choice", choice);
    put("stop_sequences", stop_sequences(&chat["stop"])?);
    put("stream", boolean(chat, "stream")?);
    put("metadata", user(chat));
    put("output_config", output_config(chat, thinking.effort)?);
    let thinks = thinking.thinking.as_ref().is_some_and(|t| t["type"] != "disabled");
    put("thinking", thinking.thinking);
    for (name, value) in sampling(chat)? {
        put(name, Some(value).filter(|_| !thinks));
    }
    Ok(Value::Object(request))
}

fn max_tokens(chat: &Value) -> Result<u64, Untranslatable> {
    for name in ["max_completion_tokens", "max_tokens"] {
        let value = &chat[name];
        if !value.is_null() {
            let found = value.as_u64().filter(|tokens| *tokens > 0);
            return found.ok_or_else(|| {
                Untranslatable::malformed(name, value, "a whole number, at least 1")
            });
        }
    }
    let reasons = match &chat["thinking"] {
        Value::Null => chat["reasoning_effort"].as_str().is_some_and(|effort| effort != "none"),
        own => own["type"] != "disabled",
    };
    Ok(if reasons { DEFAULT_MAX_TOKENS_WITH_REASONING } else { DEFAULT_MAX_TOKENS })
}

fn thinking(chat: &Value, inputs: &ThinkingInputs<'_>) -> Result<Thinking, Untranslatable> {
    match &chat["thinking"] {
        Value::Null => thinking::of_effort(&chat["reasoning_effort"], inputs),
        own @ Value::Object(_) => Ok(Thinking { thinking: Some(own.clone()), effort: None }),
        other => Err(Untranslatable::malformed("thinking", other, "an object")),
    }
}

fn output_config(chat: &Value, effort: Option<&str>) -> Result<Option<Value>, Untranslatable> {
    let mut config = Map::new();
    if let Some(effort) = effort {
        config.insert("effort".into(), effort.into());
    }
    let format = &chat["response_format"];
    match format["type"].as_str() {
        None if format.is_null() => {}
        Some("text") => {}
        Some("json_schema") => {
            let schema = &format["json_schema"]["schema"];
            if !schema.is_object() {
                let field = "response_format.json_schema.schema";
                return Err(Untranslatable::malformed(field, schema, "a JSON schema"));
            }
            config.insert("format".into(), json!({"type": "json_schema", "schema": schema}));
        }
        _ => {
            let (field, expected) = ("response_format.type", "\"text\" or \"json_schema\"");
            return Err(Untranslatable::unsupported(field, &format["type"], expected));
        }
    }
    Ok((!config.is_empty()).then_some(Value::Object(config)))
}

fn stop_sequences(stop: &Value) -> Result<Option<Value>, Untranslatable> {
    let texts = match stop {
        Value::Null => return Ok(None),
        Value::Array(list) => {
            list.iter().map(|stop| text(stop, "stop")).collect::<Result<Vec<_>, _>>()?
        }
        other => vec![text(other, "stop")?],
    };
    let texts: Vec<&str> = texts.into_iter().filter(|text| !text.trim().is_empty()).collect();
    Ok((!texts.is_empty()).then(|| json!(texts)))
}

fn user(chat: &Value) -> Option<Value> {
    let user = ["user", "safety_identifier"].into_iter().find_map(|name| chat[name].as_str())?;
    Some(json!({"user_id": user}))
}

fn boolean(chat: &Value, name: &str) -> Result<Option<Value>, Untranslatable> {
    match &chat[name] {
        Value::Null => Ok(None),
        value @ Value::Bool(_) => Ok(Some(value.clone())),
        other => Err(Untranslatable::malformed(name, other, "true or false")),
    }
}

/// The sampling fields to send. The first two are left out at 1, their default.
fn sampling(chat: &Value) -> Result<Vec<(&'static str, Value)>, Untranslatable> {
    let mut fields = Vec::new();
    for name in ["temperature", "top_p", "top_k"] {
        let value = &chat[name];
        let number = match json_tree::number(value) {
            Some(number) => number,
            None if value.is_null() => continue,
            None => return Err(Untranslatable::malformed(name, value, "a number")),
        };
        let beside_temperature = fields.iter().any(|(name, _)| *name == "temperature");
        let says = match name {
            "temperature" => number < 1.0,
            "top_p" => number < 1.0 && !beside_temperature,
            _ => true,
        };
        if says {
            fields.push((name, value.clone()));
        }
    }
    Ok(fields)
}

#[cfg(test)]
mod tests;
