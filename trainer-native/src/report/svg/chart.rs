//! Draws lines and points over two axes, with a legend below.

use super::scale::Scale;
use super::{Anchor, Look, Svg, shortened, width_of};

#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Quantity with its unit. An axis without a label has no ticks either: only distances along it
    /// mean something.
    pub label: String,
    pub low: f64,
    /// Upper end; lines past it are cut off at the plot's edge.
    pub high: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Name in the legend.
    pub label: String,
    /// Points in the order in which they are joined.
    pub points: Vec<(f64, f64)>,
    /// Lower and upper end, along the y axis, of each point's interval; empty where none is drawn.
    pub intervals: Vec<(f64, f64)>,
    /// Colour, dash pattern, marker.
    pub look: Look,
    /// Whether a line joins the points.
    pub line: bool,
    /// Whether each point has its marker.
    pub marks: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// Unique on its page.
    pub id: String,
    pub title: String,
    pub description: String,
    pub width: f64,
    /// Height of the plot alone, in pixels.
    pub plot_height: f64,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// Series in drawing order; a later one lies on top.
    pub series: Vec<Series>,
}

/// Room for the y axis and its labels, and at the other edges.
const LEFT: f64 = 64.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 12.0;
/// Height between the plot and the legend, for tick labels and the axis label.
const BELOW: f64 = 58.0;
const LEGEND_LINE: f64 = 20.0;
/// Width of a legend's sample line and the space around it.
const SAMPLE: f64 = 44.0;

impl Chart {
    #[must_use]
    pub fn render(&self) -> String {
        let rows = self.legend_rows();
        let bottom = TOP + self.plot_height;
        let height = self.height_above_legend() + LEGEND_LINE * rows.len() as f64;
        let mut svg = Svg::new(&self.id, &self.title, &self.description, self.width, height);
        let right = self.width - RIGHT;
        let x = Scale::new((self.x.low, self.x.high), (LEFT, right));
        let y = Scale::new((self.y.low, self.y.high), (bottom, TOP));
        let size = (right - LEFT, self.plot_height);
        svg.rectangle("plot", (LEFT, TOP), size);
        self.axes(&mut svg, x, y, (right, bottom));
        let clip = svg.clip((LEFT, TOP), size);
        for series in &self.series {
            let place = |&(px, py): &(f64, f64)| (x.at(px), y.at(py));
            let points: Vec<(f64, f64)> = series.points.iter().map(place).collect();
            for (&(at, _), &(low, high)) in points.iter().zip(&series.intervals) {
                let (low, high) = (y.at(low).clamp(TOP, bottom), y.at(high).clamp(TOP, bottom));
                svg.line("interval", (at, low), (at, high));
                svg.line("interval", (at - 4.0, low), (at + 4.0, low));
                svg.line("interval", (at - 4.0, high), (at + 4.0, high));
            }
            if series.line {
                svg.polyline(series.look, &points, Some(&clip));
            }
            if series.marks {
                let inside = |&&(px, py): &&(f64, f64)| {
                    px >= LEFT - 0.5 && px <= right + 0.5 && py >= TOP - 0.5 && py <= bottom + 0.5
                };
                points.iter().filter(inside).for_each(|&point| svg.marker(series.look, point));
            }
        }
        for (row, entries) in rows.iter().enumerate() {
            let middle = self.height_above_legend() + LEGEND_LINE * (row as f64 + 0.3);
            for &(at, series) in entries {
                if series.line {
                    svg.polyline(series.look, &[(at, middle), (at + 30.0, middle)], None);
                }
                if series.marks {
                    svg.marker(series.look, (at + 15.0, middle));
                }
                let label = shortened(&series.label, self.longest_label());
                svg.text("tick", Anchor::Start, (at + 36.0, middle + 4.0), &label);
            }
        }
        svg.finish()
    }

    /// Width and height of the drawing, in pixels.
    #[must_use]
    pub fn size(&self) -> (f64, f64) {
        let legend = LEGEND_LINE * self.legend_rows().len() as f64;
        (self.width, self.height_above_legend() + legend)
    }

    fn height_above_legend(&self) -> f64 {
        let below = if self.x.label.is_empty() { 24.0 } else { BELOW };
        TOP + self.plot_height + below
    }

