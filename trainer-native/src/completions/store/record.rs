//! A line of the store's file.
//!
//! ```text
//! intent <key> <picodollars> <sum>                what a request may cost, before it is sent
//! answer <key> <picodollars> <sum> {"model": ..}  an answer, and what it cost
//! closed <key> <picodollars> <sum> "timeout"      a request without an answer, and what it may have cost
//! ```
//!
//! The sum is SHA-256, cut to eight bytes, over the rest of the line. JSON has no line ends, so a line is a
//! record, and behind a damaged one the next is found.

use sha2::{Digest, Sha256};

use crate::completions::money::Money;
use crate::completions::request_key::RequestKey;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Intent,
    Answer,
    Closed,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Answer => "answer",
            Self::Closed => "closed",
        }
    }

    fn of_name(name: &str) -> Option<Self> {
        [Self::Intent, Self::Answer, Self::Closed].into_iter().find(|kind| kind.name() == name)
    }
}

/// A line whose sum is right. The JSON is not parsed yet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Record<'a> {
    pub kind: Kind,
    pub key: RequestKey,
    pub amount: Money,
    pub json: &'a str,
}

impl<'a> Record<'a> {
    /// The line with its end.
    pub fn line(&self) -> String {
        let (kind, key, amount) = (self.kind.name(), self.key, self.amount.0);
        let sum = sum(kind, key, amount, self.json);
        format!("{kind} {key} {amount} {sum:016x} {}\n", self.json)
    }

    /// Parses a line without its end; `None` where it is damaged.
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let mut parts = std::str::from_utf8(line).ok()?.splitn(5, ' ');
        let kind = Kind::of_name(parts.next()?)?;
        let key = RequestKey::parse(parts.next()?)?;
        let amount: u64 = parts.next()?.parse().ok()?;
        let stated = u64::from_str_radix(parts.next()?, 16).ok()?;
        let json = parts.next()?;
        let right = stated == sum(kind.name(), key, amount, json);
        right.then_some(Self { kind, key, amount: Money(amount), json })
    }
}

fn sum(kind: &str, key: RequestKey, amount: u64, json: &str) -> u64 {
    let mut hasher = Sha256::new();
    hasher.update(format!("{kind} {key} {amount} "));
    hasher.update(json);
    hasher.finalize().iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_record_is_parsed_as_it_was_written(
            key in any::<u128>(),
            amount in any::<u64>(),
            text in ".*",
            kind in prop::sample::select(&[Kind::Intent, Kind::Answer, Kind::Closed]),
        ) {
            let key = RequestKey::parse(&format!("{key:032x}")).unwrap();
            let json = serde_json::to_string(&text).unwrap();
            let record = Record { kind, key, amount: Money(amount), json: &json };
            let line = record.line();
            let (end, text) = line.as_bytes().split_last().unwrap();
            prop_assert!(*end == b'\n' && !text.contains(&b'\n'));
            prop_assert_eq!(Record::parse(text), Some(record));
        }

        #[test]
        fn bytes_that_are_no_record_are_none(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(Record::parse(&bytes), None);
        }
    }

    #[test]
    fn a_line_with_any_byte_changed_is_damaged() {
        let key = RequestKey::parse("00112233445566778899aabbccddeeff").unwrap();
        let record =
            Record { kind: Kind::Answer, key, amount: Money(1234), json: r#"{"text":"é\n"}"# };
        let line = record.line();
        let line = line.strip_suffix('\n').unwrap();
        assert_eq!(Record::parse(line.as_bytes()), Some(record));
        for at in 0..line.len() {
            let mut damaged = line.as_bytes().to_vec();
            damaged[at] ^= 1;
            // The sum is hexadecimal in either case, and only its digits count.
            if !damaged.eq_ignore_ascii_case(line.as_bytes()) {
                assert_eq!(Record::parse(&damaged), None, "byte {at}");
            }
            assert_eq!(Record::parse(&line.as_bytes()[..at]), None, "cut at {at}");
        }
    }
}
