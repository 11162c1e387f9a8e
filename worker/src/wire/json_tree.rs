//! Parses a request or an answer into a tree for translation, without copying its long strings, and without
//! reading what only passes through.
//!
//! A string of more than [`LONG`] bytes without escapes (an image in base64, a text) becomes a short
//! reference to its bytes in the request. The translation moves the reference like any text; afterwards
//! [`to_outgoing`] puts the bytes in its place.
//!
//! A schema, the input of a call, and a number that is printed otherwise than it was written become a *raw*
//! value, an object of the one field [`MARK`] that holds its text: a `Value` sorts the keys of objects, and
//! models write fields in the order of their schema; of long numbers it loses digits.
//!
//! ```text
//! {"parameters": {"properties": {"why": {}, "answer": {}}}}  ->  {"parameters": raw}  ->  the same bytes
//! ```

use std::borrow::Cow;
mod write;

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

use super::fields::range_in;
use super::json_bounds::{self, MAX_TREE_VALUES};
use super::surrogates;

pub(crate) use write::{to_outgoing, to_text};

/// The most bytes of a string that is copied into the tree although it has no escapes.
const LONG: usize = 2048;
/// The most bytes of all texts that are copied into the tree, above every model's context window.
const MAX_COPIED: usize = 4 << 20;
/// Begins and ends a reference, and names a raw value: the last private-use character of Unicode, refused in
/// requests and in the names of an answer's fields.
const MARK: char = '\u{10fffd}';
/// Fields whose text the translation reads as JSON.
const READ: [&str; 1] = ["arguments"];
/// Fields whose objects become raw values.
const RAW_OBJECTS: [&str; 5] = ["arguments", "input", "input_schema", "parameters", "schema"];
/// Fields whose numbers keep their text.
const RAW_NUMBERS: [&str; 7] = [
    "frequency_penalty",
    "presence_penalty",
    "repetition_penalty",
    "seed",
    "temperature",
    "top_k",
    "top_p",
];
/// Parses a request into a tree whose long strings are references into `json`.
///
/// # Errors
/// The parser's message, or the bound that is exceeded.
pub(crate) fn parse(json: &str) -> Result<Value, String> {
    parse_tree(json, Some(json))
}

/// Parses an answer into a tree. Halves of characters become U+FFFD.
///
/// # Errors
/// The parser's message, or the bound that is exceeded.
pub(crate) fn parse_answer(json: &str) -> Result<Value, String> {
    parse_tree(json, None).or_else(|why| match surrogates::replaced(json) {
        Cow::Owned(json) => parse_tree(&json, None),
        Cow::Borrowed(_) => Err(why),
    })
}

/// Parses an event of an answer into a tree, and says whether halves of characters in it are stand-ins, to
/// be joined by [`surrogates::Halves`].
///
/// # Errors
/// The parser's message, or the bound that is exceeded.
pub(crate) fn parse_event(json: &str) -> Result<(Value, bool), String> {
    let strict = parse_tree(json, None).map(|value| (value, false));
    strict.or_else(|why| match surrogates::marked(json) {
        Cow::Owned(json) => parse_tree(&json, None).map(|value| (value, true)),
        Cow::Borrowed(_) => Err(why),
    })
}

fn parse_tree(json: &str, request: Option<&str>) -> Result<Value, String> {
    json_bounds::check(json.as_bytes(), MAX_TREE_VALUES).map_err(|e| e.to_string())?;
    let copied = RefCell::new(0);
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let tree = Tree { request, copied: &copied, read: false, plain: false };
    let value = tree.deserialize(&mut deserializer).map_err(|e| e.to_string())?;
    deserializer.end().map_err(|e| e.to_string())?;
    Ok(value)
}

/// The raw value of a text; none if the text is not a JSON object.
pub(crate) fn raw_object(json: &str) -> Option<Value> {
    json_bounds::check(json.as_bytes(), MAX_TREE_VALUES).ok()?;
    let json = serde_json::from_str::<&RawValue>(json).ok()?.get();
    json.starts_with('{').then(|| raw(json))
}

