//! The candidates' abilities: fitted to their outcomes, or those of a tier.

use std::collections::BTreeMap;

use pointsman::{Ability, AbilityPenalty};

use crate::error::TrainerError;
use crate::recipe::DifficultyRecipe;
use crate::training::context::Context;

/// Fewest outcomes from which an ability is fitted.
pub const FEWEST_OUTCOMES: usize = 20;

/// States the demands of queries, `[N, K]`.
type DemandsOf<'a> = dyn FnMut(&[&str]) -> Result<Vec<Vec<f64>>, TrainerError> + 'a;

/// The ability of each candidate of the recipe, in their order; `demands_of` states the demands of queries.
///
/// # Errors
/// [`TrainerError::NoTrainingData`], naming a candidate that has too few outcomes and no tier; those of the
/// engine.
pub(super) fn of_candidates(
    settings: &DifficultyRecipe,
    tiers: &BTreeMap<String, Ability>,
    context: &Context<'_>,
    demands_of: &mut DemandsOf<'_>,
) -> Result<Vec<Ability>, TrainerError> {
    let train = &context.data.train;
    let mut found = Vec::new();
    for candidate in &context.recipe.candidates {
        let name = settings.tier_name(&candidate.id);
        let tier = tiers.get(name);
        if tier.is_none() && settings.tiers.contains_key(&candidate.id) {
            let known: Vec<&str> = tiers.keys().map(String::as_str).collect();
            return Err(TrainerError::BadSetting {
                setting: "head.tiers".into(),
                detail: format!("found the tier {name:?}, expected one of {}", known.join(", ")),
            });
        }
        let measured: Vec<(&str, f64)> = match train.model_index(&candidate.id) {
            None => Vec::new(),
            Some(column) => train
                .rows
                .iter()
                .filter_map(|row| Some((row.query.as_str(), f64::from(row.score(column)?))))
                .collect(),
        };
        let (queries, scores): (Vec<&str>, Vec<f64>) = measured.into_iter().unzip();
        let rows = demands_of(&queries)?;
        found.push(fitted(&rows, &scores, tier)?.ok_or_else(|| TrainerError::NoTrainingData {
            detail: format!(
                "candidate {:?} has {} outcomes to train on, expected at least \
                 {FEWEST_OUTCOMES}: add outcomes of it, or name its tier in [head.tiers]",
                candidate.id,
                scores.len()
            ),
        })?);
    }
    Ok(found)
}

/// The ability of an LLM by its scores on queries of these demands `[N, K]`: that of its tier where they are too few,
/// `None` where it has none either.
///
/// # Errors
/// Those of the engine.
pub(super) fn fitted(
    demands: &[Vec<f64>],
    scores: &[f64],
    tier: Option<&Ability>,
) -> Result<Option<Ability>, TrainerError> {
    if scores.len() < FEWEST_OUTCOMES {
        return Ok(tier.cloned());
    }
    let prior = tier.cloned().unwrap_or_else(|| usual(demands.first().map_or(0, Vec::len)));
    Ok(Some(Ability::fit(demands, scores, &prior, AbilityPenalty::default())?))
}

/// The prior of an LLM of which nothing is known: even odds on a query of mean demands.
#[allow(clippy::cast_precision_loss)]
fn usual(demands: usize) -> Ability {
    Ability { intercept: 0.0, slopes: vec![1.0 / demands as f64; demands] }
}
