//! The learning curve over all seeds, and what it says: how many labels are enough, and whether more would help.

use serde::{Deserialize, Serialize};

use super::curve::{Learnt, OfSeed, Settings};
use super::estimate::{Range, Spread};
use super::score::Scores;
use super::select::Strategy;

/// A learning curve with what it was measured on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LearningCurve {
    pub facts: Facts,
    /// The bundle without labels.
    pub untrained: Spreads,
    pub length: Spreads,
    pub random: Spreads,
    pub oracle: Spreads,
    /// One a strategy.
    pub series: Vec<Series>,
}

/// What a curve was measured on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Name of the bundle.
    pub base: String,
    /// Name of the file or folder of outcomes.
    pub data: String,
    pub data_sha256: String,
    pub strong: String,
    pub weak: String,
    /// Mean scores, in [0, 1], over all questions.
    pub strong_score: f64,
    pub weak_score: f64,
    /// Distinct questions with scores of both LLMs.
    pub questions: usize,
    /// Rows without a score of either.
    pub without_pair: usize,
    /// Rows that ask what an earlier row asks.
    pub repeated: usize,
    /// Rows held out, and rows left for labels; the mean over seeds.
    pub held_out: f64,
    pub available: f64,
    pub first_seed: u64,
    pub seeds: usize,
    pub strong_share: f64,
}

/// Scores over seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spreads {
    pub apgr: Spread,
    /// Over the seeds that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auc: Option<Spread>,
    /// Quality kept at the share of strong calls.
    pub kept: Spread,
    /// Quality kept, averaged over shares.
    pub mean_kept: Spread,
}

/// The curve of one strategy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    pub strategy: Strategy,
    pub points: Vec<Point>,
    /// By how much the quality kept, averaged over shares, rises with each doubling of the labels, from a quarter of the largest number on; absent
    /// where only one number lies there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_doubling: Option<Gain>,
    /// The first strategy, and the quality kept, averaged over shares and numbers of labels, less that of the first
    /// strategy; absent for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_first: Option<(Strategy, Gain)>,
}

/// What one number of labels gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub labels: usize,
    pub router: Spreads,
    pub neighbours: Spreads,
    /// Seeds in which the labels taught a correction of the pair.
    pub corrected: usize,
    /// Quality kept, averaged over shares, less that of the untrained bundle.
    pub gain: Gain,
}

/// A difference over seeds, with its interval unless there is one seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gain {
    pub spread: Spread,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<Range>,
}

impl Spreads {
    fn of<'a>(scores: impl Iterator<Item = &'a Scores> + Clone) -> Self {
        let aucs: Vec<f64> = scores.clone().filter_map(|scores| scores.auc).collect();
        Self {
            apgr: Spread::of(scores.clone().map(|scores| scores.apgr).collect()),
            auc: (!aucs.is_empty()).then(|| Spread::of(aucs)),
            kept: Spread::of(scores.clone().map(|scores| scores.kept).collect()),
            mean_kept: Spread::of(scores.map(|scores| scores.mean_kept).collect()),
        }
    }
}

