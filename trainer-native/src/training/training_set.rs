//! Collects the queries that a head learns from, with their embeddings on disk.
//!
//! Outcomes and preferences become one list of [`TrainingQuery`], of some 50 bytes each, without
//! texts. A file of a million preferences is so trained on without being held in memory.

use std::collections::HashMap;

use super::embedder::Embedder;
use super::preferences::{Preference, TrainingQuery};
use crate::dataset::Prepared;
use crate::error::TrainerError;

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
    /// Embeds every training query of `data`.
    ///
    /// # Errors
    /// The engine's and the cache's; [`TrainerError::Data`].
    pub fn new(data: &Prepared, embedder: &mut Embedder<'_>) -> Result<Self, TrainerError> {
        let mut set =
            Self { queries: Vec::new(), models: data.train.models.clone(), without_tokens: 0 };
        set.add_outcomes(data, embedder)?;
        set.add_preferences(data, embedder)?;
        match set.queries.is_empty() {
            false => Ok(set),
            true => Err(TrainerError::NoTrainingData { detail: "no query has a token".into() }),
        }
    }

    /// Index of a model in [`models`](Self::models).
    ///
    /// # Errors
    /// [`TrainerError::NoTrainingData`] where no source has it.
    pub fn model_index(&self, id: &str) -> Result<usize, TrainerError> {
        self.models.iter().position(|model| model == id).ok_or_else(|| {
            TrainerError::NoTrainingData {
                detail: format!("candidate {id:?} has no outcome in any source"),
            }
        })
    }

    fn add_outcomes(
        &mut self,
        data: &Prepared,
        embedder: &mut Embedder<'_>,
    ) -> Result<(), TrainerError> {
        let pair = data.pair_columns();
        let texts = data.train.rows.iter().map(|row| row.query.as_str());
        let embeddings = embedder.rows(texts)?;
        let rows = data.train.rows.iter().zip(&data.weights).zip(&data.labels);
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
        data: &Prepared,
        embedder: &mut Embedder<'_>,
    ) -> Result<(), TrainerError> {
        let mut known: HashMap<String, usize> =
            self.models.iter().cloned().enumerate().map(|(at, name)| (name, at)).collect();
        let mut waiting: Vec<(String, Preference, f32)> = Vec::with_capacity(CHUNK);
        data.for_each_preference(&mut |row| {
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
                true => self.embed(&mut waiting, embedder),
                false => Ok(()),
            }
        })?;
        self.embed(&mut waiting, embedder)
    }

    fn embed(
        &mut self,
        waiting: &mut Vec<(String, Preference, f32)>,
        embedder: &mut Embedder<'_>,
    ) -> Result<(), TrainerError> {
        let rows = embedder.rows(waiting.iter().map(|(query, ..)| query.as_str()))?;
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
