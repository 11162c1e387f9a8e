//! Drawings of the report.

use super::OwnPrompts;
use super::tables::name;
use crate::eval::savings::{CurvePoint, Estimate, Measured, Policy};
use crate::report::charts::Figure;
use crate::report::format::count;
use crate::report::svg::Look;
use crate::report::svg::chart::{Axis, Chart, Series};

const WIDTH: f64 = 760.0;
const HALF: f64 = 370.0;

/// How a policy looks in every drawing.
fn look(policy: Policy) -> Look {
    match policy {
        Policy::Router => Look::Slot(0),
        Policy::Untrained => Look::Slot(1),
        Policy::Length => Look::Slot(2),
        Policy::Random => Look::Dotted,
        Policy::Oracle => Look::Dashed,
        Policy::AlwaysStrong => Look::Point(3),
        Policy::AlwaysWeak => Look::Point(4),
    }
}

/// Quality kept against money, or against the share of strong calls where costs are not known. The router's three
/// points have their intervals.
pub(super) fn kept_against_money(found: &OwnPrompts) -> Figure {
    let savings = &found.savings;
    let is_priced = savings.priced_rows == savings.rows;
    let strong = savings.fixed(Policy::AlwaysStrong).map_or(0.0, |m| m.quality);
    let kept = |quality: f64| if strong > 0.0 { 100.0 * quality / strong } else { 100.0 * quality };
    let x = |usd: Option<f64>, share: f64| match usd.filter(|_| is_priced) {
        Some(usd) => 1000.0 * usd,
        None => 100.0 * share,
    };
    let on_curve = |p: &CurvePoint| (x(p.usd_per_query, p.strong_share), kept(p.quality));
    let place = |m: &Measured| (x(m.usd_per_query, m.strong_share), kept(m.quality));
    let singles = [Policy::AlwaysWeak, Policy::AlwaysStrong];
    let ends: Vec<&Measured> = singles.iter().filter_map(|&p| savings.fixed(p)).collect();
    let mut series = vec![Series {
        label: name(found, Policy::Random),
        points: ends.iter().map(|m| place(m)).collect(),
        intervals: Vec::new(),
        look: look(Policy::Random),
        line: true,
        marks: false,
    }];
    for policy in [Policy::Oracle, Policy::Length, Policy::Untrained, Policy::Router] {
        let Some(curve) = savings.curves.iter().find(|curve| curve.policy == policy) else {
            continue;
        };
        series.push(Series {
            label: name(found, policy),
            points: curve.points.iter().map(on_curve).collect(),
            intervals: Vec::new(),
            look: look(policy),
            line: true,
            marks: false,
        });
    }
    let routed: Vec<&Measured> =
        savings.shares().iter().filter_map(|&s| savings.at(Policy::Router, s)).collect();
    let interval = |m: &&Measured| {
        let at = kept(m.quality);
        let ends = m.kept.and_then(|kept| kept.interval);
        ends.map_or((at, at), |ends| (100.0 * ends.low, 100.0 * ends.high))
    };
    if !routed.is_empty() {
        series.push(Series {
            label: "router at its thresholds, with 95 % intervals".into(),
            points: routed.iter().map(|m| place(m)).collect(),
            intervals: if strong > 0.0 {
                routed.iter().map(interval).collect()
            } else {
                Vec::new()
            },
            look: look(Policy::Router),
            line: false,
            marks: true,
        });
    }
    for measured in ends {
        series.push(Series {
            label: name(found, measured.policy),
            points: vec![place(measured)],
            intervals: Vec::new(),
            look: look(measured.policy),
            line: false,
            marks: true,
        });
    }
    let label = match is_priced {
        true => "USD per 1,000 requests",
        false => "requests sent to the strong LLM, %",
    };
    let caption = format!(
        "Quality kept against {}, {} held-out prompts. Up and to the left is better; the dotted line is what sending \
         requests at random reaches.",
        if is_priced { "money" } else { "strong calls" },
        count(savings.rows)
    );
    let (x, y) = (axis(label, &series, |p| p.0), axis("quality kept, %", &series, |p| p.1));
    let title = format!("{}: quality and money", found.name);
    chart("money", title, caption, (WIDTH, 340.0), (x, y), series)
}

/// Gains over chance at each share, with intervals: where one holds 0, nothing is shown.
pub(super) fn over_chance(found: &OwnPrompts) -> Option<Figure> {
    let caption =
        "Points of quality kept above chance. Where an interval crosses 0, nothing is shown.";
    let title = format!("{}: above chance", found.name);
    by_share(found, "chance", title, caption, "above chance, points", |m| m.over_chance)
}

