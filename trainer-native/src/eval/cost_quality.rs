//! Quality against cost, and RouterBench's summary of it (AIQ, arXiv 2403.12031, section 3).
//!
//! A router with a moving threshold or cost weight gives points (mean USD per query, mean score).
//! Mixing them at random reaches their *non-decreasing convex hull* H: the least concave function
//! on or above every point that never falls as cost grows. Then
//!
//! ```text
//! AIQ = 1 / (c_max - c_min) * integral of H(c) from c_min to c_max
//! ```
//!
//! with one range for all compared routers: from the mean cost of the cheapest single model to that
//! of the dearest. The *zero router* is the hull of the single models, which mixes them without
//! reading the query; a router below it has learnt nothing. The *oracle* buys, query by query, the
//! answers that gain most per USD: no router lies above its hull.
//!
//! ```
//! use pointsman_trainer::eval::cost_quality::{CostPoint, Range, aiq, hull};
//!
//! # fn main() -> Result<(), pointsman_trainer::eval::EvalError> {
//! let point = |usd, score| CostPoint { usd, score };
//! let hull = hull(&[point(0.0, 0.5), point(1.0, 1.0), point(0.5, 0.6)]);
//! assert_eq!(hull, [point(0.0, 0.5), point(1.0, 1.0)]);
//! assert_eq!(aiq(&hull, Range { low: 0.0, high: 1.0 })?, 0.75);
//! # Ok(())
//! # }
//! ```

pub mod many_models;

use serde::{Deserialize, Serialize};

use super::EvalError;

/// Mean cost and score of a way of routing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CostPoint {
    /// Mean cost of a query, USD.
    pub usd: f64,
    /// Mean score, in [0, 1].
    pub score: f64,
}

/// A single model: every query to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SingleModel {
    pub name: String,
    /// Its mean cost and score.
    pub point: CostPoint,
}

/// The range of costs that an area is taken over, in USD per query.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Range {
    /// Mean cost of the cheapest single model.
    pub low: f64,
    /// Mean cost of the dearest.
    pub high: f64,
}

/// A curve and its normalised area.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CostQuality {
    /// Points for the moving threshold or cost weight, ascending by cost.
    pub points: Vec<CostPoint>,
    /// Area under the non-decreasing convex hull over the range, divided by the range.
    pub aiq: f64,
}

/// The references that routers on one table are compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CostComparison {
    /// Rows of known cost; all curves are computed on these.
    pub priced_rows: usize,
    pub range: Range,
    pub singles: Vec<SingleModel>,
    /// AIQ of the hull of the single models.
    pub zero_router_aiq: f64,
    pub oracle: CostQuality,
}

/// The non-decreasing convex hull of points, ascending by cost. To the right of its last point it
/// stays level; to the left of its first it is undefined.
#[must_use]
pub fn hull(points: &[CostPoint]) -> Vec<CostPoint> {
    let mut sorted = points.to_vec();
    // Among equal costs the best score comes first; the others are then dropped as no better.
    sorted.sort_by(|a, b| a.usd.total_cmp(&b.usd).then(b.score.total_cmp(&a.score)));
    let mut kept: Vec<CostPoint> = Vec::new();
    for point in sorted {
        if kept.last().is_some_and(|last| point.score <= last.score) {
            continue;
        }
        while let [.., before, last] = kept.as_slice() {
            let turn = (last.usd - before.usd) * (point.score - before.score)
                - (last.score - before.score) * (point.usd - before.usd);
            if turn < 0.0 {
                break;
            }
            kept.pop();
        }
        kept.push(point);
    }
    kept
}

/// Area under a hull over a range, divided by the range: a mean score in the unit of the scores.
///
/// # Errors
/// [`EvalError::BadInput`] where the hull begins above the range's lower end, or has no point;
/// [`EvalError::NoCostRange`] where the range is empty.
pub fn aiq(hull: &[CostPoint], range: Range) -> Result<f64, EvalError> {
    let width = range.high - range.low;
    if !(width > 0.0 && width.is_finite()) {
        return Err(EvalError::NoCostRange { low: range.low, high: range.high });
    }
    let begins = hull.first().map_or(f64::INFINITY, |first| first.usd);
    // Sums of costs in another order may differ in the last bits.
    if begins > range.low + 1e-9 * width {
        let detail = format!(
            "found a cost-quality curve that begins at {begins} USD, expected at most {}: the range \
             begins there. Add the point that calls the cheapest model always",
            range.low
        );
        return Err(EvalError::BadInput { detail });
    }
    let mut area = 0.0;
    for (at, left) in hull.iter().enumerate() {
        let right = hull.get(at + 1).copied().unwrap_or(CostPoint { usd: f64::INFINITY, ..*left });
        let (from, to) = (left.usd.max(range.low), right.usd.min(range.high));
        if to > from {
            let slope = (right.score - left.score) / (right.usd - left.usd);
            let middle = left.score + slope * (f64::midpoint(from, to) - left.usd);
            area += (to - from) * middle;
        }
    }
    // The part between the range's end and a first point that rounding put above it.
    if let Some(first) = hull.first() {
        area += (first.usd - range.low).max(0.0) * first.score;
    }
    Ok(area / width)
}

impl CostQuality {
    /// Computes the curve of some points.
    ///
    /// # Errors
    /// Those of [`aiq`].
    pub fn new(mut points: Vec<CostPoint>, range: Range) -> Result<Self, EvalError> {
        points.sort_by(|a, b| a.usd.total_cmp(&b.usd).then(a.score.total_cmp(&b.score)));
        let aiq = aiq(&hull(&points), range)?;
        Ok(Self { points, aiq })
    }
}

/// Most points kept of a curve that is only plotted: what a page's width can show.
pub(super) const PLOTTED: usize = 200;

/// Keeps every few of very many points, and the last.
pub(super) fn thin<T>(points: &mut Vec<T>) {
    let last = points.len().saturating_sub(1);
    let step = points.len().div_ceil(PLOTTED).max(1);
    let mut next = 0..=last;
    points.retain(|_| next.next().is_some_and(|at| at % step == 0 || at == last));
}

#[cfg(test)]
mod tests;
