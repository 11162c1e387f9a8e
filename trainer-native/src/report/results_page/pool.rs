//! The table of routers that pick one of many models.

use super::seeds::groups;
use crate::eval::pool::{PoolResult, kinds};
use crate::report::format::percent;
use crate::report::pool_tables::columns_of_sets;
use crate::report::table::{Column, RowClass, Table};
use crate::report::tables::{class, dash};
use crate::report_error::ReportError;

/// One benchmark: every router and baseline with its mean scores in per cent, over training seeds,
/// and the standard deviation of the mean over data sets; then the published rows. `benchmark` is
/// `in-distribution` or `out-of-distribution` for RouterDC's, or the name of a benchmark; other
/// results are passed over. Where there are published rows, their single models are left out: the
/// measured ones say the same of the same models.
///
/// # Errors
/// [`ReportError::NoResults`]; [`ReportError::UnlikeResults`] where results of the benchmark are
/// over other models or data sets than the first, or of one seed.
pub fn pool_table(results: &[PoolResult], benchmark: &str) -> Result<String, ReportError> {
    let wanted = |result: &&PoolResult| {
        result.benchmark.kind.name() == Some(benchmark) || result.benchmark.name == benchmark
    };
    let same: Vec<&PoolResult> = results.iter().filter(wanted).collect();
    let Some(&first) = same.first() else {
        return Err(ReportError::no_results("the table of routers of many models"));
    };
    let sets = |result: &PoolResult| -> Vec<String> {
        result.facts.datasets.iter().map(|set| set.name.clone()).collect()
    };
    for other in &same {
        let unlike = |what| ReportError::unlike(&other.benchmark.name, what);
        if other.facts.models != first.facts.models {
            return Err(unlike("models"));
        }
        if sets(other) != sets(first) {
            return Err(unlike("data sets"));
        }
    }
    let mut columns = vec![
        Column::text("router"),
        Column::text("tier"),
        Column::number("seeds"),
        Column::number("rows"),
    ];
    columns.extend(columns_of_sets(first));
    columns.push(Column::number("mean % (sd)"));
    columns.push(Column::text("origin"));
    let mut table = Table::new("Routers of many models", columns);
    for group in groups(&same)? {
        let mut cells = vec![
            group.first.label(),
            group.first.tier.clone().unwrap_or_else(dash),
            if group.first.is_router() { group.runs.len().to_string() } else { dash() },
            group.rows(|result| result.rows),
        ];
        for set in &first.facts.datasets {
            let mean = group.moments(|router| router.on(&set.name));
            cells.push(mean.map_or_else(dash, |(mean, _)| percent(mean)));
        }
        cells.push(match group.moments(|router| router.metrics.mean) {
            // A baseline that is the same in every run has no spread to speak of.
            Some((mean, Some(deviation))) if group.first.is_router() || deviation > 5e-5 => {
                format!("{} ({})", percent(mean), percent(deviation))
            }
            Some((mean, _)) => percent(mean),
            None => dash(),
        });
        let what = if group.first.kind == kinds::LLM { "measured, one model" } else { "measured" };
        cells.push(what.to_owned());
        table.push(class(group.first), cells);
    }
    for row in first.published.iter().filter(|row| !row.single) {
        let mut cells = vec![row.router.clone(), dash(), dash(), dash()];
        cells.extend(
            first.facts.datasets.iter().map(|set| row.on(&set.name).map_or_else(dash, percent)),
        );
        cells.extend([percent(row.mean), format!("published, {}", row.source)]);
        table.push(RowClass::Published, cells);
    }
    Ok(table.without_empty_columns().markdown())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::eval::pool::build::tests::example;

    fn seeded(seed: u64, mean: f64) -> PoolResult {
        let mut result = example();
        result.routers[0].training_seed = Some(seed);
        result.routers[0].metrics.mean = Some(mean);
        result.routers[0].metrics.datasets.iter_mut().for_each(|set| set.score = mean);
        result
    }

    #[test]
    fn seeds_are_one_row_with_mean_and_spread() {
        let results = [seeded(1, 0.60), seeded(2, 0.62), seeded(3, 0.67)];
        let text = pool_table(&results, "in-distribution").unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "| router | tier | seeds | rows | MMLU % | GSM8K % | own <set> % | mean % (sd) | origin |"
        );
        // Mean of .60, .62, .67 is .63; squares .0009 + .0001 + .0016 = .0026, over 2, root .0361.
        assert_eq!(
            lines[2],
            "| mine (int8) | static | 3 | 240 | 63.00 | 63.00 | 63.00 | 63.00 (3.61) | measured |"
        );
        assert_eq!(lines.iter().filter(|line| line.contains("published, RouterDC")).count(), 5);
        assert!(text.contains("| RouterDC | – | – | – | 61.07 | 70.32 | – | 58.54 |"));
        assert!(text.contains("| verse |") && !text.contains("| zephyr-7b-beta |"));
    }

    #[test]
    fn a_benchmark_is_named_by_itself_or_by_its_publication() {
        let one = [seeded(1, 0.6)];
        let by_name = pool_table(&one, "Made up <tasks>").unwrap();
        assert_eq!(by_name, pool_table(&one, "in-distribution").unwrap());
        assert!(by_name.contains("| 60.00 | measured |"));
        let code = |name| pool_table(&one, name).unwrap_err().code();
        assert_eq!((code("out-of-distribution"), code("mmlu")), ("no_results", "no_results"));
    }

    #[test]
    fn results_that_are_not_alike_are_not_averaged() {
        let fault = |other| {
            let error = pool_table(&[seeded(1, 0.6), other], "in-distribution").unwrap_err();
            assert_eq!(error.code(), "unlike_results");
            error.to_string()
        };
        assert!(fault(seeded(1, 0.6)).contains("two results of router \"mine (int8)\""));
        let mut other = seeded(2, 0.6);
        other.facts.models[1] = "tales".into();
        assert!(fault(other).contains("with other models than the first"));
        let mut other = seeded(2, 0.6);
        other.facts.datasets.pop();
        assert!(fault(other).contains("with other data sets than the first"));
    }

    #[test]
    fn a_seed_without_a_mean_leaves_none() {
        let mut other = seeded(2, 0.6);
        other.routers[0].metrics.mean = None;
        other.routers[0].metrics.datasets.remove(0);
        let text = pool_table(&[seeded(1, 0.6), other], "in-distribution").unwrap();
        assert!(
            text.contains("| mine (int8) | static | 2 | 240 | – | 60.00 | 60.00 | – | measured |")
        );
    }
}
