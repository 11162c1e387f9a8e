//! Computes share of strong calls, score and cost of a router at one threshold.
//!
//! A threshold is given, or found for a requested share of strong calls. It then comes from a
//! calibration, a sample of other queries, so that the achieved share differs from the requested
//! one; or it is found on the scored rows themselves, which no deployment can do, and is marked
//! [`ThresholdOrigin::SameRows`].
//!
//! ```
//! use pointsman_trainer::eval::RoutedRow;
//! use pointsman_trainer::eval::pair::operating_points::{ThresholdOrigin, at_share, at_threshold};
//!
//! # fn main() -> Result<(), pointsman_trainer::eval::EvalError> {
//! let row = |win_rate, weak| RoutedRow { win_rate, weak, strong: 1.0 };
//! let rows = [row(0.9, 0.0), row(0.6, 0.0), row(0.4, 1.0), row(0.2, 1.0)];
//! let half = at_share(&rows, None, 0.5, None)?;
//! assert_eq!((half.strong_share, half.score, half.pgr), (0.5, 1.0, 1.0));
//! assert_eq!(half.origin, ThresholdOrigin::SameRows);
//! assert_eq!(at_threshold(&rows, None, 0.9)?.strong_share, 0.25);
//! # Ok(())
//! # }
//! ```

use pointsman::Calibration;
use serde::{Deserialize, Serialize};

use super::curve::RoutedRow;
use super::curve::end_points;
use super::money::{CumulativeCosts, Money};
use crate::eval::EvalError;
use crate::eval::error::check_fraction;

/// Where the threshold of an operating point comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdOrigin {
    /// The threshold was given.
    Given,
    /// Found on the scored rows: the requested share is met, and the score is optimistic by the
    /// noise of the share.
    SameRows,
    /// The bundle's calibration, a sample of other queries.
    Calibration,
}

/// A router at one threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperatingPoint {
    pub origin: ThresholdOrigin,
    /// Requested share of strong calls, in [0, 1], where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_share: Option<f64>,
    /// A query goes to the strong model when its win rate is at least this.
    pub threshold: f64,
    /// Share of the scored rows that go to the strong model, in [0, 1].
    pub strong_share: f64,
    /// Mean score, in [0, 1].
    pub score: f64,
    /// Performance gap recovered.
    pub pgr: f64,
    /// Cost, where costs are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money: Option<Money>,
}

/// The operating point at a threshold.
///
/// # Errors
/// [`EvalError::NoRows`], [`EvalError::BadRow`], [`EvalError::BadInput`], [`EvalError::NoGap`].
pub fn at_threshold(
    rows: &[RoutedRow],
    costs: Option<&CumulativeCosts>,
    threshold: f64,
) -> Result<OperatingPoint, EvalError> {
    point(rows, costs, threshold, None, ThresholdOrigin::Given)
}

/// The operating point at a requested share of strong calls: by the calibration, or where there is
/// none, by the threshold whose share of these rows is nearest.
///
/// # Errors
/// Those of [`at_threshold`], and [`EvalError::BadInput`].
pub fn at_share(
    rows: &[RoutedRow],
    costs: Option<&CumulativeCosts>,
    share: f64,
    calibration: Option<&Calibration>,
) -> Result<OperatingPoint, EvalError> {
    check_fraction("the share of strong calls", share)?;
    match calibration {
        Some(calibration) => {
            let threshold = calibration.threshold_at_share(share);
            point(rows, costs, threshold, Some(share), ThresholdOrigin::Calibration)
        }
        None => {
            let win_rates: Vec<f64> = rows.iter().map(|row| row.win_rate).collect();
            let threshold = nearest_threshold(&win_rates, share);
            point(rows, costs, threshold, Some(share), ThresholdOrigin::SameRows)
        }
    }
}

