//! The `tokenizers` crate, for every pipeline that is not plain BERT.

use tokenizers::{PostProcessor, Tokenizer, TruncationDirection};

use super::Tokens;
use super::kept::Truncation;
use crate::error::RouterError;
use crate::manifest::TruncationSide;

pub(super) struct LibraryPipeline(Tokenizer);

impl LibraryPipeline {
    pub(super) fn from_json(bytes: &[u8]) -> Result<Self, RouterError> {
        let bad = |detail: String| RouterError::BundleBadTokenizer { detail };
        let mut tokenizer = Tokenizer::from_bytes(bytes).map_err(|e| bad(e.to_string()))?;
        // The engine truncates by itself: a padding or truncation stored in the file would change the
        // length.
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|e| bad(e.to_string()))?;
        Ok(Self(tokenizer))
    }

    /// How many special tokens stand around a query.
    pub(super) fn special_tokens(&self) -> usize {
        self.0.get_post_processor().map_or(0, |processor| processor.added_tokens(false))
    }

    pub(super) fn vocabulary(&self) -> usize {
        self.0.get_vocab_size(true)
    }

    pub(super) fn tokenize(
        &self,
        text: &str,
        truncation: Truncation,
        special_tokens: bool,
    ) -> Result<Tokens, RouterError> {
        let failed = |e: tokenizers::Error| RouterError::InferenceFailed {
            detail: format!("tokenizer: {e}"),
        };
        let mut encoding = self.0.encode_fast(text, false).map_err(failed)?;
        let total = encoding.len();
        let direction = match truncation.side {
            TruncationSide::Left => TruncationDirection::Left,
            TruncationSide::Right => TruncationDirection::Right,
        };
        encoding.truncate(truncation.limit, 0, direction);
        let encoding = self.0.post_process(encoding, None, special_tokens).map_err(failed)?;
        Ok(Tokens { ids: encoding.get_ids().iter().map(|&id| i64::from(id)).collect(), total })
    }
}
