//! The tables of routers between a weak and a strong model.
//!
//! Runs that differ only in their training seed are one row: mean and standard deviation (of the
//! sample, n - 1). Intervals of one run say how far other *questions* would move it; this spread
//! says how far another *seed* would.

use std::collections::BTreeSet;

use super::seeds::{self, groups, span};
use crate::eval::Origin;
use crate::eval::PairResult;
use crate::eval::pair::published::PairKind;
use crate::eval::pair::{PairFacts, PairRouter};
use crate::report::format::{count, percent, three};
use crate::report::table::{Column, RowClass, Table};
use crate::report::tables::dash;
use crate::report_error::ReportError;

/// Runs of one router on one benchmark.
type Group<'a> = seeds::Group<'a, PairFacts>;

/// The metrics of one run that a table aggregates.
type Read = fn(&PairRouter) -> Option<f64>;

const APGR: Read = |router| router.metrics.apgr;
const CPT50: Read = |router| router.cpt_at(0.5).map(|cpt| cpt.strong_share);
const CPT80: Read = |router| router.cpt_at(0.8).map(|cpt| cpt.strong_share);

/// MMLU: every router and baseline with the mean and standard deviation over training seeds, then
/// the published rows. Results of other benchmarks are passed over.
///
/// # Errors
/// [`ReportError::NoResults`], [`ReportError::UnlikeResults`].
pub fn mmlu_table(results: &[PairResult]) -> Result<String, ReportError> {
    let of_mmlu: Vec<&PairResult> =
        results.iter().filter(|result| result.benchmark.kind == PairKind::Mmlu).collect();
    let Some(first) = of_mmlu.first() else {
        return Err(ReportError::no_results("the MMLU table"));
    };
    let mut table = Table::new(
        "MMLU",
        vec![
            Column::text("router"),
            Column::text("tier"),
            Column::number("seeds"),
            Column::number("rows"),
            Column::number("APGR (sd)"),
            Column::number("CPT(50) %"),
            Column::number("CPT(80) %"),
            Column::text("origin"),
        ],
    );
    for group in groups(&of_mmlu)? {
        let apgr = match group.moments(APGR) {
            Some((mean, Some(deviation))) => format!("{mean:.3} ({deviation:.3})"),
            Some((mean, None)) => three(mean),
            None => continue,
        };
        let class = if group.first.is_router() { RowClass::Ours } else { RowClass::Baseline };
        let share = |read| group.moments(read).map_or_else(dash, |(mean, _)| percent(mean));
        table.push(
            class,
            vec![
                group.first.label(),
                group.first.tier.clone().unwrap_or_else(dash),
                group.runs.len().to_string(),
                group.rows(|result| result.rows),
                apgr,
                share(CPT50),
                share(CPT80),
                "measured".to_owned(),
            ],
        );
    }
    for row in &first.published {
        table.push(
            RowClass::Published,
            vec![
                row.label(),
                dash(),
                dash(),
                count(row.rows),
                three(row.apgr),
                percent(row.cpt50),
                percent(row.cpt80),
                format!("published, {}", row.source),
            ],
        );
    }
    Ok(table.markdown())
}

