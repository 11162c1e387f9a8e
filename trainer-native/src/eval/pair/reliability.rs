//! Checks whether a win rate of 0.7 means 0.7: predicted against observed, in bins of equal count.
//!
//! A win rate can be read in two ways, so it is compared with two observations: the mean of (1 +
//! strong - weak) / 2, in which a tie counts half, and the share of queries that the strong model
//! wins outright. The expected calibration error is the mean distance to either, weighted by rows.
//!
//! ```
//! use pointsman_trainer::eval::RoutedRow;
//! use pointsman_trainer::eval::pair::reliability::reliability;
//!
//! # fn main() -> Result<(), pointsman_trainer::eval::EvalError> {
//! // Predicts 0.5 for ties and 1 for wins: right about the gain.
//! let rows = [
//!     RoutedRow { win_rate: 0.5, weak: 1.0, strong: 1.0 },
//!     RoutedRow { win_rate: 1.0, weak: 0.0, strong: 1.0 },
//! ];
//! let found = reliability(&rows, 2)?;
//! assert_eq!((found.error_gain, found.error_wins), (0.0, 0.25));
//! # Ok(())
//! # }
//! ```

use serde::{Deserialize, Serialize};

use super::curve::RoutedRow;
use super::curve::end_points;
use crate::eval::EvalError;
use crate::eval::error::{check_fraction, check_some};

/// A bin of rows with neighbouring win rates.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    pub rows: usize,
    /// Mean win rate the router predicted.
    pub predicted: f64,
    /// Mean of (1 + strong - weak) / 2 observed.
    pub gain: f64,
    /// Share of rows the strong model wins outright.
    pub wins: f64,
}

/// Predicted win rates against observed ones, bin by bin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// Ascending by win rate. Rows of one win rate share a bin, so there may be fewer than asked.
    pub bins: Vec<ReliabilityBin>,
    /// Expected calibration error against the mean of (1 + strong - weak) / 2.
    pub error_gain: f64,
    /// Expected calibration error against the share of outright wins.
    pub error_wins: f64,
}

/// Cuts the rows into `bins` of nearly equal count.
///
/// # Errors
/// [`EvalError::NoRows`], [`EvalError::BadRow`], and [`EvalError::BadInput`] for no bins or a win rate outside [0, 1], which no probability is.
pub fn reliability(rows: &[RoutedRow], bins: usize) -> Result<Reliability, EvalError> {
    end_points(rows)?;
    check_some("reliability bins", bins)?;
    for row in rows {
        check_fraction("the win rate", row.win_rate)?;
    }
    let mut sorted = rows.to_vec();
    sorted.sort_by(|a, b| a.win_rate.total_cmp(&b.win_rate));
    let mut found = Vec::with_capacity(bins);
    let mut rest = sorted.as_slice();
    for bin in 1..=bins {
        let end = bin * sorted.len() / bins;
        let taken = sorted.len() - rest.len();
        let Some(last) = end.checked_sub(taken + 1).and_then(|at| rest.get(at)) else {
            continue;
        };
        let (now, later) = rest.split_at(rest.partition_point(|row| row.win_rate <= last.win_rate));
        found.push(one(now));
        rest = later;
    }
    let n = rows.len() as f64;
    let error = |observed: &dyn Fn(&ReliabilityBin) -> f64| {
        found.iter().map(|b| b.rows as f64 / n * (b.predicted - observed(b)).abs()).sum()
    };
    let (error_gain, error_wins) = (error(&|bin| bin.gain), error(&|bin| bin.wins));
    Ok(Reliability { bins: found, error_gain, error_wins })
}

fn one(rows: &[RoutedRow]) -> ReliabilityBin {
    let n = rows.len() as f64;
    ReliabilityBin {
        rows: rows.len(),
        predicted: rows.iter().map(|row| row.win_rate).sum::<f64>() / n,
        gain: rows.iter().map(|row| f64::midpoint(1.0, row.strong - row.weak)).sum::<f64>() / n,
        wins: rows.iter().filter(|row| row.strong > row.weak).count() as f64 / n,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ten_bins_of_a_hundred_rows_hold_ten_each() {
        let row = |at: u32| RoutedRow { win_rate: f64::from(at) / 100.0, weak: 0.0, strong: 1.0 };
        let rows: Vec<RoutedRow> = (0..100).map(row).collect();
        let found = reliability(&rows, 10).unwrap();
        assert!(found.bins.iter().all(|bin| bin.rows == 10 && bin.wins == 1.0));
        assert!((found.bins[0].predicted - 0.045).abs() < 1e-12);
        assert!((found.error_gain - 0.505).abs() < 1e-12);
    }

    #[test]
    fn what_is_no_probability_has_no_reliability() {
        let row = RoutedRow { win_rate: 212.0, weak: 0.0, strong: 1.0 };
        let fault = |row, bins| reliability(&[row], bins).unwrap_err().to_string();
        assert!(fault(row, 10).starts_with("found the win rate 212, expected a number in [0, 1]"));
        assert_eq!(reliability(&[], 10).unwrap_err().code(), "no_rows");
        let fine = RoutedRow { win_rate: 0.2, ..row };
        assert!(fault(fine, 0).starts_with("found 0 reliability bins"));
    }

    proptest! {
        #[test]
        fn bins_part_the_rows_and_keep_equal_win_rates_together(
            drawn in prop::collection::vec((0_u8..=20, 0_u8..=1, 0_u8..=1), 1..120), bins in 1_usize..15,
        ) {
            let rows: Vec<RoutedRow> = drawn
                .iter()
                .map(|&(p, w, s)| RoutedRow {
                    win_rate: f64::from(p) / 20.0, weak: f64::from(w), strong: f64::from(s),
                })
                .collect();
            let found = reliability(&rows, bins).unwrap();
            prop_assert!(found.bins.len() <= bins);
            prop_assert_eq!(found.bins.iter().map(|bin| bin.rows).sum::<usize>(), rows.len());
            for pair in found.bins.windows(2) {
                prop_assert!(pair[0].predicted < pair[1].predicted);
            }
            let mean = rows.iter().map(|row| row.win_rate).sum::<f64>();
            let by_bin = found.bins.iter().map(|bin| bin.predicted * bin.rows as f64).sum::<f64>();
            prop_assert!((mean - by_bin).abs() < 1e-9);
            prop_assert!((0.0..=1.0).contains(&found.error_gain));
        }
    }
}
