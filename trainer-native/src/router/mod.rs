//! The trained routers, one file for each kind.
//!
//! Kinds whose head is in the graph implement [`GraphHead`]; those trained by steps on embeddings
//! also implement [`TrainableHead`]. [`TrainedHead`] is the result of training any kind.

pub mod bert;
pub mod cluster;
pub mod length;
pub mod memory;
pub mod mf;
pub mod mlp;
pub mod ridge;
pub mod routerdc;

use burn::tensor::Tensor;
use pointsman::Memory;

use crate::export::router_graph::GraphHead;
use crate::training::parameters::Parameters;

/// A head trained by steps on embeddings.
pub trait TrainableHead {
    /// Scores `[B, M]` of embeddings `[B, D]`; noise and dropout act only in `training`.
    fn scores(&self, embedding: Tensor<2>, training: bool) -> Tensor<2>;
    fn parameters(&self) -> &Parameters;
    fn parameters_mut(&mut self) -> &mut Parameters;
}

/// The head that a run trained, apart from its encoder.
pub enum TrainedHead {
    /// A head whose nodes are in the graph.
    Graph(Box<dyn GraphHead>),
    /// Similarity-weighted ranking.
    SwRanking {
        /// Battles of the remembered queries.
        memory: Memory,
        /// Elo group of each model of the training table, from 0.
        elo_groups: Vec<u8>,
    },
    /// Nearest neighbours: scores of the remembered queries, over the candidates.
    Knn(Memory),
    Random,
}
