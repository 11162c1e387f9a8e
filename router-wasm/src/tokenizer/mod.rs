//! Turns query text into the token ids that the graph takes.
//!
//! ```text
//! text (String)
//!   -> tokens u32 [total]              the pipeline that tokenizer.json states
//!   -> tokens u32 [min(total, L)]      the first, the last or both: truncation
//!   -> ids i64 [before + .. + after]   the special tokens around them
//! ```
//!
//! L is the longest sequence of the graph less the special tokens. These are the implementations.
//! [`bert::BertPipeline`] is this crate's own, for the pipeline that BERT's family shares
//! (`BertNormalizer`, `BertPreTokenizer`, WordPiece): a Worker reads its 30,000 tokens in a few
//! milliseconds at a cold start, and a query costs some tens of nanoseconds a token.
//! [`unigram::UnigramPipeline`] is another, for Unigram with the text rules of [`UnigramRules`].
//! [`library::LibraryPipeline`] is the `tokenizers` crate, for every other pipeline. Where it and an own
//! one can read a file they give the same ids for every text; [`file`] accepts only plain BERT and
//! [`unigram_file`] only those rules, so that an unknown field costs speed and never changes an answer. [`ngrams::HashedNgrams`]
//! needs no vocabulary, [`pieces::PiecePairs`] adds hashed pairs to the ids of one of the others; both have a
//! file of their own kind.

mod added_tokens;
mod bert;
mod bert_text;
mod fields;
mod file;
mod hashing;
mod kept;
mod library;
mod library_check;
mod ngrams;
mod pieces;
mod special_tokens;
#[cfg(test)]
mod tests;
mod text_tail;
mod unigram;
mod unigram_file;
mod unigram_pieces;
mod unigram_text;
mod vocabulary;
mod vocabulary_scan;
mod wordpiece;

use crate::error::RouterError;
use crate::manifest::EncoderInfo;
use bert::BertPipeline;
use file::Reading;
use kept::Truncation;
use library::LibraryPipeline;
pub use ngrams::{HashedNgrams, NgramSettings};
use pieces::PiecePairs;
pub use pieces::PieceSettings;
use unigram::UnigramPipeline;
pub use unigram_text::UnigramRules;

/// A query's token ids as the graph takes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// `input_ids`, `[S]`: ids after truncation, special tokens included where the bundle asks for them; of
    /// hashed n-grams, and of pieces with hashed pairs, each once, ascending.
    pub ids: Vec<i64>,
    /// `attention_mask`, `[S]`: 1 for each token; where each id stands once, how often it occurs.
    pub counts: Vec<i64>,
    /// Tokens of the whole text, before truncation and without special tokens; of hashed n-grams an
    /// estimate.
    pub total: usize,
    /// Those of them that are left after truncation.
    pub rated: usize,
}

impl Tokens {
    /// A sequence of ids, each of one token.
    #[must_use]
    pub fn from_ids(ids: impl Into<Vec<i64>>) -> Self {
        let ids = ids.into();
        Self { counts: vec![1; ids.len()], total: ids.len(), rated: ids.len(), ids }
    }

    /// Each of the ids once, ascending, with how often it occurs.
    fn counted<T: Ord + Copy + Into<i64>>(mut ids: Vec<T>, total: usize, rated: usize) -> Self {
        ids.sort_unstable();
        let runs = ids.chunk_by(|a, b| a == b);
        let (ids, counts) = runs.map(|run| (run[0].into(), run.len() as i64)).unzip();
        Self { ids, counts, total, rated }
    }
}

/// One bundle's tokenizer, with the bundle's limits on length.
pub(crate) struct QueryTokenizer {
    pipeline: Pipeline,
    truncation: Truncation,
    special_tokens: bool,
}

enum Pipeline {
    Ngrams(Box<HashedNgrams>),
    Pieces(Box<PiecePairs>),
    Bert(Box<BertPipeline>),
    Unigram(Box<UnigramPipeline>),
    Library(Box<LibraryPipeline>),
}

