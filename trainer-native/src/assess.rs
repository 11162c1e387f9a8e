//! Runs a bundle on many queries, through the engine that hosts run.

use std::sync::atomic::{AtomicBool, Ordering};

use pointsman::{
    Assessment, Candidate, DEFAULT_TURN_DECAY, Decision, Manifest, Policy, Query, Router,
};
use rayon::prelude::*;

use crate::data::{Format, Outcomes};
use crate::encoder::if_any_token;
use crate::error::TrainerError;
use crate::eval::cost_quality::many_models::largest;
use crate::eval::pair::published::PairKind;
use crate::eval::pair::rows::PairRow;
use crate::eval::pool::rows::{Scoring, of_outcomes};
use crate::eval::pool::{PoolColumn, PoolKind, PoolRow};
use crate::eval::{Entry, Origin};
use crate::progress::bar;

/// Win rate of each query, in their order.
///
/// # Errors
/// Those of the engine, at the first query that fails; [`TrainerError::NothingToScore`] where the bundle
/// has no strong and weak candidate; [`TrainerError::Interrupted`].
pub fn win_rates(
    router: &Router,
    queries: &[&str],
    stop: &AtomicBool,
) -> Result<Vec<f64>, TrainerError> {
    each(router, queries, stop, &|assessment| {
        assessment.win_rate.ok_or_else(|| TrainerError::NothingToScore {
            detail: "the bundle has no strong and weak candidate".into(),
        })
    })
}

/// Quality in [0, 1] of each candidate of the bundle, for each query.
///
/// # Errors
/// Those of the engine, at the first query that fails; [`TrainerError::Interrupted`].
pub fn qualities(
    router: &Router,
    queries: &[&str],
    stop: &AtomicBool,
) -> Result<Vec<Vec<f64>>, TrainerError> {
    each(router, queries, stop, &|assessment| Ok(assessment.scores))
}

/// Decision of `policy` on each query, in their order.
///
/// # Errors
/// Those of the engine, at the first query that fails; [`TrainerError::Interrupted`].
pub fn decisions(
    router: &Router,
    queries: &[&str],
    policy: &Policy,
    stop: &AtomicBool,
) -> Result<Vec<Decision>, TrainerError> {
    on_each("routing queries", queries, stop, &|text| Ok(router.route(&Query::new(text)?, policy)?))
}

/// Embedding of each query, without its last coordinate, which states the query's length; `None` for
/// a query that has no token.
///
/// # Errors
/// Those of the engine, at the first query that fails; [`TrainerError::Interrupted`].
pub fn embeddings(
    router: &Router,
    queries: &[&str],
    stop: &AtomicBool,
) -> Result<Vec<Option<Vec<f32>>>, TrainerError> {
    on_each("embedding queries", queries, stop, &|text| {
        let found = if_any_token(Query::new(text).and_then(|query| router.embed(&query)))?;
        Ok(found.map(|mut embedding| {
            embedding.pop();
            embedding
        }))
    })
}

fn each<T: Send>(
    router: &Router,
    queries: &[&str],
    stop: &AtomicBool,
    take: &(dyn Fn(Assessment) -> Result<T, TrainerError> + Sync),
) -> Result<Vec<T>, TrainerError> {
    on_each("routing queries", queries, stop, &|text| {
        take(router.assess(&Query::new(text)?, DEFAULT_TURN_DECAY)?)
    })
}

/// Calls `find` on each query in parallel, under a progress bar labelled `doing`.
///
/// # Errors
/// Those of `find`, at the first query that fails; [`TrainerError::Interrupted`].
pub(crate) fn on_each<T: Send>(
    doing: &'static str,
    queries: &[&str],
    stop: &AtomicBool,
    find: &(dyn Fn(&str) -> Result<T, TrainerError> + Sync),
) -> Result<Vec<T>, TrainerError> {
    let progress = bar(doing);
    progress.set_length(queries.len() as u64);
    let found: Result<Vec<T>, TrainerError> = queries
        .par_iter()
        .map(|&text| {
            if stop.load(Ordering::Relaxed) {
                return Err(TrainerError::Interrupted { doing: doing.into() });
            }
            progress.inc(1);
            find(text)
        })
        .collect();
    progress.finish_and_clear();
    found
}

/// The rows on which both models of a pair were measured, and their queries.
#[derive(Debug)]
pub struct PairRows<'a> {
    /// Scores and costs of the pair.
    pub rows: Vec<PairRow>,
    pub queries: Vec<&'a str>,
    /// Rows that lack a score of either model.
    pub without_pair: usize,
}

