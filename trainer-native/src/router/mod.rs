//! The router kinds, a file or a folder each: how a kind is fitted, its head, and the head's export.
//!
//! The settings of a kind stand in [`recipe`](crate::recipe) and implement [`Fit`]. Kinds whose head is
//! in the graph implement [`GraphHead`](crate::export::router_graph::GraphHead); those trained by steps
//! on embeddings also [`TrainableHead`](crate::training::head::TrainableHead).

pub mod bert;
pub mod cluster;
pub mod difficulty;
mod knn;
pub mod length;
mod memory;
pub mod mf;
pub mod mlp;
mod random;
pub mod ridge;
pub mod routerdc;
mod sw_ranking;

use crate::encoder::Encoder;
use crate::error::TrainerError;
use crate::recipe::HeadRecipe;
use crate::training::context::Context;
use crate::training::fit::{Fit, Trained};

/// The settings of a recipe's kind, which train it.
fn settings(head: &HeadRecipe) -> &dyn Fit {
    match head {
        HeadRecipe::Mf(settings) => settings,
        HeadRecipe::Mlp(settings) => settings,
        HeadRecipe::Ridge(settings) => settings,
        HeadRecipe::Difficulty(settings) => settings,
        HeadRecipe::Bert(settings) => settings,
        HeadRecipe::RouterDc(settings) => settings,
        HeadRecipe::Cluster(settings) => settings,
        HeadRecipe::SwRanking(settings) => settings,
        HeadRecipe::Knn(settings) => settings,
        HeadRecipe::Length(settings) => settings,
        HeadRecipe::Random(settings) => settings,
    }
}

/// Trains the router that the run's recipe asks for on `encoder`, resuming where an earlier call
/// stopped.
///
/// # Errors
/// Those of [`Fit::fit`].
pub fn train(context: &Context<'_>, encoder: Encoder) -> Result<Trained, TrainerError> {
    settings(&context.recipe.head).fit(context, encoder)
}
