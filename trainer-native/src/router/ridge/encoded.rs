//! Training queries as the numbers that a ridge fit is made on.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use crate::encoder::deployed_ids;
use crate::error::TrainerError;
use crate::linear::ridge_regression::Features;
use crate::training::embedder::Embedder;

/// Weight of the length, scaled to standard deviation 1, beside an embedding of mean square length
/// 1, in the fit of difficulty.
pub const LENGTH_WEIGHT: f64 = 0.1;

/// Queries as features of both fits.
pub struct Encoded {
    /// Tokens and their counts, row by row.
    pub tokens: Vec<BTreeMap<u32, u32>>,
    /// Embeddings without the length, row by row.
    pub embeddings: Vec<Vec<f64>>,
    /// Length coordinates.
    pub lengths: Vec<f64>,
}

impl Encoded {
    /// Features of a query in the fit of difficulty.
    pub fn difficulty_features(&self, at: usize, spread: &Spread) -> Features {
        let mut dense: Vec<f64> = spread.centred(&self.embeddings[at]).collect();
        let (centre, deviation) = spread.length;
        dense.push(LENGTH_WEIGHT.sqrt() * (self.lengths[at] - centre) / deviation);
        Features { tokens: Vec::new(), dense }
    }
}

/// Reads tokens where asked, embedding and length of each query; a query without a token has none
/// of them.
///
/// # Errors
/// Those of the engine; [`TrainerError::Interrupted`]; [`TrainerError::File`].
pub fn encode(
    embedder: &mut Embedder<'_>,
    queries: &[&str],
    with_tokens: bool,
) -> Result<Encoded, TrainerError> {
    let rows = embedder.rows(queries.iter().copied())?;
    let Embedder { router, cache, .. } = embedder;
    let tokens: Vec<BTreeMap<u32, u32>> = queries
        .par_iter()
        .map(|query| {
            let mut counts = BTreeMap::new();
            let ids = if with_tokens { deployed_ids(router, query)? } else { None };
            for id in ids.into_iter().flatten() {
                *counts.entry(id).or_default() += 1;
            }
            Ok(counts)
        })
        .collect::<Result<_, TrainerError>>()?;
    let width = cache.width();
    let mut encoded =
        Encoded { tokens, embeddings: Vec::with_capacity(rows.len()), lengths: Vec::new() };
    for row in rows {
        let values = match row {
            Some(row) => cache.read(&[row])?.into_iter().map(f64::from).collect(),
            None => vec![0.0; width],
        };
        encoded.lengths.push(values[width - 1]);
        encoded.embeddings.push(values[..width - 1].to_vec());
    }
    Ok(encoded)
}

/// Share of each token among all tokens of the rows.
#[allow(clippy::cast_precision_loss)]
pub fn token_shares(rows: &[BTreeMap<u32, u32>]) -> HashMap<u32, f64> {
    let mut counts: HashMap<u32, u64> = HashMap::new();
    for (&token, &count) in rows.iter().flatten() {
        *counts.entry(token).or_default() += u64::from(count);
    }
    let total = counts.values().sum::<u64>().max(1) as f64;
    counts.into_iter().map(|(token, count)| (token, count as f64 / total)).collect()
}

/// Mean of embeddings, and the scale that brings them to mean square length 1 about it.
pub struct Spread {
    pub mean: Vec<f64>,
    pub scale: f64,
    /// Mean and standard deviation of the length.
    pub length: (f64, f64),
}

impl Spread {
    /// The spread of embeddings of size `width` without their length.
    #[allow(clippy::cast_precision_loss)]
    pub fn of(embeddings: &[Vec<f64>], lengths: &[f64], width: usize) -> Self {
        let count = embeddings.len().max(1) as f64;
        let mut mean = vec![0.0; width];
        for embedding in embeddings {
            mean.iter_mut().zip(embedding).for_each(|(m, v)| *m += v / count);
        }
        let squares: f64 = embeddings
            .iter()
            .map(|e| e.iter().zip(&mean).map(|(v, m)| (v - m).powi(2)).sum::<f64>())
            .sum();
        let scale = (squares / count).sqrt();
        let centre = lengths.iter().sum::<f64>() / count;
        let deviation = (lengths.iter().map(|v| (v - centre).powi(2)).sum::<f64>() / count).sqrt();
        let positive = |value: f64| if value > 0.0 { value } else { 1.0 };
        Self { mean, scale: positive(scale), length: (centre, positive(deviation)) }
    }

    /// An embedding about the mean, scaled.
    pub fn centred<'a>(&'a self, embedding: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        embedding.iter().zip(&self.mean).map(|(v, mean)| (v - mean) / self.scale)
    }
}
