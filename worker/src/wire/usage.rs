//! Reads the token usage of an answer from each API's fields.
//!
//! | API | input | cached input | output |
//! | --- | --- | --- | --- |
//! | chat completions | `prompt_tokens` | `prompt_tokens_details.cached_tokens` | `completion_tokens` |
//! | responses | `input_tokens` | `input_tokens_details.cached_tokens` | `output_tokens` |
//! | embeddings | `prompt_tokens` | - | none |
//! | Anthropic messages | `input_tokens` + `cache_creation_input_tokens` + `cache_read_input_tokens` | `cache_read_input_tokens` | `output_tokens` |
//!
//! Anthropic states the tokens written to a cache too, in all and by lifetime
//! (`cache_creation.ephemeral_1h_input_tokens`). OpenRouter states what an answer costs (`cost`, US dollars).

use serde_json::{Value, json};

/// Input and output tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Tokens of the request, including those read from a cache and those written to one.
    pub(crate) input_tokens: u64,
    /// Of the input, the tokens read from the upstream's cache.
    pub(crate) cached_tokens: u64,
    /// Of the input, the tokens written to a cache for five minutes.
    pub(crate) written_tokens: u64,
    /// Of the input, the tokens written to a cache for an hour.
    pub(crate) written_1h_tokens: u64,
    /// Tokens of the answer, including its reasoning.
    pub(crate) output_tokens: u64,
    /// The cost that the upstream states, in billionths of a US dollar.
    pub(crate) stated_cost: Option<u64>,
}

/// The usage of an answer, as far as it arrived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Received {
    /// The usage that the upstream told.
    pub(crate) usage: Option<Usage>,
    /// Whether that is the usage of the whole answer.
    pub(crate) is_final: bool,
    /// The output tokens that arrived, by the length of their text.
    pub(crate) output_tokens: u64,
}

impl Usage {
    /// Reads the `usage` of a chat completion or of its last chunk; none without
    /// `prompt_tokens` and `completion_tokens`.
    pub(crate) fn from_chat(usage: &Value) -> Option<Self> {
        Some(Self {
            input_tokens: usage["prompt_tokens"].as_u64()?,
            cached_tokens: count(&usage["prompt_tokens_details"]["cached_tokens"]),
            output_tokens: usage["completion_tokens"].as_u64()?,
            stated_cost: stated_cost(&usage["cost"]),
            ..Self::default()
        })
    }

    /// Reads the `usage` of a response (`/v1/responses`); none without `input_tokens` and
    /// `output_tokens`.
    pub(crate) fn from_responses(usage: &Value) -> Option<Self> {
        Some(Self {
            input_tokens: usage["input_tokens"].as_u64()?,
            cached_tokens: count(&usage["input_tokens_details"]["cached_tokens"]),
            output_tokens: usage["output_tokens"].as_u64()?,
            stated_cost: stated_cost(&usage["cost"]),
            ..Self::default()
        })
    }

    /// Reads the `usage` of embeddings; none without `prompt_tokens`.
    pub(crate) fn from_embeddings(usage: &Value) -> Option<Self> {
        Some(Self { input_tokens: usage["prompt_tokens"].as_u64()?, ..Self::default() })
    }

    /// Reads the `usage` of an Anthropic message; none without `input_tokens`.
    pub(crate) fn from_anthropic(usage: &Value) -> Option<Self> {
        let cached_tokens = count(&usage["cache_read_input_tokens"]);
        let by_lifetime = &usage["cache_creation"];
        let written_1h_tokens = count(&by_lifetime["ephemeral_1h_input_tokens"]);
        let written = count(&usage["cache_creation_input_tokens"]).max(
            written_1h_tokens.saturating_add(count(&by_lifetime["ephemeral_5m_input_tokens"])),
        );
        let input_tokens =
            usage["input_tokens"].as_u64()?.saturating_add(written).saturating_add(cached_tokens);
        Some(Self {
            input_tokens,
            cached_tokens,
            written_tokens: written - written_1h_tokens,
            written_1h_tokens,
            output_tokens: count(&usage["output_tokens"]),
            stated_cost: None,
        })
    }

    /// The larger of two counts in every field: usage told during an answer never lowers what is known.
    pub(crate) fn max(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.max(other.input_tokens),
            cached_tokens: self.cached_tokens.max(other.cached_tokens),
            written_tokens: self.written_tokens.max(other.written_tokens),
            written_1h_tokens: self.written_1h_tokens.max(other.written_1h_tokens),
            output_tokens: self.output_tokens.max(other.output_tokens),
            stated_cost: self.stated_cost.max(other.stated_cost),
        }
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

    /// Writes the `usage` of an Anthropic message.
    pub(crate) fn to_anthropic(self) -> Value {
        let written = self.written_tokens.saturating_add(self.written_1h_tokens);
        json!({
            "input_tokens": self.input_tokens.saturating_sub(self.cached_tokens).saturating_sub(written),
            "cache_creation_input_tokens": written,
            "cache_read_input_tokens": self.cached_tokens,
            "output_tokens": self.output_tokens,
        })
    }
}

