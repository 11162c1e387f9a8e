//! Refuses the parts of a `tokenizer.json` on which the `tokenizers` crate panics, when it reads them or
//! at some query later.
//!
//! - A `TemplateProcessing` whose `single` names a special token that it does not list, the second
//!   sequence of a pair, or the sequence more than once: that takes time and makes queries longer than
//!   the graph's longest.
//! - A merge of byte-pair encoding whose product is not in the vocabulary, or whose second piece lacks the
//!   prefix of pieces inside a word.
//! - A `Prepend` normaliser of an empty text: it leaves the text without its places, on which a later step
//!   then fails.
//! - A `Precompiled` normaliser whose `precompiled_charsmap` is no sound double array:
//!
//! ```text
//! base64 of: u32 bytes of the trie, trie u32 [N], replacements (UTF-8, each ends with NUL)
//! unit: label in bits 0..8 and 31, whether a value follows in bit 8, offset in bits 9..32
//! ```

use serde_json::Value;

/// Checks a parsed file.
///
/// # Errors
/// What was found and what was expected.
pub(super) fn check(file: &Value) -> Result<(), String> {
    objects(&file["normalizer"], &mut |part| match &part["precompiled_charsmap"] {
        Value::Null if part["type"] != "Precompiled" => Ok(()),
        Value::String(text) => base64(text)
            .filter(|bytes| is_sound_charsmap(bytes))
            .map(drop)
            .ok_or_else(|| "its precompiled_charsmap is damaged".to_owned()),
        _ => Err("its precompiled_charsmap is not a text".to_owned()),
    })?;
    objects(&file["normalizer"], &mut |part| match part["prepend"].as_str() {
        Some("") => Err("its normalizer prepends an empty text".to_owned()),
        _ => Ok(()),
    })?;
    objects(&file["post_processor"], &mut |part| {
        let pieces = part["single"].as_array().map_or(&[][..], Vec::as_slice);
        pieces.iter().try_for_each(|piece| check_piece(piece, &part["special_tokens"]))?;
        match pieces.iter().filter(|piece| !piece["Sequence"].is_null()).count() {
            0 | 1 => Ok(()),
            found => Err(format!("its template for one sequence repeats it {found} times")),
        }
    })?;
    let model = &file["model"];
    let merges = model["merges"].as_array().into_iter().flatten();
    merges.into_iter().try_for_each(|merge| check_merge(merge, model))
}

/// Calls `check` with each object in a value, itself among them.
fn objects(
    value: &Value,
    check: &mut impl FnMut(&Value) -> Result<(), String>,
) -> Result<(), String> {
    match value {
        Value::Object(fields) => {
            check(value)?;
            fields.values().try_for_each(|value| objects(value, check))
        }
        Value::Array(values) => values.iter().try_for_each(|value| objects(value, check)),
        _ => Ok(()),
    }
}

fn check_piece(piece: &Value, special_tokens: &Value) -> Result<(), String> {
    if let Some(id) = piece["SpecialToken"]["id"].as_str()
        && special_tokens[id].is_null()
    {
        return Err(format!("its template names {id:?}, which special_tokens does not list"));
    }
    match piece["Sequence"]["id"].as_str() {
        Some(id) if id != "A" => Err(format!("its template for one sequence names {id:?}")),
        _ => Ok(()),
    }
}

/// Checks a merge: `["a", "b"]`, in older files `"a b"`.
fn check_merge(merge: &Value, model: &Value) -> Result<(), String> {
    let pair = match merge {
        Value::String(text) => text.split_once(' '),
        _ => merge[0].as_str().zip(merge[1].as_str()),
    };
    // The crate refuses what is no pair.
    let Some((first, second)) = pair else { return Ok(()) };
    let prefix = model["continuing_subword_prefix"].as_str().unwrap_or_default();
    let merged = second.strip_prefix(prefix).map(|second| format!("{first}{second}"));
    match merged.is_some_and(|merged| model["vocab"].get(merged).is_some()) {
        true => Ok(()),
        false => Err(format!("its merge of {first:?} and {second:?} is not in its vocabulary")),
    }
}

/// Decodes base64 with padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').as_bytes();
    if !text.len().is_multiple_of(4) || text.len() - digits.len() > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for group in digits.chunks(4) {
        let mut bits = 0_u32;
        for &digit in group {
            let value = match digit {
                b'A'..=b'Z' => digit - b'A',
                b'a'..=b'z' => digit - b'a' + 26,
                b'0'..=b'9' => digit - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            bits = bits << 6 | u32::from(value);
        }
        let [_, all @ ..] = (bits << (6 * (4 - group.len()))).to_be_bytes();
        bytes.extend_from_slice(&all[..group.len() * 3 / 4]);
    }
    Some(bytes)
}

