//! Unigram (Kudo 2018): splits a word into the pieces whose scores have the highest sum.
//!
//! ```text
//! best[0] = 0
//! best[j] = max over pieces p of bytes i..j: best[i] + score(p)
//! ```
//! A character that is no piece costs 10 more than the lowest score, and neighbours of that kind are one
//! unknown token, as in SentencePiece. The longest piece bounds the work, which is linear in the
//! word's length. Ids are those of the `tokenizers` crate, which the property tests check.

use super::Tokens;
use super::added_tokens::{AddedTokens, Part};
use super::kept::{Kept, Truncation};
use super::special_tokens::SpecialTokens;
use super::unigram_pieces::{ScoredPieces, empty_hash};
use super::unigram_text;

/// What an unknown character costs beyond the lowest score.
const UNKNOWN_PENALTY: f64 = 10.0;

pub(super) struct UnigramPipeline {
    pub added_tokens: AddedTokens,
    pub pieces: ScoredPieces,
    /// The id of the unknown token.
    pub unknown: u32,
    pub special_tokens: SpecialTokens,
}

/// The best way to a byte of the word: its score, and its last piece.
#[derive(Debug, Clone, Copy)]
struct Best {
    score: f64,
    /// Where the last piece begins.
    from: u32,
    id: u32,
}

impl Best {
    const NONE: Self = Self { score: f64::NEG_INFINITY, from: 0, id: 0 };
}

/// Buffers that one query's words share.
#[derive(Default)]
struct Scratch {
    best: Vec<Best>,
    ids: Vec<u32>,
}

impl UnigramPipeline {
    /// How many special tokens stand around a query.
    pub(super) fn special_tokens(&self) -> usize {
        self.special_tokens.count()
    }

    /// Tokens known: the model's, and the added ones that are not among them.
    pub(super) fn vocabulary(&self) -> usize {
        self.pieces.len() + self.added_tokens.beyond_vocabulary
    }

    pub(super) fn tokenize(
        &self,
        text: &str,
        truncation: Truncation,
        special_tokens: bool,
    ) -> Tokens {
        let mut kept = Kept::new(truncation);
        let (mut word, mut scratch) = (String::new(), Scratch::default());
        self.added_tokens.for_each_part(text, |part| match part {
            Part::Token(id) => kept.push(&[id]),
            Part::Text(text) => unigram_text::for_each_word(text, &mut word, |word| {
                kept.push(self.split(word, &mut scratch));
            }),
        });
        self.special_tokens.finish(kept, special_tokens)
    }

    /// Ids of a word's pieces.
    fn split<'a>(&self, word: &str, scratch: &'a mut Scratch) -> &'a [u32] {
        let bytes = word.as_bytes();
        let best = &mut scratch.best;
        best.clear();
        best.resize(bytes.len() + 1, Best::NONE);
        best[0].score = 0.0;
        let unknown_score = self.pieces.lowest - UNKNOWN_PENALTY;
        for (from, c) in word.char_indices() {
            let so_far = best[from].score;
            let longest = self.pieces.longest(bytes[from]).min(bytes.len() - from);
            let mut known = false;
            let mut hash = empty_hash();
            for (len, &byte) in (1..).zip(&bytes[from..from + longest]) {
                hash = hash.with(byte);
                // A piece is UTF-8, so no piece is found that ends inside a character.
                if let Some((id, score)) = self.pieces.find(hash, &bytes[from..from + len]) {
                    known |= len == c.len_utf8();
                    reach(&mut best[from + len], so_far + score, from, id);
                }
            }
            if !known {
                reach(&mut best[from + c.len_utf8()], so_far + unknown_score, from, self.unknown);
            }
        }
        let ids = &mut scratch.ids;
        ids.clear();
        let mut end = bytes.len();
        while end > 0 {
            let Best { from, id, .. } = best[end];
            if id != self.unknown || ids.last() != Some(&id) {
                ids.push(id);
            }
            end = from as usize;
        }
        ids.reverse();
        ids
    }
}

/// Takes a way to a byte where it is better than the best known: of equal ones, the first.
fn reach(best: &mut Best, score: f64, from: usize, id: u32) {
    if score > best.score {
        // A text is shorter than 4 GiB (`MAX_QUERY_BYTES`).
        *best = Best { score, from: from as u32, id };
    }
}
