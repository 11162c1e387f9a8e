//! Compares this crate's pipeline with the `tokenizers` crate, on made and on real vocabularies.

#![allow(clippy::unwrap_used, clippy::panic)]

mod added;
mod equality;
mod recognition;
mod unigram;

use std::path::Path;

use serde_json::{Map, Value, json};

use super::*;
use crate::contained::contained;
use crate::manifest::TruncationSide;

const WHOLE: Truncation = Truncation { limit: 1 << 20, side: TruncationSide::Right };

/// One file, read by the own pipeline and by the crate.
struct Both {
    own: BertPipeline,
    library: LibraryPipeline,
}

impl Both {
    fn new(json: &[u8]) -> Self {
        match file::read(json) {
            Reading::Bert(own) => Self { own: *own, library: library(json).unwrap() },
            Reading::Other => panic!("the file must be read as plain BERT"),
            Reading::Damaged(detail) => panic!("the file must be sound: {detail}"),
        }
    }

    /// Both give the same ids and the same count.
    fn agree(&self, text: &str, truncation: Truncation, special_tokens: bool) {
        let own = self.own.tokenize(text, truncation, special_tokens);
        let library = self.library.tokenize(text, truncation, special_tokens).unwrap();
        assert_eq!(own, library, "{text:?}, {truncation:?}, special tokens: {special_tokens}");
    }
}

/// Reads a file with the crate, also where the own pipeline could.
fn library(json: &[u8]) -> Result<LibraryPipeline, RouterError> {
    let stopped = |detail| RouterError::BundleBadTokenizer { detail };
    contained(|| LibraryPipeline::from_json(json), stopped)
}

/// A file of the repository.
fn repository_file(path: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

/// A WordPiece tokenizer of the pieces of a shipped bundle, in many languages: a piece that begins a word is
/// one here too, any other continues it.
fn word_piece_json() -> Vec<u8> {
    let unigram: Value =
        serde_json::from_slice(&repository_file("bundles/accurate/tokenizer.json")).unwrap();
    let listed = unigram["model"]["vocab"].as_array().unwrap();
    let pieces = listed.iter().filter_map(|piece| {
        let piece = piece[0].as_str()?;
        Some(match piece.strip_prefix('\u{2581}') {
            Some("") => return None,
            Some(begin) => begin.to_lowercase(),
            None if piece.starts_with('<') => piece.to_owned(),
            None => format!("##{}", piece.to_lowercase()),
        })
    });
    let ascii = ('!'..='~').flat_map(|c| [c.to_string(), format!("##{c}")]);
    let special = ["[UNK]", "[PAD]", "[CLS]", "[SEP]"];
    let pieces = special.map(str::to_owned).into_iter().chain(ascii).chain(pieces);
    let mut file = tokenizer(pieces, bert_normalizer(true, true, None, true));
    file["post_processor"] = tiny()["post_processor"].clone();
    let added = special.iter().enumerate().map(|(id, content)| {
        json!({
            "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true
        })
    });
    file["added_tokens"] = added.collect();
    file.to_string().into_bytes()
}

fn tiny_json() -> Vec<u8> {
    repository_file("tests/fixtures/tiny/tokenizer.json")
}

fn tiny() -> Value {
    serde_json::from_slice(&tiny_json()).unwrap()
}

/// A tokenizer that knows `[UNK]` and the pieces, numbered from 1.
fn tokenizer(pieces: impl IntoIterator<Item = String>, normalizer: Value) -> Value {
    let mut vocabulary = Map::new();
    vocabulary.insert("[UNK]".into(), json!(0));
    for piece in pieces {
        let id = vocabulary.len();
        vocabulary.entry(piece).or_insert(json!(id));
    }
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
        "normalizer": normalizer, "pre_tokenizer": { "type": "BertPreTokenizer" },
        "post_processor": null, "decoder": null,
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocabulary
        }
    })
}

fn bert_normalizer(clean: bool, chinese: bool, accents: Option<bool>, lowercase: bool) -> Value {
    json!({
        "type": "BertNormalizer", "clean_text": clean, "handle_chinese_chars": chinese,
        "strip_accents": accents, "lowercase": lowercase
    })
}

/// Every normaliser that the own pipeline knows.
fn normalizers() -> Vec<Value> {
    let mut all = vec![Value::Null];
    for bits in 0..8 {
        for accents in [None, Some(false), Some(true)] {
            all.push(bert_normalizer(bits & 1 > 0, bits & 2 > 0, accents, bits & 4 > 0));
        }
    }
    all
}
