//! Runs that differ only in their training seed, as one.

use crate::eval::{Entry, Evaluated, Form, Origin};
use crate::report::format::count;
use crate::report::tables::dash;
use crate::report_error::ReportError;

/// Runs of one router, each with the result it stands in.
pub(super) struct Group<'a, F: Form> {
    pub(super) first: &'a Entry<F::Metrics>,
    pub(super) runs: Vec<Run<'a, F>>,
}

/// A result, and a router of it.
type Run<'a, F> = (&'a Evaluated<F>, &'a Entry<<F as Form>::Metrics>);

/// What runs of one router share.
fn identity<M>(router: &Entry<M>) -> (&str, &str, Option<&str>, Origin) {
    (&router.name, &router.kind, router.tier.as_deref(), router.origin)
}

/// The runs of all routers of some results that differ in seed only, in order of first appearance,
/// baselines last.
pub(super) fn groups<'a, F: Form>(
    results: &[&'a Evaluated<F>],
) -> Result<Vec<Group<'a, F>>, ReportError> {
    let mut found: Vec<Group<'a, F>> = Vec::new();
    let runs = results.iter().flat_map(|&result| result.routers.iter().map(move |r| (result, r)));
    for (result, router) in runs {
        let same = |group: &&mut Group<F>| identity(group.first) == identity(router);
        let Some(group) = found.iter_mut().find(same) else {
            found.push(Group { first: router, runs: vec![(result, router)] });
            continue;
        };
        let twice = |seed: u64| group.runs.iter().any(|(_, run)| run.training_seed == Some(seed));
        if let Some(seed) = router.training_seed.filter(|&seed| twice(seed)) {
            let (label, benchmark) = (router.label(), &result.benchmark.name);
            return Err(ReportError::duplicate_seed(&label, benchmark, seed));
        }
        group.runs.push((result, router));
    }
    found.sort_by_key(|group| group.first.origin == Origin::Baseline);
    Ok(found)
}

impl<F: Form> Group<'_, F> {
    /// Mean, and standard deviation where there are two or more runs; `None` unless every run has
    /// it.
    pub(super) fn moments(
        &self,
        read: impl Fn(&Entry<F::Metrics>) -> Option<f64>,
    ) -> Option<(f64, Option<f64>)> {
        let values = self.runs.iter().map(|(_, run)| read(run)).collect::<Option<Vec<f64>>>()?;
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
        let deviation = (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt());
        Some((mean, deviation))
    }

    /// A number of rows of each run's result.
    pub(super) fn rows(&self, read: impl Fn(&Evaluated<F>) -> usize) -> String {
        let rows: Vec<usize> = self.runs.iter().map(|(result, _)| read(result)).collect();
        span(&rows).unwrap_or_else(dash)
    }
}

/// The number, or the least and the largest where runs differ.
pub(super) fn span(values: &[usize]) -> Option<String> {
    let (low, high) = (values.iter().min()?, values.iter().max()?);
    Some(if low == high { count(*low) } else { format!("{} to {}", count(*low), count(*high)) })
}
