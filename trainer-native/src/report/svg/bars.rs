//! Draws one line for each category: the share of strong calls as a bar, and beside it the scores
//! of the weak model, the router and the strong model.

use super::scale::Scale;
use super::{Anchor, Svg, shortened, width_of};

#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    pub label: String,
    /// Share of strong calls, in per cent.
    pub share: f64,
    /// Score of the weak model, on the display scale.
    pub weak: f64,
    /// Score of the router.
    pub routed: f64,
    /// Score of the strong model.
    pub strong: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Bars {
    /// Unique on its page.
    pub id: String,
    pub title: String,
    pub description: String,
    /// Heading of the left panel.
    pub share_label: String,
    /// Heading of the right panel.
    pub score_label: String,
    /// Categories from top to bottom.
    pub bars: Vec<Bar>,
}

const WIDTH: f64 = 760.0;
const LINE: f64 = 18.0;
const TOP: f64 = 62.0;
const BOTTOM: f64 = 28.0;
/// Most characters shown of a category's name.
const NAME: usize = 34;
const GAP: f64 = 40.0;
const RIGHT: f64 = 20.0;

impl Bars {
    #[must_use]
    pub fn render(&self) -> String {
        let bottom = TOP + LINE * self.bars.len() as f64;
        let mut svg = Svg::new(&self.id, &self.title, &self.description, WIDTH, bottom + BOTTOM);
        let names = self.bars.iter().map(|bar| width_of(&shortened(&bar.label, NAME)));
        let left = names.fold(60.0, f64::max) + 16.0;
        let panel = (WIDTH - left - GAP - RIGHT) / 2.0;
        let share = Scale::new((0.0, 100.0), (left, left + panel));
        let scores = || self.bars.iter().flat_map(|bar| [bar.weak, bar.routed, bar.strong]);
        let ends = (scores().fold(f64::MAX, f64::min), scores().fold(f64::MIN, f64::max));
        let room = 0.04 * (ends.1 - ends.0);
        let score_left = left + panel + GAP;
        let score = Scale::new((ends.0 - room, ends.1 + room), (score_left, score_left + panel));
        svg.text("axis-label", Anchor::Start, (left, 16.0), &self.share_label);
        svg.text("axis-label", Anchor::Start, (score_left, 16.0), &self.score_label);
        legend(&mut svg, score_left);
        for (scale, from) in [(share, left), (score, score_left)] {
            let (ticks, decimals) = scale.ticks(4);
            for tick in ticks {
                let at = scale.at(tick);
                svg.line("grid", (at, TOP - 6.0), (at, bottom));
                svg.text(
                    "tick",
                    Anchor::Middle,
                    (at, bottom + 18.0),
                    &format!("{tick:.decimals$}"),
                );
            }
            svg.line("axis", (from, TOP - 6.0), (from, bottom));
        }
        for (at, bar) in self.bars.iter().enumerate() {
            let middle = TOP + LINE * (at as f64 + 0.5);
            let name = shortened(&bar.label, NAME);
            svg.text("tick", Anchor::End, (left - 8.0, middle + 4.0), &name);
            let height = LINE - 6.0;
            svg.rectangle(
                "bar",
                (left, middle - height / 2.0),
                (share.at(bar.share) - left, height),
            );
            let (weak, strong) = (score.at(bar.weak), score.at(bar.strong));
            svg.line("span", (weak, middle), (strong, middle));
            svg.circle("weak", (weak, middle), 4.0);
            svg.circle("strong", (strong, middle), 4.0);
            routed(&mut svg, (score.at(bar.routed), middle));
        }
        svg.finish()
    }
}

fn legend(svg: &mut Svg, left: f64) {
    let middle = 38.0;
    svg.circle("weak", (left + 5.0, middle), 4.0);
    svg.text("tick", Anchor::Start, (left + 14.0, middle + 4.0), "weak");
    routed(svg, (left + 62.0, middle));
    svg.text("tick", Anchor::Start, (left + 70.0, middle + 4.0), "routed");
    svg.circle("strong", (left + 128.0, middle), 4.0);
    svg.text("tick", Anchor::Start, (left + 137.0, middle + 4.0), "strong");
}

/// The router's score: an upright stroke.
fn routed(svg: &mut Svg, (x, y): (f64, f64)) {
    svg.line("routed", (x, y - 6.0), (x, y + 6.0));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_category_has_its_line() {
        let bar = |label: &str, share| Bar {
            label: label.into(),
            share,
            weak: 50.0,
            routed: 60.0,
            strong: 70.0,
        };
        let bars = Bars {
            id: "b".into(),
            title: "t".into(),
            description: "d".into(),
            share_label: "share".into(),
            score_label: "score".into(),
            bars: vec![bar("law", 0.0), bar("a & b", 100.0)],
        };
        let text = bars.render();
        assert_eq!(text.matches("class=\"bar\"").count(), 2);
        assert!(text.contains("a &amp; b</text>") && !text.contains("NaN"));
        // One score for all: a range of no width.
        let flat = Bars { bars: vec![Bar { weak: 60.0, strong: 60.0, ..bar("one", 5.0) }], ..bars };
        assert!(!flat.render().contains("NaN"));
    }
}
