//! Translates between `reasoning_effort` and Anthropic's `thinking`.
//!
//! Models from 4.6 on think adaptively and take an effort; earlier ones take a budget of tokens.
//!
//! | `reasoning_effort` | adaptive models | earlier models |
//! | --- | --- | --- |
//! | absent | nothing | nothing |
//! | `none` | `thinking: disabled` | the same |
//! | `minimal`, `low` | `thinking: adaptive`, `output_config.effort: low` | budget 2048 |
//! | `medium` | `medium` | 8192 |
//! | `high` | `high` | 16384 |
//! | `xhigh` | `xhigh` | 32768 |
//! | `max` | `max` | 32768 |
//!
//! A budget is at most half of `max_tokens`. Thinking is left out if the budget would be below
//! Anthropic's minimum of 1024; beside a forced tool choice, which Anthropic refuses together with
//! thinking (the effort stays); and for an earlier model in the middle of tool calls, since an OpenAI
//! client cannot send its earlier thinking back.
//!
//! Back: `disabled` sets no effort, an effort stays the same (`max` becomes `xhigh`), a budget becomes
//! the lowest effort whose budget is at least as large.

use serde_json::{Value, json};

use crate::error::Untranslatable;
use crate::request::thinking_budget::{LEAST_BUDGET, Lowered, lowered};

/// Parts of the names of models without adaptive thinking. No further such model will appear.
const BUDGET_MODELS: [&str; 9] = [
    "claude-3",
    "claude-opus-4-0",
    "claude-opus-4-1",
    "claude-opus-4-2025",
    "claude-opus-4-5",
    "claude-sonnet-4-0",
    "claude-sonnet-4-2025",
    "claude-sonnet-4-5",
    "claude-haiku-4-5",
];

/// The parts of a request on which thinking depends.
pub(super) struct ThinkingInputs<'a> {
    /// The upstream's model.
    pub(super) model: &'a str,
    /// The limit on output tokens.
    pub(super) max_tokens: u64,
    /// Whether a tool must be called.
    pub(super) forced_choice: bool,
    /// Whether the conversation ends with tool results.
    pub(super) within_tool_calls: bool,
}

/// The fields to send.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Thinking {
    /// The `thinking` field.
    pub(super) thinking: Option<Value>,
    /// The `output_config.effort` field.
    pub(super) effort: Option<&'static str>,
}

/// Translates an effort for Anthropic.
///
/// # Errors
/// [`Untranslatable::Malformed`] for an unknown effort.
pub(super) fn of_effort(
    effort: &Value,
    inputs: &ThinkingInputs<'_>,
) -> Result<Thinking, Untranslatable> {
    let (effort, budget) = match effort.as_str() {
        None if effort.is_null() => return Ok(Thinking::default()),
        Some("none") => {
            let thinking = Some(json!({"type": "disabled"}));
            return Ok(Thinking { thinking, effort: None });
        }
        Some("minimal" | "low") => ("low", 2048),
        Some("medium") => ("medium", 8192),
        Some("high") => ("high", 16384),
        Some("xhigh") => ("xhigh", 32768),
        Some("max") => ("max", 32768),
        _ => {
            let expected =
                "\"none\", \"minimal\", \"low\", \"medium\", \"high\", \"xhigh\" or \"max\"";
            return Err(Untranslatable::malformed("reasoning_effort", effort, expected));
        }
    };
    if !BUDGET_MODELS.iter().any(|name| inputs.model.contains(name)) {
        let thinking = (!inputs.forced_choice).then(|| json!({"type": "adaptive"}));
        return Ok(Thinking { thinking, effort: Some(effort) });
    }
    let budget = budget.min(inputs.max_tokens / 2);
    if budget < LEAST_BUDGET || inputs.forced_choice || inputs.within_tool_calls {
        return Ok(Thinking::default());
    }
    let thinking = Some(json!({"type": "enabled", "budget_tokens": budget}));
    Ok(Thinking { thinking, effort: None })
}

/// Lowers the limit of a request for Anthropic to `room`, and its budget below a limit that the gateway has
/// lowered.
pub(crate) fn limit_output(request: &mut Value, enforced: Option<u64>, room: Option<u64>) {
    let stated = request["max_tokens"].as_u64().unwrap_or_default();
    let limit = room.map_or(stated, |room| stated.min(room));
    if limit < stated {
        request["max_tokens"] = limit.into();
    }
    if enforced.is_none() && limit == stated {
        return;
    }
    let budget = request["thinking"]["budget_tokens"].as_u64();
    match budget.and_then(|budget| lowered(budget, limit)) {
        Some(Lowered::To(tokens)) => request["thinking"]["budget_tokens"] = tokens.into(),
        Some(Lowered::Disabled) => request["thinking"] = json!({"type": "disabled"}),
        None => {}
    }
}

