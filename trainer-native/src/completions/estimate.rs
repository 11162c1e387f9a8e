//! What requests will cost, before they are sent.

use super::models_file::ModelEntry;
use super::money::{Money, cost};
use super::request::CompletionRequest;
use super::tokens;

/// Bounds of the cost of requests to models whose prices are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CostRange {
    lowest: Money,
    highest: Money,
}

impl CostRange {
    /// The range of one request; `None` where the model's prices are unknown.
    #[must_use]
    pub fn of(model: &ModelEntry, request: &CompletionRequest) -> Option<Self> {
        let output = u64::from(request.max_tokens(model));
        Some(Self {
            lowest: cost(model, tokens::usual_input(request), 0)?,
            highest: cost(model, tokens::most_input(model, request), output)?,
        })
    }

    pub fn add(&mut self, other: Self) {
        self.lowest = self.lowest.plus(other.lowest);
        self.highest = self.highest.plus(other.highest);
    }

    /// US dollars for the questions alone, one token for four bytes.
    #[must_use]
    pub fn lowest_usd(&self) -> f64 {
        self.lowest.usd()
    }

    /// US dollars where each byte of a question is a token and each answer has the most tokens.
    #[must_use]
    pub fn highest_usd(&self) -> f64 {
        self.highest.usd()
    }
}
