//! Translates the reason for which an answer ended, in both directions.
//!
//! | `stop_reason` | `finish_reason` | translated back |
//! | --- | --- | --- |
//! | `end_turn` | `stop` | `end_turn`, or `tool_use` where tools were called |
//! | `stop_sequence`, `pause_turn` | `stop` | |
//! | `tool_use` | `tool_calls` (and `function_call`) | `tool_use` |
//! | `max_tokens` | `length` | `max_tokens` |
//! | `model_context_window_exceeded` | `length` | |
//! | `refusal` | `content_filter` | `refusal` |
//!
//! A reason that is not in the table becomes `stop` or `end_turn`.

/// Translates Anthropic's `stop_reason`.
pub(super) fn to_finish(stop_reason: Option<&str>) -> &'static str {
    match stop_reason {
        Some("tool_use") => "tool_calls",
        Some("max_tokens" | "model_context_window_exceeded") => "length",
        Some("refusal") => "content_filter",
        _ => "stop",
    }
}

/// Translates OpenAI's `finish_reason`. Some upstreams report `stop` after tool calls.
pub(super) fn to_stop(finish_reason: Option<&str>, calls_tools: bool) -> &'static str {
    match finish_reason {
        Some("length") => "max_tokens",
        Some("content_filter") => "refusal",
        Some("tool_calls" | "function_call") => "tool_use",
        _ if calls_tools => "tool_use",
        _ => "end_turn",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_go_there_and_back() {
        for (stop, finish) in [
            ("end_turn", "stop"),
            ("tool_use", "tool_calls"),
            ("max_tokens", "length"),
            ("refusal", "content_filter"),
        ] {
            assert_eq!(to_finish(Some(stop)), finish);
            assert_eq!(to_stop(Some(finish), false), stop);
        }
        assert_eq!(to_finish(Some("pause_turn")), "stop");
        assert_eq!(to_finish(None), "stop");
        assert_eq!(to_stop(Some("stop"), true), "tool_use");
        assert_eq!(to_stop(Some("length"), true), "max_tokens");
    }
}
