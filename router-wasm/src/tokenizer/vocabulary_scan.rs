//! The `vocab` object of a WordPiece model in one pass over its bytes.
//!
//! A Worker reads the file once, at a cold start, in code that has not been optimised yet, where
//! each of serde's small steps costs. This reader takes a fraction of serde's time. It reads only the
//! form `"piece": 12, ..` with ids of a few digits and returns `None` for any other: then serde reads
//! the whole file. The rest of the file is always serde's.

use std::ops::Range;

use super::vocabulary::{Hash, Listing, Place};

/// The key of the pieces; in a file without backslashes no other text stands for it.
pub(super) const KEY: &str = "\"vocab\"";
/// Digits of an id that always fits.
const MOST_DIGITS: usize = 8;

/// Returns the file's text with an empty `vocab`, and the pieces of `vocab`; `None` where serde must
/// read it.
pub(super) fn cut_out(text: &str) -> Option<(String, Listing)> {
    let key = text.find(KEY)?;
    let mut scan = Scan { bytes: text.as_bytes(), at: key + KEY.len() };
    scan.expect(b':')?;
    scan.expect(b'{')?;
    let open = scan.at;
    let mut listing = Listing::within(&text.as_bytes()[open..]);
    while scan.entry(open, &mut listing)? {}
    let rest = [&text[..open], &text[scan.at - 1..]].concat();
    // Without backslashes a key has one spelling, so one match is the only such key.
    let plain = !rest.contains('\\') && rest.matches(KEY).count() == 1;
    plain.then_some((rest, listing))
}

pub(super) struct Scan<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
}

impl Scan<'_> {
    /// Reads one entry and the comma or brace after it; returns whether another follows. Places in the
    /// listing count from `open`.
    fn entry(&mut self, open: usize, listing: &mut Listing) -> Option<bool> {
        self.expect(b'"')?;
        let literal = self.at - 1;
        let place = match self.bytes[self.at..] {
            [b'#', b'#', ..] => Place::Inside,
            _ => Place::Beginning,
        };
        self.at += place.mark().len();
        let (span, hash, escapes) = self.string(Hash::new(place))?;
        match escapes {
            true => {
                let literal = &self.bytes[literal..=span.end];
                listing.push(&serde_json::from_slice::<String>(literal).ok()?);
            }
            false => listing.push_within(place, span.start - open..span.end - open, hash),
        }
        self.expect(b':')?;
        listing.set_id(self.id()?);
        match self.token()? {
            b',' => Some(true),
            b'}' => Some(false),
            _ => None,
        }
    }

    fn id(&mut self) -> Option<u32> {
        let first = self.token()?;
        let mut id = digit(first)?;
        for _ in 1..=MOST_DIGITS {
            let Some(next) = digit(*self.bytes.get(self.at)?) else {
                return Some(id);
            };
            // A number does not begin with zero.
            if first == b'0' {
                return None;
            }
            id = 10 * id + next;
            self.at += 1;
        }
        None
    }

    /// Reads a string to its closing quote: its span without the quotes, `hash` with its bytes, and
    /// whether it has escapes, with which the hash is another's.
    pub(super) fn string(&mut self, mut hash: Hash) -> Option<(Range<usize>, Hash, bool)> {
        let start = self.at;
        let mut escapes = false;
        loop {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            match byte {
                b'"' => return Some((start..self.at - 1, hash, escapes)),
                0..=0x1f => return None,
                b'\\' => {
                    escapes = true;
                    self.at += 1;
                }
                _ => hash = hash.with(byte),
            }
        }
    }

    /// The next byte that is no white space.
    pub(super) fn token(&mut self) -> Option<u8> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
        }
    }

    pub(super) fn expect(&mut self, byte: u8) -> Option<()> {
        (self.token()? == byte).then_some(())
    }
}

pub(super) fn digit(byte: u8) -> Option<u32> {
    byte.is_ascii_digit().then(|| u32::from(byte - b'0'))
}
