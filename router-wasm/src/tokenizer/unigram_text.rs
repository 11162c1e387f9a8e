//! Text rules of the Unigram pipeline: cleans text, NFKC, splits words at white space.
//!
//! ```text
//! (1) white space and the marks without width become a space      WHITE
//! (2) control characters are removed                              CONTROL
//! (3) NFKC                                                        "ﬁ" -> "fi", "２" -> "2"
//! (4) words end at white space, and each begins with U+2581, the mark of SentencePiece
//! ```
//! SentencePiece's `nmt_nfkc` does the same but for some rare characters. ASCII is not changed by NFKC and
//! white space is not composed with what follows, so stretches between ASCII white space are
//! processed one by one, and those in ASCII without tables.

use serde_json::{Value, json};
use unicode_normalization_alignments::UnicodeNormalization;

/// Begins each word.
pub(super) const WORD_MARK: char = '\u{2581}';

/// What becomes a space, as a class of a regular expression without a backslash, which the reader's scan
/// needs.
const WHITE: &str = "[[:space:]\u{85}\u{200b}-\u{200f}\u{2581}\u{feff}\u{fffd}]";
/// What is removed.
const CONTROL: &str = "[[:cntrl:]\u{80}-\u{9f}]";

/// Parts of a `tokenizer.json` that state the text rules of this crate's Unigram pipeline.
///
/// A file with these parts and a Unigram model is read by this crate itself, and every other one by the
/// `tokenizers` crate.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct UnigramRules {
    /// White space and marks without width become a space, control characters are removed, then NFKC.
    pub normalizer: Value,
    /// Words end at white space and begin with U+2581.
    pub pre_tokenizer: Value,
    /// Turns pieces into text again.
    pub decoder: Value,
}

impl UnigramRules {
    /// The parts as JSON.
    #[must_use]
    pub fn new() -> Self {
        let replace = |class: &str, content: &str| json!({"type": "Replace", "pattern": {"Regex": class}, "content": content});
        let metaspace = json!({
            "type": "Metaspace", "replacement": WORD_MARK.to_string(), "prepend_scheme": "always",
            "split": true
        });
        Self {
            normalizer: json!({
                "type": "Sequence",
                "normalizers": [replace(WHITE, " "), replace(CONTROL, ""), {"type": "NFKC"}]
            }),
            pre_tokenizer: json!({
                "type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace.clone()]
            }),
            decoder: metaspace,
        }
    }
}

impl Default for UnigramRules {
    fn default() -> Self {
        Self::new()
    }
}

/// Calls `take` with each word of `text`, its mark before it; `word` is a buffer.
pub(super) fn for_each_word(text: &str, word: &mut String, mut take: impl FnMut(&str)) {
    let mut take = |found: &mut dyn Iterator<Item = char>| {
        word.clear();
        word.push(WORD_MARK);
        word.extend(found);
        if word.len() > WORD_MARK.len_utf8() {
            take(word);
        }
    };
    let ascii_white = |c: char| c.is_ascii() && is_white(c);
    for stretch in text.split(ascii_white).filter(|stretch| !stretch.is_empty()) {
        if stretch.is_ascii() {
            take(&mut stretch.chars().filter(|&c| !c.is_control()));
            continue;
        }
        let cleaned = stretch.chars().map(|c| if is_white(c) { ' ' } else { c });
        let normalized = cleaned.filter(|c| !c.is_control()).nfkc().map(|(c, _)| c);
        let normalized: String = normalized.collect();
        for found in normalized.split_whitespace() {
            take(&mut found.chars());
        }
    }
}

/// Whether [`WHITE`] contains the character.
fn is_white(c: char) -> bool {
    matches!(
        c,
        '\t'..='\r'
            | ' '
            | '\u{85}'
            | '\u{200b}'..='\u{200f}'
            | WORD_MARK
            | '\u{feff}'
            | '\u{fffd}'
    )
}
