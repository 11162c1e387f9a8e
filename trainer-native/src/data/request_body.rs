//! What a logged call of an LLM asks: bodies of requests as their logs hold them, of any API.

use serde_json::{Map, Value};

use super::messages::{Asked, Role, asked};

/// Fields that hold a conversation or a prompt, the first that a body has.
const PROMPTS: [&str; 9] =
    ["messages", "contents", "input", "prompt", "query", "question", "text", "inputs", "kwargs"];

/// Fields that hold instructions beside the conversation.
const INSTRUCTIONS: [&str; 2] = ["system", "instructions"];

/// Bodies within bodies that are looked into.
const LEVELS: usize = 4;

pub(super) const NO_PROMPT: &str = "inputs that are neither a text nor a conversation";

/// What a body asks: a text, a conversation, or an object that holds one of them.
pub(super) fn asked_of(body: &Value) -> Asked {
    within(body, LEVELS)
}

fn within(body: &Value, levels: usize) -> Asked {
    let none = Asked::PassedOver(NO_PROMPT);
    match body {
        Value::String(text) => match levels > 0 && may_be_json(text) {
            // A log may hold a body as text; a text that is JSON and no body is a prompt.
            true => match serde_json::from_str::<Value>(text).map(|body| within(&body, levels - 1))
            {
                Ok(Asked::PassedOver(NO_PROMPT)) | Err(_) => asked(body).unwrap_or(none),
                Ok(found) => found,
            },
            false => asked(body).unwrap_or(none),
        },
        Value::Array(_) => asked(body).unwrap_or(none),
        Value::Object(fields) if levels > 0 => in_object(body, fields, levels),
        _ => none,
    }
}

fn in_object(body: &Value, fields: &Map<String, Value>, levels: usize) -> Asked {
    if fields.contains_key("role") {
        return asked(&Value::Array(vec![body.clone()])).unwrap_or(Asked::PassedOver(NO_PROMPT));
    }
    let stated = |name: &&str| fields.get(*name).filter(|value| !is_empty(value));
    let arguments = || fields.get("args")?.get(0);
    let Some(inner) = PROMPTS.iter().find_map(stated).or_else(arguments) else {
        return Asked::PassedOver(NO_PROMPT);
    };
    let mut found = within(inner, levels - 1);
    let instructions = INSTRUCTIONS.iter().find_map(stated).and_then(text_of);
    if let (Asked::Conversation { messages, .. }, Some(text)) = (&mut found, instructions) {
        messages.insert(0, (Role::System, text));
    }
    found
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// A text, or the texts of a list of parts.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            let texts: Vec<&str> =
                parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect();
            (!texts.is_empty()).then(|| texts.join("\n"))
        }
        _ => None,
    }
}

fn may_be_json(text: &str) -> bool {
    text.trim_start().starts_with(['[', '{', '"'])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(body: &Value) -> String {
        match asked_of(body) {
            Asked::PassedOver(reason) => reason.to_owned(),
            Asked::Conversation { messages, .. } => {
                let turns = messages.iter().map(|(role, text)| format!("{role:?}:{text}"));
                turns.collect::<Vec<_>>().join("|")
            }
        }
    }

    #[test]
    fn bodies_of_several_apis_are_read() {
        let turn = json!({"role": "user", "content": "Why?"});
        for body in [
            json!("Why?"),
            json!("\"Why?\""),
            json!([turn]),
            turn.clone(),
            json!({"model": "m", "messages": [turn], "tools": []}),
            json!(json!({"messages": [turn]}).to_string()),
            json!({"input": "Why?", "model": "m"}),
            json!({"messages": [], "prompt": "Why?"}),
            json!({"contents": [{"role": "user", "parts": [{"text": "Why?"}]}]}),
            json!({"args": [], "kwargs": {"question": "Why?"}}),
            json!({"args": ["Why?"], "kwargs": {}}),
        ] {
            assert_eq!(shown(&body), "User:Why?", "{body}");
        }
        let body = json!({"system": [{"type": "text", "text": "Be brief."}], "messages": [turn]});
        assert_eq!(shown(&body), "System:Be brief.|User:Why?");
    }

    #[test]
    fn a_text_that_is_json_and_no_body_is_a_prompt() {
        for text in ["{\"a\": 1} is what?", "[1, 2]", "{\"a\": 1}", "\"open"] {
            assert_eq!(shown(&json!(text)), format!("User:{text}"));
        }
    }

    #[test]
    fn what_holds_no_prompt_is_passed_over() {
        for body in
            [json!(null), json!(3), json!({}), json!({"a": "Why?"}), json!([1]), json!(["x"])]
        {
            assert_eq!(shown(&body), NO_PROMPT, "{body}");
        }
        let mut deep = json!("Why?");
        for _ in 0..200 {
            deep = json!({"input": deep});
        }
        assert_eq!(shown(&deep), NO_PROMPT);
    }
}
