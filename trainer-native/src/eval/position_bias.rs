//! Whether a judge of two answers prefers a place, whatever stands there.
//!
//! Each comparison is asked in both orders. A judge without a bias that prefers the same answer in both
//! prefers the first place once and the second once. A comparison *leans* to a place where more of its
//! verdicts name that place; two ties are left out. The share of first places is the mean over comparisons
//! of that of a comparison: 1 where it leans to the first place, 0 where to the second, else 1/2.
//!
//! Whether the judge has a bias is decided by the exact sign test of the leaning comparisons. The share's interval is
//! the normal one with a comparison added to each side, as Agresti and Caffo (The American Statistician 54, 2000) do
//! for shares, so that it has a width where no comparison leans.

pub use pointsman::judge::Place;
use serde::{Deserialize, Serialize};

use super::proportion::{LEVEL, sign_test};

/// Quantile of the normal distribution for an interval of [`LEVEL`].
const Z: f64 = 1.959_963_985;

/// 1 for the first place, -1 for the second.
fn value(place: Place) -> i32 {
    match place {
        Place::First => 1,
        Place::Second => -1,
        Place::Neither => 0,
    }
}

/// Counts of comparisons by the places of their two verdicts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlaceCounts {
    /// Lean to the first place.
    pub first: u64,
    /// Lean to the second place.
    pub second: u64,
    /// Prefer one answer in both orders.
    pub balanced: u64,
    /// Two ties.
    pub ties: u64,
}

impl PlaceCounts {
    /// Counts a comparison, given the place that each of its verdicts names.
    pub fn add(&mut self, verdicts: [Place; 2]) {
        let [a, b] = verdicts;
        match value(a) + value(b) {
            1.. => self.first += 1,
            ..=-1 => self.second += 1,
            0 if a == Place::Neither => self.ties += 1,
            0 => self.balanced += 1,
        }
    }
}

/// How far a judge prefers the first place.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PositionBias {
    /// Comparisons that are not two ties.
    pub comparisons: u64,
    pub leaning_to_first: u64,
    pub leaning_to_second: u64,
    /// Share of first places, in [0, 1]; 1/2 without a bias.
    pub first_share: f64,
    pub low: f64,
    pub high: f64,
    pub level: f64,
    /// Two-sided P value of the sign test of 1/2.
    pub p_value: f64,
    /// Whether the sign test rejects 1/2 at the level.
    pub differs: bool,
}

impl PositionBias {
    /// `None` where every comparison is two ties, or there is none.
    #[must_use]
    pub fn of(counts: PlaceCounts) -> Option<Self> {
        let PlaceCounts { first, second, balanced, .. } = counts;
        let leaning = first + second;
        let all = leaning + balanced;
        if all == 0 {
            return None;
        }
        let (share, _) = mean_and_variance(first, second, balanced);
        let (middle, variance) = mean_and_variance(first + 1, second + 1, balanced);
        let half = Z * (variance / (all + 2) as f64).sqrt();
        let p_value = sign_test(first, second);
        Some(Self {
            comparisons: all,
            leaning_to_first: first,
            leaning_to_second: second,
            first_share: share,
            low: (middle - half).max(0.0),
            high: (middle + half).min(1.0),
            level: LEVEL,
            p_value,
            differs: p_value < 1.0 - LEVEL,
        })
    }
}

/// Mean and variance of 1, 0 and 1/2, each so many times.
fn mean_and_variance(ones: u64, zeros: u64, halves: u64) -> (f64, f64) {
    let [ones, zeros, halves] = [ones, zeros, halves].map(|count| count as f64);
    let all = ones + zeros + halves;
    let mean = (ones + 0.5 * halves) / all;
    (mean, (ones + 0.25 * halves) / all - mean * mean)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bias(counts: [u64; 4]) -> PositionBias {
        let [first, second, balanced, ties] = counts;
        PositionBias::of(PlaceCounts { first, second, balanced, ties }).unwrap()
    }

    #[test]
    fn a_judge_that_follows_the_answers_has_no_bias_and_one_that_follows_places_has() {
        let fair = bias([0, 0, 100, 7]);
        assert_eq!([fair.first_share, fair.p_value], [0.5, 1.0]);
        assert!(!fair.differs && fair.low > 0.48 && fair.high < 0.52, "{fair:?}");
        let biased = bias([30, 2, 68, 0]);
        assert!((biased.first_share - 0.64).abs() < 1e-12, "{biased:?}");
        assert!(biased.differs && biased.low > 0.5 && biased.p_value < 1e-6, "{biased:?}");
        // By chance, four comparisons may lean to one side.
        for (leaning, differs) in [(4, false), (5, false), (6, true)] {
            let found = bias([leaning, 0, 100 - leaning, 0]);
            assert_eq!((found.differs, found.low > 0.5), (differs, differs), "{found:?}");
        }
        assert_eq!(PositionBias::of(PlaceCounts { ties: 9, ..PlaceCounts::default() }), None);
    }

    #[test]
    fn verdicts_are_counted_by_their_lean() {
        let mut counts = PlaceCounts::default();
        for verdicts in [
            [Place::First, Place::First],
            [Place::First, Place::Neither],
            [Place::Neither, Place::Second],
            [Place::First, Place::Second],
            [Place::Neither, Place::Neither],
        ] {
            counts.add(verdicts);
        }
        assert_eq!(counts, PlaceCounts { first: 2, second: 1, balanced: 1, ties: 1 });
    }

    proptest! {
        #[test]
        fn places_mirrored_mirror_the_bias(first in 0_u64..60, second in 0_u64..60, balanced in 1_u64..60) {
            let there = bias([first, second, balanced, 0]);
            let back = bias([second, first, balanced, 0]);
            prop_assert!((there.first_share + back.first_share - 1.0).abs() < 1e-9);
            prop_assert!((there.low + back.high - 1.0).abs() < 1e-9);
            prop_assert_eq!(there.differs, back.differs);
            prop_assert!(there.low <= there.first_share && there.first_share <= there.high);
        }
    }
}
