//! Checks whether a threshold sends the requested share to the strong model, on a sample that the
//! calibration has not seen.
//!
//! The achieved share is a binomial proportion: its interval is Wilson's score interval. A
//! requested share outside the interval does not prove the calibration wrong, since the
//! calibration's own sample is random too; [`ShareCheck::consistent`] allows for both samples.
//!
//! ```
//! use pointsman_trainer::eval::calibration::{calibrate, share_check::check_shares};
//!
//! # fn main() -> Result<(), pointsman_trainer::eval::EvalError> {
//! let seen: Vec<f64> = (0..500).map(|i| f64::from(i) / 500.0).collect();
//! let unseen: Vec<f64> = (0..400).map(|i| f64::from(i * i) / 160_000.0).collect();
//! let checks = check_shares(&calibrate(&seen, "seen")?, &[0.3], &unseen)?;
//! // Squares are smaller: fewer queries reach the threshold than asked.
//! assert!(checks[0].achieved < 0.3 && !checks[0].consistent);
//! # Ok(())
//! # }
//! ```

use pointsman::Calibration;
use serde::{Deserialize, Serialize};

use super::strong_share;
use crate::eval::EvalError;

/// The normal distribution's 97.5 % quantile: intervals cover 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// The threshold of a requested share.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ShareThreshold {
    /// Requested share of strong calls, in [0, 1].
    pub share: f64,
    /// A query whose win rate is at least this goes to the strong model.
    pub threshold: f64,
}

/// The share that a threshold achieves on another sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ShareCheck {
    /// Requested share of strong calls, in [0, 1].
    pub asked: f64,
    /// The threshold that the calibration gives for it.
    pub threshold: f64,
    /// Share of the sample that reaches the threshold.
    pub achieved: f64,
    /// Lower end of the achieved share's 95 % interval.
    pub low: f64,
    /// Upper end of that interval.
    pub high: f64,
    pub rows: usize,
    /// Whether the requested and the achieved share differ by no more than the random draws of both
    /// samples explain (two-sided, 95 %).
    pub consistent: bool,
}

/// The thresholds of the requested shares, in their order.
///
/// # Errors
/// [`EvalError::NotAFraction`].
pub fn thresholds(
    calibration: &Calibration,
    shares: &[f64],
) -> Result<Vec<ShareThreshold>, EvalError> {
    let one = |&share: &f64| match (0.0..=1.0).contains(&share) {
        true => Ok(ShareThreshold { share, threshold: calibration.threshold_at_share(share) }),
        false => Err(EvalError::NotAFraction { what: "the share of strong calls", value: share }),
    };
    shares.iter().map(one).collect()
}

/// Checks the thresholds of the requested shares on `win_rates`, queries of another sample than the
/// calibration's.
///
/// # Errors
/// [`EvalError::NotAFraction`], [`EvalError::NoRows`], [`EvalError::NotFinite`].
pub fn check_shares(
    calibration: &Calibration,
    shares: &[f64],
    win_rates: &[f64],
) -> Result<Vec<ShareCheck>, EvalError> {
    let rows = win_rates.len();
    let one = |ShareThreshold { share, threshold }| {
        let achieved = strong_share(win_rates, threshold)?;
        let (low, high) = wilson(achieved, rows);
        let draws = 1.0 / rows as f64 + 1.0 / calibration.rows.max(1) as f64;
        // One query of either sample is the resolution of a share, and allowed beyond chance.
        let allowed = Z * (share * (1.0 - share) * draws).sqrt() + draws;
        let consistent = (achieved - share).abs() <= allowed;
        Ok(ShareCheck { asked: share, threshold, achieved, low, high, rows, consistent })
    };
    thresholds(calibration, shares)?.into_iter().map(one).collect()
}

/// Wilson's score interval of a proportion of `rows`.
fn wilson(proportion: f64, rows: usize) -> (f64, f64) {
    let n = rows as f64;
    let z2 = Z * Z / n;
    let centre = (proportion + z2 / 2.0) / (1.0 + z2);
    let half = (proportion * (1.0 - proportion) / n * Z * Z + z2 * z2 / 4.0).sqrt() / (1.0 + z2);
    ((centre - half).clamp(0.0, proportion), (centre + half).clamp(proportion, 1.0))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use rand_chacha::rand_core::Rng;

    use super::*;
    use crate::data::seeded;
    use crate::eval::calibration::calibrate;

    fn drawn(rows: usize, seed: u64) -> Vec<f64> {
        let mut random = seeded(seed);
        (0..rows).map(|_| (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64).collect()
    }

    #[test]
    fn wilson_agrees_with_the_textbook() {
        // 10 of 100: 0.0552 to 0.1744.
        let (low, high) = wilson(0.1, 100);
        assert!((low - 0.0552).abs() < 5e-5 && (high - 0.1744).abs() < 5e-5, "{low} {high}");
        assert_eq!(wilson(0.0, 20).0, 0.0);
        assert_eq!(wilson(1.0, 20).1, 1.0);
    }

    #[test]
    fn samples_of_one_source_are_consistent_about_as_often_as_claimed() {
        let inconsistent = (0..200)
            .filter(|&at| {
                let calibration = calibrate(&drawn(400, 2 * at), "drawn").unwrap();
                !check_shares(&calibration, &[0.4], &drawn(700, 2 * at + 1)).unwrap()[0].consistent
            })
            .count();
        // 5 % of 200 are 10; the resolution allowed on top makes it fewer.
        assert!((1..=18).contains(&inconsistent), "{inconsistent}");
    }

    #[test]
    fn shares_outside_their_range_and_empty_samples_are_errors() {
        let calibration = calibrate(&[0.1, 0.9], "two").unwrap();
        let code = |shares: &[f64], sample: &[f64]| {
            check_shares(&calibration, shares, sample).unwrap_err().code()
        };
        assert_eq!(code(&[1.1], &[0.5]), "not_a_fraction");
        assert_eq!(code(&[f64::NAN], &[0.5]), "not_a_fraction");
        assert_eq!(code(&[0.5], &[]), "no_rows");
    }

    proptest! {
        #[test]
        fn larger_shares_never_achieve_fewer_calls(
            seen in prop::collection::vec(0.0_f64..=1.0, 1..60),
            unseen in prop::collection::vec(0.0_f64..=1.0, 1..60),
            a in 0.0_f64..=1.0,
            b in 0.0_f64..=1.0,
        ) {
            let calibration = calibrate(&seen, "seen").unwrap();
            let found = check_shares(&calibration, &[a.min(b), a.max(b)], &unseen).unwrap();
            prop_assert!(found[0].achieved <= found[1].achieved);
            for check in found {
                prop_assert!(0.0 <= check.low && check.low <= check.achieved);
                prop_assert!(check.achieved <= check.high && check.high <= 1.0);
            }
        }
    }
}
