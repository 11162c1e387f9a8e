//! From a share of strong calls to a threshold, and back.
//!
//! A threshold means nothing to a user before it is known which share of their queries it sends to
//! the strong model. A calibration keeps the quantiles of the win rates of a sample, so that a
//! bundle can be asked for "half strong calls" wherever it runs.
//!
//! ```
//! use switchyard_trainer::eval::calibration::{Calibration, strong_share};
//!
//! # fn main() -> Result<(), switchyard_trainer::eval::EvalError> {
//! let win_rates: Vec<f64> = (0..1000).map(|i| f64::from(i) / 1000.0).collect();
//! let calibration = Calibration::from_win_rates(&win_rates)?;
//! let threshold = calibration.threshold_for(0.25)?;
//! assert!((strong_share(&win_rates, threshold)? - 0.25).abs() < 0.005);
//! # Ok(())
//! # }
//! ```

use super::EvalError;
use super::curve::quantile;

/// How many quantiles are kept: 0 %, 1 %, ... 100 %.
pub const QUANTILES: usize = 101;

/// Quantiles of the win rates of a sample of queries.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    quantiles: Vec<f64>,
}

impl Calibration {
    /// Takes the quantiles of a sample, by linear interpolation.
    ///
    /// # Errors
    /// [`EvalError::NoRows`] and [`EvalError::NotFinite`].
    pub fn from_win_rates(win_rates: &[f64]) -> Result<Calibration, EvalError> {
        check(win_rates)?;
        let mut ascending = win_rates.to_vec();
        ascending.sort_by(f64::total_cmp);
        let last = QUANTILES - 1;
        let quantiles = (0..QUANTILES)
            .map(|part| quantile(&ascending, part, last))
            .collect();
        Ok(Calibration { quantiles })
    }

    /// Takes quantiles that were stored.
    ///
    /// # Errors
    /// [`EvalError::BadQuantiles`] unless these are [`QUANTILES`] finite, ascending numbers.
    pub fn from_quantiles(quantiles: Vec<f64>) -> Result<Calibration, EvalError> {
        let bad = |found: String| {
            Err(EvalError::BadQuantiles {
                found,
                expected: QUANTILES,
            })
        };
        if quantiles.len() != QUANTILES {
            return bad(format!("{} quantiles", quantiles.len()));
        }
        if let Some(value) = quantiles.iter().find(|value| !value.is_finite()) {
            return bad(format!("the quantile {value}"));
        }
        if let Some(pair) = quantiles.windows(2).find(|pair| pair.first() > pair.last()) {
            return bad(format!("{pair:?} in this order"));
        }
        Ok(Calibration { quantiles })
    }

    /// The quantiles at 0 %, 1 %, ... 100 %, ascending.
    #[must_use]
    pub fn quantiles(&self) -> &[f64] {
        &self.quantiles
    }

    /// The threshold that sends about this share of the sample's queries to the strong model: the
    /// quantile at 1 - share, interpolated. Falls, or stays, as the share rises. Where many
    /// queries have one win rate the share reached can differ: ask [`strong_share`].
    ///
    /// # Errors
    /// [`EvalError::NotAFraction`].
    pub fn threshold_for(&self, strong_share: f64) -> Result<f64, EvalError> {
        if !(0.0..=1.0).contains(&strong_share) {
            return Err(EvalError::NotAFraction {
                what: "the share of strong calls",
                value: strong_share,
            });
        }
        let position = (1.0 - strong_share) * (QUANTILES - 1) as f64;
        let below = position.floor();
        let low = self
            .quantiles
            .get(below as usize)
            .copied()
            .unwrap_or_default();
        let high = self
            .quantiles
            .get(below as usize + 1)
            .copied()
            .unwrap_or(low);
        Ok((low + (high - low) * (position - below)).clamp(low, high))
    }
}

