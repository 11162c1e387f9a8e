//! Memory routers: similarity-weighted ranking (RouteLLM, section 4.2) and nearest neighbours.
//!
//! Nothing is trained: the labelled queries' embeddings are kept in int8, with battles between Elo
//! groups of models or with the candidates' scores, and the engine compares each query with them.

use pointsman::{Battle, Memory, Records};

use crate::data::{Battles, split_rows};
use crate::encoder::embeddings::EmbeddingCache;
use crate::error::TrainerError;
use crate::random::RandomStream;
use crate::recipe::{KnnRecipe, SwRankingRecipe};
use crate::training::preferences::{Preference, TrainingQuery};
use crate::training::training_set::TrainingSet;

/// Makes a memory of battles; also returns the Elo group of each model, from 0, the strongest.
///
/// # Errors
/// [`TrainerError::NoTrainingPair`] where no battle is left; [`TrainerError::File`].
pub fn sw_ranking(
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
        return Err(TrainerError::NoTrainingPair {
            detail: "no battle between models of different Elo groups".into(),
        });
    }
    let (width, vectors) = coordinates(cache, &rows)?;
    let records = Records::Battles { weights, ends, battles };
    Ok((Memory::new(width, &vectors, records), group_of))
}

/// Makes a memory of the candidates' scores; queries on which none of them was measured are left
/// out.
///
/// # Errors
/// [`TrainerError::NoTrainingPair`] where no query is left; [`TrainerError::File`].
pub fn knn(
    recipe: &KnnRecipe,
    seed: u64,
    set: &TrainingSet,
    cache: &EmbeddingCache,
    columns: &[usize],
) -> Result<Memory, TrainerError> {
    let (mut rows, mut scores) = (Vec::new(), Vec::new());
    for query in drawn(set, recipe.rows, seed) {
        let own: Vec<Option<f32>> = columns
            .iter()
            .map(|&model| query.scores.iter().find(|(m, _)| *m == model).map(|&(_, score)| score))
            .collect();
        if own.iter().any(Option::is_some) {
            rows.push(query.embedding);
            scores.extend(own);
        }
    }
    if rows.is_empty() {
        return Err(TrainerError::NoTrainingPair {
            detail: "no query has an outcome of a candidate; preferences alone do not serve knn"
                .into(),
        });
    }
    let (width, vectors) = coordinates(cache, &rows)?;
    let records = Records::Scores { candidates: columns.len(), scores };
    Ok(Memory::new(width, &vectors, records))
}

/// Length coordinate, target of strong over weak, and weight of each query that has a target.
///
/// # Errors
/// [`TrainerError::File`].
pub fn pair_lengths(
    set: &TrainingSet,
    cache: &EmbeddingCache,
    (strong, weak): (usize, usize),
) -> Result<Vec<(f64, f64, f64)>, TrainerError> {
    let mut rows = Vec::new();
    for query in &set.queries {
        let score = |model| query.scores.iter().find(|(m, _)| *m == model).map(|&(_, s)| s);
        let target = match query.label {
            Some(label) if (label.a, label.b) == (strong, weak) => Some(label.target),
            Some(label) if (label.b, label.a) == (strong, weak) => Some(1.0 - label.target),
            _ => score(strong).zip(score(weak)).map(|(s, w)| f32::midpoint(1.0, s - w)),
        };
        let Some(target) = target else { continue };
        let embedding = cache.read(&[query.embedding])?;
        let length = embedding.last().copied().unwrap_or_default();
        rows.push((f64::from(length), f64::from(target), f64::from(query.weight)));
    }
    Ok(rows)
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

/// At most `rows` queries, in order.
fn drawn(set: &TrainingSet, rows: usize, seed: u64) -> impl Iterator<Item = &TrainingQuery> {
    let (taken, _) = split_rows(set.queries.len(), rows, seed);
    taken.into_iter().filter_map(|at| set.queries.get(at))
}

/// The embeddings of rows without their length, which similarity ignores.
fn coordinates(cache: &EmbeddingCache, rows: &[u32]) -> Result<(usize, Vec<f32>), TrainerError> {
    let width = cache.width();
    let mut vectors = Vec::with_capacity(rows.len() * (width - 1));
    for part in rows.chunks(1024) {
        for embedding in cache.read(part)?.chunks_exact(width) {
            vectors.extend_from_slice(&embedding[..width - 1]);
        }
    }
    Ok((width - 1, vectors))
}
