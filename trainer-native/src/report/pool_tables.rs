//! Tables of one benchmark of routers that pick one of many models, in reading order.

use super::format::{self, DASH, percent, short_percent, usd};
use super::table::{Column, RowClass, Table};
use super::{Stored, pair_tables};
use crate::eval::bootstrap::Interval;
use crate::eval::pool::{PoolResult, PoolRouter, PublishedPool, kinds};

/// Facts about the benchmark, as name and value.
#[must_use]
pub fn facts(result: &PoolResult) -> Vec<(&'static str, String)> {
    let sets =
        result.facts.datasets.iter().map(|set| format!("{} {}", set.name, format::count(set.rows)));
    let mut facts = vec![
        ("Models", result.facts.models.join(", ")),
        (
            "Rows scored",
            format!("{}: {}", format::count(result.rows), sets.collect::<Vec<_>>().join(", ")),
        ),
        ("Rows to choose the best models on", format::count(result.facts.training_rows)),
        (
            "Removed as leaks",
            result
                .benchmark
                .leaks_removed
                .map_or_else(|| "not looked for".to_owned(), format::count),
        ),
        ("Bad rows left out", format::count(result.benchmark.bad_rows)),
        (
            "Intervals",
            format!(
                "{} %, percentile bootstrap over rows within each data set, {} resamples, seed {}",
                short_percent(result.bootstrap.level),
                format::count(result.bootstrap.resamples),
                result.bootstrap.seed
            ),
        ),
    ];
    let mut sources: Vec<&str> = Vec::new();
    for row in &result.published {
        if !sources.contains(&row.source.as_str()) {
            sources.push(&row.source);
        }
    }
    if !sources.is_empty() {
        facts.push(("Published rows", sources.join("; ")));
    }
    if let Some(sha256) = &result.benchmark.data_sha256 {
        facts.push(("SHA-256 of the data", sha256.clone()));
    }
    facts.extend(result.notes.iter().map(|note| ("Note", note.clone())));
    facts
}

/// Every router, the baselines and the published rows: mean scores in per cent.
#[must_use]
pub fn routers(result: &PoolResult) -> Table {
    let mut columns = vec![Column::text("router"), Column::text("tier")];
    columns.extend(columns_of_sets(result));
    columns.push(Column::number("mean %"));
    columns.push(Column::number("mean over rows %"));
    columns.push(Column::number("USD a query"));
    columns.push(Column::number("picks without a score"));
    columns.push(Column::text("origin"));
    let caption = format!(
        "Mean scores of what is picked on {}, ours beside the published",
        result.benchmark.name
    );
    let mut table = Table::new(caption, columns);
    for router in &result.routers {
        table.push(class(router), measured(result, router));
    }
    for row in &result.published {
        table.push(RowClass::Published, published(result, row));
    }
    table.without_empty_columns()
}

/// One column for each data set, its mean score in per cent.
pub(crate) fn columns_of_sets(result: &PoolResult) -> impl Iterator<Item = Column> {
    result.facts.datasets.iter().map(|set| Column::number(&format!("{} %", set.name)))
}

pub(crate) fn class(router: &PoolRouter) -> RowClass {
    if router.is_router() { RowClass::Ours } else { RowClass::Baseline }
}

fn measured(result: &PoolResult, router: &PoolRouter) -> Vec<String> {
    let mut cells = vec![router.label(), router.tier.clone().unwrap_or_else(dash)];
    cells.extend(result.facts.datasets.iter().map(|set| or_dash(router.on(&set.name), percent)));
    cells.push(match (router.metrics.mean, router.metrics.mean_interval) {
        (Some(mean), Some(interval)) => {
            format!("{} {}", percent(mean), format::interval(&interval, percent))
        }
        (mean, _) => or_dash(mean, percent),
    });
    cells.push(or_dash(router.metrics.row_mean, percent));
    cells.push(or_dash(router.metrics.money.map(|money| money.usd), usd));
    cells.push(or_dash(
        Some(router.metrics.picked_unmeasured).filter(|&rows| rows > 0),
        format::count,
    ));
    cells.push("measured".to_owned());
    cells
}

fn published(result: &PoolResult, row: &PublishedPool) -> Vec<String> {
    let mut cells = vec![row.router.clone(), dash()];
    cells.extend(result.facts.datasets.iter().map(|set| or_dash(row.on(&set.name), percent)));
    cells.extend([percent(row.mean), dash(), dash(), dash()]);
    cells.push(format!("published, {}", row.source));
    cells
}

/// Tables after that of the routers: shares of calls, differences, cost; only those that have rows.
#[must_use]
pub fn details(result: &PoolResult) -> Vec<Table> {
    let mut tables = vec![shares(result), differences(result), many_models(result)];
    tables.retain(|table| !table.rows.is_empty());
    tables
}

/// Share of calls to each model, in per cent. Single models, which get all calls, are left out.
#[must_use]
pub fn shares(result: &PoolResult) -> Table {
    let mut columns = vec![Column::text("router")];
    columns.extend(result.facts.models.iter().map(|model| Column::number(model)));
    let mut table = Table::new("Share of calls to each model, %", columns);
    for router in result.routers.iter().filter(|router| router.kind != kinds::LLM) {
        let mut cells = vec![router.label()];
        cells.extend(router.metrics.shares.iter().map(|&share| percent(share)));
        table.push(class(router), cells);
    }
    table
}

