//! The candidates' abilities: fitted to their outcomes, or those of a tier.

use pointsman::{Ability, AbilityPenalty};

use super::head::DifficultyHead;
use crate::error::TrainerError;
use crate::recipe::DifficultyRecipe;
use crate::training::context::Context;
use crate::training::embedder::Embedder;

/// Fewest outcomes from which an ability is fitted.
const FEWEST_OUTCOMES: usize = 20;

/// The ability of each candidate of the recipe, in their order.
///
/// # Errors
/// [`TrainerError::NoTrainingData`], naming a candidate that has too few outcomes and no tier; those of the
/// engine.
pub fn of_candidates(
    settings: &DifficultyRecipe,
    context: &Context<'_>,
    embedder: &mut Embedder<'_>,
    head: &DifficultyHead,
) -> Result<Vec<Ability>, TrainerError> {
    let train = &context.data.train;
    let demands = head.offsets.len();
    let mut found = Vec::new();
    for candidate in &context.recipe.candidates {
        let tier = settings.tier_of(&candidate.id);
        let measured: Vec<(&str, f64)> = match train.model_index(&candidate.id) {
            None => Vec::new(),
            Some(column) => train
                .rows
                .iter()
                .filter_map(|row| Some((row.query.as_str(), f64::from(row.score(column)?))))
                .collect(),
        };
        if measured.len() < FEWEST_OUTCOMES {
            found.push(tier.cloned().ok_or_else(|| TrainerError::NoTrainingData {
                detail: format!(
                    "candidate {:?} has {} outcomes to train on, expected at least \
                     {FEWEST_OUTCOMES}: add outcomes of it, or name its tier in [head.tiers]",
                    candidate.id,
                    measured.len()
                ),
            })?);
            continue;
        }
        let queries: Vec<&str> = measured.iter().map(|(query, _)| *query).collect();
        let rows: Vec<Vec<f64>> =
            embedder.topics(&queries)?.iter().map(|topic| head.at(topic)).collect();
        let scores: Vec<f64> = measured.iter().map(|(_, score)| *score).collect();
        let prior = tier.cloned().unwrap_or_else(|| usual(demands));
        found.push(Ability::fit(&rows, &scores, &prior, AbilityPenalty::default())?);
    }
    Ok(found)
}

/// The prior of an LLM of which nothing is known: even odds on a query of mean demands.
#[allow(clippy::cast_precision_loss)]
fn usual(demands: usize) -> Ability {
    Ability { intercept: 0.0, slopes: vec![1.0 / demands as f64; demands] }
}
