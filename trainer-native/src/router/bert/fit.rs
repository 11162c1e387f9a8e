//! Trains an encoder and a three-way classifier together.

use super::classifier::{ClassifierTask, untrained};
use super::head::ClassifierHead;
use super::queries::labelled_queries;
use crate::encoder::Encoder;
use crate::encoder::trainable::Frozen;
use crate::error::TrainerError;
use crate::export::bundle::encoder_only;
use crate::precision::Precision;
use crate::recipe::BertRecipe;
use crate::training::context::Context;
use crate::training::encoder_and_head;
use crate::training::fine_tune::split;
use crate::training::fit::{Fit, Trained, TrainedHead};

impl Fit for BertRecipe {
    fn fit(&self, context: &Context<'_>, encoder: Encoder) -> Result<Trained, TrainerError> {
        let (recipe, pair, tuning) =
            (context.recipe, context.recipe.pair()?, context.fine_tuning()?);
        let (router, _) = encoder_only(recipe, &encoder, Precision::Float)?;
        let rows = labelled_queries(pair, self.elo_groups.as_ref(), context.data, &router)?;
        let (train, validation) = split(rows, tuning.validation_share, recipe.seed);
        let (device, network) = (context.autodiff(), &encoder.network);
        let size = network.embedding_size();
        let task = ClassifierTask::new(train, validation, network.limits(), &device)?;
        let frozen = Frozen { words: self.freeze_tokens, layers: self.freeze_layers };
        let head = |width| untrained(width, recipe.seed, &device);
        let (encoder, head) = encoder_and_head::train(context, encoder, frozen, head, &task)?;
        // The classifier knows two models: the strong one is its column 0.
        let column = |id: &str| usize::from(id != pair.strong);
        let columns = recipe.candidates.iter().map(|c| column(&c.id)).collect();
        let head = ClassifierHead::of(&head, size, 0)?;
        Ok(Trained { encoder, head: TrainedHead::in_graph(head, columns) })
    }
}
