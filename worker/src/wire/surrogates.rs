//! Reads JSON whose texts end within a character, and joins such texts.
//!
//! JSON writes a character beyond U+FFFF as two escapes, halves of a surrogate pair. Upstreams that cut an
//! answer after a number of UTF-16 units send one half alone, which is JSON by its grammar and not a text
//! of Unicode: a strict parser refuses it. In an answer such a half becomes U+FFFD. In a stream the other
//! half may follow with the next piece:
//!
//! ```text
//! "Look: \ud83d" + "\ude00!"  ->  "Look: " + "😀!"
//! ```
//! There a half is parsed as a character that stands in for it, of a part of Unicode's private use.

use std::borrow::Cow;

/// The first stand-in: that of U+D800.
const FIRST: u32 = 0x10_f000;
/// The first of the halves that begin a pair.
const LEADING: u32 = 0xd800;
/// The first of the halves that end a pair.
const TRAILING: u32 = 0xdc00;
/// The end of the surrogates.
const END: u32 = 0xe000;

/// A JSON text with U+FFFD in place of each half without its other half.
pub(crate) fn replaced(json: &str) -> Cow<'_, str> {
    rewritten(json, |_| char::REPLACEMENT_CHARACTER)
}

/// A JSON text with a stand-in for each half without its other half.
pub(crate) fn marked(json: &str) -> Cow<'_, str> {
    rewritten(json, |half| stand_in(half).unwrap_or(char::REPLACEMENT_CHARACTER))
}

fn stand_in(half: u32) -> Option<char> {
    char::from_u32(half - LEADING + FIRST)
}

/// The half that a character stands in for.
fn half(letter: char) -> Option<u32> {
    let code = u32::from(letter);
    (FIRST..FIRST + END - LEADING).contains(&code).then(|| code - FIRST + LEADING)
}

fn rewritten(json: &str, with: impl Fn(u32) -> char) -> Cow<'_, str> {
    let (bytes, mut at, mut copied, mut out) = (json.as_bytes(), 0, 0, String::new());
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr(b'\\', rest)) {
        at += found;
        let Some(first) = escaped_half(bytes, at) else {
            // An escaped backslash begins no escape.
            at += 2;
            continue;
        };
        let pair = first < TRAILING
            && escaped_half(bytes, at + 6).is_some_and(|second| second >= TRAILING);
        if pair {
            at += 12;
            continue;
        }
        out.push_str(&json[copied..at]);
        out.push(with(first));
        at += 6;
        copied = at;
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    out.push_str(&json[copied..]);
    Cow::Owned(out)
}

/// Reads the escape of a surrogate at `at`: `\u` and four hexadecimal digits.
fn escaped_half(bytes: &[u8], at: usize) -> Option<u32> {
    let escape = bytes.get(at..at + 6).filter(|escape| escape.starts_with(b"\\u"))?;
    let digits = std::str::from_utf8(&escape[2..]).ok()?;
    let code =
        digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16));
    code?.ok().filter(|code| (LEADING..END).contains(code))
}

/// Joins the halves in the pieces of one text.
#[derive(Debug, Default)]
pub(crate) struct Halves {
    /// A first half at the end of the pieces so far.
    held: Option<u32>,
}

impl Halves {
    /// A piece of an event in which halves are stand-ins: its text without a first half at its end, which is
    /// held until the next piece. `marked` says whether the event has stand-ins.
    pub(crate) fn join<'t>(&mut self, piece: &'t str, marked: bool) -> Cow<'t, str> {
        if piece.is_empty() || (!marked && self.held.is_none()) {
            return Cow::Borrowed(piece);
        }
        let mut text = String::with_capacity(piece.len());
        for letter in piece.chars() {
            let found = half(letter).filter(|_| marked);
            match (self.held.take(), found) {
                (Some(first), Some(second)) if second >= TRAILING => {
                    text.extend(char::from_u32(
                        0x1_0000 + ((first - LEADING) << 10) + (second - TRAILING),
                    ));
                    continue;
                }
                (Some(_), _) => text.push(char::REPLACEMENT_CHARACTER),
                (None, _) => {}
            }
            match found {
                Some(first) if first < TRAILING => self.held = Some(first),
                Some(_) => text.push(char::REPLACEMENT_CHARACTER),
                None => text.push(letter),
            }
        }
        Cow::Owned(text)
    }

    /// The end of the text: U+FFFD for a half that is still held.
    pub(crate) fn rest(&mut self) -> &'static str {
        self.held.take().map_or("", |_| "\u{fffd}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_alone_is_replaced_and_a_pair_is_kept() {
        for (json, expected) in [
            (r#""a\ud83d""#, "\"a\u{fffd}\""),
            (r#""\uDE00b""#, "\"\u{fffd}b\""),
            (r#""\ud83d\ud83d\ude00\ude00""#, "\"\u{fffd}\\ud83d\\ude00\u{fffd}\""),
            (r#""\ud83dx\u0041""#, "\"\u{fffd}x\\u0041\""),
            (r#""\\ud83d\\\ud83d""#, "\"\\\\ud83d\\\\\u{fffd}\""),
        ] {
            assert_eq!(replaced(json), expected, "{json}");
            assert!(matches!(replaced(json), Cow::Owned(_)));
        }
        for json in
            [r#""\ud83d\ude00""#, r#""\\ud83d""#, r#""\ud8""#, r#""\u+83d""#, "\"\\", "", "\"😀\""]
        {
            assert!(matches!(replaced(json), Cow::Borrowed(_)), "{json}");
        }
    }

    #[test]
    fn halves_are_joined_wherever_the_text_is_cut() {
        let text = r"a\ud83d\ude00b\ud83d\ude00\ud83d";
        let units = [r"a", r"\ud83d", r"\ude00", "b", r"\ud83d", r"\ude00", r"\ud83d"];
        for cuts in 0..1_u32 << units.len() {
            let (mut halves, mut joined, mut piece) =
                (Halves::default(), String::new(), String::new());
            for (at, unit) in units.iter().enumerate() {
                piece.push_str(unit);
                if cuts & (1 << at) != 0 || at + 1 == units.len() {
                    let json = format!("\"{piece}\"");
                    let json = marked(&json);
                    let parsed: String = serde_json::from_str(&json).unwrap_or_default();
                    joined.push_str(&halves.join(&parsed, matches!(json, Cow::Owned(_))));
                    piece.clear();
                }
            }
            joined.push_str(halves.rest());
            assert_eq!(joined, "a😀b😀\u{fffd}", "{text} cut by {cuts:b}");
        }
    }

    #[test]
    fn characters_of_private_use_in_other_events_are_kept() {
        let mut halves = Halves::default();
        assert_eq!(halves.join("\u{10f03d}", false), "\u{10f03d}");
        assert_eq!(halves.rest(), "");
        assert_eq!(halves.join("\u{10f03d}", true), "");
        assert_eq!(halves.join("\u{10f600}", false), "\u{fffd}\u{10f600}");
    }
}
