//! Builds a [`PairResult`] from outcomes and win rates: every router and every baseline by the
//! same protocol, on the same rows, from the same resamples.
//!
//! Besides the given routers it always holds: random (mean of many draws), query length, the two
//! single models and the oracle. A metric that is undefined for a router is left out; a router
//! without any metric is an error that names it.

use pointsman::Calibration;
use serde::{Deserialize, Serialize};

use super::{
    ApgrDifference, Cpt, FORMAT, ManyModelRouter, ManyModels, Origin, Pair, PairResult, PairRouter,
    untrained,
};
use crate::eval::bootstrap::{self, Resamples};
use crate::eval::cost_quality::{self, CostComparison, CostPoint, CostQuality, many_models};
use crate::eval::curve::{Curve, RoutedRow, end_points, evaluate};
use crate::eval::money::CumulativeCosts;
use crate::eval::operating_points::{OperatingPoint, at_share, at_threshold};
use crate::eval::pair::published::{self, PairKind};
use crate::eval::pair::rows::{self, PairRow};
use crate::eval::{EvalError, categories, reliability};

/// Facts about the data that its rows do not state.
#[derive(Debug, Clone, PartialEq)]
pub struct PairBenchmark {
    pub name: String,
    /// Which published tables stand beside the results.
    pub kind: PairKind,
    pub data_sha256: Option<String>,
    /// Rows left out because their questions stood in training data; `None` where that was not
    /// checked.
    pub leaks_removed: Option<usize>,
    /// Rows left out because they could not be read or lack a score.
    pub bad_rows: usize,
    pub weak: String,
    pub strong: String,
    /// The number that a score of 1 is displayed as.
    pub score_scale: f64,
}

impl PairBenchmark {
    /// A benchmark without published rows, with scores displayed as fractions and nothing left out.
    #[must_use]
    pub fn new(name: &str, weak: &str, strong: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: PairKind::Other,
            data_sha256: None,
            leaks_removed: None,
            bad_rows: 0,
            weak: weak.to_owned(),
            strong: strong.to_owned(),
            score_scale: 1.0,
        }
    }
}

/// A router's win rates on the rows, with its description. Learned baselines, such as kNN, are
/// columns of [`Origin::Baseline`].
#[derive(Debug, Clone, PartialEq)]
pub struct PairColumn {
    pub name: String,
    /// `mf`, `bert`, `sw-ranking`, `knn`, ...
    pub kind: String,
    /// `static` or `transformer`.
    pub tier: Option<String>,
    pub origin: Origin,
    pub training_seed: Option<u64>,
    /// Win rate of each row, in order. Without a calibration, the threshold of a requested share is
    /// found on these.
    pub win_rates: Vec<f64>,
    pub calibration: Option<Calibration>,
}

impl PairColumn {
    /// A column without tier, seed and calibration.
    #[must_use]
    pub fn new(name: &str, kind: &str, origin: Origin, win_rates: Vec<f64>) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            tier: None,
            origin,
            training_seed: None,
            win_rates,
            calibration: None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
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
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            qualities: vec![0.5, 0.8],
            thresholds: Vec::new(),
            strong_shares: vec![0.1, 0.25, 0.5, 0.75],
            reliability_bins: 10,
            random_draws: 100,
            bootstrap: bootstrap::Settings::default(),
        }
    }
}

