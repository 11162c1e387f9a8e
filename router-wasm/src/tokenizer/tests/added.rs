//! Tests that added and special tokens are found, stripped and inserted as the crate does.

use proptest::prelude::*;

use super::*;

fn added(id: usize, content: &str, lstrip: bool, rstrip: bool) -> Value {
    json!({
        "id": id, "content": content, "single_word": false, "lstrip": lstrip, "rstrip": rstrip,
        "normalized": false, "special": id.is_multiple_of(2)
    })
}

/// A tokenizer of the letters with these added tokens; ids follow the vocabulary's. `None` where
/// they are left to the crate.
fn with_added(contents: &[(String, bool, bool)]) -> Option<Both> {
    let letters = "abcxyz[]<> é\u{2003}".chars().flat_map(|c| [c.to_string(), format!("##{c}")]);
    let mut file = tokenizer(letters, bert_normalizer(true, true, None, true));
    let known = file["model"]["vocab"].clone();
    let mut next = known.as_object().unwrap().len();
    let mut listed: Vec<Value> = Vec::new();
    for (content, lstrip, rstrip) in contents {
        if listed.iter().any(|token| token["content"] == **content) {
            return None;
        }
        let id = known.get(content).and_then(Value::as_u64).map(|id| id as usize);
        let id = id.unwrap_or_else(|| {
            next += 1;
            next - 1
        });
        listed.push(added(id, content, *lstrip, *rstrip));
    }
    file["added_tokens"] = listed.into();
    if contents.iter().any(|(_, _, rstrip)| *rstrip)
        && contents.iter().any(|(content, _, _)| content.starts_with(char::is_whitespace))
    {
        assert!(matches!(file::read(file.to_string().as_bytes()), Reading::Other));
        return None;
    }
    Some(Both::new(file.to_string().as_bytes()))
}

proptest! {
    #[test]
    fn added_tokens_are_found_where_the_crate_finds_them(
        contents in prop::collection::vec(("[ab\\[\\]<> é\u{2003}]{1,3}", any::<bool>(), any::<bool>()), 0..6),
        texts in prop::collection::vec("[abcxyz\\[\\]<> é\u{2003}\n]{0,30}", 8),
    ) {
        if let Some(both) = with_added(&contents) {
            prop_assert_eq!(both.own.vocabulary(), both.library.vocabulary());
            for text in texts {
                both.agree(&text, WHOLE, false);
            }
        }
    }
}

fn template(single: Value) -> Value {
    let mut file = tiny();
    file["post_processor"] = json!({
        "type": "TemplateProcessing", "single": single,
        "pair": [{ "Sequence": { "id": "A", "type_id": 0 } }, { "Sequence": { "id": "B", "type_id": 1 } }],
        "special_tokens": {
            "[CLS]": { "id": "[CLS]", "ids": [2], "tokens": ["[CLS]"] },
            "two": { "id": "two", "ids": [3, 4], "tokens": ["[SEP]", "x"] }
        }
    });
    file
}

fn piece(id: &str) -> Value {
    json!({ "SpecialToken": { "id": id, "type_id": 0 } })
}

#[test]
fn templates_put_the_crates_tokens_around_a_query() {
    let query = || json!({ "Sequence": { "id": "A", "type_id": 0 } });
    for single in [
        json!([piece("[CLS]"), query(), piece("two")]),
        json!([query(), piece("two"), piece("[CLS]")]),
        json!([piece("two"), piece("two"), query()]),
        json!([query()]),
    ] {
        let both = Both::new(template(single).to_string().as_bytes());
        assert_eq!(both.own.special_tokens(), both.library.special_tokens());
        for text in ["", "what is the model", "[SEP] [CLS]", "\u{200b}"] {
            for special_tokens in [false, true] {
                both.agree(text, WHOLE, special_tokens);
                both.agree(
                    text,
                    Truncation { limit: 2, side: TruncationSide::Left },
                    special_tokens,
                );
            }
        }
    }
}

#[test]
fn a_template_with_another_than_one_sequence_is_left_to_the_crate() {
    let query = |id: &str| json!({ "Sequence": { "id": id, "type_id": 0 } });
    for single in [json!([piece("[CLS]")]), json!([query("A"), query("A")]), json!([query("B")])] {
        assert!(matches!(file::read(template(single).to_string().as_bytes()), Reading::Other));
    }
}

#[test]
fn a_template_with_a_token_that_it_does_not_define_is_damaged() {
    let file = template(json!([piece("[NO]"), { "Sequence": { "id": "A", "type_id": 0 } }]));
    match file::read(file.to_string().as_bytes()) {
        Reading::Damaged(detail) => assert!(detail.contains("[NO]"), "{detail}"),
        _ => panic!("the file must be refused"),
    }
}
