//! Curves of cost and quality for any number of models, as RouterBench compares routers.
//!
//! A router of N models predicts a score for each, and trades quality for cost by a cost weight w
//! (score per USD): a query goes to the model with the largest `predicted - w * mean cost of the
//! model`. Each weight gives a point, from w = 0, where cost does not count, to a w so large that
//! only the cheapest model is called.
//!
//! ```
//! use pointsman_trainer::eval::cost_quality::{CostPoint, many_models};
//!
//! # fn main() -> Result<(), pointsman_trainer::eval::EvalError> {
//! let answers = |small, large| {
//!     vec![CostPoint { usd: 0.1, score: small }, CostPoint { usd: 1.0, score: large }]
//! };
//! let table = [answers(0.0, 1.0), answers(1.0, 1.0)];
//! let compared = many_models::compare(&["small", "large"], &table)?;
//! let router = many_models::route(&table, &[vec![0.1, 0.9], vec![0.9, 0.9]], compared.range, 32)?;
//! assert!(compared.zero_router_aiq < router.aiq && router.aiq <= compared.oracle.aiq);
//! # Ok(())
//! # }
//! ```

use serde::{Deserialize, Serialize};

use super::{CostComparison, CostPoint, CostQuality, Range, SingleModel, aiq, hull, thin};
use crate::eval::EvalError;
use crate::eval::error::{check_cost, check_finite, check_length, check_score};
use crate::eval::origin::Origin;

/// Decades that the cost weights reach above and below the scale of the problem.
const DECADES: f64 = 3.0;

/// Cost and quality of routers that choose between all of a benchmark's models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManyModels {
    /// Single models, zero router and oracle.
    pub comparison: CostComparison,
    pub routers: Vec<ManyModelRouter>,
}

/// A router of many models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManyModelRouter {
    pub name: String,
    #[serde(rename = "precision")]
    pub origin: Origin,
    /// Its curve for the moving cost weight.
    pub cost_quality: CostQuality,
}

/// Evaluates routers of many models. `table` has one row for each query, with each model's cost and
/// score in the order of `models`; a router is its name, its origin, and its predicted scores in the
/// same layout.
///
/// # Errors
/// Those of [`compare`] and, with the router's name, of [`route`].
pub fn build(
    models: &[&str],
    table: &[Vec<CostPoint>],
    routers: &[(&str, Origin, &[Vec<f64>])],
    weights: usize,
) -> Result<ManyModels, EvalError> {
    let mut comparison = compare(models, table)?;
    thin(&mut comparison.oracle.points);
    let judge = |&(name, origin, predicted): &(&str, Origin, &[Vec<f64>])| {
        let cost_quality =
            route(table, predicted, comparison.range, weights).map_err(|error| error.of(name))?;
        Ok(ManyModelRouter { name: name.to_owned(), origin, cost_quality })
    };
    let routers = routers.iter().map(judge).collect::<Result<_, EvalError>>()?;
    Ok(ManyModels { comparison, routers })
}

/// Single models, zero router and oracle of a table: one row for each query, with each model's cost
/// and score in the order of `names`.
///
/// # Errors
/// [`EvalError::NoRows`], [`EvalError::BadInput`], [`EvalError::BadRow`], [`EvalError::NoCostRange`]
/// where all models cost the same.
pub fn compare(names: &[&str], table: &[Vec<CostPoint>]) -> Result<CostComparison, EvalError> {
    check(names.len(), table)?;
    let singles: Vec<SingleModel> = names
        .iter()
        .zip(means(names.len(), table))
        .map(|(name, point)| SingleModel { name: (*name).to_owned(), point })
        .collect();
    let costs = || singles.iter().map(|single| single.point.usd);
    let range =
        Range { low: costs().fold(f64::INFINITY, f64::min), high: costs().fold(0.0, f64::max) };
    let points: Vec<CostPoint> = singles.iter().map(|single| single.point).collect();
    let zero_router_aiq = aiq(&hull(&points), range)?;
    let oracle = CostQuality::new(oracle(table), range)?;
    Ok(CostComparison { priced_rows: table.len(), range, singles, zero_router_aiq, oracle })
}