/// Evaluates the routers and the baselines.
///
/// # Errors
/// Those of [`rows::check`]; [`EvalError::NoGap`]; [`EvalError::DuplicateRouter`];
/// [`EvalError::Router`] with the reason of the router it names; [`EvalError::NotAFraction`] and
/// [`EvalError::ZeroCount`] for settings.
pub fn build(
    benchmark: &PairBenchmark,
    rows: &[PairRow],
    columns: &[PairColumn],
    settings: &Settings,
) -> Result<PairResult, EvalError> {
    rows::check(rows)?;
    distinct(columns)?;
    let mut notes = Vec::new();
    let mut columns = columns.to_vec();
    columns.push(length_column(rows));
    let plain = rows::routed(rows, &vec![0.0; rows.len()])?;
    let (weak, strong) = end_points(&plain)?;
    if strong <= weak {
        return Err(EvalError::NoGap { weak, strong });
    }
    let cost = cost(benchmark, rows, &mut notes)?;
    let mut judged: Vec<(&PairColumn, Vec<RoutedRow>)> = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        let routed = rows::routed(rows, &column.win_rates).map_err(|e| e.of(&column.name))?;
        match evaluate(&routed) {
            Ok(_) => judged.push((column, routed)),
            // The last column is the query-length baseline: equal lengths are a property of the
            // data, not an error.
            Err(EvalError::ConstantWinRate { .. }) if at + 1 == columns.len() => {
                notes.push("query length: left out, all queries are equally long".to_owned());
            }
            Err(error) => return Err(error.of(&column.name)),
        }
    }
    let qualities = sorted(&settings.qualities);
    let resamples = match judged.is_empty() {
        true => None,
        false => {
            let routed: Vec<&[RoutedRow]> = judged.iter().map(|(_, r)| r.as_slice()).collect();
            Some(bootstrap::resample(&routed, &qualities, settings.bootstrap)?)
        }
    };
    let mut routers = Vec::new();
    for (at, (column, routed)) in judged.iter().enumerate() {
        let task = Task { rows, settings, qualities: &qualities, cost: cost.as_ref() };
        let intervals = resamples.as_ref().map(|resamples| (resamples, at));
        routers.push(task.router(column, routed, intervals).map_err(|e| e.of(&column.name))?);
    }
    let differences = differences(&routers, resamples.as_ref());
    routers.extend(untrained::rows(&plain, &qualities, settings)?);
    Ok(PairResult {
        format: FORMAT,
        benchmark: benchmark.name.clone(),
        kind: benchmark.kind,
        data_sha256: benchmark.data_sha256.clone(),
        rows: rows.len(),
        leaks_removed: benchmark.leaks_removed,
        bad_rows: benchmark.bad_rows,
        pair: Pair { weak: benchmark.weak.clone(), strong: benchmark.strong.clone() },
        score_scale: benchmark.score_scale,
        weak,
        strong,
        bootstrap: settings.bootstrap,
        routers,
        differences,
        cost,
        many_models: None,
        published: published::table(benchmark.kind),
        notes,
    })
}

