//! Cuts a tokenizer of WordPiece or Unigram down to the tokens that a corpus uses.
//!
//! A token table has one row for each token, and a corpus of queries uses only some of BERT's 30,522, or
//! of the 250,002 of a multilingual encoder. Kept are the special tokens, every single ASCII character
//! and its continuation (so that a rare word is spelt out instead of lost), and the most frequent tokens
//! up to a size. `unigram` says which other characters are kept of a Unigram model.

mod unigram;

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;
use serde_json::Value;
use tokenizers::Tokenizer;

use super::tokenizer_error;
use crate::error::TrainerError;

/// Occurrences of each token id over a corpus.
#[derive(Debug, Clone, Default)]
pub struct TokenCounts {
    counts: HashMap<u32, u64>,
    total: u64,
}

impl TokenCounts {
    /// Counts the tokens of queries, without special tokens.
    ///
    /// # Errors
    /// [`TrainerError::BadEncoder`] with the tokenizer's message.
    pub fn add<Q: AsRef<str> + Sync>(
        &mut self,
        tokenizer: &Tokenizer,
        queries: &[Q],
    ) -> Result<(), TrainerError> {
        let encode = |query: &Q| {
            let encoding = tokenizer.encode_fast(query.as_ref(), false).map_err(tokenizer_error)?;
            Ok(encoding.get_ids().to_vec())
        };
        let encoded: Vec<Vec<u32>> =
            queries.par_iter().map(encode).collect::<Result<_, TrainerError>>()?;
        for id in encoded.into_iter().flatten() {
            *self.counts.entry(id).or_default() += 1;
            self.total += 1;
        }
        Ok(())
    }

    /// Occurrences of one token.
    #[must_use]
    pub fn get(&self, id: u32) -> u64 {
        self.counts.get(&id).copied().unwrap_or_default()
    }

    /// Occurrences of all tokens.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Share of one token among all, in [0, 1].
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn share(&self, id: u32) -> f64 {
        self.get(id) as f64 / self.total.max(1) as f64
    }
}

/// A cut-down tokenizer and where its tokens came from.
#[derive(Debug, Clone)]
pub struct Pruned {
    /// `tokenizer.json` with the new vocabulary.
    pub tokenizer_json: Vec<u8>,
    /// For each new id, the id in the original tokenizer.
    pub original_ids: Vec<u32>,
}

/// How much of a corpus a cut-down tokenizer tokenises as the original one does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unchanged {
    /// Tokens that the original tokenizer finds, without special ones.
    pub tokens: u64,
    /// Those of them that the cut-down tokenizer finds too, at the same place of the query.
    pub same: u64,
}

impl Unchanged {
    /// Share of `same` in `tokens`, in [0, 1]; 1 where there are no tokens.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn share(&self) -> f64 {
        match self.tokens {
            0 => 1.0,
            tokens => self.same as f64 / tokens as f64,
        }
    }
}

impl Pruned {
    /// Tokenises queries with both tokenizers.
    ///
    /// # Errors
    /// [`TrainerError::BadEncoder`] with the tokenizer's message.
    pub fn unchanged<Q: AsRef<str> + Sync>(
        &self,
        whole: &Tokenizer,
        queries: &[Q],
    ) -> Result<Unchanged, TrainerError> {
        let pruned = super::parse_tokenizer(&self.tokenizer_json)?;
        let read = |tokenizer: &Tokenizer, query: &str| {
            tokenizer.encode(query, false).map_err(tokenizer_error)
        };
        let compare = |query: &Q| {
            let (before, after) = (read(whole, query.as_ref())?, read(&pruned, query.as_ref())?);
            let original = |id: u32| self.original_ids.get(id as usize).copied();
            let found: HashSet<(usize, usize, Option<u32>)> = after
                .get_offsets()
                .iter()
                .zip(after.get_ids())
                .map(|(&(start, end), &id)| (start, end, original(id)))
                .collect();
            let tokens = before.get_offsets().iter().zip(before.get_ids());
            let same =
                tokens.filter(|((start, end), id)| found.contains(&(*start, *end, Some(**id))));
            Ok(Unchanged { tokens: before.len() as u64, same: same.count() as u64 })
        };
        let add = |a: Unchanged, b: Unchanged| {
            Ok(Unchanged { tokens: a.tokens + b.tokens, same: a.same + b.same })
        };
        queries.par_iter().map(compare).try_reduce(Unchanged::default, add)
    }
}

/// Whether a cut-down tokenizer still puts special tokens around a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpecialTokens {
    /// No special tokens: the static tier sums the query's own tokens.
    Dropped,
    /// `[CLS] query [SEP]`, or `<s> query </s>`, with the new ids: a transformer was trained with them.
    Kept,
}

/// Cuts the vocabulary of a `tokenizer.json` down to at most `size` tokens, and drops special-token
/// processing.
///
/// # Errors
/// [`TrainerError::BadEncoder`] where the file is no tokenizer of WordPiece or Unigram.
pub fn prune(
    tokenizer_json: &[u8],
    counts: &TokenCounts,
    size: usize,
) -> Result<Pruned, TrainerError> {
    prune_with(tokenizer_json, counts, Some(size), SpecialTokens::Dropped)
}