/// Reads the effort of an Anthropic request; none if it states none. `later` is one that a turn states.
pub(super) fn to_effort<'m>(messages: &'m Value, later: Option<&'m str>) -> Option<&'m str> {
    let thinking = &messages["thinking"];
    if thinking["type"] == "disabled" {
        return None;
    }
    if let Some(effort) = later.or(messages["output_config"]["effort"].as_str()) {
        return Some(if effort == "max" { "xhigh" } else { effort });
    }
    match thinking["budget_tokens"].as_u64()? {
        0..=2048 => Some("low"),
        2049..=8192 => Some("medium"),
        _ => Some("high"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NEW: ThinkingInputs<'_> = ThinkingInputs {
        model: "claude-opus-4-6",
        max_tokens: 32_000,
        forced_choice: false,
        within_tool_calls: false,
    };
    const OLD: ThinkingInputs<'_> = ThinkingInputs { model: "claude-sonnet-4-5-20250929", ..NEW };

    fn of(effort: &str, inputs: &ThinkingInputs<'_>) -> (Value, Option<&'static str>) {
        let Thinking { thinking, effort } = of_effort(&json!(effort), inputs).unwrap();
        (thinking.unwrap_or_default(), effort)
    }

    #[test]
    fn adaptive_models_take_an_effort() {
        let adaptive = json!({"type": "adaptive"});
        assert_eq!(of("minimal", &NEW), (adaptive.clone(), Some("low")));
        assert_eq!(of("high", &NEW), (adaptive, Some("high")));
        assert_eq!(of("none", &NEW), (json!({"type": "disabled"}), None));
        assert_eq!(of_effort(&Value::Null, &NEW), Ok(Thinking::default()));
    }

    #[test]
    fn earlier_models_take_a_budget_within_the_limit() {
        let budget = |effort, max_tokens| {
            of(effort, &ThinkingInputs { max_tokens, ..OLD }).0["budget_tokens"].as_u64()
        };
        assert_eq!(budget("low", 32_000), Some(2048));
        assert_eq!(budget("high", 100_000), Some(16_384));
        assert_eq!(budget("high", 8192), Some(4096));
        assert_eq!(budget("high", 2048), Some(1024));
        assert_eq!(budget("high", 2047), None);
    }

    #[test]
    fn thinking_is_left_out_where_anthropic_refuses_it() {
        let forced = ThinkingInputs { forced_choice: true, ..NEW };
        assert_eq!(of("high", &forced), (Value::Null, Some("high")));
        for inputs in [
            ThinkingInputs { forced_choice: true, ..OLD },
            ThinkingInputs { within_tool_calls: true, ..OLD },
        ] {
            assert_eq!(of("high", &inputs), (Value::Null, None));
        }
        let calls = ThinkingInputs { within_tool_calls: true, ..NEW };
        assert_eq!(of("high", &calls).0, json!({"type": "adaptive"}));
    }

    #[test]
    fn an_unknown_effort_is_refused() {
        for effort in [json!("huge"), json!(3)] {
            assert_eq!(of_effort(&effort, &NEW).unwrap_err().field(), "reasoning_effort");
        }
    }

    #[test]
    fn efforts_come_back() {
        for (messages, effort) in [
            (json!({}), None),
            (json!({"thinking": {"type": "disabled"}, "output_config": {"effort": "low"}}), None),
            (json!({"thinking": {"type": "adaptive"}}), None),
            (json!({"output_config": {"effort": "medium"}}), Some("medium")),
            (json!({"output_config": {"effort": "max"}}), Some("xhigh")),
            (json!({"thinking": {"type": "enabled", "budget_tokens": 1024}}), Some("low")),
            (json!({"thinking": {"type": "enabled", "budget_tokens": 5000}}), Some("medium")),
            (json!({"thinking": {"type": "enabled", "budget_tokens": 9000}}), Some("high")),
        ] {
            assert_eq!(to_effort(&messages, None), effort, "{messages}");
        }
    }
}
