//! Fenced blocks of Markdown in an answer.

/// What stands between two lines of three or more back quotes or tildes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block<'a> {
    /// The first word after the opening fence, such as `python`; empty where there is none.
    pub language: &'a str,
    pub text: &'a str,
}

/// The fenced blocks of a text, in order. A block that is not closed ends with the text.
pub(super) fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    let mut open: Option<(&str, &str, usize)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let bare = line.trim();
        let fence = fence_of(bare);
        match (open, fence) {
            (None, Some((fence, info))) => {
                open = Some((fence, info.split_whitespace().next().unwrap_or_default(), at));
            }
            (Some((opening, language, begin)), Some((fence, ""))) if fence.starts_with(opening) => {
                found.push(Block { language, text: text.get(begin..start).unwrap_or_default() });
                open = None;
            }
            _ => {}
        }
    }
    if let Some((_, language, begin)) = open {
        found.push(Block { language, text: text.get(begin..).unwrap_or_default() });
    }
    found
}

/// The fence at the beginning of a line, and what follows it.
fn fence_of(line: &str) -> Option<(&str, &str)> {
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let rest = line.trim_start_matches(mark);
    let length = line.len() - rest.len();
    // Back quotes on the same line are a code span, such as ```x```.
    (length >= 3 && !rest.contains('`'))
        .then(|| (line.get(..length).unwrap_or_default(), rest.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_with_their_language_closed_or_not() {
        let text = "Here:\n```python\nx = 1\n```\nand ```inline``` then\n~~~~ json\n```\n{}\n~~~~\n```\nlast";
        let found = blocks(text);
        let expected = [("python", "x = 1\n"), ("json", "```\n{}\n"), ("", "last")];
        assert_eq!(found.iter().map(|b| (b.language, b.text)).collect::<Vec<_>>(), expected);
        assert!(blocks("no fence at all").is_empty());
    }
}
