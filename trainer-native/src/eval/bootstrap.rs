//! Percentile bootstrap: how far a metric would move on another draw of the same benchmark.
//!
//! Each resample draws as many rows as there are, with replacement, and evaluates every router on
//! that draw by the whole protocol, deciles included. Differences of two routers are therefore
//! paired: a hard draw is hard for both, and cancels. An interval covers the sampling of queries
//! only, not another training seed.
//!
//! ```
//! use pointsman_trainer::eval::RoutedRow;
//! use pointsman_trainer::eval::bootstrap::{Settings, resample};
//!
//! # fn main() -> Result<(), pointsman_trainer::eval::EvalError> {
//! let row = |i: u32| RoutedRow { win_rate: f64::from(i), weak: f64::from(i % 2), strong: 1.0 };
//! let rows: Vec<RoutedRow> = (0..60).map(row).collect();
//! let samples = resample(&[&rows], &[0.5], Settings { resamples: 200, ..Settings::default() })?;
//! let interval = samples.apgr(0).expect("most resamples have a gap");
//! assert!(interval.low < interval.median && interval.median < interval.high);
//! # Ok(())
//! # }
//! ```

use rand_chacha::rand_core::Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::curve::{Curve, Ranked, evaluate};
use super::{EvalError, RoutedRow};
use crate::data::seeded;

/// How resamples are drawn and summarised.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    pub resamples: usize,
    /// Share of the resamples that an interval covers, in (0, 1).
    pub level: f64,
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { resamples: 1000, level: 0.95, seed: 1 }
    }
}

/// Percentiles of a metric over resamples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    pub low: f64,
    pub median: f64,
    pub high: f64,
    /// Share of the resamples between the ends.
    pub level: f64,
    /// Resamples on which the metric is defined.
    pub resamples: usize,
    /// Resamples on which it is undefined, such as those without a gap between the models. They
    /// count in no percentile.
    pub undefined: usize,
}

impl Settings {
    /// Checks that resamples can be drawn with these settings.
    ///
    /// # Errors
    /// [`EvalError::ZeroCount`], [`EvalError::NotAFraction`].
    pub(super) fn check(&self) -> Result<(), EvalError> {
        if self.resamples == 0 {
            return Err(EvalError::ZeroCount { what: "bootstrap resamples" });
        }
        if !(self.level > 0.0 && self.level < 1.0) {
            let value = self.level;
            return Err(EvalError::NotAFraction { what: "the level of an interval", value });
        }
        Ok(())
    }
}

impl Interval {
    /// Percentiles of a metric, given one value for each resample. `None` where it is undefined on
    /// more resamples than lie outside the level, so that the ends are unknown.
    pub(super) fn of(
        metric: impl ExactSizeIterator<Item = Option<f64>>,
        level: f64,
    ) -> Option<Self> {
        let all = metric.len();
        let mut values: Vec<f64> = metric.flatten().collect();
        let undefined = all - values.len();
        let outside = 1.0 - level;
        if values.is_empty() || undefined as f64 > outside * all as f64 {
            return None;
        }
        values.sort_by(f64::total_cmp);
        Some(Self {
            low: at_fraction(&values, outside / 2.0),
            median: at_fraction(&values, 0.5),
            high: at_fraction(&values, 1.0 - outside / 2.0),
            level,
            resamples: values.len(),
            undefined,
        })
    }