impl QueryTokenizer {
    /// Reads `tokenizer.json`.
    ///
    /// # Errors
    /// [`RouterError::BundleBadTokenizer`], also where the special tokens leave no room for a
    /// query.
    pub(crate) fn from_json(bytes: &[u8], info: &EncoderInfo) -> Result<Self, RouterError> {
        let pipeline = Pipeline::from_json(bytes)?;
        if matches!(pipeline, Pipeline::Ngrams(_) | Pipeline::Pieces(_)) && info.special_tokens {
            let detail = "hashed n-grams and pairs of pieces have no special tokens, expected \
                          \"special_tokens\": false in router.json";
            return Err(RouterError::BundleBadTokenizer { detail: detail.into() });
        }
        let added = match info.special_tokens {
            true => pipeline.special_tokens(),
            false => 0,
        };
        match info.max_tokens.checked_sub(added) {
            Some(limit @ 1..) => Ok(Self {
                pipeline,
                truncation: Truncation { limit, side: info.truncation_side },
                special_tokens: info.special_tokens,
            }),
            _ => Err(RouterError::BundleBadTokenizer {
                detail: format!(
                    "it adds {added} special tokens and router.json allows {} tokens in all",
                    info.max_tokens
                ),
            }),
        }
    }

    /// Splits `text` into token ids, truncated to the encoder's longest sequence.
    ///
    /// # Errors
    /// [`RouterError::InferenceFailed`] where the tokenizer fails;
    /// [`RouterError::QueryEmpty`] where no token is left.
    pub(crate) fn tokenize(&self, text: &str) -> Result<Tokens, RouterError> {
        let tokens = self.pipeline.tokenize(text, self.truncation, self.special_tokens)?;
        match tokens.ids.is_empty() {
            true => Err(RouterError::QueryEmpty),
            false => Ok(tokens),
        }
    }

    /// Counts a text's tokens without special ones; 0 where the tokenizer fails.
    pub(crate) fn count(&self, text: &str) -> usize {
        match &self.pipeline {
            Pipeline::Ngrams(ngrams) => ngrams.count(text),
            Pipeline::Pieces(pieces) => pieces.count(text, self.truncation),
            pipeline => {
                let tokens = pipeline.tokenize(text, self.truncation, false);
                tokens.map_or(0, |tokens| tokens.total)
            }
        }
    }

    /// How many tokens the tokenizer knows; ids are below this where they are consecutive.
    pub(crate) fn vocabulary(&self) -> usize {
        self.pipeline.vocabulary()
    }
}

impl Pipeline {
    fn from_json(bytes: &[u8]) -> Result<Self, RouterError> {
        if let Some(settings) = NgramSettings::read(bytes) {
            return settings.and_then(HashedNgrams::new).map(|own| Self::Ngrams(Box::new(own)));
        }
        match PiecePairs::read(bytes) {
            Some(pieces) => pieces.map(|own| Self::Pieces(Box::new(own))),
            None => Self::with_vocabulary(bytes),
        }
    }

    /// Reads a tokenizer whose ids are those of a vocabulary.
    fn with_vocabulary(bytes: &[u8]) -> Result<Self, RouterError> {
        if let Some(unigram) = unigram_file::read(bytes) {
            return Ok(Self::Unigram(Box::new(unigram)));
        }
        match file::read(bytes) {
            Reading::Bert(bert) => Ok(Self::Bert(bert)),
            Reading::Damaged(detail) => Err(RouterError::BundleBadTokenizer { detail }),
            Reading::Other => Ok(Self::Library(Box::new(LibraryPipeline::from_json(bytes)?))),
        }
    }

    /// How many special tokens stand around a query.
    fn special_tokens(&self) -> usize {
        match self {
            Self::Ngrams(_) | Self::Pieces(_) => 0,
            Self::Bert(bert) => bert.special_tokens(),
            Self::Unigram(unigram) => unigram.special_tokens(),
            Self::Library(library) => library.special_tokens(),
        }
    }

    fn tokenize(
        &self,
        text: &str,
        truncation: Truncation,
        special_tokens: bool,
    ) -> Result<Tokens, RouterError> {
        match self {
            Self::Ngrams(ngrams) => Ok(ngrams.tokenize(text)),
            Self::Pieces(pieces) => pieces.tokenize(text, truncation),
            Self::Bert(bert) => Ok(bert.tokenize(text, truncation, special_tokens)),
            Self::Unigram(unigram) => Ok(unigram.tokenize(text, truncation, special_tokens)),
            Self::Library(library) => library.tokenize(text, truncation, special_tokens),
        }
    }

    fn vocabulary(&self) -> usize {
        match self {
            Self::Ngrams(ngrams) => ngrams.settings().buckets as usize,
            Self::Pieces(pieces) => pieces.vocabulary(),
            Self::Bert(bert) => bert.vocabulary(),
            Self::Unigram(unigram) => unigram.vocabulary(),
            Self::Library(library) => library.vocabulary(),
        }
    }
}