    fn axes(&self, svg: &mut Svg, x: Scale, y: Scale, (right, bottom): (f64, f64)) {
        let named = |axis: &Axis, ticks| match axis.label.is_empty() {
            true => (Vec::new(), 0),
            false => ticks,
        };
        let (ticks, decimals) = named(&self.x, x.ticks(((right - LEFT) / 60.0) as usize));
        for tick in ticks {
            let at = x.at(tick);
            svg.line("grid", (at, TOP), (at, bottom));
            svg.text("tick", Anchor::Middle, (at, bottom + 18.0), &format!("{tick:.decimals$}"));
        }
        let (ticks, decimals) = named(&self.y, y.ticks((self.plot_height / 50.0) as usize));
        for tick in ticks {
            let at = y.at(tick);
            svg.line("grid", (LEFT, at), (right, at));
            svg.text("tick", Anchor::End, (LEFT - 8.0, at + 4.0), &format!("{tick:.decimals$}"));
        }
        svg.line("axis", (LEFT, bottom), (right, bottom));
        svg.line("axis", (LEFT, TOP), (LEFT, bottom));
        let middle = f64::midpoint(LEFT, right);
        svg.text("axis-label", Anchor::Middle, (middle, bottom + 38.0), &self.x.label);
        svg.upward_text((16.0, f64::midpoint(TOP, bottom)), &self.y.label);
    }

    fn longest_label(&self) -> usize {
        ((self.width - LEFT - SAMPLE) / width_of("x")) as usize
    }

    /// The legend's entries by row, each with the x where it begins; a row takes as many as fit.
    fn legend_rows(&self) -> Vec<Vec<(f64, &Series)>> {
        let mut rows: Vec<Vec<(f64, &Series)>> = Vec::new();
        let mut next = f64::INFINITY;
        for series in self.series.iter().filter(|series| !series.label.is_empty()) {
            let width = SAMPLE + width_of(&shortened(&series.label, self.longest_label()));
            if next + width > self.width {
                rows.push(Vec::new());
                next = LEFT;
            }
            if let Some(row) = rows.last_mut() {
                row.push((next, series));
            }
            next += width + 8.0;
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(labels: &[&str]) -> Chart {
        let axis = |label: &str| Axis { label: label.into(), low: 0.0, high: 1.0 };
        let series = |(at, label): (usize, &&str)| Series {
            label: (*label).to_owned(),
            points: vec![(0.0, 0.0), (0.5, 3.0), (1.0, 1.0)],
            intervals: Vec::new(),
            look: Look::Slot(at),
            line: true,
            marks: true,
        };
        Chart {
            id: "c".into(),
            title: "t".into(),
            description: "d".into(),
            width: 400.0,
            plot_height: 200.0,
            x: axis("x"),
            y: axis("y"),
            series: labels.iter().enumerate().map(series).collect(),
        }
    }

    #[test]
    fn legends_stay_within_the_drawing() {
        let long =
            "a router with a name that nobody would want to read in full, and yet here it is";
        let chart = chart(&["mf", "bert", "sw-ranking", "query length", long, "oracle"]);
        let rows = chart.legend_rows();
        assert!(rows.len() > 1);
        for (at, series) in rows.iter().flatten() {
            let label = shortened(&series.label, chart.longest_label());
            assert!(at + SAMPLE + width_of(&label) <= chart.width, "{label}");
        }
        assert_eq!(rows.iter().map(Vec::len).sum::<usize>(), 6);
    }

    #[test]
    fn points_past_the_axis_have_no_marker_and_a_clipped_line() {
        let text = chart(&["mf"]).render();
        // Two in the plot, one in the legend.
        assert_eq!(text.matches("<circle").count(), 3);
        assert!(text.contains("clip-path=\"url(#c-clip)\""));
        assert!(!text.contains("NaN") && !text.contains("inf"));
    }

    #[test]
    fn an_axis_without_a_label_has_no_ticks() {
        let mut bare = chart(&["mf"]);
        let ticks = |chart: &Chart| chart.render().matches("class=\"grid\"").count();
        let both = ticks(&bare);
        bare.x.label.clear();
        let one = ticks(&bare);
        bare.y.label.clear();
        assert!(both > one && one > 0 && ticks(&bare) == 0, "{both}, {one}");
    }

    #[test]
    fn an_interval_is_drawn_within_the_plot() {
        let mut chart = chart(&["mf"]);
        chart.series[0].intervals = vec![(-0.5, 0.25), (0.5, 9.0), (0.5, 1.0)];
        let text = chart.render();
        assert_eq!(text.matches("class=\"interval\"").count(), 9);
        // From 0.25 down to the plot's edge, where -0.5 would lie below it.
        assert!(text.contains("x1=\"64.0\" y1=\"212.0\" x2=\"64.0\" y2=\"162.0\""), "{text}");
    }

    #[test]
    fn the_size_is_that_of_the_drawing() {
        let chart = chart(&["mf", "bert", "sw-ranking", "query length", "oracle"]);
        let (width, height) = chart.size();
        let viewed = format!("viewBox=\"0 0 {width:.0} {height:.0}\"");
        assert!(chart.render().contains(&viewed));
    }
}
