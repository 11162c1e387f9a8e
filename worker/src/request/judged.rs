//! What a judge of two answers is shown of a request: its turns with text, in any API's shape.

use pointsman::judge::{Speaker, Turn, conversation};

use super::body::RequestBody;

impl RequestBody {
    /// The request as a judge is shown it; none if it has no text or cannot be read. System texts come first, and
    /// the result of a tool is the user's.
    pub(crate) fn judged(&self, body: &str) -> Option<String> {
        let (system, messages) = self.texts(body)?;
        let of_messages = messages.iter().filter_map(|(role, text)| {
            let speaker = match role.as_str() {
                "assistant" => Speaker::Assistant,
                "system" | "developer" => return None,
                _ => Speaker::User,
            };
            (!text.trim().is_empty()).then_some(Turn { speaker, text })
        });
        let system = system.iter().map(|text| Turn { speaker: Speaker::System, text });
        let turns: Vec<Turn<'_>> = system.chain(of_messages).collect();
        let first = turns.first()?.text;
        Some(conversation(first, &turns))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::manifest;
    use crate::request::endpoint::Dialect;

    fn judged(dialect: Dialect, body: &str) -> Option<String> {
        RequestBody::new(dialect, body, &manifest()).unwrap().judged(body)
    }

    #[test]
    fn a_single_turn_is_its_text_and_several_have_their_speakers() {
        let one = r#"{"model": "auto", "messages": [{"role": "user", "content": "Hi"}]}"#;
        assert_eq!(judged(Dialect::Chat, one).unwrap(), "Hi");
        let more = r#"{"model": "auto", "system": "Be brief.", "max_tokens": 5, "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
            {"role": "assistant", "content": "Yes?"}, {"role": "user", "content": "Why?"}]}"#;
        let expected = "System: Be brief.\n\nUser: Hi\n\nAssistant: Yes?\n\nUser: Why?";
        assert_eq!(judged(Dialect::Messages, more).unwrap(), expected);
        let input = r#"{"model": "auto", "instructions": "Be brief.", "input": "Hi"}"#;
        assert_eq!(judged(Dialect::Responses, input).unwrap(), "System: Be brief.\n\nUser: Hi");
        let prompt = r#"{"model": "auto", "prompt": "Once"}"#;
        assert_eq!(judged(Dialect::Completions, prompt).unwrap(), "Once");
    }

    #[test]
    fn a_request_without_text_shows_nothing() {
        let empty = r#"{"model": "auto", "messages": [{"role": "user", "content": " "}]}"#;
        assert_eq!(judged(Dialect::Chat, empty), None);
        let unreadable = r#"{"model": "auto", "messages": "no list"}"#;
        assert_eq!(judged(Dialect::Chat, unreadable), None);
    }
}
