//! Translates the reason for which an answer ended, in both directions.
//!
//! | `stop_reason` | `finish_reason` | translated back |
//! | --- | --- | --- |
//! | `end_turn` | `stop` | `end_turn`, or `tool_use` where tools were called |
//! | `stop_sequence` | `stop` | where the upstream tells: vLLM's `stop_reason`, SGLang's `matched_stop` |
//! | `tool_use`; `end_turn` where tools were called | `tool_calls` (and `function_call`) | `tool_use` |
//! | `max_tokens` | `length` | `max_tokens` |
//! | `model_context_window_exceeded` | `length` | that of Mistral's `model_length` |
//! | `pause_turn`: the answer is to be continued | `length` | |
//! | `refusal` | `content_filter` | `refusal`; so are `safety` and the like, and any `refusal` text |
//!
//! Letters' case does not matter. A reason that is not in the table becomes `stop` or `end_turn`. The reasons
//! of answers that failed are errors (`wire::reported_error`).

use serde_json::Value;

use crate::wire::answer::finish_reason;

/// Translates Anthropic's `stop_reason`. Some upstreams report `end_turn` after tool calls.
pub(super) fn to_finish(stop_reason: Option<&str>, calls_tools: bool) -> &'static str {
    match stop_reason {
        Some("tool_use") => "tool_calls",
        Some("max_tokens" | "model_context_window_exceeded" | "pause_turn") => "length",
        Some("refusal") => "content_filter",
        Some("stop_sequence") => "stop",
        _ if calls_tools => "tool_calls",
        _ => "stop",
    }
}

/// How a choice ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ending {
    /// OpenAI's `finish_reason`, in lower case.
    reason: String,
    /// Whether a stop sequence ended it.
    by_sequence: bool,
    /// The stop sequence, if the upstream tells.
    sequence: Option<String>,
}

impl Ending {
    /// Reads a choice, or the last chunk of one; none while it goes on.
    pub(super) fn of(choice: &Value) -> Option<Self> {
        let reason = finish_reason(choice)?.trim().to_ascii_lowercase();
        let told = |field: &str| choice[field].as_str();
        let anthropics = |reason: &&str| STOP_REASONS.contains(reason);
        let sequence = told("stop_reason")
            .filter(|told| !anthropics(told))
            .or(told("matched_stop"))
            .or(told("stop_sequence"))
            .filter(|sequence| !sequence.is_empty())
            .map(str::to_owned);
        let by_sequence = sequence.is_some()
            || reason.starts_with("stop_sequence")
            || ["stop_reason", "native_finish_reason"]
                .iter()
                .any(|field| told(field) == Some("stop_sequence"));
        Some(Self { reason, by_sequence, sequence })
    }

    /// Whether the limit on output tokens ended it.
    pub(super) fn is_cut(&self) -> bool {
        matches!(self.stop_reason(false), "max_tokens" | "model_context_window_exceeded")
    }

    /// Translates the end into Anthropic's `stop_reason` and `stop_sequence`. Some upstreams report `stop`
    /// after tool calls, or a refusal by its text alone.
    pub(super) fn to_anthropic(&self, calls_tools: bool, refused: bool) -> (&'static str, Value) {
        match self.stop_reason(calls_tools) {
            _ if refused => ("refusal", Value::Null),
            "end_turn" if self.by_sequence => ("stop_sequence", self.sequence.clone().into()),
            reason => (reason, Value::Null),
        }
    }

    fn stop_reason(&self, calls_tools: bool) -> &'static str {
        match self.reason.as_str() {
            "length" | "max_tokens" | "max_output_tokens" => "max_tokens",
            "model_length" | "model_context_window_exceeded" => "model_context_window_exceeded",
            "content_filter" | "refusal" | "safety" | "recitation" | "prohibited_content"
            | "blocklist" | "spii" | "image_safety" | "error_toxic" => "refusal",
            "tool_calls" | "function_call" | "tool_use" => "tool_use",
            "pause_turn" => "pause_turn",
            _ if calls_tools => "tool_use",
            _ => "end_turn",
        }
    }
}

/// Anthropic's own reasons, which upstreams behind another gateway repeat.
const STOP_REASONS: [&str; 7] = [
    "end_turn",
    "max_tokens",
    "model_context_window_exceeded",
    "pause_turn",
    "refusal",
    "stop_sequence",
    "tool_use",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn to_stop(choice: &Value, calls: bool) -> (&'static str, Value) {
        Ending::of(choice).map_or(("none", Value::Null), |ending| ending.to_anthropic(calls, false))
    }

    fn reason(finish: &str, calls: bool) -> &'static str {
        to_stop(&json!({"finish_reason": finish}), calls).0
    }

    #[test]
    fn reasons_go_there_and_back() {
        for (stop, finish) in [
            ("end_turn", "stop"),
            ("tool_use", "tool_calls"),
            ("max_tokens", "length"),
            ("refusal", "content_filter"),
        ] {
            assert_eq!(to_finish(Some(stop), false), finish);
            assert_eq!(reason(finish, false), stop);
        }
        assert_eq!(to_finish(Some("pause_turn"), false), "length");
        assert_eq!(to_finish(Some("model_context_window_exceeded"), false), "length");
        assert_eq!(to_finish(Some("stop_sequence"), true), "stop");
        assert_eq!(to_finish(Some("a_reason_of_tomorrow"), false), "stop");
        assert_eq!((to_finish(None, false), to_finish(None, true)), ("stop", "tool_calls"));
        assert_eq!(to_finish(Some("end_turn"), true), "tool_calls");
        assert_eq!(reason("stop", true), "tool_use");
        assert_eq!(reason("length", true), "max_tokens");
        assert_eq!(reason("MAX_TOKENS", false), "max_tokens");
        assert_eq!(reason("model_length", false), "model_context_window_exceeded");
        assert_eq!(reason("SAFETY", false), "refusal");
        assert_eq!(reason("eos", false), "end_turn");
    }

    #[test]
    fn a_choice_without_a_reason_goes_on() {
        for choice in [json!({}), json!({"finish_reason": ""}), json!({"finish_reason": null})] {
            assert_eq!(Ending::of(&choice), None);
        }
    }

    #[test]
    fn a_stop_sequence_is_told_where_the_upstream_tells_it() {
        let end = json!("END");
        for (choice, expected) in [
            (
                json!({"finish_reason": "stop", "stop_reason": "END"}),
                ("stop_sequence", end.clone()),
            ),
            (
                json!({"finish_reason": "stop", "matched_stop": "END"}),
                ("stop_sequence", end.clone()),
            ),
            (
                json!({"finish_reason": "stop", "stop_reason": "stop_sequence", "stop_sequence": "END"}),
                ("stop_sequence", end),
            ),
            (
                json!({"finish_reason": "stop", "native_finish_reason": "stop_sequence"}),
                ("stop_sequence", Value::Null),
            ),
            (json!({"finish_reason": "stop", "stop_reason": 151_645}), ("end_turn", Value::Null)),
            (
                json!({"finish_reason": "stop", "stop_reason": "end_turn"}),
                ("end_turn", Value::Null),
            ),
            (json!({"finish_reason": "stop", "matched_stop": 7}), ("end_turn", Value::Null)),
            (json!({"finish_reason": "length", "stop_reason": "END"}), ("max_tokens", Value::Null)),
        ] {
            assert_eq!(to_stop(&choice, false), expected, "{choice}");
        }
    }
}
