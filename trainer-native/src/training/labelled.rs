//! Makes queries labelled *strong wins*, *tie* or *weak wins*, as token ids, to fine-tune a
//! classifier on.
//!
//! Labels come from outcomes of the pair, from preferences between the two, and, where the recipe
//! states Elo groups, from preferences between a model of a strong group and one of a weak group
//! (RouteLLM, section 4: strong are groups 1 and 2, weak is 3).

use std::collections::HashSet;

use pointsman::Router;
use rayon::prelude::*;

use crate::data::{Battles, OutcomeRow, Outcomes};
use crate::encoder::deployed_ids;
use crate::error::TrainerError;
use crate::prepare::Prepared;
use crate::recipe::{EloGroups, Pair, Recipe};
use crate::router::bert::LabelledQuery;
use crate::router::routerdc::ScoredQuery;

/// Every labelled query of `prepared`, tokenised as `router` does; queries without a token are left
/// out.
///
/// # Errors
/// [`TrainerError::NoTrainingPair`] where no query is left; those of the engine; [`TrainerError::Data`].
pub fn labelled_queries(
    recipe: &Recipe,
    groups: Option<&EloGroups>,
    prepared: &Prepared,
    router: &Router,
) -> Result<Vec<LabelledQuery>, TrainerError> {
    let ids = |query: &str| deployed_ids(router, query);
    let rows: Vec<(&str, f32, f32)> = prepared
        .train
        .rows
        .iter()
        .zip(&prepared.weights)
        .zip(prepared.pair_targets(recipe))
        .filter_map(|((row, &weight), target)| Some((row.query.as_str(), target?, weight)))
        .collect();
    let encoded: Result<Vec<Option<LabelledQuery>>, TrainerError> = rows
        .par_iter()
        .map(|&(query, target, weight)| {
            Ok(ids(query)?.map(|ids| LabelledQuery { ids, target, weight }))
        })
        .collect();
    let mut labelled: Vec<LabelledQuery> = encoded?.into_iter().flatten().collect();

    let pair = recipe.pair()?;
    let (strong, weak) = sides(pair, groups, prepared)?;
    prepared.for_each_preference(&mut |row| {
        let target = match (&row.model_a, &row.model_b) {
            (a, b) if strong.contains(a) && weak.contains(b) => row.target,
            (a, b) if strong.contains(b) && weak.contains(a) => 1.0 - row.target,
            _ => return Ok(()),
        };
        let query = ids(&row.query)?;
        labelled.extend(query.map(|ids| LabelledQuery { ids, target, weight: row.weight }));
        Ok(())
    })?;
    match labelled.is_empty() {
        false => Ok(labelled),
        true => Err(TrainerError::NoTrainingPair {
            detail: format!(
                "no outcome or preference of {:?} against {:?}; other models' battles count where \
                 head.elo_groups is stated",
                pair.strong, pair.weak
            ),
        }),
    }
}

/// The score of model `llm` on a row of `outcomes`, less `cost_weight` for each US dollar of its
/// answer; `None` where it was not measured.
///
/// # Errors
/// [`TrainerError::NoTrainingPair`] where a `cost_weight` above 0 meets a score without a cost.
pub fn score_less_cost(
    outcomes: &Outcomes,
    row: &OutcomeRow,
    llm: usize,
    cost_weight: f32,
) -> Result<Option<f32>, TrainerError> {
    match (row.score(llm), row.cost(llm)) {
        (Some(score), Some(cost)) if cost_weight > 0.0 => Ok(Some(score - cost_weight * cost)),
        (Some(_), None) if cost_weight > 0.0 => Err(TrainerError::NoTrainingPair {
            detail: format!(
                "{:?} has no cost on query {:?}: head.cost_weight needs costs in USD",
                outcomes.models.get(llm).map_or("", String::as_str),
                row.id
            ),
        }),
        (score, _) => Ok(score),
    }
}

/// Every outcome row of `prepared` on which a candidate was measured, tokenised as `router` does;
/// queries without a token are left out. `clusters` has a cluster for each row; without it clusters
/// are those of the file, and a query without one has the cluster of its data set. Scores are
/// reduced by `cost_weight` for each US dollar of the answer.
///
/// # Errors
/// [`TrainerError::NoTrainingPair`] where there is none, a candidate has no outcome at all, or a
/// `cost_weight` above 0 meets a score without a cost; those of the engine.
pub fn scored_queries(
    recipe: &Recipe,
    cost_weight: f32,
    prepared: &Prepared,
    clusters: Option<&[u32]>,
    router: &Router,
) -> Result<Vec<ScoredQuery>, TrainerError> {
    let train = &prepared.train;
    let columns: Vec<usize> = recipe
        .candidates
        .iter()
        .map(|candidate| {
            train.model_index(&candidate.id).ok_or_else(|| TrainerError::NoTrainingPair {
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
        .zip(&prepared.weights)
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
        true => Err(TrainerError::NoTrainingPair {
            detail: "no query has an outcome of a candidate".into(),
        }),
    }
}

/// Numbers groups in the order of their names; also returns the number of groups.
pub fn numbered<N: Ord + Clone>(names: Vec<N>) -> (Vec<usize>, usize) {
    let mut known = names.clone();
    known.sort();
    known.dedup();
    let place = |name: &N| known.partition_point(|other| other < name);
    (names.iter().map(place).collect(), known.len())
}

/// The models that count as the strong and as the weak candidate in preferences.
fn sides(
    pair: &Pair,
    groups: Option<&EloGroups>,
    prepared: &Prepared,
) -> Result<(HashSet<String>, HashSet<String>), TrainerError> {
    let mut strong = HashSet::from([pair.strong.clone()]);
    let mut weak = HashSet::from([pair.weak.clone()]);
    if let Some(groups) = groups {
        let mut battles = Battles::default();
        prepared.for_each_preference(&mut |row| {
            battles.add(&row)?;
            Ok(())
        })?;
        let ratings = battles.ratings()?;
        let of = |wanted: &[usize]| ratings.in_elo_groups(groups.count, wanted);
        strong.extend(of(&groups.strong)?.into_iter().map(str::to_owned));
        weak.extend(of(&groups.weak)?.into_iter().map(str::to_owned));
        // The pair itself stays as the recipe says, whatever group it was rated into.
        strong.remove(&pair.weak);
        weak.remove(&pair.strong);
    }
    Ok((strong, weak))
}
