//! What repeated draws say of a number: its mean, its spread, and how far the mean would move on other questions.
//!
//! ```text
//! interval = mean -/+ t_(J-1) sd sqrt(1 / J + held out / not held out)
//! ```
//! The J seeds hold out thirds of the same questions, so that their numbers are not independent; the second term
//! corrects for that (Nadeau and Bengio, Machine Learning 52, 2003).

use serde::{Deserialize, Serialize};

/// Mean and spread of a number over seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    pub mean: f64,
    /// Standard deviation, with n - 1; 0 of one seed.
    pub deviation: f64,
    /// One a seed.
    pub values: Vec<f64>,
}

/// A 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Range {
    pub low: f64,
    pub high: f64,
}

/// 97.5 % quantiles of Student's t for 1, 2, ... degrees of freedom.
const T: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
    2.052, 2.048, 2.045, 2.042,
];

impl Spread {
    #[must_use]
    pub fn of(values: Vec<f64>) -> Self {
        let n = values.len().max(1) as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self { mean, deviation: (squares / (n - 1.0).max(1.0)).sqrt(), values }
    }

    /// The interval of the mean; `ratio` is that of rows held out to others. `None` of one seed.
    #[must_use]
    pub fn range(&self, ratio: f64) -> Option<Range> {
        let seeds = self.values.len();
        let t = T.get(seeds.checked_sub(2)?.min(T.len() - 1))?;
        let half = t * self.deviation * (1.0 / seeds as f64 + ratio).sqrt();
        Some(Range { low: self.mean - half, high: self.mean + half })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_grows_with_the_overlap_and_falls_with_seeds() {
        let spread = Spread::of(vec![1.0, 2.0, 3.0]);
        assert_eq!((spread.mean, spread.deviation), (2.0, 1.0));
        let width = |spread: &Spread, ratio| spread.range(ratio).map(|r| r.high - r.low);
        let found = width(&spread, 0.0).unwrap_or_default();
        assert!((found - 2.0 * 4.303 / 3.0_f64.sqrt()).abs() < 1e-9, "{found}");
        assert!(width(&spread, 0.5) > Some(found));
        let more = Spread::of([1.0, 2.0, 3.0].repeat(20));
        assert!(width(&more, 0.0).unwrap_or_default() < found / 5.0);
        assert_eq!(Spread::of(vec![1.0]).range(0.5), None);
        assert_eq!(Spread::of(vec![1.0]).deviation, 0.0);
    }
}
