//! Which `tokenizer.json` is plain BERT, and reading it.
//!
//! Strict in what it takes: a field it does not know, a part of another type, a flag with another
//! meaning, and the file is left to the `tokenizers` crate. Parts that do not bear on ids
//! (`decoder`, `truncation`, `padding`) are read all the same, so that no file is taken here that
//! the crate would refuse.

use serde::Deserialize;
use serde_json::error::Category;
use tokenizers::{PaddingParams, TruncationParams};

use super::added_tokens::{self, AddedTokens};
use super::bert::BertPipeline;
use super::bert_text::{BertText, Rules};
use super::special_tokens::{PostProcessor, SpecialTokens};
use super::vocabulary::{CONTINUATION, Listing, Vocabulary};
use super::vocabulary_scan;
use super::wordpiece::WordPiece;

/// What a file is.
pub(super) enum Reading {
    /// Plain BERT.
    Bert(Box<BertPipeline>),
    /// Another pipeline, or no tokenizer at all.
    Other,
    /// Plain BERT with something wrong; the sentence says what.
    Damaged(String),
}

/// Why a file is not read as plain BERT.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// It is something else, as far as can be told here.
    Other,
    /// Something is wrong with it; the sentence says what.
    Damaged(String),
}

/// Reads the bytes of a `tokenizer.json`.
pub(super) fn read(bytes: &[u8]) -> Reading {
    match parse(bytes).and_then(pipeline) {
        Ok(bert) => Reading::Bert(Box::new(bert)),
        Err(Unreadable::Other) => Reading::Other,
        Err(Unreadable::Damaged(detail)) => Reading::Damaged(detail),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: String,
    #[serde(rename = "truncation")]
    _truncation: Option<TruncationParams>,
    #[serde(rename = "padding")]
    _padding: Option<PaddingParams>,
    #[serde(default)]
    added_tokens: Vec<added_tokens::Listed>,
    normalizer: Option<Normalizer>,
    /// One of this type it must have.
    #[serde(rename = "pre_tokenizer")]
    _pre_tokenizer: PreTokenizer,
    post_processor: Option<PostProcessor>,
    #[serde(rename = "decoder")]
    _decoder: Option<Decoder>,
    model: Model,
}

#[derive(Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
enum Normalizer {
    BertNormalizer {
        clean_text: bool,
        handle_chinese_chars: bool,
        strip_accents: Option<bool>,
        lowercase: bool,
    },
}

#[derive(Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
enum PreTokenizer {
    BertPreTokenizer {},
}

#[derive(Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
enum Decoder {
    WordPiece {
        #[serde(rename = "prefix")]
        _prefix: String,
        #[serde(rename = "cleanup")]
        _cleanup: bool,
    },
}

/// Not an enum with a tag, which would have the vocabulary read into values before it is known to
/// be one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    r#type: String,
    unk_token: String,
    continuing_subword_prefix: String,
    max_input_chars_per_word: usize,
    vocab: Listing,
}

fn parse(bytes: &[u8]) -> Result<File, Unreadable> {
    // Checked once as a whole, the strings need not be checked one by one.
    let text = std::str::from_utf8(bytes).map_err(|e| Unreadable::Damaged(e.to_string()))?;
    if let Some((rest, vocab)) = vocabulary_scan::cut_out(text)
        && let Ok(mut file) = serde_json::from_str::<File>(&rest)
        && file.model.vocab.is_empty()
    {
        file.model.vocab = vocab;
        return Ok(file);
    }
    serde_json::from_str(text).map_err(|error| match error.classify() {
        // No JSON, for the crate neither, which panics on some of it.
        Category::Syntax | Category::Eof | Category::Io => Unreadable::Damaged(error.to_string()),
        Category::Data => Unreadable::Other,
    })
}

fn pipeline(file: File) -> Result<BertPipeline, Unreadable> {
    let Model { r#type, unk_token, continuing_subword_prefix, max_input_chars_per_word, vocab } =
        file.model;
    if file.version != "1.0" || r#type != "WordPiece" || continuing_subword_prefix != CONTINUATION {
        return Err(Unreadable::Other);
    }
    let vocabulary = Vocabulary::new(vocab).map_err(Unreadable::Damaged)?;
    let unknown = vocabulary.id(&unk_token).ok_or_else(|| {
        Unreadable::Damaged(format!("its unk_token {unk_token:?} is not in its vocabulary"))
    })?;
    let rules = match file.normalizer {
        None => Rules::default(),
        Some(Normalizer::BertNormalizer {
            clean_text,
            handle_chinese_chars,
            strip_accents,
            lowercase,
        }) => Rules {
            clean_text,
            handle_chinese_chars,
            strip_accents: strip_accents.unwrap_or(lowercase),
            lowercase,
        },
    };
    Ok(BertPipeline {
        added_tokens: AddedTokens::new(file.added_tokens, &vocabulary)?,
        text: BertText::new(rules),
        model: WordPiece { vocabulary, unknown, max_word_chars: max_input_chars_per_word },
        special_tokens: SpecialTokens::from_processor(file.post_processor)?,
    })
}
