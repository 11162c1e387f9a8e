//! Hashed n-grams of known texts, compared with a plain definition, and refused settings.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn settings() -> NgramSettings {
    NgramSettings {
        buckets: 393_216,
        characters: [2, 5],
        words: [1, 2],
        lowercase: true,
        max_characters: 20_000,
        tail_characters: None,
    }
}

fn found(settings: NgramSettings, text: &str) -> BTreeMap<i64, i64> {
    let tokens = HashedNgrams::new(settings).unwrap().tokenize(text);
    assert!(tokens.ids.is_sorted_by(|a, b| a < b), "{text:?}");
    tokens.ids.into_iter().zip(tokens.counts).collect()
}

/// Step by step, with a text for each n-gram.
fn defined(settings: &NgramSettings, text: &str, tail: Option<&str>) -> BTreeMap<i64, i64> {
    let mut buckets = BTreeMap::new();
    for (text, prefix) in [(Some(text), ""), (tail, "t")] {
        let text: String = text.unwrap_or("").nfkc().map(|(c, _)| c).collect();
        let lower = |c: char| match settings.lowercase {
            true => c.to_lowercase().collect(),
            false => vec![c],
        };
        let text: String = text.chars().flat_map(lower).collect();
        let text: String = text.chars().filter(|c| c.is_whitespace() || !c.is_control()).collect();
        let mut words: Vec<String> = Vec::new();
        let mut add = |kind: char, n: usize, ngram: &str| {
            let bytes = [prefix.as_bytes(), &[kind as u8, n as u8], ngram.as_bytes()].concat();
            let hash = mix(fnv(0xcbf2_9ce4_8422_2325, &bytes));
            let bucket = (hash % u64::from(settings.buckets)) as i64;
            *buckets.entry(bucket).or_insert(0) += 1;
        };
        for chunk in text.split_whitespace() {
            let chars: Vec<char> = format!(" {chunk} ").chars().collect();
            for n in settings.characters[0]..=settings.characters[1] {
                for ngram in chars.windows(n) {
                    let ngram: String = ngram.iter().collect();
                    if ngram != " " {
                        add('c', n, &ngram);
                    }
                }
            }
            let mut open = false;
            for c in chunk.chars() {
                match words.last_mut().filter(|_| open && c.is_alphanumeric()) {
                    Some(word) => word.push(c),
                    None => words.push(c.to_string()),
                }
                open = c.is_alphanumeric();
            }
        }
        for n in settings.words[0]..=settings.words[1] {
            words.windows(n).for_each(|words| add('w', n, &words.join(" ")));
        }
    }
    buckets
}

#[test]
fn known_texts_have_known_buckets() {
    let expected = [
        (54_707, 1),
        (75_257, 1),
        (148_120, 1),
        (148_516, 1),
        (154_220, 1),
        (157_187, 1),
        (216_407, 2),
        (221_313, 1),
        (291_407, 1),
        (317_288, 1),
        (344_847, 1),
        (362_978, 2),
    ];
    assert_eq!(found(settings(), "A a."), expected.into());
    let expected = [
        (8926, 2),
        (153_097, 2),
        (192_074, 2),
        (295_191, 2),
        (314_713, 1),
        (353_876, 2),
        (389_189, 2),
        (390_346, 2),
    ];
    for text in ["Né\t né", "  ne\u{301}\u{7} NÉ\r\n"] {
        assert_eq!(found(settings(), text), expected.into());
    }
    // The word in the namespace of tails.
    let tail = NgramSettings { tail_characters: Some(300), ..settings() };
    assert_eq!(found(tail, "b\na").get(&124_856), Some(&1));
}

#[test]
fn the_last_line_has_buckets_of_its_own() {
    let of = |text: &str| {
        let settings = NgramSettings { tail_characters: Some(6), ..settings() };
        found(settings, text)
    };
    let plain = settings();
    for (text, tail) in [
        ("Read this.\n\nSay hello.\n \n", "hello."),
        ("one\r\ntwo", "two"),
        ("no line break", " break"),
        ("日本語\nはい", "はい"),
    ] {
        assert_eq!(of(text), defined(&plain, text, Some(tail)), "{text:?}");
    }
    let context = "A note of many lines.\n".repeat(40);
    assert_ne!(of(&format!("{context}Stop.")), of(&format!("{context}Prove.")));
}

