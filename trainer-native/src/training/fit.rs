//! The result of training, and the trait that every router kind implements.

use pointsman::{Ability, Head, Memory};

use super::context::Context;
use crate::encoder::Encoder;
use crate::error::TrainerError;
use crate::export::router_graph::GraphHead;

/// The settings of a router kind, which train a router of that kind.
pub trait Fit {
    /// Trains on `encoder`, resuming where an earlier call stopped.
    ///
    /// # Errors
    /// [`TrainerError::NonFiniteLoss`] and [`TrainerError::Interrupted`], both with what is finished
    /// kept on disk; [`TrainerError::NoTrainingData`]; those of the engine.
    fn fit(&self, context: &Context<'_>, encoder: Encoder) -> Result<Trained, TrainerError>;
}

/// A trained router.
pub struct Trained {
    pub encoder: Encoder,
    pub head: TrainedHead,
}

/// The head that a run trained, apart from its encoder.
#[derive(Default)]
pub struct TrainedHead {
    /// The part whose nodes are in the graph.
    pub graph: Option<TrainedGraph>,
    /// Labelled queries that the engine compares a query with.
    pub memory: Option<Memory>,
    /// What the manifest states of the kind's settings.
    pub stated: Head,
    /// Of kind `difficulty`: the ability of each candidate of the recipe.
    pub abilities: Option<Vec<Ability>>,
}

/// A head whose nodes are in the graph.
pub struct TrainedGraph {
    pub head: Box<dyn GraphHead>,
    /// Column of each candidate of the recipe among the models that the head scores.
    pub columns: Vec<usize>,
}

impl TrainedHead {
    /// A head whose nodes are in the graph; the candidates of the recipe are at `columns` of the
    /// models that it scores.
    pub fn in_graph(head: impl GraphHead + 'static, columns: Vec<usize>) -> Self {
        let graph = Some(TrainedGraph { head: Box::new(head), columns });
        Self { graph, ..Self::default() }
    }

    /// A head that remembers labelled queries.
    #[must_use]
    pub fn in_memory(memory: Memory, stated: Head) -> Self {
        Self { memory: Some(memory), stated, ..Self::default() }
    }
}
