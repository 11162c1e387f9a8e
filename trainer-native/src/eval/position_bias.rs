//! Whether a judge of two answers prefers a place, whatever stands there.
//!
//! Each comparison is asked in both orders. A judge without a bias that prefers the same answer in both
//! prefers the first place once and the second once. A comparison *leans* to a place where more of its
//! verdicts name that place; two ties are left out. The share of first places is the mean over comparisons
//! of that of a comparison: 1 where it leans to the first place, 0 where to the second, else 1/2.
//!
//! Only leaning comparisons tell of a bias. Of those, the part that leans to the first place has an exact
//! interval ([`Proportion`]), from which the share's follows, given how many lean.

use serde::{Deserialize, Serialize};

use super::proportion::{LEVEL, Proportion, sign_test};

/// The answer that a judge prefers, by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    First,
    Second,
    Neither,
}

impl Place {
    /// The same verdict, with the answers in the other order.
    #[must_use]
    pub fn mirrored(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
            Self::Neither => Self::Neither,
        }
    }

    fn value(self) -> i32 {
        match self {
            Self::First => 1,
            Self::Second => -1,
            Self::Neither => 0,
        }
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
        match a.value() + b.value() {
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
    /// Whether 1/2 lies outside the interval.
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
        let share = |part: f64| (balanced as f64).mul_add(0.5, leaning as f64 * part) / all as f64;
        let part = Proportion::of(first, leaning);
        Some(Self {
            comparisons: all,
            leaning_to_first: first,
            leaning_to_second: second,
            first_share: share(part.map_or(0.5, |part| part.share)),
            low: share(part.map_or(0.5, |part| part.low)),
            high: share(part.map_or(0.5, |part| part.high)),
            level: LEVEL,
            p_value: sign_test(first, second),
            differs: part.is_some_and(|part| !part.holds(0.5)),
        })
    }
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
        assert_eq!([fair.first_share, fair.low, fair.high, fair.p_value], [0.5, 0.5, 0.5, 1.0]);
        assert!(!fair.differs);
        let biased = bias([30, 2, 68, 0]);
        assert!((biased.first_share - 0.64).abs() < 1e-12, "{biased:?}");
        assert!(biased.differs && biased.low > 0.5 && biased.p_value < 1e-6, "{biased:?}");
        assert!(!bias([4, 0, 96, 0]).differs, "four comparisons may lean to one side by chance");
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
            prop_assert_eq!(there.differs, there.p_value <= 1.0 - LEVEL);
        }
    }
}
