//! Tests that the own Unigram pipeline gives the ids of the `tokenizers` crate, and which files it reads.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::equality::{text, truncation};
use super::*;

/// One file, read by the own pipeline and by the crate.
struct Both {
    own: UnigramPipeline,
    library: LibraryPipeline,
}

impl Both {
    fn new(file: &Value) -> Self {
        let json = file.to_string();
        let own = unigram_file::read(json.as_bytes()).unwrap();
        Self { own, library: library(json.as_bytes()).unwrap() }
    }

    fn agree(&self, text: &str, truncation: Truncation, special_tokens: bool) {
        let own = self.own.tokenize(text, truncation, special_tokens);
        let library = self.library.tokenize(text, truncation, special_tokens).unwrap();
        assert_eq!(own, library, "{text:?}, {truncation:?}, special tokens: {special_tokens}");
    }
}

/// A tokenizer of four special tokens and the pieces with their scores.
fn unigram(pieces: impl IntoIterator<Item = (String, f64)>) -> Value {
    let rules = UnigramRules::new();
    let special = ["<s>", "</s>", "<unk>", "<mask>"];
    let added: Vec<Value> = (special.iter().enumerate())
        .map(|(id, content)| {
            json!({
                "id": id, "content": content, "single_word": false, "lstrip": *content == "<mask>",
                "rstrip": false, "normalized": false, "special": true
            })
        })
        .collect();
    let special = special.map(|content| (content.to_owned(), 0.0));
    let vocabulary: Vec<Value> =
        (special.into_iter().chain(pieces)).map(|(piece, score)| json!([piece, score])).collect();
    let listed = |id: usize, name: &str| json!({"id": name, "ids": [id], "tokens": [name]});
    let named = |id: &str| json!({"SpecialToken": {"id": id, "type_id": 0}});
    let sequence = |id: &str| json!({"Sequence": {"id": id, "type_id": 0}});
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added,
        "normalizer": rules.normalizer, "pre_tokenizer": rules.pre_tokenizer,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [named("<s>"), sequence("A"), named("</s>")],
            "pair": [named("<s>"), sequence("A"), named("</s>"), sequence("B"), named("</s>")],
            "special_tokens": {"<s>": listed(0, "<s>"), "</s>": listed(1, "</s>")}
        },
        "decoder": rules.decoder,
        "model": {"type": "Unigram", "unk_id": 2, "byte_fallback": false, "vocab": vocabulary}
    })
}

/// Pieces of words, with scores that tie in places; `\"` and `\\` among them.
fn pieces() -> Vec<(String, f64)> {
    let words = [
        "\u{2581}",
        "\u{2581}the",
        "\u{2581}what",
        "\u{2581}wh",
        "at",
        "w",
        "h",
        "a",
        "t",
        "e",
        "i",
        "s",
        "is",
        "\u{2581}is",
        "ing",
        "in",
        "g",
        "\u{2581}Prove",
        "Pro",
        "ve",
        "ans",
        "wer",
        "swer",
        "un",
        "happ",
        "ily",
        "b",
        "ab",
        "abab",
        "é",
        "e\u{301}",
        "fi",
        "ﬁ",
        "什",
        "么",
        "什么",
        "가",
        "각",
        "\"",
        "\\",
        "x",
        "=",
        "1",
        ";",
        "\u{2581}x",
        "2",
        "½",
        "1⁄2",
        "⁄",
        "\u{1f468}",
        "\u{200d}",
        "...",
        ".",
        "<",
        ">",
        "</",
        "s>",
    ];
    let score =
        |i: usize| -1.0 - (i % 7) as f64 / 4.0 - if i.is_multiple_of(5) { 3.125 } else { 0.0 };
    words.iter().enumerate().map(|(i, word)| ((*word).to_owned(), score(i))).collect()
}