fn distinct(columns: &[PairColumn]) -> Result<(), EvalError> {
    let reserved = ["query length", "random", "oracle", "always weak", "always strong"];
    for (at, column) in columns.iter().enumerate() {
        let before = columns.get(..at).unwrap_or_default();
        let same = |other: &&PairColumn| other.name == column.name && other.origin == column.origin;
        let ours = column.origin == Origin::Baseline && reserved.contains(&column.name.as_str());
        if ours || before.iter().any(|other| same(&other)) {
            let (name, origin) = (column.name.clone(), column.origin.name());
            return Err(EvalError::DuplicateRouter { name, origin });
        }
    }
    Ok(())
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
    benchmark: &PairBenchmark,
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
    match cost_quality::compare_pair(&priced, &benchmark.weak, &benchmark.strong) {
        Ok(mut compared) => {
            untrained::thin(&mut compared.oracle.points);
            Ok(Some(compared))
        }
        Err(error @ EvalError::NoCostRange { .. }) => {
            notes.push(format!("cost-quality curve: left out, {error}"));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Evaluates routers of many models for [`PairResult::many_models`]. `table` has one row for
/// each query, with each model's cost and score in the order of `models`; a router is its name, its
/// origin, and its predicted scores in the same layout.
///
/// # Errors
/// Those of [`many_models::compare`] and, with the router's name, of [`many_models::route`].
pub fn build_many(
    models: &[&str],
    table: &[Vec<CostPoint>],
    routers: &[(&str, Origin, &[Vec<f64>])],
    weights: usize,
) -> Result<ManyModels, EvalError> {
    let mut comparison = many_models::compare(models, table)?;
    untrained::thin(&mut comparison.oracle.points);
    let judge = |&(name, origin, predicted): &(&str, Origin, &[Vec<f64>])| {
        let cost_quality = many_models::route(table, predicted, comparison.range, weights)
            .map_err(|error| error.of(name))?;
        Ok(ManyModelRouter { name: name.to_owned(), origin, cost_quality })
    };
    let routers = routers.iter().map(judge).collect::<Result<_, EvalError>>()?;
    Ok(ManyModels { comparison, routers })
}

/// What evaluating one router needs besides its win rates.
struct Task<'a> {
    rows: &'a [PairRow],
    settings: &'a Settings,
    qualities: &'a [f64],
    cost: Option<&'a CostComparison>,
}

impl Task<'_> {
    fn router(
        &self,
        column: &PairColumn,
        routed: &[RoutedRow],
        intervals: Option<(&Resamples, usize)>,
    ) -> Result<PairRouter, EvalError> {
        let curve = Curve::at_deciles(routed)?;
        let costs = CumulativeCosts::new(self.rows, &column.win_rates)?;
        let probabilities = routed.iter().all(|row| (0.0..=1.0).contains(&row.win_rate));
        let bins = self.settings.reliability_bins;
        let mut result = empty_result(&column.name, &column.kind, column.origin);
        result.tier.clone_from(&column.tier);
        result.training_seed = column.training_seed;
        result.apgr = Some(curve.apgr());
        result.apgr_interval = intervals.and_then(|(samples, at)| samples.apgr(at));
        for (place, &quality) in self.qualities.iter().enumerate() {
            let money =
                costs.as_ref().map(|costs| costs.at_quality(&curve, quality)).transpose()?;
            let interval = intervals.and_then(|(samples, at)| samples.cpt(at, place));
            result.cpt.push(Cpt { quality, strong_share: curve.cpt(quality)?, interval, money });
        }
        result.operating_points = self.operating_points(column, routed, costs.as_ref())?;
        result.categories = categories::by_category(self.rows, &column.win_rates)?;
        if probabilities {
            result.reliability = Some(reliability::reliability(routed, bins)?);
        }
        if let Some(cost) = self.cost {
            result.cost_quality = self.cost_quality(column, cost)?;
        }
        result.curve = curve.points;
        Ok(result)
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
        match CostQuality::of_pair(&priced, &win_rates, cost.range) {
            Ok(found) => Ok(Some(found)),
            Err(EvalError::NoGap { .. } | EvalError::ConstantWinRate { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Every pair of routers once, the earlier one first.
fn differences(routers: &[PairRouter], resamples: Option<&Resamples>) -> Vec<ApgrDifference> {
    let mut found = Vec::new();
    for (router, a) in routers.iter().enumerate() {
        for (against, b) in routers.iter().enumerate().skip(router + 1) {
            if let (Some(a), Some(b)) = (a.apgr, b.apgr) {
                let interval = resamples.and_then(|s| s.apgr_difference(router, against));
                found.push(ApgrDifference { router, against, difference: a - b, interval });
            }
        }
    }
    found
}

/// A router result with no metric filled in.
pub(super) fn empty_result(name: &str, kind: &str, origin: Origin) -> PairRouter {
    PairRouter {
        name: name.to_owned(),
        kind: kind.to_owned(),
        tier: None,
        origin,
        training_seed: None,
        apgr: None,
        apgr_interval: None,
        cpt: Vec::new(),
        fixed: None,
        curve: Vec::new(),
        operating_points: Vec::new(),
        categories: Vec::new(),
        reliability: None,
        cost_quality: None,
    }
}

#[cfg(test)]
pub(crate) mod tests;
