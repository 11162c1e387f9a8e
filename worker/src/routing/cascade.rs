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

use crate::config::Check;
use crate::wire::answer::AnswerContent;

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

/// Returns the first rule that an answer fails, if any.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn failed_rule(
    answer: &AnswerContent,
    check: &Check,
    wants_json: bool,
) -> Option<&'static str> {
    let cut = matches!(answer.finish_reason.as_deref(), Some("length" | "content_filter"));
    if check.finished && cut {
        return Some("finished");
    }
    if let Some(least) = check.least_mean_logprob.filter(|_| !answer.logprobs.is_empty()) {
        let mean = answer.logprobs.iter().sum::<f64>() / answer.logprobs.len() as f64;
        if mean < least {
            return Some("leastMeanLogprob");
        }
    }
    if answer.tool_calls {
        return None;
    }
    let text = answer.text.trim();
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
    use serde_json::{Value, json};

    fn rule(completion: &Value, wants_json: bool) -> Option<&'static str> {
        let check = Check { least_mean_logprob: Some(-1.5), ..Check::default() };
        failed_rule(&AnswerContent::of_answer(completion), &check, wants_json)
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
        let mut answer = AnswerContent::default();
        answer.add_event(&json!({"type": "response.output_text.delta", "delta": "Four."}));
        answer.add_event(&json!({"response": response("Four.", &Value::Null)}));
        assert_eq!(answer.text, "Four.");
        let completion = json!({"choices": [{"text": "Four.", "finish_reason": "stop"}]});
        assert_eq!(rule(&completion, false), None);
    }

    #[test]
    fn chunks_add_up_to_one_answer() {
        let mut answer = AnswerContent::default();
        for (text, reason) in [("I'm ", Value::Null), ("sorry", json!("stop"))] {
            answer.add_event(
                &json!({"choices": [{"delta": {"content": text}, "finish_reason": reason}]}),
            );
        }
        answer.add_event(&json!({"choices": [], "usage": {}}));
        assert_eq!(
            (answer.text.as_str(), answer.finish_reason.as_deref()),
            ("I'm sorry", Some("stop"))
        );
    }
}
