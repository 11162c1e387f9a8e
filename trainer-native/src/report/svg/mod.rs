//! Draws SVG that stands in the page, takes its colours, and needs no script.
//!
//! [`chart`] draws lines and points over two axes, [`bars`] one line for each category; [`scale`]
//! places ticks. A drawing in a file of its own stands on a [`sheet`], which adds the colours, and
//! [`png`] renders that. Every drawing has a title and a description for screen readers. Series
//! differ in colour (a palette for the colour-blind, set in the page's style), dash pattern and
//! marker at once; the legend stands below the plot, so that no label covers a line.

pub mod bars;
pub mod chart;
mod escape;
pub mod png;
pub mod scale;
pub mod sheet;

use std::fmt::Write as _;

use escape::escape;

/// Upper estimate of the width of a character of the labels' 12 px type, by which labels are
/// placed.
const CHARACTER: f64 = 6.6;

/// About how wide a label is drawn, in pixels.
#[must_use]
pub fn width_of(label: &str) -> f64 {
    label.chars().count() as f64 * CHARACTER
}

/// A label cut to at most `most` characters, with a mark where it was cut.
#[must_use]
pub fn shortened(label: &str, most: usize) -> String {
    if label.chars().count() <= most {
        return label.to_owned();
    }
    let mut short: String = label.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Which part of a text is at its given position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// Number of markers: six shapes, filled and hollow.
pub const MARKERS: usize = 12;

/// How a series looks: slot 0 to 5 of the palette, the muted colour of comparisons, or a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// A colour, dash pattern and marker of its own; slots past 5 repeat with hollow markers.
    Slot(usize),
    Dotted,
    Dashed,
    /// A single point in the colour of the text, with the marker of this slot.
    Point(usize),
}

impl Look {
    /// Its style class.
    fn class(self) -> String {
        match self {
            Self::Slot(slot) => format!("s{}{}", slot % 6, hollow(slot)),
            Self::Dotted | Self::Dashed => "muted".to_owned(),
            Self::Point(slot) => format!("ink{}", hollow(slot)),
        }
    }

    fn dash(self) -> &'static str {
        match self {
            Self::Slot(slot) => ["", "8 3", "4 2", "10 3 2 3", "5 5", "12 3 2 3 2 3"]
                .get(slot % 6)
                .copied()
                .unwrap_or(""),
            Self::Dotted => "1 4",
            Self::Dashed => "7 4",
            Self::Point(_) => "",
        }
    }
}

/// The style class of a marker past the sixth.
fn hollow(slot: usize) -> &'static str {
    if slot % MARKERS < 6 { "" } else { " hollow" }
}

#[derive(Debug, Clone)]
pub struct Svg {
    width: f64,
    height: f64,
    id: String,
    title: String,
    description: String,
    body: String,
}

