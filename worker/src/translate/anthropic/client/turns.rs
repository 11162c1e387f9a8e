//! Translates Anthropic's `system` and turns into the messages of an OpenAI request.
//!
//! - `system` becomes one system message, its blocks as paragraphs; so does each turn of the system, see
//!   `system_turns`.
//! - An assistant turn's texts are concatenated; its `tool_use` blocks become `tool_calls`. Its thinking
//!   becomes `reasoning_content` beside tool calls, see `reasoning`, and is dropped without them. A turn
//!   without text and calls is left out.
//! - A user turn's `tool_result` blocks become `tool` messages, before the rest of the turn. OpenAI's
//!   results are texts: images and documents in them go into the following user message, after a line
//!   that names their call. The text of an `is_error` result begins with `Error: `.
//! - `cache_control` and `citations` are dropped.

use serde_json::{Value, json};

use super::system_turns;
use crate::error::Untranslatable;
use crate::translate::anthropic::content::{text, to_parts};
use crate::translate::anthropic::tools;
use crate::wire::json_tree;

/// Translates `system` and turns into messages.
///
/// # Errors
/// [`Untranslatable`].
pub(super) fn to_chat_messages(
    system: &Value,
    turns: &Value,
) -> Result<Vec<Value>, Untranslatable> {
    let Some(turns) = turns.as_array().filter(|turns| !turns.is_empty()) else {
        return Err(Untranslatable::malformed("messages", turns, "a list of messages"));
    };
    let mut messages = Vec::new();
    if !system.is_null() {
        let texts = paragraphs(system, "system")?;
        if !texts.is_empty() {
            messages.push(json!({"role": "system", "content": texts}));
        }
    }
    for (at, turn) in turns.iter().enumerate() {
        let field = format!("messages[{at}]");
        let content = format!("{field}.content");
        match turn["role"].as_str() {
            Some("user") => user(&turn["content"], &content, &mut messages)?,
            Some("assistant") => messages.extend(assistant(&turn["content"], &content)?),
            Some("system") if system_turns::is_cleared(turns, at) => {}
            Some("system") => {
                let texts = paragraphs(&turn["content"], &content)?;
                if !texts.is_empty() {
                    messages.push(json!({"role": "system", "content": texts}));
                }
            }
            _ => {
                let expected = "\"user\" or \"assistant\"";
                let field = format!("{field}.role");
                return Err(Untranslatable::malformed(field, &turn["role"], expected));
            }
        }
    }
    Ok(messages)
}

fn blocks<'a>(content: &'a Value, field: &str) -> Result<&'a [Value], Untranslatable> {
    match content {
        Value::Array(blocks) => Ok(blocks),
        other => Err(Untranslatable::malformed(field, other, "a string or a list of blocks")),
    }
}

fn paragraphs(content: &Value, field: &str) -> Result<String, Untranslatable> {
    if let Some(text) = content.as_str() {
        return Ok(text.to_owned());
    }
    // A turn of the system may state an effort alone.
    if content.is_null() {
        return Ok(String::new());
    }
    let mut texts = Vec::new();
    for (at, block) in blocks(content, field)?.iter().enumerate() {
        if system_turns::changes_tools(block) {
            continue;
        }
        if block["type"] != "text" {
            let field = format!("{field}[{at}].type");
            return Err(Untranslatable::unsupported(field, &block["type"], "\"text\""));
        }
        texts.push(text(&block["text"], format!("{field}[{at}].text"))?);
    }
    Ok(texts.join("\n\n"))
}

fn user(content: &Value, field: &str, messages: &mut Vec<Value>) -> Result<(), Untranslatable> {
    if content.is_string() {
        messages.push(json!({"role": "user", "content": content}));
        return Ok(());
    }
    let mut parts = Vec::new();
    for (at, block) in blocks(content, field)?.iter().enumerate() {
        let field = format!("{field}[{at}]");
        if block["type"] == "tool_result" {
            messages.push(tool_result(block, &field, &mut parts)?);
        } else {
            parts.extend(to_parts(block, &field)?);
        }
    }
    match parts.as_slice() {
        [] => {}
        // A plain string, which every upstream accepts.
        [part] if part["type"] == "text" => {
            messages.push(json!({"role": "user", "content": part["text"]}));
        }
        _ => messages.push(json!({"role": "user", "content": parts})),
    }
    Ok(())
}

/// Makes the `tool` message of a result; images and documents are added to `parts`.
fn tool_result(
    block: &Value,
    field: &str,
    parts: &mut Vec<Value>,
) -> Result<Value, Untranslatable> {
    let id = text(&block["tool_use_id"], format!("{field}.tool_use_id"))?;
    let content = &block["content"];
    let content_field = format!("{field}.content");
    let mut texts = Vec::new();
    match content {
        Value::Null => {}
        Value::String(text) => texts.push(text.clone()),
        _ => {
            let mut others = Vec::new();
            for (at, block) in blocks(content, &content_field)?.iter().enumerate() {
                for part in to_parts(block, &format!("{content_field}[{at}]"))? {
                    match part["text"].as_str() {
                        Some(text) => texts.push(text.to_owned()),
                        None => others.push(part),
                    }
                }
            }
            if !others.is_empty() {
                parts.push(json!({"type": "text", "text": format!("Result of call {id}:")}));
                parts.extend(others);
            }
        }
    }
    let mark = if block["is_error"] == true { "Error: " } else { "" };
    let content = format!("{mark}{}", texts.join("\n"));
    Ok(json!({"role": "tool", "tool_call_id": id, "content": content}))
}

