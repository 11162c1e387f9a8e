//! Bootstrap of means over data sets.
//!
//! As many rows are drawn within each data set as it has: the size of a data set and its share in
//! the mean stay the same. Every router is evaluated on the same draws, so that differences are
//! paired.

use rayon::prelude::*;

use super::means::{DataSets, over_datasets};
use crate::eval::bootstrap::{Interval, Settings, draw_within};

/// The mean over data sets of every router on every resample.
pub(super) struct Resamples {
    /// By resample, then by router.
    means: Vec<Vec<Option<f64>>>,
    level: f64,
}

impl Resamples {
    /// Draws the resamples; `earned` holds a list for each router, with a score for each row. The
    /// data sets hold every row once.
    pub(super) fn draw(sets: &DataSets, earned: &[Vec<Option<f64>>], settings: Settings) -> Self {
        let means = (0..settings.resamples as u64)
            .into_par_iter()
            .map(|at| {
                let counts = draw_within(&sets.rows, settings.seed, at);
                let times = |row: usize| counts.get(row).copied().unwrap_or_default();
                earned.iter().map(|scores| over_datasets(&sets.means(scores, times))).collect()
            })
            .collect();
        Self { means, level: settings.level }
    }

    /// Interval of the mean of the router at this index.
    pub(super) fn mean(&self, router: usize) -> Option<Interval> {
        self.interval(|of| of.get(router).copied().flatten())
    }

    /// Interval of the mean of router `a` less that of router `b`, resample by resample.
    pub(super) fn difference(&self, a: usize, b: usize) -> Option<Interval> {
        self.interval(|of| Some(of.get(a).copied()?? - of.get(b).copied()??))
    }

    fn interval(&self, read: impl Fn(&[Option<f64>]) -> Option<f64>) -> Option<Interval> {
        Interval::of(self.means.iter().map(|of| read(of)), self.level)
    }
}
