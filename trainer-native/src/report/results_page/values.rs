//! Single numbers of stored results, for prose and for the table in brief.
//!
//! A router is named by its label: `ridge-static (int8)`, or a baseline's name alone.

use crate::eval::pair::PairFacts;
use crate::eval::pair::published::PublishedPair;
use crate::eval::pool::{DataSet, PoolFacts, PoolRouter, PublishedPool};
use crate::eval::{Difference, Entry, Evaluated, Form};
use crate::report_error::ReportError;

/// Benchmarks by the names that stored results give them.
pub(super) const MMLU: &str = "RouteLLM MMLU";
/// The same of routers that learnt from no label of it.
pub(super) const MMLU_APART: &str = "RouteLLM MMLU, no label trained on";
pub(super) const HELD_SUBJECTS: &str = "RouteLLM MMLU, held subjects";
pub(super) const ARENA: &str = "Arena bench v1";
pub(super) const ROUTERDC: &str = "RouterDC, in distribution";
pub(super) const ROUTERBENCH: &str = "RouterBench: ARC-C, MBPP, Winogrande";
pub(super) const LLMROUTER: &str = "LLMRouter";

/// Results on the benchmark so named.
pub(super) struct Results<'a, F: Form>(pub(super) Vec<&'a Evaluated<F>>);

/// Results of routers of a pair.
pub(super) type PairResults<'a> = Results<'a, PairFacts>;

/// Results of routers of a pool.
pub(super) type PoolResults<'a> = Results<'a, PoolFacts>;

impl<'a, F: Form> Results<'a, F> {
    pub(super) fn on(results: &'a [Evaluated<F>], benchmark: &str) -> Result<Self, ReportError> {
        let found: Vec<_> = results.iter().filter(|one| one.benchmark.name == benchmark).collect();
        if found.is_empty() {
            Err(missing(format!("result on {benchmark}")))
        } else {
            Ok(Self(found))
        }
    }

    /// Every run of a router, with the result it stands in.
    pub(super) fn runs(
        &self,
        label: &str,
    ) -> impl Iterator<Item = (&'a Evaluated<F>, &'a Entry<F::Metrics>)> {
        let of = |&result: &&'a Evaluated<F>| result.routers.iter().map(move |r| (result, r));
        self.0.iter().flat_map(of).filter(move |(_, router)| router.label() == label)
    }
}

impl<'a> PairResults<'a> {
    /// APGR of a router, mean over its runs.
    pub(super) fn apgr(&self, label: &str) -> Result<f64, ReportError> {
        mean(self.runs(label).map(|(_, router)| router.metrics.apgr), label)
    }

    /// The labels of the routers judged, without the baselines, in order of first appearance.
    pub(super) fn routers(&self) -> Vec<String> {
        let mut labels = Vec::new();
        for router in self.0.iter().flat_map(|result| &result.routers) {
            if router.is_router() && !labels.contains(&router.label()) {
                labels.push(router.label());
            }
        }
        labels
    }

    /// The published row with the largest APGR.
    pub(super) fn best_published(&self) -> Result<&'a PublishedPair, ReportError> {
        let rows = self.0.iter().flat_map(|result| &result.published);
        let best = rows.max_by(|a, b| a.apgr.total_cmp(&b.apgr));
        best.ok_or_else(|| missing("published row".to_owned()))
    }
}

