//! Translates the messages of an OpenAI request into Anthropic's `system` and alternating turns.
//!
//! - `system` and `developer` messages, at any position, become `system` blocks in order.
//! - Neighbouring messages of one role become one turn. Within a user turn the tool results come
//!   first, as Anthropic requires.
//! - `tool_calls` become `tool_use` blocks after the text; `tool` messages become `tool_result`
//!   blocks. `is_error: true` on a `tool` message, an extension, is kept. Ids that repeat, or have
//!   letters that Anthropic refuses, are changed.
//! - Dropped: a message's `name`, and `reasoning_content` and parts of reasoning, which lack the signature
//!   that Anthropic requires. Messages without any content are left out.
//! - Where the assistant begins, or there are system messages alone, a user turn of [`BEGIN`] stands in
//!   front: Anthropic's API requires one.
//! - White space at the end of a final assistant turn is removed, as Anthropic requires.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::error::Untranslatable;
use crate::translate::anthropic::content::{self, text};
use crate::translate::anthropic::tools::{self, CallIds};

/// The text of a first turn that Anthropic requires and the caller does not have.
const BEGIN: &str = "(Begin.)";

/// A conversation in Anthropic's shape.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    /// Text blocks.
    pub(super) system: Vec<Value>,
    turns: Vec<Turn>,
    ids: CallIds,
}

#[derive(Debug)]
struct Turn {
    role: &'static str,
    blocks: Vec<Value>,
}

impl Conversation {
    /// Translates the `messages` of an OpenAI request.
    ///
    /// # Errors
    /// [`Untranslatable`].
    pub(super) fn from_chat(messages: &Value) -> Result<Self, Untranslatable> {
        let Some(list) = messages.as_array() else {
            return Err(Untranslatable::malformed("messages", messages, "a list"));
        };
        let mut conversation = Self::default();
        for (at, message) in list.iter().enumerate() {
            conversation.add(message, &format!("messages[{at}]"))?;
        }
        let begins = conversation.turns.first().map(|turn| turn.role);
        if begins == Some("assistant") || begins.is_none() && !conversation.system.is_empty() {
            let blocks = vec![json!({"type": "text", "text": BEGIN})];
            conversation.turns.insert(0, Turn { role: "user", blocks });
        }
        if conversation.turns.is_empty() {
            let expected = "a user message with content";
            return Err(Untranslatable::malformed("messages", messages, expected));
        }
        for turn in &mut conversation.turns {
            turn.blocks.sort_by_key(|block| block["type"] != "tool_result");
        }
        conversation.trim_end();
        Ok(conversation)
    }

    /// Whether the conversation ends with tool results.
    pub(super) fn ends_in_tool_results(&self) -> bool {
        self.turns.last().is_some_and(|turn| {
            turn.blocks.first().is_some_and(|block| block["type"] == "tool_result")
        })
    }

    /// Returns the `messages` of the Anthropic request.
    pub(super) fn into_messages(self) -> Vec<Value> {
        self.turns
            .into_iter()
            .map(|turn| json!({"role": turn.role, "content": turn.blocks}))
            .collect()
    }

    fn add(&mut self, message: &Value, field: &str) -> Result<(), Untranslatable> {
        let content_field = format!("{field}.content");
        let content = &message["content"];
        let (role, mut blocks) = match message["role"].as_str() {
            Some("system" | "developer") => {
                ("system", content::to_blocks(content, &content_field)?)
            }
            Some("user") => ("user", content::to_blocks(content, &content_field)?),
            Some("assistant") => ("assistant", assistant(message, field, &mut self.ids)?),
            Some("tool") => ("user", vec![tool_result(message, field, &mut self.ids)?]),
            Some(_) => {
                return Err(Untranslatable::unsupported(
                    format!("{field}.role"),
                    &message["role"],
                    "\"system\", \"developer\", \"user\", \"assistant\" or \"tool\"",
                ));
            }
            None => {
                let field = format!("{field}.role");
                return Err(Untranslatable::malformed(field, &message["role"], "a string"));
            }
        };
        if let Some(last) = blocks.last_mut() {
            content::keep_cache_control(message, last);
        }
        if role != "system" {
            self.extend(role, blocks);
        } else if let Some(block) = blocks.iter().find(|block| block["type"] != "text") {
            return Err(Untranslatable::unsupported(content_field, &block["type"], "text alone"));
        } else {
            self.system.extend(blocks);
        }
        Ok(())
    }