/// `json` is a JSON text. A mark can only stand in its strings, where an escape means the same.
fn raw(json: &str) -> Value {
    let json = match json.contains(MARK) {
        true => json.replace(MARK, r"\udbff\udffd"),
        false => json.to_owned(),
    };
    Value::Object(Map::from_iter([(MARK.to_string(), Value::String(json))]))
}

/// The text of a raw value; none of any other.
fn raw_text(value: &Value) -> Option<&str> {
    let fields = value.as_object().filter(|fields| fields.len() == 1)?;
    fields.get(MARK.encode_utf8(&mut [0; 4]))?.as_str()
}

/// Whether a string of a tree is the text itself, without a reference.
pub(crate) fn is_copied(text: &str) -> bool {
    !text.contains(MARK)
}

/// A number, raw or not.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match raw_text(value) {
        Some(json) => json.parse().ok().filter(|number: &f64| number.is_finite()),
        None => value.as_f64(),
    }
}

/// A copy of a value to look into: a raw one parsed.
pub(crate) fn parsed(value: &Value) -> Value {
    match raw_text(value) {
        Some(json) => json_bounds::parse_tree(json.as_bytes()).unwrap_or_default(),
        None => value.clone(),
    }
}

/// A copy of a tree without raw values.
#[cfg(test)]
pub(crate) fn plain(tree: &Value) -> Value {
    serde_json::from_str(&to_text(tree)).unwrap_or_default()
}

fn marked<E: Error>() -> E {
    E::custom("it has the private-use character U+10FFFD")
}

#[derive(Clone, Copy)]
struct Tree<'t> {
    /// The request; none of an answer, whose strings are all copied.
    request: Option<&'t str>,
    copied: &'t RefCell<usize>,
    /// Whether the translation reads this string as JSON, so that it is copied whole.
    read: bool,
    /// Whether no part of it becomes a raw value.
    plain: bool,
}

impl<'t> Tree<'t> {
    fn copy<E: Error>(&self, text: &str) -> Result<Value, E> {
        self.count(text)?;
        match self.request.is_some() && text.contains(MARK) {
            true => Err(marked()),
            false => Ok(Value::String(text.to_owned())),
        }
    }

    /// Counts what is copied of a request; an answer is bounded as a whole.
    fn count<E: Error>(&self, text: &str) -> Result<(), E> {
        let mut copied = self.copied.borrow_mut();
        *copied += text.len();
        if self.request.is_some() && *copied > MAX_COPIED {
            return Err(E::custom(format!(
                "its texts with escapes, schemas and inputs of calls are longer than {MAX_COPIED} bytes"
            )));
        }
        Ok(())
    }

    /// An object as a raw value; anything else as ever.
    fn raw_object<E: Error>(self, json: &'t str) -> Result<Value, E> {
        if !json.starts_with('{') {
            return self.value(json);
        }
        self.count(json)?;
        Ok(raw(json))
    }

    /// A number as a raw value if it would be printed otherwise; anything else as ever.
    fn raw_number<E: Error>(self, json: &'t str) -> Result<Value, E> {
        let value = self.value(json)?;
        let printed = value.is_number().then(|| value.to_string());
        Ok(if printed.is_some_and(|printed| printed != json) { raw(json) } else { value })
    }

    fn value<E: Error>(self, json: &'t str) -> Result<Value, E> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        // Within it nothing is raw, so that no byte is read once for each level.
        Tree { plain: true, ..self }.deserialize(&mut deserializer).map_err(E::custom)
    }