/// Transfer: one row a benchmark, by the named router at int8; beside it the length baseline, the
/// best published APGR and, where rows were removed as leaks, how many.
///
/// # Errors
/// [`ReportError::NoResults`] where no result holds the router, [`ReportError::UnlikeResults`].
pub fn transfer_table(results: &[PairResult], router: &str) -> Result<String, ReportError> {
    let mut table = Table::new(
        "Transfer",
        vec![
            Column::text("benchmark"),
            Column::text("pair (strong over weak)"),
            Column::number("rows"),
            Column::number("removed as leaks"),
            Column::number("APGR"),
            Column::number("95 % interval"),
            Column::number("CPT(50) %"),
            Column::number("CPT(80) %"),
            Column::number("query length APGR"),
            Column::number("best published APGR"),
        ],
    );
    for same in by_benchmark(results) {
        let Some(group) = groups(&same)?
            .into_iter()
            .find(|group| group.first.name == router && group.first.origin == Origin::INT8)
        else {
            continue;
        };
        let Some((apgr, _)) = group.moments(APGR) else { continue };
        let Some(&(result, run)) = group.runs.first() else { continue };
        let length = result.router("query length", Origin::Baseline).and_then(|r| r.metrics.apgr);
        let best = result.published.iter().map(|row| row.apgr).reduce(f64::max);
        let leaks: Vec<usize> =
            group.runs.iter().filter_map(|(result, _)| result.benchmark.leaks_removed).collect();
        // An interval belongs to one run; a mean over seeds has its spread instead.
        let interval = match group.runs.len() {
            1 => run.metrics.apgr_interval.map(|i| format!("{:.3} to {:.3}", i.low, i.high)),
            _ => None,
        };
        let share = |read| group.moments(read).map_or_else(dash, |(mean, _)| percent(mean));
        table.push(
            RowClass::Ours,
            vec![
                result.benchmark.name.clone(),
                format!("{} over {}", result.facts.pair.strong, result.facts.pair.weak),
                group.rows(|result| result.rows),
                span(&leaks).unwrap_or_else(|| "not looked for".to_owned()),
                three(apgr),
                interval.unwrap_or_else(dash),
                share(CPT50),
                share(CPT80),
                length.map_or_else(dash, three),
                best.map_or_else(dash, three),
            ],
        );
    }
    if table.rows.is_empty() {
        return Err(ReportError::no_results("the transfer table"));
    }
    Ok(table.without_empty_columns().markdown())
}

/// Router kinds by tier: APGR on the named benchmark at int8, mean over seeds. Kinds stand in order
/// of first appearance, tiers in alphabetical order.
///
/// # Errors
/// [`ReportError::NoResults`] where no result holds a router of this benchmark,
/// [`ReportError::UnlikeResults`].
pub fn router_table(results: &[PairResult], benchmark: &str) -> Result<String, ReportError> {
    let same: Vec<&PairResult> =
        results.iter().filter(|result| result.benchmark.name == benchmark).collect();
    let groups: Vec<Group> =
        groups(&same)?.into_iter().filter(|group| group.first.origin == Origin::INT8).collect();
    if groups.is_empty() {
        return Err(ReportError::no_results("the table of routers"));
    }
    let tier = |group: &Group| group.first.tier.clone().unwrap_or_else(dash);
    let tiers: BTreeSet<String> = groups.iter().map(tier).collect();
    let mut kinds: Vec<&str> = Vec::new();
    for group in &groups {
        if !kinds.contains(&group.first.kind.as_str()) {
            kinds.push(&group.first.kind);
        }
    }
    let mut columns = vec![Column::text("router")];
    columns.extend(tiers.iter().map(|tier| Column::number(&format!("{tier} tier: APGR"))));
    let mut table = Table::new("Routers", columns);
    for kind in kinds {
        let mut cells = vec![kind.to_owned()];
        for wanted in &tiers {
            // Several recipes of a kind: each with its name, the best first.
            let mut found: Vec<(f64, String)> = groups
                .iter()
                .filter(|group| group.first.kind == kind && tier(group) == *wanted)
                .filter_map(|group| {
                    let (mean, deviation) = group.moments(APGR)?;
                    let spread = deviation.map_or_else(String::new, |d| format!(" ({d:.3})"));
                    Some((mean, format!("{mean:.3}{spread} `{}`", group.first.name)))
                })
                .collect();
            found.sort_by(|a, b| b.0.total_cmp(&a.0));
            let texts: Vec<String> = found.into_iter().map(|(_, text)| text).collect();
            cells.push(if texts.is_empty() { dash() } else { texts.join(", ") });
        }
        table.push(RowClass::Ours, cells);
    }
    Ok(table.markdown())
}

