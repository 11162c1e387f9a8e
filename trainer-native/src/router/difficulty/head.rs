//! The fitted demands, and their export.

use crate::error::TrainerError;
use crate::export::graph::Graph;
use crate::export::router_graph::{GraphHead, Inputs, linear};
use crate::linear::ridge_regression::LinearFit;
use crate::precision::Precision;

/// Linear functions of the embedding, one a demand.
#[derive(Debug, Clone, PartialEq)]
pub struct DifficultyHead {
    /// Coefficients, `[D, K]` row by row; D with the length, whose row is 0.
    pub weights: Vec<f32>,
    /// Constants, `[K]`.
    pub offsets: Vec<f32>,
}

impl DifficultyHead {
    /// The head of one fit a demand, in their order. The embedding begins with the coordinates that the fits have
    /// coefficients of, none where `has_coordinates` is not set; then comes, for each fit with rows, the sum of its
    /// rows, and last the length.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn of(fits: &[LinearFit], has_coordinates: bool) -> Self {
        let width = fits.first().filter(|_| has_coordinates).map_or(0, |fit| fit.dense.len());
        let coefficients = |at: usize| fits.iter().map(move |fit| fit.dense[at] as f32);
        let sums = (0..fits.len()).filter(|&at| !fits[at].tokens.is_empty());
        let unit = |own: usize| (0..fits.len()).map(move |at| f32::from(u8::from(at == own)));
        let length = std::iter::repeat_n(0.0, fits.len());
        Self {
            weights: (0..width)
                .flat_map(coefficients)
                .chain(sums.flat_map(unit))
                .chain(length)
                .collect(),
            offsets: fits.iter().map(|fit| fit.intercept as f32).collect(),
        }
    }

    /// The demands of a query, `[K]`, from its embedding without the length.
    #[must_use]
    pub fn at(&self, topic: &[f32]) -> Vec<f64> {
        let mut demands: Vec<f64> = self.offsets.iter().map(|&c| f64::from(c)).collect();
        for (row, &value) in self.weights.chunks_exact(demands.len().max(1)).zip(topic) {
            let value = f64::from(value);
            demands.iter_mut().zip(row).for_each(|(d, &w)| *d += f64::from(w) * value);
        }
        demands
    }
}

impl GraphHead for DifficultyHead {
    fn nodes(
        &self,
        g: &mut Graph,
        _: &Inputs,
        embedding: &str,
        _: &[usize],
        _: Precision,
    ) -> Result<String, TrainerError> {
        if let Some(found) = self.weights.iter().chain(&self.offsets).find(|v| !v.is_finite()) {
            return Err(TrainerError::NotFinite {
                what: "a coefficient of a demand",
                detail: format!("{found}: raise the penalty"),
            });
        }
        // Kept in float: a few columns are little beside the encoder.
        let weights = (self.weights.as_slice(), self.offsets.len());
        let demands =
            linear(g, "demands", embedding, weights, Some(&self.offsets), Precision::Float);
        Ok(g.node("Identity", "scores", &[&demands], &[]))
    }
}
