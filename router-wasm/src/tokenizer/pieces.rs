//! Pieces of a vocabulary and hashed pairs of them: what a table of one row for each reads of a text.
//!
//! `tokenizer.json` holds a tokenizer with a vocabulary of V pieces, and settings beside it; `type` is its
//! first field:
//!
//! ```text
//! {"type": "PiecePairs", "version": 1, "buckets": 262144, "tail_characters": 300, "tokenizer": {..}}
//! ```
//! 1. The pieces of a text are the ids of that tokenizer, without special ones, after its truncation.
//! 2. Two pieces a, b that follow each other are a pair; the first kept piece behind a cut follows the last
//!    one before it. A pair's id is `V + mix(fnv("p" a b)) mod buckets`, of the byte of its namespace and the
//!    two ids in 32 bits, the low byte first. `fnv` and `mix` are those of `HashedNgrams`.
//! 3. With `tail_characters` the last line that is not blank, of it at most so many of its last characters,
//!    gives its pieces a second time, as ids `V + mix(fnv("t" a)) mod buckets`: a request behind long context
//!    has buckets of its own.
//!
//! The result is each id once, ascending, and how often it occurs.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::hashing::{BASIS, fnv, mix};
use super::text_tail::tail;
use super::{Pipeline, Tokens, Truncation};
use crate::error::RouterError;

/// What a file of this kind begins with.
const BEGINNING: &str = "{\"type\":\"PiecePairs\"";
const VERSION: u64 = 1;
const MAX_BUCKETS: u32 = 1 << 24;
const MAX_TAIL: usize = 1 << 20;

/// What a `tokenizer.json` of pieces and pairs states beside its tokenizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PieceSettings {
    /// Number of buckets that pairs and the tail's pieces share, in 1..=2^24.
    pub buckets: u32,
    /// Characters of a text's last line whose pieces have buckets of their own, in 1..=2^20; none where
    /// absent.
    pub tail_characters: Option<usize>,
}

impl PieceSettings {
    /// The `tokenizer.json` of these settings around the tokenizer `inner`.
    #[must_use]
    pub fn to_json(&self, inner: &[u8]) -> Vec<u8> {
        let tail = self.tail_characters.map_or("null".into(), |count| count.to_string());
        let head = format!(
            "{BEGINNING},\"version\":{VERSION},\"buckets\":{},\"tail_characters\":{tail},\"tokenizer\":",
            self.buckets
        );
        [head.as_bytes(), inner.trim_ascii(), b"}"].concat()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File<'a> {
    #[serde(rename = "type")]
    _kind: &'a str,
    version: u64,
    buckets: u32,
    #[serde(default)]
    tail_characters: Option<usize>,
    #[serde(borrow)]
    tokenizer: &'a RawValue,
}

/// A tokenizer with a vocabulary, and the hashes of its pieces' pairs.
pub(super) struct PiecePairs {
    pieces: Pipeline,
    settings: PieceSettings,
}

impl PiecePairs {
    /// Reads a `tokenizer.json` of this kind; `None` for one of another kind.
    pub(super) fn read(bytes: &[u8]) -> Option<Result<Self, RouterError>> {
        if !bytes.starts_with(BEGINNING.as_bytes()) {
            return None;
        }
        let file: File<'_> = match serde_json::from_slice(bytes) {
            Ok(file) => file,
            Err(error) => return Some(bad(format!("pieces and pairs: {error}"))),
        };
        Some(Self::of(&file))
    }

    fn of(file: &File<'_>) -> Result<Self, RouterError> {
        let File { version, buckets, tail_characters, tokenizer, .. } = *file;
        if version != VERSION {
            return bad(format!(
                "pieces and pairs of version {version}, this engine reads version {VERSION}: export the \
                 bundle with the trainer of the engine's version"
            ));
        }
        if !(1..=MAX_BUCKETS).contains(&buckets) {
            return bad(format!("buckets is {buckets}: expected 1 to {MAX_BUCKETS}"));
        }
        if let Some(found) = tail_characters.filter(|count| !(1..=MAX_TAIL).contains(count)) {
            return bad(format!("tail_characters is {found}: expected 1 to {MAX_TAIL}"));
        }
        let pieces = Pipeline::with_vocabulary(tokenizer.get().as_bytes())?;
        Ok(Self { pieces, settings: PieceSettings { buckets, tail_characters } })
    }

    pub(super) fn tokenize(
        &self,
        text: &str,
        truncation: Truncation,
    ) -> Result<Tokens, RouterError> {
        let Tokens { mut ids, total, rated, .. } = self.pieces.tokenize(text, truncation, false)?;
        let mut pairs: Vec<i64> = ids.windows(2).map(|pair| self.bucket(b"p", pair)).collect();
        if let Some(characters) = self.settings.tail_characters {
            let tail = self.pieces.tokenize(tail(text, characters), truncation, false)?;
            pairs.extend(tail.ids.iter().map(|&piece| self.bucket(b"t", &[piece])));
        }
        ids.extend(pairs);
        Ok(Tokens::counted(ids, total, rated))
    }

    /// Counts a text's pieces.
    pub(super) fn count(&self, text: &str, truncation: Truncation) -> usize {
        self.pieces.tokenize(text, truncation, false).map_or(0, |tokens| tokens.total)
    }

    /// V and the buckets.
    pub(super) fn vocabulary(&self) -> usize {
        self.pieces.vocabulary() + self.settings.buckets as usize
    }

    /// The id of a hash of pieces.
    fn bucket(&self, namespace: &[u8], pieces: &[i64]) -> i64 {
        let hash = pieces
            .iter()
            // A piece's id has 32 bits.
            .fold(fnv(BASIS, namespace), |hash, &piece| fnv(hash, &(piece as u32).to_le_bytes()));
        self.pieces.vocabulary() as i64 + (mix(hash) % u64::from(self.settings.buckets)) as i64
    }
}

fn bad<T>(detail: String) -> Result<T, RouterError> {
    Err(RouterError::BundleBadTokenizer { detail })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
