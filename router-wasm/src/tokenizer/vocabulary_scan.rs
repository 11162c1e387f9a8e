//! The `vocab` object of a WordPiece model in one pass over its bytes.
//!
//! A Worker reads the file once, at a cold start, in code that has not been optimised yet, where
//! each of serde's small steps costs. This reader takes a fraction of its time. It knows one form
//! alone, `"piece": 12, ..` with ids of a few digits, and gives up at anything else: then serde
//! reads the whole file, as it reads everything around the object anyway.

use super::vocabulary::{Hash, Listing, Place};

/// A key, and in a file without backslashes the whole of it.
const KEY: &str = "\"vocab\"";
/// Digits of an id that always fits.
const MOST_DIGITS: usize = 8;

/// The text of a file with an empty `vocab`, and what was in it. `None` where serde must look.
pub(super) fn cut_out(text: &str) -> Option<(String, Listing)> {
    let key = text.find(KEY)?;
    let mut scan = Scan { bytes: text.as_bytes(), at: key + KEY.len() };
    scan.expect(b':')?;
    scan.expect(b'{')?;
    let open = scan.at;
    let mut listing = Listing::within(&text.as_bytes()[open..]);
    while scan.entry(open, &mut listing)? {}
    let rest = [&text[..open], &text[scan.at - 1..]].concat();
    // Without a backslash a key is what it looks like, and of one key there is one.
    let plain = !rest.contains('\\') && rest.matches(KEY).count() == 1;
    plain.then_some((rest, listing))
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    /// Takes one entry and the comma or brace after it; whether there is another. Places in the
    /// listing count from `open`.
    fn entry(&mut self, open: usize, listing: &mut Listing) -> Option<bool> {
        self.expect(b'"')?;
        let literal = self.at - 1;
        let place = match self.bytes[self.at..] {
            [b'#', b'#', ..] => Place::Inside,
            _ => Place::Beginning,
        };
        self.at += place.mark().len();
        let start = self.at;
        let mut hash = Hash::new(place);
        let mut escapes = false;
        loop {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            match byte {
                b'"' => break,
                0..=0x1f => return None,
                b'\\' => {
                    escapes = true;
                    self.at += 1;
                }
                _ => hash = hash.with(byte),
            }
        }
        let end = self.at - 1;
        match escapes {
            true => {
                listing.push(&serde_json::from_slice::<String>(&self.bytes[literal..=end]).ok()?);
            }
            false => listing.push_within(place, start - open..end - open, hash),
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

    /// The next byte that is no white space.
    fn token(&mut self) -> Option<u8> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.token()? == byte).then_some(())
    }
}

fn digit(byte: u8) -> Option<u32> {
    byte.is_ascii_digit().then(|| u32::from(byte - b'0'))
}
