//! The difficulty of queries that LLMs other than the pair found.

use std::collections::{BTreeMap, HashMap};

use crate::dataset::{Prepared, share_up_to};

/// For each training row without a gold label: 1 less the mean score of its source's weaker LLMs
/// (those whose own mean is at most the median), centred and scaled within the source.
#[allow(clippy::cast_precision_loss)]
pub fn difficulty(data: &Prepared) -> Vec<Option<f64>> {
    let train = &data.train;
    let mut found: Vec<Option<f64>> = vec![None; train.rows.len()];
    for source in 0..data.sources.len() {
        let rows: Vec<usize> = (0..train.rows.len())
            .filter(|&row| data.source_of[row] == source && data.labels[row].is_none())
            .collect();
        let mut sums: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
        for &row in &rows {
            for &(model, score) in &train.rows[row].scores {
                let sum = sums.entry(model).or_default();
                *sum = (sum.0 + f64::from(score), sum.1 + 1.0);
            }
        }
        let mut means: Vec<(usize, f64)> =
            sums.into_iter().map(|(model, (sum, count))| (model, sum / count)).collect();
        means.sort_by(|a, b| a.1.total_cmp(&b.1));
        let weaker: Vec<usize> =
            means.iter().take(means.len().div_ceil(2)).map(|&(model, _)| model).collect();
        let raw: Vec<(usize, f64)> = rows
            .iter()
            .filter_map(|&row| {
                let scores = weaker.iter().filter_map(|&model| train.rows[row].score(model));
                let scores: Vec<f64> = scores.map(f64::from).collect();
                let mean = scores.iter().sum::<f64>() / scores.len() as f64;
                (!scores.is_empty()).then_some((row, 1.0 - mean))
            })
            .collect();
        let count = raw.len().max(1) as f64;
        let mean = raw.iter().map(|(_, v)| v).sum::<f64>() / count;
        let variance = raw.iter().map(|(_, v)| (v - mean).powi(2)).sum::<f64>() / count;
        if variance > 0.0 {
            for (row, value) in raw {
                found[row] = Some((value - mean) / variance.sqrt());
            }
        }
    }
    found
}

/// Weights of the rows: a source of more than `most` rows weighs as `most` rows do.
pub fn source_weights(data: &Prepared, rows: &[usize], most: usize) -> Vec<f64> {
    let mut counts: HashMap<usize, usize> = HashMap::new();
    rows.iter().for_each(|&row| *counts.entry(data.source_of[row]).or_default() += 1);
    let weight = |&row: &usize| {
        let count = counts.get(&data.source_of[row]).copied().unwrap_or(1);
        f64::from(data.weights[row]) * share_up_to(count, most)
    };
    rows.iter().map(weight).collect()
}