/// The curve of a router that predicts each model's score on each query, at `weights` cost weights
/// and the two extremes.
///
/// # Errors
/// Those of [`compare`] and `check_predictions`.
pub fn route(
    table: &[Vec<CostPoint>],
    predicted: &[Vec<f64>],
    range: Range,
    weights: usize,
) -> Result<CostQuality, EvalError> {
    let models = table.first().map_or(0, Vec::len);
    check(models, table)?;
    check_predictions(predicted, table.len(), models)?;
    let costs: Vec<f64> = means(models, table).iter().map(|mean| mean.usd).collect();
    let all = predicted.iter().flatten().copied();
    let spread = all.clone().fold(f64::MIN, f64::max) - all.fold(f64::MAX, f64::min);
    // The weight at which the whole range of costs is worth the whole spread of predictions.
    let unit = spread / (range.high - range.low);
    let steps = (0..weights).map(|step| {
        let part = step as f64 / weights.saturating_sub(1).max(1) as f64;
        unit * 10_f64.powf(DECADES * (2.0 * part - 1.0))
    });
    let mut points: Vec<CostPoint> = std::iter::once(0.0)
        .chain(steps)
        .map(|weight| {
            mean(table.iter().zip(predicted).filter_map(|(answers, predicted)| {
                let value = predicted.iter().zip(&costs).map(|(p, cost)| p - weight * cost);
                answers.get(largest(value)).copied()
            }))
        })
        .collect();
    // An infinite weight: the cheapest model, whatever is predicted.
    let cheapest = largest(costs.iter().map(|cost| -cost));
    points.push(mean(table.iter().filter_map(|answers| answers.get(cheapest).copied())));
    CostQuality::new(points, range)
}

/// The oracle's hull: each query starts with its cheapest answer (of equally cheap ones the best),
/// and then the steps along each query's own hull are bought in order of gain per USD. The result
/// is the mean of the queries' hulls, which bounds every router, including random ones.
fn oracle(table: &[Vec<CostPoint>]) -> Vec<CostPoint> {
    let n = table.len() as f64;
    let (mut usd, mut score) = (0.0, 0.0);
    let mut steps: Vec<CostPoint> = Vec::new();
    for answers in table {
        let best = hull(answers);
        if let Some(first) = best.first() {
            usd += first.usd;
            score += first.score;
        }
        let pairs = best.iter().zip(best.iter().skip(1));
        steps
            .extend(pairs.map(|(a, b)| CostPoint { usd: b.usd - a.usd, score: b.score - a.score }));
    }
    let gain = |step: &CostPoint| step.score / step.usd;
    steps.sort_by(|a, b| gain(b).total_cmp(&gain(a)));
    let mut points = vec![CostPoint { usd: usd / n, score: score / n }];
    for step in steps {
        usd += step.usd;
        score += step.score;
        points.push(CostPoint { usd: usd / n, score: score / n });
    }
    points
}

fn check(models: usize, table: &[Vec<CostPoint>]) -> Result<(), EvalError> {
    if table.is_empty() {
        return Err(EvalError::NoRows);
    }
    for (row, answers) in table.iter().enumerate() {
        check_length("answers in a row", answers.len(), models)?;
        for answer in answers {
            check_cost(row, "cost", answer.usd)?;
            check_score(row, "score", answer.score)?;
        }
    }
    Ok(())
}

/// Refuses predictions that are not one finite number for each of `models`, for each of `rows`.
///
/// # Errors
/// [`EvalError::BadInput`], [`EvalError::BadRow`].
pub(crate) fn check_predictions(
    predicted: &[Vec<f64>],
    rows: usize,
    models: usize,
) -> Result<(), EvalError> {
    check_length("rows of predictions", predicted.len(), rows)?;
    for (row, scores) in predicted.iter().enumerate() {
        check_length("predictions in a row", scores.len(), models)?;
        for &score in scores {
            check_finite(row, "predicted score", score)?;
        }
    }
    Ok(())
}

fn means(models: usize, table: &[Vec<CostPoint>]) -> Vec<CostPoint> {
    (0..models)
        .map(|model| mean(table.iter().filter_map(|answers| answers.get(model).copied())))
        .collect()
}

fn mean(answers: impl Iterator<Item = CostPoint>) -> CostPoint {
    let (mut n, mut usd, mut score) = (0_usize, 0.0, 0.0);
    for answer in answers {
        n += 1;
        usd += answer.usd;
        score += answer.score;
    }
    let n = n.max(1) as f64;
    CostPoint { usd: usd / n, score: score / n }
}

/// Index of the largest value, the first of equal ones; 0 without values.
pub(crate) fn largest(values: impl Iterator<Item = f64>) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (at, value) in values.enumerate() {
        if value > best.1 {
            best = (at, value);
        }
    }
    best.0
}
