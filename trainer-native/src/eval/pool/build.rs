//! Builds a [`PoolResult`] from outcomes and picks: every router and every baseline by the same
//! protocol, on the same rows, from the same resamples.
//!
//! A row is left out for a router whose pick was not measured on it, and is counted. Costs are
//! summed, for all routers alike, over the rows that state every model's score and cost.

use serde::{Deserialize, Serialize};

use super::baselines;
use super::means::{DataSets, over_datasets, over_rows};
use super::policy::Policy;
use super::resamples::Resamples;
use super::rows::{SCORED, TRAINING, check};
use super::{
    DataSet, DataSetMean, FORMAT, Form, MeanDifference, PoolKind, PoolResult, PoolRouter, PoolRow,
    kinds, published,
};
use crate::eval::cost_quality::CostPoint;
use crate::eval::pair::build::build_many;
use crate::eval::pair::{ManyModels, Origin};
use crate::eval::{EvalError, bootstrap};

/// Facts about the data that its rows do not state.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolBenchmark {
    pub name: String,
    /// Which published rows stand beside the results.
    pub kind: PoolKind,
    pub data_sha256: Option<String>,
    /// Rows left out because their questions stood in training data; `None` where that was not
    /// checked.
    pub leaks_removed: Option<usize>,
    /// Rows left out because they could not be read.
    pub bad_rows: usize,
}

impl PoolBenchmark {
    /// A benchmark without published rows, with nothing left out.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: PoolKind::Other,
            data_sha256: None,
            leaks_removed: None,
            bad_rows: 0,
        }
    }
}

/// A router's picks on the rows, with its description. Learned baselines, such as kNN, are columns
/// of [`Origin::Baseline`].
#[derive(Debug, Clone, PartialEq)]
pub struct PoolColumn {
    pub name: String,
    /// `memory`, `mlp`, `knn`, ...
    pub kind: String,
    /// `static` or `transformer`.
    pub tier: Option<String>,
    pub origin: Origin,
    pub training_seed: Option<u64>,
    /// Index of the picked model for each row, in order.
    pub picked: Vec<usize>,
    /// Predicted score of each model, one list for each row, from which the curve of cost and
    /// quality is computed; without it there is no curve.
    pub predicted: Option<Vec<Vec<f64>>>,
}

impl PoolColumn {
    /// A column without tier, seed and predictions.
    #[must_use]
    pub fn new(name: &str, kind: &str, origin: Origin, picked: Vec<usize>) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            tier: None,
            origin,
            training_seed: None,
            picked,
            predicted: None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Number of cost weights of a curve of cost and quality, besides the two extremes.
    pub cost_weights: usize,
    pub bootstrap: bootstrap::Settings,
}

impl Default for Settings {
    fn default() -> Self {
        Self { cost_weights: 32, bootstrap: bootstrap::Settings::default() }
    }
}

