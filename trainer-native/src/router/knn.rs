//! Nearest neighbours: a candidate's score is its mean score on similar labelled queries.
//!
//! Nothing is trained: the labelled queries' embeddings are kept in int8, with the candidates' scores,
//! and the engine compares each query with them.

use pointsman::{Head, Memory, Records};

use super::memory::{coordinates, drawn};
use crate::encoder::Encoder;
use crate::encoder::embeddings::EmbeddingCache;
use crate::error::TrainerError;
use crate::recipe::KnnRecipe;
use crate::training::context::Context;
use crate::training::embedded::Embedded;
use crate::training::fit::{Fit, Trained, TrainedHead};
use crate::training::training_set::TrainingSet;

impl Fit for KnnRecipe {
    fn fit(&self, context: &Context<'_>, encoder: Encoder) -> Result<Trained, TrainerError> {
        let Embedded { set, embedder, columns } = Embedded::new(context, &encoder)?;
        let memory = scores(self, context.recipe.seed, &set, &embedder.cache, &columns)?;
        let stated = Head { neighbours: Some(self.neighbours), ..Head::default() };
        Ok(Trained { encoder, head: TrainedHead::in_memory(memory, stated) })
    }
}

/// Makes a memory of the candidates' scores; queries on which none of them was measured are left
/// out.
fn scores(
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
        return Err(TrainerError::NoTrainingData {
            detail: "no query has an outcome of a candidate; preferences alone do not serve knn"
                .into(),
        });
    }
    let (width, vectors) = coordinates(cache, &rows)?;
    let records = Records::Scores { candidates: columns.len(), scores };
    Ok(Memory::new(width, &vectors, records))
}