impl<'a> PoolResults<'a> {
    fn all(&self) -> impl Iterator<Item = &'a PoolRouter> {
        self.0.iter().flat_map(|&result| &result.routers)
    }

    /// Mean over data sets of a router, in per cent, mean over its runs.
    pub(super) fn mean(&self, label: &str) -> Result<f64, ReportError> {
        Ok(100.0 * mean(self.runs(label).map(|(_, router)| router.metrics.mean), label)?)
    }

    /// The router judged with the largest mean, in per cent; not a baseline.
    pub(super) fn best(&self) -> Result<(&'a str, f64), ReportError> {
        let mut best: Option<(&str, f64)> = None;
        for router in self.all().filter(|router| router.is_router()) {
            let found = self.mean(&router.label())?;
            if best.is_none_or(|(_, mean)| found > mean) {
                best = Some((router.name.as_str(), found));
            }
        }
        best.ok_or_else(|| missing("router".to_owned()))
    }

    /// The published row of a router.
    pub(super) fn published(&self, router: &str) -> Result<&'a PublishedPool, ReportError> {
        let mut rows = self.0.iter().flat_map(|result| &result.published);
        rows.find(|row| row.router == router).ok_or_else(|| missing(format!("published {router}")))
    }

    /// The data set with the fewest rows.
    pub(super) fn smallest(&self) -> Result<&'a DataSet, ReportError> {
        let sets = self.0.iter().flat_map(|result| &result.facts.datasets);
        sets.min_by_key(|set| set.rows).ok_or_else(|| missing("data set".to_owned()))
    }

    /// A router's mean less another's on the same rows, in the result of the router's first seed.
    pub(super) fn difference(
        &self,
        label: &str,
        against: &str,
    ) -> Result<&'a Difference, ReportError> {
        for result in &self.0 {
            let is = |place: usize, label: &str| {
                result.routers.get(place).is_some_and(|router| router.label() == label)
            };
            let mut all = result.differences.iter();
            if let Some(found) = all.find(|one| is(one.router, label) && is(one.against, against)) {
                return Ok(found);
            }
        }
        Err(missing(format!("difference of {label} to {against}")))
    }
}

/// The mean of a number that every run must have.
fn mean(values: impl Iterator<Item = Option<f64>>, label: &str) -> Result<f64, ReportError> {
    let values: Option<Vec<f64>> = values.collect();
    match values {
        Some(values) if !values.is_empty() => Ok(values.iter().sum::<f64>() / values.len() as f64),
        _ => Err(missing(format!("score of {label}"))),
    }
}

pub(super) fn missing(figure: String) -> ReportError {
    let detail = format!(
        "found no {figure} in the stored results, expected one. Run the evaluation that measures it, \
         or change the page"
    );
    ReportError::NoResults { detail }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::eval::pair::build::tests::example;
    use crate::eval::pool::build::tests::example as example_of_a_pool;

    #[test]
    fn a_mean_is_over_the_runs_of_one_router() {
        let seeded = |apgr: f64| {
            let mut result = example();
            result.routers[0].metrics.apgr = Some(apgr);
            result
        };
        let results = [seeded(0.6), seeded(0.7)];
        let found = PairResults::on(&results, "Made up <MMLU>").unwrap();
        assert!((found.apgr("mine (int8)").unwrap() - 0.65).abs() < 1e-12);
        assert_eq!(found.best_published().unwrap().label(), "SW ranking, arena + gold");
        assert!(found.routers().contains(&"mine (int8)".to_owned()));
        assert!(!found.routers().contains(&"random".to_owned()));
    }

    #[test]
    fn the_best_router_is_no_baseline() {
        let results = [example_of_a_pool()];
        let found = PoolResults::on(&results, "Made up <tasks>").unwrap();
        let means = results[0].routers.iter().filter(|router| router.is_router());
        let largest = means.filter_map(|router| router.metrics.mean).fold(0.0, f64::max);
        assert!((found.best().unwrap().1 - 100.0 * largest).abs() < 1e-9);
        assert!(found.mean("oracle").unwrap() >= found.best().unwrap().1);
        assert!((found.published("RouterDC").unwrap().mean - 0.5854).abs() < 1e-12);
        assert_eq!(found.smallest().unwrap().rows, 80);
        let difference = found.difference("mine (int8)", "best single LLM").unwrap();
        let expected =
            (found.mean("mine (int8)").unwrap() - found.mean("best single LLM").unwrap()) / 100.0;
        assert!((difference.difference - expected).abs() < 1e-9);
    }

    #[test]
    fn a_number_that_is_not_stored_is_named() {
        let (pairs, pools) = ([example()], [example_of_a_pool()]);
        let message = PairResults::on(&pairs, "Other").err().unwrap().to_string();
        assert!(message.starts_with("found no result on Other in the stored results"), "{message}");
        let found = PairResults::on(&pairs, "Made up <MMLU>").unwrap();
        let message = found.apgr("yours (int8)").unwrap_err().to_string();
        assert!(message.starts_with("found no score of yours (int8) in the stored"), "{message}");
        let found = PoolResults::on(&pools, "Made up <tasks>").unwrap();
        let message = found.mean("yours").unwrap_err().to_string();
        assert!(message.starts_with("found no score of yours in the stored"), "{message}");
        let message = found.difference("mine (int8)", "yours").unwrap_err().to_string();
        assert!(message.starts_with("found no difference of mine (int8) to yours"), "{message}");
    }
}
