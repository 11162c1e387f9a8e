//! Chance: the engine hashes the query's text with the recipe's seed.

use pointsman::Head;

use crate::encoder::Encoder;
use crate::error::TrainerError;
use crate::recipe::RandomRecipe;
use crate::training::context::Context;
use crate::training::fit::{Fit, Trained, TrainedHead};

impl Fit for RandomRecipe {
    fn fit(&self, context: &Context<'_>, encoder: Encoder) -> Result<Trained, TrainerError> {
        let stated = Head { seed: Some(context.recipe.seed), ..Head::default() };
        Ok(Trained { encoder, head: TrainedHead { stated, ..TrainedHead::default() } })
    }
}
