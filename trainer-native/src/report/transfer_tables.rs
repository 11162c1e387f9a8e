//! Tables of a recipe evaluated on sources left out.

use super::format::{self, count, percent, three};
use super::table::{Column, RowClass, Table};
use super::tables::{Fact, dash};
use crate::eval::TransferResult;
use crate::eval::transfer::{NeedCorrelations, PairTransfer, Ranking};

/// Facts about the recipe and how it was evaluated, as name and value.
#[must_use]
pub fn facts(result: &TransferResult) -> Vec<Fact> {
    let bootstrap = &result.bootstrap;
    vec![
        (
            "Recipe",
            format!("{}, seed {}, {} tier", result.recipe, result.training_seed, result.tier),
        ),
        ("SHA-256 of the recipe", result.recipe_sha256.clone()),
        ("SHA-256 of the data", result.data_sha256.clone()),
        (
            "Intervals",
            format!(
                "{} %, percentile bootstrap over rows, {} resamples, seed {}",
                format::short_percent(bootstrap.level),
                count(bootstrap.resamples),
                bootstrap.seed
            ),
        ),
    ]
}

/// The heading under which the router's column stands; baselines have columns of their own names.
const ROUTER: &str = "router";

/// APGR of the router, with its interval, and of each baseline, on every pair of every source. A source
/// without a pair, and what was left out, is a row that says why.
#[must_use]
pub fn apgr(result: &TransferResult) -> Table {
    let caption = format!("{}: APGR on sources left out of training", result.recipe);
    table(result, &caption, |ranking| Some((ranking.apgr, ranking.apgr_interval)))
}

/// AUC of "the weak LLM suffices", as [`apgr`] shows the APGR.
#[must_use]
pub fn auc(result: &TransferResult) -> Table {
    let caption = format!("{}: AUC of \"the weak LLM suffices\"", result.recipe);
    table(result, &caption, |ranking| Some((ranking.auc?, ranking.auc_interval)))
}

type Shown = (f64, Option<crate::eval::bootstrap::Interval>);

fn table(
    result: &TransferResult,
    caption: &str,
    value: impl Fn(&Ranking) -> Option<Shown>,
) -> Table {
    let baselines = baselines(result);
    let mut columns = vec![
        Column::text("left out"),
        Column::text("pair of its LLMs"),
        Column::number("rows"),
        Column::number("weak suffices, %"),
        Column::number(ROUTER),
    ];
    columns.extend(baselines.iter().map(|name| Column::number(name)));
    let mut table = Table::new(caption, columns);
    for source in &result.sources {
        let name = match source.is_kept_apart {
            true => format!("{} (kept apart)", source.source),
            false => source.source.clone(),
        };
        for pair in &source.pairs {
            let mut cells =
                vec![name.clone(), which(pair), count(pair.rows), percent(pair.suffices)];
            let own = pair.rankings.iter().find(|ranking| !ranking.is_baseline);
            cells.push(own.and_then(&value).map_or_else(dash, |(value, interval)| {
                let interval = interval.map(|i| format!(" {}", format::interval(&i, three)));
                format!("{}{}", three(value), interval.unwrap_or_default())
            }));
            cells.extend(baselines.iter().map(|baseline| {
                let found = pair.rankings.iter().find(|one| one.is_baseline && one.by == *baseline);
                found.and_then(&value).map_or_else(dash, |(value, _)| three(value))
            }));
            table.push(RowClass::Ours, cells);
        }
        for note in &source.notes {
            let mut cells = vec![name.clone(), note.clone(), count(source.rows)];
            cells.resize(table.columns.len(), dash());
            table.push(RowClass::Baseline, cells);
        }
    }
    table.without_empty_columns()
}

fn which(pair: &PairTransfer) -> String {
    format!("{}: {} over {}", pair.pair, pair.strong, pair.weak)
}

/// Names of the baselines of all pairs, in order of first appearance.
fn baselines(result: &TransferResult) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    let pairs = result.sources.iter().flat_map(|source| &source.pairs);
    for ranking in pairs.flat_map(|pair| &pair.rankings).filter(|ranking| ranking.is_baseline) {
        if !found.contains(&ranking.by.as_str()) {
            found.push(&ranking.by);
        }
    }
    found
}

/// Rank correlations of rating and need at fixed length.
#[must_use]
pub fn needs(needs: &[NeedCorrelations]) -> Table {
    let columns = vec![
        Column::text("graded needs"),
        Column::text("held back"),
        Column::text("part"),
        Column::number("rows"),
        Column::number("rank correlation"),
        Column::number("interval"),
    ];
    let mut table = Table::new("Rank correlation of rating and need at fixed length", columns);
    for source in needs {
        for part in &source.parts {
            let cells = vec![
                source.source.clone(),
                source.held_back.clone(),
                part.part.clone(),
                count(part.rows),
                three(part.correlation),
                part.interval.map_or_else(dash, |interval| format::interval(&interval, three)),
            ];
            table.push(RowClass::Ours, cells);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::transfer::tests::example;
    use crate::report::table::assert_rows_match_headings;

    #[test]
    fn every_pair_and_every_source_without_one_is_a_row() {
        let result = example();
        for table in [apgr(&result), auc(&result)] {
            assert_eq!(table.rows.len(), 3);
            let text = table.markdown();
            assert_rows_match_headings(&text);
            assert!(text.contains("| one LLM | found 1 LLM, expected 2 | 80 | – |"), "{text}");
            assert!(text.contains("| a benchmark (kept apart) | best over worst: "), "{text}");
            assert!(text.contains("| query length |"), "{text}");
        }
        // Random and oracle have no area.
        assert!(apgr(&result).markdown().contains(" | oracle |"));
        assert!(!auc(&result).markdown().contains("oracle"));
    }

    #[test]
    fn needs_are_shown_part_by_part() {
        let table = needs(&example().needs);
        assert_eq!(table.rows.len(), 2);
        assert!(table.markdown().contains("| made-up needs | by writer | language en | 45 | "));
    }
}