/// Translates an assistant turn; none without text and calls.
fn assistant(content: &Value, field: &str) -> Result<Option<Value>, Untranslatable> {
    if let Some(text) = content.as_str() {
        let message = || json!({"role": "assistant", "content": content});
        return Ok((!text.is_empty()).then(message));
    }
    let (mut texts, mut thinking, mut calls) = (String::new(), String::new(), Vec::new());
    for (at, block) in blocks(content, field)?.iter().enumerate() {
        let field = format!("{field}[{at}]");
        match block["type"].as_str() {
            Some("text") => texts.push_str(text(&block["text"], format!("{field}.text"))?),
            Some("thinking") => thinking.push_str(block["thinking"].as_str().unwrap_or_default()),
            Some("redacted_thinking") => {}
            Some("tool_use") => {
                let id = text(&block["id"], format!("{field}.id"))?;
                let name = text(&block["name"], format!("{field}.name"))?;
                let input = &block["input"];
                let arguments = match input {
                    Value::Object(_) => Some(json_tree::to_text(input)),
                    _ => tools::input(input).map(|input| json_tree::to_text(&input)),
                };
                let Some(arguments) = arguments else {
                    let field = format!("{field}.input");
                    return Err(Untranslatable::malformed(field, input, "an object"));
                };
                let function = json!({"name": name, "arguments": arguments});
                calls.push(json!({"id": id, "type": "function", "function": function}));
            }
            _ => {
                let expected = "\"text\", \"tool_use\" or \"thinking\"";
                let field = format!("{field}.type");
                return Err(Untranslatable::unsupported(field, &block["type"], expected));
            }
        }
    }
    if texts.is_empty() && calls.is_empty() {
        return Ok(None);
    }
    let content = if texts.is_empty() { Value::Null } else { texts.into() };
    let mut message = json!({"role": "assistant", "content": content});
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
        if !thinking.is_empty() {
            message["reasoning_content"] = thinking.into();
        }
    }
    Ok(Some(message))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_conversation_with_tools_is_translated() {
        let system = json!([
            {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}},
            {"type": "text", "text": "Be kind."},
        ]);
        let image = json!({"type": "image", "source":
            {"type": "base64", "media_type": "image/png", "data": "AAAA"}});
        let turns = json!([
            {"role": "user", "content": "Look"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
                {"type": "text", "text": "Loo"}, {"type": "text", "text": "king."},
                {"type": "tool_use", "id": "t1", "name": "look", "input": {"at": "sky"}}]},
            {"role": "user", "content": [
                {"type": "text", "text": "And now?"},
                {"type": "tool_result", "tool_use_id": "t1", "is_error": true,
                 "content": [{"type": "text", "text": "Too"}, image,
                             {"type": "text", "text": "dark"}]},
                {"type": "tool_result", "tool_use_id": "t2"}]},
        ]);
        let call = json!({"id": "t1", "type": "function",
                          "function": {"name": "look", "arguments": "{\"at\":\"sky\"}"}});
        assert_eq!(
            json!(to_chat_messages(&system, &turns).unwrap()),
            json!([
                {"role": "system", "content": "Be brief.\n\nBe kind."},
                {"role": "user", "content": "Look"},
                {"role": "assistant", "content": "Looking.", "reasoning_content": "Hm.",
                 "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "t1", "content": "Error: Too\ndark"},
                {"role": "tool", "tool_call_id": "t2", "content": ""},
                {"role": "user", "content": [
                    {"type": "text", "text": "And now?"},
                    {"type": "text", "text": "Result of call t1:"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]},
            ])
        );
    }

    #[test]
    fn a_single_text_is_plain_and_a_bare_call_has_no_content() {
        let turns = json!([
            {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
            {"role": "assistant",
             "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
        ]);
        let messages = to_chat_messages(&json!("Brief."), &turns).unwrap();
        assert_eq!(messages[0]["content"], "Brief.");
        assert_eq!(messages[1]["content"], "Hi");
        assert_eq!(messages[2]["content"], Value::Null);
        assert_eq!(messages[2]["tool_calls"][0]["function"]["arguments"], "{}");
    }

    #[test]
    fn a_turn_of_thinking_alone_is_left_out() {
        let turns = json!([
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm."},
                                              {"type": "redacted_thinking", "data": "eA=="}]},
            {"role": "user", "content": "Well?"},
        ]);
        let messages = to_chat_messages(&Value::Null, &turns).unwrap();
        assert_eq!(messages.iter().map(|m| &m["role"]).collect::<Vec<_>>(), ["user", "user"]);
    }

    #[test]
    fn a_faulty_turn_is_named_by_its_path() {
        let user = |block: Value| json!([{"role": "user", "content": [block]}]);
        let model = |block: Value| json!([{"role": "assistant", "content": [block]}]);
        let cases = [
            (Value::Null, "messages"),
            (json!([]), "messages"),
            (json!([{"role": "tool", "content": "x"}]), "messages[0].role"),
            (json!([{"role": "user", "content": 1}]), "messages[0].content"),
            (user(json!({"type": "tool_result"})), "messages[0].content[0].tool_use_id"),
            (user(json!({"type": "container_upload"})), "messages[0].content[0].type"),
            (
                model(json!({"type": "tool_use", "id": "t", "name": "f", "input": []})),
                "messages[0].content[0].input",
            ),
            (model(json!({"type": "text"})), "messages[0].content[0].text"),
            (model(json!({"type": "tool_use", "id": "t"})), "messages[0].content[0].name"),
            (model(json!({"type": "web_search_tool_result"})), "messages[0].content[0].type"),
        ];
        for (turns, field) in cases {
            let error = to_chat_messages(&Value::Null, &turns).unwrap_err();
            assert_eq!(error.field(), field, "{turns}");
        }
        let system = json!([{"type": "image"}]);
        let turns = json!([{"role": "user", "content": "x"}]);
        assert_eq!(to_chat_messages(&system, &turns).unwrap_err().field(), "system[0].type");
    }
}