impl Received {
    /// The usage to charge: the final one, else the larger of what was told and what arrived.
    pub(crate) fn charged(&self, input_tokens: u64) -> Usage {
        match self.usage.filter(|_| self.is_final) {
            Some(usage) => usage,
            None => {
                let arrived =
                    Usage { input_tokens, output_tokens: self.output_tokens, ..Usage::default() };
                let told = Usage { stated_cost: None, ..self.usage.unwrap_or_default() };
                told.max(arrived)
            }
        }
    }
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn stated_cost(usd: &Value) -> Option<u64> {
    let usd = usd.as_f64().filter(|usd| *usd >= 0.0 && usd.is_finite())?;
    Some((usd * 1e9).ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(input_tokens: u64, cached_tokens: u64, output_tokens: u64) -> Option<Usage> {
        Some(Usage { input_tokens, cached_tokens, output_tokens, ..Usage::default() })
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
        let written = of(9, 6, 4).map(|usage| Usage { written_tokens: 1, ..usage });
        assert_eq!(Usage::from_anthropic(&message), written);
    }

    #[test]
    fn tokens_written_to_a_cache_are_told_apart_by_lifetime() {
        let message = json!({"input_tokens": 1, "cache_creation_input_tokens": 5, "output_tokens": 1,
            "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 3}});
        let usage = Usage::from_anthropic(&message).unwrap_or_default();
        assert_eq!((usage.input_tokens, usage.written_tokens, usage.written_1h_tokens), (6, 2, 3));
        assert_eq!(usage.to_anthropic()["cache_creation_input_tokens"], 5);
        let only = json!({"input_tokens": 1, "cache_creation": {"ephemeral_1h_input_tokens": 3}});
        assert_eq!(Usage::from_anthropic(&only).map(|usage| usage.input_tokens), Some(4));
    }

    #[test]
    fn a_stated_cost_is_read_and_nonsense_is_not() {
        let cost = |cost: Value| {
            let usage = json!({"prompt_tokens": 1, "completion_tokens": 1, "cost": cost});
            Usage::from_chat(&usage).and_then(|usage| usage.stated_cost)
        };
        assert_eq!(cost(json!(0.0025)), Some(2_500_000));
        for nonsense in [json!(-1), json!("1"), json!(null)] {
            assert_eq!(cost(nonsense), None);
        }
    }

    #[test]
    fn what_is_told_later_never_lowers_a_count() {
        let first = Usage { input_tokens: 9, output_tokens: 4, ..Usage::default() };
        let second = Usage { input_tokens: 0, output_tokens: 7, ..Usage::default() };
        let expected = Usage { input_tokens: 9, output_tokens: 7, ..Usage::default() };
        assert_eq!(first.max(second), expected);
    }

    #[test]
    fn details_may_be_absent_or_null() {
        let chat =
            json!({"prompt_tokens": 9, "completion_tokens": 0, "prompt_tokens_details": null});
        assert_eq!(Usage::from_chat(&chat), of(9, 0, 0));
        let message = json!({"input_tokens": 2, "cache_read_input_tokens": null});
        assert_eq!(Usage::from_anthropic(&message), of(2, 0, 0));
    }

    #[test]
    fn an_object_of_another_shape_is_not_usage() {
        assert_eq!(Usage::from_chat(&json!({"prompt_tokens": 9})), None);
        for value in [Value::Null, json!({}), json!([1]), json!({"prompt_tokens": "9"})] {
            assert_eq!(Usage::from_chat(&value), None, "{value}");
            assert_eq!(Usage::from_responses(&value), None, "{value}");
            assert_eq!(Usage::from_embeddings(&value), None, "{value}");
            assert_eq!(Usage::from_anthropic(&value), None, "{value}");
        }
    }

    #[test]
    fn written_values_are_read_back() {
        let usage =
            Usage { input_tokens: 9, cached_tokens: 6, output_tokens: 4, ..Usage::default() };
        assert_eq!(Usage::from_chat(&usage.to_chat()), Some(usage));
        assert_eq!(Usage::from_anthropic(&usage.to_anthropic()), Some(usage));
        assert_eq!(usage.to_chat()["total_tokens"], 13);
    }

    #[test]
    fn absurd_counts_do_not_overflow() {
        let usage = json!({"input_tokens": u64::MAX, "cache_read_input_tokens": u64::MAX});
        assert_eq!(Usage::from_anthropic(&usage), of(u64::MAX, u64::MAX, 0));
        let usage = Usage {
            input_tokens: 1,
            cached_tokens: 2,
            output_tokens: u64::MAX,
            ..Usage::default()
        };
        assert_eq!(usage.to_chat()["total_tokens"], u64::MAX);
        assert_eq!(usage.to_anthropic()["input_tokens"], 0);
    }
}