impl LearningCurve {
    /// Puts the seeds together; `facts` get what the seeds say of the rows.
    #[must_use]
    pub fn of(mut facts: Facts, settings: &Settings, seeds: &[OfSeed]) -> Self {
        let mean = |of: fn(&OfSeed) -> usize| {
            seeds.iter().map(|seed| of(seed) as f64).sum::<f64>() / seeds.len().max(1) as f64
        };
        (facts.held_out, facts.available) =
            (mean(|seed| seed.held_out), mean(|seed| seed.available));
        let ratio = facts.held_out / facts.available;
        let mut series: Vec<Series> = Vec::new();
        for (at, &strategy) in settings.strategies.iter().enumerate() {
            let point = |(place, &labels): (usize, &usize)| {
                let learnt: Vec<&Learnt> =
                    seeds.iter().filter_map(|seed| seed.learnt.get(at)?.get(place)).collect();
                let gains = seeds.iter().zip(&learnt);
                let gains =
                    gains.map(|(seed, learnt)| learnt.router.mean_kept - seed.untrained.mean_kept);
                Point {
                    labels,
                    router: Spreads::of(learnt.iter().map(|learnt| &learnt.router)),
                    neighbours: Spreads::of(learnt.iter().map(|learnt| &learnt.neighbours)),
                    corrected: learnt.iter().filter(|learnt| learnt.is_corrected).count(),
                    gain: Gain::of(gains.collect(), ratio),
                }
            };
            let points: Vec<Point> = settings.labels.iter().enumerate().map(point).collect();
            let over = |first: &Series| {
                let means =
                    mean_over_labels(&points).into_iter().zip(mean_over_labels(&first.points));
                (first.strategy, Gain::of(means.map(|(own, first)| own - first).collect(), ratio))
            };
            let over_first = series.first().map(over);
            let per_doubling = slopes(&points).map(|slopes| Gain::of(slopes, ratio));
            series.push(Series { strategy, points, per_doubling, over_first });
        }
        Self {
            untrained: Spreads::of(seeds.iter().map(|seed| &seed.untrained)),
            length: Spreads::of(seeds.iter().map(|seed| &seed.length)),
            random: Spreads::of(seeds.iter().map(|seed| &seed.random)),
            oracle: Spreads::of(seeds.iter().map(|seed| &seed.oracle)),
            series,
            facts,
        }
    }
}

/// The gain over the untrained bundle, averaged over the numbers of labels, seed by seed.
fn mean_over_labels(points: &[Point]) -> Vec<f64> {
    let mut sums: Vec<f64> = Vec::new();
    for point in points {
        let gains = &point.gain.spread.values;
        sums.resize(gains.len(), 0.0);
        sums.iter_mut().zip(gains).for_each(|(sum, gain)| *sum += gain / points.len() as f64);
    }
    sums
}

/// The slope of the quality kept over the logarithm of labels, seed by seed.
fn slopes(points: &[Point]) -> Option<Vec<f64>> {
    let largest = points.last()?.labels;
    let late: Vec<&Point> = points.iter().filter(|point| 4 * point.labels >= largest).collect();
    let x: Vec<f64> = late.iter().map(|point| (point.labels as f64).log2()).collect();
    let centre = x.iter().sum::<f64>() / x.len() as f64;
    let square: f64 = x.iter().map(|x| (x - centre).powi(2)).sum();
    if square <= 0.0 {
        return None;
    }
    let seeds = late.first()?.router.mean_kept.values.len();
    let of_seed = |seed: usize| {
        let value =
            |point: &Point| point.router.mean_kept.values.get(seed).copied().unwrap_or_default();
        late.iter().zip(&x).map(|(point, x)| (x - centre) * value(point)).sum::<f64>() / square
    };
    Some((0..seeds).map(of_seed).collect())
}

impl Gain {
    fn of(values: Vec<f64>, ratio: f64) -> Self {
        let spread = Spread::of(values);
        Self { range: spread.range(ratio), spread }
    }

    /// In percentage points, with the interval.
    fn points(&self) -> String {
        let mean = 100.0 * self.spread.mean;
        match self.range {
            Some(Range { low, high }) => {
                format!("{mean:+.2} points [{:+.2}, {:+.2}]", 100.0 * low, 100.0 * high)
            }
            None => format!("{mean:+.2} points, of one seed"),
        }
    }

    fn is_shown(&self) -> bool {
        self.range.is_some_and(|range| range.low > 0.0)
    }

    fn is_loss(&self) -> bool {
        self.range.is_some_and(|range| range.high < 0.0)
    }
}

