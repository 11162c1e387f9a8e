//! The network: an encoder and one embedding for each LLM.

use burn::module::{Module, ModuleDisplay, Param};
use burn::tensor::{Device, Tensor, TensorData};

use crate::encoder::trainable::{TrainableEncoder, WithHead, padded};
use crate::random::RandomStream;

/// Standard deviation of untrained LLM embeddings (section 4.1).
const START: f32 = 0.78;
/// Length below which a vector counts as zero.
const LEAST_LENGTH: f32 = 1e-6;

/// One embedding for each LLM, `[T, E]`.
#[derive(Module, Debug)]
pub struct LlmEmbeddings {
    /// Rows in the order of the candidates.
    pub vectors: Param<Tensor<2>>,
}

/// Embeddings of the known LLMs, which are fixed, and of the one that is learnt.
#[derive(Module, Debug)]
pub struct ExtendedEmbeddings {
    /// Rows in the order of the candidates, `[T - 1, E]`.
    pub known: Param<Tensor<2>>,
    /// Embedding of the last candidate, `[1, E]`.
    pub added: Param<Tensor<2>>,
}

/// A head with one embedding for each LLM.
pub trait LlmVectors: Module + ModuleDisplay {
    /// The embeddings, `[T, E]`.
    fn vectors(&self) -> Tensor<2>;
}

impl LlmVectors for LlmEmbeddings {
    fn vectors(&self) -> Tensor<2> {
        self.vectors.val()
    }
}

impl LlmVectors for ExtendedEmbeddings {
    fn vectors(&self) -> Tensor<2> {
        Tensor::cat(vec![self.known.val(), self.added.val()], 0)
    }
}

impl LlmEmbeddings {
    /// Untrained embeddings of size `width`.
    #[must_use]
    pub fn new(candidates: usize, width: usize, seed: u64, device: &Device) -> Self {
        let mut draw = RandomStream::new(seed, usize::MAX - 1);
        let shape = [candidates, width];
        let values = TensorData::new(draw.normal(candidates * width, START), shape);
        Self { vectors: Param::from_tensor(Tensor::from_data(values, device)) }
    }
}

impl<E: TrainableEncoder, H: LlmVectors> WithHead<E, H> {
    /// Directions of queries, `[B, E]`.
    pub fn directions(&self, queries: &[&[u32]], device: &Device) -> Tensor<2> {
        let (ids, mask) = padded(queries, device);
        unit(self.encoder.embed(ids, mask))
    }

    /// `cos(E(q), k_t)`, `[B, T]`, from the directions of queries.
    pub fn cosines(&self, directions: Tensor<2>) -> Tensor<2> {
        directions.matmul(unit(self.head.vectors()).transpose())
    }
}

/// Brings rows to length 1.
pub fn unit(rows: Tensor<2>) -> Tensor<2> {
    let length = rows.clone().powf_scalar(2.0).sum_dim(1).sqrt().clamp_min(LEAST_LENGTH);
    rows / length
}
