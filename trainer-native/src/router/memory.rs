//! Draws the queries that a router remembers, and reads their embeddings.

use crate::data::split_rows;
use crate::encoder::embeddings::EmbeddingCache;
use crate::error::TrainerError;
use crate::training::preferences::TrainingQuery;
use crate::training::training_set::TrainingSet;

/// At most `rows` queries, in order.
pub fn drawn(set: &TrainingSet, rows: usize, seed: u64) -> impl Iterator<Item = &TrainingQuery> {
    let (taken, _) = split_rows(set.queries.len(), rows, seed);
    taken.into_iter().filter_map(|at| set.queries.get(at))
}

/// The embeddings of rows without their length, which similarity ignores; also their width.
///
/// # Errors
/// [`TrainerError::File`].
pub fn coordinates(
    cache: &EmbeddingCache,
    rows: &[u32],
) -> Result<(usize, Vec<f32>), TrainerError> {
    let width = cache.width();
    let mut vectors = Vec::with_capacity(rows.len() * (width - 1));
    for part in rows.chunks(1024) {
        for embedding in cache.read(part)?.chunks_exact(width) {
            vectors.extend_from_slice(&embedding[..width - 1]);
        }
    }
    Ok((width - 1, vectors))
}
