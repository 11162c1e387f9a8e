//! The cost of each upstream call of a request. Every call is charged once, whatever came of it.
//!
//! | a call | costs |
//! | --- | --- |
//! | never sent, or paid with the caller's own key | nothing |
//! | refused: status 4xx, 503, 529, where the model did not run | nothing |
//! | answered with its final usage | that usage |
//! | anything else: no answer in time, a stream that broke off or was left, no usage | its input and the output that arrived, at least what the upstream told |

use serde::{Deserialize, Serialize};

use super::prices::Prices;
use crate::wire::usage::Received;

/// What came of an upstream call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CallOutcome {
    /// It was not sent.
    #[default]
    Unsent,
    /// The upstream refused it before the model ran.
    Refused,
    /// It gave no usable answer.
    Failed,
    /// It was answered.
    Answered,
    /// The client left before the end of the answer.
    Left,
}

/// An upstream call.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Attempt {
    /// The model called.
    pub(crate) model: String,
    /// What came of it.
    pub(crate) outcome: CallOutcome,
    /// Whether the caller's own key paid for it.
    pub(crate) callers_key: bool,
    /// What arrived of an answer.
    pub(crate) received: Received,
}

impl CallOutcome {
    /// The outcome of a call answered with an error status.
    pub(crate) fn of_status(status: u16) -> Self {
        match status {
            400..=499 | 503 | 529 => Self::Refused,
            _ => Self::Failed,
        }
    }
}

impl Attempt {
    /// What the call costs in US dollars; `input_tokens` is the request's estimate.
    pub(crate) fn cost(&self, prices: &Prices, input_tokens: u64) -> f64 {
        match self.is_free() {
            true => 0.0,
            false => prices.of_usage(&self.received.charged(input_tokens)),
        }
    }

    fn is_free(&self) -> bool {
        self.callers_key || matches!(self.outcome, CallOutcome::Unsent | CallOutcome::Refused)
    }
}

/// The prices of a model: those that budgets use, and those that logs and headers show.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct ModelPrices {
    /// From the configuration or the deployed bundle.
    pub(crate) budget: Option<Prices>,
    /// From any bundle too.
    pub(crate) shown: Option<Prices>,
}

/// What the calls of a request cost in all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Costs {
    /// The charge of the budget in US dollars.
    pub(crate) charged: f64,
    /// The cost that logs and headers show; none if the prices of a model are unknown.
    pub(crate) shown: Option<f64>,
    /// The same of the last call alone.
    pub(crate) last: Option<f64>,
    /// The output tokens that the last call allowed the upstream; none without a budget.
    pub(crate) most_output: Option<u64>,
}

impl Default for Costs {
    fn default() -> Self {
        Self { charged: 0.0, shown: Some(0.0), last: None, most_output: None }
    }
}

impl Costs {
    /// Adds the last call.
    pub(crate) fn add(&mut self, attempt: &Attempt, prices: &ModelPrices, input_tokens: u64) {
        let received = within_limit(attempt.received, self.most_output);
        let attempt = Attempt { received, ..attempt.clone() };
        let cost = |prices: &Prices| attempt.cost(prices, input_tokens);
        self.charged += prices.budget.as_ref().map_or(0.0, cost);
        let shown = match attempt.is_free() {
            true => Some(0.0),
            false => prices.shown.as_ref().map(cost),
        };
        self.last = shown;
        self.shown = self.shown.zip(shown).map(|(sum, one)| sum + one);
    }
}

