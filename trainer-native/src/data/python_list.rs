//! Reads Python's written form of a list of texts, as RouterBench stores prompts: `['One.', "It's
//! two."]`.
//!
//! The text is read character by character; nothing is evaluated. Accepted are the escapes that
//! Python writes (`\\`, `\'`, `\"`, `\n`, `\r`, `\t`, `\xhh`, `\uhhhh`, `\Uhhhhhhhh`) and the
//! others that it reads (`\a`, `\b`, `\f`, `\v`, `\0`).

use std::iter::Peekable;
use std::str::Chars;

/// The texts of the list, or what is wrong with it.
pub(super) fn parse(text: &str) -> Result<Vec<String>, String> {
    let mut chars = text.trim().chars().peekable();
    let mut items = Vec::new();
    if chars.next() != Some('[') {
        return Err("found no [ at the beginning".to_owned());
    }
    loop {
        skip_space(&mut chars);
        match chars.next() {
            Some(']') => break,
            Some(quote @ ('\'' | '"')) => items.push(item(&mut chars, quote)?),
            Some(other) => return Err(format!("found {other:?} where a quote should open a text")),
            None => return Err("found no ] at the end".to_owned()),
        }
        skip_space(&mut chars);
        match chars.next() {
            Some(',') => {}
            Some(']') => break,
            Some(other) => return Err(format!("found {other:?} after a text, not , or ]")),
            None => return Err("found no ] at the end".to_owned()),
        }
    }
    match chars.next() {
        None => Ok(items),
        Some(other) => Err(format!("found {other:?} after the closing ]")),
    }
}

fn skip_space(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if(|c| c.is_whitespace()).is_some() {}
}

fn item(chars: &mut Peekable<Chars<'_>>, quote: char) -> Result<String, String> {
    let mut text = String::new();
    loop {
        match chars.next() {
            None => return Err("found a text that is not closed".to_owned()),
            Some('\\') => text.push(escape(chars)?),
            Some(c) if c == quote => return Ok(text),
            Some(c) => text.push(c),
        }
    }
}

fn escape(chars: &mut Peekable<Chars<'_>>) -> Result<char, String> {
    let code = |chars: &mut Peekable<Chars<'_>>, digits: u32| {
        let mut value = 0;
        for _ in 0..digits {
            let digit = chars.next().and_then(|c| c.to_digit(16));
            value = value * 16 + digit.ok_or("found an escape with too few digits")?;
        }
        char::from_u32(value)
            .ok_or(format!("found an escape of U+{value:04X}, which is no character"))
    };
    match chars.next() {
        Some(c @ ('\\' | '\'' | '"')) => Ok(c),
        Some('n') => Ok('\n'),
        Some('r') => Ok('\r'),
        Some('t') => Ok('\t'),
        Some('a') => Ok('\u{7}'),
        Some('b') => Ok('\u{8}'),
        Some('f') => Ok('\u{c}'),
        Some('v') => Ok('\u{b}'),
        Some('0') => Ok('\0'),
        Some('x') => code(chars, 2),
        Some('u') => code(chars, 4),
        Some('U') => code(chars, 8),
        Some(other) => Err(format!("found the unknown escape \\{other}")),
        None => Err("found a text that is not closed".to_owned()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_come_out_as_python_has_them() {
        assert_eq!(
            parse(r#"['It\'s\n\\n', "it's", '\xe9\u20ac\U0001f600']"#),
            Ok(vec!["It's\n\\n".to_owned(), "it's".to_owned(), "é€😀".to_owned()])
        );
        assert_eq!(parse(" [ ] "), Ok(vec![]));
        assert_eq!(parse("['a',]"), Ok(vec!["a".to_owned()]));
    }

    #[test]
    fn what_is_no_list_of_texts_is_refused() {
        for (text, reason) in [
            ("'a'", "no ["),
            ("['a'", "no ]"),
            ("['a", "not closed"),
            ("['a\\", "not closed"),
            ("[1]", "'1'"),
            ("['a' 'b']", "not , or ]"),
            ("['a']x", "after the closing"),
            ("['\\ud800']", "no character"),
            ("['\\x4']", "too few digits"),
            ("['\\q']", "unknown escape"),
            ("[['a']]", "'['"),
            ("[__import__('os')]", "'_'"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn a_written_list_is_read_back(items in prop::collection::vec("\\PC{0,12}|[\\\\'\"\n\t]{0,4}", 0..5)) {
            let written: Vec<String> = items
                .iter()
                .map(|item| item.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n"))
                .map(|item| format!("'{item}'"))
                .collect();
            prop_assert_eq!(parse(&format!("[{}]", written.join(", "))), Ok(items));
        }
    }
}
