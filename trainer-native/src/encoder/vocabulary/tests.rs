//! A cut-down tokenizer finds the tokens of the original, with new ids.

#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;

/// A WordPiece tokenizer of a few words, with the given post-processor.
fn tokenizer(post_processor: Value) -> Vec<u8> {
    let words = "[PAD] rare never [UNK] [CLS] [SEP] p ##p prove ##n it again sum";
    let vocabulary: serde_json::Map<String, Value> =
        words.split(' ').enumerate().map(|(id, word)| (word.to_owned(), json!(id))).collect();
    let special = [(0, "[PAD]"), (3, "[UNK]"), (4, "[CLS]"), (5, "[SEP]")].map(|(id, content)| {
        json!({
            "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true
        })
    });
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": special,
        "normalizer": null, "pre_tokenizer": { "type": "BertPreTokenizer" },
        "post_processor": post_processor, "decoder": null,
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocabulary
        }
    })
    .to_string()
    .into_bytes()
}

fn bert() -> Value {
    json!({ "type": "BertProcessing", "cls": ["[CLS]", 4], "sep": ["[SEP]", 5] })
}

fn template() -> Value {
    let special = |token: &str, id: u32| json!({ "id": token, "ids": [id], "tokens": [token] });
    let piece = |token: &str| json!({ "SpecialToken": { "id": token, "type_id": 0 } });
    let query = json!({ "Sequence": { "id": "A", "type_id": 0 } });
    json!({
        "type": "TemplateProcessing",
        "single": [piece("[CLS]"), query, piece("[SEP]")],
        "pair": [query, { "Sequence": { "id": "B", "type_id": 1 } }],
        "special_tokens": { "[CLS]": special("[CLS]", 4), "[SEP]": special("[SEP]", 5) }
    })
}

fn cut(json: &[u8], size: usize, special_tokens: SpecialTokens) -> Result<Pruned, TrainerError> {
    let whole = Tokenizer::from_bytes(json).unwrap();
    let mut counts = TokenCounts::default();
    counts.add(&whole, &["prove it again", "prove it"]).unwrap();
    prune_with(json, &counts, Some(size), special_tokens)
}

#[test]
fn without_a_size_the_counted_tokens_are_kept_and_read_as_before() {
    let json = tokenizer(bert());
    let whole = Tokenizer::from_bytes(&json).unwrap();
    let mut counts = TokenCounts::default();
    counts.add(&whole, &["prove it again", "it"]).unwrap();
    let pruned = prune_with(&json, &counts, None, SpecialTokens::Kept).unwrap();
    // Special tokens, single characters, and the three words.
    assert_eq!(pruned.original_ids, [0, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    let kept = pruned.unchanged(&whole, &["again prove it", "it it p"]).unwrap();
    assert_eq!(kept, Unchanged { tokens: 6, same: 6 });
    // "sum" is gone, and no letters spell it.
    let lost = pruned.unchanged(&whole, &["prove sum", "rare"]).unwrap();
    assert_eq!(lost, Unchanged { tokens: 3, same: 1 });
    assert!((lost.share() - 1.0 / 3.0).abs() < 1e-12);
}

#[test]
fn kept_special_tokens_have_their_new_ids() {
    for processor in [bert(), template()] {
        let json = tokenizer(processor);
        let whole = Tokenizer::from_bytes(&json).unwrap();
        // The special tokens and single characters are 7; "prove", "it" and "again" join them.
        let pruned = cut(&json, 10, SpecialTokens::Kept).unwrap();
        let mini = Tokenizer::from_bytes(&pruned.tokenizer_json).unwrap();
        let query = "prove it again p";
        let ids = mini.encode_fast(query, true).unwrap().get_ids().to_vec();
        let originals: Vec<u32> = ids.iter().map(|&id| pruned.original_ids[id as usize]).collect();
        assert_eq!(originals, whole.encode_fast(query, true).unwrap().get_ids());
        assert_ne!(ids, originals);
        assert_eq!((originals[0], originals.last()), (4, Some(&5)));
        assert!(!pruned.original_ids.contains(&2), "\"never\" is kept");
    }
}

#[test]
fn dropped_special_tokens_are_not_added() {
    let json = tokenizer(bert());
    let pruned = cut(&json, 10, SpecialTokens::Dropped).unwrap();
    let mini = Tokenizer::from_bytes(&pruned.tokenizer_json).unwrap();
    assert_eq!(mini.encode_fast("prove it", true).unwrap().get_ids().len(), 2);
}

#[test]
fn a_tokenizer_without_special_tokens_cannot_keep_them() {
    let error = cut(&tokenizer(Value::Null), 10, SpecialTokens::Kept).unwrap_err();
    assert_eq!(error.code(), "bad_encoder");
    assert!(error.to_string().contains("post_processor is null"), "{error}");
    let absent = json!({ "type": "BertProcessing", "cls": ["[START]", 4], "sep": ["[SEP]", 5] });
    let error = cut(&tokenizer(absent), 10, SpecialTokens::Kept).unwrap_err();
    assert!(error.to_string().contains("adds \"[START]\", which is no token of it"), "{error}");
}
