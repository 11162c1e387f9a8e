//! Writes a tree as JSON: raw values by their text, references by the bytes to which they refer, and the fields
//! of other objects in a fixed order.

use serde_json::Value;

use super::{MARK, raw_text};
use crate::wire::outgoing::{Outgoing, Piece};

/// How much of a string is escaped at a time, in bytes, and how long a piece of new text is at least that is
/// followed by another one: a text that grows takes up to twice its bytes.
const STEP: usize = 64 << 10;
/// The fields that are written in front of all others, as the APIs' documentation orders them: upstreams
/// show definitions of tools to their models in the order in which they came.
const WRITTEN_FIRST: [&str; 9] =
    ["model", "type", "role", "id", "tool_use_id", "tool_call_id", "name", "title", "description"];

/// Writes a value of an answer, or one without references.
pub(crate) fn to_text(value: &Value) -> String {
    let mut json = String::new();
    write(value, &mut json);
    json
}

/// Writes a request's tree, with the bytes of the request in place of the references.
pub(crate) fn to_outgoing(tree: &Value) -> Outgoing {
    let mut pieces = Pieces::default();
    write(tree, &mut pieces);
    pieces.flush();
    Outgoing(pieces.done)
}

/// Where JSON is written.
trait Sink {
    /// Adds JSON text.
    fn push(&mut self, json: &str);

    /// Adds the content of a string.
    fn push_string(&mut self, text: &str) {
        self.push_escaped(text);
    }

    /// Adds a text, escaped.
    fn push_escaped(&mut self, mut text: &str) {
        while !text.is_empty() {
            let (step, rest) = text.split_at(text.floor_char_boundary(STEP));
            let json = Value::from(step).to_string();
            self.push(&json[1..json.len() - 1]);
            text = rest;
        }
    }
}

impl Sink for String {
    fn push(&mut self, json: &str) {
        self.push_str(json);
    }
}

/// The pieces of a body.
#[derive(Default)]
struct Pieces {
    done: Vec<Piece>,
    last: String,
}

impl Pieces {
    fn flush(&mut self) {
        if !self.last.is_empty() {
            self.done.push(Piece::Text(std::mem::take(&mut self.last)));
        }
    }
}

impl Sink for Pieces {
    fn push(&mut self, json: &str) {
        self.last.push_str(json);
        if self.last.len() >= STEP {
            self.flush();
        }
    }

    fn push_string(&mut self, text: &str) {
        for (at, part) in text.split(MARK).enumerate() {
            match part.split_once('+').filter(|_| at % 2 == 1) {
                Some((start, length)) => {
                    let number = |digits: &str| digits.parse::<usize>().unwrap_or_default();
                    let start = number(start);
                    self.flush();
                    self.done.push(Piece::Source(start..start + number(length)));
                }
                None => self.push_escaped(part),
            }
        }
    }
}

fn write(value: &Value, json: &mut impl Sink) {
    match (value, raw_text(value)) {
        (_, Some(raw)) => json.push(raw),
        (Value::String(text), _) => {
            json.push("\"");
            json.push_string(text);
            json.push("\"");
        }
        (Value::Array(list), _) => {
            json.push("[");
            for (at, value) in list.iter().enumerate() {
                json.push(if at == 0 { "" } else { "," });
                write(value, json);
            }
            json.push("]");
        }
        (Value::Object(fields), _) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            let rank = |name: &String| WRITTEN_FIRST.iter().position(|first| first == name);
            fields.sort_by_key(|(name, _)| rank(name).unwrap_or(WRITTEN_FIRST.len()));
            json.push("{");
            for (at, (name, value)) in fields.into_iter().enumerate() {
                json.push(if at == 0 { "\"" } else { ",\"" });
                json.push_escaped(name);
                json.push("\":");
                write(value, json);
            }
            json.push("}");
        }
        (Value::Null | Value::Bool(_) | Value::Number(_), _) => json.push(&value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_are_written_as_the_apis_document_them() {
        let tool = json!({"function": {"parameters": {}, "description": "d", "name": "f"},
                                      "type": "function"});
        let expected =
            r#"{"type":"function","function":{"name":"f","description":"d","parameters":{}}}"#;
        assert_eq!(to_text(&tool), expected);
    }

    #[test]
    fn a_long_text_is_written_in_pieces_that_make_the_same_json() {
        let text = "é\"\n한🚀".repeat(STEP / 8);
        let tree = json!({"a": [text, text.clone() + "x"], "é\"": null});
        let body = to_outgoing(&tree);
        assert!(body.0.len() > 2);
        assert_eq!(body.text(""), to_text(&tree));
        assert_eq!(serde_json::from_str::<Value>(&to_text(&tree)).ok(), Some(tree));
    }
}
