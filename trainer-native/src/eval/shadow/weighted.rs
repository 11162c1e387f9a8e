//! Weighted means and ratios with intervals of one look.
//!
//! ```text
//! mean   m = sum w x / sum w,   ratio  r = sum w x / sum w y          (Hajek; y is 1 for a mean)
//! variance of r:  sum w^2 (x - r y)^2 / (sum w y)^2                    (linearised, with replacement)
//! ```
//! with w = 1 / probability. Of a request's comparison, x is one of -1, 0, 1, as of matched pairs. Where few differ
//! from 0, an interval of the mean and its standard deviation is too narrow; so two rows are added first, half of one
//! at -1, half of one at 1 and one at 0 (Agresti and Min, Statistics in Medicine 24, 2005). Of unequal weights, a row
//! that is added weighs what one of the effective rows does: sum w^2 / sum w. A ratio's interval is Student's, of
//! as many degrees of freedom as there are effective rows, less one.

use serde::{Deserialize, Serialize};

/// Share of samples whose interval holds the truth.
pub const LEVEL: f64 = 0.95;
/// Quantile of the normal distribution at (1 + [`LEVEL`]) / 2.
const NORMAL: f64 = 1.959_963_984_540_054;

/// A number and its interval of one look.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

impl Estimate {
    /// A number that is so by definition.
    #[must_use]
    pub fn exact(value: f64) -> Self {
        Self { value, low: value, high: value }
    }

    /// Whether a value lies in the interval.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// `1 - value`, with its interval.
    #[must_use]
    pub fn complement(&self) -> Self {
        Self { value: 1.0 - self.value, low: 1.0 - self.high, high: 1.0 - self.low }
    }
}

/// Mean of values in [-1, 1], given weights above 0 and values; `None` without rows.
#[must_use]
pub fn mean_of_differences(rows: impl Iterator<Item = (f64, f64)> + Clone) -> Option<Estimate> {
    let sums = rows.clone().fold([0.0; 3], |[w, ww, wx], (weight, value)| {
        [w + weight, ww + weight * weight, wx + weight * value]
    });
    let [weights, squares, values] = sums;
    if weights <= 0.0 {
        return None;
    }
    let value = values / weights;
    let added = squares / weights;
    let whole = weights + 2.0 * added;
    let centre = values / whole;
    let of_added = added
        * added
        * (centre.powi(2) + f64::midpoint((1.0 - centre).powi(2), (1.0 + centre).powi(2)));
    let variance = rows.map(|(weight, x)| (weight * (x - centre)).powi(2)).sum::<f64>() + of_added;
    let half = NORMAL * variance.sqrt() / whole;
    let (low, high) = ((centre - half).max(-1.0), (centre + half).min(1.0));
    Some(Estimate { value, low: low.min(value), high: high.max(value) })
}

/// Ratio of two weighted sums, given weights above 0, numerators and denominators; `None` where the sum of the
/// denominators is not above 0.
#[must_use]
pub fn ratio(rows: impl Iterator<Item = (f64, f64, f64)> + Clone) -> Option<Estimate> {
    let sums = rows.clone().fold([0.0; 4], |[w, ww, wx, wy], (weight, x, y)| {
        [w + weight, ww + weight * weight, wx + weight * x, wy + weight * y]
    });
    let [weights, squares, numerator, denominator] = sums;
    if !(denominator > 0.0 && weights > 0.0) {
        return None;
    }
    let value = numerator / denominator;
    let squared = rows.map(|(weight, x, y)| (weight * (x - value * y)).powi(2)).sum::<f64>();
    let freedom = weights * weights / squares - 1.0;
    let half = match freedom >= 1.0 {
        true => students_quantile(freedom) * squared.sqrt() / denominator,
        // One row says nothing of how far another would be off.
        false => return None,
    };
    Some(Estimate { value, low: value - half, high: value + half })
}

