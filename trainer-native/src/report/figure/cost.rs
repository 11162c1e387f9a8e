//! Draws mean score against mean cost of routers of many LLMs (RouterDC, figure 4; RouterBench,
//! arXiv 2403.12031).
//!
//! A router's curve is that of its evaluation: for each lambda, each query goes to the LLM with the
//! largest predicted score less lambda times its mean cost
//! ([`many_models::route`](crate::eval::cost_quality::many_models::route)). Single LLMs are points.
//! Results of several runs on the same rows are drawn together; nothing is evaluated again.

use super::{Panel, Sheet};
use crate::eval::PoolResult;
use crate::report::charts::chart_of_many_models;
use crate::report_error::ReportError;

/// Draws one benchmark.
///
/// # Errors
/// [`ReportError::NoResults`], also where costs are not known; [`ReportError::UnlikeResults`] where
/// results are of another benchmark, or have other models, rows or costs than the first, and for two
/// results of one router.
pub fn cost(results: &[PoolResult]) -> Result<Sheet, ReportError> {
    let first =
        results.first().ok_or_else(|| ReportError::no_results("the figure of cost and quality"))?;
    let mut merged = None;
    for result in results {
        if result.benchmark.name != first.benchmark.name {
            return Err(ReportError::mixed_benchmarks(
                &result.benchmark.name,
                &first.benchmark.name,
            ));
        }
        let benchmark = &result.benchmark.name;
        let Some(many) = &result.many_models else {
            let detail = format!(
                "{benchmark:?}: found no curve of cost and quality, expected rows that state every \
                 model's cost. Evaluate on data with costs, such as RouterBench"
            );
            return Err(ReportError::NoResults { detail });
        };
        let merged = merged.get_or_insert_with(|| {
            let mut none = many.clone();
            none.routers.clear();
            none
        });
        if result.facts.models != first.facts.models {
            return Err(ReportError::unlike(benchmark, "models"));
        }
        if many.comparison != merged.comparison {
            return Err(ReportError::unlike(benchmark, "rows or costs"));
        }
        for router in &many.routers {
            let mut before = merged.routers.iter();
            if before.any(|r| r.name == router.name && r.origin == router.origin) {
                let own = result.router(&router.name, router.origin);
                let seed = own.and_then(|own| own.training_seed).unwrap_or_default();
                let label = router.origin.label(&router.name);
                return Err(ReportError::duplicate_seed(&label, benchmark, seed));
            }
            merged.routers.push(router.clone());
        }
    }
    let merged = merged.ok_or_else(|| ReportError::no_results("the figure of cost and quality"))?;
    let (mut chart, caption) = chart_of_many_models(&first.benchmark.name, 1.0, &merged, "cost-0");
    chart.plot_height = 420.0;
    let note = format!(
        "{caption} Means are over rows. A router's points are of one lambda each, in score - lambda * \
         cost; the oracle knows every score and cost."
    );
    let title = format!("{}: score against cost", first.benchmark.name);
    Ok(Sheet { title, note, panels: vec![Panel { heading: String::new(), chart }], columns: 1 })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::eval::pool::build::tests::example;

    /// The example with another router name, and with another count of leaks.
    fn renamed(name: &str) -> PoolResult {
        let mut result = example();
        result.benchmark.leaks_removed = None;
        for router in &mut result.many_models.as_mut().unwrap().routers {
            router.name = name.to_owned();
        }
        result
    }

    #[test]
    fn routers_of_several_results_share_a_drawing() {
        let sheet = cost(&[example(), renamed("yours")]).unwrap();
        let labels: Vec<&str> =
            sheet.panels[0].chart.series.iter().map(|series| series.label.as_str()).collect();
        assert_eq!(
            labels,
            [
                "zero router (mix of the single models)",
                "oracle",
                "mine (int8)",
                "yours (int8)",
                "small",
                "sums & more",
                "verse"
            ]
        );
        let text = sheet.svg("cost");
        assert!(text.contains(">yours (int8)</text>") && text.contains(">sums &amp; more</text>"));
        assert!(text.contains(">USD per 1,000 queries</text>") && !text.contains("NaN"));
    }

    #[test]
    fn results_that_do_not_belong_together_are_named() {
        let fault = |results: &[PoolResult], code: &str, expected: &str| {
            let error = cost(results).unwrap_err();
            assert_eq!(error.code(), code);
            assert!(error.to_string().contains(expected), "{error}");
        };
        fault(&[], "no_results", "no results for the figure of cost and quality");
        fault(&[example(), example()], "unlike_results", "two results of router \"mine (int8)\"");
        let mut other = renamed("yours");
        other.benchmark.name = "another".into();
        let beside = "\"another\" beside \"Made up <tasks>\"";
        fault(&[example(), other], "unlike_results", beside);
        let mut unpriced = renamed("yours");
        unpriced.many_models = None;
        fault(&[example(), unpriced], "no_results", "found no curve of cost and quality");
        let mut fewer = renamed("yours");
        fewer.many_models.as_mut().unwrap().comparison.priced_rows -= 1;
        fault(&[example(), fewer], "unlike_results", "with other rows or costs than the first");
        let mut others = renamed("yours");
        others.facts.models.reverse();
        fault(&[example(), others], "unlike_results", "with other models than the first");
    }
}
