//! Parses a request into a tree for translation, without copying its long strings.
//!
//! A string of more than [`LONG`] bytes without escapes (an image in base64, a text) becomes a short
//! reference to its bytes in the request. The translation moves the reference like any text; afterwards
//! [`to_outgoing`] puts the bytes in its place.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::fields::range_in;
use super::json_bounds::{self, MAX_TREE_VALUES};
use super::outgoing::{Outgoing, Piece};

/// The most bytes of a string that is copied into the tree although it has no escapes.
const LONG: usize = 2048;
/// The most bytes of all strings that are copied into the tree, above every model's context window.
const MAX_COPIED: usize = 4 << 20;
/// Begins and ends a reference: the last private-use character of Unicode, refused in requests.
const MARK: char = '\u{10fffd}';
/// Fields whose text the translation reads as JSON.
const READ: [&str; 2] = ["arguments", "input"];

/// Parses a request into a tree whose long strings are references into `json`.
///
/// # Errors
/// The parser's message, or the bound that is exceeded.
pub(crate) fn parse(json: &str) -> Result<Value, String> {
    json_bounds::check(json.as_bytes(), MAX_TREE_VALUES).map_err(|e| e.to_string())?;
    let copied = RefCell::new(0);
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let tree = Tree { source: json, copied: &copied, read: false };
    tree.deserialize(&mut deserializer).map_err(|e| e.to_string())
}

/// Writes a tree, with the bytes of the request in place of the references.
pub(crate) fn to_outgoing(tree: &Value) -> Outgoing {
    let text = tree.to_string();
    let mut pieces = Vec::new();
    for (at, part) in text.split(MARK).enumerate() {
        match part.split_once('+').filter(|_| at % 2 == 1) {
            Some((start, length)) => {
                let number = |digits: &str| digits.parse::<usize>().unwrap_or_default();
                let start = number(start);
                pieces.push(Piece::Source(start..start + number(length)));
            }
            None if part.is_empty() => {}
            None => pieces.push(Piece::Text(part.to_owned())),
        }
    }
    Outgoing(pieces)
}

#[derive(Clone, Copy)]
struct Tree<'t> {
    source: &'t str,
    copied: &'t RefCell<usize>,
    /// Whether the translation reads this string as JSON, so that it is copied whole.
    read: bool,
}

impl Tree<'_> {
    fn copy<E: Error>(&self, text: &str) -> Result<Value, E> {
        let mut copied = self.copied.borrow_mut();
        *copied += text.len();
        if *copied > MAX_COPIED {
            let why = format!("its texts with escapes are longer than {MAX_COPIED} bytes");
            return Err(E::custom(why));
        }
        match text.contains(MARK) {
            true => Err(E::custom("it has the private-use character U+10FFFD")),
            false => Ok(Value::String(text.to_owned())),
        }
    }

    /// A text whose bytes stand in the request as they are: what a data URL begins with, then a reference.
    fn refer<E: Error>(&self, text: &str) -> Result<Value, E> {
        if text.contains(MARK) {
            return self.copy(text);
        }
        let head = text.get(..128.min(text.len())).unwrap_or_default();
        let head =
            head.starts_with("data:").then(|| head.find(',')).flatten().map_or(0, |at| at + 1);
        let range = range_in(self.source, &text[head..]);
        let (start, length) = (range.start, range.len());
        Ok(Value::String(format!("{}{MARK}{start}+{length}{MARK}", &text[..head])))
    }
}

impl<'de> DeserializeSeed<'de> for Tree<'de> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'de> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Value, E> {
        match text.len() > LONG && !self.read {
            true => self.refer(text),
            false => self.copy(text),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        self.copy(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(Tree { read: false, ..self })? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let read = READ.contains(&name.as_str());
            if name.contains(MARK) {
                return Err(A::Error::custom("it has the private-use character U+10FFFD"));
            }
            fields.insert(name, map.next_value_seed(Tree { read, ..self })?);
        }
        Ok(fields.into())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn long_strings_are_references_and_come_back_as_bytes() {
        let image = "A".repeat(5000);
        let json = format!(
            r#"{{"url": "data:image/png;base64,{image}", "text": "{image}", "n": [1, -2, 1.5, null, true],
                "arguments": "{image}", "short": "a\nb", "raw": {{"$serde_json::private::RawValue": "[1]"}}}}"#
        );
        let tree = parse(&json).unwrap();
        assert!(tree["url"].as_str().unwrap().len() < 60);
        assert!(tree["url"].as_str().unwrap().starts_with("data:image/png;base64,\u{10fffd}"));
        assert_eq!(tree["arguments"], image.as_str());
        assert_eq!(tree["raw"]["$serde_json::private::RawValue"], "[1]");
        let body = to_outgoing(&tree);
        assert!(body.0.iter().filter(|piece| matches!(piece, Piece::Source(_))).count() == 2);
        let found: Value = serde_json::from_str(&body.text(&json)).unwrap();
        let expected: Value =
            serde_json::from_str(&json.replace("$serde_json::private::", "$x")).unwrap();
        for field in ["url", "text", "n", "arguments", "short"] {
            assert_eq!(found[field], expected[field], "{field}");
        }
    }

    #[test]
    fn a_forged_reference_is_refused() {
        for text in ["\u{10fffd}0+9\u{10fffd}", r"\udbff\udffd0+9\udbff\udffd"] {
            let long = "x".repeat(LONG + 1);
            for json in [
                format!(r#"{{"a": "{text}"}}"#),
                format!(r#"{{"a": "{text}{long}"}}"#),
                format!(r#"{{"{text}": 1}}"#),
            ] {
                assert!(parse(&json).is_err_and(|why| why.contains("U+10FFFD")), "{json}");
            }
        }
    }

    #[test]
    fn copies_are_bounded() {
        let long = format!(r#"{{"a": "{}"}}"#, r"\n".repeat(MAX_COPIED + 1));
        assert!(parse(&long).is_err_and(|why| why.contains("texts with escapes")));
        let plain = format!(r#"{{"a": "{}"}}"#, "x".repeat(MAX_COPIED + 1));
        assert!(parse(&plain).is_ok());
        assert!(parse(&format!("[{}0]", "{},".repeat(MAX_TREE_VALUES))).is_err());
        assert!(parse("{").is_err());
    }
}
