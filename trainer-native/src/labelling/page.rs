//! The learning curve as a page and as a drawing.

use std::fmt::Write as _;

use super::estimate::Spread;
use super::summary::{LearningCurve, Point, Series, Spreads};
use crate::report::figure::{Panel, Sheet};
use crate::report::format::{DASH, count, short_percent, three};
use crate::report::svg::Look;
use crate::report::svg::chart::{Axis, Chart, Series as Line};
use crate::report::table::{Column, RowClass, Table};

impl LearningCurve {
    /// The tables in Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let facts = &self.facts;
        let mut text = format!("# Learning curve: {} over {}\n\n", facts.strong, facts.weak);
        let _ = writeln!(text, "{}\n", self.note());
        for series in &self.series {
            let _ =
                writeln!(text, "Labels by `{}`. {}\n", series.strategy.name(), series.verdict());
        }
        let _ = writeln!(text, "{}", self.table().markdown());
        text
    }

    fn note(&self) -> String {
        let facts = &self.facts;
        format!(
            "On the bundle {}; {} of {} distinct questions held out, whole groups that share a text, drawn anew for each of {} \
             seeds. Mean scores: strong {:.3}, weak {:.3}. Means over seeds with standard deviations; {} rows lack a score of \
             either LLM, {} ask what an earlier row asks.",
            facts.base,
            count(facts.held_out.round() as usize),
            count(facts.questions),
            facts.seeds,
            facts.strong_score,
            facts.weak_score,
            facts.without_pair,
            facts.repeated,
        )
    }

    /// One row a number of labels, and the baselines.
    #[must_use]
    pub fn table(&self) -> Table {
        let kept =
            format!("quality kept at {} % strong, %", short_percent(self.facts.strong_share));
        let columns = vec![
            Column::text("router"),
            Column::number("labels"),
            Column::number("APGR"),
            Column::number("AUC"),
            Column::number(&kept),
            Column::number("mean over shares, %"),
            Column::number("gain"),
            Column::number("corrected"),
        ];
        let mut table = Table::new("Learning curve", columns);
        for (name, spreads) in
            [("random", &self.random), ("query length", &self.length), ("oracle", &self.oracle)]
        {
            table.push(RowClass::Baseline, cells(name, None, spreads, None));
        }
        for point in self.series.iter().take(1).flat_map(|series| &series.points) {
            let labels = Some(point.labels);
            table.push(RowClass::Baseline, cells("kNN", labels, &point.neighbours, None));
        }
        table.push(RowClass::Baseline, cells("untrained bundle", None, &self.untrained, None));
        for series in &self.series {
            for point in &series.points {
                let learnt = Some((point, self.facts.seeds));
                let name = self.name(series);
                table.push(RowClass::Ours, cells(&name, Some(point.labels), &point.router, learnt));
            }
        }
        table
    }

    fn name(&self, series: &Series) -> String {
        match self.series.len() {
            1 => "trained".to_owned(),
            _ => format!("trained, {}", series.strategy.name()),
        }
    }

    /// APGR, AUC and quality kept over the number of labels.
    #[must_use]
    pub fn sheet(&self) -> Sheet {
        type Read = fn(&Spreads) -> Option<&Spread>;
        let kept =
            format!("quality kept at {} % strong calls, %", short_percent(self.facts.strong_share));
        let metrics: [(&str, Read, f64); 4] = [
            ("quality kept, mean over shares of strong calls, %", |s| Some(&s.mean_kept), 100.0),
            ("average performance gap recovered (APGR)", |s| Some(&s.apgr), 1.0),
            ("AUC of \"the weak LLM suffices\"", |s| s.auc.as_ref(), 1.0),
            (&kept, |s| Some(&s.kept), 100.0),
        ];
        let panels = metrics.iter().enumerate().map(|(at, (label, read, scale))| Panel {
            heading: String::new(),
            chart: self.chart(&format!("learning-curve-{at}"), label, *read, *scale),
        });
        Sheet {
            title: format!("Learning curve: {} over {}", self.facts.strong, self.facts.weak),
            note: format!("{} Bars are standard deviations.", self.note()),
            panels: panels.collect(),
            columns: 2,
        }
    }

    fn chart(
        &self,
        id: &str,
        label: &str,
        read: fn(&Spreads) -> Option<&Spread>,
        scale: f64,
    ) -> Chart {
        let mean = |spreads: &Spreads| read(spreads).map(|spread| scale * spread.mean);
        let largest = self
            .series
            .iter()
            .flat_map(|series| series.points.last())
            .map(|point| point.labels)
            .max();
        let right = largest.unwrap_or(1) as f64;
        let level = |name: &str, look, spreads: &Spreads| {
            mean(spreads).map(|value| Line {
                label: name.to_owned(),
                points: vec![(0.0, value), (right, value)],
                intervals: Vec::new(),
                look,
                line: true,
                marks: false,
            })
        };
        let mut lines: Vec<Line> = Vec::new();
        lines.extend(level("random", Look::Dotted, &self.random));
        lines.extend(level("untrained bundle", Look::Dashed, &self.untrained));
        lines.extend(level("query length", Look::Slot(5), &self.length));
        let mut learnt = |name: String,
                          slot: usize,
                          series: &Series,
                          of: fn(&Point) -> &Spreads,
                          bars: bool| {
            let found: Vec<(f64, &Spread)> = series
                .points
                .iter()
                .filter_map(|point| Some((point.labels as f64, read(of(point))?)))
                .collect();
            let bar = |(_, spread): &(f64, &Spread)| {
                (scale * (spread.mean - spread.deviation), scale * (spread.mean + spread.deviation))
            };
            lines.push(Line {
                label: name,
                points: found.iter().map(|(x, spread)| (*x, scale * spread.mean)).collect(),
                intervals: if bars { found.iter().map(bar).collect() } else { Vec::new() },
                look: Look::Slot(slot),
                line: true,
                marks: true,
            });
        };
        for (slot, series) in self.series.iter().enumerate() {
            learnt(self.name(series), slot, series, |point| &point.router, self.series.len() == 1);
        }
        if let Some(series) = self.series.first() {
            learnt("kNN".into(), 4, series, |point| &point.neighbours, false);
        }
        let ends = lines.iter().flat_map(|line| {
            line.points
                .iter()
                .map(|point| point.1)
                .chain(line.intervals.iter().flat_map(|i| [i.0, i.1]))
        });
        let (low, high) =
            ends.fold((f64::MAX, f64::MIN), |(low, high), y| (low.min(y), high.max(y)));
        let room = 0.05 * (high - low).max(1e-3);
        let oracle = mean(&self.oracle)
            .map_or_else(String::new, |value| format!(" The oracle has {}.", three(value)));
        Chart {
            id: id.to_owned(),
            title: label.to_owned(),
            description: format!(
                "{label} on held-out questions against the number of labels.{oracle}"
            ),
            width: 560.0,
            plot_height: 260.0,
            x: Axis { label: "labels".into(), low: 0.0, high: right },
            y: Axis { label: label.to_owned(), low: low - room, high: high + room },
            series: lines,
        }
    }
}

/// A row of the table; `learnt` are what a router learnt and the number of seeds.
fn cells(
    name: &str,
    labels: Option<usize>,
    spreads: &Spreads,
    learnt: Option<(&Point, usize)>,
) -> Vec<String> {
    let dash = || DASH.to_owned();
    vec![
        name.to_owned(),
        labels.map_or_else(dash, count),
        with_deviation(&spreads.apgr, 1.0),
        spreads.auc.as_ref().map_or_else(dash, |auc| with_deviation(auc, 1.0)),
        with_deviation(&spreads.kept, 100.0),
        with_deviation(&spreads.mean_kept, 100.0),
        learnt.map_or_else(dash, |(point, _)| format!("{:+.2}", 100.0 * point.gain.spread.mean)),
        learnt.map_or_else(dash, |(point, seeds)| format!("{} of {seeds}", point.corrected)),
    ]
}

/// `0.612 ± 0.014`.
fn with_deviation(spread: &Spread, scale: f64) -> String {
    match scale > 1.0 {
        true => format!("{:.2} ± {:.2}", scale * spread.mean, scale * spread.deviation),
        false => format!("{} ± {}", three(spread.mean), three(spread.deviation)),
    }
}
