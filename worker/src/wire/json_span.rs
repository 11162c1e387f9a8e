//! Finds the byte range of a field's value in a JSON text, so that only this value is replaced.
//!
//! Parsing and printing a request again would reorder its fields and reformat its numbers; so an
//! upstream gets the caller's own bytes with another `model`.

use std::ops::Range;

/// The byte range of the value of the top-level field `name`. `json` must be a valid object; of a
/// repeated field the last one counts, as in JSON parsers.
pub(crate) fn of_field(json: &str, name: &str) -> Option<Range<usize>> {
    let bytes = json.as_bytes();
    let mut found = None;
    let mut at = skip_space(bytes, 0);
    if bytes.get(at) != Some(&b'{') {
        return None;
    }
    at = skip_space(bytes, at + 1);
    while bytes.get(at) == Some(&b'"') {
        let key_end = string_end(bytes, at)?;
        // A key may contain escapes.
        let key: String = serde_json::from_str(json.get(at..key_end)?).ok()?;
        at = skip_space(bytes, key_end);
        if bytes.get(at) != Some(&b':') {
            return None;
        }
        let start = skip_space(bytes, at + 1);
        let end = value_end(bytes, start)?;
        if key == name {
            found = Some(start..end);
        }
        at = skip_space(bytes, end);
        if bytes.get(at) == Some(&b',') {
            at = skip_space(bytes, at + 1);
        }
    }
    found
}

fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// The end of the string that begins at `at`.
fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn value_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    let mut depth = 0_usize;
    loop {
        match bytes.get(at)? {
            b'"' => at = string_end(bytes, at)?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                at += 1;
            }
            _ => {
                // A number or a word.
                while !matches!(
                    bytes.get(at)?,
                    b',' | b':' | b'"' | b'{' | b'}' | b'[' | b']' | b' ' | b'\t' | b'\n' | b'\r'
                ) {
                    at += 1;
                }
            }
        }
        if depth == 0 {
            return Some(at);
        }
        while matches!(bytes.get(at), Some(b',' | b':' | b' ' | b'\t' | b'\n' | b'\r')) {
            at += 1;
        }
    }
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
