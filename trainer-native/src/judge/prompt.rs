//! What a judge is asked, and in which version.
//!
//! The texts lie in `trainer-native/judge/`. Answers are shown without their LLMs' names, each cut to the same
//! number of characters. The lines that set them apart begin with a mark made of the texts' hash, which no
//! answer can foresee.

use crate::completions::{CompletionRequest, Message, Role};
use crate::data::{self, AnsweredPrompt};
use pointsman::sha256_hex;

const PAIRWISE: &str = include_str!("../../judge/pairwise.txt");
const PAIRWISE_AGAIN: &str = include_str!("../../judge/pairwise-again.txt");
const SCORE: &str = include_str!("../../judge/score.txt");
const SCORE_AGAIN: &str = include_str!("../../judge/score-again.txt");
const RUBRIC: &str = include_str!("../../judge/rubric.txt");
/// Stands where a text was cut.
const CUT: &str = " [cut]";

/// The judge's prompt, with the rubric filled in.
#[derive(Debug, Clone)]
pub(super) struct JudgePrompt {
    template: String,
    again: &'static str,
    /// Most characters of a request and of an answer that are shown.
    characters: usize,
    /// Changes with every character of the prompt and of the rubric, and with the number of characters shown.
    pub version: String,
}

impl JudgePrompt {
    /// Asks which of two answers is better; `rubric` replaces the project's own.
    pub fn pairwise(rubric: Option<&str>, characters: usize) -> Self {
        Self::new("pairwise", PAIRWISE, PAIRWISE_AGAIN, rubric, characters)
    }

    /// Asks for a grade from 1 to 10.
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

    /// The first request of a comparison, or of a grade where there is one answer.
    pub fn request(&self, prompt: &AnsweredPrompt, answers: &[&str]) -> CompletionRequest {
        let request = self.cut(&conversation(prompt));
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
        CompletionRequest::new(vec![Message::user(filled(&self.template, fill))], 0)
    }

    /// The request after an answer that could not be read: what was said, and the form that is wanted. Where
    /// nothing was said, the first request once more.
    pub fn again(&self, first: &CompletionRequest, said: &str) -> CompletionRequest {
        let mut messages = first.messages.clone();
        if said.trim().is_empty() {
            return CompletionRequest::new(messages, 1);
        }
        messages.push(Message::new(Role::Assistant, said.trim()));
        messages.push(Message::user(self.again.trim_end()));
        CompletionRequest::new(messages, 0)
    }

    /// Whether a text is longer than is shown.
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

/// The query, or the turns of a conversation under the names of who speaks.
fn conversation(prompt: &AnsweredPrompt) -> String {
    if prompt.messages.len() < 2 {
        return prompt.query.clone();
    }
    let turn = |(role, text): &(data::Role, String)| {
        let name = match role {
            data::Role::System => "System",
            data::Role::User => "User",
            data::Role::Assistant => "Assistant",
        };
        format!("{name}: {text}")
    };
    prompt.messages.iter().map(turn).collect::<Vec<_>>().join("\n\n")
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

    fn prompt(query: &str, messages: &[(data::Role, &str)]) -> AnsweredPrompt {
        AnsweredPrompt {
            id: "1".into(),
            query: query.into(),
            messages: messages.iter().map(|(role, text)| (*role, (*text).into())).collect(),
            dataset: "own".into(),
            gold: None,
            answers: Vec::new(),
        }
    }

    fn asked(request: &CompletionRequest) -> &str {
        &request.messages[0].content
    }

    #[test]
    fn answers_are_shown_as_they_are_and_cut_alike() {
        let judge = JudgePrompt::pairwise(None, 12);
        let request = judge
            .request(&prompt("Why {answer_b}?", &[]), &["{answer_b} {mark} and more", "short"]);
        let text = asked(&request);
        assert!(text.contains("request\nWhy {answer_ [cut]\n="), "{text}");
        assert!(text.contains("answer A\n{answer_b} { [cut]\n="), "{text}");
        assert!(text.contains("answer B\nshort\n="), "{text}");
        assert!(!text.contains("{rubric}") && text.contains("What is right comes first"), "{text}");
        assert_eq!([judge.cuts("twelve chars"), judge.cuts("thirteen char")], [false, true]);
    }

    #[test]
    fn the_mark_is_of_the_texts_and_the_same_in_both_orders() {
        let judge = JudgePrompt::pairwise(None, 100);
        let query = prompt("q", &[]);
        let mark = |answers: [&str; 2]| {
            let request = judge.request(&query, &answers);
            let line =
                asked(&request).lines().find(|line| line.starts_with("=====")).map(str::to_owned);
            line.unwrap()
        };
        assert_eq!(mark(["one", "two"]), mark(["two", "one"]));
        assert_ne!(mark(["one", "two"]), mark(["one", "three"]));
    }

    #[test]
    fn a_conversation_is_shown_whole() {
        let turns = [
            (data::Role::System, "Be brief."),
            (data::Role::User, "Hi"),
            (data::Role::Assistant, "Yes?"),
            (data::Role::User, "Why?"),
        ];
        let request = JudgePrompt::score(None, 1000).request(&prompt("Why?", &turns), &["so"]);
        assert!(
            asked(&request).contains(
                "request\nSystem: Be brief.\n\nUser: Hi\n\nAssistant: Yes?\n\nUser: Why?\n"
            )
        );
    }

    #[test]
    fn the_version_changes_with_the_rubric_and_the_characters() {
        let own = JudgePrompt::pairwise(None, 100).version;
        assert!(own.starts_with("pairwise-") && own.len() == 17, "{own}");
        assert_eq!(own, JudgePrompt::pairwise(Some(RUBRIC), 100).version);
        assert_ne!(own, JudgePrompt::pairwise(Some("- brevity"), 100).version);
        assert_ne!(own, JudgePrompt::pairwise(None, 101).version);
        assert_ne!(own.get(9..), JudgePrompt::score(None, 100).version.get(6..));
    }

    #[test]
    fn a_second_request_repeats_what_was_said() {
        let judge = JudgePrompt::score(None, 100);
        let first = judge.request(&prompt("q", &[]), &["a"]);
        let again = judge.again(&first, " It is fine.\n");
        let said: Vec<(Role, &str)> =
            again.messages.iter().map(|m| (m.role, m.content.as_str())).collect();
        assert_eq!(said[1], (Role::Assistant, "It is fine."));
        assert!(said[2].1.ends_with("Score: N"));
        let silent = judge.again(&first, " ");
        assert_eq!((silent.messages, silent.sample), (first.messages, 1));
    }
}