/// The threshold whose share of these win rates is nearest to `share`; of two equally near, the
/// one with fewer strong calls.
pub(super) fn nearest_threshold(win_rates: &[f64], share: f64) -> f64 {
    let mut descending = win_rates.to_vec();
    descending.sort_by(|a, b| b.total_cmp(a));
    // Just above the highest one: no strong call.
    let mut best = descending.first().map_or(1.0, |highest| highest.next_up());
    let mut distance = share;
    for (at, &threshold) in descending.iter().enumerate() {
        if descending.get(at + 1) == Some(&threshold) {
            continue;
        }
        let reached = (at + 1) as f64 / descending.len() as f64;
        if (reached - share).abs() < distance {
            (best, distance) = (threshold, (reached - share).abs());
        }
    }
    best
}

fn point(
    rows: &[RoutedRow],
    costs: Option<&CumulativeCosts>,
    threshold: f64,
    asked_share: Option<f64>,
    origin: ThresholdOrigin,
) -> Result<OperatingPoint, EvalError> {
    let (weak, strong) = end_points(rows)?;
    if strong <= weak {
        return Err(EvalError::NoGap { weak, strong });
    }
    if !threshold.is_finite() {
        let detail = format!("found the threshold {threshold}, expected a finite number");
        return Err(EvalError::BadInput { detail });
    }
    let (mut calls, mut score) = (0_usize, 0.0);
    for row in rows {
        let to_strong = row.win_rate >= threshold;
        calls += usize::from(to_strong);
        score += if to_strong { row.strong } else { row.weak };
    }
    let n = rows.len() as f64;
    let score = score / n;
    Ok(OperatingPoint {
        origin,
        asked_share,
        threshold,
        strong_share: calls as f64 / n,
        score,
        pgr: (score - weak) / (strong - weak),
        money: costs.map(|costs| costs.at_threshold(threshold, true)),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::eval::pair::calibration::calibrate;

    fn rows(win_rates: &[f64]) -> Vec<RoutedRow> {
        let one = |(at, &win_rate): (usize, &f64)| RoutedRow {
            win_rate,
            weak: (at % 2) as f64,
            strong: 1.0,
        };
        win_rates.iter().enumerate().map(one).collect()
    }

    #[test]
    fn a_calibrated_share_states_what_it_achieves_here() {
        let calibration = calibrate(&[0.0, 0.25, 0.5, 0.75, 1.0], "other queries").unwrap();
        let found = at_share(&rows(&[0.6, 0.7, 0.8, 0.1]), None, 0.5, Some(&calibration)).unwrap();
        assert_eq!((found.threshold, found.asked_share), (0.5, Some(0.5)));
        assert_eq!(found.strong_share, 0.75);
        assert_eq!(found.origin, ThresholdOrigin::Calibration);
    }

    #[test]
    fn no_share_is_no_call_and_the_whole_share_every_call() {
        let rows = rows(&[0.6, 0.7, 1.0, 1.0]);
        assert_eq!(at_share(&rows, None, 0.0, None).unwrap().strong_share, 0.0);
        assert_eq!(at_share(&rows, None, 1.0, None).unwrap().strong_share, 1.0);
        let share = at_share(&rows, None, 1.5, None).unwrap_err().to_string();
        assert!(share.starts_with("found the share of strong calls 1.5, expected a number in"));
        let threshold = at_threshold(&rows, None, f64::NAN).unwrap_err().to_string();
        assert!(threshold.starts_with("found the threshold NaN, expected a finite number"));
    }

    proptest! {
        #[test]
        fn the_nearest_share_is_nearest(
            drawn in prop::collection::vec(0_u8..12, 2..40), share in 0.0_f64..=1.0,
        ) {
            let win_rates: Vec<f64> = drawn.iter().map(|&p| f64::from(p) / 11.0).collect();
            let share_at = |threshold: f64| {
                win_rates.iter().filter(|&&p| p >= threshold).count() as f64 / win_rates.len() as f64
            };
            let found = (share_at(nearest_threshold(&win_rates, share)) - share).abs();
            for other in win_rates.iter().copied().chain([2.0]) {
                prop_assert!(found <= (share_at(other) - share).abs() + 1e-12);
            }
        }
    }
}
