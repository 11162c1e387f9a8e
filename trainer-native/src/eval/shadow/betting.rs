//! A confidence sequence for a weighted mean: intervals that hold the truth after every row at once.
//!
//! ```text
//! v_i      least probability / probability of row i, in (0, 1]
//! K-_n(m)  mean over f of  product over rows of (1 - f v_i (z_i - m) / (1 - m))      against a mean of m or more
//! K+_n(m)  mean over f of  product over rows of (1 + f v_i (z_i - m) / (1 + m))      against a mean of m or less
//! C_n      the m of which both are below 2 / (1 - level)
//! ```
//! z in [-1, 1], f one of [`FRACTIONS`]. Each product is the capital of one who bets, row after row, the same part of
//! it on the mean being on the other side of m. A request that is not drawn leaves the capital as it is, and one that
//! is drawn with probability p changes it by a term whose mean, over whether it is drawn, is proportional to the
//! request's mean less m, whatever p is: p v is constant. So if m is the mean, neither capital can be expected to
//! grow, and by Ville's inequality the chance that it ever reaches 2 / (1 - level) is at most (1 - level) / 2. No
//! number of rows has to be fixed before, and one may stop when one likes.
//!
//! The capital process for bounded means is that of Waudby-Smith and Ramdas, "Estimating means of bounded random
//! variables by betting" (JRSS B 86, 2024; arXiv 2010.09686), section 4: their hedged capital, with the mean over a
//! grid of constant bets ("diversified Kelly") in place of a predictable bet, and half of the error on either side.
//! Importance weights times (z - m) are the bets of Karampatziakis, Mineiro and Ramdas, "Off-policy confidence
//! sequences" (ICML 2021) and of Waudby-Smith, Wu, Ramdas, Karampatziakis and Mineiro, "Anytime-valid off-policy
//! inference for contextual bandits" (arXiv 2210.10768). Constant bets make the capital independent of the order of
//! rows, and it grows (K-) or falls (K+) with m, so that the ends of C are found by bisection.
//!
//! It is assumed that probabilities are set before requests are drawn, that none is below the least, and that the mean
//! is the same all along.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::weighted::LEVEL;

/// Parts of the capital that are bet. The least tells a mean from one about 0.001 away.
pub const FRACTIONS: [f64; 10] =
    [0.95, 0.475, 0.237_5, 0.118_75, 0.059_375, 0.03, 0.015, 0.0075, 0.003_75, 0.001_875];

/// Ends of an interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ends {
    pub low: f64,
    pub high: f64,
}

impl Ends {
    /// Whether a value lies in the interval.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// Which side of a value the mean is bet to be on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Below,
    Above,
}

/// Rows so far, as counts of equal ones.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// By the bits of z and v.
    counts: BTreeMap<(u64, u64), u64>,
    rows: u64,
}

/// Logarithm of the capital at which a mean is left out on one side.
#[must_use]
pub fn ln_bar() -> f64 {
    (2.0 / (1.0 - LEVEL)).ln()
}

impl Rows {
    /// Adds a row: z in [-1, 1], v in (0, 1].
    pub fn push(&mut self, z: f64, v: f64) {
        // 0 and -0 are one value.
        let key = ((z + 0.0).to_bits(), v.to_bits());
        *self.counts.entry(key).or_default() += 1;
        self.rows += 1;
    }

    #[must_use]
    pub fn len(&self) -> u64 {
        self.rows
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Number of different rows, which is what a capital costs to compute.
    #[must_use]
    pub fn different(&self) -> usize {
        self.counts.len()
    }

    /// Logarithms of the capital of each of [`FRACTIONS`] bet on the mean being on a side of `m`, in (-1, 1).
    #[must_use]
    pub fn ln_products(&self, m: f64, side: Side) -> [f64; FRACTIONS.len()] {
        let mut sums = [0.0; FRACTIONS.len()];
        for (&(z, v), &count) in &self.counts {
            let (z, v) = (f64::from_bits(z), f64::from_bits(v));
            let gain = match side {
                Side::Below => v * (m - z) / (1.0 - m),
                Side::Above => v * (z - m) / (1.0 + m),
            };
            for (sum, fraction) in sums.iter_mut().zip(FRACTIONS) {
                // At least ln(1 - 0.95).
                *sum += count as f64 * (fraction * gain).ln_1p();
            }
        }
        sums
    }

    /// Logarithm of the capital.
    #[must_use]
    pub fn ln_capital(&self, m: f64, side: Side) -> f64 {
        ln_mean_exp(&self.ln_products(m, side), 1.0)
    }

    /// The confidence sequence as it stands after these rows.
    #[must_use]
    pub fn ends(&self) -> Ends {
        let bar = ln_bar();
        let low = bisect(|m| self.ln_capital(m, Side::Above) >= bar);
        let high = -bisect(|minus| self.ln_capital(-minus, Side::Below) >= bar);
        Ends { low: low.min(high), high: high.max(low) }
    }

    /// Rows in all after which, if rows go on as they are, the mean is shown to be on a side of `m`; `None` if that
    /// never happens.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn needed(&self, m: f64, side: Side) -> Option<u64> {
        let products = self.ln_products(m, side);
        let reached = |times: f64| ln_mean_exp(&products, times) >= ln_bar();
        let mut most = 1.0;
        while !reached(most) {
            most *= 2.0;
            if most > MOST_TIMES {
                return None;
            }
        }
        let (mut less, mut enough) = (0.0, most);
        for _ in 0..60 {
            let middle = f64::midpoint(less, enough);
            if reached(middle) { enough = middle } else { less = middle }
        }
        Some((enough * self.rows as f64).ceil() as u64)
    }
}

/// How many times as many rows are looked ahead.
const MOST_TIMES: f64 = 1e5;