/// Money saved at each share, with intervals.
pub(super) fn saved(found: &OwnPrompts) -> Option<Figure> {
    let strong = &found.savings.pair.strong;
    let caption = format!("Share of the cost of always {strong} that is saved.");
    let title = format!("{}: money saved", found.name);
    by_share(found, "saved", title, &caption, "money saved, %", |m| m.saved)
}

/// One value of the router, the untrained bundle and length at each share, as per cent.
fn by_share(
    found: &OwnPrompts,
    id: &str,
    title: String,
    caption: &str,
    label: &str,
    read: fn(&Measured) -> Option<Estimate>,
) -> Option<Figure> {
    let shares = found.savings.shares();
    let policies = [Policy::Length, Policy::Untrained, Policy::Router];
    let mut series = Vec::new();
    for (at, policy) in policies.into_iter().enumerate() {
        let known: Vec<(f64, Estimate)> = (shares.iter())
            .filter_map(|&share| Some((share, read(found.savings.at(policy, share)?)?)))
            .collect();
        // Set apart, so that intervals do not lie on each other.
        let shift = 2.0 * (at as f64 - 1.0);
        let ends = |estimate: &Estimate| {
            let ends = estimate.interval.map_or([estimate.value; 2], |i| [i.low, i.high]);
            (100.0 * ends[0], 100.0 * ends[1])
        };
        if !known.is_empty() {
            series.push(Series {
                label: name(found, policy),
                points: known.iter().map(|(s, e)| (100.0 * s + shift, 100.0 * e.value)).collect(),
                intervals: known.iter().map(|(_, estimate)| ends(estimate)).collect(),
                look: look(policy),
                line: true,
                marks: true,
            });
        }
    }
    if series.is_empty() {
        return None;
    }
    let zero = Series {
        label: String::new(),
        points: vec![(0.0, 0.0), (100.0, 0.0)],
        intervals: Vec::new(),
        look: Look::Dotted,
        line: true,
        marks: false,
    };
    series.insert(0, zero);
    let x = Axis { label: "asked share of strong calls, %".into(), low: 0.0, high: 100.0 };
    let y = axis(label, &series, |p| p.1);
    Some(chart(id, title, caption.to_owned(), (HALF, 260.0), (x, y), series))
}

/// An axis over all points and intervals, with room at its ends.
pub(in crate::report) fn axis(
    label: &str,
    series: &[Series],
    read: fn(&(f64, f64)) -> f64,
) -> Axis {
    let is_y = read(&(0.0, 1.0)) > 0.0;
    let points = series.iter().flat_map(|s| s.points.iter().map(read));
    let intervals = series.iter().flat_map(|s| s.intervals.iter().flat_map(|&(a, b)| [a, b]));
    let values: Vec<f64> = points.chain(intervals.filter(|_| is_y)).collect();
    let (low, high) = (
        values.iter().copied().fold(f64::MAX, f64::min),
        values.iter().copied().fold(f64::MIN, f64::max),
    );
    // Of one value only, the axis has a width all the same.
    let room = if high > low { 0.05 * (high - low) } else { 1.0 };
    Axis { label: label.to_owned(), low: low - room, high: high + room }
}

fn chart(
    id: &str,
    title: String,
    caption: String,
    (width, plot_height): (f64, f64),
    (x, y): (Axis, Axis),
    series: Vec<Series>,
) -> Figure {
    let id = id.to_owned();
    let description = caption.clone();
    let chart = Chart { id, title, description, width, plot_height, x, y, series };
    Figure { svg: chart.render(), caption }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::report::own_prompts::NoRouter;
    use crate::report::own_prompts::tests::{example, without_router};

    #[test]
    fn a_whole_report_has_all_drawings_and_one_without_a_router_the_first() {
        let found = example(120, 6);
        let all =
            [kept_against_money(&found), over_chance(&found).unwrap(), saved(&found).unwrap()];
        for figure in &all {
            assert!(figure.svg.contains("support &amp; sales") && !figure.svg.contains("NaN"));
        }
        // Three points, each a line and two ends.
        assert_eq!(all[0].svg.matches("class=\"interval\"").count(), 9);
        assert_eq!(all[1].svg.matches("class=\"interval\"").count(), 27);
        let bare = without_router(NoRouter::AllEqual);
        assert!((over_chance(&bare), saved(&bare)) == (None, None));
        assert!(!kept_against_money(&bare).svg.contains("NaN"));
    }

    #[test]
    fn without_prices_quality_is_drawn_against_strong_calls() {
        let mut found = example(120, 6);
        found.savings.priced_rows = 0;
        for measured in &mut found.savings.measured {
            (measured.usd_per_query, measured.saved) = (None, None);
        }
        assert!(kept_against_money(&found).svg.contains("requests sent to the strong LLM, %"));
        assert_eq!(saved(&found), None);
    }
}
