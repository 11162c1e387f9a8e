//! The budget of Anthropic's `thinking` beside a limit on the output that the gateway lowers: Anthropic refuses
//! a budget that is not below `max_tokens`, and one below 1,024.

use std::ops::Range;

use crate::wire::fields::Fields;
use crate::wire::outgoing::Edit;

/// The least budget that Anthropic takes.
pub(crate) const LEAST_BUDGET: u64 = 1024;

/// `thinking.budget_tokens` of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ThinkingBudget {
    /// The byte range of the value of `thinking`.
    pub(crate) range: Range<usize>,
    number: Range<usize>,
    tokens: u64,
}

/// What a budget becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lowered {
    /// As many tokens.
    To(u64),
    /// The answer has no room for thinking.
    Disabled,
}

/// What a budget becomes beside a limit on all output tokens: half of the limit, at least
/// [`LEAST_BUDGET`]. None if it is below the limit.
pub(crate) fn lowered(budget: u64, limit: u64) -> Option<Lowered> {
    match () {
        () if budget < limit => None,
        () if limit > LEAST_BUDGET => Some(Lowered::To((limit / 2).max(LEAST_BUDGET))),
        () => Some(Lowered::Disabled),
    }
}

impl ThinkingBudget {
    /// Reads the value at `range` of a body, that of `thinking`; none if it states no budget.
    pub(crate) fn read(body: &str, range: Range<usize>) -> Option<Self> {
        let value = &body[range.clone()];
        let number = Fields::new(value).ok()?.get("budget_tokens")?;
        let tokens = value[number.clone()].parse().ok()?;
        let number = range.start + number.start..range.start + number.end;
        Some(Self { range, number, tokens })
    }

    /// The change of the body beside a limit on the output.
    pub(crate) fn within(&self, limit: u64) -> Option<Edit> {
        lowered(self.tokens, limit).map(|lowered| match lowered {
            Lowered::To(tokens) => Edit { range: self.number.clone(), text: tokens.to_string() },
            Lowered::Disabled => {
                Edit { range: self.range.clone(), text: r#"{"type":"disabled"}"#.to_owned() }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_budget_stays_below_the_limit_or_thinking_is_disabled() {
        assert_eq!(lowered(10_000, 10_001), None);
        assert_eq!(lowered(10_000, 10_000), Some(Lowered::To(5_000)));
        assert_eq!(lowered(10_000, 1_500), Some(Lowered::To(1_024)));
        assert_eq!(lowered(10_000, 1_025), Some(Lowered::To(1_024)));
        assert_eq!(lowered(10_000, 1_024), Some(Lowered::Disabled));
    }

    #[test]
    fn only_the_number_changes() {
        let body = r#"{"thinking": {"budget_tokens" : 20000, "type": "enabled"}, "model": "m"}"#;
        let range = Fields::new(body).unwrap().get("thinking").unwrap();
        let budget = ThinkingBudget::read(body, range).unwrap();
        let changed = |limit| {
            let Edit { range, text } = budget.within(limit).unwrap();
            format!("{}{text}{}", &body[..range.start], &body[range.end..])
        };
        assert_eq!(changed(9_000), body.replace("20000", "4500"));
        assert_eq!(changed(500), r#"{"thinking": {"type":"disabled"}, "model": "m"}"#);
        assert_eq!(budget.within(20_001), None);
        for other in [r#"{"type": "adaptive"}"#, r#"{"budget_tokens": "many"}"#, "7", "null"] {
            assert_eq!(ThinkingBudget::read(other, 0..other.len()), None);
        }
    }
}
