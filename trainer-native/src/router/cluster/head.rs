//! A fitted cluster router, and its export.

use crate::error::TrainerError;
use crate::export::graph::{Attribute, Graph};
use crate::export::router_graph::{GraphHead, Inputs, direction, linear};
use crate::precision::Precision;

#[derive(Debug, Clone, PartialEq)]
pub struct ClusterHead {
    /// Mean embedding without its length, `[W]`.
    pub centre: Vec<f32>,
    /// Matrix that x is multiplied with, `[W, G]` row by row.
    pub membership: Vec<f32>,
    /// Constant of each group, `[G]`.
    pub offsets: Vec<f32>,
    /// Shrunk mean scores, `[G, T]` row by row.
    pub means: Vec<f32>,
    /// Per-query correction, where there is one.
    pub correction: Option<Correction>,
}

/// Per-query correction to the means of its group.
#[derive(Debug, Clone, PartialEq)]
pub struct Correction {
    /// u, `[W, T]` row by row.
    pub weights: Vec<f32>,
    /// b, `[T]`.
    pub offsets: Vec<f32>,
}

impl ClusterHead {
    fn groups(&self) -> usize {
        self.offsets.len()
    }

    fn candidates(&self) -> usize {
        self.means.len() / self.groups().max(1)
    }

    fn check(&self) -> Result<(), TrainerError> {
        let correction = self.correction.iter().flat_map(|c| c.weights.iter().chain(&c.offsets));
        let numbers = [&self.centre, &self.membership, &self.offsets, &self.means];
        match numbers.into_iter().flatten().chain(correction).find(|value| !value.is_finite()) {
            None => Ok(()),
            Some(found) => Err(TrainerError::NotFinite {
                what: "a number of the cluster router",
                detail: format!("{found}: raise head.sphere or the correction's penalty"),
            }),
        }
    }
}

/// Reorders the columns of a matrix of `width` columns, row by row.
fn picked(values: &[f32], width: usize, columns: &[usize]) -> Vec<f32> {
    let rows = values.chunks_exact(width.max(1));
    rows.flat_map(|row| columns.iter().map(|&column| row[column])).collect()
}

impl GraphHead for ClusterHead {
    fn nodes(
        &self,
        g: &mut Graph,
        _: &Inputs,
        embedding: &str,
        columns: &[usize],
        _: Precision,
    ) -> Result<String, TrainerError> {
        self.check()?;
        let (width, all, outputs) = (self.centre.len(), self.candidates(), columns.len());
        let unit = direction(g, "query", embedding, &self.centre, width + 1);
        // The length does not count: its rows are zeros.
        let with_length = |mut values: Vec<f32>, columns: usize| {
            values.resize((width + 1) * columns, 0.0);
            values
        };
        // Kept in float: rounding a few columns would save nothing.
        let membership = with_length(self.membership.clone(), self.groups());
        let weights = (membership.as_slice(), self.groups());
        let offsets = Some(self.offsets.as_slice());
        let logits = linear(g, "groups", &unit, weights, offsets, Precision::Float);
        let shares = g.node("Softmax", "group_shares", &[&logits], &[Attribute::Int("axis", 1)]);
        let means = picked(&self.means, all, columns);
        let means = (means.as_slice(), outputs);
        let mut scores = linear(g, "means", &shares, means, None, Precision::Float);
        if let Some(correction) = &self.correction {
            let weights = with_length(picked(&correction.weights, all, columns), outputs);
            let offsets = picked(&correction.offsets, all, columns);
            let weights = (weights.as_slice(), outputs);
            let own = linear(g, "correction", &unit, weights, Some(&offsets), Precision::Float);
            scores = g.node("Add", "corrected", &[&scores, &own], &[]);
        }
        Ok(g.node("Identity", "scores", &[&scores], &[]))
    }
}
