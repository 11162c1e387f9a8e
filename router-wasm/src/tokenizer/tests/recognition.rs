//! Tests which files are plain BERT, which are left to the crate, and which are refused.

use proptest::prelude::*;

use super::*;

fn read(file: &Value) -> Reading {
    file::read(file.to_string().as_bytes())
}

fn edited(edit: impl FnOnce(&mut Value)) -> Value {
    let mut file = tiny();
    edit(&mut file);
    file
}

fn info() -> EncoderInfo {
    EncoderInfo {
        tier: "static".into(),
        max_tokens: 16,
        truncation_side: TruncationSide::Right,
        pooling: "mean".into(),
        embedding_size: 1,
        special_tokens: true,
        source: None,
    }
}

/// Checks that a file is refused with `bundle_bad_tokenizer` and a message that holds `says`.
fn refused(json: &[u8], says: &[&str]) {
    let stopped = |detail| RouterError::BundleBadTokenizer { detail };
    let error = contained(|| QueryTokenizer::from_json(json, &info()), stopped).err().unwrap();
    assert_eq!(error.code(), "bundle_bad_tokenizer");
    for part in says {
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn what_does_not_bear_on_ids_is_no_obstacle() {
    let edits: [fn(&mut Value); 6] = [
        |file| {
            file["truncation"] = json!({
                "direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0
            })
        },
        |file| {
            file["padding"] = json!({
                "strategy": { "Fixed": 8 }, "direction": "Right", "pad_to_multiple_of": null,
                "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"
            })
        },
        |file| file["decoder"] = Value::Null,
        |file| file["post_processor"] = Value::Null,
        |file| file["normalizer"] = Value::Null,
        |file| file["model"]["max_input_chars_per_word"] = json!(3),
    ];
    for edit in edits {
        let both = Both::new(edited(edit).to_string().as_bytes());
        for text in ["What is the model? abcd abc éa", "", "[CLS]什么"] {
            both.agree(text, WHOLE, true);
        }
    }
}

#[test]
fn another_pipeline_is_left_to_the_crate() {
    let edits: [fn(&mut Value); 13] = [
        |file| file["normalizer"] = json!({ "type": "Lowercase" }),
        |file| file["normalizer"]["handle_emoji"] = json!(true),
        |file| file["normalizer"] = json!({ "type": "Sequence", "normalizers": [] }),
        |file| file["pre_tokenizer"] = json!({ "type": "WhitespaceSplit" }),
        |file| file["pre_tokenizer"] = Value::Null,
        |file| file["pre_tokenizer"]["behavior"] = json!("Isolated"),
        |file| file["model"]["continuing_subword_prefix"] = json!("@@"),
        |file| file["model"]["dropout"] = json!(0.5),
        |file| file["added_tokens"][0]["normalized"] = json!(true),
        |file| file["added_tokens"][0]["single_word"] = json!(true),
        |file| file["added_tokens"][0]["id"] = json!(3),
        |file| file["added_tokens"][1]["content"] = json!("[PAD]"),
        |file| {
            file["post_processor"] = json!({
                "type": "RobertaProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2],
                "trim_offsets": true, "add_prefix_space": false
            })
        },
    ];
    for edit in edits {
        let file = edited(edit);
        assert!(matches!(read(&file), Reading::Other), "{file}");
        let json = file.to_string();
        assert!(QueryTokenizer::from_json(json.as_bytes(), &info()).is_ok(), "{file}");
    }
    // The crate refuses these files too.
    let edits: [fn(&mut Value); 4] = [
        |file| file["version"] = json!("2.0"),
        |file| file["colour"] = json!("green"),
        |file| file["decoder"] = json!({ "type": "Green" }),
        |file| file["padding"] = json!(5),
    ];
    for edit in edits {
        let file = edited(edit);
        assert!(matches!(read(&file), Reading::Other), "{file}");
        refused(file.to_string().as_bytes(), &[]);
    }
}

#[test]
fn other_models_are_left_to_the_crate() {
    let models = [
        json!({ "type": "WordLevel", "unk_token": "[UNK]", "vocab": { "[UNK]": 0, "what": 1 } }),
        json!({ "type": "BPE", "vocab": { "a": 0, "b": 1, "ab": 2 }, "merges": ["a b"] }),
        json!({ "type": "Unigram", "unk_id": 0, "vocab": [["[UNK]", 0.0], ["a", -1.0]] }),
    ];
    for model in models {
        let file = edited(|file| {
            file["model"] = model;
            file["added_tokens"] = json!([]);
        });
        assert!(matches!(read(&file), Reading::Other), "{file}");
        let tokenizer = QueryTokenizer::from_json(file.to_string().as_bytes(), &info());
        assert!(tokenizer.is_ok(), "{:?}", tokenizer.err());
    }
}

#[test]
fn a_truncated_file_is_refused_at_every_length() {
    let json = tiny_json();
    for length in 0..json.len() {
        refused(&json[..length], &[]);
    }
}

#[test]
fn invalid_ids_are_refused_and_named() {
    let cases: [(Value, &[&str]); 8] = [
        (json!(-1), &["\"what\"", "-1", "whole number"]),
        (json!(1.5), &["\"what\"", "1.5"]),
        (json!(5_000_000_000_u64), &["\"what\"", "5000000000"]),
        (json!(u32::MAX), &["\"what\"", "4294967295"]),
        (json!(1 << 24), &["\"what\"", "16777216"]),
        (json!(7), &["\"what\"", "\"##b\"", "same id 7"]),
        (json!("7"), &[]),
        (Value::Null, &[]),
    ];
    for (id, says) in cases {
        let file = edited(|file| file["model"]["vocab"]["what"] = id);
        refused(file.to_string().as_bytes(), says);
    }
}

#[test]
fn a_token_that_is_listed_twice_is_refused_and_named() {
    let json = edited(|file| file["model"]["vocab"]["another"] = json!(214)).to_string();
    refused(
        json.replace("\"another\"", "\"what\"").as_bytes(),
        &["\"what\" is listed twice", "214"],
    );
}

#[test]
fn an_unknown_token_that_is_not_in_the_vocabulary_is_refused_and_named() {
    let file = edited(|file| file["model"]["unk_token"] = json!("[NONE]"));
    refused(file.to_string().as_bytes(), &["[NONE]"]);
}

#[test]
fn special_tokens_that_leave_no_room_are_refused() {
    let refused = QueryTokenizer::from_json(&tiny_json(), &EncoderInfo { max_tokens: 2, ..info() });
    assert!(refused.err().unwrap().to_string().contains("2 special tokens"));
    let roomy = EncoderInfo { max_tokens: 2, special_tokens: false, ..info() };
    assert!(QueryTokenizer::from_json(&tiny_json(), &roomy).is_ok());
}

#[test]
fn layout_and_order_make_no_difference() {
    let plain = Both::new(&tiny_json());
    let file = tiny();
    let mut layouts = vec![serde_json::to_string_pretty(&file).unwrap(), file.to_string()];
    // The scan returns `None` where the file has another `vocab`, also inside a text.
    let words = |word: &str| {
        let text = file.to_string();
        text.replace("\"what\"", &format!("\"{word}\""))
    };
    layouts.extend(["vocab", "voc\\u0061b", "a\\\"vocab"].map(words));
    layouts.push(file.to_string().replace("\"vocab\":{", " \"vocab\"\t:\r\n {  "));
    layouts.push(file.to_string().replace("\"vocab\":{", "\"voc\\u0061b\":{"));
    for layout in layouts {
        let both = Both::new(layout.as_bytes());
        for text in ["What is the vocab? answering", "a\"vocab"] {
            both.agree(text, WHOLE, true);
        }
        assert_eq!(both.own.vocabulary(), plain.own.vocabulary());
    }
}

#[test]
fn the_usual_file_is_read_in_one_pass() {
    for json in [word_piece_json(), tiny_json()] {
        assert!(vocabulary_scan::cut_out(std::str::from_utf8(&json).unwrap()).is_some());
    }
}

#[test]
fn a_vocabulary_elsewhere_is_not_the_models() {
    for (inner, refused_as) in [("{}", "unk_token"), ("{\"[UNK]\": 01}", "line 1")] {
        let file = edited(|file| {
            file["added_tokens"] = json!([]);
            file["model"]["vocab"] = Value::Null;
            file["padding"] = json!({
                "strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": null,
                "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]", "vocab": { "[UNK]": 0, "a": 1 }
            });
        });
        let json = file.to_string().replace("\"vocab\":null", &format!("\"vocab\":{inner}"));
        refused(json.as_bytes(), &[refused_as]);
    }
}

#[test]
fn a_piece_written_with_escapes_is_the_same_piece() {
    let json = String::from_utf8(tiny_json()).unwrap();
    let escaped =
        json.replace("\"what\"", "\"\\u0077hat\"").replace("\"##ing\"", "\"\\u0023#ing\"");
    let both = Both::new(escaped.as_bytes());
    both.agree("what whating", WHOLE, true);
    assert_eq!(both.own.tokenize("what", WHOLE, false).ids, [145]);
}

proptest! {
    /// After any change of bytes: a file that is read as plain BERT, the crate reads too and gives the
    /// same ids; and nothing panics.
    #[test]
    fn a_damaged_file_is_read_only_where_the_crate_reads_it_alike(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        from in any::<prop::sample::Index>(),
    ) {
        let mut json = tiny_json();
        for (index, byte) in changes {
            let at = index.index(json.len());
            // Half of the changes keep the file JSON more often: a byte from elsewhere in it.
            json[at] = if byte < 128 { byte } else { json[from.index(json.len())] };
        }
        if let Reading::Bert(own) = file::read(&json) {
            let both = Both { own: *own, library: library(&json).unwrap() };
            both.agree("What is the capital [SEP] of répétition?什么", WHOLE, true);
        }
    }
}
