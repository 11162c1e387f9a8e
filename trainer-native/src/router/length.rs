//! Length router: a baseline that fits two numbers to the query's length.
//!
//! ```text
//! ln odds P(strong beats weak | q) = a * length(q) + b          length(q) = ln(1 + tokens) / 4 - 1
//! ```
//! It is fitted to the labelled queries by logistic regression (Newton's method). Its scores are `a
//! * length + b` for the strong candidate and 0 for every other.

use crate::encoder::Encoder;
use crate::encoder::embeddings::EmbeddingCache;
use crate::error::TrainerError;
use crate::export::graph::Graph;
use crate::export::router_graph::{GraphHead, Inputs, linear};
use crate::precision::Precision;
use crate::recipe::LengthRecipe;
use crate::training::context::Context;
use crate::training::embedded::Embedded;
use crate::training::fit::{Fit, Trained, TrainedHead};
use crate::training::training_set::TrainingSet;

impl Fit for LengthRecipe {
    fn fit(&self, context: &Context<'_>, encoder: Encoder) -> Result<Trained, TrainerError> {
        let Embedded { set, embedder, columns } = Embedded::new(context, &encoder)?;
        let pair = context.recipe.pair()?;
        let pair = (set.model_index(&pair.strong)?, set.model_index(&pair.weak)?);
        let rows = lengths(&set, &embedder.cache, pair)?;
        let head = LengthHead::fit(&rows, embedder.cache.width(), pair.0)?;
        Ok(Trained { encoder, head: TrainedHead::in_graph(head, columns) })
    }
}

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
    /// [`TrainerError::NoTrainingData`] where there is no row.
    pub fn fit(
        rows: &[(f64, f64, f64)],
        width: usize,
        strong: usize,
    ) -> Result<Self, TrainerError> {
        if rows.is_empty() {
            let detail = "no query has outcomes of both the strong and the weak candidate".into();
            return Err(TrainerError::NoTrainingData { detail });
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

/// Length coordinate, target of strong over weak, and weight of each query that has a target.
fn lengths(
    set: &TrainingSet,
    cache: &EmbeddingCache,
    (strong, weak): (usize, usize),
) -> Result<Vec<(f64, f64, f64)>, TrainerError> {
    let mut rows = Vec::new();
    for query in &set.queries {
        let score = |model| query.scores.iter().find(|(m, _)| *m == model).map(|&(_, s)| s);
        let target = match query.label {
            Some(label) if (label.a, label.b) == (strong, weak) => Some(label.target),
            Some(label) if (label.b, label.a) == (strong, weak) => Some(1.0 - label.target),
            _ => score(strong).zip(score(weak)).map(|(s, w)| f32::midpoint(1.0, s - w)),
        };
        let Some(target) = target else { continue };
        let embedding = cache.read(&[query.embedding])?;
        let length = embedding.last().copied().unwrap_or_default();
        rows.push((f64::from(length), f64::from(target), f64::from(query.weight)));
    }
    Ok(rows)
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
        assert_eq!(LengthHead::fit(&[], 2, 0).unwrap_err().code(), "no_training_data");
    }
}