/// Results of one benchmark and pair together, in order of first appearance.
fn by_benchmark(results: &[PairResult]) -> Vec<Vec<&PairResult>> {
    let mut found: Vec<Vec<&PairResult>> = Vec::new();
    for result in results {
        let same = |of: &&mut Vec<&PairResult>| {
            of.first().is_some_and(|o| {
                o.benchmark.name == result.benchmark.name && o.facts.pair == result.facts.pair
            })
        };
        match found.iter_mut().find(same) {
            Some(of) => of.push(result),
            None => found.push(vec![result]),
        }
    }
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::eval::pair::build::tests::example;

    fn seeded(seed: u64, apgr: f64, rows: usize) -> PairResult {
        let mut result = example();
        result.rows = rows;
        result.routers[0].metrics.apgr = Some(apgr);
        result.routers[0].training_seed = Some(seed);
        result
    }

    #[test]
    fn seeds_are_one_row_with_mean_and_spread() {
        let results = [seeded(1, 0.60, 400), seeded(2, 0.62, 390), seeded(3, 0.67, 400)];
        let text = mmlu_table(&results).unwrap();
        let row = text.lines().nth(2).unwrap();
        // Mean of .60, .62, .67 is .63; squares .0009 + .0001 + .0016 = .0026, over 2, root .0361.
        assert!(
            row.starts_with("| mine (int8) | static | 3 | 390 to 400 | 0.630 (0.036) | "),
            "{row}"
        );
        assert_eq!(text.lines().filter(|line| line.contains("| published, RouteLLM")).count(), 9);
        assert!(!text.contains("always strong"));
    }

    #[test]
    fn one_seed_twice_is_no_mean() {
        let found = mmlu_table(&[seeded(1, 0.6, 400), seeded(1, 0.6, 400)]).unwrap_err();
        let expected =
            "found two results of router \"mine (int8)\" on \"Made up <MMLU>\" with seed 1";
        assert!(found.to_string().starts_with(expected), "{found}");
        assert_eq!(mmlu_table(&[]).unwrap_err().code(), "no_results");
    }

    #[test]
    fn transfer_has_a_row_a_benchmark() {
        let mut other = seeded(1, 0.55, 300);
        other.benchmark.name = "Other questions".into();
        other.benchmark.kind = PairKind::Other;
        other.published.clear();
        other.benchmark.leaks_removed = None;
        let text = transfer_table(&[seeded(1, 0.6, 400), other], "mine").unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines[2].starts_with("| Made up <MMLU> | large over small | 400 | 12 | 0.600 | "));
        assert!(lines[2].ends_with(" | 0.603 |"), "{}", lines[2]);
        assert!(
            lines[3].contains("| 300 | not looked for | 0.550 | ") && lines[3].ends_with("| – |")
        );
        // Runs of other seeds are one row, whatever each removed as leaks.
        let mut again = seeded(2, 0.7, 398);
        again.benchmark.leaks_removed = Some(14);
        let text = transfer_table(&[seeded(1, 0.6, 400), again], "mine").unwrap();
        assert_eq!(text.lines().count(), 3);
        assert!(text.contains("| 398 to 400 | 12 to 14 | 0.650 | "), "{text}");
        assert_eq!(transfer_table(&[], "mine").unwrap_err().code(), "no_results");
        assert_eq!(transfer_table(&[example()], "yours").unwrap_err().code(), "no_results");
    }

    #[test]
    fn kinds_stand_against_tiers() {
        let mut other = seeded(1, 0.65, 400);
        other.routers[0].tier = Some("transformer".into());
        other.routers[0].kind = "bert".into();
        let text = router_table(&[seeded(1, 0.6, 400), other], "Made up <MMLU>").unwrap();
        let expected = "| router | static tier: APGR | transformer tier: APGR |\n\
                        | --- | ---: | ---: |\n\
                        | mf | 0.600 `mine` | – |\n\
                        | bert | – | 0.650 `mine` |\n";
        assert_eq!(text, expected);
        assert_eq!(router_table(&[example()], "none").unwrap_err().code(), "no_results");
    }
}
