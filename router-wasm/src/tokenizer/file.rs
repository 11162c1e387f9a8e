//! Reads a `tokenizer.json` that is a plain BERT pipeline.
//!
//! A file with an unknown field, a part of another type or a flag of another meaning is left to the
//! `tokenizers` crate. Parts that do not change ids (`decoder`, `truncation`, `padding`) are read too,
//! so that no file is accepted here that the crate would refuse.

use serde_json::Value;
use tokenizers::{PaddingParams, TruncationParams};

use super::added_tokens::{AddedTokens, Known};
use super::bert::BertPipeline;
use super::bert_text::{BertText, Rules};
use super::fields::{Fields, Unreadable};
use super::special_tokens::SpecialTokens;
use super::vocabulary::{CONTINUATION, Listing, Vocabulary};
use super::vocabulary_scan;
use super::wordpiece::WordPiece;

/// A file that was read.
pub(super) enum Reading {
    /// Plain BERT.
    Bert(Box<BertPipeline>),
    /// Another pipeline, or no tokenizer at all.
    Other,
    /// A damaged plain BERT file, or invalid JSON; the text says how.
    Damaged(String),
}

/// Reads the bytes of a `tokenizer.json`.
pub(super) fn read(bytes: &[u8]) -> Reading {
    match parse(bytes).and_then(|(file, vocabulary)| pipeline(file, vocabulary)) {
        Ok(bert) => Reading::Bert(Box::new(bert)),
        Err(Unreadable::Other) => Reading::Other,
        Err(Unreadable::Damaged(detail)) => Reading::Damaged(detail),
    }
}

/// Parses the file; its vocabulary is returned separately where it could be cut out. Invalid JSON is
/// refused here, since the crate panics on some of it.
fn parse(bytes: &[u8]) -> Result<(Value, Option<Listing>), Unreadable> {
    // Checked once as a whole, the strings need not be checked one by one.
    let text = std::str::from_utf8(bytes).map_err(|e| Unreadable::Damaged(e.to_string()))?;
    if let Some((rest, vocabulary)) = vocabulary_scan::cut_out(text)
        && let Ok(value) = serde_json::from_str(&rest)
    {
        return Ok((value, Some(vocabulary)));
    }
    let value = serde_json::from_str(text).map_err(|e| Unreadable::Damaged(e.to_string()))?;
    Ok((value, None))
}

fn pipeline(file: Value, vocabulary: Option<Listing>) -> Result<BertPipeline, Unreadable> {
    let mut file = Fields::of(file)?;
    let mut model = file.object("model")?;
    let mut words = file.object("pre_tokenizer")?;
    if file.text("version")? != "1.0"
        || words.text("type")? != "BertPreTokenizer"
        || model.text("type")? != "WordPiece"
        || model.text("continuing_subword_prefix")? != CONTINUATION
    {
        return Err(Unreadable::Other);
    }
    words.end()?;
    let unk_token = model.text("unk_token")?;
    let max_word_chars = model.number("max_input_chars_per_word")? as usize;
    let within = Fields::rest(model.object("vocab")?);
    model.end()?;
    let text = BertText::new(rules(file.value("normalizer"))?);
    let special_tokens = SpecialTokens::from_processor(file.value("post_processor"))?;
    let added_tokens = file.list("added_tokens")?;
    without_effect(&mut file)?;
    file.end()?;

    let vocabulary = match vocabulary {
        // The scan cut out another object's `vocab`.
        Some(_) if !within.is_empty() => return Err(Unreadable::Other),
        Some(vocabulary) => vocabulary,
        None => Listing::from_values(within)?,
    };
    let vocabulary = Vocabulary::new(vocabulary).map_err(Unreadable::Damaged)?;
    let unknown = vocabulary.id(&unk_token).ok_or_else(|| {
        Unreadable::Damaged(format!("its unk_token {unk_token:?} is not in its vocabulary"))
    })?;
    let id = |text: &str| vocabulary.id(text);
    let known = Known { id: &id, count: vocabulary.len(), dense: vocabulary.dense };
    Ok(BertPipeline {
        added_tokens: AddedTokens::new(added_tokens, &known)?,
        text,
        model: WordPiece { vocabulary, unknown, max_word_chars },
        special_tokens,
    })
}

/// The rules of a `BertNormalizer`, or of none.
fn rules(normalizer: Value) -> Result<Rules, Unreadable> {
    if normalizer.is_null() {
        return Ok(Rules::default());
    }
    let mut fields = Fields::of(normalizer)?;
    if fields.text("type")? != "BertNormalizer" {
        return Err(Unreadable::Other);
    }
    let lowercase = fields.flag("lowercase")?;
    let rules = Rules {
        clean_text: fields.flag("clean_text")?,
        handle_chinese_chars: fields.flag("handle_chinese_chars")?,
        strip_accents: match fields.value("strip_accents") {
            Value::Null => lowercase,
            Value::Bool(strip) => strip,
            _ => return Err(Unreadable::Other),
        },
        lowercase,
    };
    fields.end()?;
    Ok(rules)
}

/// Removes the parts that do not change ids: the engine truncates by itself, and nothing is decoded.
fn without_effect(file: &mut Fields) -> Result<(), Unreadable> {
    limits(file)?;
    let decoder = file.value("decoder");
    if decoder.is_null() {
        return Ok(());
    }
    let mut decoder = Fields::of(decoder)?;
    if decoder.text("type")? != "WordPiece" {
        return Err(Unreadable::Other);
    }
    decoder.text("prefix")?;
    decoder.flag("cleanup")?;
    decoder.end()
}

/// Removes `truncation` and `padding`.
pub(super) fn limits(file: &mut Fields) -> Result<(), Unreadable> {
    let (truncation, padding) = (file.value("truncation"), file.value("padding"));
    if !truncation.is_null() {
        serde_json::from_value::<TruncationParams>(truncation).map_err(|_| Unreadable::Other)?;
    }
    if !padding.is_null() {
        serde_json::from_value::<PaddingParams>(padding).map_err(|_| Unreadable::Other)?;
    }
    Ok(())
}
