//! Leaves out what exceeds the beginning of long strings in JSON that arrives piece by piece, so that an event
//! with a picture can be read although it is longer than what is kept of an event.
//!
//! ```text
//! {"type": "image", "data": "iVBORw0KGgo...<9 MiB>", "usage": {...}}  ->  {..., "data": "iVBORw0KGgo...", ...}
//! ```
//! What remains is JSON: no character and no escape is cut in two.

use memchr::{memchr, memchr2};

/// The most bytes that are kept of a string, but for a character or an escape that is begun.
pub(crate) const KEPT_OF_STRINGS: usize = 64 << 10;

/// Where in a text of JSON the next byte stands.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shortener {
    /// In a string, the bytes of it so far.
    string: Option<usize>,
    /// The bytes that are left of an escape.
    escape: u8,
    /// Whether the rest of the string is left out.
    cut: bool,
}

impl Shortener {
    /// Appends what is kept of the next bytes.
    pub(super) fn append(&mut self, mut bytes: &[u8], kept: &mut Vec<u8>) {
        while !bytes.is_empty() {
            let taken = match self.string {
                None => self.outside(bytes, kept),
                Some(length) => self.inside(length, bytes, kept),
            };
            bytes = &bytes[taken..];
        }
    }

    /// Reads up to the next string.
    fn outside(&mut self, bytes: &[u8], kept: &mut Vec<u8>) -> usize {
        let quote = memchr(b'"', bytes);
        let taken = quote.map_or(bytes.len(), |at| at + 1);
        self.string = quote.map(|_| 0);
        kept.extend_from_slice(&bytes[..taken]);
        taken
    }

    /// Reads the next part of a string: plain characters, or a byte of an escape, or its end.
    fn inside(&mut self, length: usize, bytes: &[u8], kept: &mut Vec<u8>) -> usize {
        let plain = memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len());
        let taken = if self.escape > 0 || plain == 0 { 1 } else { plain };
        let part = &bytes[..taken];
        if self.escape > 0 {
            // Four digits follow the letter of a number.
            let letter = self.escape == ESCAPE_LETTER;
            self.escape = match (letter, part[0]) {
                (true, b'u') => 4,
                (true, _) => 0,
                (false, _) => self.escape - 1,
            };
            self.keep(part, kept);
        } else if part == b"\"" {
            *self = Self::default();
            kept.push(b'"');
            return taken;
        } else {
            if part == b"\\" {
                self.escape = ESCAPE_LETTER;
            }
            let room = KEPT_OF_STRINGS.saturating_sub(length).min(part.len());
            // A character's later bytes belong to it.
            let later = part[room..].iter().take_while(|byte| **byte & 0xc0 == 0x80).count();
            let end = if self.cut { 0 } else { room + later };
            kept.extend_from_slice(&part[..end]);
            self.cut |= end < part.len();
        }
        self.string = Some(length.saturating_add(taken));
        taken
    }

    fn keep(&self, part: &[u8], kept: &mut Vec<u8>) {
        if !self.cut {
            kept.extend_from_slice(part);
        }
    }
}

/// The escape's letter comes next.
const ESCAPE_LETTER: u8 = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn shortened(text: &str, size: usize) -> String {
        let (mut shortener, mut kept) = (Shortener::default(), Vec::new());
        text.as_bytes().chunks(size).for_each(|bytes| shortener.append(bytes, &mut kept));
        String::from_utf8(kept).unwrap_or_default()
    }

    #[test]
    fn short_strings_stay_as_they_are() {
        let text = json!({"a": "\"quoted\" \u{1} 日本", "b": ["", "\\"], "c": 1.5}).to_string();
        for size in 1..=text.len() {
            assert_eq!(shortened(&text, size), text);
        }
    }

    #[test]
    fn of_a_long_string_the_beginning_remains_wherever_it_is_cut() {
        for piece in ["é", "日", "🚀", "\\n", "\\u00e9", "\\\""] {
            for before in 0..4 {
                let long = format!(
                    "{}{}",
                    "y".repeat(KEPT_OF_STRINGS / 2 + before),
                    piece.repeat(KEPT_OF_STRINGS / 2)
                );
                let text = format!("{{\"a\":\"{long}\",\"usage\":{{\"b\":\"c\"}}}}");
                let whole = shortened(&text, text.len());
                assert!(whole.len() < KEPT_OF_STRINGS + 100, "{piece}: {}", whole.len());
                let value: Value = serde_json::from_str(&whole).unwrap_or_default();
                assert_eq!(value["usage"]["b"], "c", "{piece} {before}");
                for size in [1, 7, 4096] {
                    assert_eq!(shortened(&text, size), whole, "{piece} {before} {size}");
                }
            }
        }
    }
}
