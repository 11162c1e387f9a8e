//! Damages JSON by its values: as text, so that repeated keys, lone surrogates, numbers out of every
//! range and depths that no parser's tree holds can be written.

use std::ops::Range;

use rand::{RngExt, seq::IndexedRandom};

use super::{LONGEST, Rng, bytes};

const LITERALS: [&str; 34] = [
    "null",
    "true",
    "false",
    "0",
    "-0",
    "1",
    "-1",
    "0.5",
    "1e999",
    "-1e999",
    "1e-999",
    "1.7976931348623157e308",
    "9007199254740993",
    "4294967295",
    "4294967296",
    "2147483648",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775809",
    "123456789012345678901234567890123456789012345678901234567890",
    "\"\"",
    "\" \"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"\\udc00\\ud800\"",
    "\"\\ud83d\\ude80\"",
    "\"a\\nb\\r\\n\\tc\"",
    "\"é\u{301}\u{202e}\u{feff}世界🚋\"",
    "[]",
    "[[]]",
    "{}",
    "[null]",
    "{\"\":{}}",
    "[{}]",
];

const IN_STRINGS: [&str; 14] = [
    "\\ud800", "\\udfff", "\\u0000", "\\n", "\\\"", "\\\\", "\\/", "##", "\u{301}", "世界", "🚋",
    "\\u00e9", " ", "\u{feff}",
];

/// A value in a JSON text.
#[derive(Debug, Clone)]
struct Part {
    /// Bytes of the value.
    value: Range<usize>,
    /// Bytes of the value and, in an object, of its key.
    whole: Range<usize>,
}

#[derive(Default)]
struct Frame {
    start: usize,
    whole: usize,
    object: bool,
    expects_key: bool,
    key: Option<usize>,
}

/// Finds the values of a JSON text; of a damaged one, those that can be told.
fn parts(text: &[u8]) -> Vec<Part> {
    let mut found = Vec::new();
    let mut frames = vec![Frame::default()];
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let start = at;
        let depth = frames.len();
        let Some(frame) = frames.last_mut() else { break };
        at += 1;
        match byte {
            b'"' => {
                while let Some(&next) = text.get(at) {
                    at += if next == b'\\' { 2 } else { 1 };
                    if next == b'"' {
                        break;
                    }
                }
                at = at.min(text.len());
                if frame.object && frame.expects_key {
                    (frame.key, frame.expects_key) = (Some(start), false);
                } else {
                    let whole = frame.key.take().unwrap_or(start);
                    found.push(Part { value: start..at, whole: whole..at });
                }
            }
            b'{' | b'[' => {
                let whole = frame.key.take().unwrap_or(start);
                let object = byte == b'{';
                frames.push(Frame { start, whole, object, expects_key: object, key: None });
            }
            b'}' | b']' if depth > 1 => {
                let (value, whole) = (frame.start..at, frame.whole..at);
                found.push(Part { value, whole });
                frames.pop();
            }
            b',' => frame.expects_key = frame.object,
            b':' | b' ' | b'\t' | b'\n' | b'\r' | b'}' | b']' => {}
            _ => {
                let ends = |byte: &u8| b",:]}[{\" \t\r\n".contains(byte);
                at += text[at..].iter().position(ends).unwrap_or(text.len() - at);
                let whole = frame.key.take().unwrap_or(start);
                found.push(Part { value: start..at, whole: whole..at });
            }
        }
    }
    found
}

/// Damages `input` in one to three values, seldom in bytes too.
pub fn mutate(rng: &mut Rng, input: &[u8], other: &[u8], words: &[&str]) -> Vec<u8> {
    let mut found = input.to_vec();
    for _ in 0..[1, 1, 1, 2, 3][rng.random_range(0..5)] {
        if found.len() > LONGEST {
            break;
        }
        found = once(rng, found, other, words);
    }
    if rng.random_ratio(1, 8) { bytes::mutate(rng, &found, other, words) } else { found }
}

