//! Facts and tables that results of both forms have.

use super::format::{self, DASH, short_percent, three, usd};
use super::table::{Column, RowClass, Table};
use crate::eval::cost_quality::CostComparison;
use crate::eval::cost_quality::many_models::{ManyModelRouter, ManyModels};
use crate::eval::{Entry, Evaluated, Form, Origin};

/// A fact about a benchmark, as name and value.
pub type Fact = (&'static str, String);

/// The facts about a benchmark: `first`, then what was left out, how intervals were drawn (`over`
/// which rows), where published rows are from, the data and the notes.
pub(super) fn facts<F: Form>(
    result: &Evaluated<F>,
    first: Vec<Fact>,
    over: &str,
    published: Option<String>,
) -> Vec<Fact> {
    let (benchmark, bootstrap) = (&result.benchmark, &result.bootstrap);
    let leaks = benchmark.leaks_removed;
    let mut facts = first;
    facts.push((
        "Removed as leaks",
        leaks.map_or_else(|| "not looked for".to_owned(), format::count),
    ));
    facts.push(("Bad rows left out", format::count(benchmark.bad_rows)));
    facts.push((
        "Intervals",
        format!(
            "{} %, percentile bootstrap over {over}, {} resamples, seed {}",
            short_percent(bootstrap.level),
            format::count(bootstrap.resamples),
            bootstrap.seed
        ),
    ));
    facts.extend(published.map(|text| ("Published rows", text)));
    facts.extend(benchmark.data_sha256.clone().map(|sha256| ("SHA-256 of the data", sha256)));
    facts.extend(result.notes.iter().map(|note| ("Note", note.clone())));
    facts
}

/// The differences of each `shown` router from the others that it was compared with. `value` shows a
/// difference, `end` an end of its interval.
pub(super) fn differences<F: Form>(
    result: &Evaluated<F>,
    heading: &str,
    shown: impl Fn(&Entry<F::Metrics>) -> bool,
    value: fn(f64) -> String,
    end: fn(f64) -> String,
) -> Table {
    let columns = vec![
        Column::text("router"),
        Column::text("against"),
        Column::number(heading),
        Column::number("interval"),
        Column::text("zero lies outside"),
    ];
    let mut table = Table::new("Paired differences on the same resamples", columns);
    for found in &result.differences {
        let pair = result.routers.get(found.router).zip(result.routers.get(found.against));
        if let Some((a, b)) = pair.filter(|(a, _)| shown(a)) {
            let outside = found.interval.map(|i| if i.excludes_zero() { "yes" } else { "no" });
            let cells = vec![
                a.label(),
                b.label(),
                value(found.difference),
                or_dash(found.interval, |interval| format::interval(&interval, end)),
                or_dash(outside, str::to_owned),
            ];
            table.push(class(a), cells);
        }
    }
    table
}

/// One value of every router that is `shown`, on every benchmark.
pub(super) fn overview<F: Form>(
    caption: &str,
    results: &[Evaluated<F>],
    shown: impl Fn(&Entry<F::Metrics>) -> bool,
    value: impl Fn(&Entry<F::Metrics>) -> Option<String>,
) -> Table {
    let mut columns = vec![Column::text("router")];
    columns.extend(results.iter().map(|result| Column::number(&result.benchmark.name)));
    let mut table = Table::new(caption, columns);
    let mut names: Vec<(RowClass, String)> = Vec::new();
    for router in results.iter().flat_map(|result| &result.routers).filter(|router| shown(router)) {
        if !names.iter().any(|(_, name)| *name == router.label()) {
            names.push((class(router), router.label()));
        }
    }
    // The sort is stable: within a class the order of first appearance stays.
    names.sort_by_key(|(class, _)| *class != RowClass::Ours);
    for (class, name) in names {
        let mut cells = vec![name.clone()];
        cells.extend(results.iter().map(|result| {
            let found = result.routers.iter().find(|router| router.label() == name);
            found.and_then(&value).unwrap_or_else(dash)
        }));
        table.push(class, cells);
    }
    table
}

/// Areas under the curves of cost and quality of routers of many models, where costs are known.
pub(super) fn many_models(many: Option<&ManyModels>, score_scale: f64) -> Table {
    let Some(many) = many else { return Table::new("", Vec::new()) };
    let curve = |r: &ManyModelRouter| (r.origin, r.origin.label(&r.name), r.cost_quality.aiq);
    let routers: Vec<_> = many.routers.iter().map(curve).collect();
    let caption = format!("Cost and quality over {} models", many.comparison.singles.len());
    against_money(&caption, &many.comparison, &routers, score_scale)
}

/// Areas under curves of cost and quality, with the single models and the oracle.
pub(super) fn against_money(
    caption: &str,
    cost: &CostComparison,
    routers: &[(Origin, String, f64)],
    scale: f64,
) -> Table {
    let columns = vec![
        Column::text("router"),
        Column::number("AIQ"),
        Column::number("USD a query"),
        Column::number("score"),
    ];
    let mut table = Table::new(caption, columns);
    for (origin, label, aiq) in routers {
        let baseline = *origin == Origin::Baseline;
        let class = if baseline { RowClass::Baseline } else { RowClass::Ours };
        table.push(class, vec![label.clone(), three(*aiq), dash(), dash()]);
    }
    let zero = three(cost.zero_router_aiq);
    let baseline = |name: &str, aiq: String| vec![name.to_owned(), aiq, dash(), dash()];
    table.push(RowClass::Baseline, baseline("zero router (mix of the single models)", zero));
    table.push(RowClass::Baseline, baseline("oracle", three(cost.oracle.aiq)));
    for single in &cost.singles {
        let score = format::score(single.point.score, scale);
        let cells = vec![single.name.clone(), dash(), usd(single.point.usd), score];
        table.push(RowClass::Baseline, cells);
    }
    table
}

/// The class of a measured router's row.
pub(super) fn class<M>(router: &Entry<M>) -> RowClass {
    if router.is_router() { RowClass::Ours } else { RowClass::Baseline }
}

pub(super) fn or_dash<T>(value: Option<T>, show: impl Fn(T) -> String) -> String {
    value.map_or_else(dash, show)
}

pub(super) fn dash() -> String {
    DASH.to_owned()
}
