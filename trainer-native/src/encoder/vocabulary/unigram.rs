//! Which tokens of a Unigram model are kept.
//!
//! A token counts as often as the corpus uses it, and as often again as the model expects of a text of the
//! corpus' length: `total * e^score`, where a score is a log probability under the languages that the model
//! was made from. So the pieces of a language in which the corpus has few queries stay too.
//!
//! Needed whatever the corpus are the special tokens, the single ASCII characters, the mark that begins a
//! word, and the letters and digits of every alphabet: a language that the corpus lacks is spelt out.
//! Ideographs and Korean syllables, of which there are thousands, are kept by use, where a character
//! counts as often as any token that contains it: it spells those that are dropped. The token of the
//! lowest score is kept too, since it sets what an unknown character costs.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{Piece, TokenCounts};

/// Begins a word.
const WORD_MARK: &str = "\u{2581}";

/// The tokens of a model.
pub(super) fn pieces<'a>(
    model: &'a Value,
    special: &HashSet<&str>,
    counts: &TokenCounts,
) -> Result<Vec<Piece<'a>>, String> {
    let vocabulary = model["vocab"].as_array().ok_or("model.vocab is no list")?;
    let unknown = model["unk_id"].as_u64().ok_or("model.unk_id is no number")?;
    #[allow(clippy::cast_precision_loss)]
    let total = counts.total() as f64;
    let mut lowest = (f64::INFINITY, 0);
    let mut characters: HashMap<char, u64> = HashMap::new();
    let mut pieces = Vec::with_capacity(vocabulary.len());
    for (id, entry) in (0_u32..).zip(vocabulary) {
        let (Some(text), Some(score)) = (entry[0].as_str(), entry[1].as_f64()) else {
            return Err(format!(
                "token {id} of model.vocab is {entry}, expected [\"text\", score]"
            ));
        };
        if score < lowest.0 {
            lowest = (score, id);
        }
        // Special tokens have the score 0, a probability of 1.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let expected = if score < 0.0 { (total * score.exp()).round() as u64 } else { 0 };
        let uses = counts.get(id).saturating_add(expected);
        if uses > 0 {
            text.chars().for_each(|c| *characters.entry(c).or_default() += uses);
        }
        pieces.push(Piece { id, text, needed: false, uses });
    }
    for piece in &mut pieces {
        let mut chars = piece.text.chars();
        let single = chars.next().filter(|_| chars.next().is_none());
        if let Some(c) = single {
            piece.uses = characters.get(&c).copied().unwrap_or_default();
        }
        piece.needed = special.contains(piece.text)
            || piece.text == WORD_MARK
            || single.is_some_and(|c| c.is_ascii() || is_of_an_alphabet(c))
            || u64::from(piece.id) == unknown
            || piece.id == lowest.1;
    }
    Ok(pieces)
}

/// Whether a letter or digit belongs to a script of few characters.
fn is_of_an_alphabet(c: char) -> bool {
    let of_thousands = matches!(
        c,
        '\u{3400}'..='\u{4dbf}'
            | '\u{4e00}'..='\u{9fff}'
            | '\u{a000}'..='\u{a4cf}'
            | '\u{ac00}'..='\u{d7a3}'
            | '\u{f900}'..='\u{faff}'
            | '\u{10000}'..
    );
    c.is_alphanumeric() && !of_thousands
}

/// Keeps the tokens at `original_ids`.
pub(super) fn keep(model: &mut Value, original_ids: &[u32]) {
    let unknown = model["unk_id"].as_u64();
    let unknown = original_ids.iter().position(|&id| Some(u64::from(id)) == unknown);
    model["unk_id"] = unknown.map_or(Value::Null, Value::from);
    if let Some(vocabulary) = model["vocab"].as_array_mut() {
        let kept = original_ids.iter().map(|&id| vocabulary[id as usize].take()).collect();
        *vocabulary = kept;
    }
}
