//! Reads what a model wrote in a chat message, or in a piece of one: its reasoning, its text, its refusal.
//!
//! | field | is |
//! | --- | --- |
//! | `reasoning_content`, else `reasoning`, else `thinking`, else the texts of `reasoning_details` | reasoning |
//! | `content` as a text; its parts `text`, `output_text` | text |
//! | its parts `thinking`, `reasoning` | reasoning, unless one of the fields above has it |
//! | `refusal`; parts `refusal` | a refusal |
//!
//! The texts of a part may be nested in lists, as Mistral's are. Other parts are left out.

use serde_json::Value;

/// A piece of what a model wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Written {
    Reasoning(String),
    Text(String),
    Refusal(String),
}

/// Reads a message's pieces in their order, none of them empty.
///
/// # Errors
/// The content, if it is neither a text nor parts.
pub(crate) fn written(message: &Value) -> Result<Vec<Written>, &Value> {
    let reasoning = reasoning(message);
    let mut pieces = vec![Written::Reasoning(reasoning.clone())];
    match &message["content"] {
        Value::Null => {}
        Value::String(text) => pieces.push(Written::Text(text.clone())),
        Value::Array(parts) => pieces.extend(parts.iter().filter_map(part)),
        one @ Value::Object(_) => pieces.extend(part(one)),
        other => return Err(other),
    }
    pieces.push(Written::Refusal(message["refusal"].as_str().unwrap_or_default().to_owned()));
    let mut first = true;
    pieces.retain(|piece| {
        let of_field = std::mem::take(&mut first);
        match piece {
            Written::Reasoning(text) => !text.is_empty() && (of_field || reasoning.is_empty()),
            Written::Text(text) | Written::Refusal(text) => !text.is_empty(),
        }
    });
    Ok(pieces)
}

/// Makes texts of the parts of a message's content, or of a piece of one.
///
/// # Errors
/// The content, if it is neither a text nor parts.
pub(crate) fn flatten(message: &mut Value) -> Result<(), Value> {
    if message["content"].is_null() || message["content"].is_string() {
        return Ok(());
    }
    let mut fields: [(&str, String); 3] = [
        ("content", String::new()),
        ("reasoning_content", String::new()),
        ("refusal", String::new()),
    ];
    for piece in written(message).map_err(Clone::clone)? {
        let (at, text) = match piece {
            Written::Text(text) => (0, text),
            Written::Reasoning(text) => (1, text),
            Written::Refusal(text) => (2, text),
        };
        fields[at].1.push_str(&text);
    }
    for (name, text) in fields {
        if name == "content" || !text.is_empty() {
            message[name] = text.into();
        }
    }
    Ok(())
}

fn reasoning(message: &Value) -> String {
    let mut text = String::new();
    for name in ["reasoning_content", "reasoning", "thinking", "reasoning_details"] {
        add_texts(&message[name], &mut text);
        if !text.is_empty() {
            break;
        }
    }
    text
}

fn part(part: &Value) -> Option<Written> {
    let of = |fields: &[&str]| {
        let mut text = String::new();
        if let Some(value) = fields.iter().map(|name| &part[*name]).find(|v| !v.is_null()) {
            add_texts(value, &mut text);
        }
        text
    };
    match part["type"].as_str() {
        None if part.is_string() => part.as_str().map(|text| Written::Text(text.to_owned())),
        None | Some("text" | "output_text") => Some(Written::Text(of(&["text"]))),
        Some("thinking" | "reasoning" | "reasoning_content") => Some(Written::Reasoning(of(&[
            "thinking",
            "reasoning",
            "reasoning_content",
            "text",
            "summary",
            "content",
        ]))),
        Some("refusal") => Some(Written::Refusal(of(&["refusal", "text"]))),
        Some(_) => None,
    }
}

/// Adds a text, or the texts in lists of parts.
fn add_texts(value: &Value, text: &mut String) {
    match value {
        Value::String(piece) => text.push_str(piece),
        Value::Array(parts) => parts.iter().for_each(|part| add_texts(part, text)),
        Value::Object(fields) => {
            let names = ["text", "thinking", "reasoning", "summary", "content", "value"];
            if let Some(value) = names.iter().find_map(|name| fields.get(*name)) {
                add_texts(value, text);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn pieces(message: &Value) -> Vec<Written> {
        written(message).unwrap()
    }

    fn reasoning_of(text: &str) -> Written {
        Written::Reasoning(text.to_owned())
    }

    fn text(text: &str) -> Written {
        Written::Text(text.to_owned())
    }

    #[test]
    fn parts_are_texts_reasoning_and_refusals_in_their_order() {
        let content = json!([
            {"type": "thinking", "thinking": [{"type": "text", "text": "A "}, {"type": "text", "text": "greeting."}]},
            {"type": "text", "text": "Hel"}, {"type": "reference", "reference_ids": [1]},
            {"type": "output_text", "text": "lo"}, {"text": {"value": "."}}, "!",
            {"type": "image_url", "image_url": {}}, {"type": "reasoning", "text": "Done."},
            {"type": "refusal", "refusal": "No."}, {"type": "text"}, 7]);
        assert_eq!(
            pieces(&json!({"content": content})),
            [
                reasoning_of("A greeting."),
                text("Hel"),
                text("lo"),
                text("."),
                text("!"),
                reasoning_of("Done."),
                Written::Refusal("No.".into()),
            ]
        );
        assert_eq!(pieces(&json!({"content": {"type": "text", "text": "a"}})), [text("a")]);
        assert_eq!(written(&json!({"content": 4})), Err(&json!(4)));
    }

    #[test]
    fn reasoning_is_read_once_from_any_of_its_fields() {
        for message in [
            json!({"reasoning_content": "r", "reasoning": "again"}),
            json!({"reasoning_content": "", "reasoning": "r"}),
            json!({"reasoning_content": null, "reasoning": {"content": "r"}}),
            json!({"thinking": "r"}),
            json!({"reasoning_details": [{"type": "reasoning.text", "text": "r"},
                                         {"type": "reasoning.encrypted", "data": "x"}]}),
            json!({"reasoning_details": [{"type": "reasoning.summary", "summary": "r"}]}),
            json!({"reasoning": "r", "content": [{"type": "thinking", "thinking": "r"}]}),
        ] {
            assert_eq!(pieces(&message), [reasoning_of("r")], "{message}");
        }
        assert_eq!(pieces(&json!({"content": "", "refusal": "", "reasoning": ""})), []);
        assert_eq!(pieces(&json!(null)), []);
    }
}
