//! Reads JSON as Python writes it: `NaN`, `Infinity` and `-Infinity`, which JSON does not have, become
//! `null`. Inspect writes NaN for a score that could not be given.

use std::io::{self, BufRead, Read};

/// Replaces the constants outside of texts by `null`; other bytes pass as they are, so that line ends stay.
pub(super) struct Constants<R> {
    inner: R,
    /// Whether the next byte stands in a text, and behind a backslash.
    in_text: bool,
    escaped: bool,
    /// The beginning of what may be a constant.
    word: Vec<u8>,
    /// Bytes to hand on before more are read.
    ready: Vec<u8>,
    handed: usize,
}

const LONGEST: usize = b"-Infinity".len();

impl<R: BufRead> Constants<R> {
    pub fn new(inner: R) -> Self {
        let (word, ready) = (Vec::new(), Vec::new());
        Self { inner, in_text: false, escaped: false, word, ready, handed: 0 }
    }

    fn take(&mut self, byte: u8) {
        if self.in_text {
            self.ready.push(byte);
            self.in_text = byte != b'"' || self.escaped;
            self.escaped = byte == b'\\' && !self.escaped;
            return;
        }
        let begins = self.word.is_empty() && matches!(byte, b'N' | b'I' | b'-');
        let goes_on = !self.word.is_empty() && byte.is_ascii_alphabetic();
        if (begins || goes_on) && self.word.len() <= LONGEST {
            self.word.push(byte);
            return;
        }
        self.end_word();
        self.ready.push(byte);
        self.in_text = byte == b'"';
    }

    fn end_word(&mut self) {
        match self.word.as_slice() {
            b"NaN" | b"Infinity" | b"-Infinity" => self.ready.extend_from_slice(b"null"),
            other => self.ready.extend_from_slice(other),
        }
        self.word.clear();
    }
}

impl<R: BufRead> Read for Constants<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.handed == self.ready.len() {
            self.ready.clear();
            self.handed = 0;
            let buffer = self.inner.fill_buf()?;
            if buffer.is_empty() {
                self.end_word();
                if self.ready.is_empty() {
                    return Ok(0);
                }
                break;
            }
            let bytes = buffer.to_vec();
            self.inner.consume(bytes.len());
            bytes.into_iter().for_each(|byte| self.take(byte));
        }
        let rest = self.ready.get(self.handed..).unwrap_or_default();
        let n = rest.len().min(out.len());
        for (to, from) in out.iter_mut().zip(rest) {
            *to = *from;
        }
        self.handed += n;
        Ok(n)
    }
}

/// The bytes with `null` in place of the constants.
pub(super) fn without_constants(bytes: &[u8]) -> Vec<u8> {
    let mut found = Vec::with_capacity(bytes.len());
    // Reading bytes in memory cannot fail.
    let _ = Constants::new(bytes).read_to_end(&mut found);
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        String::from_utf8(without_constants(text.as_bytes())).unwrap()
    }

    #[test]
    fn constants_outside_of_texts_become_null() {
        for (text, expected) in [
            ("NaN", "null"),
            ("[NaN,-Infinity , Infinity]", "[null,null , null]"),
            (r#"{"NaN": "a\"NaN", "b\\": NaN}"#, r#"{"NaN": "a\"NaN", "b\\": null}"#),
            ("[-1, -2.5e-3, Not, NaNa, Infinit]", "[-1, -2.5e-3, Not, NaNa, Infinit]"),
            ("[-Infinityy]", "[-Infinityy]"),
            ("--Infinity", "--null"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn buffers_of_any_size_give_the_same(text in r#"[NaIfinty\\"\-,0 ]{0,60}"#, size in 1_usize..9) {
            let mut found = String::new();
            let pieces = BufReader::with_capacity(size, text.as_bytes());
            Constants::new(pieces).read_to_string(&mut found).unwrap();
            prop_assert_eq!(&found, &shown(&text));
            if serde_json::from_str::<serde_json::Value>(&text).is_ok() {
                prop_assert_eq!(found, text);
            }
        }
    }
}
