//! Embeds queries with the encoder as it will be deployed.

use std::sync::atomic::AtomicBool;

use pointsman::Router;

use super::context::Context;
use crate::encoder::Encoder;
use crate::encoder::embeddings::EmbeddingCache;
use crate::error::TrainerError;
use crate::export::bundle::encoder_only;
use crate::precision::Precision;

/// The exported int8 encoder and the cache of its embeddings.
pub struct Embedder<'a> {
    pub router: Router,
    pub cache: EmbeddingCache,
    stop: &'a AtomicBool,
}

impl<'a> Embedder<'a> {
    /// Exports an encoder of the run and opens its cache.
    ///
    /// # Errors
    /// Those of the engine; [`TrainerError::File`].
    pub fn new(context: &Context<'a>, encoder: &Encoder) -> Result<Self, TrainerError> {
        let (router, identity) = encoder_only(context.recipe, encoder, Precision::Int8)?;
        let size = encoder.network.embedding_size();
        let cache = EmbeddingCache::open(&context.embeddings(), &identity, size)?;
        Ok(Self { router, cache, stop: context.stop })
    }

    /// Row of each query in the cache, in order; `None` for a query without a token.
    ///
    /// # Errors
    /// Those of the engine; [`TrainerError::Interrupted`]; [`TrainerError::File`].
    pub fn rows<'q>(
        &mut self,
        queries: impl ExactSizeIterator<Item = &'q str>,
    ) -> Result<Vec<Option<u32>>, TrainerError> {
        self.cache.rows(&self.router, queries, self.stop)
    }
    /// One embedding for each query, without the length coordinate; zeros for a query without a
    /// token.
    ///
    /// # Errors
    /// Those of the engine; [`TrainerError::Interrupted`]; [`TrainerError::File`].
    pub fn topics(&mut self, queries: &[&str]) -> Result<Vec<Vec<f32>>, TrainerError> {
        let rows = self.rows(queries.iter().copied())?;
        let width = self.cache.width();
        rows.into_iter()
            .map(|row| match row {
                Some(row) => self.cache.read(&[row]).map(|mut embedding| {
                    embedding.truncate(width - 1);
                    embedding
                }),
                None => Ok(vec![0.0; width - 1]),
            })
            .collect()
    }
}
