//! The `tokenizers` crate, for every pipeline that is not plain BERT.

use std::collections::BTreeMap;

use serde_json::Value;
use tokenizers::{NormalizedString, Normalizer, PostProcessor, Tokenizer, TruncationDirection};

use super::Tokens;
use super::kept::Truncation;
use super::library_check;
use crate::error::{RouterError, quoted};

pub(super) struct LibraryPipeline(Tokenizer);

impl LibraryPipeline {
    pub(super) fn from_json(bytes: &[u8]) -> Result<Self, RouterError> {
        let bad = |detail: String| RouterError::BundleBadTokenizer { detail };
        let file: Value = serde_json::from_slice(bytes).map_err(|e| bad(e.to_string()))?;
        library_check::check(&file).map_err(bad)?;
        // The crate reads what was checked: of a repeated field it would take another value.
        let checked = file.to_string();
        drop(file);
        let mut tokenizer =
            Tokenizer::from_bytes(checked.as_bytes()).map_err(|e| bad(e.to_string()))?;
        // The engine truncates by itself: a padding or truncation stored in the file would change the
        // length.
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|e| bad(e.to_string()))?;
        check_added_tokens(&tokenizer).map_err(bad)?;
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
        if total > truncation.limit {
            let [first, last] = truncation.ends();
            let mut end = encoding.clone();
            encoding.truncate(first, 0, TruncationDirection::Right);
            end.truncate(last, 0, TruncationDirection::Left);
            // What is cut off is no part of the answer.
            encoding.take_overflowing();
            end.take_overflowing();
            encoding.merge_with(end, false);
        }
        let rated = encoding.len();
        let encoding = self.0.post_process(encoding, None, special_tokens).map_err(failed)?;
        let ids: Vec<i64> = encoding.get_ids().iter().map(|&id| i64::from(id)).collect();
        Ok(Tokens { total, rated, ..Tokens::from_ids(ids) })
    }
}

/// Refuses an added token of which the normaliser leaves nothing: the crate would find it between any two
/// bytes, and panics within a character.
fn check_added_tokens(tokenizer: &Tokenizer) -> Result<(), String> {
    let Some(normalizer) = tokenizer.get_normalizer() else { return Ok(()) };
    let added: BTreeMap<_, _> = tokenizer.get_added_tokens_decoder().into_iter().collect();
    for token in added.values().filter(|token| token.normalized) {
        let mut text = NormalizedString::from(token.content.as_str());
        normalizer.normalize(&mut text).map_err(|e| e.to_string())?;
        if text.is_empty() {
            let content = quoted(&token.content);
            return Err(format!("its normaliser leaves nothing of the added token {content}"));
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_added_token_has_text_after_the_normaliser() {
        let file = |content: &str| {
            let file = serde_json::json!({
                "version": "1.0", "truncation": null, "padding": null,
                "added_tokens": [{
                    "id": 9, "content": content, "single_word": false, "lstrip": false,
                    "rstrip": false, "normalized": true, "special": false
                }],
                "normalizer": {"type": "Strip", "strip_left": true, "strip_right": true},
                "pre_tokenizer": null, "post_processor": null, "decoder": null,
                "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}
            });
            LibraryPipeline::from_json(file.to_string().as_bytes()).map(|_| ())
        };
        assert_eq!(file("zz"), Ok(()));
        let error = file("  ").unwrap_err().to_string();
        assert!(error.contains("leaves nothing of the added token \"  \""), "{error}");
    }
}