/// Evaluates the routers and the baselines. `training` are rows of the same models that the best
/// models may be chosen on; without any they are chosen in hindsight only.
///
/// # Errors
/// [`EvalError::NoRows`]; [`EvalError::ZeroCount`] and [`EvalError::NotAFraction`] for settings or
/// an empty list of models; [`EvalError::LengthMismatch`], [`EvalError::ScoreOutOfRange`] and
/// [`EvalError::BadCost`] for rows; [`EvalError::DuplicateRouter`], also where a baseline has the
/// name; [`EvalError::Router`] with [`EvalError::LengthMismatch`], [`EvalError::UnknownPick`] or
/// [`EvalError::NotFinite`] of the router it names.
pub fn build(
    benchmark: &PoolBenchmark,
    models: &[String],
    rows: &[PoolRow],
    training: &[PoolRow],
    columns: &[PoolColumn],
    settings: &Settings,
) -> Result<PoolResult, EvalError> {
    settings.bootstrap.check()?;
    if rows.is_empty() {
        return Err(EvalError::NoRows);
    }
    if models.is_empty() {
        return Err(EvalError::ZeroCount { what: "models to choose from" });
    }
    check(rows, models.len(), SCORED)?;
    check(training, models.len(), TRAINING)?;
    for column in columns {
        check_column(column, rows.len(), models.len()).map_err(|error| error.of(&column.name))?;
    }
    let sets = DataSets::of(rows, benchmark.kind);
    let mut notes = Vec::new();
    let judged = candidates(models, rows, training, columns, &mut notes)?;
    let priced: Vec<usize> = (0..rows.len()).filter(|&at| rows.get(at).is_some_and(full)).collect();
    let earned: Vec<Vec<Option<f64>>> =
        judged.iter().map(|(_, policy)| policy.earned(rows)).collect();
    let resamples = Resamples::draw(&sets, &earned, settings.bootstrap);
    let mut routers = Vec::with_capacity(judged.len());
    for (at, ((router, policy), earned)) in judged.into_iter().zip(&earned).enumerate() {
        let means = sets.means(earned, |_| 1);
        let named = |(name, mean): (&String, &Option<(f64, usize)>)| {
            mean.map(|(score, rows)| DataSetMean { name: name.clone(), score, rows })
        };
        routers.push(PoolRouter {
            datasets: sets.names.iter().zip(&means).filter_map(named).collect(),
            mean: over_datasets(&means),
            mean_interval: over_datasets(&means).and_then(|_| resamples.mean(at)),
            row_mean: over_rows(&means),
            picked_unmeasured: earned.iter().filter(|score| score.is_none()).count(),
            shares: policy.shares(rows, models.len()),
            money: money(&policy.spent(rows), earned, &priced),
            ..router
        });
    }
    if benchmark.kind != PoolKind::Other {
        notes.extend(published_otherwise(benchmark.kind, &sets, rows));
    }
    let many_models = many_models(models, rows, &priced, columns, settings, &mut notes)?;
    Ok(PoolResult {
        format: FORMAT,
        form: Form::Pool,
        benchmark: benchmark.name.clone(),
        kind: benchmark.kind,
        data_sha256: benchmark.data_sha256.clone(),
        models: models.to_vec(),
        datasets: sets
            .names
            .iter()
            .zip(&sets.rows)
            .map(|(name, rows)| DataSet { name: name.clone(), rows: rows.len() })
            .collect(),
        rows: rows.len(),
        training_rows: training.len(),
        leaks_removed: benchmark.leaks_removed,
        bad_rows: benchmark.bad_rows,
        bootstrap: settings.bootstrap,
        differences: differences(&routers, columns.len(), &resamples),
        routers,
        many_models,
        published: published::table(benchmark.kind),
        notes,
    })
}

fn check_column(column: &PoolColumn, rows: usize, models: usize) -> Result<(), EvalError> {
    let length = |what, found, expected| match found == expected {
        true => Ok(()),
        false => Err(EvalError::LengthMismatch { what, found, expected }),
    };
    length("picks", column.picked.len(), rows)?;
    if let Some((row, &pick)) = column.picked.iter().enumerate().find(|(_, pick)| **pick >= models)
    {
        return Err(EvalError::UnknownPick { row, pick, models });
    }
    let predicted = column.predicted.as_deref();
    length("rows of predictions", predicted.map_or(rows, <[_]>::len), rows)?;
    for (row, scores) in predicted.unwrap_or_default().iter().enumerate() {
        length("predictions in a row", scores.len(), models)?;
        if let Some(&value) = scores.iter().find(|score| !score.is_finite()) {
            return Err(EvalError::NotFinite { row, what: "predicted score", value });
        }
    }
    Ok(())
}