/// ln(mean of exp(times x)).
fn ln_mean_exp(values: &[f64; FRACTIONS.len()], times: f64) -> f64 {
    let largest = values.iter().fold(f64::MIN, |a, &b| a.max(b)) * times;
    let sum: f64 = values.iter().map(|x| (times * x - largest).exp()).sum();
    largest + (sum / FRACTIONS.len() as f64).ln()
}

/// The least value of [-1, 1] that is not left out, where what is left out lies below what is not; -1 where nothing
/// is.
fn bisect(is_out: impl Fn(f64) -> bool) -> f64 {
    // At -1 and 1 a bet on the far side cannot be lost.
    const EDGE: f64 = 1.0 - 1e-9;
    if !is_out(-EDGE) {
        return -1.0;
    }
    let (mut out, mut within) = (-EDGE, EDGE);
    for _ in 0..50 {
        let middle = f64::midpoint(out, within);
        if is_out(middle) { out = middle } else { within = middle }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(of: &[(f64, f64, u32)]) -> Rows {
        let mut rows = Rows::default();
        for &(z, v, count) in of {
            (0..count).for_each(|_| rows.push(z, v));
        }
        rows
    }

    #[test]
    fn without_rows_nothing_is_left_out_and_more_rows_leave_out_more() {
        assert_eq!(Rows::default().ends(), Ends { low: -1.0, high: 1.0 });
        let width = |times: u32| {
            let ends =
                rows(&[(1.0, 1.0, 8 * times), (-1.0, 1.0, 3 * times), (0.0, 1.0, 39 * times)])
                    .ends();
            assert!(ends.holds(0.1), "{ends:?}");
            ends.high - ends.low
        };
        let widths = [1, 4, 16, 256].map(width);
        assert!(widths.is_sorted_by(|a, b| a > b), "{widths:?}");
        // Of 12,800 rows of variance 0.21 an interval of one look is 0.016 wide.
        assert!(widths[3] < 0.035, "{widths:?}");
    }

    #[test]
    fn the_rows_needed_are_those_after_which_the_bound_is_left_out() {
        let few = rows(&[(1.0, 1.0, 2), (0.0, 1.0, 98)]);
        assert!(few.ln_capital(0.05, Side::Below) < ln_bar());
        let needed = few.needed(0.05, Side::Below).unwrap();
        assert!((101..2000).contains(&needed), "{needed}");
        let times = u32::try_from(needed.div_ceil(100)).unwrap();
        let many = rows(&[(1.0, 1.0, 2 * times), (0.0, 1.0, 98 * times)]);
        assert!(many.ln_capital(0.05, Side::Below) >= ln_bar());
        let less = rows(&[(1.0, 1.0, 2 * (times - 1)), (0.0, 1.0, 98 * (times - 1))]);
        assert!(less.ln_capital(0.05, Side::Below) < ln_bar());
        // The mean is 0.02: no number of such rows shows that it is above 0.05.
        assert_eq!(few.needed(0.05, Side::Above), None);
        assert_eq!(Rows::default().needed(0.05, Side::Below), None);
    }

    #[test]
    fn a_row_that_was_drawn_more_often_counts_less() {
        let equal = rows(&[(1.0, 1.0, 100), (0.0, 1.0, 100)]).ends();
        let unequal = rows(&[(1.0, 0.1, 100), (0.0, 1.0, 100)]).ends();
        assert!(equal.holds(0.5) && !equal.holds(0.09));
        assert!(unequal.holds(0.09) && !unequal.holds(0.5), "{unequal:?}");
    }

    proptest! {
        #[test]
        fn a_bet_is_fair_whatever_the_probabilities(
            m in -0.9..0.9_f64, apart in 0.0..1.0_f64, zeros in 0.0..1.0_f64, place in 0..FRACTIONS.len(),
            probabilities in prop::array::uniform2(0.01..1.0_f64),
        ) {
            // Two halves of the traffic, drawn with different probabilities and of different means, m on average.
            let apart = apart * (1.0 - m.abs());
            let least = probabilities[0].min(probabilities[1]);
            for side in [Side::Below, Side::Above] {
                let after = |z: f64, v: f64| {
                    let mut rows = Rows::default();
                    rows.push(z, v);
                    rows.ln_products(m, side)[place].exp()
                };
                let of_half = |p: f64, mean: f64| {
                    let zero = zeros * (1.0 - mean.abs());
                    let (plus, minus) = (f64::midpoint(1.0 - zero, mean), f64::midpoint(1.0 - zero, -mean));
                    let outcomes = [(1.0, plus), (0.0, zero), (-1.0, minus)];
                    let drawn: f64 = outcomes.map(|(z, share)| share * after(z, least / p)).iter().sum();
                    (1.0 - p) + p * drawn
                };
                let mean = f64::midpoint(
                    of_half(probabilities[0], m + apart),
                    of_half(probabilities[1], m - apart),
                );
                prop_assert!((mean - 1.0).abs() < 1e-9, "{mean}");
            }
        }

        #[test]
        fn the_capital_grows_or_falls_with_the_mean_that_is_bet_against(
            counts in prop::array::uniform4(0_u32..40), v in 0.01..1.0_f64, a in -0.999..0.999_f64, b in -0.999..0.999_f64,
        ) {
            let rows = rows(&[(1.0, 1.0, counts[0]), (0.0, v, counts[1]), (-1.0, 1.0, counts[2]), (0.3, v, counts[3])]);
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(rows.ln_capital(low, Side::Below) <= rows.ln_capital(high, Side::Below) + 1e-9);
            prop_assert!(rows.ln_capital(low, Side::Above) >= rows.ln_capital(high, Side::Above) - 1e-9);
        }
    }
}
