//! Builds a [`PairResult`] from outcomes and win rates: every router and every baseline by the
//! same protocol, on the same rows, from the same resamples.
//!
//! Besides the given routers it always holds: random (mean of many draws), query length, the two
//! single models and the oracle. A metric that is undefined for a router is left out; a router
//! without any metric is an error that names it.

use pointsman::Calibration;

use super::curve::{Curve, RoutedRow, end_points};
use super::money::CumulativeCosts;
use super::operating_points::{OperatingPoint, at_share, at_threshold};
use super::published::{self, PairKind};
use super::resamples::{Metrics, resample};
use super::rows::{self, PairRow};
use super::{
    Cpt, PairFacts, PairMetrics, PairModels, PairResult, categories, cost_quality, reliability,
    untrained, weak_suffices,
};
use crate::eval::EvalError;
use crate::eval::bootstrap::{self, Resamples};
use crate::eval::cost_quality::{CostComparison, CostQuality, thin};
use crate::eval::evaluated::{Benchmark, Entry, check_distinct, differences};
use crate::eval::origin::Origin;

/// Names of the baselines, which no column of [`Origin::Baseline`] may have.
const BASELINES: [&str; 5] = ["query length", "random", "oracle", "always weak", "always strong"];

/// A router's win rates on the rows, with its description. Learned baselines, such as kNN, are
/// columns of [`Origin::Baseline`].
#[derive(Debug, Clone, PartialEq)]
pub struct PairColumn {
    pub router: Entry,
    /// Win rate of each row, in order. Without a calibration, the threshold of a requested share is
    /// found on these.
    pub win_rates: Vec<f64>,
    pub calibration: Option<Calibration>,
}

impl PairColumn {
    /// A column without tier, seed and calibration.
    #[must_use]
    pub fn new(name: &str, kind: &str, origin: Origin, win_rates: Vec<f64>) -> Self {
        Self { router: Entry::new(name, kind, origin, ()), win_rates, calibration: None }
    }
}

/// What is computed, and how it is displayed.
#[derive(Debug, Clone, PartialEq)]
pub struct PairSettings {
    /// Parts of the gap to give a CPT for.
    pub qualities: Vec<f64>,
    /// Thresholds to give an operating point for.
    pub thresholds: Vec<f64>,
    /// Shares of strong calls to give operating points for.
    pub strong_shares: Vec<f64>,
    pub reliability_bins: usize,
    /// Number of random routers that the row "random" averages.
    pub random_draws: usize,
    /// How intervals are drawn; its seed is also that of the random routers.
    pub bootstrap: bootstrap::Settings,
    /// The number that a score of 1 is displayed as.
    pub score_scale: f64,
}

impl Default for PairSettings {
    fn default() -> Self {
        Self {
            qualities: vec![0.5, 0.8],
            thresholds: Vec::new(),
            strong_shares: vec![0.1, 0.25, 0.5, 0.75],
            reliability_bins: 10,
            random_draws: 100,
            bootstrap: bootstrap::Settings::default(),
            score_scale: 1.0,
        }
    }
}

/// Evaluates the routers and the baselines.
///
/// # Errors
/// Those of [`rows::check`]; [`EvalError::NoGap`]; [`EvalError::Router`] with the reason of the
/// router it names; [`EvalError::BadInput`] for settings and two routers of one name and origin.
pub fn build(
    benchmark: &Benchmark<PairKind>,
    models: &PairModels,
    rows: &[PairRow],
    columns: &[PairColumn],
    settings: &PairSettings,
) -> Result<PairResult, EvalError> {
    rows::check(rows)?;
    let baselines = BASELINES.iter().map(|name| (*name, Origin::Baseline));
    check_distinct(
        columns.iter().map(|c| (c.router.name.as_str(), c.router.origin)).chain(baselines),
    )?;
    let mut notes = Vec::new();
    let mut columns = columns.to_vec();
    columns.push(length_column(rows));
    let plain = rows::routed(rows, &vec![0.0; rows.len()])?;
    let (weak, strong) = end_points(&plain)?;
    if strong <= weak {
        return Err(EvalError::NoGap { weak, strong });
    }
    let cost = cost(models, rows, &mut notes)?;
    let mut judged: Vec<(&PairColumn, Vec<RoutedRow>)> = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        let routed =
            rows::routed(rows, &column.win_rates).map_err(|e| e.of(&column.router.name))?;
        match Curve::at_deciles(&routed) {
            Ok(_) => judged.push((column, routed)),
            // The last column is the query-length baseline: equal lengths are a property of the
            // data, not an error.
            Err(EvalError::ConstantWinRate { .. }) if at + 1 == columns.len() => {
                notes.push("query length: left out, all queries are equally long".to_owned());
            }
            Err(error) => return Err(error.of(&column.router.name)),
        }
    }
    let qualities = sorted(&settings.qualities);
    let resamples = match judged.is_empty() {
        true => None,
        false => {
            let routed: Vec<&[RoutedRow]> = judged.iter().map(|(_, r)| r.as_slice()).collect();
            Some(resample(&routed, &qualities, settings.bootstrap)?)
        }
    };
    let mut routers = Vec::new();
    for (at, (column, routed)) in judged.iter().enumerate() {
        let task = Task { rows, settings, qualities: &qualities, cost: cost.as_ref() };
        let intervals = resamples.as_ref().map(|resamples| (resamples, at));
        let metrics = task.metrics(column, routed, intervals);
        routers.push(column.router.with(metrics.map_err(|e| e.of(&column.router.name))?));
    }
    let apgr: Vec<Option<f64>> = routers.iter().map(|router| router.metrics.apgr).collect();
    let interval = |a, b| resamples.as_ref().and_then(|samples| samples.apgr_difference(a, b));
    let differences = differences(&apgr, |_, _| true, interval);
    let (draws, seed) = (settings.random_draws, settings.bootstrap.seed);
    routers.extend(untrained::routers(&plain, &qualities, draws, seed)?);
    Ok(PairResult {
        benchmark: benchmark.clone(),
        rows: rows.len(),
        bootstrap: settings.bootstrap,
        routers,
        differences,
        many_models: None,
        published: published::table(benchmark.kind),
        notes,
        facts: PairFacts {
            pair: models.clone(),
            score_scale: settings.score_scale,
            weak,
            strong,
            cost,
        },
    })
}

