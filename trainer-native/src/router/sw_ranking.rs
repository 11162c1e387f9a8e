//! Similarity-weighted ranking (RouteLLM, section 4.2).
//!
//! Nothing is trained: the labelled queries' embeddings are kept in int8, with battles between Elo
//! groups of models, and the engine fits Bradley-Terry scores for each query.

use pointsman::{Battle, Head, Memory, Records};

use super::memory::{coordinates, drawn};
use crate::data::Battles;
use crate::encoder::Encoder;
use crate::encoder::embeddings::EmbeddingCache;
use crate::error::TrainerError;
use crate::random::RandomStream;
use crate::recipe::SwRankingRecipe;
use crate::training::context::Context;
use crate::training::embedded::Embedded;
use crate::training::fit::{Fit, Trained, TrainedHead};
use crate::training::preferences::{Preference, TrainingQuery};
use crate::training::training_set::TrainingSet;

impl Fit for SwRankingRecipe {
    fn fit(&self, context: &Context<'_>, encoder: Encoder) -> Result<Trained, TrainerError> {
        let Embedded { set, embedder, columns } = Embedded::new(context, &encoder)?;
        let (memory, group_of) = battles(self, context.recipe.seed, &set, &embedder.cache)?;
        let stated = Head {
            gamma: Some(self.gamma),
            tiers: Some(columns.iter().map(|&model| group_of[model]).collect()),
            ..Head::default()
        };
        Ok(Trained { encoder, head: TrainedHead::in_memory(memory, stated) })
    }
}

/// Makes a memory of battles; also returns the Elo group of each model, from 0, the strongest.
fn battles(
    recipe: &SwRankingRecipe,
    seed: u64,
    set: &TrainingSet,
    cache: &EmbeddingCache,
) -> Result<(Memory, Vec<u8>), TrainerError> {
    let mut draw = RandomStream::new(seed, 0);
    let remembered: Vec<(&TrainingQuery, Vec<Preference>)> = drawn(set, recipe.rows, seed)
        .map(|query| (query, query.preferences(recipe.battles, true, &mut draw)))
        .collect();
    let group_of = elo_groups_of(recipe, set, &remembered)?;
    let (mut rows, mut weights, mut ends, mut battles) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (query, preferences) in remembered {
        let before = battles.len();
        // A battle within a group says nothing about the difference between groups.
        battles.extend(
            preferences.iter().filter(|p| group_of[p.a] != group_of[p.b]).map(|p| Battle {
                a: group_of[p.a],
                b: group_of[p.b],
                target: p.target,
            }),
        );
        if battles.len() > before {
            rows.push(query.embedding);
            weights.push(query.weight);
            ends.push(u32::try_from(battles.len()).unwrap_or(u32::MAX));
        }
    }
    if rows.is_empty() {
        return Err(TrainerError::NoTrainingData {
            detail: "no battle between models of different Elo groups".into(),
        });
    }
    let (width, vectors) = coordinates(cache, &rows)?;
    let records = Records::Battles { weights, ends, battles };
    Ok((Memory::new(width, &vectors, records), group_of))
}

/// Elo group of each model, from 0: Elo ratings of the battles, grouped by dynamic programming.
/// Models without battles get the last group; no battle refers to them.
fn elo_groups_of(
    recipe: &SwRankingRecipe,
    set: &TrainingSet,
    remembered: &[(&TrainingQuery, Vec<Preference>)],
) -> Result<Vec<u8>, TrainerError> {
    let mut battles = Battles::default();
    for (query, preferences) in remembered {
        for p in preferences {
            battles.battle(&set.models[p.a], &set.models[p.b], p.target, query.weight)?;
        }
    }
    let ratings = battles.ratings()?;
    let mut different: Vec<u64> = ratings.models.iter().map(|m| m.rating.to_bits()).collect();
    different.sort_unstable();
    different.dedup();
    let groups = ratings.elo_groups(recipe.elo_groups.min(different.len()))?;
    let last = groups.iter().copied().max().unwrap_or(1);
    let group = |model: &String| {
        let at = ratings.models.iter().position(|rated| rated.name == *model);
        let group = at.and_then(|at| groups.get(at)).copied().unwrap_or(last);
        // Counted from 1 by the paper, from 0 by the engine; a recipe allows at most 255.
        u8::try_from(group - 1).unwrap_or(u8::MAX)
    };
    Ok(set.models.iter().map(group).collect())
}