    /// Whether zero lies outside the interval.
    #[must_use]
    pub fn excludes_zero(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

/// The metrics of every router on every resample.
#[derive(Debug, Clone)]
pub struct Resamples {
    /// APGR and CPTs by resample, then by router; `None` where they are undefined.
    metrics: Vec<Vec<Option<Metrics>>>,
    level: f64,
}

#[derive(Debug, Clone)]
struct Metrics {
    apgr: f64,
    cpts: Vec<f64>,
}

/// Evaluates `routers`, each given as the same rows with its own win rates, on the same resamples;
/// `qualities` are those of the CPTs.
///
/// # Errors
/// Those of [`evaluate`] on the rows themselves, [`EvalError::LengthMismatch`] where routers differ
/// in rows, [`EvalError::ZeroCount`], [`EvalError::NotAFraction`].
pub fn resample(
    routers: &[&[RoutedRow]],
    qualities: &[f64],
    settings: Settings,
) -> Result<Resamples, EvalError> {
    let Some(rows) = routers.first().map(|rows| rows.len()) else {
        return Err(EvalError::ZeroCount { what: "routers to resample" });
    };
    settings.check()?;
    // Sorted once: a resample repeats or drops rows, but never reorders them.
    let mut orders = Vec::with_capacity(routers.len());
    for router in routers {
        if router.len() != rows {
            let (what, found) = ("rows of a router", router.len());
            return Err(EvalError::LengthMismatch { what, found, expected: rows });
        }
        let whole = evaluate(router)?;
        for &quality in qualities {
            whole.curve.cpt(quality)?;
        }
        let mut order: Vec<(usize, RoutedRow)> = router.iter().copied().enumerate().collect();
        order.sort_by(|a, b| a.1.win_rate.total_cmp(&b.1.win_rate));
        orders.push(order);
    }
    let all = [(0..rows).collect()];
    let metrics = (0..settings.resamples as u64)
        .into_par_iter()
        .map(|at| {
            let counts = draw_within(&all, settings.seed, at);
            orders.iter().map(|order| judge(order, &counts, qualities)).collect()
        })
        .collect();
    Ok(Resamples { metrics, level: settings.level })
}

/// How often each row is drawn, where as many rows are drawn from every group as it holds. The
/// groups together hold each row index once. Resamples are streams of one generator, so that their
/// draws do not depend on which thread computes which.
pub(super) fn draw_within(groups: &[Vec<usize>], seed: u64, at: u64) -> Vec<u32> {
    let mut generator = seeded(seed);
    generator.set_stream(at);
    let mut counts = vec![0; groups.iter().map(Vec::len).sum()];
    for group in groups {
        for _ in group {
            // The upper half of the product: uniform to within rows / 2^64.
            let drawn = (u128::from(generator.next_u64()) * group.len() as u128) >> 64;
            if let Some(count) = group.get(drawn as usize).and_then(|&row| counts.get_mut(row)) {
                *count += 1;
            }
        }
    }
    counts
}

fn judge(order: &[(usize, RoutedRow)], counts: &[u32], qualities: &[f64]) -> Option<Metrics> {
    let mut drawn = Vec::with_capacity(order.len());
    for (row, routed) in order {
        let count = counts.get(*row).copied().unwrap_or_default();
        drawn.extend((0..count).map(|_| *routed));
    }
    let curve: Curve = Ranked::of_sorted(&drawn).and_then(|ranked| ranked.decile_curve()).ok()?;
    let cpts =
        qualities.iter().map(|&quality| curve.cpt(quality)).collect::<Result<_, _>>().ok()?;
    Some(Metrics { apgr: curve.apgr(), cpts })
}

impl Resamples {
    /// Interval of the APGR of the router at this index; `None` where it is undefined on more
    /// resamples than lie outside the level.
    #[must_use]
    pub fn apgr(&self, router: usize) -> Option<Interval> {
        self.interval(|of| Some(of.get(router)?.as_ref()?.apgr))
    }

    /// Interval of the CPT at the quality at index `quality` of those given.
    #[must_use]
    pub fn cpt(&self, router: usize, quality: usize) -> Option<Interval> {
        self.interval(|of| of.get(router)?.as_ref()?.cpts.get(quality).copied())
    }

    /// Interval of the APGR of router `a` less that of router `b`, resample by resample.
    #[must_use]
    pub fn apgr_difference(&self, a: usize, b: usize) -> Option<Interval> {
        self.interval(|of| Some(of.get(a)?.as_ref()?.apgr - of.get(b)?.as_ref()?.apgr))
    }

    fn interval(&self, read: impl Fn(&[Option<Metrics>]) -> Option<f64>) -> Option<Interval> {
        Interval::of(self.metrics.iter().map(|of| read(of)), self.level)
    }
}

/// The quantile of ascending values at a fraction of the way, by linear interpolation.
fn at_fraction(ascending: &[f64], fraction: f64) -> f64 {
    let position = fraction * ascending.len().saturating_sub(1) as f64;
    let below = position.floor() as usize;
    let low = ascending.get(below).copied().unwrap_or_default();
    let high = ascending.get(below + 1).copied().unwrap_or(low);
    (low + (high - low) * (position - below as f64)).clamp(low, high)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FEW: Settings = Settings { resamples: 60, level: 0.9, seed: 3 };

    fn router(win_rate: impl Fn(u32) -> f64) -> Vec<RoutedRow> {
        let weak = |at: u32| f64::from(!at.is_multiple_of(3));
        (0..300)
            .map(|at| RoutedRow { win_rate: win_rate(at), weak: weak(at), strong: 1.0 })
            .collect()
    }

    #[test]
    fn a_seed_gives_the_same_intervals_on_any_number_of_threads() {
        let rows = router(|at| f64::from(at * 7 % 31));
        let run = || resample(&[&rows], &[0.5], FEW).unwrap().apgr(0);
        let single = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(run(), single.install(run));
        let other = resample(&[&rows], &[0.5], Settings { seed: 4, ..FEW }).unwrap().apgr(0);
        assert_ne!(run(), other);
    }

    #[test]
    fn a_resample_is_judged_as_its_rows_written_out() {
        let rows = router(|at| f64::from(at * 7 % 31));
        let counts = draw_within(&[(0..rows.len()).collect()], 3, 5);
        assert_eq!(counts.iter().sum::<u32>(), 300);
        let written: Vec<RoutedRow> = rows
            .iter()
            .zip(&counts)
            .flat_map(|(row, &count)| std::iter::repeat_n(*row, count as usize))
            .collect();
        let expected = evaluate(&written).unwrap();
        let samples = resample(&[&rows], &[0.5], FEW).unwrap();
        let found = samples.metrics[5][0].as_ref().unwrap();
        assert!((found.apgr - expected.apgr).abs() < 1e-12);
        assert!((found.cpts[0] - expected.cpt50).abs() < 1e-12);
    }

    #[test]
    fn every_group_is_drawn_from_as_often_as_it_has_rows() {
        let groups: [Vec<usize>; 3] = [vec![0, 3, 5, 7], vec![1], vec![2, 4, 6]];
        let draws: Vec<Vec<u32>> = (0..50).map(|at| draw_within(&groups, 9, at)).collect();
        for counts in &draws {
            let of = |group: &Vec<usize>| group.iter().map(|&row| counts[row]).sum::<u32>();
            assert_eq!([of(&groups[0]), of(&groups[1]), of(&groups[2])], [4, 1, 3]);
        }
        assert!(draws.iter().any(|counts| counts != &draws[0]));
    }

    #[test]
    fn a_clear_difference_excludes_zero_and_pairing_narrows_it() {
        let good = router(|at| f64::from(at.is_multiple_of(3)) + f64::from(at % 10) / 5.0);
        let chance = router(|at| f64::from(at * 37 % 101));
        let samples = resample(&[&good, &chance], &[], FEW).unwrap();
        assert!(samples.apgr_difference(0, 1).unwrap().excludes_zero());
        let same = samples.apgr_difference(0, 0).unwrap();
        assert_eq!((same.low, same.high), (0.0, 0.0));
        let (ab, ba) =
            (samples.apgr_difference(0, 1).unwrap(), samples.apgr_difference(1, 0).unwrap());
        assert!((ab.low + ba.high).abs() < 1e-12 && (ab.median + ba.median).abs() < 1e-12);
    }

    #[test]
    fn a_metric_that_is_mostly_undefined_has_no_interval() {
        // Three rows, one of which makes the whole gap: many draws miss it.
        let row = |win_rate, weak| RoutedRow { win_rate, weak, strong: 1.0 };
        let samples =
            resample(&[&[row(0.1, 1.0), row(0.2, 1.0), row(0.3, 0.0)]], &[], FEW).unwrap();
        assert_eq!(samples.apgr(0), None);
    }

    #[test]
    fn what_cannot_be_resampled_is_an_error() {
        let rows = router(f64::from);
        let code = |found: Result<Resamples, EvalError>| found.unwrap_err().code();
        assert_eq!(code(resample(&[], &[], FEW)), "zero_count");
        assert_eq!(code(resample(&[&rows, &rows[1..]], &[], FEW)), "length_mismatch");
        assert_eq!(code(resample(&[&rows], &[1.2], FEW)), "not_a_fraction");
        assert_eq!(code(resample(&[&rows], &[], Settings { resamples: 0, ..FEW })), "zero_count");
        assert_eq!(code(resample(&[&rows], &[], Settings { level: 1.0, ..FEW })), "not_a_fraction");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn an_interval_holds_its_median_and_widens_with_its_level(
            drawn in prop::collection::vec((0_u8..30, 0_u8..=4), 20..80), seed: u64,
        ) {
            let rows: Vec<RoutedRow> = drawn
                .iter()
                .map(|&(p, w)| RoutedRow { win_rate: f64::from(p), weak: f64::from(w) / 4.0, strong: 1.0 })
                .collect();
            let at = |level| resample(&[&rows], &[0.3, 0.7], Settings { level, seed, resamples: 40 });
            if let (Ok(narrow), Ok(wide)) = (at(0.5), at(0.8)) {
                if let (Some(narrow), Some(wide)) = (narrow.apgr(0), wide.apgr(0)) {
                    prop_assert!(narrow.low <= narrow.median && narrow.median <= narrow.high);
                    prop_assert!(wide.low <= narrow.low && narrow.high <= wide.high);
                    prop_assert_eq!(wide.resamples + wide.undefined, 40);
                }
                if let (Some(low), Some(high)) = (wide.cpt(0, 0), wide.cpt(0, 1)) {
                    prop_assert!(low.median <= high.median && low.low >= 0.0 && high.high <= 1.0);
                }
            }
        }
    }
}
