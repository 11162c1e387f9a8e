//! Compares the float router with the exported one on the same queries.
//!
//! The engine runs both graphs on each query, and the differences are printed. That the float graph
//! computes what was trained is held by tests, which compare every encoder and head with burn.

use crate::error::TrainerError;
use crate::eval::cost_quality::many_models::largest;

/// Mean absolute difference of win rates above which a bundle is refused.
pub const LIMIT: f64 = 0.01;

/// Differences between float and exported win rates, or qualities.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Disagreement {
    pub queries: usize,
    /// Mean absolute difference of win rates.
    pub mean: f64,
    /// Largest absolute difference of win rates.
    pub largest: f64,
    /// Share of queries, in [0, 1], whose decision differs.
    pub changed: f64,
}

impl Disagreement {
    /// Compares the win rates of the same queries; decisions are compared at `threshold`.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn between(float: &[f64], int8: &[f64], threshold: f64) -> Self {
        let queries = float.len().min(int8.len());
        let mut found = Self { queries, mean: 0.0, largest: 0.0, changed: 0.0 };
        let share = 1.0 / queries.max(1) as f64;
        for (float, int8) in float.iter().zip(int8) {
            let difference = (float - int8).abs();
            found.mean += difference * share;
            found.largest = found.largest.max(difference);
            if (*float >= threshold) != (*int8 >= threshold) {
                found.changed += share;
            }
        }
        found
    }

    /// Compares the candidates' qualities on the same queries: differences are taken over all
    /// qualities, and a decision is the best candidate.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn between_qualities(float: &[Vec<f64>], int8: &[Vec<f64>]) -> Self {
        let queries = float.len().min(int8.len());
        let mut found = Self { queries, mean: 0.0, largest: 0.0, changed: 0.0 };
        for (float, int8) in float.iter().zip(int8) {
            let share = 1.0 / queries as f64;
            for (a, b) in float.iter().zip(int8) {
                found.mean += (a - b).abs() * share / float.len() as f64;
                found.largest = found.largest.max((a - b).abs());
            }
            if largest(float.iter().copied()) != largest(int8.iter().copied()) {
                found.changed += share;
            }
        }
        found
    }

    /// Refuses a bundle that must not ship.
    ///
    /// # Errors
    /// [`TrainerError::Disagreement`] above [`LIMIT`].
    pub fn check(self) -> Result<Self, TrainerError> {
        match self.mean <= LIMIT {
            true => Ok(self),
            false => Err(TrainerError::Disagreement { found: self.mean, limit: LIMIT }),
        }
    }
}