    fn extend(&mut self, role: &'static str, blocks: Vec<Value>) {
        match self.turns.last_mut() {
            _ if blocks.is_empty() => {}
            Some(turn) if turn.role == role => turn.blocks.extend(blocks),
            _ => self.turns.push(Turn { role, blocks }),
        }
    }

    fn trim_end(&mut self) {
        let last = self.turns.last_mut().filter(|turn| turn.role == "assistant");
        if let Some(block) = last.and_then(|turn| turn.blocks.last_mut())
            && let Some(text) = block["text"].as_str()
        {
            block["text"] = text.trim_end().into();
        }
    }
}

fn assistant(
    message: &Value,
    field: &str,
    ids: &mut CallIds,
) -> Result<Vec<Value>, Untranslatable> {
    for key in ["function_call", "audio"] {
        if !message[key].is_null() {
            let field = format!("{field}.{key}");
            return Err(Untranslatable::unsupported(field, &message[key], "content or tool_calls"));
        }
    }
    let content = without_reasoning(&message["content"]);
    let mut blocks = content::to_blocks(&content, &format!("{field}.content"))?;
    blocks.extend(content::to_blocks(&message["refusal"], &format!("{field}.refusal"))?);
    let calls = match &message["tool_calls"] {
        Value::Null => return Ok(blocks),
        Value::Array(calls) => calls,
        other => {
            return Err(Untranslatable::malformed(format!("{field}.tool_calls"), other, "a list"));
        }
    };
    for (at, call) in calls.iter().enumerate() {
        let field = format!("{field}.tool_calls[{at}]");
        let id = text(&call["id"], format!("{field}.id"))?;
        let name = text(&call["function"]["name"], format!("{field}.function.name"))?;
        let arguments = &call["function"]["arguments"];
        let input = tools::input(arguments).ok_or_else(|| {
            let field = format!("{field}.function.arguments");
            Untranslatable::malformed(field, arguments, "the text of a JSON object")
        })?;
        let id = ids.call(id);
        blocks.push(json!({"type": "tool_use", "id": id, "name": name, "input": input}));
    }
    Ok(blocks)
}

/// An assistant's content without the reasoning that some upstreams put into it.
fn without_reasoning(content: &Value) -> Cow<'_, Value> {
    let reasons = |part: &Value| {
        matches!(part["type"].as_str(), Some("thinking" | "redacted_thinking" | "reasoning"))
    };
    match content.as_array().filter(|parts| parts.iter().any(reasons)) {
        Some(parts) => Cow::Owned(parts.iter().filter(|part| !reasons(part)).cloned().collect()),
        None => Cow::Borrowed(content),
    }
}

