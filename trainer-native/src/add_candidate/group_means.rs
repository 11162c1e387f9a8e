//! Means of a new LLM's scores in the groups of a `cluster` run.
//!
//! ```text
//! p(g | q)  = the run's own shares of groups, from the constants of its graph
//! m         = (sum of scores + mean of the known LLMs' means) / (rows + 1)
//! m(g)      = (sum over rows of p(g | q) score + shrinkage * m) / (sum over rows of p(g | q) + shrinkage)
//! ```
//! `shrinkage` is the recipe's, and at least 1, so that a group without a row has the mean m, and
//! answers that are all right or all wrong give means below 1 or above 0. The new LLM has no
//! correction of its own. Its rows should be drawn as those that the run was trained on: on easier
//! ones it would be rated too well.

use std::sync::atomic::AtomicBool;

use pointsman::MODEL_FILE;

use super::KnownRun;
use crate::assess::embeddings;
use crate::data::Outcomes;
use crate::error::TrainerError;
use crate::export::head_graph::{HeadGraph, LlmColumn};
use crate::linear::direction::unit;
use crate::recipe::ClusterRecipe;

/// Constants of [`ClusterHead`](crate::router::cluster::ClusterHead)'s graph.
const MEANS: &str = "means_weights";
const CORRECTION: [&str; 2] = ["correction_weights", "correction_bias"];

impl KnownRun {
    /// The LLM's columns of the graph.
    pub(super) fn group_means(
        &self,
        settings: &ClusterRecipe,
        model: &str,
        outcomes: &Outcomes,
        stop: &AtomicBool,
    ) -> Result<Vec<LlmColumn>, TrainerError> {
        let graph = HeadGraph::read(self.int8.file(MODEL_FILE))?;
        let groups = Groups::read(&graph)?;
        let (known, _) = graph.floats(MEANS)?;
        let column = outcomes.model_index(model).unwrap_or(usize::MAX);
        let queries: Vec<&str> = outcomes.rows.iter().map(|row| row.query.as_str()).collect();
        let found = embeddings(&self.int8.router, &queries, stop)?;
        let rows: Vec<(Vec<f64>, f64)> = outcomes
            .rows
            .iter()
            .zip(found)
            .filter_map(|(row, embedding)| {
                Some((groups.shares(&embedding?), f64::from(row.score(column)?)))
            })
            .collect();
        let known = known.iter().map(|&mean| f64::from(mean)).sum::<f64>() / known.len() as f64;
        let means = shrunk_means(&rows, groups.count, known, settings.shrinkage);
        let mut columns = vec![(MEANS, means)];
        for name in CORRECTION.into_iter().filter(|name| graph.has(name)) {
            let (values, dims) = graph.floats(name)?;
            let llms = dims.last().copied().unwrap_or(1).max(1);
            columns.push((name, vec![0.0; values.len() / llms]));
        }
        Ok(columns)
    }
}

/// Mean score of each group over rows of shares and score; `known` is the mean to begin with.
#[allow(clippy::cast_possible_truncation)]
fn shrunk_means(rows: &[(Vec<f64>, f64)], groups: usize, known: f64, shrinkage: f64) -> Vec<f32> {
    let sum: f64 = rows.iter().map(|(_, score)| score).sum();
    let whole = (sum + known) / (rows.len() as f64 + 1.0);
    let shrinkage = shrinkage.max(1.0);
    let (mut scores, mut weights) = (vec![shrinkage * whole; groups], vec![shrinkage; groups]);
    for (shares, score) in rows {
        for ((sum, weight), share) in scores.iter_mut().zip(&mut weights).zip(shares) {
            *sum += share * score;
            *weight += share;
        }
    }
    scores.iter().zip(weights).map(|(sum, weight)| (sum / weight) as f32).collect()
}

/// The groups of a graph.
struct Groups {
    centre: Vec<f64>,
    /// `[size, G]` row by row.
    membership: Vec<f32>,
    offsets: Vec<f32>,
    count: usize,
}

impl Groups {
    fn read(graph: &HeadGraph) -> Result<Self, TrainerError> {
        let (centre, _) = graph.floats("query.centre")?;
        let (counted, _) = graph.floats("query.counted")?;
        let width = counted.iter().take_while(|&&counts| counts > 0.0).count();
        let (membership, _) = graph.floats("groups_weights")?;
        let (offsets, _) = graph.floats("groups_bias")?;
        let centre = centre.iter().take(width).map(|&value| f64::from(value)).collect();
        Ok(Self { centre, membership, count: offsets.len(), offsets })
    }

    /// Share of each group for the query of an embedding.
    fn shares(&self, embedding: &[f32]) -> Vec<f64> {
        let embedding: Vec<f64> = embedding.iter().map(|&value| f64::from(value)).collect();
        let direction = unit(&embedding, &self.centre);
        let mut logits: Vec<f64> = self.offsets.iter().map(|&offset| f64::from(offset)).collect();
        for (row, x) in self.membership.chunks_exact(self.count.max(1)).zip(direction) {
            logits.iter_mut().zip(row).for_each(|(logit, m)| *logit += f64::from(*m) * x);
        }
        let largest = logits.iter().copied().fold(f64::MIN, f64::max);
        let shares: Vec<f64> = logits.iter().map(|logit| (logit - largest).exp()).collect();
        let sum: f64 = shares.iter().sum();
        shares.into_iter().map(|share| share / sum).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(scores: &[f64]) -> Vec<(Vec<f64>, f64)> {
        scores.iter().map(|&score| (vec![1.0, 0.0], score)).collect()
    }

    #[test]
    fn a_group_without_a_row_has_the_mean_of_all_rows() {
        let means = shrunk_means(&rows(&[1.0, 0.0, 1.0]), 2, 0.5, 0.0);
        assert!((means[1] - 0.625).abs() < 1e-6, "{means:?}");
        assert!((means[0] - 2.625 / 4.0).abs() < 1e-6, "{means:?}");
    }

    #[test]
    fn answers_all_right_or_all_wrong_give_means_inside_the_range() {
        for (score, known) in [(1.0, 0.4), (0.0, 0.4)] {
            let means = shrunk_means(&rows(&[score; 30]), 2, known, 2.0);
            assert!(means.iter().all(|mean| *mean > 0.0 && *mean < 1.0), "{means:?}");
            assert!(means.iter().all(|mean| (f64::from(*mean) - score).abs() < 0.03), "{means:?}");
        }
    }
}
