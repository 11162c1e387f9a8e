//! Drawings of one benchmark: their series and captions.

use super::format::{self, three, usd};
use super::svg::Look;
use super::svg::bars::{Bar, Bars};
use super::svg::chart::{Axis, Chart, Series};
use crate::eval::PairResult;
use crate::eval::cost_quality::many_models::ManyModels;
use crate::eval::cost_quality::{CostComparison, CostPoint, CostQuality, hull};
use crate::eval::pair::PairRouter;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    pub svg: String,
    pub caption: String,
}

const WIDTH: f64 = 760.0;

/// Highest PGR of the plot; the oracle's curve may leave it.
const HIGHEST_PGR: f64 = 1.8;

fn line(label: &str, look: Look, points: Vec<(f64, f64)>) -> Series {
    let label = label.to_owned();
    Series { label, points, intervals: Vec::new(), look, line: true, marks: false }
}

/// The judged routers and learned baselines, each with its slot of the palette.
fn curves(result: &PairResult) -> impl Iterator<Item = (Look, &PairRouter)> {
    let with_curve =
        result.routers.iter().filter(|r| !r.metrics.curve.is_empty() && r.kind != "oracle");
    with_curve.enumerate().map(|(slot, router)| (Look::Slot(slot), router))
}

/// PGR against the share of strong calls, with the random diagonal and the oracle.
#[must_use]
pub fn gap_recovered(result: &PairResult, id: &str) -> Figure {
    let points = |router: &PairRouter| -> Vec<(f64, f64)> {
        router
            .metrics
            .curve
            .iter()
            .map(|p| (100.0 * p.strong_share, result.facts.pgr(p.score)))
            .collect()
    };
    let mut series = vec![line("random", Look::Dotted, vec![(0.0, 0.0), (100.0, 1.0)])];
    let mut entries = Vec::new();
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    let mut oracle_top = None;
    if let Some(oracle) = result.routers.iter().find(|router| router.kind == "oracle") {
        let points = points(oracle);
        oracle_top = points.iter().map(|p| p.1).reduce(f64::max);
        high = oracle_top.map_or(high, |top| (top + 0.05).clamp(high, HIGHEST_PGR));
        series.push(line("oracle", Look::Dashed, points));
    }
    for (look, router) in curves(result) {
        let points = points(router);
        low = points.iter().map(|p| p.1).fold(low, f64::min);
        high = points.iter().map(|p| p.1 + 0.05).fold(high, f64::max);
        entries.push(format!(
            "{} {}",
            router.label(),
            router.metrics.apgr.map_or_else(String::new, three)
        ));
        series.push(Series { marks: true, ..line(&router.label(), look, points) });
    }
    let past = oracle_top.filter(|&top| top > high).map_or_else(String::new, |top| {
        format!(" The oracle leaves the plot; its highest PGR is {top:.2}.")
    });
    let caption = format!(
        "Performance gap recovered against the share of strong calls, at the deciles of each \
         router's win rates. 0 is the weak model, 1 the strong one; the dotted diagonal is chance.{past}"
    );
    let chart = Chart {
        id: id.to_owned(),
        title: format!("{}: performance gap recovered", result.benchmark.name),
        description: format!("{caption} APGR: {}.", entries.join("; ")),
        width: WIDTH,
        plot_height: 460.0,
        x: Axis { label: "strong calls, %".into(), low: 0.0, high: 100.0 },
        y: Axis { label: "performance gap recovered (PGR)".into(), low, high },
        series,
    };
    Figure { svg: chart.render(), caption }
}

