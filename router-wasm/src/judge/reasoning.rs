//! Takes away what an LLM thought aloud before its answer, which some servers leave in the text between
//! `<think>` and `</think>`, the first of which some leave out.

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// The answer without the reasoning at its beginning; empty where it never ended.
#[must_use]
pub fn without_reasoning(answer: &str) -> &str {
    let begins = answer.trim_start().starts_with(OPEN);
    match answer.split_once(CLOSE) {
        Some((before, after)) if begins || !before.contains(OPEN) => after,
        None if begins => "",
        _ => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reasoning_at_the_beginning_is_taken_away() {
        for (answer, expected) in [
            ("<think>3 + 4 = 8?</think>\n7", "\n7"),
            ("\n<think>a</think>7", "7"),
            ("So 8? No.\n</think>\n\n7", "\n\n7"),
            ("<think>So 8", ""),
            ("7", "7"),
            ("The tags are <think> and </think>.", "The tags are <think> and </think>."),
            ("", ""),
        ] {
            assert_eq!(without_reasoning(answer), expected, "{answer}");
        }
    }
}
