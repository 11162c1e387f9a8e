//! Splits the gold source into rows to train on and rows to score, and finds other LLMs' outcomes
//! on the former.

use std::collections::{BTreeSet, HashMap};

use super::labels::Companions;
use crate::data::{Outcomes, Stems, question_stem, split_rows};
use crate::error::TrainerError;
use crate::recipe::{Recipe, SourceRecipe};

/// Rows of the gold source to train on, and rows to score.
pub(crate) fn split_gold(
    recipe: &Recipe,
    source: &SourceRecipe,
    gold: &Outcomes,
) -> Result<(Vec<usize>, Vec<usize>), TrainerError> {
    let take = source.take.unwrap_or(gold.rows.len());
    if source.held_categories == 0 {
        return Ok(split_rows(gold.rows.len(), take, recipe.seed));
    }
    let category = |row: usize| gold.rows.get(row).and_then(|row| row.category.as_deref());
    let categories: BTreeSet<&str> = (0..gold.rows.len()).filter_map(category).collect();
    let categories: Vec<&str> = categories.into_iter().collect();
    if source.held_categories >= categories.len() {
        return Err(TrainerError::BadRecipe {
            path: recipe.name.as_str().into(),
            detail: format!(
                "held_categories is {}, but {} has {} categories: at least one must be left to train on",
                source.held_categories,
                source.name,
                categories.len()
            ),
        });
    }
    let (held, _) = split_rows(categories.len(), source.held_categories, recipe.seed);
    let held: BTreeSet<&str> =
        held.into_iter().filter_map(|at| categories.get(at).copied()).collect();
    let (scored, pool): (Vec<usize>, Vec<usize>) =
        (0..gold.rows.len()).partition(|&row| category(row).is_some_and(|c| held.contains(c)));
    let (taken, _) = split_rows(pool.len(), take, recipe.seed);
    Ok((taken.into_iter().filter_map(|at| pool.get(at).copied()).collect(), scored))
}

/// The gold questions trained on. Rows of other sources that ask them are leaks and not trained on,
/// but their outcomes say which outcome to expect of a gold row.
pub(crate) struct GoldQuestions {
    pub(crate) rows: usize,
    by_stem: HashMap<String, Vec<(usize, Stems)>>,
}

impl GoldQuestions {
    pub(crate) fn of(gold: &Outcomes) -> Self {
        let mut by_stem: HashMap<String, Vec<(usize, Stems)>> = HashMap::new();
        for (at, row) in gold.rows.iter().enumerate() {
            let mut own = Stems::default();
            own.insert(&row.query);
            by_stem.entry(question_stem(&row.query)).or_default().push((at, own));
        }
        Self { rows: gold.rows.len(), by_stem }
    }

    /// Scores of a source's LLMs on these questions; of several rows with the same question the
    /// first counts.
    pub(crate) fn companions(&self, outcomes: &Outcomes) -> Companions {
        let mut found = Companions::default();
        for row in &outcomes.rows {
            let same = self.by_stem.get(&question_stem(&row.query)).into_iter().flatten();
            for (at, _) in same.filter(|(_, own)| own.contains(&row.query)) {
                found.scores.entry(*at).or_insert_with(|| row.scores.clone());
            }
        }
        found
    }
}