/// Selects the rows with scores of both `strong` and `weak`, for an evaluation.
///
/// # Errors
/// [`TrainerError::NothingToScore`] where a model is unknown, naming those known, or no row has
/// both.
pub fn pair_rows<'a>(
    outcomes: &'a Outcomes,
    strong: &str,
    weak: &str,
) -> Result<PairRows<'a>, TrainerError> {
    let index = |model: &str| {
        outcomes.model_index(model).ok_or_else(|| TrainerError::NothingToScore {
            detail: format!(
                "the data has no model {model:?}; it has {}. Name its own with --strong and --weak",
                outcomes.models.join(", ")
            ),
        })
    };
    let (strong, weak) = (index(strong)?, index(weak)?);
    let mut found = PairRows { rows: Vec::new(), queries: Vec::new(), without_pair: 0 };
    for row in &outcomes.rows {
        let Some((strong_score, weak_score)) = row.score(strong).zip(row.score(weak)) else {
            found.without_pair += 1;
            continue;
        };
        found.rows.push(PairRow {
            weak: f64::from(weak_score),
            strong: f64::from(strong_score),
            weak_cost: row.cost(weak).map(f64::from),
            strong_cost: row.cost(strong).map(f64::from),
            category: row.category.clone(),
            length: row.query.chars().count(),
        });
        found.queries.push(&row.query);
    }
    match found.rows.is_empty() {
        false => Ok(found),
        true => Err(TrainerError::NothingToScore {
            detail: "no row has scores of both the strong and the weak model".into(),
        }),
    }
}

/// Rows to score a router of many models on.
#[derive(Debug)]
pub struct PoolRows {
    /// Outcomes, in the order of the queries.
    pub rows: Vec<PoolRow>,
    /// The benchmark, which says which published tables stand beside the results.
    pub kind: PoolKind,
    pub scoring: Scoring,
}

/// The rows that a router of many models is scored on, restricted to `models`. The scores of
/// RouterDC's files are counted as its paper counts them ([`Scoring::RouterDc`]).
#[must_use]
pub fn pool_rows(outcomes: &Outcomes, models: &[String], format: Format) -> PoolRows {
    let scoring = match format {
        Format::RouterDc => Scoring::RouterDc,
        _ => Scoring::AsStated,
    };
    let rows = of_outcomes(outcomes, models, scoring);
    let all_in = |kind: PoolKind| {
        let sets = kind.datasets();
        !sets.is_empty() && rows.iter().all(|row| sets.contains(&row.dataset.as_str()))
    };
    let kinds = [PoolKind::InDistribution, PoolKind::OutOfDistribution];
    let kind = match scoring {
        Scoring::RouterDc => kinds.into_iter().find(|&kind| all_in(kind)),
        Scoring::AsStated => None,
    };
    PoolRows { rows, kind: kind.unwrap_or(PoolKind::Other), scoring }
}

/// A bundle's pick for each query, as an index into `models`, from its qualities of its own
/// candidates.
///
/// # Errors
/// [`TrainerError::NothingToScore`] for a candidate that is not among `models`.
pub fn pool_column(
    info: &Manifest,
    origin: Origin,
    models: &[String],
    qualities: &[Vec<f64>],
) -> Result<PoolColumn, TrainerError> {
    let name = &info.name;
    let place = |candidate: &Candidate| {
        let candidate = &candidate.id;
        models.iter().position(|model| model == candidate).ok_or_else(|| {
            let models = models.join(", ");
            TrainerError::NothingToScore {
                detail: format!(
                    "{name} may pick {candidate:?}, which is not among {models}: evaluate bundles \
                     of the same candidates together"
                ),
            }
        })
    };
    let places: Vec<usize> = info.candidates.iter().map(place).collect::<Result<_, _>>()?;
    let picked = qualities
        .iter()
        .filter_map(|row| places.get(largest(row.iter().copied())).copied())
        .collect();
    let in_order = |row: &Vec<f64>| {
        let mut predicted = vec![0.0; models.len()];
        places.iter().zip(row).for_each(|(&at, &quality)| predicted[at] = quality);
        predicted
    };
    let predicted =
        (places.len() == models.len()).then(|| qualities.iter().map(in_order).collect());
    Ok(PoolColumn { router: entry(info, origin), picked, predicted })
}

/// A bundle as a router of a result.
#[must_use]
pub fn entry(info: &Manifest, origin: Origin) -> Entry {
    Entry {
        tier: Some(info.encoder.tier.clone()),
        training_seed: info.provenance.as_ref().map(|provenance| provenance.seed),
        ..Entry::new(&info.name, &info.kind, origin, ())
    }
}

/// The benchmark of a layout; its published tables stand beside the results.
#[must_use]
pub fn benchmark_kind(format: Format) -> PairKind {
    match format {
        Format::RouteLlmMmlu => PairKind::Mmlu,
        Format::RouteLlmGsm8k => PairKind::Gsm8k,
        Format::RouteLlmMtBench => PairKind::MtBench,
        Format::RouterBench => PairKind::RouterBench,
        _ => PairKind::Other,
    }
}
