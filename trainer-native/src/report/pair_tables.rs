//! Tables of one benchmark of routers of a pair, in reading order.

use super::format::{self, percent, short_percent, three, usd};
use super::table::{Column, RowClass, Table};
use super::tables::{self, Fact, class, dash};
use crate::eval::Entry;
use crate::eval::pair::money::Money;
use crate::eval::pair::operating_points::ThresholdOrigin;
use crate::eval::pair::published::PublishedPair;
use crate::eval::pair::{PairResult, PairRouter};

/// Facts about the benchmark, as name and value.
#[must_use]
pub fn facts(result: &PairResult) -> Vec<Fact> {
    let ends = |score: f64| format::score(score, result.facts.score_scale);
    let mut first = vec![
        ("Strong model", format!("{}, {}", result.facts.pair.strong, ends(result.facts.strong))),
        ("Weak model", format!("{}, {}", result.facts.pair.weak, ends(result.facts.weak))),
    ];
    let oracle = result.routers.iter().find(|router| router.kind == "oracle");
    if let Some(fixed) = oracle.and_then(|oracle| oracle.metrics.fixed) {
        let calls = percent(fixed.strong_share);
        first.push(("Oracle", format!("{} at {calls} % strong calls", ends(fixed.score))));
    }
    first.push(("Rows scored", format::count(result.rows)));
    let published = result.published.first().map(|row| {
        let (rows, weak, strong) = (format::count(row.rows), ends(row.weak), ends(row.strong));
        format!("{}: {}, {rows} rows, {weak} and {strong}", row.source, row.pair)
    });
    tables::facts(result, first, "rows", published)
}

/// Every router, the baselines and the published rows.
#[must_use]
pub fn routers(result: &PairResult) -> Table {
    let qualities = qualities(result);
    let mut columns = vec![Column::text("router"), Column::text("tier"), Column::number("APGR")];
    columns
        .extend(qualities.iter().map(|&q| Column::number(&format!("CPT({}) %", short_percent(q)))));
    columns.push(Column::number("ECE"));
    columns.push(Column::number("AIQ"));
    columns.push(Column::number("AUC"));
    columns.push(Column::text("origin"));
    let caption = format!("Routers on {}, ours beside the published", result.benchmark.name);
    let mut table = Table::new(caption, columns);
    // Policies without a threshold are points; they are listed among the facts.
    for router in result.routers.iter().filter(|router| router.metrics.apgr.is_some()) {
        table.push(class(router), measured(result, router, &qualities));
    }
    for row in &result.published {
        table.push(RowClass::Published, published(row, &qualities));
    }
    table.without_empty_columns()
}

fn qualities(result: &PairResult) -> Vec<f64> {
    let mut all: Vec<f64> = if result.published.is_empty() { vec![] } else { vec![0.5, 0.8] };
    all.extend(result.routers.iter().flat_map(|router| &router.metrics.cpt).map(|cpt| cpt.quality));
    all.sort_by(f64::total_cmp);
    all.dedup();
    all
}

fn measured(result: &PairResult, router: &PairRouter, qualities: &[f64]) -> Vec<String> {
    let with_interval = |value: String, interval: Option<_>, show| match interval {
        Some(interval) => format!("{value} {}", format::interval(&interval, show)),
        None => value,
    };
    let apgr = router
        .metrics
        .apgr
        .map_or_else(dash, |apgr| with_interval(three(apgr), router.metrics.apgr_interval, three));
    let mut cells = vec![router.label(), router.tier.clone().unwrap_or_else(dash), apgr];
    for &quality in qualities {
        cells.push(router.cpt_at(quality).map_or_else(dash, |cpt| {
            with_interval(percent(cpt.strong_share), cpt.interval, percent)
        }));
    }
    cells.push(
        router.metrics.reliability.as_ref().map_or_else(dash, |found| three(found.error_gain)),
    );
    let oracle =
        result.facts.cost.as_ref().filter(|_| router.kind == "oracle").map(|cost| &cost.oracle);
    let aiq = router.metrics.cost_quality.as_ref().or(oracle).map(|curve| curve.aiq);
    cells.push(aiq.map_or_else(dash, three));
    cells.push(
        router
            .metrics
            .auc
            .map_or_else(dash, |auc| with_interval(three(auc), router.metrics.auc_interval, three)),
    );
    cells.push("measured".to_owned());
    cells
}

fn published(row: &PublishedPair, qualities: &[f64]) -> Vec<String> {
    let mut cells = vec![row.label(), dash(), three(row.apgr)];
    for &quality in qualities {
        cells.push(match quality {
            0.5 => percent(row.cpt50),
            0.8 => percent(row.cpt80),
            _ => dash(),
        });
    }
    cells.extend([dash(), dash(), dash(), "published".to_owned()]);
    cells
}

/// Tables after that of the routers: differences, operating points, cost, reliability, categories;
/// only those that have rows.
#[must_use]
pub fn details(result: &PairResult) -> Vec<Table> {
    let mut tables = vec![differences(result), operating_points(result), money(result)];
    tables.extend([cost_quality(result), many_models(result)]);
    for router in result.routers.iter().filter(|router| router.is_router()) {
        tables.push(reliability(router));
        tables.push(categories(result, router));
    }
    tables.retain(|table| !table.rows.is_empty());
    tables
}

