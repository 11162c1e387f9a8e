//! The engine's judge prompt as requests to an LLM: what is asked first, and after an answer in prose.

use pointsman::judge::{self, Speaker, Turn};

use crate::completions::{CompletionRequest, Message, Role};
use crate::data::{self, AnsweredPrompt};

/// The judge's prompt, with the rubric filled in.
#[derive(Debug, Clone)]
pub(super) struct JudgePrompt(judge::JudgePrompt);

impl JudgePrompt {
    /// Asks which of two answers is better; `rubric` replaces the project's own.
    pub fn pairwise(rubric: Option<&str>, characters: usize) -> Self {
        Self(judge::JudgePrompt::pairwise(rubric, characters))
    }

    /// Asks for a grade from 1 to 10.
    pub fn score(rubric: Option<&str>, characters: usize) -> Self {
        Self(judge::JudgePrompt::score(rubric, characters))
    }

    /// Changes with every character of the prompt and of the rubric, and with the number of characters shown.
    pub fn version(&self) -> &str {
        self.0.version()
    }

    /// The first request of a comparison, or of a grade where there is one answer.
    pub fn request(&self, prompt: &AnsweredPrompt, answers: &[&str]) -> CompletionRequest {
        let text = self.0.text(&conversation(prompt), answers);
        CompletionRequest::new(vec![Message::user(text)], 0)
    }

    /// The request after an answer that could not be read: what was said, and the form that is wanted. Where
    /// nothing was said, the first request once more.
    pub fn again(&self, first: &CompletionRequest, said: &str) -> CompletionRequest {
        let mut messages = first.messages.clone();
        if said.trim().is_empty() {
            return CompletionRequest::new(messages, 1);
        }
        messages.push(Message::new(Role::Assistant, said.trim()));
        messages.push(Message::user(self.0.again()));
        CompletionRequest::new(messages, 0)
    }

    /// Whether a text is longer than is shown.
    pub fn cuts(&self, text: &str) -> bool {
        self.0.cuts(text)
    }
}

/// What the judge is shown of a prompt.
fn conversation(prompt: &AnsweredPrompt) -> String {
    let turns: Vec<Turn<'_>> = prompt
        .messages
        .iter()
        .map(|(role, text)| {
            let speaker = match role {
                data::Role::System => Speaker::System,
                data::Role::User => Speaker::User,
                data::Role::Assistant => Speaker::Assistant,
            };
            Turn { speaker, text }
        })
        .collect();
    judge::conversation(&prompt.query, &turns)
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
