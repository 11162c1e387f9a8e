//! Tests of pieces with hashed pairs: which ids a text has, and which files are refused.

use serde_json::{Value, json};

use super::*;
use crate::manifest::TruncationSide;

fn word_level() -> Value {
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
        "normalizer": null, "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": null,
        "decoder": null,
        "model": {"type": "WordLevel", "vocab": {"<unk>": 0, "a": 1, "b": 2, "c": 3},
                  "unk_token": "<unk>"}
    })
}

fn file(settings: PieceSettings) -> Vec<u8> {
    settings.to_json(word_level().to_string().as_bytes())
}

fn read(bytes: &[u8]) -> PiecePairs {
    PiecePairs::read(bytes).unwrap().unwrap()
}

fn fault(bytes: &[u8]) -> String {
    PiecePairs::read(bytes).unwrap().err().unwrap().to_string()
}

const WHOLE: Truncation = Truncation { limit: 100, side: TruncationSide::Middle };

/// The definition, written once more.
fn hash(namespace: u8, pieces: &[u32], buckets: u64) -> i64 {
    let bytes = pieces.iter().flat_map(|piece| piece.to_le_bytes());
    let mut h: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in std::iter::once(namespace).chain(bytes) {
        h = (h ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    }
    h = (h ^ (h >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    h = (h ^ (h >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    4 + i64::try_from((h ^ (h >> 33)) % buckets).unwrap()
}

#[test]
fn pieces_pairs_and_the_last_line_have_ids_as_defined() {
    let settings = PieceSettings { buckets: 1 << 20, tail_characters: Some(3) };
    let tokens = read(&file(settings)).tokenize("a b\na b c\n", WHOLE).unwrap();
    let pairs = [[1, 2], [2, 1], [1, 2], [2, 3]].map(|pair| hash(b'p', &pair, 1 << 20));
    // Of the last line its last three characters.
    let tail = [2, 3].map(|piece| hash(b't', &[piece], 1 << 20));
    let mut expected: Vec<i64> = [1, 2, 1, 2, 3].into_iter().chain(pairs).chain(tail).collect();
    expected.sort_unstable();
    let all: Vec<i64> = (tokens.ids.iter().zip(&tokens.counts))
        .flat_map(|(&id, &count)| std::iter::repeat_n(id, usize::try_from(count).unwrap()))
        .collect();
    assert_eq!(all, expected);
    assert!(tokens.ids.windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!((tokens.total, tokens.rated), (5, 5));
}

#[test]
fn a_long_text_is_cut_in_the_middle_and_without_a_tail_setting_has_no_tail() {
    let settings = PieceSettings { buckets: 1 << 20, tail_characters: None };
    let four = Truncation { limit: 4, side: TruncationSide::Middle };
    let pairs = read(&file(settings));
    let tokens = pairs.tokenize("a b b b b c c a", four).unwrap();
    assert_eq!((tokens.total, tokens.rated), (8, 4));
    assert_eq!(tokens, Tokens { total: 8, ..pairs.tokenize("a c c a", WHOLE).unwrap() });
    assert_eq!(pairs.count("a b b b b c c a", four), 8);
    assert_eq!(pairs.vocabulary(), 4 + (1 << 20));
    assert!(pairs.tokenize(" \n", WHOLE).unwrap().ids.is_empty());
}

#[test]
fn a_damaged_file_is_refused_with_the_reason() {
    let good =
        String::from_utf8(file(PieceSettings { buckets: 8, tail_characters: None })).unwrap();
    assert!(PiecePairs::read(b"{\"type\":\"HashedNgrams\"}").is_none());
    for (from, to, expected) in [
        ("\"version\":1,", "\"version\":2,", "of version 2, this engine reads version 1"),
        ("\"buckets\":8", "\"buckets\":0", "buckets is 0: expected 1 to 16777216"),
        ("\"buckets\":8", "\"buckets\":99999999", "buckets is 99999999"),
        ("\"tail_characters\":null", "\"tail_characters\":0", "tail_characters is 0: expected 1"),
        ("\"tail_characters\"", "\"tail\"", "unknown field `tail`"),
        ("WordLevel", "Nothing", "tokenizer"),
    ] {
        assert!(good.contains(from));
        let found = fault(good.replacen(from, to, 1).as_bytes());
        assert!(found.contains(expected), "{found}");
    }
    let nested = PieceSettings { buckets: 8, tail_characters: None }.to_json(good.as_bytes());
    assert!(!fault(&nested).is_empty());
}