/// Differences of APGR of each router from every other that was resampled.
#[must_use]
pub fn differences(result: &PairResult) -> Table {
    let signed: fn(f64) -> String = |value| format!("{value:+.3}");
    tables::differences(result, "difference of APGR", Entry::is_router, signed, three)
}

/// Operating points at the requested thresholds and shares.
#[must_use]
pub fn operating_points(result: &PairResult) -> Table {
    let columns = vec![
        Column::text("router"),
        Column::number("asked strong %"),
        Column::text("threshold from"),
        Column::number("threshold"),
        Column::number("strong %"),
        Column::number("score"),
        Column::number("PGR"),
        Column::number("USD a query"),
        Column::number("saved %"),
    ];
    let mut table = Table::new("Operating points", columns);
    for router in result.routers.iter().filter(|router| router.is_router()) {
        for point in &router.metrics.operating_points {
            let origin = match point.origin {
                ThresholdOrigin::Given => "given",
                ThresholdOrigin::SameRows => "these rows",
                ThresholdOrigin::Calibration => "calibration",
            };
            let mut cells = vec![
                router.label(),
                point.asked_share.map_or_else(dash, percent),
                origin.to_owned(),
                format!("{:.4}", point.threshold),
                percent(point.strong_share),
                format::score(point.score, result.facts.score_scale),
                three(point.pgr),
            ];
            cells.extend(money_cells(point.money));
            table.push(RowClass::Ours, cells);
        }
    }
    table.without_empty_columns()
}

/// Cost at each CPT.
#[must_use]
pub fn money(result: &PairResult) -> Table {
    let columns = vec![
        Column::text("router"),
        Column::number("gap recovered %"),
        Column::number("strong %"),
        Column::number("USD a query"),
        Column::number("saved %"),
    ];
    let mut table = Table::new("Money saved against calling the strong model always", columns);
    for router in &result.routers {
        for cpt in router.metrics.cpt.iter().filter(|cpt| cpt.money.is_some()) {
            let share = percent(cpt.strong_share);
            let mut cells = vec![router.label(), short_percent(cpt.quality), share];
            cells.extend(money_cells(cpt.money));
            table.push(class(router), cells);
        }
    }
    table
}

fn money_cells(money: Option<Money>) -> [String; 2] {
    let saved = money.and_then(|money| money.saved);
    [money.map_or_else(dash, |m| usd(m.usd_per_query)), saved.map_or_else(dash, percent)]
}

/// Areas under the cost-quality curves of the pair, with the single models and the oracle.
#[must_use]
pub fn cost_quality(result: &PairResult) -> Table {
    let Some(cost) = &result.facts.cost else { return Table::new("", Vec::new()) };
    let curve = |router: &PairRouter| {
        Some((router.origin, router.label(), router.metrics.cost_quality.as_ref()?.aiq))
    };
    let routers: Vec<_> = result.routers.iter().filter_map(curve).collect();
    tables::against_money("Cost and quality", cost, &routers, result.facts.score_scale)
}

/// Areas under the cost-quality curves of routers of many models.
#[must_use]
pub fn many_models(result: &PairResult) -> Table {
    tables::many_models(result.many_models.as_ref(), result.facts.score_scale)
}

/// APGR of every router on every benchmark.
pub(super) fn overview(results: &[PairResult]) -> Table {
    let apgr = |router: &PairRouter| router.metrics.apgr.map(three);
    tables::overview("APGR on every benchmark", results, |router| apgr(router).is_some(), apgr)
}

/// Predicted win rates against observed ones.
#[must_use]
pub fn reliability(router: &PairRouter) -> Table {
    let columns = vec![
        Column::text("bin"),
        Column::number("rows"),
        Column::number("predicted"),
        Column::number("(1 + strong - weak) / 2"),
        Column::number("strong wins outright"),
    ];
    let Some(found) = &router.metrics.reliability else { return Table::new("", columns) };
    let caption = format!(
        "Reliability of {}: expected calibration error {} against the gain, {} against outright wins",
        router.label(),
        three(found.error_gain),
        three(found.error_wins)
    );
    let mut table = Table::new(caption, columns);
    for (at, bin) in found.bins.iter().enumerate() {
        let cells = vec![
            (at + 1).to_string(),
            format::count(bin.rows),
            three(bin.predicted),
            three(bin.gain),
            three(bin.wins),
        ];
        table.push(RowClass::Ours, cells);
    }
    table
}

/// Results of a router by category.
#[must_use]
pub fn categories(result: &PairResult, router: &PairRouter) -> Table {
    let columns = vec![
        Column::text("category"),
        Column::number("rows"),
        Column::number("weak"),
        Column::number("strong"),
        Column::number("APGR"),
        Column::number("mean win rate"),
        Column::number("strong %"),
        Column::number("score"),
    ];
    let caption = format!(
        "Categories, {}: APGR within each; share and score at the threshold of half of all calls",
        router.label()
    );
    let mut table = Table::new(caption, columns);
    let score = |score: f64| format::score(score, result.facts.score_scale);
    for category in &router.metrics.categories {
        let cells = vec![
            category.name.clone(),
            format::count(category.rows),
            score(category.weak),
            score(category.strong),
            category.apgr.map_or_else(dash, three),
            three(category.mean_win_rate),
            percent(category.strong_share),
            score(category.score),
        ];
        table.push(RowClass::Ours, cells);
    }
    table
}