/// Quantile of Student's distribution at (1 + [`LEVEL`]) / 2, by Cornish and Fisher's expansion to the fourth order in
/// 1 / degrees of freedom (Abramowitz and Stegun, 26.7.5).
#[must_use]
pub fn students_quantile(freedom: f64) -> f64 {
    let z = NORMAL;
    let terms = [
        (z.powi(3) + z) / 4.0,
        (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0,
        (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0,
        (79.0 * z.powi(9) + 776.0 * z.powi(7) + 1482.0 * z.powi(5)
            - 1920.0 * z.powi(3)
            - 945.0 * z)
            / 92160.0,
    ];
    terms.iter().rev().fold(0.0, |sum, term| (sum + term) / freedom) + z
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_how_many_requests_a_row_stands_for() {
        let rows = [(1.0, 1.0), (1.0, 0.0), (2.0, -1.0)];
        let repeated = [(1.0, 1.0), (1.0, 0.0), (1.0, -1.0), (1.0, -1.0)];
        let [once, all] = [rows.to_vec(), repeated.to_vec()]
            .map(|rows| mean_of_differences(rows.into_iter()).unwrap());
        assert_eq!((once.value, all.value), (-0.25, -0.25));
        // Two rows of one request each say more than one that stands for two.
        assert!(once.high - once.low > all.high - all.low, "{once:?} {all:?}");
        let scaled = mean_of_differences(rows.iter().map(|&(w, x)| (20.0 * w, x))).unwrap();
        assert!((scaled.low - once.low).abs() < 1e-12 && (scaled.high - once.high).abs() < 1e-12);
    }

    #[test]
    fn an_interval_of_matched_pairs_is_that_of_the_formula() {
        // 53 pairs, of which 16 differ one way and 9 the other: with two rows added, (16 - 9) / 55 = 0.127, and
        // the standard error is the root of (26 - 49 / 55) / 55^2.
        let counts = [(16, 1.0), (9, -1.0), (28, 0.0)];
        let rows = counts.iter().flat_map(|&(count, x)| std::iter::repeat_n((1.0, x), count));
        let found = mean_of_differences(rows).unwrap();
        let half = 1.959_964 * (26.0_f64 - 49.0 / 55.0).sqrt() / 55.0;
        let expected = (7.0 / 55.0 - half, 7.0 / 55.0 + half);
        assert!((found.low - expected.0).abs() < 1e-6, "{found:?}, expected {expected:?}");
        assert!((found.high - expected.1).abs() < 1e-6, "{found:?}, expected {expected:?}");
    }

    #[test]
    fn rows_that_are_all_alike_leave_room_for_others() {
        let found = mean_of_differences(std::iter::repeat_n((1.0, 0.0), 50)).unwrap();
        assert!(found.value == 0.0 && found.low < -0.03 && found.high > 0.03, "{found:?}");
        assert_eq!(mean_of_differences(std::iter::empty()), None);
        let one = mean_of_differences([(20.0, -1.0)].into_iter()).unwrap();
        assert!(one.low == -1.0 && one.high < 1.0 && one.high > 0.3, "{one:?}");
    }

    #[test]
    fn a_ratio_has_the_error_of_both_sums() {
        let exact = ratio([(1.0, 1.0, 2.0), (3.0, 2.0, 4.0), (2.0, 3.0, 6.0)].into_iter()).unwrap();
        assert_eq!((exact.value, exact.low, exact.high), (0.5, 0.5, 0.5));
        let found = ratio([(1.0, 1.0, 2.0), (1.0, 3.0, 4.0), (1.0, 0.0, 3.0)].into_iter()).unwrap();
        assert!(
            (found.value - 4.0 / 9.0).abs() < 1e-12 && found.low < 0.0 && found.high > 1.0,
            "{found:?}"
        );
        assert_eq!(ratio([(1.0, 1.0, 0.0)].into_iter()), None);
        assert_eq!(ratio([(1.0, 1.0, 2.0)].into_iter()), None);
    }

    #[test]
    fn quantiles_of_students_distribution_are_those_of_the_tables() {
        for (freedom, expected) in [(4.0, 2.776), (10.0, 2.228), (30.0, 2.042), (1e9, 1.960)] {
            let found = students_quantile(freedom);
            assert!((found - expected).abs() < 3e-3, "{freedom}: {found}");
        }
    }
}
