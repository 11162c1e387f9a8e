//! Checks a cheaper model's answer (FrugalGPT's cascade, with rules in place of its scorer).
//!
//! | rule | an answer fails if it |
//! | --- | --- |
//! | `leastCharacters` | is shorter, not counting white space at its ends |
//! | `refusals` | begins with a refusal, in one of a few languages |
//! | `finished` | ended by `length` or `content_filter` |
//! | `json` | is not JSON although the request asked for JSON |
//! | `leastMeanLogprob` | has a lower mean log probability of its tokens, if the upstream returns them |
//!
//! The rules on text do not apply to an answer with tool calls, whose text may be empty.

use serde_json::Value;

use crate::config::Check;

/// Beginnings of refusals, in lower case with plain apostrophes.
const REFUSALS: [&str; 16] = [
    "i'm sorry",
    "i am sorry",
    "sorry,",
    "i apologize",
    "i apologise",
    "i can't",
    "i cannot",
    "i'm unable",
    "i am unable",
    "i'm not able",
    "as an ai",
    "unfortunately, i",
    "es tut mir leid",
    "je suis désolé",
    "lo siento",
    "抱歉",
];

/// The parts of an answer that the rules check, read from any API's shape.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Said {
    /// Its text.
    pub(crate) text: String,
    /// OpenAI's `finish_reason`.
    pub(crate) finish_reason: Option<String>,
    /// Whether it calls tools.
    pub(crate) tool_calls: bool,
    /// Log probabilities of its tokens, if the upstream returns them.
    pub(crate) logprobs: Vec<f64>,
}

impl Said {
    /// Reads a chat completion, a completion or a response.
    pub(crate) fn in_answer(answer: &Value) -> Self {
        let mut said = Self::default();
        match answer["output"].as_array() {
            Some(items) => said.add_items(items, answer),
            None => said.add(&answer["choices"][0], "message"),
        }
        said
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
        let text = part["content"].as_str().or_else(|| choice["text"].as_str());
        self.text.push_str(text.unwrap_or_default());
        self.tool_calls |= part["tool_calls"].as_array().is_some_and(|calls| !calls.is_empty());
        if let Some(reason) = choice["finish_reason"].as_str() {
            self.finish_reason = Some(reason.to_owned());
        }
        let tokens = choice["logprobs"]["content"].as_array().into_iter().flatten();
        self.logprobs.extend(tokens.filter_map(|token| token["logprob"].as_f64()));
    }
}

/// Returns the first rule that an answer fails, if any.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn failed_rule(said: &Said, check: &Check, wants_json: bool) -> Option<&'static str> {
    let cut = matches!(said.finish_reason.as_deref(), Some("length" | "content_filter"));
    if check.finished && cut {
        return Some("finished");
    }
    if let Some(least) = check.least_mean_logprob.filter(|_| !said.logprobs.is_empty()) {
        let mean = said.logprobs.iter().sum::<f64>() / said.logprobs.len() as f64;
        if mean < least {
            return Some("leastMeanLogprob");
        }
    }
    if said.tool_calls {
        return None;
    }
    let text = said.text.trim();
    if text.chars().count() < check.least_characters {
        return Some("leastCharacters");
    }
    let start = text.chars().take(40).collect::<String>().to_lowercase().replace('’', "'");
    if check.refusals && REFUSALS.iter().any(|refusal| start.starts_with(refusal)) {
        return Some("refusals");
    }
    let json = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    (check.json && wants_json && !json).then_some("json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rule(completion: &Value, wants_json: bool) -> Option<&'static str> {
        let check = Check { least_mean_logprob: Some(-1.5), ..Check::default() };
        failed_rule(&Said::in_answer(completion), &check, wants_json)
    }

    fn says(text: &str, reason: &str) -> Value {
        json!({"choices": [{"message": {"content": text}, "finish_reason": reason}]})
    }

    #[test]
    fn each_rule_fails_the_answers_that_it_describes() {
        assert_eq!(rule(&says("Four.", "stop"), false), None);
        assert_eq!(rule(&says("  ", "stop"), false), Some("leastCharacters"));
        assert_eq!(rule(&says("I’m sorry, but I can't.", "stop"), false), Some("refusals"));
        assert_eq!(rule(&says("Es tut mir leid.", "stop"), false), Some("refusals"));
        assert_eq!(rule(&says("One says \"I'm sorry\".", "stop"), false), None);
        assert_eq!(rule(&says("Once upon", "length"), false), Some("finished"));
        assert_eq!(rule(&says("not json", "stop"), true), Some("json"));
        assert_eq!(rule(&says(" {\"a\": 1} ", "stop"), true), None);
        assert_eq!(rule(&json!({}), false), Some("leastCharacters"));
    }

    #[test]
    fn unlikely_tokens_fail_and_tool_calls_pass() {
        let with = |logprob: f64| {
            let mut answer = says("Four.", "stop");
            answer["choices"][0]["logprobs"]["content"] =
                json!([{"logprob": logprob}, {"logprob": -1.0}]);
            rule(&answer, false)
        };
        assert_eq!((with(-1.0), with(-3.0)), (None, Some("leastMeanLogprob")));
        let calls = json!({"choices": [{"message": {"content": null, "tool_calls": [{}]}}]});
        assert_eq!(rule(&calls, true), None);
    }

    #[test]
    fn text_is_read_from_responses_and_completions() {
        let response = |text: &str, reason: &Value| {
            json!({"output": [{"type": "reasoning"}, {"type": "message",
                   "content": [{"type": "output_text", "text": text}]}],
                   "incomplete_details": reason})
        };
        assert_eq!(rule(&response("Four.", &Value::Null), false), None);
        assert_eq!(rule(&response("I cannot.", &Value::Null), false), Some("refusals"));
        let cut = response("Fou", &json!({"reason": "max_output_tokens"}));
        assert_eq!(rule(&cut, false), Some("finished"));
        let mut said = Said::default();
        said.add_event(&json!({"type": "response.output_text.delta", "delta": "Four."}));
        said.add_event(&json!({"response": response("Four.", &Value::Null)}));
        assert_eq!(said.text, "Four.");
        let completion = json!({"choices": [{"text": "Four.", "finish_reason": "stop"}]});
        assert_eq!(rule(&completion, false), None);
    }

    #[test]
    fn chunks_add_up_to_one_answer() {
        let mut said = Said::default();
        for (text, reason) in [("I'm ", Value::Null), ("sorry", json!("stop"))] {
            said.add_event(
                &json!({"choices": [{"delta": {"content": text}, "finish_reason": reason}]}),
            );
        }
        said.add_event(&json!({"choices": [], "usage": {}}));
        assert_eq!(
            (said.text.as_str(), said.finish_reason.as_deref()),
            ("I'm sorry", Some("stop"))
        );
    }
}