static WORDS: LazyLock<Both> = LazyLock::new(|| Both::new(&unigram(pieces())));
/// Every character of the planes that hold text is a piece, so that each step shows in the ids.
static CHARACTERS: LazyLock<Both> = LazyLock::new(|| {
    let alone = (' '..'\u{1_2000}').chain('\u{1_d000}'..'\u{1_fb00}');
    let alone = alone.filter(|&c| c.is_ascii_graphic() || !c.is_ascii());
    Both::new(&unigram(alone.map(|c| (c.to_string(), -5.25))))
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn ids_are_the_crates(text in text(), truncation in truncation(), special_tokens: bool) {
        WORDS.agree(&text, truncation, special_tokens);
        CHARACTERS.agree(&text, truncation, special_tokens);
    }

    #[test]
    fn ids_are_the_crates_for_any_scores(
        text in "[abc \u{2581}é]{0,24}",
        pieces in prop::collection::btree_map(
            "\u{2581}?[abcé]{1,4}", prop::sample::select(vec![0.0, -0.5, -1.0, -1.5, -2.0, -40.0]), 0..30,
        ),
    ) {
        Both::new(&unigram(pieces)).agree(&text, WHOLE, true);
    }
}

#[test]
fn every_character_is_taken_as_the_crate_takes_it() {
    let characters: Vec<char> = ('\0'..'\u{3_2000}').chain('\u{e_0000}'..'\u{e_0200}').collect();
    for some in characters.chunks(256) {
        let text: String = some.iter().flat_map(|&c| ['a', c, 'b', ' ']).collect();
        CHARACTERS.agree(&text, WHOLE, false);
    }
}

#[test]
fn scores_decide_and_neighbours_without_a_piece_are_one_unknown_token() {
    let ids = |text: &str| {
        let tokens = WORDS.own.tokenize(text, WHOLE, true);
        let pieces = WORDS.own.pieces.len() as i64;
        assert!(tokens.ids.iter().all(|&id| id < pieces));
        tokens.ids
    };
    let id = |piece: &str| i64::from(WORDS.own.pieces.id(piece).unwrap());
    assert_eq!(ids("what"), [0, id("\u{2581}what"), 1]);
    assert_eq!(ids("\u{fb01}"), [0, id("\u{2581}"), id("fi"), 1], "NFKC");
    assert_eq!(ids("QQ w"), [0, id("\u{2581}"), 2, id("\u{2581}"), id("w"), 1]);
    assert_eq!(ids(" \t "), [0, 1]);
}

#[test]
fn a_file_with_other_rules_is_left_to_the_crate() {
    let edits: [fn(&mut Value); 9] = [
        |file| file["normalizer"] = json!({"type": "NFKC"}),
        |file| file["pre_tokenizer"]["pretokenizers"][1]["split"] = json!(false),
        |file| file["decoder"]["prepend_scheme"] = json!("never"),
        |file| file["model"]["byte_fallback"] = json!(true),
        |file| file["model"]["unk_id"] = json!(null),
        |file| file["model"]["vocab"][4][1] = json!(0.5),
        |file| file["model"]["vocab"][4][1] = json!(-1e-7),
        |file| file["model"]["vocab"][5][0] = json!("the"),
        |file| file["more"] = json!(1),
    ];
    for edit in edits {
        let mut file = unigram([("the".to_owned(), -1.0), ("t".to_owned(), -2.0)]);
        assert!(unigram_file::read(file.to_string().as_bytes()).is_some());
        edit(&mut file);
        assert!(unigram_file::read(file.to_string().as_bytes()).is_none(), "{file}");
    }
}

proptest! {
    #[test]
    fn a_damaged_file_is_read_as_the_crate_reads_it_or_refused(
        at in any::<prop::sample::Index>(),
        byte: u8,
        cut: bool,
    ) {
        let mut json = unigram(pieces()).to_string().into_bytes();
        let at = at.index(json.len());
        match cut {
            true => json.truncate(at),
            false => json[at] = byte,
        }
        if let Some(own) = unigram_file::read(&json) {
            let both = Both { own, library: library(&json).unwrap() };
            both.agree("what is the answering \"x=1\" <mask> QQ", WHOLE, true);
        }
    }
}