fn once(rng: &mut Rng, mut text: Vec<u8>, other: &[u8], words: &[&str]) -> Vec<u8> {
    let parts = parts(&text);
    let Some(part) = parts.choose(rng).cloned() else {
        return bytes::mutate(rng, &text, other, words);
    };
    let Part { value, whole } = part;
    let old = text[value.clone()].to_vec();
    match rng.random_range(0..13) {
        0 | 1 => {
            let new = LITERALS.choose(rng).copied().unwrap_or_default().bytes();
            text.splice(value, new);
        }
        2 => {
            let source = if rng.random() { &text[..] } else { other };
            let from = self::parts(source);
            let new = from.choose(rng).map(|part| source[part.value.clone()].to_vec());
            text.splice(value, new.unwrap_or_default());
        }
        3 => {
            // A comma beside it goes with it.
            let mut range = whole;
            if text.get(range.end) == Some(&b',') {
                range.end += 1;
            } else if range.start > 0 && text[range.start - 1] == b',' {
                range.start -= 1;
            }
            text.drain(range);
        }
        4 => {
            let copy = [b",", &text[whole.clone()]].concat();
            let most = if rng.random_ratio(1, 10) { 2000 } else { 3 };
            let times = rng.random_range(1..=most).min(LONGEST / copy.len() + 1);
            text.splice(whole.end..whole.end, copy.repeat(times));
        }
        5 => {
            // The same key with another value.
            let key = text[whole.start..value.start].to_vec();
            let new = LITERALS.choose(rng).copied().unwrap_or_default();
            let member = [b",", &key[..], new.as_bytes()].concat();
            text.splice(whole.end..whole.end, member);
        }
        6 => {
            let most = if rng.random_ratio(1, 10) { 8000 } else { 4 };
            let depth = rng.random_range(1..=most);
            let (open, close) = if rng.random() { ("[", "]") } else { ("{\"a\":", "}") };
            let new =
                [open.repeat(depth).as_bytes(), &old, close.repeat(depth).as_bytes()].concat();
            text.splice(value, new);
        }
        7 => {
            if let Some(second) = parts.choose(rng).map(|part| part.value.clone()) {
                let new = text[second.clone()].to_vec();
                if second.end <= value.start {
                    text.splice(value, new);
                    text.splice(second, old);
                } else if value.end <= second.start {
                    text.splice(second, old);
                    text.splice(value, new);
                }
            }
        }
        8 => {
            // Another key: of this text, or a word.
            if whole.start < value.start {
                let keys: Vec<Vec<u8>> = parts
                    .iter()
                    .filter(|part| part.whole.start < part.value.start)
                    .map(|part| text[part.whole.start..part.value.start].to_vec())
                    .collect();
                let word = words.choose(rng).map(|word| format!("{word:?}:").into_bytes());
                let key = if rng.random() { word } else { keys.choose(rng).cloned() };
                text.splice(whole.start..value.start, key.unwrap_or_default());
            }
        }
        9 | 10 if old.first() == Some(&b'"') && old.len() > 1 => {
            let at = value.start + rng.random_range(1..old.len());
            let most = if rng.random_ratio(1, 20) { 4000 } else { 2 };
            let part = IN_STRINGS.choose(rng).copied().unwrap_or_default();
            text.splice(at..at, part.repeat(rng.random_range(1..=most)).into_bytes());
        }
        11 => {
            let word = words.choose(rng).map(|word| format!("{word:?}"));
            text.splice(value, word.unwrap_or_default().into_bytes());
        }
        _ if old.first().is_some_and(u8::is_ascii_digit) => {
            let step = rng.random_range(-2_i64..=2);
            let number = std::str::from_utf8(&old).ok().and_then(|text| text.parse::<i64>().ok());
            let moved = number.map_or_else(|| "1".into(), |n| n.wrapping_add(step).to_string());
            text.splice(value, moved.into_bytes());
        }
        _ => text.truncate(value.start),
    }
    text
}