/// The share of these queries that a threshold sends to the strong model: those whose win rate is
/// at least the threshold.
///
/// # Errors
/// [`EvalError::NoRows`] and [`EvalError::NotFinite`].
pub fn strong_share(win_rates: &[f64], threshold: f64) -> Result<f64, EvalError> {
    check(win_rates)?;
    let strong = win_rates
        .iter()
        .filter(|&&win_rate| win_rate >= threshold)
        .count();
    Ok(strong as f64 / win_rates.len() as f64)
}

fn check(win_rates: &[f64]) -> Result<(), EvalError> {
    if win_rates.is_empty() {
        return Err(EvalError::NoRows);
    }
    match win_rates
        .iter()
        .enumerate()
        .find(|(_, value)| !value.is_finite())
    {
        Some((row, &value)) => Err(EvalError::NotFinite {
            row,
            what: "win rate",
            value,
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_sample_of_one_has_one_quantile() {
        let calibration = Calibration::from_win_rates(&[0.3]).unwrap();
        assert_eq!(calibration.quantiles(), [0.3; QUANTILES]);
    }

    #[test]
    fn quantiles_interpolate_between_neighbours() {
        let calibration = Calibration::from_win_rates(&[4.0, 0.0]).unwrap();
        assert_eq!(calibration.quantiles()[25], 1.0);
        assert_eq!(calibration.threshold_for(0.125).unwrap(), 3.5);
    }

    #[test]
    fn what_is_no_sample_or_share_is_an_error() {
        assert_eq!(
            Calibration::from_win_rates(&[]).unwrap_err().code(),
            "no_rows"
        );
        assert_eq!(
            Calibration::from_win_rates(&[0.1, f64::NAN])
                .unwrap_err()
                .code(),
            "not_finite"
        );
        let calibration = Calibration::from_win_rates(&[0.1, 0.2]).unwrap();
        for share in [-0.1, 1.1, f64::NAN] {
            assert_eq!(
                calibration.threshold_for(share).unwrap_err().code(),
                "not_a_fraction"
            );
        }
        for quantiles in [
            vec![0.0; 3],
            vec![f64::INFINITY; QUANTILES],
            (0..101).rev().map(f64::from).collect(),
        ] {
            assert_eq!(
                Calibration::from_quantiles(quantiles).unwrap_err().code(),
                "bad_quantiles"
            );
        }
    }

    proptest! {
        #[test]
        fn a_larger_share_never_raises_the_threshold(
            win_rates in prop::collection::vec(0.0_f64..=1.0, 1..80), a in 0.0_f64..=1.0, b in 0.0_f64..=1.0,
        ) {
            let calibration = Calibration::from_win_rates(&win_rates).unwrap();
            let (low, high) = (a.min(b), a.max(b));
            let (at_low, at_high) = (calibration.threshold_for(low).unwrap(), calibration.threshold_for(high).unwrap());
            prop_assert!(at_low >= at_high);
            prop_assert!(strong_share(&win_rates, at_low).unwrap() <= strong_share(&win_rates, at_high).unwrap());
        }

        #[test]
        fn the_share_asked_for_is_reached_on_distinct_win_rates(n in 101_usize..600, share in 0.0_f64..=1.0) {
            let win_rates: Vec<f64> = (0..n).map(|i| (i * i) as f64).collect();
            let calibration = Calibration::from_win_rates(&win_rates).unwrap();
            let threshold = calibration.threshold_for(share).unwrap();
            // One step of the quantiles, and one query.
            prop_assert!((strong_share(&win_rates, threshold).unwrap() - share).abs() <= 0.01 + 1.5 / n as f64);
        }

        #[test]
        fn stored_quantiles_come_back(win_rates in prop::collection::vec(-1e3_f64..1e3, 1..50)) {
            let calibration = Calibration::from_win_rates(&win_rates).unwrap();
            let stored = calibration.quantiles().to_vec();
            prop_assert_eq!(Calibration::from_quantiles(stored).unwrap(), calibration);
        }
    }
}
