//! Computes quality against the share of strong calls, and RouteLLM's metrics of that curve (arXiv
//! 2406.18665, section 3.2, and the evaluator of its repository).
//!
//! With r(s) the mean score when a share s of the queries goes to the strong model:
//! - PGR(r) = (r - r_weak) / (r_strong - r_weak);
//! - APGR = (area under r - area at r_weak) / (area at r_strong - area at r_weak), areas by
//!   trapezoids over s;
//! - CPT(x) = the least share with PGR >= x, points joined by straight lines.
//!
//! The evaluator takes eleven thresholds: the deciles of the win rates, from 0 % to 100 %, by
//! linear interpolation, each value once. At each a query goes to the strong model when its win
//! rate is at least the threshold; at the last, when it is greater. So a router with few different
//! win rates is evaluated at few points. The evaluator finds CPT by a bisection that expects
//! accuracy to rise with the share; where it does, the result is the least share. Where noise makes
//! accuracy fall in between, only the least share is well defined, and it is used here.

use pointsman::quantile;
use serde::{Deserialize, Serialize};

use crate::eval::EvalError;
use crate::eval::error::{check_finite, check_fraction};

/// Number of equal parts that the win rates are cut into.
const PARTS: usize = 10;

/// One query: the router's win rate and the scores of both models.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RoutedRow {
    /// The router's estimate that the strong model is needed; on any finite scale, since only the
    /// order counts.
    pub win_rate: f64,
    /// Score of the weak model.
    pub weak: f64,
    /// Score of the strong model.
    pub strong: f64,
}

/// Share and score at one threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Threshold: a query whose win rate is above it goes to the strong model.
    pub threshold: f64,
    /// Whether a win rate equal to the threshold goes to the strong model.
    pub inclusive: bool,
    /// Share of queries that go to the strong model, in [0, 1].
    pub strong_share: f64,
    /// Mean score over all queries, in the unit of the scores.
    pub score: f64,
}

/// Points from no strong call to all of them, with the end points.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Ascending by share.
    pub points: Vec<CurvePoint>,
    /// Mean score of the weak model.
    pub weak: f64,
    /// Mean score of the strong model.
    pub strong: f64,
}

impl Curve {
    /// The curve at the deciles, by RouteLLM's protocol.
    ///
    /// # Errors
    /// [`EvalError::NoRows`], [`EvalError::BadRow`], [`EvalError::NoGap`] where the strong model is
    /// no better, [`EvalError::ConstantWinRate`] where all win rates are equal.
    pub fn at_deciles(rows: &[RoutedRow]) -> Result<Curve, EvalError> {
        Ranked::new(rows)?.decile_curve()
    }

    /// The curve at every distinct win rate, for plots: no threshold gives a point between two of
    /// these.
    ///
    /// # Errors
    /// Those of [`Curve::at_deciles`].
    pub fn at_every_win_rate(rows: &[RoutedRow]) -> Result<Curve, EvalError> {
        Ranked::new(rows)?.full_curve()
    }

    /// Average performance gap recovered; 0.5 for chance.
    #[must_use]
    pub fn apgr(&self) -> f64 {
        let pairs = || self.points.iter().zip(self.points.iter().skip(1));
        let width: f64 = pairs().map(|(a, b)| b.strong_share - a.strong_share).sum();
        let area: f64 = pairs()
            .map(|(a, b)| (b.strong_share - a.strong_share) * (a.score + b.score) / 2.0)
            .sum();
        (area - self.weak * width) / ((self.strong - self.weak) * width)
    }

    /// Call-performance threshold: the least share of strong calls, in [0, 1], with
    /// PGR >= `quality`.
    ///
    /// # Errors
    /// [`EvalError::BadInput`] where `quality` is not in [0, 1].
    pub fn cpt(&self, quality: f64) -> Result<f64, EvalError> {
        let at = self.position(quality)?;
        let share = |index: usize| self.points.get(index).map_or(1.0, |p| p.strong_share);
        Ok(share(at.before) + at.part * (share(at.after) - share(at.before)))
    }

    /// Position on the curve where it first reaches `quality`, for other quantities to be
    /// interpolated there.
    pub(super) fn position(&self, quality: f64) -> Result<Position, EvalError> {
        check_fraction("the quality", quality)?;
        let wanted = self.weak + quality * (self.strong - self.weak);
        let last = self.points.len().saturating_sub(1);
        // The last point always calls the strong model; only rounding can leave it below.
        let after = self.points.iter().position(|point| point.score >= wanted).unwrap_or(last);
        let before = after.saturating_sub(1);
        let score = |index: usize| self.points.get(index).map_or(self.strong, |p| p.score);
        // before.score < wanted <= after.score unless the two are one point.
        let rise = score(after) - score(before);
        let part = if rise > 0.0 { (wanted - score(before)) / rise } else { 1.0 };
        Ok(Position { before, after, part: part.clamp(0.0, 1.0) })
    }
}

