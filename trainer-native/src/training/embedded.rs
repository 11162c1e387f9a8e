//! The training queries and their embeddings, which heads without an encoder of their own learn from.

use super::context::Context;
use super::embedder::Embedder;
use super::training_set::TrainingSet;
use crate::encoder::Encoder;
use crate::error::TrainerError;

/// The training queries, embedded.
pub struct Embedded<'a> {
    pub embedder: Embedder<'a>,
    pub set: TrainingSet,
    /// Column of each candidate of the recipe among the models of the set.
    pub columns: Vec<usize>,
}

impl<'a> Embedded<'a> {
    /// Embeds the training queries of the run.
    ///
    /// # Errors
    /// [`TrainerError::NoTrainingData`] where no query has a token, or a candidate has no outcome;
    /// those of the engine; [`TrainerError::Interrupted`].
    pub fn new(context: &Context<'a>, encoder: &Encoder) -> Result<Self, TrainerError> {
        let mut embedder = Embedder::new(context, encoder)?;
        let set = TrainingSet::new(context.data, &mut embedder)?;
        if set.without_tokens > 0 {
            eprintln!("{} queries have no token and are left out", set.without_tokens);
        }
        let candidates = context.recipe.candidates.iter();
        let columns = candidates.map(|c| set.model_index(&c.id)).collect::<Result<_, _>>()?;
        Ok(Self { embedder, set, columns })
    }

    /// Size of an embedding, and the number of models.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.embedder.cache.width(), self.set.models.len())
    }
}