/// The routers, then the baselines; only their names, kinds and policies are filled in.
fn candidates<'a>(
    models: &[String],
    rows: &[PoolRow],
    training: &[PoolRow],
    columns: &'a [PoolColumn],
    notes: &mut Vec<String>,
) -> Result<Vec<(PoolRouter, Policy<'a>)>, EvalError> {
    let mut found: Vec<(PoolRouter, Policy<'a>)> = Vec::new();
    for column in columns {
        let mut router = empty_result(&column.name, &column.kind, column.origin);
        router.tier.clone_from(&column.tier);
        router.training_seed = column.training_seed;
        found.push((router, Policy::Picks(column.picked.as_slice().into())));
    }
    for baseline in baselines::all(models, rows, training, notes) {
        let router = empty_result(&baseline.name, baseline.kind, Origin::Baseline);
        found.push((router, baseline.policy));
    }
    for (at, (router, _)) in found.iter().enumerate() {
        let mut before = found.iter().take(at);
        if before.any(|(r, _)| r.name == router.name && r.origin == router.origin) {
            let (name, origin) = (router.name.clone(), router.origin.name());
            return Err(EvalError::DuplicateRouter { name, origin });
        }
    }
    Ok(found)
}

fn empty_result(name: &str, kind: &str, origin: Origin) -> PoolRouter {
    PoolRouter {
        name: name.to_owned(),
        kind: kind.to_owned(),
        tier: None,
        origin,
        training_seed: None,
        datasets: Vec::new(),
        mean: None,
        mean_interval: None,
        row_mean: None,
        picked_unmeasured: 0,
        shares: Vec::new(),
        money: None,
    }
}

/// Whether a row states every model's score and cost.
fn full(row: &PoolRow) -> bool {
    row.scores.iter().chain(&row.costs).all(Option::is_some)
}

fn money(spent: &[Option<f64>], earned: &[Option<f64>], priced: &[usize]) -> Option<CostPoint> {
    let mean = |of: &[Option<f64>]| {
        let sum: Option<f64> = priced.iter().map(|&row| of.get(row).copied().flatten()).sum();
        Some(sum? / priced.len() as f64)
    };
    match priced {
        [] => None,
        _ => Some(CostPoint { usd: mean(spent)?, score: mean(earned)? }),
    }
}

/// Notes on each data set whose published scores are right or wrong while the scores of these rows
/// are not, and on data sets that the publication does not have.
fn published_otherwise(kind: PoolKind, sets: &DataSets, rows: &[PoolRow]) -> Vec<String> {
    let mut notes = Vec::new();
    for (name, members) in sets.names.iter().zip(&sets.rows) {
        let scores =
            || members.iter().filter_map(|&at| rows.get(at)).flat_map(|row| &row.scores).flatten();
        if !kind.datasets().contains(&name.as_str()) {
            notes.push(format!(
                "{name}: not among the published data sets; their means are over others"
            ));
        } else if super::rows::is_right_or_wrong(name) && scores().any(|s| *s > 0.0 && *s < 1.0) {
            notes.push(format!("{name}: scores between 0 and 1 stand beside published shares of right answers; count them by RouterDC's scoring"));
        }
    }
    let absent = kind.datasets().iter().filter(|name| sets.place(name).is_none());
    notes.extend(absent.map(|name| format!("{name}: published, and no rows of it scored here")));
    notes
}

/// Every pair of routers once, the earlier one first; and each router against the best models.
fn differences(
    routers: &[PoolRouter],
    judged: usize,
    resamples: &Resamples,
) -> Vec<MeanDifference> {
    let mut found = Vec::new();
    for (router, a) in routers.iter().enumerate().take(judged) {
        for (against, b) in routers.iter().enumerate().skip(router + 1) {
            let best = [kinds::BEST_SINGLE, kinds::BEST_OF_TASK].contains(&b.kind.as_str());
            if against >= judged && !best {
                continue;
            }
            if let (Some(a), Some(b)) = (a.mean, b.mean) {
                let interval = resamples.difference(router, against);
                found.push(MeanDifference { router, against, difference: a - b, interval });
            }
        }
    }
    found
}

/// Curves of cost and quality on the priced rows; a note where there is nothing to compare.
fn many_models(
    models: &[String],
    rows: &[PoolRow],
    priced: &[usize],
    columns: &[PoolColumn],
    settings: &Settings,
    notes: &mut Vec<String>,
) -> Result<Option<ManyModels>, EvalError> {
    if priced.is_empty() {
        return Ok(None);
    }
    if priced.len() < rows.len() {
        let (priced, all) = (priced.len(), rows.len());
        notes.push(format!("money: {priced} of {all} rows state every model's score and cost; the others are left out of sums of money"));
    }
    let answers = |row: &PoolRow| -> Vec<CostPoint> {
        let pairs = row.costs.iter().flatten().zip(row.scores.iter().flatten());
        pairs.map(|(&usd, &score)| CostPoint { usd, score }).collect()
    };
    let table: Vec<Vec<CostPoint>> =
        priced.iter().filter_map(|&at| rows.get(at)).map(answers).collect();
    let names: Vec<&str> = models.iter().map(String::as_str).collect();
    let mut predicted: Vec<(&str, Origin, Vec<Vec<f64>>)> = Vec::new();
    for column in columns {
        if let Some(scores) = &column.predicted {
            let on_priced = priced.iter().filter_map(|&at| scores.get(at)).cloned().collect();
            predicted.push((&column.name, column.origin, on_priced));
        }
    }
    let routers: Vec<(&str, Origin, &[Vec<f64>])> =
        predicted.iter().map(|(name, what, scores)| (*name, *what, scores.as_slice())).collect();
    match build_many(&names, &table, &routers, settings.cost_weights) {
        Ok(found) => Ok(Some(found)),
        Err(error @ EvalError::NoCostRange { .. }) => {
            notes.push(format!("cost-quality curve: left out, {error}"));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
pub(crate) mod tests;