#[test]
fn a_long_text_is_read_at_both_ends_and_counted_as_a_whole() {
    let short = NgramSettings { max_characters: 8, ..settings() };
    let whole = "é1 bbbbbbbbbb 2345 é7";
    assert_eq!(found(short.clone(), whole), found(short.clone(), "é1\n345 é7"));
    assert_eq!(found(short.clone(), "1234567é"), found(settings(), "1234567é"));
    let hasher = HashedNgrams::new(short).unwrap();
    let long = hasher.tokenize(&"ab cd ".repeat(1000));
    assert_eq!((long.rated, long.total), (4, 3000));
    assert_eq!(hasher.count(&"ab cd ".repeat(1000)), 3000);
}

#[test]
fn tokens_are_estimated_by_words_characters_and_bytes() {
    let hasher = HashedNgrams::new(settings()).unwrap();
    for (text, expected) in [
        ("one two three", 4),
        ("a+b", 4),
        ("意大利的首都是哪里？", 13),
        ("用Rust写", 4),
        (&"x".repeat(8000), 1000),
    ] {
        let tokens = hasher.tokenize(text);
        assert_eq!((tokens.total, tokens.rated), (expected, expected), "{text}");
        assert_eq!(hasher.count(text), expected, "{text}");
    }
}

#[test]
fn a_text_without_a_visible_character_has_no_bucket() {
    assert_eq!(found(settings(), " \n\u{3000}\u{7}"), BTreeMap::new());
    assert_eq!(found(settings(), ""), BTreeMap::new());
}

#[test]
fn settings_are_read_and_written_and_unknown_ones_are_refused() {
    let read = |json: &serde_json::Value| {
        NgramSettings::read(json.to_string().as_bytes())
            .map(|read| read.and_then(HashedNgrams::new))
    };
    let file = json!({
        "type": "HashedNgrams", "version": 1, "buckets": 16_777_216, "characters": [1, 8],
        "words": [1, 1], "lowercase": false, "max_characters": 4, "tail_characters": 4
    });
    let settings = read(&file).unwrap().unwrap().settings;
    let again: serde_json::Value = serde_json::from_slice(&settings.to_json()).unwrap();
    assert_eq!(again, file);
    for (field, value, expected) in [
        ("version", json!(2), "version 2, this engine reads version 1"),
        ("buckets", json!(0), "buckets is 0: expected 1 to 16777216"),
        ("buckets", json!(16_777_217), "expected 1 to 16777216"),
        ("buckets", json!(-1), "hashed n-grams: invalid value"),
        ("characters", json!([0, 3]), "characters is [0, 3]"),
        ("characters", json!([3, 2]), "characters is [3, 2]"),
        ("words", json!([1, 9]), "words is [1, 9]"),
        ("words", json!([1]), "hashed n-grams: invalid length 1"),
        ("max_characters", json!(3), "max_characters is 3: expected 4 to 1048576"),
        ("tail_characters", json!(5), "tail_characters is 5: expected 1 to max_characters, 4"),
        ("tail_characters", json!(0), "tail_characters is 0"),
        ("lowercase", json!("yes"), "hashed n-grams: invalid type"),
        ("accents", json!(true), "unknown field `accents`"),
    ] {
        let mut file = file.clone();
        file[field] = value;
        let error = read(&file).unwrap().err().unwrap().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let mut other = file.clone();
    other["type"] = json!("WordPiece");
    assert!(read(&other).is_none());
    assert!(read(&json!({"model": {}})).is_none() && read(&json!([])).is_none());
}

proptest! {
    #[test]
    fn buckets_are_those_of_the_definition(
        text in "[a-cA-C éИΣσ界ก.\u{301}\u{b}\u{1}\n-]{0,40}|\\PC{0,30}",
        least in 1_usize..4,
        more in 0_usize..4,
        words in 1_usize..4,
        buckets in prop::sample::select(vec![1_u32, 7, 1 << 24]),
        lowercase: bool,
    ) {
        let settings = NgramSettings {
            buckets,
            characters: [least, least + more],
            words: [1, words],
            lowercase,
            ..settings()
        };
        let expected = defined(&settings, &text, None);
        prop_assert_eq!(found(settings, &text), expected);
    }
}
