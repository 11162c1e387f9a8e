//! Builds a [`PoolResult`] from outcomes and picks: every router and every baseline by the same
//! protocol, on the same rows, from the same resamples.
//!
//! A row is left out for a router whose pick was not measured on it, and is counted. Costs are
//! summed, for all routers alike, over the rows that state every model's score and cost.

use super::baselines;
use super::means::{DataSets, over_datasets, over_rows};
use super::policy::Policy;
use super::rows::{SCORED, TRAINING, check};
use super::{
    DataSet, DataSetMean, PoolFacts, PoolKind, PoolMetrics, PoolResult, PoolRow, kinds, published,
};
use crate::eval::bootstrap::{self, Resamples};
use crate::eval::cost_quality::CostPoint;
use crate::eval::cost_quality::many_models::{self, ManyModels};
use crate::eval::error::{EvalError, check_length, check_some};
use crate::eval::evaluated::{Benchmark, Entry, check_distinct, differences};
use crate::eval::origin::Origin;

/// A router's picks on the rows, with its description. Learned baselines, such as kNN, are columns
/// of [`Origin::Baseline`].
#[derive(Debug, Clone, PartialEq)]
pub struct PoolColumn {
    pub router: Entry,
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
        Self { router: Entry::new(name, kind, origin, ()), picked, predicted: None }
    }
}

/// What is computed.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolSettings {
    /// Number of cost weights of a curve of cost and quality, besides the two extremes.
    pub cost_weights: usize,
    pub bootstrap: bootstrap::Settings,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self { cost_weights: 32, bootstrap: bootstrap::Settings::default() }
    }
}

/// Evaluates the routers and the baselines. `training` are rows of the same models that the best
/// models may be chosen on; without any they are chosen in hindsight only.
///
/// # Errors
/// [`EvalError::NoRows`]; [`EvalError::BadInput`] for settings, an empty list of models, and two
/// routers of one name and origin, also where one is a baseline; [`EvalError::BadInput`] and
/// [`EvalError::BadRow`] for rows, and in [`EvalError::Router`] for the router it names.
pub fn build(
    benchmark: &Benchmark<PoolKind>,
    models: &[String],
    rows: &[PoolRow],
    training: &[PoolRow],
    columns: &[PoolColumn],
    settings: &PoolSettings,
) -> Result<PoolResult, EvalError> {
    settings.bootstrap.check()?;
    if rows.is_empty() {
        return Err(EvalError::NoRows);
    }
    check_some("models to choose from", models.len())?;
    check(rows, models.len(), SCORED)?;
    check(training, models.len(), TRAINING)?;
    for column in columns {
        check_column(column, rows.len(), models.len())
            .map_err(|error| error.of(&column.router.name))?;
    }
    let sets = DataSets::of(rows, benchmark.kind);
    let mut notes = Vec::new();
    let judged = candidates(models, rows, training, columns, &mut notes)?;
    let priced: Vec<usize> = (0..rows.len()).filter(|&at| rows.get(at).is_some_and(full)).collect();
    let earned: Vec<Vec<Option<f64>>> =
        judged.iter().map(|(_, policy)| policy.earned(rows)).collect();
    let resamples = Resamples::draw(&sets.rows, settings.bootstrap, |counts| {
        let times = |row: usize| counts.get(row).copied().unwrap_or_default();
        earned.iter().map(|scores| over_datasets(&sets.means(scores, times))).collect()
    })?;
    let mut routers = Vec::with_capacity(judged.len());
    for (at, ((router, policy), earned)) in judged.into_iter().zip(&earned).enumerate() {
        let means = sets.means(earned, |_| 1);
        let named = |(name, mean): (&String, &Option<(f64, usize)>)| {
            mean.map(|(score, rows)| DataSetMean { name: name.clone(), score, rows })
        };
        let mean = over_datasets(&means);
        routers.push(router.with(PoolMetrics {
            datasets: sets.names.iter().zip(&means).filter_map(named).collect(),
            mean,
            mean_interval: mean.and_then(|_| resamples.of(at, |&mean| Some(mean))),
            row_mean: over_rows(&means),
            picked_unmeasured: earned.iter().filter(|score| score.is_none()).count(),
            shares: policy.shares(rows, models.len()),
            money: money(&policy.spent(rows), earned, &priced),
        }));
    }
    if benchmark.kind != PoolKind::Other {
        notes.extend(published_otherwise(benchmark.kind, &sets, rows));
    }
    let many_models = many_models(models, rows, &priced, columns, settings, &mut notes)?;
    let means: Vec<Option<f64>> = routers.iter().map(|router| router.metrics.mean).collect();
    let best = [kinds::BEST_SINGLE, kinds::BEST_OF_TASK];
    // Routers with each other and with the best models; not baselines with each other.
    let compared = |router: usize, against: usize| {
        let chosen = routers.get(against).is_some_and(|b| best.contains(&b.kind.as_str()));
        router < columns.len() && (against < columns.len() || chosen)
    };
    let differences =
        differences(&means, compared, |a, b| resamples.difference(a, b, |&mean| mean));
    let datasets = sets.names.iter().zip(&sets.rows);
    Ok(PoolResult {
        benchmark: benchmark.clone(),
        rows: rows.len(),
        bootstrap: settings.bootstrap,
        differences,
        routers,
        many_models,
        published: published::table(benchmark.kind),
        notes,
        facts: PoolFacts {
            models: models.to_vec(),
            datasets: datasets
                .map(|(name, rows)| DataSet { name: name.clone(), rows: rows.len() })
                .collect(),
            training_rows: training.len(),
        },
    })
}

fn check_column(column: &PoolColumn, rows: usize, models: usize) -> Result<(), EvalError> {
    check_length("picks", column.picked.len(), rows)?;
    for (row, &pick) in column.picked.iter().enumerate() {
        if pick >= models {
            let detail = format!(
                "found the pick {pick}, expected the place of one of {models} models, from 0. Give the \
                 router's models in the order of the rows' scores"
            );
            return Err(EvalError::BadRow { row, detail });
        }
    }
    match &column.predicted {
        Some(predicted) => many_models::check_predictions(predicted, rows, models),
        None => Ok(()),
    }
}

/// The routers, then the baselines, without metrics.
fn candidates<'a>(
    models: &[String],
    rows: &[PoolRow],
    training: &[PoolRow],
    columns: &'a [PoolColumn],
    notes: &mut Vec<String>,
) -> Result<Vec<(Entry, Policy<'a>)>, EvalError> {
    let mut found: Vec<(Entry, Policy<'a>)> = Vec::new();
    for column in columns {
        found.push((column.router.clone(), Policy::Picks(column.picked.as_slice().into())));
    }
    for baseline in baselines::all(models, rows, training, notes) {
        let router = Entry::new(&baseline.name, baseline.kind, Origin::Baseline, ());
        found.push((router, baseline.policy));
    }
    check_distinct(found.iter().map(|(router, _)| (router.name.as_str(), router.origin)))?;
    Ok(found)
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

/// Curves of cost and quality on the priced rows; a note where there is nothing to compare.
fn many_models(
    models: &[String],
    rows: &[PoolRow],
    priced: &[usize],
    columns: &[PoolColumn],
    settings: &PoolSettings,
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
            predicted.push((&column.router.name, column.router.origin, on_priced));
        }
    }
    let routers: Vec<(&str, Origin, &[Vec<f64>])> =
        predicted.iter().map(|(name, what, scores)| (*name, *what, scores.as_slice())).collect();
    match many_models::build(&names, &table, &routers, settings.cost_weights) {
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
