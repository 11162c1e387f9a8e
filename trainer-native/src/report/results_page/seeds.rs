//! Runs that differ only in their training seed, as one.

use crate::eval::ReportError;
use crate::eval::pair::{Origin, PairRouter};
use crate::eval::pool::PoolRouter;
use crate::report::format::{DASH, count};

/// A judged router, of whatever result.
pub(super) trait Judged {
    /// What runs of one router share: name, kind, tier and what was judged.
    fn identity(&self) -> (&str, &str, Option<&str>, Origin);
    /// Seed it was trained with.
    fn seed(&self) -> Option<u64>;
}

impl Judged for PairRouter {
    fn identity(&self) -> (&str, &str, Option<&str>, Origin) {
        (&self.name, &self.kind, self.tier.as_deref(), self.origin)
    }

    fn seed(&self) -> Option<u64> {
        self.training_seed
    }
}

impl Judged for PoolRouter {
    fn identity(&self) -> (&str, &str, Option<&str>, Origin) {
        (&self.name, &self.kind, self.tier.as_deref(), self.origin)
    }

    fn seed(&self) -> Option<u64> {
        self.training_seed
    }
}

/// Runs of one router, each with the result it stands in.
pub(super) struct Group<'a, B, R> {
    pub(super) first: &'a R,
    pub(super) runs: Vec<(&'a B, &'a R)>,
}

/// Runs that differ in seed only, in order of first appearance, baselines last.
pub(super) fn groups<'a, B, R: Judged>(
    runs: impl IntoIterator<Item = (&'a B, &'a R)>,
    benchmark: impl Fn(&B) -> &str,
) -> Result<Vec<Group<'a, B, R>>, ReportError> {
    let mut found: Vec<Group<'a, B, R>> = Vec::new();
    for (result, router) in runs {
        let same = |group: &&mut Group<B, R>| group.first.identity() == router.identity();
        let Some(group) = found.iter_mut().find(same) else {
            found.push(Group { first: router, runs: vec![(result, router)] });
            continue;
        };
        let twice = |seed: u64| group.runs.iter().any(|(_, run)| run.seed() == Some(seed));
        if let Some(seed) = router.seed().filter(|&seed| twice(seed)) {
            let (name, _, _, origin) = router.identity();
            return Err(ReportError::DuplicateSeed {
                router: origin.label(name),
                benchmark: benchmark(result).to_owned(),
                seed,
            });
        }
        group.runs.push((result, router));
    }
    found.sort_by_key(|group| group.first.identity().3 == Origin::Baseline);
    Ok(found)
}

impl<B, R> Group<'_, B, R> {
    /// Mean, and standard deviation where there are two or more runs; `None` unless every run has
    /// it.
    pub(super) fn moments(&self, read: impl Fn(&R) -> Option<f64>) -> Option<(f64, Option<f64>)> {
        let values = self.runs.iter().map(|(_, run)| read(run)).collect::<Option<Vec<f64>>>()?;
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
        let deviation = (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt());
        Some((mean, deviation))
    }

    /// A number of rows of each run's result.
    pub(super) fn rows(&self, read: impl Fn(&B) -> usize) -> String {
        let rows: Vec<usize> = self.runs.iter().map(|(result, _)| read(result)).collect();
        span(&rows).unwrap_or_else(dash)
    }
}

/// The number, or the least and the largest where runs differ.
pub(super) fn span(values: &[usize]) -> Option<String> {
    let (low, high) = (values.iter().min()?, values.iter().max()?);
    Some(if low == high { count(*low) } else { format!("{} to {}", count(*low), count(*high)) })
}

pub(super) fn dash() -> String {
    DASH.to_owned()
}
