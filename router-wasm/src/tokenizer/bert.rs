//! The BERT pipeline: added tokens, then words, then pieces of words, then special tokens.
//!
//! It gives the same ids as the `tokenizers` crate, which the property tests check. It keeps only ids,
//! no offsets and no strings, and allocates a handful of buffers per query.

use super::Tokens;
use super::added_tokens::{AddedTokens, Part};
use super::bert_text::{BertText, Word};
use super::kept::{Kept, Truncation};
use super::special_tokens::SpecialTokens;
use super::wordpiece::{Scratch, WordPiece};

pub(super) struct BertPipeline {
    pub added_tokens: AddedTokens,
    pub text: BertText,
    pub model: WordPiece,
    pub special_tokens: SpecialTokens,
}

impl BertPipeline {
    /// How many special tokens stand around a query.
    pub(super) fn special_tokens(&self) -> usize {
        self.special_tokens.count()
    }

    /// Tokens known: the model's, and the added ones that are not among them.
    pub(super) fn vocabulary(&self) -> usize {
        self.model.vocabulary.len() + self.added_tokens.beyond_vocabulary
    }

    pub(super) fn tokenize(
        &self,
        text: &str,
        truncation: Truncation,
        special_tokens: bool,
    ) -> Tokens {
        let mut kept = Kept::new(truncation);
        let mut word = Word::new(self.model.max_word_chars);
        let mut scratch = Scratch::default();
        self.added_tokens.for_each_part(text, |part| match part {
            Part::Token(id) => kept.push(&[id]),
            Part::Text(text) => self.text.for_each_word(text, &mut word, |word| {
                kept.push(self.model.pieces(word, &mut scratch));
            }),
        });
        self.special_tokens.finish(kept, special_tokens)
    }
}
