//! Collects the queries that a head learns from, with their embeddings on disk.
//!
//! Outcomes and preferences become one list of [`TrainingQuery`], of some 50 bytes each, without
//! texts. A file of a million preferences is so trained on without being held in memory.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;

use pointsman::Router;

use super::preferences::{Preference, TrainingQuery};
use crate::dataset::Prepared;
use crate::encoder::embeddings::EmbeddingCache;
use crate::error::TrainerError;
use crate::recipe::Recipe;

/// Preferences embedded at a time.
const CHUNK: usize = 4096;

pub struct TrainingSet {
    /// One entry for each query or preference.
    pub queries: Vec<TrainingQuery>,
    /// Names of the LLMs, which queries refer to by index.
    pub models: Vec<String>,
    /// Queries left out because they have no token.
    pub without_tokens: usize,
}

impl TrainingSet {
    /// Embeds every training query of `prepared` with `router`'s encoder.
    ///
    /// # Errors
    /// The engine's and the cache's; [`TrainerError::Data`].
    pub fn new(
        recipe: &Recipe,
        prepared: &Prepared,
        router: &Router,
        cache: &mut EmbeddingCache,
        stop: &AtomicBool,
    ) -> Result<Self, TrainerError> {
        let mut set =
            Self { queries: Vec::new(), models: prepared.train.models.clone(), without_tokens: 0 };
        set.add_outcomes(recipe, prepared, router, cache, stop)?;
        set.add_preferences(prepared, router, cache, stop)?;
        match set.queries.is_empty() {
            false => Ok(set),
            true => Err(TrainerError::NoTrainingPair { detail: "no query has a token".into() }),
        }
    }

    /// Index of a model in [`models`](Self::models).
    ///
    /// # Errors
    /// [`TrainerError::NoTrainingPair`] where no source has it.
    pub fn model_index(&self, id: &str) -> Result<usize, TrainerError> {
        self.models.iter().position(|model| model == id).ok_or_else(|| {
            TrainerError::NoTrainingPair {
                detail: format!("candidate {id:?} has no outcome in any source"),
            }
        })
    }

    fn add_outcomes(
        &mut self,
        recipe: &Recipe,
        prepared: &Prepared,
        router: &Router,
        cache: &mut EmbeddingCache,
        stop: &AtomicBool,
    ) -> Result<(), TrainerError> {
        let pair = recipe.pair_columns(&prepared.train);
        let texts = prepared.train.rows.iter().map(|row| row.query.as_str());
        let embeddings = cache.rows(router, texts, stop)?;
        let rows = prepared.train.rows.iter().zip(&prepared.weights).zip(&prepared.labels);
        for (((row, &weight), label), embedding) in rows.zip(embeddings) {
            let Some(embedding) = embedding else {
                self.without_tokens += 1;
                continue;
            };
            let label = pair.zip(*label).map(|((a, b), target)| Preference { a, b, target });
            let scores = row.scores.clone();
            self.queries.push(TrainingQuery { embedding, scores, weight, label });
        }
        Ok(())
    }

    fn add_preferences(
        &mut self,
        prepared: &Prepared,
        router: &Router,
        cache: &mut EmbeddingCache,
        stop: &AtomicBool,
    ) -> Result<(), TrainerError> {
        let mut known: HashMap<String, usize> =
            self.models.iter().cloned().enumerate().map(|(at, name)| (name, at)).collect();
        let mut waiting: Vec<(String, Preference, f32)> = Vec::with_capacity(CHUNK);
        prepared.for_each_preference(&mut |row| {
            let mut index = |name: String| {
                let next = self.models.len();
                *known.entry(name).or_insert_with_key(|name| {
                    self.models.push(name.clone());
                    next
                })
            };
            let (a, b) = (index(row.model_a), index(row.model_b));
            waiting.push((row.query, Preference { a, b, target: row.target }, row.weight));
            match waiting.len() == CHUNK {
                true => self.embed(&mut waiting, router, cache, stop),
                false => Ok(()),
            }
        })?;
        self.embed(&mut waiting, router, cache, stop)
    }

    fn embed(
        &mut self,
        waiting: &mut Vec<(String, Preference, f32)>,
        router: &Router,
        cache: &mut EmbeddingCache,
        stop: &AtomicBool,
    ) -> Result<(), TrainerError> {
        let rows = cache.rows(router, waiting.iter().map(|(query, ..)| query.as_str()), stop)?;
        for ((_, preference, weight), embedding) in waiting.drain(..).zip(rows) {
            match embedding {
                Some(embedding) => self.queries.push(TrainingQuery {
                    embedding,
                    scores: Vec::new(),
                    weight,
                    label: Some(preference),
                }),
                None => self.without_tokens += 1,
            }
        }
        Ok(())
    }
}
