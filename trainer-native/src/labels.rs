//! Labels of gold rows: the outcome of the pair, with the noise of one outcome taken down.

use std::collections::HashMap;

use crate::data::{OutcomeRow, Outcomes};
use crate::recipe::{Recipe, SourceRecipe};

/// Targets of strong over weak, each drawn towards the mean of its category:
///
/// ```text
/// y_i = (1 + strong_i - weak_i) / 2
/// m_c = (sum of y in c + prior * mean of y) / (rows of c + prior)
/// label_i = (1 - smoothing) * y_i + smoothing * m_c
/// ```
/// One row's outcome is mostly chance, its subject's mean is not: with some thousand labels the
/// smoothed ones teach more. The categories of the rows to score play no part.
pub(crate) fn smoothed_labels(
    recipe: &Recipe,
    source: &SourceRecipe,
    gold: &Outcomes,
) -> Vec<Option<f32>> {
    let pair = gold.model_index(&recipe.strong).zip(gold.model_index(&recipe.weak));
    let targets: Vec<Option<f32>> = gold
        .rows
        .iter()
        .map(|row| {
            let (strong, weak) = pair?;
            Some(f32::midpoint(1.0, row.score(strong)? - row.score(weak)?))
        })
        .collect();
    let mut all = Mean::default();
    let mut by_category: HashMap<&str, Mean> = HashMap::new();
    for (row, target) in gold.rows.iter().zip(&targets) {
        if let Some(target) = *target {
            all.add(target);
            if let Some(category) = &row.category {
                by_category.entry(category).or_default().add(target);
            }
        }
    }
    let overall = all.shrunk(0.0, 0.0);
    let label = |row: &OutcomeRow, target: f32| {
        let category = row.category.as_deref().and_then(|c| by_category.get(c));
        let mean = category.map_or(target, |c| c.shrunk(overall, source.category_prior));
        target + source.category_smoothing * (mean - target)
    };
    gold.rows.iter().zip(targets).map(|(row, target)| Some(label(row, target?))).collect()
}

#[derive(Default)]
struct Mean {
    sum: f32,
    count: f32,
}

impl Mean {
    fn add(&mut self, value: f32) {
        self.sum += value;
        self.count += 1.0;
    }

    fn shrunk(&self, towards: f32, prior: f32) -> f32 {
        (self.sum + prior * towards) / (self.count + prior).max(f32::MIN_POSITIVE)
    }
}
