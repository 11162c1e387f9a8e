//! Compares the win rates of a day with the bundle's calibration.
//!
//! The rates are counted in [`BINS`] equal intervals `(low, high]` of [0, 1], so that the counts of isolates add up.
//! At the edges the share of rates up to there is exact, and so is the largest difference between the two
//! distributions there (the statistic of Kolmogorov and Smirnov).

use serde::Serialize;

use crate::accounting::record::BundleId;
use crate::config::Drift;

/// The number of intervals.
pub(crate) const BINS: usize = 200;
/// The number of quantiles in a figure, less one.
const STEPS: usize = 50;
/// The format of the file.
const FORMAT: u32 = 1;

/// Counts of win rates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rates(pub(crate) Vec<u64>);

/// The figure of a day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Figure {
    format: u32,
    day: String,
    bundle: BundleId,
    count: u64,
    /// Quantiles at equal steps from 0 to 1.
    win_rates: Vec<f64>,
    /// The largest difference from the calibration's distribution; none without a calibration.
    ks: Option<f64>,
    warning: bool,
}

impl Default for Rates {
    fn default() -> Self {
        Self(vec![0; BINS])
    }
}

impl Rates {
    /// Adds a win rate, in [0, 1].
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    pub(crate) fn add(&mut self, win_rate: f64) {
        let above = (win_rate * BINS as f64).ceil().max(1.0) as usize;
        self.0[above.min(BINS) - 1] += 1;
    }

    fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The share of rates up to each edge above 0.
    #[allow(clippy::cast_precision_loss)]
    fn shares(&self) -> Vec<f64> {
        let all = self.count().max(1) as f64;
        let sums = self.0.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        });
        sums.map(|sum| sum as f64 / all).collect()
    }

    /// The rate up to which a share lies, interpolated within its interval.
    #[allow(clippy::cast_precision_loss)]
    fn quantile(shares: &[f64], share: f64) -> f64 {
        let bin = shares.partition_point(|up_to| *up_to < share).min(shares.len() - 1);
        let below = bin.checked_sub(1).map_or(0.0, |before| shares[before]);
        let width = shares[bin] - below;
        let within = if width > 0.0 { ((share - below) / width).clamp(0.0, 1.0) } else { 0.0 };
        (bin as f64 + within) / shares.len() as f64
    }
}

impl Figure {
    /// Makes the figure of a day. `calibration` has the quantiles of the bundle's.
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn new(
        day: &str,
        bundle: BundleId,
        rates: &Rates,
        calibration: Option<&[f64]>,
        bound: &Drift,
    ) -> Self {
        let (count, shares) = (rates.count(), rates.shares());
        let edges = (1..=shares.len()).map(|edge| edge as f64 / shares.len() as f64);
        let ks = calibration.filter(|_| count > 0).map(|quantiles| {
            let differences =
                edges.zip(&shares).map(|(edge, share)| (share - up_to(quantiles, edge)).abs());
            differences.fold(0.0, f64::max)
        });
        let steps = (0..=STEPS).map(|step| Rates::quantile(&shares, step as f64 / STEPS as f64));
        Self {
            format: FORMAT,
            day: day.to_owned(),
            bundle,
            count,
            win_rates: if count > 0 { steps.collect() } else { vec![] },
            ks,
            warning: count >= bound.least && ks.is_some_and(|ks| ks > bound.above),
        }
    }

    /// The file's name.
    pub(crate) fn file(&self) -> String {
        let short = self.bundle.sha256.get(..16).unwrap_or(&self.bundle.sha256);
        format!("drift/{}/{short}.json", self.day)
    }

    /// Whether the rates differ by more than the bound.
    pub(crate) fn warns(&self) -> bool {
        self.warning
    }
}

/// The share of a sample, given by quantiles at equal steps, that is at most `rate`.
#[allow(clippy::cast_precision_loss)]
fn up_to(quantiles: &[f64], rate: f64) -> f64 {
    let last = quantiles.len().saturating_sub(1);
    match quantiles.partition_point(|quantile| *quantile <= rate) {
        0 => 0.0,
        above if above > last => 1.0,
        above => {
            let (low, high) = (quantiles[above - 1], quantiles[above]);
            ((above - 1) as f64 + (rate - low) / (high - low)) / last as f64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(rates: impl IntoIterator<Item = f64>, calibration: &[f64]) -> Figure {
        let mut counted = Rates::default();
        rates.into_iter().for_each(|rate| counted.add(rate));
        let bound = Drift { above: 0.1, least: 100 };
        Figure::new("2026-11-29", BundleId::default(), &counted, Some(calibration), &bound)
    }

    fn even(count: u32) -> impl Iterator<Item = f64> {
        (0..count).map(move |at| (f64::from(at) + 0.5) / f64::from(count))
    }

    #[test]
    fn rates_like_the_calibrations_do_not_differ() {
        let found = figure(even(1000), &[0.0, 0.5, 1.0]);
        assert!(found.ks.is_some_and(|ks| ks < 0.01) && !found.warns(), "{:?}", found.ks);
        assert_eq!((found.count, found.win_rates.len()), (1000, STEPS + 1));
        assert!((found.win_rates[25] - 0.5).abs() < 0.01);
        assert!(found.win_rates.is_sorted());
        let atoms = figure([0.5; 200], &[0.5, 0.5, 0.5]);
        assert!(atoms.ks.is_some_and(|ks| ks < 1e-12), "{:?}", atoms.ks);
    }

    #[test]
    fn other_rates_differ_by_the_largest_distance() {
        let found = figure(even(1000).map(|rate| rate / 2.0), &[0.0, 1.0]);
        assert!(
            found.ks.is_some_and(|ks| (ks - 0.5).abs() < 0.01) && found.warns(),
            "{:?}",
            found.ks
        );
        let few = figure(even(99).map(|rate| rate / 2.0), &[0.0, 1.0]);
        assert!(!few.warns(), "too few to say");
        let ends = figure([0.0, 1.0], &[0.0, 1.0]);
        assert!(ends.ks.is_some_and(|ks| (ks - 0.495).abs() < 1e-9), "{:?}", ends.ks);
    }

    #[test]
    fn a_day_without_rates_or_a_bundle_without_calibration_has_no_difference() {
        let none = figure([], &[0.0, 1.0]);
        assert_eq!((none.ks, none.warns(), none.win_rates.len()), (None, false, 0));
        let bound = Drift::default();
        let found = Figure::new("d", BundleId::default(), &Rates::default(), None, &bound);
        assert_eq!(found.ks, None);
    }
}