fn sorted(qualities: &[f64]) -> Vec<f64> {
    let mut sorted = qualities.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.dedup();
    sorted
}

fn length_column(rows: &[PairRow]) -> PairColumn {
    let lengths = rows.iter().map(|row| row.length as f64).collect();
    PairColumn::new("query length", "length", Origin::Baseline, lengths)
}

/// Costs of single models and oracle; a note where there is nothing to compare.
fn cost(
    models: &PairModels,
    rows: &[PairRow],
    notes: &mut Vec<String>,
) -> Result<Option<CostComparison>, EvalError> {
    let (priced, _) = cost_quality::priced(rows);
    if priced.is_empty() {
        return Ok(None);
    }
    if priced.len() < rows.len() {
        let (priced, all) = (priced.len(), rows.len());
        notes.push(format!("money: {priced} of {all} rows state both costs; the others are left out of sums of money"));
    }
    match cost_quality::compare(&priced, &models.weak, &models.strong) {
        Ok(mut compared) => {
            thin(&mut compared.oracle.points);
            Ok(Some(compared))
        }
        Err(error @ EvalError::NoCostRange { .. }) => {
            notes.push(format!("cost-quality curve: left out, {error}"));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// What evaluating one router needs besides its win rates.
struct Task<'a> {
    rows: &'a [PairRow],
    settings: &'a PairSettings,
    qualities: &'a [f64],
    cost: Option<&'a CostComparison>,
}

impl Task<'_> {
    fn metrics(
        &self,
        column: &PairColumn,
        routed: &[RoutedRow],
        intervals: Option<(&Resamples<Metrics>, usize)>,
    ) -> Result<PairMetrics, EvalError> {
        let curve = Curve::at_deciles(routed)?;
        let costs = CumulativeCosts::new(self.rows, &column.win_rates)?;
        let probabilities = routed.iter().all(|row| (0.0..=1.0).contains(&row.win_rate));
        let bins = self.settings.reliability_bins;
        let mut metrics = PairMetrics {
            apgr: Some(curve.apgr()),
            apgr_interval: intervals.and_then(|(samples, at)| samples.apgr(at)),
            auc: weak_suffices::auc(routed),
            auc_interval: intervals.and_then(|(samples, at)| samples.auc(at)),
            operating_points: self.operating_points(column, routed, costs.as_ref())?,
            categories: categories::by_category(self.rows, &column.win_rates)?,
            ..PairMetrics::default()
        };
        for (place, &quality) in self.qualities.iter().enumerate() {
            let money =
                costs.as_ref().map(|costs| costs.at_quality(&curve, quality)).transpose()?;
            let interval = intervals.and_then(|(samples, at)| samples.cpt(at, place));
            metrics.cpt.push(Cpt { quality, strong_share: curve.cpt(quality)?, interval, money });
        }
        if probabilities {
            metrics.reliability = Some(reliability::reliability(routed, bins)?);
        }
        if let Some(cost) = self.cost {
            metrics.cost_quality = self.cost_quality(column, cost)?;
        }
        metrics.curve = curve.points;
        Ok(metrics)
    }

    fn operating_points(
        &self,
        column: &PairColumn,
        routed: &[RoutedRow],
        costs: Option<&CumulativeCosts>,
    ) -> Result<Vec<OperatingPoint>, EvalError> {
        let thresholds = self.settings.thresholds.iter();
        let shares = self.settings.strong_shares.iter();
        thresholds
            .map(|&threshold| at_threshold(routed, costs, threshold))
            .chain(shares.map(|&share| at_share(routed, costs, share, column.calibration.as_ref())))
            .collect()
    }

    /// The curve of cost and quality; `None` where the priced rows give none.
    fn cost_quality(
        &self,
        column: &PairColumn,
        cost: &CostComparison,
    ) -> Result<Option<CostQuality>, EvalError> {
        let (priced, at) = cost_quality::priced(self.rows);
        let win_rates: Vec<f64> =
            at.iter().filter_map(|&row| column.win_rates.get(row)).copied().collect();
        match cost_quality::curve(&priced, &win_rates, cost.range) {
            Ok(found) => Ok(Some(found)),
            Err(EvalError::NoGap { .. } | EvalError::ConstantWinRate { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
