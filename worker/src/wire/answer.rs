//! Reads an answer's text, its end and its log probabilities, from any API's shape.

use serde_json::Value;

use super::written::{Written, written};

/// The parts of an answer that the rules of a cascade check.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct AnswerContent {
    /// Its text.
    pub(crate) text: String,
    /// OpenAI's `finish_reason`.
    pub(crate) finish_reason: Option<String>,
    /// Whether it calls tools.
    pub(crate) tool_calls: bool,
    /// Log probabilities of its tokens, if the upstream returns them.
    pub(crate) logprobs: Vec<f64>,
}

impl AnswerContent {
    /// Reads a chat completion, a completion or a response.
    pub(crate) fn of_answer(answer: &Value) -> Self {
        let mut content = Self::default();
        match answer["output"].as_array() {
            Some(items) => content.add_items(items, answer),
            None => content.add(&answer["choices"][0], "message"),
        }
        content
    }

    /// Adds an event of a stream: a chunk, or the finished response.
    pub(crate) fn add_event(&mut self, event: &Value) {
        match event["response"]["output"].as_array() {
            Some(items) if !items.is_empty() => {
                *self = Self::default();
                self.add_items(items, &event["response"]);
            }
            _ => self.add(&event["choices"][0], "delta"),
        }
    }

    /// Adds the output items of a response.
    fn add_items(&mut self, items: &[Value], response: &Value) {
        for item in items {
            self.tool_calls |= item["type"] == "function_call";
            let parts = item["content"].as_array().into_iter().flatten();
            parts.for_each(|part| self.text.push_str(part["text"].as_str().unwrap_or_default()));
        }
        let reason = match response["incomplete_details"]["reason"].as_str() {
            Some("max_output_tokens") => "length",
            Some(other) => other,
            None => "stop",
        };
        self.finish_reason = Some(reason.to_owned());
    }

    fn add(&mut self, choice: &Value, field: &str) {
        let part = &choice[field];
        self.text.push_str(choice["text"].as_str().unwrap_or_default());
        for piece in written(part).unwrap_or_default() {
            if let Written::Text(text) = piece {
                self.text.push_str(&text);
            }
        }
        self.tool_calls |= part["tool_calls"].as_array().is_some_and(|calls| !calls.is_empty());
        if let Some(reason) = finish_reason(choice) {
            self.finish_reason = Some(reason.to_owned());
        }
        let tokens = choice["logprobs"]["content"].as_array().into_iter().flatten();
        self.logprobs.extend(tokens.filter_map(|token| token["logprob"].as_f64()));
    }
}

/// The reason for which a choice ended; none while it goes on. Some upstreams send an empty text until then.
pub(crate) fn finish_reason(choice: &Value) -> Option<&str> {
    choice["finish_reason"].as_str().filter(|reason| !reason.trim().is_empty())
}
