//! Tables of one benchmark of routers that pick one of a pool of models, in reading order.

use super::format::{self, percent, usd};
use super::table::{Column, RowClass, Table};
use super::tables::{self, Fact, class, dash, or_dash};
use crate::eval::pool::{PoolResult, PoolRouter, PublishedPool, kinds};

/// Facts about the benchmark, as name and value.
#[must_use]
pub fn facts(result: &PoolResult) -> Vec<Fact> {
    let sets =
        result.facts.datasets.iter().map(|set| format!("{} {}", set.name, format::count(set.rows)));
    let rows = format!("{}: {}", format::count(result.rows), sets.collect::<Vec<_>>().join(", "));
    let first = vec![
        ("Models", result.facts.models.join(", ")),
        ("Rows scored", rows),
        ("Rows to choose the best models on", format::count(result.facts.training_rows)),
    ];
    let mut sources: Vec<&str> = Vec::new();
    for row in &result.published {
        if !sources.contains(&row.source.as_str()) {
            sources.push(&row.source);
        }
    }
    let published = (!sources.is_empty()).then(|| sources.join("; "));
    tables::facts(result, first, "rows within each data set", published)
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
    let points: fn(f64) -> String = |value| format!("{:+.2}", 100.0 * value);
    tables::differences(result, "difference of the mean, points", |_| true, points, points)
}

/// Areas under the curves of cost and quality.
#[must_use]
pub fn many_models(result: &PoolResult) -> Table {
    tables::many_models(result.many_models.as_ref(), 1.0)
}

/// Mean over data sets of every router on every benchmark.
pub(super) fn overview(results: &[PoolResult]) -> Table {
    tables::overview(
        "Mean over data sets, %, on every benchmark",
        results,
        |router| router.kind != kinds::LLM,
        |router| router.metrics.mean.map(percent),
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::eval::pool::build::tests::example;
    use crate::report::format::DASH;

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