/// A position on a curve, between two neighbouring points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Position {
    /// Index of the point before, or of the point itself.
    pub before: usize,
    /// Index of the point after.
    pub after: usize,
    /// How far it lies from `before` to `after`, in [0, 1].
    pub part: f64,
}

/// Rows sorted by win rate, with the effect of each threshold.
pub(super) struct Ranked {
    /// Ascending.
    win_rates: Vec<f64>,
    /// `gains[k]`: sum of strong - weak over the rows from the k-th on.
    gains: Vec<f64>,
    weak: f64,
    strong: f64,
}

impl Ranked {
    fn new(rows: &[RoutedRow]) -> Result<Ranked, EvalError> {
        end_points(rows)?;
        let mut sorted = rows.to_vec();
        sorted.sort_by(|a, b| a.win_rate.total_cmp(&b.win_rate));
        Self::of_sorted(&sorted)
    }

    /// From rows that are sorted by ascending win rate.
    pub(super) fn of_sorted(sorted: &[RoutedRow]) -> Result<Ranked, EvalError> {
        let (weak, strong) = end_points(sorted)?;
        if strong <= weak {
            return Err(EvalError::NoGap { weak, strong });
        }
        let mut gains: Vec<f64> = sorted
            .iter()
            .rev()
            .scan(0.0, |sum, row| {
                *sum += row.strong - row.weak;
                Some(*sum)
            })
            .collect();
        gains.reverse();
        gains.push(0.0);
        Ok(Ranked {
            win_rates: sorted.iter().map(|row| row.win_rate).collect(),
            gains,
            weak,
            strong,
        })
    }

    fn point(&self, threshold: f64, inclusive: bool) -> CurvePoint {
        let n = self.win_rates.len();
        let first = self.win_rates.partition_point(|&win_rate| {
            if inclusive { win_rate < threshold } else { win_rate <= threshold }
        });
        let gain = self.gains.get(first).copied().unwrap_or_default();
        CurvePoint {
            threshold,
            inclusive,
            strong_share: (n - first) as f64 / n as f64,
            score: self.weak + gain / n as f64,
        }
    }

    fn curve(&self, thresholds: &[f64]) -> Result<Curve, EvalError> {
        let (Some(&last), 2..) = (thresholds.last(), thresholds.len()) else {
            let value = thresholds.first().copied().unwrap_or_default();
            return Err(EvalError::ConstantWinRate { value });
        };
        let mut points = vec![self.point(last, false)];
        let others = thresholds.iter().rev().skip(1);
        points.extend(others.map(|&threshold| self.point(threshold, true)));
        Ok(Curve { points, weak: self.weak, strong: self.strong })
    }

    pub(super) fn decile_curve(&self) -> Result<Curve, EvalError> {
        let mut thresholds: Vec<f64> =
            (0..=PARTS).map(|part| quantile(&self.win_rates, part, PARTS)).collect();
        thresholds.dedup();
        self.curve(&thresholds)
    }

    fn full_curve(&self) -> Result<Curve, EvalError> {
        let mut thresholds = self.win_rates.clone();
        thresholds.dedup();
        let mut curve = self.curve(&thresholds)?;
        if let Some(&last) = thresholds.last() {
            // Here every step counts, even that of the highest win rate alone.
            curve.points.insert(1, self.point(last, true));
        }
        Ok(curve)
    }
}

/// Mean scores of the weak and of the strong model, after checking every number.
pub(super) fn end_points(rows: &[RoutedRow]) -> Result<(f64, f64), EvalError> {
    if rows.is_empty() {
        return Err(EvalError::NoRows);
    }
    for (at, row) in rows.iter().enumerate() {
        for (what, value) in
            [("win rate", row.win_rate), ("weak score", row.weak), ("strong score", row.strong)]
        {
            check_finite(at, what, value)?;
        }
    }
    let n = rows.len() as f64;
    let weak = rows.iter().map(|row| row.weak).sum::<f64>() / n;
    let strong = rows.iter().map(|row| row.strong).sum::<f64>() / n;
    Ok((weak, strong))
}

#[cfg(test)]
mod tests;
