//! What the demands are learnt from: queries with how hard they are, source by source.

use super::features::Penalty;
use crate::data::OutcomeRow;
use crate::dataset::{Prepared, share_up_to};
use crate::linear::item_response::difficulties;
use crate::linear::moments;
use crate::recipe::{DemandPenalty, DifficultyRecipe};

/// A query with a target of one demand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target<'a> {
    pub query: &'a str,
    /// z-score among the targets of its source; larger is harder.
    pub value: f64,
    /// Weight in the loss.
    pub weight: f64,
}

impl Target<'_> {
    /// The values and the weights of targets.
    pub(super) fn values_and_weights(targets: &[Self]) -> (Vec<f64>, Vec<f64>) {
        targets.iter().map(|target| (target.value, target.weight)).unzip()
    }
}

/// A demand and what it is learnt from.
pub struct Demand<'a> {
    pub name: &'static str,
    pub targets: Vec<Target<'a>>,
}

impl<'a> Demand<'a> {
    /// The demand that outcomes and labels of difficulty teach.
    pub(super) fn difficulty(targets: Vec<Target<'a>>) -> Self {
        Self { name: DIFFICULTY, targets }
    }

    /// Whether outcomes and labels of difficulty teach it.
    #[must_use]
    pub fn is_difficulty(&self) -> bool {
        self.name == DIFFICULTY
    }

    /// The penalties of this demand.
    pub(super) fn penalty(&self, settings: &DifficultyRecipe) -> Penalty {
        let of = |penalty: &DemandPenalty| match self.name {
            NEED => penalty.need,
            _ => penalty.difficulty,
        };
        Penalty { coordinate: of(&settings.penalty), row: of(&settings.row_penalty) }
    }
}

const DIFFICULTY: &str = "difficulty";
const NEED: &str = "need";

/// The demands that the data teaches.
#[must_use]
pub fn by_demand<'a>(data: &'a Prepared, settings: &DifficultyRecipe) -> Vec<Demand<'a>> {
    let mut difficulty = of_outcomes(data, settings);
    difficulty.extend(of_labels(data, settings, false));
    let demands = [
        Demand::difficulty(difficulty),
        Demand { name: NEED, targets: of_labels(data, settings, true).collect() },
    ];
    demands.into_iter().filter(|demand| !demand.targets.is_empty()).collect()
}

/// The difficulties of the items of each source of outcomes.
fn of_outcomes<'a>(data: &'a Prepared, settings: &DifficultyRecipe) -> Vec<Target<'a>> {
    let mut targets = Vec::new();
    for source in 0..data.sources.len() {
        let rows: Vec<usize> =
            (0..data.train.rows.len()).filter(|&row| data.source_of[row] == source).collect();
        let items: Vec<&OutcomeRow> = rows.iter().map(|&row| &data.train.rows[row]).collect();
        let Some(values) = of_items(&items, settings.difficulty_spread) else {
            if !rows.is_empty() {
                let name = &data.sources[source].name;
                eprintln!("{name}: its LLMs found all queries alike, it teaches no difficulty");
            }
            continue;
        };
        let share = share_up_to(rows.len(), settings.source_rows);
        targets.extend(rows.iter().zip(values).map(|(&row, value)| Target {
            query: &data.train.rows[row].query,
            value,
            weight: share * f64::from(data.weights[row]),
        }));
    }
    targets
}

/// z-scores of the items' difficulties; `None` where the LLMs found all alike.
pub(super) fn of_items(rows: &[&OutcomeRow], spread: f64) -> Option<Vec<f64>> {
    let scores: Vec<Vec<(usize, f64)>> = rows
        .iter()
        .map(|row| row.scores.iter().map(|&(m, s)| (m, f64::from(s))).collect())
        .collect();
    standardised(&difficulties(&scores, spread))
}

/// The labels of needs, or those of difficulty.
fn of_labels<'a>(
    data: &'a Prepared,
    settings: &DifficultyRecipe,
    needs: bool,
) -> impl Iterator<Item = Target<'a>> {
    let mut counts = vec![0; data.sources.len()];
    data.difficulty_labels.iter().for_each(|label| counts[label.source] += 1);
    let most = settings.source_rows;
    data.difficulty_labels.iter().filter(move |label| label.is_need == needs).map(move |label| {
        let weight = f64::from(label.weight) * share_up_to(counts[label.source], most);
        Target { query: &label.query, value: label.value, weight }
    })
}

/// z-scores; `None` where all values are equal, or there are none.
fn standardised(values: &[f64]) -> Option<Vec<f64>> {
    let (mean, deviation) = (moments::mean(values), moments::deviation(values));
    (deviation > 1e-9).then(|| values.iter().map(|v| (v - mean) / deviation).collect())
}
