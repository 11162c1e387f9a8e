//! The end of a text, where a request stands behind its context.

/// The last `count` characters, or all.
pub(super) fn last_characters(text: &str, count: usize) -> &str {
    match text.char_indices().rev().nth(count.saturating_sub(1)) {
        Some((at, _)) => &text[at..],
        None => text,
    }
}

/// The last `characters` of the last line that is not blank.
pub(super) fn tail(text: &str, characters: usize) -> &str {
    let text = text.trim_end();
    let line = text.rfind(['\n', '\r']).map_or(text, |at| &text[at + 1..]);
    last_characters(line, characters)
}
