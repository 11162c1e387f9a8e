//! Makes queries labelled *strong wins*, *tie* or *weak wins*, as token ids.
//!
//! Labels come from outcomes of the pair, from preferences between the two, and, where the recipe
//! states Elo groups, from preferences between a model of a strong group and one of a weak group
//! (RouteLLM, section 4: strong are groups 1 and 2, weak is 3).

use std::collections::HashSet;

use pointsman::Router;
use rayon::prelude::*;

use crate::data::Battles;
use crate::dataset::Prepared;
use crate::encoder::deployed_ids;
use crate::error::TrainerError;
use crate::recipe::{EloGroups, Pair};

/// A query with its label.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledQuery {
    /// Token ids, including special tokens where the encoder expects them.
    pub ids: Vec<u32>,
    /// 1 where the strong candidate wins, 1/2 for a tie, 0 where the weak one wins; values between
    /// are allowed.
    pub target: f32,
    /// Its weight in the loss, above 0.
    pub weight: f32,
}

/// Every labelled query of `data`, tokenised as `router` does; queries without a token are left out.
///
/// # Errors
/// [`TrainerError::NoTrainingData`] where no query is left; those of the engine; [`TrainerError::Data`].
pub fn labelled_queries(
    pair: &Pair,
    groups: Option<&EloGroups>,
    data: &Prepared,
    router: &Router,
) -> Result<Vec<LabelledQuery>, TrainerError> {
    let ids = |query: &str| deployed_ids(router, query);
    let rows: Vec<(&str, f32, f32)> = data
        .train
        .rows
        .iter()
        .zip(&data.weights)
        .zip(data.pair_targets())
        .filter_map(|((row, &weight), target)| Some((row.query.as_str(), target?, weight)))
        .collect();
    let encoded: Result<Vec<Option<LabelledQuery>>, TrainerError> = rows
        .par_iter()
        .map(|&(query, target, weight)| {
            Ok(ids(query)?.map(|ids| LabelledQuery { ids, target, weight }))
        })
        .collect();
    let mut labelled: Vec<LabelledQuery> = encoded?.into_iter().flatten().collect();

    let (strong, weak) = sides(pair, groups, data)?;
    data.for_each_preference(&mut |row| {
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
        true => Err(TrainerError::NoTrainingData {
            detail: format!(
                "no outcome or preference of {:?} against {:?}; other models' battles count where \
                 head.elo_groups is stated",
                pair.strong, pair.weak
            ),
        }),
    }
}

/// The models that count as the strong and as the weak candidate in preferences.
fn sides(
    pair: &Pair,
    groups: Option<&EloGroups>,
    data: &Prepared,
) -> Result<(HashSet<String>, HashSet<String>), TrainerError> {
    let mut strong = HashSet::from([pair.strong.clone()]);
    let mut weak = HashSet::from([pair.weak.clone()]);
    if let Some(groups) = groups {
        let mut battles = Battles::default();
        data.for_each_preference(&mut |row| {
            battles.add(&row)?;
            Ok(())
        })?;
        let ratings = battles.ratings()?;
        let of = |wanted: &[usize]| ratings.in_elo_groups(groups.count, wanted);
        strong.extend(of(&groups.strong)?.into_iter().map(str::to_owned));
        weak.extend(of(&groups.weak)?.into_iter().map(str::to_owned));
        // The pair itself stays as the recipe says, whatever group it was rated into.
        strong.remove(&pair.weak);
        weak.remove(&pair.strong);
    }
    Ok((strong, weak))
}