/// Corrects the output counted by its length for an upstream that was allowed `most` tokens. Long words
/// can double the count: up to that it is at most the limit. A larger count stays, since the upstream has
/// then ignored the limit.
fn within_limit(received: Received, most: Option<u64>) -> Received {
    let counted = received.output_tokens;
    let most = most.filter(|most| counted <= most.saturating_mul(2)).unwrap_or(counted);
    Received { output_tokens: counted.min(most), ..received }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::Upstream;
    use crate::request::endpoint::Dialect;
    use crate::wire::usage::Usage;

    /// The cost in millionths of a dollar, at 10 dollars for input and 30 for output; 100 input tokens.
    fn micros(outcome: CallOutcome, received: Received) -> f64 {
        let upstream: Upstream =
            serde_json::from_str(r#"{"inputPrice": 10, "outputPrice": 30}"#).unwrap();
        let prices = Prices::of(&upstream, None, Dialect::Chat).unwrap();
        let attempt = Attempt { model: "m".into(), outcome, callers_key: false, received };
        let own = Attempt { callers_key: true, ..attempt.clone() };
        assert_eq!(own.cost(&prices, 100), 0.0);
        (attempt.cost(&prices, 100) * 1e6).round()
    }

    fn told(input_tokens: u64, output_tokens: u64) -> Option<Usage> {
        Some(Usage { input_tokens, output_tokens, ..Usage::default() })
    }

    #[test]
    fn final_usage_is_charged_as_told() {
        let received = Received { usage: told(10, 2), is_final: true, output_tokens: 50 };
        assert_eq!(micros(CallOutcome::Answered, received), 160.0);
        assert_eq!(micros(CallOutcome::Left, received), 160.0);
    }

    #[test]
    fn partial_usage_never_lowers_a_cost() {
        let received = Received { usage: told(10, 1), is_final: false, output_tokens: 50 };
        assert_eq!(micros(CallOutcome::Left, received), 100.0 * 10.0 + 50.0 * 30.0);
        let received = Received { usage: told(400, 90), is_final: false, output_tokens: 50 };
        assert_eq!(micros(CallOutcome::Failed, received), 400.0 * 10.0 + 90.0 * 30.0);
        let stated = told(1, 1).map(|usage| Usage { stated_cost: Some(1), ..usage });
        let received = Received { usage: stated, is_final: false, output_tokens: 0 };
        assert_eq!(micros(CallOutcome::Left, received), 100.0 * 10.0 + 30.0);
    }

    #[test]
    fn a_failed_call_costs_at_least_its_input_and_a_refused_one_nothing() {
        assert_eq!(micros(CallOutcome::Failed, Received::default()), 1000.0);
        assert_eq!(micros(CallOutcome::Answered, Received::default()), 1000.0);
        assert_eq!(micros(CallOutcome::Refused, Received::default()), 0.0);
        assert_eq!(micros(CallOutcome::Unsent, Received::default()), 0.0);
        let outcomes = [400, 401, 429, 503, 529].map(CallOutcome::of_status);
        assert_eq!(outcomes, [CallOutcome::Refused; 5]);
        assert_eq!([500, 502, 504, 520].map(CallOutcome::of_status), [CallOutcome::Failed; 4]);
    }

    #[test]
    fn a_count_by_length_exceeds_the_limit_only_where_the_upstream_ignores_it() {
        let counted = |output_tokens| Received { output_tokens, ..Received::default() };
        let tokens = |count, most| within_limit(counted(count), most).output_tokens;
        assert_eq!([90, 125, 200].map(|count| tokens(count, Some(100))), [90, 100, 100]);
        assert_eq!(tokens(201, Some(100)), 201);
        assert_eq!(tokens(201, None), 201);
        let upstream: Upstream =
            serde_json::from_str(r#"{"inputPrice": 10, "outputPrice": 30}"#).unwrap();
        let known = Prices::of(&upstream, None, Dialect::Chat);
        let attempt = Attempt {
            outcome: CallOutcome::Answered,
            received: counted(125),
            ..Attempt::default()
        };
        let mut costs = Costs { most_output: Some(100), ..Costs::default() };
        costs.add(&attempt, &ModelPrices { budget: known, shown: known }, 10);
        assert_eq!((costs.charged * 1e6).round(), 100.0 + 100.0 * 30.0);
    }

    #[test]
    fn costs_add_up_and_free_calls_need_no_prices() {
        let upstream: Upstream =
            serde_json::from_str(r#"{"inputPrice": 10, "outputPrice": 30}"#).unwrap();
        let known = Prices::of(&upstream, None, Dialect::Chat);
        let priced = ModelPrices { budget: known, shown: known };
        let (mut costs, failed) =
            (Costs::default(), Attempt { outcome: CallOutcome::Failed, ..Attempt::default() });
        costs.add(&failed, &priced, 100);
        costs.add(&Attempt::default(), &ModelPrices::default(), 100);
        costs.add(&failed, &priced, 100);
        assert!((costs.charged - 0.002).abs() < 1e-12 && costs.shown == Some(costs.charged));
        costs.add(&failed, &ModelPrices { budget: known, shown: None }, 100);
        assert!((costs.charged - 0.003).abs() < 1e-12 && costs.shown.is_none());
    }
}
