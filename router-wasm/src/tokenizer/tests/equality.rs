//! Tests that both give the same ids for every text, every rule and every truncation.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

/// Text of all kinds, mixed: words, accents, marks, ideographs, emoji, controls, odd spaces,
/// special tokens spelt out, and words beyond the longest that is looked up.
pub(super) fn text() -> impl Strategy<Value = String> {
    let stretch = prop_oneof![
        4 => "[ -~]{0,12}",
        4 => "[a-zA-Z]{1,12} ",
        2 => prop::sample::select(vec![
            "what", " is", " the ", "Prove", "answering", "unhappily", "[SEP]", "[CLS]", "[MASK]",
            "[UNK]", "[PAD]", "[sep]", "[SE", "]", "##s", "a##b", "don't", "x=1;\n\ty+=2",
        ])
        .prop_map(str::to_owned),
        2 => "[À-ÿĀ-žǍ-ǜȀ-țḀ-ỹ]{1,6}",
        2 => "[a-e]?[\u{300}-\u{345}\u{591}-\u{5bd}\u{302e}\u{302f}\u{1d165}\u{1d16d}\u{3099}]{1,5}",
        2 => "[\u{4e00}-\u{4e20}\u{3400}-\u{3410}\u{f900}-\u{f920}\u{2f800}-\u{2f810}\u{2b820}]{1,5}",
        1 => "[\u{1f600}-\u{1f610}\u{1f468}\u{1f469}\u{200d}\u{fe0f}\u{1f3fb}\u{1f52c}]{1,6}",
        1 => "[가-갏힐-힣ᄀ-다-ᅣᆨ-ᆫ]{1,5}",
        1 => "[\u{600}-\u{660}\u{6dd}\u{70f}]{1,6}",
        1 => "[\u{0}-\u{1f}\u{7f}-\u{9f}]{1,3}",
        1 => "[\u{a0}\u{ad}\u{1680}\u{2000}-\u{200f}\u{2028}-\u{202f}\u{205f}-\u{2064}\u{3000}\u{feff}\u{fffd}\u{fff9}]{1,4}",
        1 => "[‐-‧‰-⁞¡-¿;·´`≠≮İıſKÅΣσς⸀-⸮、-〟]{1,4}",
        1 => "[a-zé]{95,105}",
        1 => "(ab){40,60}|[é]{98,102}|(e\u{301}){60}",
        2 => prop::collection::vec(any::<char>(), 0..6).prop_map(String::from_iter),
    ];
    prop::collection::vec(stretch, 0..12).prop_map(|stretches| stretches.concat())
}

pub(super) fn truncation() -> impl Strategy<Value = Truncation> {
    let limit = prop_oneof![1..40_usize, Just(1), Just(1 << 20), Just(usize::MAX)];
    let side = prop::sample::select(SIDES.to_vec());
    (limit, side).prop_map(|(limit, side)| Truncation { limit, side })
}

/// Pieces for every character of the planes that hold text, at both places, and a few longer ones.
fn all_characters() -> Vec<String> {
    let alone =
        ('!'..'\u{1_2000}').chain('\u{1_d000}'..'\u{1_fb00}').chain('\u{2_f800}'..'\u{2_fa20}');
    let longer = ["wh", "what", "##at", "##swer", "the", "unhapp", "##ily", "éa", "##e\u{301}"];
    alone.flat_map(|c| [c.to_string(), format!("##{c}")]).chain(longer.map(str::to_owned)).collect()
}

/// The rules with all characters known: the usual one, accents and case kept, and none.
static CHARACTERS: LazyLock<Vec<Both>> = LazyLock::new(|| {
    [
        bert_normalizer(true, true, None, true),
        bert_normalizer(true, true, Some(false), false),
        bert_normalizer(false, false, Some(false), true),
        Value::Null,
    ]
    .into_iter()
    .map(|normalizer| Both::new(tokenizer(all_characters(), normalizer).to_string().as_bytes()))
    .collect()
});

const SIDES: [TruncationSide; 3] =
    [TruncationSide::Left, TruncationSide::Right, TruncationSide::Middle];

static DEFAULT: LazyLock<Both> = LazyLock::new(|| Both::new(&word_piece_json()));
static TINY: LazyLock<Both> = LazyLock::new(|| Both::new(&tiny_json()));
static RULES: LazyLock<Vec<Both>> = LazyLock::new(|| {
    let letters = ('!'..='ÿ').flat_map(|c| [c.to_string(), format!("##{c}")]);
    let pieces: Vec<String> =
        letters.chain(["the", "##ing", "一", "がん"].map(str::to_owned)).collect();
    let files = normalizers().into_iter().map(|n| tokenizer(pieces.clone(), n).to_string());
    files.map(|json| Both::new(json.as_bytes())).collect()
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn ids_are_the_crates_on_real_vocabularies(
        text in text(),
        truncation in truncation(),
        special_tokens: bool,
    ) {
        DEFAULT.agree(&text, truncation, special_tokens);
        TINY.agree(&text, truncation, special_tokens);
    }

    #[test]
    fn ids_are_the_crates_where_every_character_counts(
        text in text(),
        truncation in truncation(),
    ) {
        for both in CHARACTERS.iter() {
            both.agree(&text, truncation, true);
        }
    }

    #[test]
    fn ids_are_the_crates_under_every_rule(text in text()) {
        for both in RULES.iter() {
            both.agree(&text, WHOLE, false);
        }
    }
}

#[test]
fn every_character_is_taken_as_the_crate_takes_it() {
    let text = ('\0'..'\u{3_2000}').chain('\u{e_0000}'..'\u{e_0200}');
    let private = ('\u{f_fff0}'..'\u{10_0010}').chain('\u{10_fff0}'..=char::MAX);
    let characters: Vec<char> = text.chain(private).collect();
    for both in CHARACTERS.iter() {
        for some in characters.chunks(256) {
            let text: String = some.iter().flat_map(|&c| ['a', c, 'b', ' ']).collect();
            both.agree(&text, WHOLE, false);
        }
    }
}

#[test]
fn every_length_of_truncation_keeps_the_right_part() {
    let text = "what is the unhappily [SEP] répétition, of 什么 words? ".repeat(3);
    for limit in 1..120 {
        for side in SIDES {
            for special_tokens in [false, true] {
                DEFAULT.agree(&text, Truncation { limit, side }, special_tokens);
                TINY.agree(&text, Truncation { limit, side }, special_tokens);
            }
        }
    }
}

#[test]
fn a_long_query_is_counted_whole() {
    let text = "abc ".repeat(40_000);
    for side in SIDES {
        let tokens = TINY.own.tokenize(&text, Truncation { limit: 6, side }, false);
        assert_eq!((tokens.ids.len(), tokens.total), (6, 120_000));
    }
}

#[test]
fn both_know_as_many_tokens() {
    for both in [&*DEFAULT, &*TINY] {
        assert_eq!(both.own.vocabulary(), both.library.vocabulary());
    }
}
