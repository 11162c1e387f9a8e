//! Length router: a baseline that fits two numbers to the query's length.
//!
//! ```text
//! ln odds P(strong beats weak | q) = a * length(q) + b          length(q) = ln(1 + tokens) / 4 - 1
//! ```
//! It is fitted to the labelled queries by logistic regression (Newton's method). Its scores are `a
//! * length + b` for the strong candidate and 0 for every other.

use crate::error::TrainerError;
use crate::export::Precision;
use crate::export::graph::Graph;
use crate::export::router_graph::{GraphHead, Inputs, linear};

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LengthHead {
    /// a, the slope.
    pub slope: f64,
    /// b, the intercept.
    pub intercept: f64,
    /// Size of the embedding, whose last coordinate is the length.
    width: usize,
    /// The strong candidate's column among all models.
    strong: usize,
}

/// Penalty on both numbers, so that separable labels have a finite answer.
const RIDGE: f64 = 1e-3;

impl LengthHead {
    /// Fits `(length, target, weight)` rows; targets in [0, 1].
    ///
    /// # Errors
    /// [`TrainerError::NoTrainingPair`] where there is no row.
    pub fn fit(
        rows: &[(f64, f64, f64)],
        width: usize,
        strong: usize,
    ) -> Result<Self, TrainerError> {
        if rows.is_empty() {
            let detail = "no query has outcomes of both the strong and the weak candidate".into();
            return Err(TrainerError::NoTrainingPair { detail });
        }
        let (mut slope, mut intercept) = (0.0_f64, 0.0_f64);
        for _ in 0..50 {
            let (mut g0, mut g1) = (-RIDGE * slope, -RIDGE * intercept);
            let (mut h00, mut h01, mut h11) = (RIDGE, 0.0, RIDGE);
            for &(length, target, weight) in rows {
                let p = 1.0 / (1.0 + (-(slope * length + intercept)).exp());
                let (pull, curvature) = (weight * (target - p), weight * p * (1.0 - p));
                g0 += pull * length;
                g1 += pull;
                h00 += curvature * length * length;
                h01 += curvature * length;
                h11 += curvature;
            }
            let determinant = h00 * h11 - h01 * h01;
            let step = ((g0 * h11 - g1 * h01) / determinant, (g1 * h00 - g0 * h01) / determinant);
            // The likelihood flattens far out: steps are limited to 5.
            let damping = (5.0 / step.0.abs().max(step.1.abs()).max(5.0)).min(1.0);
            slope += step.0 * damping;
            intercept += step.1 * damping;
        }
        Ok(Self { slope, intercept, width, strong })
    }
}

impl GraphHead for LengthHead {
    #[allow(clippy::cast_possible_truncation)]
    fn nodes(
        &self,
        g: &mut Graph,
        _: &Inputs,
        embedding: &str,
        columns: &[usize],
        _: Precision,
    ) -> Result<String, TrainerError> {
        let at_strong = |value: f64| {
            columns.iter().map(move |&c| if c == self.strong { value as f32 } else { 0.0 })
        };
        let mut weights = vec![0.0; (self.width - 1) * columns.len()];
        weights.extend(at_strong(self.slope));
        let bias: Vec<f32> = at_strong(self.intercept).collect();
        // Kept in float: rounding two numbers would save nothing.
        let weights = (weights.as_slice(), columns.len());
        let scores = linear(g, "output", embedding, weights, Some(&bias), Precision::Float);
        Ok(g.node("Identity", "scores", &[&scores], &[]))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_fit_recovers_the_odds_of_two_lengths() {
        // 1 of 4 at length 0, 3 of 4 at length 1: odds 1/3 and 3.
        let rows = [(0.0, 0.25, 400.0), (1.0, 0.75, 400.0)];
        let head = LengthHead::fit(&rows, 2, 0).unwrap();
        assert!((head.intercept + 3.0_f64.ln()).abs() < 1e-3, "{head:?}");
        assert!((head.slope - 2.0 * 3.0_f64.ln()).abs() < 1e-3, "{head:?}");
    }

    #[test]
    fn separable_labels_stay_finite_and_no_labels_are_an_error() {
        let head = LengthHead::fit(&[(0.0, 0.0, 1.0), (1.0, 1.0, 1.0)], 2, 0).unwrap();
        assert!(head.slope.is_finite() && head.slope > 0.0);
        assert_eq!(LengthHead::fit(&[], 2, 0).unwrap_err().code(), "no_training_pair");
    }
}