/// Walks every path from the root: all units that a text can lead to are within the array, and all
/// values begin a character of the replacements.
fn is_sound_charsmap(bytes: &[u8]) -> bool {
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else { return false };
    let length = u32::from_le_bytes(*length) as usize / 4 * 4;
    let Some((trie, replacements)) = rest.split_at_checked(length) else { return false };
    let Ok(replacements) = std::str::from_utf8(replacements) else { return false };
    let units: Vec<u32> = trie.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).collect();
    let offset = |unit: u32| (unit >> 10 << ((unit & 1 << 9) >> 6)) as usize;
    let Some(&root) = units.first() else { return false };
    let (mut seen, mut open) = (vec![false; units.len()], vec![offset(root)]);
    while let Some(base) = open.pop() {
        // A text's next byte may be any.
        if base | 0xff >= units.len() {
            return false;
        }
        if std::mem::replace(&mut seen[base], true) {
            continue;
        }
        for label in 1..=0xff_u32 {
            let place = base ^ label as usize;
            let unit = units[place];
            if unit & (1 << 31 | 0xff) != label {
                continue;
            }
            let next = place ^ offset(unit);
            let has_value = unit >> 8 & 1 == 1;
            let value = units.get(next).map(|value| (value & !(1 << 31)) as usize);
            if has_value && !value.is_some_and(|value| replacements.is_char_boundary(value)) {
                return false;
            }
            open.push(next);
        }
    }
    true
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The map from "a" to "b": the root's children begin at 0, the value of "a" is in unit 1.
    fn charsmap(edit: impl FnOnce(&mut Vec<u32>)) -> Vec<u8> {
        let mut units = vec![0_u32; 256];
        let letter = u32::from(b'a');
        units[b'a' as usize] = letter | 1 << 8 | (letter ^ 1) << 10;
        edit(&mut units);
        let length = u32::try_from(units.len() * 4).unwrap();
        let trie = units.iter().flat_map(|unit| unit.to_le_bytes());
        length.to_le_bytes().into_iter().chain(trie).chain(*b"b\0").collect()
    }

    #[test]
    fn a_charsmap_that_leads_out_of_its_array_is_refused() {
        assert!(is_sound_charsmap(&charsmap(|_| {})));
        assert!(!is_sound_charsmap(&charsmap(|units| units.truncate(255))));
        assert!(!is_sound_charsmap(&charsmap(|units| units[0] = 1 << 30)));
        assert!(!is_sound_charsmap(&charsmap(|units| units[1] = 4)), "a value beyond the texts");
        assert!(!is_sound_charsmap(&[0xff; 4]), "a length beyond the file");
        assert!(!is_sound_charsmap(b""));
    }

    #[test]
    fn a_normalizer_prepends_some_text() {
        let file = |text: &str| {
            let part = json!({"type": "Prepend", "prepend": text});
            check(&json!({"normalizer": {"type": "Sequence", "normalizers": [part]}}))
        };
        assert_eq!(file("_"), Ok(()));
        assert!(file("").unwrap_err().contains("empty text"));
    }

    #[test]
    fn base64_is_decoded_and_anything_else_is_not() {
        for (text, bytes) in [("", &b""[..]), ("YQ==", b"a"), ("YWI=", b"ab"), ("YWJj", b"abc")] {
            assert_eq!(base64(text).as_deref(), Some(bytes), "{text}");
        }
        for text in ["Y", "YQ=", "Y===", "YW.j", "é"] {
            assert_eq!(base64(text), None, "{text}");
        }
    }

    #[test]
    fn a_template_names_what_it_lists_and_one_sequence() {
        let file = |piece: Value| {
            let template = json!({"single": [piece], "special_tokens": {"[CLS]": {"ids": [1]}}});
            check(&json!({"post_processor": {"processors": [template]}}))
        };
        assert_eq!(file(json!({"SpecialToken": {"id": "[CLS]"}})), Ok(()));
        assert_eq!(file(json!({"Sequence": {"id": "A"}})), Ok(()));
        assert!(file(json!({"SpecialToken": {"id": "[SEP]"}})).unwrap_err().contains("[SEP]"));
        assert!(file(json!({"Sequence": {"id": "B"}})).unwrap_err().contains("\"B\""));
        let twice = json!({"single": [{"Sequence": {"id": "A"}}, {"Sequence": {"id": "A"}}]});
        let error = check(&json!({"post_processor": twice})).unwrap_err();
        assert!(error.contains("repeats it 2 times"), "{error}");
    }

    #[test]
    fn a_merge_is_in_the_vocabulary() {
        let file = |merge: Value, prefix: &str| {
            let vocab = json!({"a": 0, "b": 1, "##b": 2, "ab": 3});
            let model =
                json!({"continuing_subword_prefix": prefix, "vocab": vocab, "merges": [merge]});
            check(&json!({"model": model}))
        };
        assert_eq!(file(json!(["a", "b"]), ""), Ok(()));
        assert_eq!(file(json!("a ##b"), "##"), Ok(()));
        assert!(file(json!(["b", "a"]), "").is_err());
        assert!(file(json!(["a", "b"]), "##").is_err());
    }

    #[test]
    fn a_precompiled_normaliser_has_its_map() {
        let file = |normalizer: Value| check(&json!({"normalizer": normalizer}));
        assert!(file(json!({"type": "Precompiled"})).is_err());
        assert!(file(json!({"normalizers": [{"precompiled_charsmap": "AAAA"}]})).is_err());
        assert_eq!(file(json!({"type": "NFC"})), Ok(()));
    }
}
