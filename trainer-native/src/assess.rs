//! A bundle on many queries, through the engine that hosts run.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use switchyard_router::{Query, Router};

use crate::data::{Format, Outcomes};
use crate::error::TrainerError;
use crate::eval::published::BenchmarkKind;
use crate::eval::rows::ScoredRow;
use crate::progress::bar;

/// Win rate of each query, in their order.
///
/// # Errors
/// The engine's, at the first query that fails; [`TrainerError::NoTrainingPair`] where the bundle
/// has no strong and weak candidate; [`TrainerError::Interrupted`].
pub fn win_rates(
    router: &Router,
    queries: &[&str],
    stop: &AtomicBool,
) -> Result<Vec<f64>, TrainerError> {
    let progress = bar("routing queries");
    progress.set_length(queries.len() as u64);
    let rates: Result<Vec<f64>, TrainerError> = queries
        .par_iter()
        .map(|&text| {
            if stop.load(Ordering::Relaxed) {
                return Err(TrainerError::Interrupted { doing: "routing queries".into() });
            }
            let query = Query::new(text)?;
            progress.inc(1);
            router.assess(&query)?.win_rate.ok_or_else(|| TrainerError::NoTrainingPair {
                detail: "the bundle has no strong and weak candidate".into(),
            })
        })
        .collect();
    progress.finish_and_clear();
    rates
}

/// The rows on which both models of a pair were measured, and their queries.
#[derive(Debug)]
pub struct PairRows<'a> {
    /// Outcomes of the pair.
    pub rows: Vec<ScoredRow>,
    /// The query of each row.
    pub queries: Vec<&'a str>,
    /// Rows that lack a score of either model.
    pub without_pair: usize,
}

/// Outcomes of `strong` and `weak`, for an evaluation.
///
/// # Errors
/// [`TrainerError::NoTrainingPair`] where a model is unknown, naming those known, or no row has
/// both.
pub fn pair_rows<'a>(
    outcomes: &'a Outcomes,
    strong: &str,
    weak: &str,
) -> Result<PairRows<'a>, TrainerError> {
    let index = |model: &str| {
        outcomes.model_index(model).ok_or_else(|| TrainerError::NoTrainingPair {
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
        found.rows.push(ScoredRow {
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
        true => Err(TrainerError::NoTrainingPair {
            detail: "no row has scores of both the strong and the weak model".into(),
        }),
    }
}

/// The benchmark that a layout belongs to, whose published tables stand beside ours.
#[must_use]
pub fn benchmark_kind(format: Format) -> BenchmarkKind {
    match format {
        Format::RouteLlmMmlu => BenchmarkKind::Mmlu,
        Format::RouteLlmGsm8k => BenchmarkKind::Gsm8k,
        Format::RouteLlmMtBench => BenchmarkKind::MtBench,
        Format::RouterBench => BenchmarkKind::RouterBench,
        _ => BenchmarkKind::Other,
    }
}