fn tool_result(message: &Value, field: &str, ids: &mut CallIds) -> Result<Value, Untranslatable> {
    let id = ids.result(text(&message["tool_call_id"], format!("{field}.tool_call_id"))?);
    let mut block = json!({"type": "tool_result", "tool_use_id": id});
    let content = content::to_blocks(&message["content"], &format!("{field}.content"))?;
    if !content.is_empty() {
        block["content"] = content.into();
    }
    if message["is_error"] == true {
        block["is_error"] = true.into();
    }
    Ok(block)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::wire::json_tree;

    fn read(messages: Value) -> Conversation {
        Conversation::from_chat(&messages).unwrap()
    }

    fn call(id: &str) -> Value {
        json!({"id": id, "type": "function",
               "function": {"name": "weather", "arguments": "{\"town\": \"Kyoto\"}"}})
    }

    #[test]
    fn system_messages_are_gathered_in_order() {
        let conversation = read(json!([
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
            {"role": "developer", "cache_control": {"type": "ephemeral"},
             "content": [{"type": "text", "text": "Be kind."}, {"type": "text", "text": "Always."}]},
        ]));
        assert_eq!(
            json!(conversation.system),
            json!([
                {"type": "text", "text": "Be brief."},
                {"type": "text", "text": "Be kind."},
                {"type": "text", "text": "Always.", "cache_control": {"type": "ephemeral"}},
            ])
        );
        assert_eq!(conversation.into_messages().len(), 1);
    }

    #[test]
    fn roles_alternate_and_results_share_a_turn() {
        let conversation = read(json!([
            {"role": "user", "content": "One"},
            {"role": "user", "content": "Two"},
            {"role": "assistant", "content": "", "tool_calls": [call("c1"), call("c.2")]},
            {"role": "user", "content": "And quickly"},
            {"role": "tool", "tool_call_id": "c1", "content": "Rain"},
            {"role": "tool", "tool_call_id": "c.2", "is_error": true,
             "content": [{"type": "text", "text": "No such town"}]},
        ]));
        assert!(conversation.ends_in_tool_results());
        let input = json!({"town": "Kyoto"});
        assert_eq!(
            json_tree::plain(&json!(conversation.into_messages())),
            json!([
                {"role": "user", "content": [{"type": "text", "text": "One"},
                                             {"type": "text", "text": "Two"}]},
                {"role": "assistant", "content": [
                    {"type": "tool_use", "id": "c1", "name": "weather", "input": input},
                    {"type": "tool_use", "id": "c_2e_2", "name": "weather", "input": input}]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "c1",
                     "content": [{"type": "text", "text": "Rain"}]},
                    {"type": "tool_result", "tool_use_id": "c_2e_2", "is_error": true,
                     "content": [{"type": "text", "text": "No such town"}]},
                    {"type": "text", "text": "And quickly"}]},
            ])
        );
    }

    #[test]
    fn a_user_turn_stands_in_front() {
        let begin = json!({"role": "user", "content": [{"type": "text", "text": BEGIN}]});
        let conversation = read(json!([
            {"role": "system", "content": "Be kind."},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "A guest."}]},
                {"type": "text", "text": "Welcome!"}]},
            {"role": "user", "content": "Hello"},
        ]));
        let turns = json!(conversation.into_messages());
        assert_eq!((&turns[0], &turns[2]["content"][0]["text"]), (&begin, &json!("Hello")));
        assert_eq!(turns[1]["content"], json!([{"type": "text", "text": "Welcome!"}]));
        let alone = read(json!([{"role": "system", "content": "Tell a joke."}]));
        assert_eq!(json!(alone.into_messages()), json!([begin]));
    }

    #[test]
    fn empty_messages_are_dropped_and_an_empty_result_stays() {
        let conversation = read(json!([
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": null, "reasoning_content": "Hm.", "tool_calls": []},
            {"role": "user", "name": "ann", "content": "Still there?"},
            {"role": "assistant", "content": "Yes, ", "refusal": null},
        ]));
        assert!(!conversation.ends_in_tool_results());
        assert_eq!(
            json!(conversation.into_messages()),
            json!([
                {"role": "user", "content": [{"type": "text", "text": "Hi"},
                                             {"type": "text", "text": "Still there?"}]},
                {"role": "assistant", "content": [{"type": "text", "text": "Yes,"}]},
            ])
        );
        let conversation = read(json!([{"role": "tool", "tool_call_id": "c1", "content": ""}]));
        assert_eq!(
            json!(conversation.into_messages()[0]["content"]),
            json!([{"type": "tool_result", "tool_use_id": "c1"}])
        );
    }

    #[test]
    fn a_faulty_message_is_named_by_its_path() {
        let image = json!([{"type": "image_url", "image_url": {"url": "https://a.example/b"}}]);
        let cut = json!({"id": "c", "function": {"name": "f", "arguments": "{\"a\":"}});
        let cases = [
            (Value::Null, "messages"),
            (json!([]), "messages"),
            (json!([{"role": "user", "content": ""}]), "messages"),
            (json!([{"content": "x"}]), "messages[0].role"),
            (json!([{"role": "function", "content": "x"}]), "messages[0].role"),
            (json!([{"role": "system", "content": image}]), "messages[0].content"),
            (json!([{"role": "user", "content": {}}]), "messages[0].content"),
            (json!([{"role": "tool", "content": "x"}]), "messages[0].tool_call_id"),
            (json!([{"role": "assistant", "function_call": {}}]), "messages[0].function_call"),
            (json!([{"role": "assistant", "tool_calls": {}}]), "messages[0].tool_calls"),
            (json!([{"role": "assistant", "tool_calls": [{}]}]), "messages[0].tool_calls[0].id"),
            (
                json!([{"role": "assistant", "tool_calls": [cut]}]),
                "messages[0].tool_calls[0].function.arguments",
            ),
        ];
        for (messages, field) in cases {
            let error = Conversation::from_chat(&messages).unwrap_err();
            assert_eq!(error.field(), field, "{messages}");
        }
    }
}
