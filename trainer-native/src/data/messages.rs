//! Conversations as the logs of LLM calls hold them: cut to what was asked last.
//!
//! ```json
//! [{"role": "system", "content": "Answer briefly."}, {"role": "user", "content": "Name a prime above 10."}]
//! ```
//!
//! A role stands in `role` or `from`, its text in `content`, `value` or `parts`, as a text or as a list of
//! parts. What follows the last user turn is an answer, and is cut off. Only a conversation of text can be
//! asked again: others are passed over, with the reason.

use serde_json::{Map, Value};

use super::bad_row::RowFault;
use super::cell::shortened;

/// Who speaks in a turn of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions to the LLM.
    System,
    User,
    /// The LLM.
    Assistant,
}

/// What a conversation asks.
#[derive(Debug, PartialEq)]
pub(super) enum Asked {
    Conversation {
        /// The text of the last user turn.
        query: String,
        /// All turns up to the last user turn, which ends the list.
        messages: Vec<(Role, String)>,
    },
    /// Nothing that can be asked as text; the reason is a plural noun, for counts.
    PassedOver(&'static str),
}

const NO_USER: &str = "conversations without a user's turn";
const MEDIA: &str = "prompts with an image, a sound or a file";
const TOOLS: &str = "prompts with a tool's call or answer before the last user turn";

/// One turn: its role and text.
enum Turn {
    Text(Role, String),
    Media(Role),
    Tool,
}

/// Reads a list of turns, or a text as a user's turn.
///
/// # Errors
/// `bad_messages` for anything else.
pub(super) fn asked(messages: &Value) -> Result<Asked, RowFault> {
    let turns = match messages {
        Value::String(text) => vec![Turn::Text(Role::User, text.clone())],
        Value::Array(turns) => turns.iter().map(turn).collect::<Result<Vec<Turn>, RowFault>>()?,
        other => return Err(bad(other, "a list of turns")),
    };
    let by_user = |turn: &Turn| matches!(turn, Turn::Text(Role::User, _) | Turn::Media(Role::User));
    let Some(last) = turns.iter().rposition(by_user) else {
        return Ok(Asked::PassedOver(NO_USER));
    };
    let mut kept = Vec::with_capacity(last + 1);
    for turn in turns.into_iter().take(last + 1) {
        match turn {
            Turn::Text(role, text) => kept.push((role, text)),
            Turn::Media(_) => return Ok(Asked::PassedOver(MEDIA)),
            Turn::Tool => return Ok(Asked::PassedOver(TOOLS)),
        }
    }
    let query = kept.last().map(|(_, text)| text.clone()).unwrap_or_default();
    Ok(Asked::Conversation { query, messages: kept })
}

/// What a text asks that is itself a conversation in JSON; `None` for other texts.
pub(super) fn asked_in_json(text: &str) -> Option<Asked> {
    if !text.trim_start().starts_with('[') {
        return None;
    }
    match serde_json::from_str::<Value>(text).ok()? {
        Value::Array(turns) if !turns.is_empty() => asked(&Value::Array(turns)).ok(),
        _ => None,
    }
}

fn turn(turn: &Value) -> Result<Turn, RowFault> {
    let fields =
        turn.as_object().ok_or_else(|| bad(turn, "an object with a role and a content"))?;
    let stated = ["role", "from"].into_iter().find_map(|name| fields.get(name));
    let role = match stated.and_then(Value::as_str) {
        Some("system" | "developer") => Role::System,
        Some("user" | "human") => Role::User,
        Some("assistant" | "ai" | "model" | "gpt" | "chatgpt" | "bot") => Role::Assistant,
        Some("tool" | "function" | "function_call" | "observation" | "ipython") => {
            return Ok(Turn::Tool);
        }
        Some(other) => {
            let reason = format!(
                "found the role {:?}, expected \"system\", \"user\", \"assistant\" or \"tool\"",
                shortened(other)
            );
            return Err(RowFault::new("unknown_role", reason));
        }
        None => return Err(bad(turn, "a \"role\" in every turn")),
    };
    if calls_tool(fields) {
        return Ok(Turn::Tool);
    }
    let content = ["content", "value", "parts"].into_iter().find_map(|name| fields.get(name));
    match content {
        Some(Value::String(text)) => Ok(Turn::Text(role, text.clone())),
        Some(Value::Array(parts)) => whole(role, parts),
        Some(Value::Null) if role == Role::Assistant => Ok(Turn::Text(role, String::new())),
        _ => Err(bad(turn, "a \"content\" of text in every turn")),
    }
}

fn calls_tool(fields: &Map<String, Value>) -> bool {
    let calls = fields.get("tool_calls").and_then(Value::as_array);
    calls.is_some_and(|calls| !calls.is_empty())
        || fields.get("function_call").is_some_and(|call| !call.is_null())
}

/// Joins the texts among the parts of a turn.
fn whole(role: Role, parts: &[Value]) -> Result<Turn, RowFault> {
    let mut texts: Vec<&str> = Vec::with_capacity(parts.len());
    for part in parts {
        let kind = part.get("type").and_then(Value::as_str);
        match (part.as_str(), kind) {
            (Some(text), _) => texts.push(text),
            // What an LLM thought is no part of what was said.
            (None, Some("reasoning" | "thinking" | "redacted_thinking")) => {}
            (
                None,
                Some("tool_use" | "tool_result" | "tool_call" | "tool-call" | "tool-result"),
            ) => {
                return Ok(Turn::Tool);
            }
            (None, Some("text" | "input_text" | "output_text") | None) => {
                match part.get("text").and_then(Value::as_str) {
                    Some(text) => texts.push(text),
                    // Parts without a type are Gemini's.
                    None if kind.is_none() && part.is_object() => return Ok(Turn::Media(role)),
                    None => return Err(bad(part, "a \"text\" in a part of a turn")),
                }
            }
            (None, Some(_)) => return Ok(Turn::Media(role)),
        }
    }
    Ok(Turn::Text(role, texts.join("\n")))
}

fn bad(found: &Value, expected: &str) -> RowFault {
    let found = shortened(&found.to_string());
    RowFault::new("bad_messages", format!("found {found} in a conversation, expected {expected}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(messages: Value) -> String {
        match asked(&messages) {
            Ok(Asked::PassedOver(reason)) => reason.to_owned(),
            Err(fault) => fault.code.to_owned(),
            Ok(Asked::Conversation { query, messages }) => {
                assert_eq!(messages.last(), Some(&(Role::User, query)));
                let turns = messages.iter().map(|(role, text)| format!("{role:?}:{text}"));
                turns.collect::<Vec<_>>().join("|")
            }
        }
    }

    #[test]
    fn a_conversation_is_cut_after_the_last_user_turn() {
        let turns = json!([
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": "One?"},
            {"role": "assistant", "content": "1"},
            {"role": "user", "content": [{"type": "text", "text": "Two?"}, {"type": "text", "text": "Three?"}]},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "1"}]},
            {"role": "tool", "content": "3"},
        ]);
        assert_eq!(shown(turns), "System:Be brief.|User:One?|Assistant:1|User:Two?\nThree?");
        assert_eq!(shown(json!("One?")), "User:One?");
        let shared = json!([{"from": "human", "value": "One?"}, {"from": "gpt", "value": "1"}]);
        assert_eq!(shown(shared), "User:One?");
        let parts = json!([{"role": "user", "parts": [{"text": "One?"}, "Two?"]}]);
        assert_eq!(shown(parts), "User:One?\nTwo?");
        let thought = json!([
            {"role": "assistant", "content": [{"type": "reasoning", "reasoning": "x"}, {"type": "text", "text": "1"}]},
            {"role": "user", "content": "Two?"},
        ]);
        assert_eq!(shown(thought), "Assistant:1|User:Two?");
    }

    #[test]
    fn what_cannot_be_asked_as_text_is_passed_over_with_the_reason() {
        let image = json!([{"role": "user", "content": [
            {"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": "data:"}}]}]);
        assert_eq!(shown(image), MEDIA);
        let tools = json!([
            {"role": "user", "content": "One?"},
            {"role": "assistant", "content": "", "tool_calls": [{"id": "1"}]},
            {"role": "tool", "content": "1"},
            {"role": "user", "content": "Two?"},
        ]);
        assert_eq!(shown(tools), TOOLS);
        let result = json!([
            {"role": "user", "content": "One?"},
            {"role": "user", "content": [{"type": "tool_result", "content": "1"}]},
        ]);
        assert_eq!(shown(result), "User:One?");
        assert_eq!(shown(json!([])), NO_USER);
        assert_eq!(shown(json!([{"role": "system", "content": "Be brief."}])), NO_USER);
    }

    #[test]
    fn a_conversation_may_stand_in_a_text() {
        let text = r#" [{"role": "user", "content": "One?"}]"#;
        let Some(Asked::Conversation { query, .. }) = asked_in_json(text) else { unreachable!() };
        assert_eq!(query, "One?");
        for text in ["One?", "[1, 2]", "[]", "{\"role\": \"user\"}", "[{\"role\": \"user\""] {
            assert_eq!(asked_in_json(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_conversation_is_a_fault() {
        for (messages, code) in [
            (json!(3), "bad_messages"),
            (json!(["One?"]), "bad_messages"),
            (json!([{"content": "One?"}]), "bad_messages"),
            (json!([{"role": "user"}]), "bad_messages"),
            (json!([{"role": "user", "content": 3}]), "bad_messages"),
            (json!([{"role": "user", "content": [{"type": "text"}]}]), "bad_messages"),
            (json!([{"role": "owner", "content": "One?"}]), "unknown_role"),
        ] {
            assert_eq!(shown(messages.clone()), code, "{messages}");
        }
    }
}