/// Predicted win rate against both observations, one drawing for each router.
#[must_use]
pub fn reliability(result: &PairResult, id: &str) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (_, router) in curves(result) {
        let Some(found) = &router.metrics.reliability else { continue };
        let gain = found.bins.iter().map(|bin| (bin.predicted, bin.gain)).collect();
        let wins = found.bins.iter().map(|bin| (bin.predicted, bin.wins)).collect();
        let marked = |label: &str, slot, points| Series {
            marks: true,
            ..line(label, Look::Slot(slot), points)
        };
        let caption = format!(
            "{}: expected calibration error {} (gain), {} (outright wins)",
            router.label(),
            three(found.error_gain),
            three(found.error_wins)
        );
        let axis = |label: &str| Axis { label: label.into(), low: 0.0, high: 1.0 };
        let chart = Chart {
            id: format!("{id}-{}", figures.len()),
            title: format!("{}: reliability of {}", result.benchmark.name, router.label()),
            description: format!(
                "Mean predicted win rate against what was observed, in {} bins of equal count. {caption}.",
                found.bins.len()
            ),
            width: 370.0,
            plot_height: 288.0,
            x: axis("predicted win rate"),
            y: axis("observed"),
            series: vec![
                line("as predicted", Look::Dotted, vec![(0.0, 0.0), (1.0, 1.0)]),
                marked("mean of (1 + strong - weak) / 2", 0, gain),
                marked("share of outright wins", 1, wins),
            ],
        };
        figures.push(Figure { svg: chart.render(), caption });
    }
    figures
}

/// Quality against cost for routers of the pair; `None` where no costs are known.
#[must_use]
pub fn cost_quality(result: &PairResult, id: &str) -> Option<Figure> {
    let cost = result.facts.cost.as_ref()?;
    let curve = |(look, router): (Look, &PairRouter)| {
        Some((router.label(), look, router.metrics.cost_quality.clone()?))
    };
    let routers: Vec<_> = curves(result).filter_map(curve).collect();
    let (chart, caption) =
        against_money(&result.benchmark.name, result.facts.score_scale, cost, &routers, id);
    Some(Figure { svg: chart.render(), caption })
}

/// Quality against cost for routers of many models; `None` where none were evaluated.
#[must_use]
pub fn many_models(result: &PairResult, id: &str) -> Option<Figure> {
    let many = result.many_models.as_ref()?;
    Some(of_many_models(&result.benchmark.name, result.facts.score_scale, many, id))
}

/// Quality against cost for routers of many models on any benchmark; a score of 1 is displayed as
/// `score_scale`.
#[must_use]
pub fn of_many_models(benchmark: &str, score_scale: f64, many: &ManyModels, id: &str) -> Figure {
    let (chart, caption) = chart_of_many_models(benchmark, score_scale, many, id);
    Figure { svg: chart.render(), caption }
}

/// The chart of [`of_many_models`], and its caption.
#[must_use]
pub fn chart_of_many_models(
    benchmark: &str,
    score_scale: f64,
    many: &ManyModels,
    id: &str,
) -> (Chart, String) {
    let routers: Vec<_> = many
        .routers
        .iter()
        .enumerate()
        .map(|(slot, r)| (r.origin.label(&r.name), Look::Slot(slot), r.cost_quality.clone()))
        .collect();
    against_money(benchmark, score_scale, &many.comparison, &routers, id)
}

