//! What a model's context window leaves for the answer.
//!
//! ```text
//! room = window - input - (input / 8 + 64), at least 256
//! ```
//! A limit on the output is a maximum, and most answers are far below it. So a model can answer if its window
//! holds the input and a short answer. Servers such as vLLM refuse a limit that together with the input
//! exceeds the window; it is lowered to the room. The margin is for tokenizers that differ from the bundle's.

use pointsman::SHORT_ANSWER_TOKENS;

/// The input tokens for each token of the margin.
const INPUT_PER_MARGIN_TOKEN: u64 = 8;
/// The margin of an empty input.
const LEAST_MARGIN: u64 = 64;

/// Whether a window holds an input and a short answer, or one of `output` tokens if that is shorter.
pub(crate) fn holds(window: u64, input: u64, output: Option<u32>) -> bool {
    let answer = output.unwrap_or(SHORT_ANSWER_TOKENS).min(SHORT_ANSWER_TOKENS);
    input.saturating_add(u64::from(answer)) <= window
}

/// The most output tokens for which a window has room beside an input. None if it does not hold the input
/// and a short answer: the upstream then says so, or the estimate was too high.
pub(crate) fn output_room(window: u64, input: u64) -> Option<u64> {
    if !holds(window, input, None) {
        return None;
    }
    let margin = input / INPUT_PER_MARGIN_TOKEN + LEAST_MARGIN;
    Some((window - input).saturating_sub(margin).max(SHORT_ANSWER_TOKENS.into()))
}

/// The limit on output tokens that a call states: the budget's, and the request's own where it exceeds the
/// room; none if the request's own stays.
pub(crate) fn output_limit(
    budgets: Option<u64>,
    stated: Option<u64>,
    room: Option<u64>,
) -> Option<u64> {
    match (budgets, room) {
        (Some(limit), Some(room)) => Some(limit.min(room)),
        (Some(limit), None) => Some(limit),
        (None, room) => room.filter(|room| stated.is_some_and(|stated| stated > *room)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_holds_the_input_and_a_short_answer() {
        assert!(holds(32_768, 1_000, Some(32_000)));
        assert!(holds(1_256, 1_000, Some(32_000)) && holds(1_256, 1_000, None));
        assert!(!holds(1_255, 1_000, Some(32_000)) && !holds(1_255, 1_000, None));
        assert!(holds(1_009, 1_000, Some(9)) && !holds(1_008, 1_000, Some(9)));
        assert!(!holds(u64::MAX - 1, u64::MAX, None));
    }

    #[test]
    fn the_room_is_what_the_input_and_a_margin_leave() {
        assert_eq!(output_room(32_768, 0), Some(32_704));
        assert_eq!(output_room(32_768, 1_600), Some(32_768 - 1_600 - 200 - 64));
        assert_eq!(output_room(2_000, 1_700), Some(256));
        assert_eq!(output_room(2_000, 1_744), Some(256));
        assert_eq!(output_room(2_000, 1_745), None);
        assert_eq!(output_room(0, 0), None);
    }

    #[test]
    fn the_lowest_limit_is_stated_and_none_where_the_requests_own_fits() {
        assert_eq!(output_limit(None, Some(32_000), Some(9_000)), Some(9_000));
        assert_eq!(output_limit(None, Some(9_000), Some(9_000)), None);
        assert_eq!(output_limit(None, None, Some(9_000)), None);
        assert_eq!(output_limit(None, Some(32_000), None), None);
        assert_eq!(output_limit(Some(8_192), None, Some(9_000)), Some(8_192));
        assert_eq!(output_limit(Some(8_192), Some(32_000), Some(500)), Some(500));
        assert_eq!(output_limit(Some(8_192), None, None), Some(8_192));
    }
}