/// Each router against the other routers and against the best models.
#[must_use]
pub fn differences(result: &PoolResult) -> Table {
    let columns = vec![
        Column::text("router"),
        Column::text("against"),
        Column::number("difference of the mean, points"),
        Column::number("interval"),
        Column::text("zero lies outside"),
    ];
    let mut table = Table::new("Paired differences on the same resamples", columns);
    let points = |value: f64| format!("{:+.2}", 100.0 * value);
    let outside = |interval: Interval| if interval.excludes_zero() { "yes" } else { "no" };
    for found in &result.differences {
        let (Some(a), Some(b)) =
            (result.routers.get(found.router), result.routers.get(found.against))
        else {
            continue;
        };
        let cells = vec![
            a.label(),
            b.label(),
            points(found.difference),
            found.interval.map_or_else(dash, |i| format::interval(&i, points)),
            found.interval.map(outside).map_or_else(dash, str::to_owned),
        ];
        table.push(class(a), cells);
    }
    table
}

/// Areas under the curves of cost and quality.
#[must_use]
pub fn many_models(result: &PoolResult) -> Table {
    match &result.many_models {
        Some(many) => pair_tables::of_many_models(many, 1.0),
        None => Table::new("", Vec::new()),
    }
}

/// Mean over data sets of every router on every benchmark.
pub(super) fn overview(stored: &Stored) -> Table {
    let mut columns = vec![Column::text("router")];
    columns.extend(stored.pools.iter().map(|result| Column::number(&result.benchmark.name)));
    let mut table = Table::new("Mean over data sets, %, on every benchmark", columns);
    let mut names: Vec<(RowClass, String)> = Vec::new();
    for router in stored.pools.iter().flat_map(|result| &result.routers) {
        if router.kind != kinds::LLM && !names.iter().any(|(_, name)| *name == router.label()) {
            names.push((class(router), router.label()));
        }
    }
    // The sort is stable: within a class the order of first appearance stays.
    names.sort_by_key(|(class, _)| *class != RowClass::Ours);
    for (class, name) in names {
        let mut cells = vec![name.clone()];
        cells.extend(stored.pools.iter().map(|result| {
            let found = result.routers.iter().find(|router| router.label() == name);
            or_dash(found.and_then(|router| router.metrics.mean), percent)
        }));
        table.push(class, cells);
    }
    table
}

fn or_dash<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map_or_else(dash, show)
}

fn dash() -> String {
    DASH.to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::eval::pool::build::tests::example;

    fn row<'a>(table: &'a Table, name: &str) -> &'a [String] {
        table.rows.iter().find(|(_, cells)| cells[0] == name).unwrap().1.as_slice()
    }

    #[test]
    fn ours_stand_beside_the_published_by_data_set() {
        let result = example();
        let table = routers(&result);
        let heads: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(
            heads,
            [
                "router",
                "tier",
                "MMLU %",
                "GSM8K %",
                "own <set> %",
                "mean %",
                "mean over rows %",
                "USD a query",
                "origin"
            ]
        );
        assert_eq!(table.rows.len(), 11 + 12);
        let published = row(&table, "RouterDC");
        assert_eq!(published[2..6], ["61.07", "70.32", DASH, "58.54"]);
        assert_eq!(published[8], "published, RouterDC, arXiv 2409.19886");
        assert!(row(&table, "ZOOTER")[8].ends_with("as recalled"));
        let mine = row(&table, "mine (int8)");
        assert_eq!(mine[2], percent(result.routers[0].on("MMLU").unwrap()));
        assert!(mine[5].starts_with(&percent(result.routers[0].metrics.mean.unwrap())));
        assert!(mine[5].ends_with(']') && table.rows.iter().all(|(_, cells)| cells.len() == 9));
    }

    #[test]
    fn shares_are_of_all_who_choose() {
        let table = shares(&example());
        let names: Vec<&str> = table.rows.iter().map(|(_, cells)| cells[0].as_str()).collect();
        assert!(names.contains(&"mine (int8)") && names.contains(&"oracle"));
        assert!(!names.contains(&"verse"));
        for (_, cells) in &table.rows {
            let sum: f64 = cells[1..].iter().map(|cell| cell.parse::<f64>().unwrap()).sum();
            // Each of three rounded to a hundredth.
            assert!((sum - 100.0).abs() < 0.016, "{cells:?}");
        }
    }

    #[test]
    fn differences_have_their_sign() {
        let result = example();
        let table = differences(&result);
        // Two routers: each other, and the four best models.
        assert_eq!(table.rows.len(), 1 + 2 * 4);
        for ((_, cells), found) in table.rows.iter().zip(&result.differences) {
            assert!(cells[2].starts_with(if found.difference < 0.0 { '-' } else { '+' }));
        }
    }

    #[test]
    fn facts_count_rows_and_hold_every_note() {
        let result = example();
        let facts = facts(&result);
        let fact = |name| facts.iter().find(|(known, _)| *known == name).unwrap().1.as_str();
        assert_eq!(fact("Rows scored"), "240: MMLU 80, GSM8K 80, own <set> 80");
        assert_eq!(fact("Removed as leaks"), "12");
        assert_eq!(
            fact("Published rows"),
            "RouterDC, arXiv 2409.19886; RouterDC, arXiv 2409.19886, as recalled"
        );
        assert_eq!(facts.iter().filter(|(name, _)| *name == "Note").count(), result.notes.len());
    }

    #[test]
    fn picks_without_a_score_are_a_column_where_there_are_any() {
        let mut result = example();
        result.routers[1].metrics.picked_unmeasured = 1300;
        let table = routers(&result);
        assert_eq!(table.columns[8].name, "picks without a score");
        assert_eq!(
            (row(&table, "kNN, k = 5")[8].as_str(), row(&table, "random")[8].as_str()),
            ("1,300", DASH)
        );
        result.routers[1].metrics.mean = None;
        result.routers[1].metrics.mean_interval = None;
        assert_eq!(row(&routers(&result), "kNN, k = 5")[5], DASH);
    }
}
