//! Translates an Anthropic Messages request into an OpenAI chat request.
//!
//! | Messages field | chat field |
//! | --- | --- |
//! | `system`, `messages` | `messages`, see `turns` and `content` |
//! | `max_tokens` | `max_completion_tokens`, since OpenAI's reasoning models refuse `max_tokens` |
//! | `temperature`, `top_p` | the same |
//! | `stop_sequences` | `stop`; more than OpenAI's four are refused |
//! | `stream` | the same, with `stream_options.include_usage`, which Anthropic's events need |
//! | `tools`, `tool_choice` | see `tools` |
//! | `thinking`, `output_config.effort` | `reasoning_effort`, see `thinking` |
//! | `output_config.format`, else `output_format` | `response_format` `json_schema`, named `answer`; strict if OpenAI's strict mode takes the schema |
//! | `metadata.user_id` | `user`; above OpenAI's 64 characters its SHA-256 |
//!
//! Refused: `mcp_servers`, `container`, and tools that Anthropic runs itself. Dropped: `top_k`, which
//! OpenAI's API lacks, `service_tier`, `cache_control`, `context_management`,
//! `inference_geo`, `anthropic_*`, and any field not named here.

use pointsman::sha256_hex;
use serde_json::{Map, Value, json};

use super::system_turns;
use super::turns::to_chat_messages;
use crate::error::Untranslatable;
use crate::translate::anthropic::content::text;
use crate::translate::anthropic::{schema, thinking, tools};
use crate::wire::json_tree;

/// The longest `user` in OpenAI's API.
const MOST_USER_CHARACTERS: usize = 64;
/// The most stop sequences in OpenAI's API.
const MOST_STOPS: usize = 4;

/// Translates an Anthropic Messages request for the upstream's `model`.
///
/// # Errors
/// [`Untranslatable`], naming the field.
pub(crate) fn request_to_chat(messages: &Value, model: &str) -> Result<Value, Untranslatable> {
    if !messages.is_object() {
        return Err(Untranslatable::malformed("body", messages, "a JSON object"));
    }
    for name in ["mcp_servers", "container"] {
        let value = &messages[name];
        if !value.is_null() && *value != json!([]) {
            return Err(Untranslatable::unsupported(name, value, "nothing"));
        }
    }
    let mut chat = Map::new();
    chat.insert("model".into(), model.into());
    let turns = to_chat_messages(&messages["system"], &messages["messages"])?;
    chat.insert("messages".into(), turns.into());
    let max_tokens = &messages["max_tokens"];
    if max_tokens.as_u64().unwrap_or(0) == 0 {
        let expected = "a whole number, at least 1";
        return Err(Untranslatable::malformed("max_tokens", max_tokens, expected));
    }
    chat.insert("max_completion_tokens".into(), max_tokens.clone());
    for name in ["temperature", "top_p"] {
        let value = &messages[name];
        if json_tree::number(value).is_some() {
            chat.insert(name.into(), value.clone());
        } else if !value.is_null() {
            return Err(Untranslatable::malformed(name, value, "a number"));
        }
    }
    match &messages["stream"] {
        Value::Null => {}
        Value::Bool(stream) => {
            chat.insert("stream".into(), (*stream).into());
            if *stream {
                chat.insert("stream_options".into(), json!({"include_usage": true}));
            }
        }
        other => return Err(Untranslatable::malformed("stream", other, "true or false")),
    }
    if let Some(stops) = stops(&messages["stop_sequences"])? {
        chat.insert("stop".into(), stops);
    }
    let offered = system_turns::tools_at_end(&messages["tools"], &messages["messages"])?;
    if let Some(tools) = tools::to_openai(&offered)? {
        chat.insert("tools".into(), tools);
        tools::choice_to_openai(&messages["tool_choice"], &mut chat)?;
    }
    if let Some(effort) = thinking::to_effort(messages, system_turns::effort(&messages["messages"]))
    {
        chat.insert("reasoning_effort".into(), effort.into());
    }
    let format = match &messages["output_config"]["format"] {
        Value::Null => response_format(&messages["output_format"], "output_format")?,
        format => response_format(format, "output_config.format")?,
    };
    if let Some(format) = format {
        chat.insert("response_format".into(), format);
    }
    if let Some(user) = messages["metadata"]["user_id"].as_str() {
        let user = match user.chars().count() > MOST_USER_CHARACTERS {
            true => sha256_hex(user.as_bytes()),
            false => user.to_owned(),
        };
        chat.insert("user".into(), user.into());
    }
    Ok(Value::Object(chat))
}

