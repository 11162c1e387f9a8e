//! Reads the token usage of an answer from each API's fields.
//!
//! | API | input | cached input | output |
//! | --- | --- | --- | --- |
//! | chat completions | `prompt_tokens` | `prompt_tokens_details.cached_tokens` | `completion_tokens` |
//! | responses | `input_tokens` | `input_tokens_details.cached_tokens` | `output_tokens` |
//! | embeddings | `prompt_tokens` | - | none |
//! | Anthropic messages | `input_tokens` + `cache_creation_input_tokens` + `cache_read_input_tokens` | `cache_read_input_tokens` | `output_tokens` |

use serde_json::{Value, json};

/// Input and output tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Tokens of the request, including those read from a cache and those written to one.
    pub(crate) input_tokens: u64,
    /// Of the input, the tokens read from the upstream's cache.
    pub(crate) cached_tokens: u64,
    /// Tokens of the answer, including its reasoning.
    pub(crate) output_tokens: u64,
}

impl Usage {
    /// Reads the `usage` of a chat completion or of its last chunk; none without
    /// `prompt_tokens`.
    pub(crate) fn from_chat(usage: &Value) -> Option<Self> {
        Some(Self {
            input_tokens: usage["prompt_tokens"].as_u64()?,
            cached_tokens: count(&usage["prompt_tokens_details"]["cached_tokens"]),
            output_tokens: count(&usage["completion_tokens"]),
        })
    }

    /// Reads the `usage` of a response (`/v1/responses`); none without `input_tokens`.
    pub(crate) fn from_responses(usage: &Value) -> Option<Self> {
        Some(Self {
            input_tokens: usage["input_tokens"].as_u64()?,
            cached_tokens: count(&usage["input_tokens_details"]["cached_tokens"]),
            output_tokens: count(&usage["output_tokens"]),
        })
    }

    /// Reads the `usage` of embeddings; none without `prompt_tokens`.
    pub(crate) fn from_embeddings(usage: &Value) -> Option<Self> {
        Some(Self { input_tokens: usage["prompt_tokens"].as_u64()?, ..Self::default() })
    }

    /// Reads the `usage` of an Anthropic message; none without `input_tokens`.
    pub(crate) fn from_anthropic(usage: &Value) -> Option<Self> {
        let cached_tokens = count(&usage["cache_read_input_tokens"]);
        let input_tokens = usage["input_tokens"]
            .as_u64()?
            .saturating_add(count(&usage["cache_creation_input_tokens"]))
            .saturating_add(cached_tokens);
        Some(Self { input_tokens, cached_tokens, output_tokens: count(&usage["output_tokens"]) })
    }

    /// Writes the `usage` of a chat completion.
    pub(crate) fn to_chat(self) -> Value {
        json!({
            "prompt_tokens": self.input_tokens,
            "completion_tokens": self.output_tokens,
            "total_tokens": self.input_tokens.saturating_add(self.output_tokens),
            "prompt_tokens_details": {"cached_tokens": self.cached_tokens},
        })
    }

    /// Writes the `usage` of an Anthropic message. Tokens written to a cache are not known here and
    /// count as plain input.
    pub(crate) fn to_anthropic(self) -> Value {
        json!({
            "input_tokens": self.input_tokens.saturating_sub(self.cached_tokens),
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": self.cached_tokens,
            "output_tokens": self.output_tokens,
        })
    }
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(input_tokens: u64, cached_tokens: u64, output_tokens: u64) -> Option<Usage> {
        Some(Usage { input_tokens, cached_tokens, output_tokens })
    }

    #[test]
    fn each_apis_usage_fields_are_read() {
        let chat = json!({"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13,
                          "prompt_tokens_details": {"cached_tokens": 6}});
        assert_eq!(Usage::from_chat(&chat), of(9, 6, 4));
        let responses = json!({"input_tokens": 9, "output_tokens": 4,
                               "input_tokens_details": {"cached_tokens": 6}});
        assert_eq!(Usage::from_responses(&responses), of(9, 6, 4));
        let embeddings = json!({"prompt_tokens": 9, "total_tokens": 9});
        assert_eq!(Usage::from_embeddings(&embeddings), of(9, 0, 0));
        let message = json!({"input_tokens": 2, "cache_creation_input_tokens": 1,
                             "cache_read_input_tokens": 6, "output_tokens": 4});
        assert_eq!(Usage::from_anthropic(&message), of(9, 6, 4));
    }

    #[test]
    fn details_may_be_absent_or_null() {
        let chat = json!({"prompt_tokens": 9, "prompt_tokens_details": null});
        assert_eq!(Usage::from_chat(&chat), of(9, 0, 0));
        let message = json!({"input_tokens": 2, "cache_read_input_tokens": null});
        assert_eq!(Usage::from_anthropic(&message), of(2, 0, 0));
    }

    #[test]
    fn an_object_of_another_shape_is_not_usage() {
        for value in [Value::Null, json!({}), json!([1]), json!({"prompt_tokens": "9"})] {
            assert_eq!(Usage::from_chat(&value), None, "{value}");
            assert_eq!(Usage::from_responses(&value), None, "{value}");
            assert_eq!(Usage::from_embeddings(&value), None, "{value}");
            assert_eq!(Usage::from_anthropic(&value), None, "{value}");
        }
    }

    #[test]
    fn written_values_are_read_back() {
        let usage = Usage { input_tokens: 9, cached_tokens: 6, output_tokens: 4 };
        assert_eq!(Usage::from_chat(&usage.to_chat()), Some(usage));
        assert_eq!(Usage::from_anthropic(&usage.to_anthropic()), Some(usage));
        assert_eq!(usage.to_chat()["total_tokens"], 13);
    }

    #[test]
    fn absurd_counts_do_not_overflow() {
        let usage = json!({"input_tokens": u64::MAX, "cache_read_input_tokens": u64::MAX});
        assert_eq!(Usage::from_anthropic(&usage), of(u64::MAX, u64::MAX, 0));
        let usage = Usage { input_tokens: 1, cached_tokens: 2, output_tokens: u64::MAX };
        assert_eq!(usage.to_chat()["total_tokens"], u64::MAX);
        assert_eq!(usage.to_anthropic()["input_tokens"], 0);
    }
}