fn against_money(
    benchmark: &str,
    score_scale: f64,
    cost: &CostComparison,
    routers: &[(String, Look, CostQuality)],
    id: &str,
) -> (Chart, String) {
    let scale = if score_scale == 1.0 { 100.0 } else { score_scale };
    let place = |point: &CostPoint| (1000.0 * point.usd, scale * point.score);
    let places = |points: &[CostPoint]| points.iter().map(place).collect::<Vec<_>>();
    let singles: Vec<CostPoint> = cost.singles.iter().map(|single| single.point).collect();
    let mut oracle = hull(&cost.oracle.points);
    // Right of its best point a hull is level.
    if let Some(&best) = oracle.last().filter(|best| best.usd < cost.range.high) {
        oracle.push(CostPoint { usd: cost.range.high, ..best });
    }
    let mut series = vec![
        line("zero router (mix of the single models)", Look::Dotted, places(&hull(&singles))),
        line("oracle", Look::Dashed, places(&oracle)),
    ];
    let mut entries = vec![
        format!("zero router {}", three(cost.zero_router_aiq)),
        format!("oracle {}", three(cost.oracle.aiq)),
    ];
    for (label, look, curve) in routers {
        entries.push(format!("{label} {}", three(curve.aiq)));
        series.push(Series { marks: true, ..line(label, *look, places(&curve.points)) });
    }
    for (at, single) in cost.singles.iter().enumerate() {
        series.push(Series {
            line: false,
            marks: true,
            ..line(&single.name, Look::Point(at + 2), vec![place(&single.point)])
        });
    }
    let all = || series.iter().flat_map(|series| &series.points);
    let ends = |read: fn(&(f64, f64)) -> f64| {
        let values = || all().map(read);
        let (low, high) = (values().fold(f64::MAX, f64::min), values().fold(f64::MIN, f64::max));
        let room = 0.05 * (high - low);
        (low - room, high + room)
    };
    let ((left, right), (bottom, top)) = (ends(|p| p.0), ends(|p| p.1));
    let caption = format!(
        "Mean score against money, {} rows of known cost. AIQ, the area under the hull from {} to \
         {} USD a query: {}.",
        format::count(cost.priced_rows),
        usd(cost.range.low),
        usd(cost.range.high),
        entries.join("; ")
    );
    let unit = if score_scale == 1.0 { "score, %" } else { "score" };
    let chart = Chart {
        id: id.to_owned(),
        title: format!("{benchmark}: cost and quality"),
        description: caption.clone(),
        width: WIDTH,
        plot_height: 340.0,
        x: Axis { label: "USD per 1,000 queries".into(), low: left.max(0.0), high: right },
        y: Axis { label: unit.into(), low: bottom, high: top },
        series,
    };
    (chart, caption)
}

/// The categories of a router, those with the largest gap first; `None` for a router without categories.
#[must_use]
pub fn categories(result: &PairResult, router: &PairRouter, id: &str) -> Option<Figure> {
    if router.metrics.categories.is_empty() {
        return None;
    }
    let scale = if result.facts.score_scale == 1.0 { 100.0 } else { result.facts.score_scale };
    let mut sorted: Vec<_> = router.metrics.categories.iter().collect();
    sorted.sort_by(|a, b| (b.strong - b.weak).total_cmp(&(a.strong - a.weak)));
    let bar = |category: &&crate::eval::pair::categories::Category| Bar {
        label: category.name.clone(),
        share: 100.0 * category.strong_share,
        weak: scale * category.weak,
        routed: scale * category.score,
        strong: scale * category.strong,
    };
    let caption = format!(
        "{} at the threshold that sends half of all queries to the strong model, by category; \
         those where the strong model gains most stand first.",
        router.label()
    );
    let bars = Bars {
        id: id.to_owned(),
        title: format!("{}: categories, {}", result.benchmark.name, router.label()),
        description: caption.clone(),
        share_label: "strong calls, %".into(),
        score_label: if result.facts.score_scale == 1.0 { "score, %" } else { "score" }.into(),
        bars: sorted.iter().map(bar).collect(),
    };
    Some(Figure { svg: bars.render(), caption })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::eval::pair::build::tests::example;

    #[test]
    fn every_figure_of_a_full_result_is_drawn() {
        let result = example();
        let all = [
            vec![gap_recovered(&result, "a")],
            reliability(&result, "b"),
            vec![cost_quality(&result, "c").unwrap()],
            vec![categories(&result, &result.routers[0], "d").unwrap()],
            vec![many_models(&result, "e").unwrap()],
        ]
        .concat();
        // mine and kNN have reliability; query length gives no probabilities.
        assert_eq!(all.len(), 6);
        for figure in &all {
            assert!(figure.svg.starts_with("<svg") && !figure.caption.is_empty());
            assert!(!figure.svg.contains("NaN") && !figure.svg.contains("inf\""), "{}", figure.svg);
            assert!(figure.svg.contains("Made up &lt;MMLU&gt;"));
        }
    }

    #[test]
    fn what_is_not_known_is_not_drawn() {
        let mut result = example();
        result.facts.cost = None;
        result.many_models = None;
        result.routers[0].metrics.categories.clear();
        assert_eq!((cost_quality(&result, "c"), many_models(&result, "e")), (None, None));
        assert_eq!(categories(&result, &result.routers[0], "d"), None);
    }
}