impl Series {
    /// What the curve says, in words.
    #[must_use]
    pub fn verdict(&self) -> String {
        let Some((last, others)) = self.points.split_last() else { return String::new() };
        let mut text = format!(
            "{} labels change the quality kept, averaged over all shares of strong calls, by {} from the untrained \
             bundle's: ",
            last.labels,
            last.gain.points()
        );
        text += &match (last.gain.is_shown(), last.gain.is_loss()) {
            (true, _) if others.is_empty() => "a gain is shown.".to_owned(),
            (true, _) => format!("a gain is shown, of which {}.", shares(others, last)),
            (_, true) => "a loss is shown.".to_owned(),
            _ => "no gain is shown.".to_owned(),
        };
        if let Some(slope) = &self.per_doubling {
            let from = self.points.iter().find(|point| 4 * point.labels >= last.labels);
            text += &format!(
                " From {} to {} labels it rises by {} with each doubling: ",
                from.map_or(0, |point| point.labels),
                last.labels,
                slope.points()
            );
            text += match (slope.is_shown(), slope.is_loss()) {
                (true, _) => "more labels would help.",
                (_, true) => "more labels would not help.",
                _ => "whether more labels would help is not shown.",
            };
        }
        if let Some((first, gain)) = &self.over_first {
            text += &format!(
                " Over `{}`, averaged over the numbers of labels: {}, ",
                first.name(),
                gain.points()
            );
            text += match (gain.is_shown(), gain.is_loss()) {
                (true, _) => "better.",
                (_, true) => "worse.",
                _ => "no difference is shown.",
            };
        }
        text
    }
}

/// Which shares of the last point's gain the others reach.
fn shares(others: &[Point], last: &Point) -> String {
    let share = |point: &Point| {
        let share = 100.0 * point.gain.spread.mean / last.gain.spread.mean;
        format!("{} labels reach {share:.0} %", point.labels)
    };
    others.iter().map(share).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gain(mean: f64, half: f64) -> Gain {
        let spread = Spread { mean, deviation: half, values: vec![mean; 3] };
        Gain { spread, range: Some(Range { low: mean - half, high: mean + half }) }
    }

    fn series(gains: &[(usize, f64)], half: f64, slope: (f64, f64)) -> Series {
        let spreads = |kept: f64| Spreads {
            apgr: Spread::of(vec![0.6; 3]),
            auc: None,
            kept: Spread::of(vec![0.9; 3]),
            mean_kept: Spread::of(vec![kept; 3]),
        };
        let point = |&(labels, mean): &(usize, f64)| Point {
            labels,
            router: spreads(0.5 + mean),
            neighbours: spreads(0.5),
            corrected: 3,
            gain: gain(mean, half),
        };
        let points: Vec<Point> = gains.iter().map(point).collect();
        Series {
            strategy: Strategy::Random,
            points,
            per_doubling: Some(gain(slope.0, slope.1)),
            over_first: None,
        }
    }

    #[test]
    fn the_verdict_says_what_is_shown_and_what_is_not() {
        let more = series(&[(50, 0.02), (200, 0.04)], 0.01, (0.01, 0.005)).verdict();
        assert_eq!(
            more,
            "200 labels change the quality kept, averaged over all shares of strong calls, by +4.00 points [+3.00, \
             +5.00] from the untrained bundle's: a gain is shown, of which 50 labels reach 50 %. From 50 to 200 labels it \
             rises by +1.00 points [+0.50, +1.50] with each doubling: more labels would help."
        );
        let open = series(&[(50, 0.02), (200, 0.02)], 0.05, (0.0, 0.01)).verdict();
        assert!(open.contains(": no gain is shown. ") && !open.contains("reach"), "{open}");
        assert!(open.ends_with("whether more labels would help is not shown."), "{open}");
        let mut loss = series(&[(50, 0.01), (200, -0.06)], 0.05, (-0.02, 0.01));
        loss.over_first = Some((Strategy::Clusters, gain(-0.02, 0.01)));
        let text = loss.verdict();
        assert!(
            text.contains(": a loss is shown.") && text.contains("more labels would not help."),
            "{text}"
        );
        assert!(text.ends_with("Over `clusters`, averaged over the numbers of labels: -2.00 points [-3.00, -1.00], worse."));
    }

    #[test]
    fn the_slope_is_that_of_the_numbers_from_a_quarter_of_the_largest() {
        let points =
            series(&[(25, 0.5), (100, 0.0), (200, 0.02), (400, 0.04)], 0.0, (0.0, 0.0)).points;
        let found = slopes(&points).unwrap_or_default();
        assert!(
            found.len() == 3 && found.iter().all(|slope| (slope - 0.02).abs() < 1e-12),
            "{found:?}"
        );
        assert_eq!(slopes(&points[..1]), None);
    }
}
