//! Bounds the values and levels of a JSON text before it is parsed: a parsed value takes up to a hundred
//! times the bytes of its text.

use memchr::memchr2;
use serde_json::Value;

/// The most levels of nested lists and objects; `serde_json` itself stops at 128.
pub(crate) const MAX_LEVELS: usize = 120;
/// The most values of a text that is read field by field, where a value takes no memory.
pub(crate) const MAX_VALUES: usize = 1_000_000;
/// The most values of a text that is parsed into a tree. An object of one field takes some 700 bytes.
pub(crate) const MAX_TREE_VALUES: usize = 50_000;

/// A JSON text with more values or levels than is parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TooComplex {
    /// More values, counted as commas and opening brackets.
    #[error("it has more than {0} values")]
    Values(usize),
    /// More levels.
    #[error("it is nested more than {0} levels deep")]
    Levels(usize),
}

/// Counts the commas and brackets outside of strings. The text need not be valid JSON.
///
/// # Errors
/// [`TooComplex`] above `max_values` values or [`MAX_LEVELS`] levels.
pub(crate) fn check(json: &[u8], max_values: usize) -> Result<(), TooComplex> {
    let (mut values, mut levels, mut at) = (0_usize, 0_usize, 0_usize);
    while let Some(&byte) = json.get(at) {
        at += 1;
        match byte {
            b'"' => at = end_of_string(json, at),
            b',' => values += 1,
            b'[' | b'{' => {
                values += 1;
                levels += 1;
                if levels > MAX_LEVELS {
                    return Err(TooComplex::Levels(MAX_LEVELS));
                }
            }
            b']' | b'}' => levels = levels.saturating_sub(1),
            _ => continue,
        }
        if values > max_values {
            return Err(TooComplex::Values(max_values));
        }
    }
    Ok(())
}

/// The position after the closing quote of the string whose content begins at `at`.
fn end_of_string(json: &[u8], mut at: usize) -> usize {
    loop {
        match memchr2(b'"', b'\\', &json[at..]) {
            Some(found) if json[at + found] == b'"' => return at + found + 1,
            Some(found) => at = (at + found + 2).min(json.len()),
            None => return json.len(),
        }
    }
}

/// Parses a text into a tree of at most [`MAX_TREE_VALUES`] values.
///
/// # Errors
/// What the parser or [`check`] found.
pub(crate) fn parse_tree(json: &[u8]) -> Result<Value, String> {
    check(json, MAX_TREE_VALUES).map_err(|e| e.to_string())?;
    serde_json::from_slice(json).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_outside_of_strings() {
        assert_eq!(check(br#"{"a,[{": "\",[", "b": [1, 2]}"#, 4), Ok(()));
        assert_eq!(check(br#"{"a": 1, "b": [1, 2]}"#, 3), Err(TooComplex::Values(3)));
        assert_eq!(check(b"\"never closed ,,,,", 0), Ok(()));
        assert_eq!(check(b"\"ends in a backslash \\", 0), Ok(()));
        assert_eq!(check(b"", 0), Ok(()));
    }

    #[test]
    fn levels_are_bounded_and_may_follow_each_other() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(check(nested(MAX_LEVELS).as_bytes(), MAX_VALUES), Ok(()));
        let found = check(nested(MAX_LEVELS + 1).as_bytes(), MAX_VALUES);
        assert_eq!(found, Err(TooComplex::Levels(MAX_LEVELS)));
        assert_eq!(check("[]".repeat(MAX_LEVELS * 2).as_bytes(), MAX_VALUES), Ok(()));
        assert_eq!(check("]".repeat(9).as_bytes(), MAX_VALUES), Ok(()));
    }

    #[test]
    fn a_tree_is_bounded() {
        assert!(parse_tree(br#"{"a": [1]}"#).is_ok_and(|value| value["a"][0] == 1));
        let long = format!("[{}0]", "0,".repeat(MAX_TREE_VALUES));
        assert!(parse_tree(long.as_bytes()).is_err_and(|why| why.contains("50000 values")));
        assert!(parse_tree(b"[").is_err());
    }
}