/// Cuts the vocabulary of a `tokenizer.json` down to at most `size` tokens, or to all counted tokens
/// where `size` is absent. A query of counted tokens is then tokenised as before: WordPiece takes the
/// longest token that fits and Unigram the tokens of the highest score, and those are kept.
///
/// # Errors
/// [`TrainerError::BadEncoder`] where the file is no tokenizer of WordPiece or Unigram, or where its
/// special tokens are to be kept and are not in its vocabulary.
pub fn prune_with(
    tokenizer_json: &[u8],
    counts: &TokenCounts,
    size: Option<usize>,
    special_tokens: SpecialTokens,
) -> Result<Pruned, TrainerError> {
    let bad = |detail: String| TrainerError::BadEncoder { path: "tokenizer.json".into(), detail };
    let mut json: Value = serde_json::from_slice(tokenizer_json).map_err(|e| bad(e.to_string()))?;
    let is_unigram = json["model"]["type"] == "Unigram";
    let kept = {
        let special = added_tokens(&json);
        let mut pieces = match is_unigram {
            true => unigram::pieces(&json["model"], &special, counts),
            false => word_pieces(&json["model"], &special, counts),
        }
        .map_err(bad)?;
        // Ties keep the file's order, which is roughly by falling frequency.
        pieces.sort_by_key(|piece| (!piece.needed, std::cmp::Reverse(piece.uses), piece.id));
        let needed = pieces.iter().filter(|piece| piece.needed).count();
        let used = pieces.iter().filter(|piece| !piece.needed && piece.uses > 0).count();
        pieces.truncate(size.map_or(needed + used, |size| size.max(needed)));
        pieces.sort_by_key(|piece| piece.id);
        pieces.into_iter().map(|piece| (piece.id, piece.text.to_owned())).collect::<Vec<_>>()
    };
    let original_ids: Vec<u32> = kept.iter().map(|&(id, _)| id).collect();
    let new_ids: HashMap<String, usize> =
        kept.into_iter().enumerate().map(|(new, (_, token))| (token, new)).collect();
    match is_unigram {
        true => unigram::keep(&mut json["model"], &original_ids),
        false => {
            let ids = new_ids.iter().map(|(token, &id)| (token.clone(), Value::from(id)));
            json["model"]["vocab"] = Value::Object(ids.collect());
        }
    }
    for added in json["added_tokens"].as_array_mut().into_iter().flatten() {
        let id = added["content"].as_str().and_then(|c| new_ids.get(c)).copied();
        added["id"] = id.map_or(Value::Null, Value::from);
    }
    let processor = match special_tokens {
        SpecialTokens::Dropped => Value::Null,
        SpecialTokens::Kept => renumbered(json["post_processor"].take(), &new_ids).map_err(bad)?,
    };
    json["post_processor"] = processor;
    json["padding"] = Value::Null;
    json["truncation"] = Value::Null;
    let tokenizer_json = serde_json::to_vec(&json).map_err(|e| bad(e.to_string()))?;
    Tokenizer::from_bytes(&tokenizer_json).map_err(|e| bad(e.to_string()))?;
    Ok(Pruned { tokenizer_json, original_ids })
}

/// A token of the original.
struct Piece<'a> {
    id: u32,
    text: &'a str,
    /// Kept whatever the corpus.
    needed: bool,
    /// Occurrences in the corpus.
    uses: u64,
}

fn added_tokens(json: &Value) -> HashSet<&str> {
    let added = json["added_tokens"].as_array().into_iter().flatten();
    added.filter_map(|token| token["content"].as_str()).collect()
}

/// The tokens of a WordPiece model; needed are special tokens and single ASCII characters.
fn word_pieces<'a>(
    model: &'a Value,
    special: &HashSet<&str>,
    counts: &TokenCounts,
) -> Result<Vec<Piece<'a>>, String> {
    if model["type"] != "WordPiece" {
        let found = &model["type"];
        return Err(format!("model.type is {found}, expected \"WordPiece\" or \"Unigram\""));
    }
    let vocabulary = model["vocab"].as_object().ok_or("model.vocab is no object")?;
    let piece = |(text, id): (&'a String, &Value)| {
        let id = id.as_u64().and_then(|id| u32::try_from(id).ok());
        let id = id.ok_or_else(|| format!("id of {text:?} is no number"))?;
        let bare = text.strip_prefix("##").unwrap_or(text);
        let is_character = bare.chars().count() == 1 && bare.is_ascii();
        let needed = is_character || special.contains(&text[..]);
        Ok(Piece { id, text, needed, uses: counts.get(id) })
    };
    vocabulary.iter().map(piece).collect()
}

/// Replaces the ids of special tokens in a post-processor by the new ones.
fn renumbered(mut processor: Value, new_ids: &HashMap<String, usize>) -> Result<Value, String> {
    let id = |token: &Value| match token.as_str().and_then(|token| new_ids.get(token)) {
        Some(&id) => Ok(Value::from(id)),
        None => Err(format!("its post_processor adds {token}, which is no token of it")),
    };
    match processor["type"].as_str() {
        Some("BertProcessing" | "RobertaProcessing") => {
            for token in ["cls", "sep"] {
                processor[token][1] = id(&processor[token][0])?;
            }
        }
        Some("TemplateProcessing") => {
            for special in processor["special_tokens"].as_object_mut().into_iter().flatten() {
                let tokens = special.1["tokens"].as_array().map(Vec::as_slice).unwrap_or_default();
                special.1["ids"] = tokens.iter().map(id).collect::<Result<_, _>>()?;
            }
        }
        _ => {
            let found = &processor["type"];
            return Err(format!(
                "its post_processor is {found}, expected \"BertProcessing\" or \
                 \"TemplateProcessing\": the encoder was trained with special tokens"
            ));
        }
    }
    Ok(processor)
}

#[cfg(test)]
mod tests;
