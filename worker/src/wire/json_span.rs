//! Finds the byte range of a field's value in a JSON text, so that only this value is replaced.
//!
//! Parsing and printing a request again would reorder its fields and reformat its numbers; so an
//! upstream gets the caller's own bytes with another `model`.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::value::RawValue;

/// The byte range of the value of the top-level field `name`; none if `json` is not an object with this
/// field. Of a repeated field the last one counts, as in JSON parsers.
pub(crate) fn of_field(json: &str, name: &str) -> Option<Range<usize>> {
    let fields: HashMap<String, &RawValue> = serde_json::from_str(json).ok()?;
    let value = fields.get(name)?.get();
    // A borrowed raw value is a part of the text that was parsed.
    let start = value.as_ptr().addr() - json.as_ptr().addr();
    Some(start..start + value.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn value<'a>(json: &'a str, name: &str) -> Option<&'a str> {
        assert!(serde_json::from_str::<serde_json::Value>(json).is_ok(), "{json}");
        of_field(json, name).map(|range| &json[range])
    }

    #[test]
    fn the_value_is_found_beside_values_of_every_type() {
        let json = r#" { "a" : [1, {"model": "no"}, "]}"], "n": -1.5e3, "t": true, "o": {},
            "model" : "auto" , "z": null } "#;
        assert_eq!(value(json, "model"), Some("\"auto\""));
        assert_eq!(value(json, "a"), Some(r#"[1, {"model": "no"}, "]}"]"#));
        assert_eq!(value(json, "n"), Some("-1.5e3"));
        assert_eq!(value(json, "o"), Some("{}"));
        assert_eq!(value(json, "z"), Some("null"));
        assert_eq!(value(json, "absent"), None);
    }

    #[test]
    fn quotes_braces_and_escapes_in_strings_do_not_mislead() {
        let json = r#"{"x":"\"model\": \\","é{":"}","model":"a\"b\\","y":[[],[[]]]}"#;
        assert_eq!(value(json, "model"), Some(r#""a\"b\\""#));
        assert_eq!(value(json, "y"), Some("[[],[[]]]"));
    }

    #[test]
    fn an_escaped_key_is_the_same_key_and_the_last_one_counts() {
        let json = r#"{"model":"first","mod\u0065l":"last"}"#;
        assert_eq!(value(json, "model"), Some("\"last\""));
    }

    #[test]
    fn only_an_object_has_fields() {
        assert_eq!(value("[1, 2]", "model"), None);
        assert_eq!(value("{}", "model"), None);
        assert_eq!(of_field("{\"model\":\"cut of", "model"), None);
        assert_eq!(of_field("", "model"), None);
    }
}
