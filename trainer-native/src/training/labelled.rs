//! Queries labelled *strong wins*, *tie* or *weak wins*, as token ids: what a classifier is
//! fine-tuned on.
//!
//! Labels come from outcomes of the pair, from preferences between the two, and, where the recipe
//! states tiers, from preferences between a model of a strong tier and one of a weak tier (RouteLLM,
//! section 4: strong are tiers 1 and 2 by Elo rating, weak is tier 3).

use std::collections::HashSet;

use rayon::prelude::*;
use switchyard_router::Router;

use crate::data::Battles;
use crate::error::TrainerError;
use crate::prepare::Prepared;
use crate::recipe::{Recipe, TierLabels};
use crate::router::bert::LabelledQuery;

/// Every labelled query of `prepared`, tokenised as `router` does; queries without a token are left
/// out.
///
/// # Errors
/// [`TrainerError::NoTrainingPair`] where there is none; the engine's; [`TrainerError::Data`].
pub fn labelled_queries(
    recipe: &Recipe,
    tiers: Option<&TierLabels>,
    prepared: &Prepared,
    router: &Router,
) -> Result<Vec<LabelledQuery>, TrainerError> {
    let ids = |query: &str| match router.encoder().tokenize(query) {
        Ok(tokens) => {
            Ok(Some(tokens.ids.iter().map(|&id| u32::try_from(id).unwrap_or(u32::MAX)).collect()))
        }
        Err(error) if error.code() == "query_empty" => Ok(None),
        Err(error) => Err(TrainerError::from(error)),
    };
    let train = &prepared.train;
    let pair = train.model_index(&recipe.strong).zip(train.model_index(&recipe.weak));
    let rows: Vec<(&str, f32, f32)> = train
        .rows
        .iter()
        .zip(&prepared.weights)
        .zip(&prepared.labels)
        .filter_map(|((row, &weight), &label)| {
            let target = label.or_else(|| {
                let (strong, weak) = pair?;
                Some(f32::midpoint(1.0, row.score(strong)? - row.score(weak)?))
            })?;
            Some((row.query.as_str(), target, weight))
        })
        .collect();
    let encoded: Result<Vec<Option<LabelledQuery>>, TrainerError> = rows
        .par_iter()
        .map(|&(query, target, weight)| {
            Ok(ids(query)?.map(|ids| LabelledQuery { ids, target, weight }))
        })
        .collect();
    let mut labelled: Vec<LabelledQuery> = encoded?.into_iter().flatten().collect();

    let (strong, weak) = sides(recipe, tiers, prepared)?;
    prepared.for_each_preference(&mut |row| {
        let target = match (&row.model_a, &row.model_b) {
            (a, b) if strong.contains(a) && weak.contains(b) => row.target,
            (a, b) if strong.contains(b) && weak.contains(a) => 1.0 - row.target,
            _ => return Ok(()),
        };
        let query = ids(&row.query)?;
        labelled.extend(query.map(|ids| LabelledQuery { ids, target, weight: row.weight }));
        Ok(())
    })?;
    match labelled.is_empty() {
        false => Ok(labelled),
        true => Err(TrainerError::NoTrainingPair {
            detail: format!(
                "no outcome or preference of {:?} against {:?}; other models' battles count where \
                 head.tiers is stated",
                recipe.strong, recipe.weak
            ),
        }),
    }
}

/// The models that stand for the strong and for the weak candidate in preferences.
fn sides(
    recipe: &Recipe,
    tiers: Option<&TierLabels>,
    prepared: &Prepared,
) -> Result<(HashSet<String>, HashSet<String>), TrainerError> {
    let mut strong = HashSet::from([recipe.strong.clone()]);
    let mut weak = HashSet::from([recipe.weak.clone()]);
    if let Some(tiers) = tiers {
        let mut battles = Battles::default();
        prepared.for_each_preference(&mut |row| {
            battles.add(&row)?;
            Ok(())
        })?;
        let ratings = battles.ratings()?;
        let of = |wanted: &[usize]| ratings.in_tiers(tiers.count, wanted);
        strong.extend(of(&tiers.strong)?.into_iter().map(str::to_owned));
        weak.extend(of(&tiers.weak)?.into_iter().map(str::to_owned));
        // The pair itself stays what the recipe says, whatever tier it was rated into.
        strong.remove(&recipe.weak);
        weak.remove(&recipe.strong);
    }
    Ok((strong, weak))
}
