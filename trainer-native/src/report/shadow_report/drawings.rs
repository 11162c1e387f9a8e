//! Drawings of the report.

use super::ShadowReport;
use super::verdict::setting;
use crate::eval::shadow::{CurvePoint, Kept};
use crate::report::charts::Figure;
use crate::report::format::{count, short_percent};
use crate::report::own_prompts::drawings::axis;
use crate::report::svg::Look;
use crate::report::svg::chart::{Axis, Chart, Series};

const WIDTH: f64 = 760.0;
/// Share of verdicts, the first ones, to which the axis of the confidence sequence is not fitted.
const EARLY: f64 = 0.1;
/// Most parts of the traffic that are drawn, each with a marker of its own.
const PARTS: usize = 12;

fn line(label: &str, points: Vec<(f64, f64)>, look: Look) -> Series {
    Series { label: label.into(), points, intervals: Vec::new(), look, line: true, marks: false }
}

fn marks(label: String, points: Vec<(f64, f64)>, intervals: Vec<(f64, f64)>, look: Look) -> Series {
    Series { label, points, intervals, look, line: false, marks: true }
}

/// The bound, from one end of the x axis to the other.
fn bound(found: &ShadowReport, (low, high): (f64, f64)) -> Series {
    let at = 100.0 * found.measured.least_kept;
    let label = format!("{} % to keep", short_percent(found.measured.least_kept));
    line(&label, vec![(low, at), (high, at)], Look::Dotted)
}

/// Quality kept against money saved by threshold; against requests sent to the weak LLM where costs are not known.
pub(super) fn kept_against_saved(found: &ShadowReport) -> Figure {
    let measured = &found.measured;
    let is_priced = measured.priced_rows > 0 && measured.curve.iter().all(|at| at.saved.is_some());
    let x = |saved: Option<f64>, strong: f64| match saved.filter(|_| is_priced) {
        Some(saved) => 100.0 * saved,
        None => 100.0 * (1.0 - strong),
    };
    let on_curve = |at: &CurvePoint, kept: f64| (x(at.saved, at.strong_share), 100.0 * kept);
    let curve = |read: fn(&CurvePoint) -> f64| -> Vec<(f64, f64)> {
        measured.curve.iter().map(|at| on_curve(at, read(at))).collect()
    };
    let place = |kept: &Kept| {
        (x(kept.saved.map(|saved| saved.value), kept.strong_share), 100.0 * kept.kept.value)
    };
    let interval = |kept: &Kept| (100.0 * kept.kept.low, 100.0 * kept.kept.high);
    let at_any_time = measured.at_setting.kept_at_any_time;
    let mut series = vec![
        line("by threshold", curve(|at| at.kept.value), Look::Slot(0)),
        line("95 % of one look", curve(|at| at.kept.low), Look::Dashed),
        line("", curve(|at| at.kept.high), Look::Dashed),
    ];
    if !measured.at_shares.is_empty() {
        let points = measured.at_shares.iter().map(place).collect();
        let intervals = measured.at_shares.iter().map(interval).collect();
        series.push(marks("shares, 95 % of one look".into(), points, intervals, Look::Slot(1)));
    }
    series.push(marks(
        format!("{}, 95 % at any time", setting(found, measured.at_setting.setting)),
        vec![place(&measured.at_setting)],
        vec![(100.0 * at_any_time.low, 100.0 * at_any_time.high)],
        Look::Slot(2),
    ));
    let label = match is_priced {
        true => "money saved, %",
        false => "requests sent to the weak LLM, %",
    };
    let x = axis(label, &series, |p| p.0);
    series.push(bound(found, (x.low, x.high)));
    let y = axis("quality kept, %", &series, |p| p.1);
    let caption = format!(
        "Quality kept against {}, by {} comparisons of live requests. Up and to the right is better.",
        if is_priced { "money saved" } else { "requests sent to the weak LLM" },
        count(measured.rows)
    );
    chart("kept", format!("{}: quality and money", found.bundle.name), caption, (x, y), series)
}

/// The confidence sequence after each number of verdicts.
pub(super) fn over_time(found: &ShadowReport) -> Figure {
    let looks = &found.measured.looks;
    let of = |read: &dyn Fn(&crate::eval::shadow::Look) -> f64| -> Vec<(f64, f64)> {
        looks.iter().map(|look| (look.verdicts as f64, 100.0 * read(look))).collect()
    };
    let last = found.measured.rows as f64;
    let series = vec![
        bound(found, (0.0, last)),
        line("95 % at any time", of(&|look| look.at_any_time.low), Look::Dashed),
        line("", of(&|look| look.at_any_time.high), Look::Dashed),
        line("estimate", of(&|look| look.kept), Look::Slot(0)),
    ];
    let caption = format!(
        "Quality kept {} after each verdict, in the order of time. The bound is shown to hold once the whole band lies \
         above it.",
        setting(found, found.measured.at_setting.setting)
    );
    // The first verdicts tell next to nothing: their band would hide the later one.
    let late = |series: &Series| {
        let mut late = series.clone();
        late.points.retain(|point| point.0 >= EARLY * last);
        late
    };
    let x = Axis { label: "verdicts".into(), low: 0.0, high: last.max(1.0) };
    let y = axis("quality kept, %", &series.iter().map(late).collect::<Vec<_>>(), |p| p.1);
    chart("time", format!("{}: evidence over time", found.bundle.name), caption, (x, y), series)
}

/// Quality kept on each part of the traffic; `None` where it is not divided.
pub(super) fn by_part(found: &ShadowReport) -> Option<Figure> {
    let mut parts: Vec<_> = found.measured.slices.iter().collect();
    parts.sort_by(|a, b| b.share.total_cmp(&a.share));
    parts.truncate(PARTS);
    if parts.is_empty() {
        return None;
    }
    let all = (parts.len() + 1) as f64;
    let mut series = vec![bound(found, (0.0, all))];
    for (at, part) in parts.iter().enumerate() {
        let kept = &part.found.kept;
        series.push(marks(
            format!("{} {}", part.slice.kind, part.slice.name),
            vec![((at + 1) as f64, 100.0 * kept.value)],
            vec![(100.0 * kept.low, 100.0 * kept.high)],
            Look::Slot(at),
        ));
    }
    let caption = format!(
        "Quality kept by part of the traffic, the largest first, {}, with 95 % intervals of one look.",
        setting(found, found.measured.at_setting.setting)
    );
    let x = Axis { label: String::new(), low: 0.0, high: all };
    let y = axis("quality kept, %", &series, |p| p.1);
    Some(chart(
        "parts",
        format!("{}: parts of the traffic", found.bundle.name),
        caption,
        (x, y),
        series,
    ))
}

fn chart(
    id: &str,
    title: String,
    caption: String,
    (x, y): (Axis, Axis),
    series: Vec<Series>,
) -> Figure {
    let (id, description) = (id.to_owned(), caption.clone());
    let chart = Chart { id, title, description, width: WIDTH, plot_height: 300.0, x, y, series };
    Figure { svg: chart.render(), caption }
}
