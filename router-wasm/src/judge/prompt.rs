//! What a judge is asked, and in which version.
//!
//! The texts lie in `router-wasm/judge/`. Answers are shown without their LLMs' names, each cut to the same
//! number of characters. The lines that set them apart begin with a mark made of the texts' hash, which no
//! answer can foresee.

use crate::bundle::sha256_hex;

const PAIRWISE: &str = include_str!("../../judge/pairwise.txt");
const PAIRWISE_AGAIN: &str = include_str!("../../judge/pairwise-again.txt");
const SCORE: &str = include_str!("../../judge/score.txt");
const SCORE_AGAIN: &str = include_str!("../../judge/score-again.txt");
const RUBRIC: &str = include_str!("../../judge/rubric.txt");
/// Stands where a text was cut.
const CUT: &str = " [cut]";

/// Characters of a request and of an answer that a judge is shown, where nothing else is stated.
pub const ANSWER_CHARACTERS: usize = 8000;

/// Who speaks in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// Whoever set the LLM's task.
    System,
    /// The user.
    User,
    /// The LLM.
    Assistant,
}

/// A turn of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn<'a> {
    /// Who speaks.
    pub speaker: Speaker,
    /// What is said.
    pub text: &'a str,
}

/// The judge's prompt, with the rubric filled in.
#[derive(Debug, Clone)]
pub struct JudgePrompt {
    template: String,
    again: &'static str,
    /// Most characters of a request and of an answer that are shown.
    characters: usize,
    version: String,
}

impl JudgePrompt {
    /// Asks which of two answers is better; `rubric` replaces the project's own.
    #[must_use]
    pub fn pairwise(rubric: Option<&str>, characters: usize) -> Self {
        Self::new("pairwise", PAIRWISE, PAIRWISE_AGAIN, rubric, characters)
    }

    /// Asks for a grade from 1 to 10.
    #[must_use]
    pub fn score(rubric: Option<&str>, characters: usize) -> Self {
        Self::new("score", SCORE, SCORE_AGAIN, rubric, characters)
    }

    fn new(
        name: &str,
        template: &str,
        again: &'static str,
        rubric: Option<&str>,
        characters: usize,
    ) -> Self {
        let rubric = format!("{}\n", rubric.unwrap_or(RUBRIC).trim());
        let hash = sha256_hex(format!("{template}\0{again}\0{rubric}\0{characters}").as_bytes());
        let version = format!("{name}-{}", hash.get(..8).unwrap_or_default());
        // The rubric's line end replaces that of its place.
        let template = template.replace("{rubric}\n", &rubric);
        Self { template, again, characters, version }
    }

    /// Changes with every character of the prompt and of the rubric, and with the number of characters shown.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The user's message that asks for a comparison of two answers, or for a grade where there is one.
    #[must_use]
    pub fn text(&self, request: &str, answers: &[&str]) -> String {
        let request = self.cut(request);
        let answers: Vec<String> = answers.iter().map(|answer| self.cut(answer)).collect();
        // The same in both orders of two answers.
        let mut parts: Vec<&str> = answers.iter().map(String::as_str).collect();
        parts.sort_unstable();
        parts.push(&request);
        let hash = sha256_hex(parts.join("\0").as_bytes());
        let mark = format!("====={}", hash.get(..8).unwrap_or_default());
        let fill = |name: &str| match name {
            "mark" => Some(mark.as_str()),
            "request" => Some(request.as_str()),
            "answer" | "answer_a" => answers.first().map(String::as_str),
            "answer_b" => answers.get(1).map(String::as_str),
            _ => None,
        };
        filled(&self.template, fill)
    }

    /// The user's message after an answer that could not be read: the form that is wanted.
    #[must_use]
    pub fn again(&self) -> &'static str {
        self.again.trim_end()
    }

    /// Whether a text is longer than is shown.
    #[must_use]
    pub fn cuts(&self, text: &str) -> bool {
        text.trim().chars().nth(self.characters).is_some()
    }

    fn cut(&self, text: &str) -> String {
        let text = text.trim();
        match text.char_indices().nth(self.characters) {
            Some((end, _)) => format!("{}{CUT}", text.get(..end).unwrap_or_default()),
            None => text.to_owned(),
        }
    }
}

/// What a judge is shown of a request: its query, or the turns under the names of who speaks where there are
/// several.
#[must_use]
pub fn conversation(query: &str, turns: &[Turn<'_>]) -> String {
    if turns.len() < 2 {
        return query.to_owned();
    }
    let shown = |turn: &Turn<'_>| {
        let name = match turn.speaker {
            Speaker::System => "System",
            Speaker::User => "User",
            Speaker::Assistant => "Assistant",
        };
        format!("{name}: {}", turn.text)
    };
    turns.iter().map(shown).collect::<Vec<_>>().join("\n\n")
}

/// Replaces `{name}` of a template by its value; what the values hold is left as it is.
fn filled<'a>(template: &'a str, value: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let named = after.split_once('}').and_then(|(name, rest)| Some((value(name)?, rest)));
        match named {
            Some((value, after)) => {
                text.push_str(value);
                rest = after;
            }
            None => {
                text.push('{');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_shown_as_they_are_and_cut_alike() {
        let judge = JudgePrompt::pairwise(None, 12);
        let text = judge.text("Why {answer_b}?", &["{answer_b} {mark} and more", "short"]);
        assert!(text.contains("request\nWhy {answer_ [cut]\n="), "{text}");
        assert!(text.contains("answer A\n{answer_b} { [cut]\n="), "{text}");
        assert!(text.contains("answer B\nshort\n="), "{text}");
        assert!(!text.contains("{rubric}") && text.contains("What is right comes first"), "{text}");
        assert_eq!([judge.cuts("twelve chars"), judge.cuts("thirteen char")], [false, true]);
    }

    #[test]
    fn the_mark_is_of_the_texts_and_the_same_in_both_orders() {
        let judge = JudgePrompt::pairwise(None, 100);
        let mark = |answers: [&str; 2]| {
            let text = judge.text("q", &answers);
            text.lines().find(|line| line.starts_with("=====")).map(str::to_owned).unwrap()
        };
        assert_eq!(mark(["one", "two"]), mark(["two", "one"]));
        assert_ne!(mark(["one", "two"]), mark(["one", "three"]));
    }

    #[test]
    fn a_conversation_is_shown_whole_and_a_single_turn_as_the_query() {
        let turns = [
            Turn { speaker: Speaker::System, text: "Be brief." },
            Turn { speaker: Speaker::User, text: "Why?" },
            Turn { speaker: Speaker::Assistant, text: "Yes?" },
        ];
        assert_eq!(
            conversation("Why?", &turns),
            "System: Be brief.\n\nUser: Why?\n\nAssistant: Yes?"
        );
        assert_eq!(conversation("Why?", &turns[..1]), "Why?");
    }

    #[test]
    fn the_version_changes_with_the_rubric_and_the_characters() {
        let version =
            |rubric, characters| JudgePrompt::pairwise(rubric, characters).version().to_owned();
        let own = version(None, 100);
        assert!(own.starts_with("pairwise-") && own.len() == 17, "{own}");
        assert_eq!(own, version(Some(RUBRIC), 100));
        assert_ne!(own, version(Some("- brevity"), 100));
        assert_ne!(own, version(None, 101));
        assert_ne!(own.get(9..), JudgePrompt::score(None, 100).version().get(6..));
        assert!(JudgePrompt::score(None, 100).again().ends_with("Score: N"));
    }
}
