//! A share of successes with its exact interval (Clopper and Pearson, Biometrika 26, 1934).
//!
//! ```text
//! low:  P(X >= count | of, low)  = (1 - level) / 2
//! high: P(X <= count | of, high) = (1 - level) / 2
//! ```
//! with X binomial. The interval leaves out 0.5 exactly where the two-sided sign test rejects it.
//!
//! ```
//! use pointsman_trainer::eval::proportion::Proportion;
//!
//! let heads = Proportion::of(9, 10).expect("ten throws");
//! assert!(heads.low > 0.5 && heads.high < 1.0);
//! assert_eq!(Proportion::of(0, 0), None);
//! ```

use serde::{Deserialize, Serialize};

/// Share of hypothetical samples whose interval holds the true share, at least.
pub const LEVEL: f64 = 0.95;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Proportion {
    pub count: u64,
    pub of: u64,
    /// `count / of`, in [0, 1].
    pub share: f64,
    pub low: f64,
    pub high: f64,
    pub level: f64,
}

impl Proportion {
    /// `None` for a count of nothing, and for a count larger than what it is of.
    #[must_use]
    pub fn of(count: u64, of: u64) -> Option<Self> {
        if of == 0 || count > of {
            return None;
        }
        let binomial = Binomial::new(of);
        let tail = (1.0 - LEVEL) / 2.0;
        // P(X <= count - 1 | p) falls as p grows; at the lower end it is 1 - tail.
        let low = match count {
            0 => 0.0,
            _ => bisect(|p| binomial.at_most(count - 1, p) > 1.0 - tail),
        };
        let high = match count == of {
            true => 1.0,
            false => bisect(|p| binomial.at_most(count, p) > tail),
        };
        Some(Self { count, of, share: count as f64 / of as f64, low, high, level: LEVEL })
    }

    /// Whether a value lies in the interval.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// Two-sided P value of the sign test: how often counts as uneven as these, or more so, would come of
/// equal chances. 1 where both are 0.
#[must_use]
pub fn sign_test(a: u64, b: u64) -> f64 {
    (2.0 * Binomial::new(a + b).at_most(a.min(b), 0.5)).min(1.0)
}

/// The place in [0, 1] where a condition that holds below it stops to hold.
fn bisect(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if holds(middle) { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// The binomial distribution of `of` draws.
struct Binomial {
    of: u64,
    /// Logarithms of factorials, from 0! to of!.
    ln_factorials: Vec<f64>,
}

impl Binomial {
    fn new(of: u64) -> Self {
        let mut sum = 0.0;
        let logarithms = (1..=of).map(|n| {
            sum += (n as f64).ln();
            sum
        });
        Self { of, ln_factorials: std::iter::once(0.0).chain(logarithms).collect() }
    }

    /// P(X <= count | p).
    fn at_most(&self, count: u64, p: f64) -> f64 {
        let (ln_p, ln_q) = (p.ln(), (-p).ln_1p());
        let ln_factorial =
            |n: u64| self.ln_factorials.get(n as usize).copied().unwrap_or(f64::INFINITY);
        let term = |k: u64| {
            let rest = self.of - k;
            // 0 ln 0 is 0.
            let power = |n: u64, ln: f64| if n == 0 { 0.0 } else { n as f64 * ln };
            let ways = ln_factorial(self.of) - ln_factorial(k) - ln_factorial(rest);
            (ways + power(k, ln_p) + power(rest, ln_q)).exp()
        };
        (0..=count.min(self.of)).map(term).sum::<f64>().min(1.0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn intervals_are_those_of_the_tables() {
        // Newcombe, Statistics in Medicine 17, 1998, table I: 81/263, 15/148, 0/20, 1/29.
        for (count, of, low, high) in [
            (81, 263, 0.2527, 0.3676),
            (15, 148, 0.0578, 0.1617),
            (0, 20, 0.0, 0.1684),
            (1, 29, 0.0009, 0.1776),
        ] {
            let found = Proportion::of(count, of).unwrap();
            assert!((found.low - low).abs() < 1e-4, "{found:?}");
            assert!((found.high - high).abs() < 1e-4, "{found:?}");
        }
    }

    #[test]
    fn the_sign_test_counts_both_tails() {
        assert!((sign_test(0, 5) - 0.0625).abs() < 1e-12);
        assert!((sign_test(9, 1) - 0.021_484_375).abs() < 1e-12);
        assert_eq!([sign_test(3, 3), sign_test(0, 0)], [1.0, 1.0]);
    }

    proptest! {
        #[test]
        fn an_interval_mirrors_and_agrees_with_the_sign_test(of in 1_u64..400, part in 0.0..=1.0_f64) {
            let count = (of as f64 * part) as u64;
            let found = Proportion::of(count, of).unwrap();
            let mirror = Proportion::of(of - count, of).unwrap();
            prop_assert!((found.low + mirror.high - 1.0).abs() < 1e-9);
            prop_assert!(found.low <= found.share && found.share <= found.high);
            prop_assert_eq!(found.holds(0.5), sign_test(count, of - count) > 1.0 - LEVEL);
        }
    }
}