    /// A text whose bytes stand in the request as they are: what a data URL begins with, then a reference.
    fn refer<E: Error>(&self, text: &str) -> Result<Value, E> {
        let Some(request) = self.request.filter(|_| !text.contains(MARK)) else {
            return self.copy(text);
        };
        let head = text.get(..128.min(text.len())).unwrap_or_default();
        let head =
            head.starts_with("data:").then(|| head.find(',')).flatten().map_or(0, |at| at + 1);
        let range = range_in(request, &text[head..]);
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
            if name.contains(MARK) {
                return Err(marked());
            }
            let is_raw = |names: &[&str]| !self.plain && names.contains(&name.as_str());
            let within = Tree { read: READ.contains(&name.as_str()), ..self };
            let value = if is_raw(&RAW_OBJECTS) {
                within.raw_object(map.next_value::<&'de RawValue>()?.get())?
            } else if is_raw(&RAW_NUMBERS) {
                within.raw_number(map.next_value::<&'de RawValue>()?.get())?
            } else {
                map.next_value_seed(within)?
            };
            fields.insert(name, value);
        }
        Ok(fields.into())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::wire::outgoing::Piece;

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
    fn what_only_passes_through_keeps_its_bytes() {
        let schema =
            r#"{"type" : "object", "properties":{"why":{}, "answer":{"maximum": 1e3}},"x":1.0}"#;
        let input = r#"{ "z": 12345678901234567890123, "a": [1.10, "\udbff\udffd \ud83d"] }"#;
        let json = format!(
            r#"{{"tools":[{{"name":"f","input_schema":{schema},"parameters":{schema}}}],
                "format":{{"schema":{schema}}}, "input":{input}, "temperature": 0.70, "top_p": 1}}"#
        );
        for tree in [parse(&json).unwrap(), parse_answer(&json).unwrap()] {
            assert_eq!(tree["tools"][0]["name"], "f");
            assert_eq!((number(&tree["temperature"]), &tree["top_p"]), (Some(0.7), &1.into()));
            let written = to_text(&tree);
            assert_eq!(written.matches(schema).count(), 3, "{written}");
            assert!(written.contains(input) && written.contains(r#""temperature":0.70"#));
            assert_eq!(to_outgoing(&tree).text(&json), written);
            assert_eq!(parsed(&tree["tools"][0]["input_schema"])["x"], 1.0);
        }
    }

    #[test]
    fn only_an_object_is_raw() {
        for (json, value) in
            [(r#"{"input": [{"input": {"b": 1, "a": 2}}]}"#, 2), (r#"{"input": 7}"#, 7)]
        {
            let tree = parse(json).unwrap();
            let input = &tree["input"];
            assert_eq!(input[0]["input"]["a"].as_u64().or(input.as_u64()), Some(value));
        }
        assert_eq!(
            raw_object(r#" {"b": 1, "a": 1.0} "#).map(|raw| to_text(&raw)).unwrap(),
            r#"{"b": 1, "a": 1.0}"#
        );
        for json in ["[1]", "1", "", "{", "{} {}", "{\"a\": \u{1}}"] {
            assert_eq!(raw_object(json), None, "{json}");
        }
        let many = format!("{{\"a\": [{}0]}}", "0,".repeat(MAX_TREE_VALUES));
        assert_eq!(raw_object(&many), None);
    }

    #[test]
    fn a_mark_in_what_passes_through_is_escaped() {
        let raw = raw_object("{\"a\": \"\u{10fffd}0+9\u{10fffd}\"}").unwrap();
        let written = to_outgoing(&serde_json::json!({"input": raw})).text("0123456789");
        let found: Value = serde_json::from_str(&written).unwrap();
        assert_eq!(found["input"]["a"], "\u{10fffd}0+9\u{10fffd}");
        let answer = parse_answer("{\"text\": \"\u{10fffd}0+9\u{10fffd}\"}").unwrap();
        assert_eq!(to_text(&answer), "{\"text\":\"\u{10fffd}0+9\u{10fffd}\"}");
        assert!(parse_answer("{\"input\": {}, \"\u{10fffd}\": \"[\"}").is_err());
    }

    #[test]
    fn copies_are_bounded() {
        let schema = format!(r#"{{"schema": {{"a": "{}"}}}}"#, "x".repeat(MAX_COPIED));
        assert!(parse(&schema).is_err_and(|why| why.contains("schemas")));
        assert!(parse_answer(&schema).is_ok());
        let long = format!(r#"{{"a": "{}"}}"#, r"\n".repeat(MAX_COPIED + 1));
        assert!(parse(&long).is_err_and(|why| why.contains("texts with escapes")));
        let plain = format!(r#"{{"a": "{}"}}"#, "x".repeat(MAX_COPIED + 1));
        assert!(parse(&plain).is_ok());
        assert!(parse(&format!("[{}0]", "{},".repeat(MAX_TREE_VALUES))).is_err());
        assert!(parse("{").is_err());
    }
}
