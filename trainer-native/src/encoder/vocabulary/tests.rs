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

/// A Unigram tokenizer: its first four tokens are special, "\u{4e0d}" and "\u{d55c}" are characters of large scripts.
fn unigram() -> Vec<u8> {
    let rules = pointsman::UnigramRules::new();
    let pieces = [
        ("<s>", 0.0),
        ("<pad>", 0.0),
        ("</s>", 0.0),
        ("<unk>", 0.0),
        ("\u{2581}never", -6.0),
        ("\u{2581}", -2.0),
        ("\u{2581}prove", -4.0),
        ("\u{2581}it", -3.0),
        ("p", -5.0),
        ("r", -5.0),
        ("ж", -7.0),
        ("\u{4e0d}", -8.0),
        ("\u{4e0d}\u{884c}", -8.5),
        ("\u{884c}", -9.0),
        ("\u{d55c}", -9.5),
        ("rare", -12.0),
        ("ity", -6.5),
    ];
    let special = [(0, "<s>"), (1, "<pad>"), (2, "</s>"), (3, "<unk>")].map(|(id, content)| {
        json!({
            "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true
        })
    });
    let listed = |token: &str, id: u32| json!({ "id": token, "ids": [id], "tokens": [token] });
    let named = |token: &str| json!({ "SpecialToken": { "id": token, "type_id": 0 } });
    let query = json!({ "Sequence": { "id": "A", "type_id": 0 } });
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": special,
        "normalizer": rules.normalizer, "pre_tokenizer": rules.pre_tokenizer,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [named("<s>"), query, named("</s>")],
            "pair": [query, { "Sequence": { "id": "B", "type_id": 1 } }],
            "special_tokens": { "<s>": listed("<s>", 0), "</s>": listed("</s>", 2) }
        },
        "decoder": rules.decoder,
        "model": {
            "type": "Unigram", "unk_id": 3, "byte_fallback": false,
            "vocab": pieces.map(|(text, score)| json!([text, score]))
        }
    })
    .to_string()
    .into_bytes()
}

#[test]
fn of_unigram_counted_tokens_their_characters_and_alphabets_are_kept() {
    let json = unigram();
    let whole = Tokenizer::from_bytes(&json).unwrap();
    let mut counts = TokenCounts::default();
    counts.add(&whole, &["prove it \u{4e0d}\u{884c}"]).unwrap();
    let kept = |size| prune_with(&json, &counts, size, SpecialTokens::Kept).unwrap();
    let all = kept(None);
    // Dropped: "never" and "ity", which were not counted, and the Korean syllable. "rare" has the lowest
    // score.
    assert_eq!(all.original_ids, [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15]);
    let query = "it prove \u{4e0d}\u{884c} p \u{4e0d} \u{42f}\u{436}";
    let mini = Tokenizer::from_bytes(&all.tokenizer_json).unwrap();
    let ids = mini.encode_fast(query, true).unwrap().get_ids().to_vec();
    let originals: Vec<u32> = ids.iter().map(|&id| all.original_ids[id as usize]).collect();
    assert_eq!(originals, whole.encode_fast(query, true).unwrap().get_ids());
    assert_eq!((originals[0], originals.last()), (0, Some(&2)));

    // Nine are needed: four special ones, the mark, p, r, \u{436} and "rare". Characters count with the
    // tokens that contain them, so of equal counts the first ids are kept.
    assert_eq!(kept(Some(11)).original_ids, [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 15]);
    assert_eq!(kept(Some(1)).original_ids, [0, 1, 2, 3, 5, 8, 9, 10, 15]);
    let dropped = prune(&json, &counts, 12).unwrap();
    let mini = Tokenizer::from_bytes(&dropped.tokenizer_json).unwrap();
    assert_eq!(mini.encode_fast("prove it", true).unwrap().get_ids().len(), 2);
}

#[test]
fn of_unigram_tokens_are_kept_that_the_model_expects_of_a_text_of_that_length() {
    let json = unigram();
    let whole = Tokenizer::from_bytes(&json).unwrap();
    let mut counts = TokenCounts::default();
    let queries = vec!["prove it"; 500];
    counts.add(&whole, &queries).unwrap();
    let kept = prune_with(&json, &counts, None, SpecialTokens::Kept).unwrap().original_ids;
    // Of 1,000 tokens "never" is expected twice and "ity" once or twice, a Korean syllable not once.
    assert!([4, 16].iter().all(|id| kept.contains(id)), "{kept:?}");
    assert!(!kept.contains(&14), "{kept:?}");
}

#[test]
fn a_model_of_another_kind_is_named() {
    let mut json: Value = serde_json::from_slice(&unigram()).unwrap();
    json["model"]["type"] = json!("BPE");
    let json = json.to_string();
    let error = prune(json.as_bytes(), &TokenCounts::default(), 9).unwrap_err().to_string();
    assert!(
        error.contains("model.type is \"BPE\", expected \"WordPiece\" or \"Unigram\""),
        "{error}"
    );
}