impl Svg {
    /// An empty drawing; `id` is unique on its page.
    #[must_use]
    pub fn new(id: &str, title: &str, description: &str, width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            id: id.to_owned(),
            title: title.to_owned(),
            description: description.to_owned(),
            body: String::new(),
        }
    }

    /// A straight line of a style class.
    pub fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let _ = writeln!(
            self.body,
            "<line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
            from.0, from.1, to.0, to.1
        );
    }

    /// A line through points in the look of a series, cut at the clip path's edge if one is named.
    pub fn polyline(&mut self, look: Look, points: &[(f64, f64)], clip: Option<&str>) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let dash = match look.dash() {
            "" => String::new(),
            dash => format!(" stroke-dasharray=\"{dash}\""),
        };
        let clip = clip.map_or_else(String::new, |id| format!(" clip-path=\"url(#{id})\""));
        let (class, points) = (look.class(), points.join(" "));
        let _ = writeln!(
            self.body,
            "<polyline class=\"line {class}\"{dash}{clip} points=\"{points}\"/>"
        );
    }

    /// The marker of a series: each slot has another shape.
    pub fn marker(&mut self, look: Look, (x, y): (f64, f64)) {
        let class = look.class();
        let slot = match look {
            Look::Slot(slot) | Look::Point(slot) => slot % 6,
            Look::Dotted | Look::Dashed => 0,
        };
        let polygon = |corners: &[(f64, f64)]| {
            let corners: Vec<String> =
                corners.iter().map(|(dx, dy)| format!("{:.1},{:.1}", x + dx, y + dy)).collect();
            format!("<polygon class=\"mark {class}\" points=\"{}\"/>", corners.join(" "))
        };
        let shape = match slot {
            1 => polygon(&[(-3.2, -3.2), (3.2, -3.2), (3.2, 3.2), (-3.2, 3.2)]),
            2 => polygon(&[(0.0, -4.4), (4.0, 3.0), (-4.0, 3.0)]),
            3 => polygon(&[(0.0, -4.6), (4.6, 0.0), (0.0, 4.6), (-4.6, 0.0)]),
            4 => polygon(&[(0.0, 4.4), (4.0, -3.0), (-4.0, -3.0)]),
            5 => polygon(&[(-4.4, -1.6), (0.0, -4.6), (4.4, -1.6), (2.8, 3.8), (-2.8, 3.8)]),
            _ => format!("<circle class=\"mark {class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.4\"/>"),
        };
        self.body.push_str(&shape);
        self.body.push('\n');
    }

    /// A filled rectangle of a style class.
    pub fn rectangle(&mut self, class: &str, (x, y): (f64, f64), (width, height): (f64, f64)) {
        let _ = writeln!(
            self.body,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
            width.max(0.0),
            height.max(0.0)
        );
    }

    pub fn circle(&mut self, class: &str, (x, y): (f64, f64), radius: f64) {
        let _ = writeln!(
            self.body,
            "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\"/>"
        );
    }

    /// A label; `y` is its base line.
    pub fn text(&mut self, class: &str, anchor: Anchor, (x, y): (f64, f64), label: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let label = escape(label);
        let _ = writeln!(
            self.body,
            "<text class=\"{class}\" text-anchor=\"{anchor}\" x=\"{x:.1}\" y=\"{y:.1}\">{label}</text>"
        );
    }

    /// A label that reads upwards, centred at the given position.
    pub fn upward_text(&mut self, (x, y): (f64, f64), label: &str) {
        let label = escape(label);
        let _ = writeln!(
            self.body,
            "<text class=\"axis-label\" text-anchor=\"middle\" transform=\"translate({x:.1} {y:.1}) rotate(-90)\">{label}</text>"
        );
    }

    /// A clip path around a rectangle; returns its id.
    pub fn clip(&mut self, (x, y): (f64, f64), (width, height): (f64, f64)) -> String {
        let id = format!("{}-clip", self.id);
        let _ = writeln!(
            self.body,
            "<clipPath id=\"{id}\"><rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/></clipPath>"
        );
        id
    }

    /// Places another drawing with its upper left corner at the given position.
    pub fn place(&mut self, (x, y): (f64, f64), drawing: &str) {
        let _ = writeln!(self.body, "<g transform=\"translate({x:.1} {y:.1})\">\n{drawing}</g>");
    }

    /// Adds style rules for every class of the drawing, for files outside a page.
    pub fn style(&mut self, rules: &str) {
        let _ = writeln!(self.body, "<style>\n{rules}</style>");
    }

    #[must_use]
    pub fn finish(self) -> String {
        let Self { width, height, id, title, description, body } = self;
        let (title, description) = (escape(&title), escape(&description));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\" \
             viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\">\n\
             <title id=\"{id}-t\">{title}</title>\n<desc id=\"{id}-d\">{description}</desc>\n{body}</svg>\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_names_itself_and_escapes_its_labels() {
        let mut svg = Svg::new("f1", "A & B", "what it shows", 100.0, 50.0);
        svg.text("tick", Anchor::End, (3.0, 4.0), "<1>");
        let text = svg.finish();
        assert!(
            text.contains("aria-labelledby=\"f1-t f1-d\"") && text.contains("A &amp; B</title>")
        );
        assert!(text.contains("&lt;1&gt;</text>"));
    }

    #[test]
    fn long_labels_are_cut_with_a_mark() {
        assert_eq!(shortened("professional_law", 8), "profess…");
        assert_eq!(shortened("law", 8), "law");
    }
}