fn stops(sequences: &Value) -> Result<Option<Value>, Untranslatable> {
    const FIELD: &str = "stop_sequences";
    let list = match sequences {
        Value::Null => return Ok(None),
        Value::Array(list) => list,
        other => return Err(Untranslatable::malformed(FIELD, other, "a list of strings")),
    };
    for sequence in list {
        text(sequence, FIELD)?;
    }
    match list.len() {
        0 => Ok(None),
        1..=MOST_STOPS => Ok(Some(sequences.clone())),
        _ => Err(Untranslatable::unsupported(FIELD, sequences, "at most 4")),
    }
}

fn response_format(format: &Value, field: &str) -> Result<Option<Value>, Untranslatable> {
    if format.is_null() {
        return Ok(None);
    }
    if format["type"] != "json_schema" {
        let field = format!("{field}.type");
        return Err(Untranslatable::unsupported(field, &format["type"], "\"json_schema\""));
    }
    let schema = &format["schema"];
    if !schema.is_object() {
        let field = format!("{field}.schema");
        return Err(Untranslatable::malformed(field, schema, "a JSON schema"));
    }
    let mut named = json!({"name": "answer", "schema": schema});
    if schema::is_strict(schema) {
        named["strict"] = true.into();
    }
    Ok(Some(json!({"type": "json_schema", "json_schema": named})))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn request(fields: Value) -> Value {
        let mut request = fields;
        request["messages"] = json!([{"role": "user", "content": "Hi"}]);
        if request.get("max_tokens").is_none() {
            request["max_tokens"] = json!(100);
        }
        request
    }

    #[test]
    fn a_whole_request_is_translated() {
        let schema = json!({"type": "object", "properties": {}, "additionalProperties": false});
        let given = request(json!({
            "model": "claude", "system": "Brief.", "temperature": 0.5, "top_p": 0.9, "top_k": 4,
            "stop_sequences": ["END"], "stream": true, "metadata": {"user_id": "ann"},
            "thinking": {"type": "enabled", "budget_tokens": 5000},
            "output_config": {"format": {"type": "json_schema", "schema": schema}},
            "tools": [{"name": "now", "input_schema": schema}],
            "tool_choice": {"type": "any", "disable_parallel_tool_use": true},
            "service_tier": "auto", "mcp_servers": [],
        }));
        assert_eq!(
            json_tree::plain(&request_to_chat(&given, "small-1").unwrap()),
            json!({
                "model": "small-1",
                "messages": [{"role": "system", "content": "Brief."},
                             {"role": "user", "content": "Hi"}],
                "max_completion_tokens": 100, "temperature": 0.5, "top_p": 0.9, "stop": ["END"],
                "stream": true, "stream_options": {"include_usage": true}, "user": "ann",
                "reasoning_effort": "medium",
                "response_format": {"type": "json_schema", "json_schema":
                    {"name": "answer", "strict": true, "schema": schema}},
                "tools": [{"type": "function",
                           "function": {"name": "now", "parameters": schema}}],
                "tool_choice": "required", "parallel_tool_calls": false,
            })
        );
    }

    #[test]
    fn a_schema_that_strict_mode_refuses_is_not_strict() {
        let schema = json!({"type": "object", "required": [], "additionalProperties": false,
                            "properties": {"note": {"type": "string"}}});
        let chat = request_to_chat(
            &request(json!({
                "output_config": {"format": {"type": "json_schema", "schema": schema}},
                "tools": [{"name": "note", "strict": true, "input_schema": schema}],
            })),
            "m",
        )
        .unwrap();
        assert_eq!(
            chat["response_format"]["json_schema"],
            json!({"name": "answer", "schema": schema})
        );
        assert_eq!(chat["tools"][0]["function"].get("strict"), None);
    }

    #[test]
    fn turns_of_the_system_change_the_tools_and_the_effort() {
        let tool = |name: &str| json!({"name": name, "input_schema": {"type": "object"}});
        let mut given = request(json!({"tools": [tool("a")], "output_config": {"effort": "high"}}));
        given["messages"] = json!([
            {"role": "user", "content": "Hi"},
            {"role": "system", "output_config": {"effort": "low"}},
            {"role": "system", "content": [
                {"type": "text", "text": "Another tool now."},
                {"type": "tool_removal", "tool": {"type": "tool_reference", "name": "a"}},
                {"type": "tool_addition", "tool": {"type": "tool_definition", "definition": tool("b")}}]},
        ]);
        let chat = request_to_chat(&given, "m").unwrap();
        assert_eq!(
            (&chat["reasoning_effort"], &chat["tools"][0]["function"]["name"]),
            (&json!("low"), &json!("b"))
        );
        assert_eq!(chat["tools"].as_array().map(Vec::len), Some(1));
        assert_eq!(
            chat["messages"],
            json!([{"role": "user", "content": "Hi"},
                                            {"role": "system", "content": "Another tool now."}])
        );
    }

    #[test]
    fn a_user_is_hashed_only_where_its_name_is_too_long() {
        let user = |id: String| {
            let given = request(json!({"metadata": {"user_id": id}}));
            request_to_chat(&given, "m").unwrap()["user"].clone()
        };
        assert_eq!(user("é".repeat(64)), "é".repeat(64));
        let long = user("u".repeat(65));
        assert_eq!(long, sha256_hex("u".repeat(65).as_bytes()));
        assert_eq!(long.as_str().unwrap().len(), MOST_USER_CHARACTERS);
    }

    #[test]
    fn a_minimal_request_stays_minimal() {
        let given = request(json!({"stream": false, "stop_sequences": [], "tools": [],
                                   "tool_choice": {"type": "auto"}}));
        assert_eq!(
            request_to_chat(&given, "m").unwrap(),
            json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}],
                   "max_completion_tokens": 100, "stream": false})
        );
    }

    #[test]
    fn a_request_translated_there_and_back_is_unchanged() {
        let chat = json!({
            "model": "m", "max_completion_tokens": 100, "temperature": 0.5, "stop": ["END"],
            "messages": [
                {"role": "system", "content": "Brief."},
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "c1", "type": "function",
                     "function": {"name": "now", "arguments": "{\"zone\":\"UTC\"}"}}]},
                {"role": "tool", "tool_call_id": "c1", "content": "Noon"},
                {"role": "user", "content": "Thanks"},
            ],
            "tools": [{"type": "function", "function":
                {"name": "now", "parameters": {"type": "object", "properties": {}}}}],
            "tool_choice": "auto", "reasoning_effort": "high", "user": "ann",
        });
        let there = crate::translate::anthropic::upstream::request::request_to_messages(
            &chat,
            "claude-opus-4-6",
        )
        .unwrap();
        let mut back = json_tree::plain(&request_to_chat(&there, "m").unwrap());
        // Anthropic accepts no temperature beside thinking.
        back["temperature"] = json!(0.5);
        assert_eq!(back, chat);
    }

    #[test]
    fn unsupported_fields_are_refused_by_name() {
        let cases = [
            (json!({"mcp_servers": [{}]}), "mcp_servers"),
            (json!({"container": "c"}), "container"),
            (json!({"max_tokens": 0}), "max_tokens"),
            (json!({"max_tokens": null}), "max_tokens"),
            (json!({"temperature": "hot"}), "temperature"),
            (json!({"stream": 1}), "stream"),
            (json!({"stop_sequences": "x"}), "stop_sequences"),
            (json!({"stop_sequences": ["a", "b", "c", "d", "e"]}), "stop_sequences"),
            (json!({"tools": [{"type": "bash_20250124", "name": "bash"}]}), "tools[0].type"),
            (json!({"output_config": {"format": {}}}), "output_config.format.type"),
            (json!({"output_format": {"type": "json_schema"}}), "output_format.schema"),
            (
                json!({"output_config": {"format": {"type": "json_schema"}}}),
                "output_config.format.schema",
            ),
        ];
        for (fields, field) in cases {
            let error = request_to_chat(&request(fields.clone()), "m").unwrap_err();
            assert_eq!((error.field(), error.status()), (field, 400), "{fields}");
        }
        assert_eq!(request_to_chat(&json!("x"), "m").unwrap_err().field(), "body");
    }
}
