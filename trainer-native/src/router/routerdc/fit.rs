//! Trains an encoder and the LLMs' embeddings together.

use super::head::RouterDcHead;
use super::network::LlmEmbeddings;
use super::queries::{balanced, scored_queries};
use super::task::RouterDcTask;
use crate::encoder::Encoder;
use crate::encoder::trainable::Frozen;
use crate::error::TrainerError;
use crate::export::bundle::encoder_only;
use crate::linear::k_means;
use crate::linear::t_sne::{Settings, t_sne};
use crate::precision::Precision;
use crate::recipe::RouterDcRecipe;
use crate::training::context::Context;
use crate::training::embedder::Embedder;
use crate::training::encoder_and_head;
use crate::training::fine_tune::split;
use crate::training::fit::{Fit, Trained, TrainedHead};

impl Fit for RouterDcRecipe {
    fn fit(&self, context: &Context<'_>, encoder: Encoder) -> Result<Trained, TrainerError> {
        let (recipe, tuning) = (context.recipe, context.fine_tuning()?);
        let (router, _) = encoder_only(recipe, &encoder, Precision::Float)?;
        let clusters = match self.clusters {
            Some(count) => Some(clusters(context, &encoder, count)?),
            None => None,
        };
        let (data, clusters) = (context.data, clusters.as_deref());
        let rows = scored_queries(&recipe.candidates, self.cost_weight, data, clusters, &router)?;
        let (train, validation) = split(rows, tuning.validation_share, recipe.seed);
        let train = match self.samples {
            Some(samples) => balanced(train, samples, recipe.seed),
            None => train,
        };
        let (device, network) = (context.autodiff(), &encoder.network);
        let size = network.embedding_size();
        let task = RouterDcTask::new(train, validation, self, network.limits(), &device)?;
        let frozen = Frozen { words: self.freeze_tokens, layers: self.freeze_layers };
        let candidates = recipe.candidates.len();
        let head = |width| LlmEmbeddings::new(candidates, width, recipe.seed, &device);
        let (encoder, head) = encoder_and_head::train(context, encoder, frozen, head, &task)?;
        let head = RouterDcHead::of(&head, size, self.temperature)?;
        Ok(Trained { encoder, head: TrainedHead::in_graph(head, (0..candidates).collect()) })
    }
}

/// Clusters of the training queries, by k-means on their t-SNE map; queries without a token form a
/// cluster of their own.
fn clusters(
    context: &Context<'_>,
    encoder: &Encoder,
    count: usize,
) -> Result<Vec<u32>, TrainerError> {
    let mut embedder = Embedder::new(context, encoder)?;
    let found = embedder.rows(context.data.train.rows.iter().map(|row| row.query.as_str()))?;
    let known: Vec<u32> = found.iter().flatten().copied().collect();
    let width = embedder.cache.width();
    let embeddings = embedder.cache.read(&known)?;
    let rows: Vec<&[f32]> =
        embeddings.chunks_exact(width).map(|row| row.split_at(width - 1).0).collect();
    let seed = context.recipe.seed;
    let places = t_sne(&rows, &Settings { seed, ..Settings::default() })?;
    let places: Vec<Vec<f64>> = places.iter().map(|place| place.map(f64::from).to_vec()).collect();
    let mut own = k_means::clusters(&places, count, seed)?.into_iter();
    let none = u32::try_from(count).unwrap_or(u32::MAX);
    let cluster = |cluster: usize| u32::try_from(cluster).unwrap_or(none);
    Ok(found.iter().map(|row| row.and_then(|_| own.next()).map_or(none, cluster)).collect())
}
