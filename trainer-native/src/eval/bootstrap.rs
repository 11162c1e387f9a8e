//! Percentile bootstrap: how far a metric would move on another draw of the same benchmark.
//!
//! Each resample draws as many rows as there are, with replacement, and evaluates every router on
//! that draw by the whole protocol. Differences of two routers are therefore paired: a hard draw is
//! hard for both, and cancels. An interval covers the sampling of queries only, not another training
//! seed.

use rand_chacha::rand_core::Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::EvalError;
use super::error::check_some;
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
    /// [`EvalError::BadInput`].
    pub(super) fn check(&self) -> Result<(), EvalError> {
        check_some("bootstrap resamples", self.resamples)?;
        if self.level > 0.0 && self.level < 1.0 {
            return Ok(());
        }
        let detail = format!(
            "found the level of an interval {}, expected a number above 0 and below 1",
            self.level
        );
        Err(EvalError::BadInput { detail })
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

/// Metrics of every router on every resample.
#[derive(Debug, Clone)]
pub struct Resamples<M> {
    /// By resample, then by router; `None` where the metrics are undefined.
    pub(super) metrics: Vec<Vec<Option<M>>>,
    level: f64,
}

impl<M: Send> Resamples<M> {
    /// Draws the resamples, as many rows from every group as it holds. The groups together hold each
    /// row index once; `judge` gives the metrics of every router from how often each row is drawn.
    ///
    /// # Errors
    /// [`EvalError::BadInput`] for settings.
    pub(super) fn draw(
        groups: &[Vec<usize>],
        settings: Settings,
        judge: impl Fn(&[u32]) -> Vec<Option<M>> + Sync,
    ) -> Result<Self, EvalError> {
        settings.check()?;
        let metrics = (0..settings.resamples as u64)
            .into_par_iter()
            .map(|at| judge(&draw_within(groups, settings.seed, at)))
            .collect();
        Ok(Self { metrics, level: settings.level })
    }

    /// Interval of a metric of the router at this index; `None` where it is undefined on more
    /// resamples than lie outside the level.
    pub(super) fn of(&self, router: usize, read: impl Fn(&M) -> Option<f64>) -> Option<Interval> {
        self.interval(|of| of.get(router)?.as_ref().and_then(&read))
    }

    /// Interval of a metric of router `a` less that of router `b`, resample by resample.
    pub(super) fn difference(
        &self,
        a: usize,
        b: usize,
        read: impl Fn(&M) -> f64,
    ) -> Option<Interval> {
        self.interval(|of| Some(read(of.get(a)?.as_ref()?) - read(of.get(b)?.as_ref()?)))
    }

    /// Standard deviation of a metric of the router at this index over the resamples on which it is defined: its
    /// standard error. `None` on fewer than two.
    pub(super) fn deviation(&self, router: usize, read: impl Fn(&M) -> Option<f64>) -> Option<f64> {
        let of = |drawn: &Vec<Option<M>>| drawn.get(router)?.as_ref().and_then(&read);
        let values: Vec<f64> = self.metrics.iter().filter_map(of).collect();
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt())
    }

    fn interval(&self, read: impl Fn(&[Option<M>]) -> Option<f64>) -> Option<Interval> {
        Interval::of(self.metrics.iter().map(|of| read(of)), self.level)
    }
}

/// How often each row is drawn, where as many rows are drawn from every group as it holds. Resamples are streams of one generator, so that their
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

/// The quantile of ascending values at a fraction of the way, by linear interpolation.
fn at_fraction(ascending: &[f64], fraction: f64) -> f64 {
    let position = fraction * ascending.len().saturating_sub(1) as f64;
    let below = position.floor() as usize;
    let low = ascending.get(below).copied().unwrap_or_default();
    let high = ascending.get(below + 1).copied().unwrap_or(low);
    (low + (high - low) * (position - below as f64)).clamp(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
