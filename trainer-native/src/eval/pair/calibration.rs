//! Calibrates thresholds to shares of strong calls.
//!
//! A threshold is only useful to a user who knows which share of their queries it sends to the
//! strong model. A calibration keeps the quantiles of the win rates of a sample, so that a bundle
//! can be asked for "half strong calls" wherever it runs: the engine's
//! [`Calibration::threshold_at_share`].
//!
//! ```
//! use pointsman_trainer::eval::pair::calibration::calibrate;
//!
//! # fn main() -> Result<(), pointsman_trainer::eval::EvalError> {
//! let win_rates: Vec<f64> = (0..1000).map(|i| f64::from(i) / 1000.0).collect();
//! let calibration = calibrate(&win_rates, "a sample")?;
//! let threshold = calibration.threshold_at_share(0.25);
//! let strong = win_rates.iter().filter(|&&win_rate| win_rate >= threshold).count();
//! assert!((245..=255).contains(&strong));
//! # Ok(())
//! # }
//! ```

use pointsman::{Calibration, quantile};

use crate::eval::EvalError;
use crate::eval::error::check_finite;

/// Number of quantiles kept: 0 %, 1 %, ... 100 %.
pub const QUANTILES: usize = 101;

/// The quantiles of a sample's win rates, by linear interpolation; `sample` describes the sample.
///
/// # Errors
/// [`EvalError::NoRows`] and [`EvalError::BadRow`].
pub fn calibrate(win_rates: &[f64], sample: &str) -> Result<Calibration, EvalError> {
    if win_rates.is_empty() {
        return Err(EvalError::NoRows);
    }
    for (row, &value) in win_rates.iter().enumerate() {
        check_finite(row, "win rate", value)?;
    }
    let mut ascending = win_rates.to_vec();
    ascending.sort_by(f64::total_cmp);
    let quantiles = (0..QUANTILES).map(|part| quantile(&ascending, part, QUANTILES - 1)).collect();
    let rows = win_rates.len() as u64;
    Ok(Calibration { quantiles, sample: sample.to_owned(), rows, demands: None })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Share of these queries that a threshold sends to the strong model.
    fn strong_share(win_rates: &[f64], threshold: f64) -> f64 {
        let strong = win_rates.iter().filter(|&&win_rate| win_rate >= threshold).count();
        strong as f64 / win_rates.len() as f64
    }

    #[test]
    fn a_sample_of_one_has_one_quantile() {
        assert_eq!(calibrate(&[0.3], "one").unwrap().quantiles, [0.3; QUANTILES]);
    }

    #[test]
    fn quantiles_interpolate_between_neighbours() {
        let calibration = calibrate(&[0.8, 0.0], "two").unwrap();
        assert!((calibration.quantiles[25] - 0.2).abs() < 1e-12);
        assert!((calibration.threshold_at_share(0.125) - 0.7).abs() < 1e-12);
    }

    #[test]
    fn what_is_no_sample_is_an_error() {
        assert_eq!(calibrate(&[], "none").unwrap_err().code(), "no_rows");
        let error = calibrate(&[0.1, f64::NAN], "NaN").unwrap_err();
        assert!(error.to_string().starts_with("row 1: found the win rate NaN"), "{error}");
    }

    proptest! {
        #[test]
        fn a_larger_share_never_raises_the_threshold(
            win_rates in prop::collection::vec(0.0_f64..=1.0, 1..80),
            a in 0.0_f64..=1.0,
            b in 0.0_f64..=1.0,
        ) {
            let calibration = calibrate(&win_rates, "drawn").unwrap();
            let at_low = calibration.threshold_at_share(a.min(b));
            let at_high = calibration.threshold_at_share(a.max(b));
            prop_assert!(at_low >= at_high);
            let share = |threshold| strong_share(&win_rates, threshold);
            prop_assert!(share(at_low) <= share(at_high));
        }

        #[test]
        fn the_share_asked_for_is_reached_on_distinct_win_rates(
            n in 101_usize..600,
            share in 0.0_f64..=1.0,
        ) {
            let win_rates: Vec<f64> =
                (0..n).map(|i| (i * i) as f64 / (n * n) as f64).collect();
            let calibration = calibrate(&win_rates, "squares").unwrap();
            let threshold = calibration.threshold_at_share(share);
            // One step of the quantiles, and one query.
            let reached = strong_share(&win_rates, threshold);
            prop_assert!((reached - share).abs() <= 0.01 + 1.5 / n as f64);
        }
    }
}
