//! A drawing in a file of its own: panels under a title, over a note, with its own colours.
//!
//! A figure of a page takes the page's colours, light or dark. A sheet contains the same rules with
//! the light colours filled in, on its own background, so that the drawing looks the same in a
//! browser, in a document and as PNG.
//!
//! ```
//! use pointsman_trainer::report::svg::Look;
//! use pointsman_trainer::report::svg::chart::{Axis, Chart, Series};
//! use pointsman_trainer::report::svg::sheet::{Panel, Sheet};
//!
//! let axis = |label: &str| Axis { label: label.into(), low: 0.0, high: 1.0 };
//! let line = Series {
//!     label: "mine".into(),
//!     points: vec![(0.0, 0.2), (1.0, 0.9)],
//!     intervals: Vec::new(),
//!     look: Look::Slot(0),
//!     line: true,
//!     marks: true,
//! };
//! let chart = Chart {
//!     id: "a".into(),
//!     title: "Learning".into(),
//!     description: "rises".into(),
//!     width: 400.0,
//!     plot_height: 200.0,
//!     x: axis("share of steps"),
//!     y: axis("score"),
//!     series: vec![line],
//! };
//! let panels = vec![Panel { heading: String::new(), chart }];
//! let sheet = Sheet { title: "Learning".into(), note: "Seed 1.".into(), panels, columns: 1 };
//! assert!(sheet.svg("learning").contains("<style>"));
//! ```

use super::chart::Chart;
use super::{Anchor, Svg, width_of};

/// The rules that pages and sheets share.
const RULES: &str = include_str!("drawing.css");

/// The page's light colours, by the names that the rules use.
const LIGHT: [(&str, &str); 14] = [
    ("page", "#ffffff"),
    ("ink", "#1b1f24"),
    ("soft", "#565f69"),
    ("plot", "#fbfcfd"),
    ("grid", "#e4e8ec"),
    ("c0", "#0065a3"),
    ("c1", "#c04e00"),
    ("c2", "#007a5a"),
    ("c3", "#a8478a"),
    ("c4", "#8a6400"),
    ("c5", "#4b4fc4"),
    ("muted", "#68717b"),
    ("bar", "#7fb0d6"),
    ("edge", "#d4d9df"),
];

const MARGIN: f64 = 16.0;
const TITLE: f64 = 30.0;
const HEADING: f64 = 24.0;
const LINE: f64 = 18.0;

/// One chart of a sheet.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// Heading that distinguishes it from other panels; empty for a single panel.
    pub heading: String,
    /// The drawing; its id is unique on the sheet.
    pub chart: Chart,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// Title, shown above the panels.
    pub title: String,
    /// Note on what was measured and how, shown below the panels.
    pub note: String,
    /// Panels in reading order.
    pub panels: Vec<Panel>,
    /// Number of panels side by side, at least one.
    pub columns: usize,
}

impl Sheet {
    /// The sheet as an SVG file; `id` names its parts.
    #[must_use]
    pub fn svg(&self, id: &str) -> String {
        let columns = self.columns.clamp(1, self.panels.len().max(1));
        let sizes: Vec<(f64, f64)> = self.panels.iter().map(|panel| panel.chart.size()).collect();
        let widest = sizes.iter().map(|size| size.0).fold(0.0, f64::max);
        let width = 2.0 * MARGIN + columns as f64 * widest;
        let has_heading = self.panels.iter().any(|panel| !panel.heading.is_empty());
        let heading = if has_heading { HEADING } else { 0.0 };
        let title = wrapped(&self.title, (width - 2.0 * MARGIN) / 1.4);
        let note = wrapped(&self.note, width - 2.0 * MARGIN);
        let heights: Vec<f64> = sizes
            .chunks(columns)
            .map(|row| heading + row.iter().map(|size| size.1).fold(0.0, f64::max))
            .collect();
        let above = MARGIN + TITLE * title.len() as f64;
        let below = above + heights.iter().sum::<f64>();
        let height = below + LINE * note.len() as f64 + MARGIN;
        let mut svg = Svg::new(id, &self.title, &self.note, width, height);
        svg.style(&rules());
        svg.rectangle("page", (0.0, 0.0), (width, height));
        for (at, line) in title.iter().enumerate() {
            let y = MARGIN + 16.0 + TITLE * at as f64;
            svg.text("title", Anchor::Start, (MARGIN, y), line);
        }
        let mut top = above;
        for (row, &height) in self.panels.chunks(columns).zip(&heights) {
            for (at, panel) in row.iter().enumerate() {
                let left = MARGIN + at as f64 * widest;
                let place = (left + 64.0, top + 16.0);
                svg.text("heading", Anchor::Start, place, &panel.heading);
                svg.place((left, top + heading), &panel.chart.render());
            }
            top += height;
        }
        for (at, line) in note.iter().enumerate() {
            let y = below + LINE * (at as f64 + 0.7);
            svg.text("note", Anchor::Start, (MARGIN, y), line);
        }
        svg.finish()
    }
}

/// The shared rules with the light colours in place of their names.
fn rules() -> String {
    let put = |rules: String, (name, colour): &(&str, &str)| {
        rules.replace(&format!("var(--{name})"), colour)
    };
    LIGHT.iter().fold(RULES.to_owned(), put)
}

/// Breaks text into lines of whole words, each at most about `width` pixels wide.
fn wrapped(text: &str, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width_of(line) + width_of(" ") + width_of(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::Look;
    use super::super::chart::{Axis, Series};
    use super::*;

    pub(crate) fn example(panels: usize) -> Sheet {
        let panel = |at: usize| {
            let axis = |label: &str| Axis { label: label.into(), low: 0.0, high: 1.0 };
            let series = Series {
                label: format!("series {at}"),
                points: vec![(0.0, 0.2), (1.0, 0.9)],
                intervals: Vec::new(),
                look: Look::Slot(at),
                line: true,
                marks: true,
            };
            let chart = Chart {
                id: format!("p{at}"),
                title: "t".into(),
                description: "d".into(),
                width: 300.0,
                plot_height: 150.0,
                x: axis("x axis"),
                y: axis("y axis"),
                series: vec![series],
            };
            Panel { heading: format!("panel {at}"), chart }
        };
        Sheet {
            title: "A & B".into(),
            note: "what was measured, and how many times over ".repeat(4),
            panels: (0..panels).map(panel).collect(),
            columns: 2,
        }
    }

    #[test]
    fn a_sheet_brings_the_colours_of_the_page() {
        let page = include_str!("../style.css");
        let (light, _) = page.split_once('}').unwrap_or_default();
        for (name, colour) in LIGHT {
            assert!(light.contains(&format!("--{name}: {colour};")), "{name}");
        }
        let text = example(1).svg("s");
        assert!(text.contains("<style>") && !text.contains("var("));
    }

    #[test]
    fn every_panel_and_every_word_is_on_it() {
        let sheet = example(3);
        let text = sheet.svg("s");
        for at in 0..3 {
            assert!(text.contains(&format!(">panel {at}</text>")));
            assert!(text.contains(&format!(">series {at}</text>")));
        }
        assert!(text.contains(">A &amp; B</text>") && text.contains("A &amp; B</title>"));
        assert!(text.contains("viewBox=\"0 0 632 "));
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let lines = wrapped(&sheet.note, 200.0);
        assert!(lines.iter().all(|line| width_of(line) <= 200.0) && lines.len() > 4);
        assert_eq!(words(&lines.join(" ")), words(&sheet.note));
    }

    #[test]
    fn an_empty_sheet_is_no_mistake() {
        assert!(!example(0).svg("s").contains("NaN"));
    }
}
