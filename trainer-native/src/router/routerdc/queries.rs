//! Makes queries with the score of each candidate, as token ids.

use std::collections::BTreeMap;

use pointsman::{Candidate, Router};
use rayon::prelude::*;

use crate::data::{OutcomeRow, Outcomes};
use crate::dataset::Prepared;
use crate::encoder::deployed_ids;
use crate::error::TrainerError;
use crate::linear::groups::numbered;
use crate::random::RandomStream;

/// A query with its score by each LLM, and its cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredQuery {
    /// Token ids, including special tokens where the encoder expects them.
    pub ids: Vec<u32>,
    /// Score of each candidate, at most 1, in their order; below 0 where costs were subtracted.
    /// `None` where it was not measured.
    pub scores: Vec<Option<f32>>,
    /// Cluster of the query; the sample-sample loss pulls queries of one cluster together.
    pub cluster: u32,
    /// Data set of the query: validation means are taken over data sets.
    pub dataset: usize,
    /// Its weight in the loss, above 0.
    pub weight: f32,
}

/// The score of model `llm` on a row of `outcomes`, less `cost_weight` for each US dollar of its
/// answer; `None` where it was not measured.
///
/// # Errors
/// [`TrainerError::NoTrainingData`] where a `cost_weight` above 0 meets a score without a cost.
pub fn score_less_cost(
    outcomes: &Outcomes,
    row: &OutcomeRow,
    llm: usize,
    cost_weight: f32,
) -> Result<Option<f32>, TrainerError> {
    match (row.score(llm), row.cost(llm)) {
        (Some(score), Some(cost)) if cost_weight > 0.0 => Ok(Some(score - cost_weight * cost)),
        (Some(_), None) if cost_weight > 0.0 => Err(TrainerError::NoTrainingData {
            detail: format!(
                "{:?} has no cost on query {:?}: head.cost_weight needs costs in USD",
                outcomes.models.get(llm).map_or("", String::as_str),
                row.id
            ),
        }),
        (score, _) => Ok(score),
    }
}

/// Every outcome row of `data` on which a candidate was measured, tokenised as `router` does;
/// queries without a token are left out. `clusters` has a cluster for each row; without it clusters
/// are those of the file, and a query without one has the cluster of its data set. Scores are
/// reduced by `cost_weight` for each US dollar of the answer.
///
/// # Errors
/// [`TrainerError::NoTrainingData`] if no query is left, if a candidate has no outcome at all, or if
/// a score has no cost although `cost_weight` is above 0; those of the engine.
pub fn scored_queries(
    candidates: &[Candidate],
    cost_weight: f32,
    data: &Prepared,
    clusters: Option<&[u32]>,
    router: &Router,
) -> Result<Vec<ScoredQuery>, TrainerError> {
    let train = &data.train;
    let columns: Vec<usize> = candidates
        .iter()
        .map(|candidate| {
            train.model_index(&candidate.id).ok_or_else(|| TrainerError::NoTrainingData {
                detail: format!(
                    "candidate {:?} has no outcome; the sources have {}",
                    candidate.id,
                    train.models.join(", ")
                ),
            })
        })
        .collect::<Result<_, _>>()?;
    let (datasets, _) = numbered(train.rows.iter().map(|row| row.dataset.as_str()).collect());
    let encoded: Result<Vec<Option<ScoredQuery>>, TrainerError> = train
        .rows
        .par_iter()
        .zip(&data.weights)
        .enumerate()
        .map(|(at, (row, &weight))| {
            let scores: Vec<Option<f32>> = columns
                .iter()
                .map(|&llm| score_less_cost(train, row, llm, cost_weight))
                .collect::<Result<_, _>>()?;
            if scores.iter().all(Option::is_none) {
                return Ok(None);
            }
            let dataset = datasets[at];
            // Counted down from the largest number, above the clusters of files.
            let own = u32::MAX - u32::try_from(dataset).unwrap_or_default();
            let found = clusters.and_then(|clusters| clusters.get(at).copied());
            let cluster = found.or(row.cluster).unwrap_or(own);
            let query = |ids| ScoredQuery { ids, scores, cluster, dataset, weight };
            Ok(deployed_ids(router, &row.query)?.map(query))
        })
        .collect();
    let scored: Vec<ScoredQuery> = encoded?.into_iter().flatten().collect();
    match scored.is_empty() {
        false => Ok(scored),
        true => Err(TrainerError::NoTrainingData {
            detail: "no query has an outcome of a candidate".into(),
        }),
    }
}

/// Resamples each data set to `samples` queries: draws where it has more, repeats where it has
/// fewer.
#[must_use]
pub fn balanced(rows: Vec<ScoredQuery>, samples: usize, seed: u64) -> Vec<ScoredQuery> {
    let mut draw = RandomStream::new(seed, usize::MAX - 2);
    let mut datasets: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, row) in rows.iter().enumerate() {
        datasets.entry(row.dataset).or_default().push(at);
    }
    let mut taken = Vec::new();
    for own in datasets.values() {
        let whole = own.iter().cycle().take(samples / own.len() * own.len());
        taken.extend(whole.copied());
        taken.extend(draw.some(own, samples % own.len()));
    }
    taken.into_iter().filter_map(|at| rows.get(at).cloned()).collect()
}
