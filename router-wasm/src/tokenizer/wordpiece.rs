//! WordPiece: splits a word into the longest pieces of the vocabulary, from its beginning on.
//!
//! A word that cannot be split so is the unknown token, and so is one of more than
//! `max_input_chars_per_word` characters. That bound and the longest piece keep the work linear in the
//! word's length.

use super::bert_text::Word;
use super::vocabulary::{Hash, Place, Vocabulary};

pub(super) struct WordPiece {
    pub vocabulary: Vocabulary,
    /// The id of the unknown token.
    pub unknown: u32,
    /// Longest word in characters that is looked up.
    pub max_word_chars: usize,
}

/// Buffers that one query's words share.
#[derive(Default)]
pub(super) struct Scratch {
    ids: Vec<u32>,
    /// Hashes of the prefixes of what is left of a word, by length less 1.
    hashes: Vec<u32>,
}

impl WordPiece {
    /// Ids of a word's pieces.
    pub(super) fn pieces<'a>(&self, word: &Word, scratch: &'a mut Scratch) -> &'a [u32] {
        scratch.ids.clear();
        if !word.text().is_some_and(|text| self.split(text, scratch)) {
            scratch.ids.clear();
            scratch.ids.push(self.unknown);
        }
        &scratch.ids
    }

    /// Splits `word` (UTF-8) into pieces; returns whether all of it could be split.
    fn split(&self, word: &[u8], scratch: &mut Scratch) -> bool {
        let mut rest = word;
        let mut place = Place::Beginning;
        while let Some(&first) = rest.first() {
            let longest = self.vocabulary.longest(place, first).min(rest.len());
            let mut hash = Hash::new(place);
            scratch.hashes.clear();
            scratch.hashes.extend(rest[..longest].iter().map(|&byte| {
                hash = hash.with(byte);
                hash.value()
            }));
            // A piece is UTF-8, so no piece is found that ends inside a character.
            let found = (1..=longest).rev().find_map(|len| {
                let id = self.vocabulary.find(place, scratch.hashes[len - 1], &rest[..len])?;
                Some((len, id))
            });
            let Some((len, id)) = found else {
                return false;
            };
            scratch.ids.push(id);
            rest = &rest[len..];
            place = Place::Inside;
        }
        true
    }
}
