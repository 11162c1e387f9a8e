//! APGR, CPT and AUC of every router on every resample of the rows.
//!
//! Each resample is evaluated by the whole protocol, deciles included.
//!
//! ```
//! use pointsman_trainer::eval::RoutedRow;
//! use pointsman_trainer::eval::bootstrap::Settings;
//! use pointsman_trainer::eval::pair::resamples::resample;
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

use super::curve::{Curve, Ranked, RoutedRow};
use super::weak_suffices;
use crate::eval::EvalError;
use crate::eval::bootstrap::{Interval, Resamples, Settings};
use crate::eval::error::{check_length, check_some};

/// The metrics of one router on one resample.
#[derive(Debug, Clone)]
pub struct Metrics {
    apgr: f64,
    cpts: Vec<f64>,
    auc: Option<f64>,
}

/// Evaluates `routers`, each given as the same rows with its own win rates, on the same resamples;
/// `qualities` are those of the CPTs.
///
/// # Errors
/// Those of [`Curve::at_deciles`] on the rows themselves, [`EvalError::BadInput`] for settings and where
/// routers differ in rows.
pub fn resample(
    routers: &[&[RoutedRow]],
    qualities: &[f64],
    settings: Settings,
) -> Result<Resamples<Metrics>, EvalError> {
    check_some("routers to resample", routers.len())?;
    let rows = routers.first().map_or(0, |rows| rows.len());
    settings.check()?;
    // Sorted once: a resample repeats or drops rows, but never reorders them.
    let mut orders = Vec::with_capacity(routers.len());
    for router in routers {
        check_length("rows of a router", router.len(), rows)?;
        let whole = Curve::at_deciles(router)?;
        for &quality in qualities {
            whole.cpt(quality)?;
        }
        let mut order: Vec<(usize, RoutedRow)> = router.iter().copied().enumerate().collect();
        order.sort_by(|a, b| a.1.win_rate.total_cmp(&b.1.win_rate));
        orders.push(order);
    }
    Resamples::draw(&[(0..rows).collect()], settings, |counts| {
        orders.iter().map(|order| judge(order, counts, qualities)).collect()
    })
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
    Some(Metrics { apgr: curve.apgr(), cpts, auc: weak_suffices::auc_of_sorted(&drawn) })
}

impl Resamples<Metrics> {
    /// Interval of the APGR of the router at this index.
    #[must_use]
    pub fn apgr(&self, router: usize) -> Option<Interval> {
        self.of(router, |metrics| Some(metrics.apgr))
    }

    /// Interval of the CPT at the quality at index `quality` of those given.
    #[must_use]
    pub fn cpt(&self, router: usize, quality: usize) -> Option<Interval> {
        self.of(router, |metrics| metrics.cpts.get(quality).copied())
    }

    /// Interval of the AUC of the router at this index.
    #[must_use]
    pub fn auc(&self, router: usize) -> Option<Interval> {
        self.of(router, |metrics| metrics.auc)
    }

    /// Interval of the APGR of router `a` less that of router `b`, resample by resample.
    #[must_use]
    pub fn apgr_difference(&self, a: usize, b: usize) -> Option<Interval> {
        self.difference(a, b, |metrics| metrics.apgr)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::eval::bootstrap::draw_within;

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
        let expected = Curve::at_deciles(&written).unwrap();
        let samples = resample(&[&rows], &[0.5], FEW).unwrap();
        let found = samples.metrics[5][0].as_ref().unwrap();
        assert!((found.apgr - expected.apgr()).abs() < 1e-12);
        assert!((found.cpts[0] - expected.cpt(0.5).unwrap()).abs() < 1e-12);
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
        let fault = |routers: &[&[RoutedRow]], qualities: &[f64], settings, expected: &str| {
            let error = resample(routers, qualities, settings).unwrap_err();
            assert_eq!(error.code(), "bad_input");
            assert!(error.to_string().contains(expected), "{error}");
        };
        fault(&[], &[], FEW, "found 0 routers to resample");
        fault(&[&rows, &rows[1..]], &[], FEW, "found 299 rows of a router, expected 300");
        fault(&[&rows], &[1.2], FEW, "found the quality 1.2, expected a number in [0, 1]");
        let none = Settings { resamples: 0, ..FEW };
        fault(&[&rows], &[], none, "found 0 bootstrap resamples, expected at least one");
        let whole = Settings { level: 1.0, ..FEW };
        fault(&[&rows], &[], whole, "found the level of an interval 1, expected a number above 0");
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
