//! BERT classifier (RouteLLM, section 4.2): fine-tunes an encoder to predict which candidate wins.
//!
//! ```text
//! logits  = embed(q) W + b                   [B, 3]     strong wins, tie, weak wins
//! P(strong wins | q) = softmax(logits)_0
//! loss    = weighted mean of - sum over labels of target * ln softmax(logits)
//! target(y), y in [0, 1]: (2y - 1, 2 - 2y, 0) where y >= 1/2, else (0, 2y, 1 - 2y)
//! ```
//! y is how far the strong candidate beat the weak one: 1, 1/2 and 0 are the three labels, and
//! values between them are shared between a label and the tie. Any [`TrainableEncoder`] can be
//! used.

pub mod queries;

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::activation::{log_softmax, softmax};
use burn::tensor::{Device, Tensor, TensorData};

use crate::encoder::bert_weights::Dense;
use crate::encoder::static_table::floats;
use crate::encoder::trainable::{Limits, TrainableEncoder, WithHead, check_ids, padded};
use crate::error::TrainerError;
use crate::export::Precision;
use crate::export::classifier_head::{self, Columns, LABELS};
use crate::export::graph::Graph;
use crate::export::router_graph::{GraphHead, Inputs};
use crate::random::RandomStream;
use crate::training::fine_tune::{Loss, Objective};

/// Queries assessed in one batch.
const ASSESSED: usize = 32;

/// A query with its label.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledQuery {
    /// Token ids, including special tokens where the encoder expects them.
    pub ids: Vec<u32>,
    /// 1 where the strong candidate wins, 1/2 for a tie, 0 where the weak one wins; values between
    /// are allowed.
    pub target: f32,
    /// Its weight in the loss, above 0.
    pub weight: f32,
}

/// An encoder with a linear layer to the three labels, [E, 3].
pub type Classifier<E> = WithHead<E, Linear>;

/// An untrained head on embeddings of size `width`, drawn from `seed` with a standard deviation of
/// 0.02.
#[must_use]
pub fn untrained(width: usize, seed: u64, device: &Device) -> Linear {
    let mut draw = RandomStream::new(seed, usize::MAX - 1);
    let head = Dense {
        input: width,
        output: LABELS,
        weight: draw.normal(width * LABELS, 0.02),
        bias: vec![0.0; LABELS],
    };
    head.linear(device)
}

impl<E: TrainableEncoder> Classifier<E> {
    /// An untrained head on `encoder`.
    #[must_use]
    pub fn new(encoder: E, seed: u64, device: &Device) -> Self {
        let head = untrained(encoder.width(), seed, device);
        Self { encoder, head }
    }

    /// Logits, `[B, 3]`.
    #[must_use]
    pub fn logits(&self, queries: &[&[u32]]) -> Tensor<2> {
        let (ids, mask) = padded(queries, &self.head.weight.device());
        self.head.forward(self.encoder.embed(ids, mask))
    }

    /// P(strong wins) of each query, in [0, 1], without gradients.
    ///
    /// # Errors
    /// [`TrainerError::NotFinite`].
    pub fn assess(&self, queries: &[Vec<u32>]) -> Result<Vec<f32>, TrainerError> {
        // Queries of similar length share a batch, since padding costs as much as tokens.
        let mut order: Vec<usize> = (0..queries.len()).collect();
        order.sort_by_key(|&query| queries[query].len());
        let network = self.valid();
        let mut shares = vec![0.0; queries.len()];
        for batch in order.chunks(ASSESSED) {
            let rows: Vec<&[u32]> = batch.iter().map(|&query| queries[query].as_slice()).collect();
            let found = floats(softmax(network.logits(&rows), 1).into_data())?;
            for (&query, labels) in batch.iter().zip(found.chunks_exact(LABELS)) {
                if !labels[0].is_finite() {
                    let detail = format!("{} at query {query}: damaged weights", labels[0]);
                    return Err(TrainerError::NotFinite { what: "a win rate", detail });
                }
                shares[query] = labels[0];
            }
        }
        Ok(shares)
    }
}

/// The last layer of a trained classifier, in host memory.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassifierHead {
    /// Maps an embedding to logits, [D, 3].
    pub dense: Dense,
    /// Column of the strong candidate among the models.
    pub strong: usize,
}

impl ClassifierHead {
    /// Copies the layer from its device. For an encoder without a length coordinate a row of zeros
    /// is added, since an exported embedding ends in the length: `size` is the size of that
    /// embedding.
    ///
    /// # Errors
    /// [`TrainerError::NotFinite`].
    pub fn of(head: &Linear, size: usize, strong: usize) -> Result<Self, TrainerError> {
        let mut dense = Dense::of(head, "classifier")?;
        dense.weight.resize(size * dense.output, 0.0);
        dense.input = size;
        Ok(Self { dense, strong })
    }
}

impl GraphHead for ClassifierHead {
    fn nodes(
        &self,
        g: &mut Graph,
        _: &Inputs,
        embedding: &str,
        columns: &[usize],
        _: Precision,
    ) -> Result<String, TrainerError> {
        let order = match columns.first() == Some(&self.strong) {
            true => Columns::StrongFirst,
            false => Columns::WeakFirst,
        };
        // Kept in float: rounding three columns would save nothing.
        classifier_head::scores(g, embedding, &self.dense, order)
    }
}

/// Training and validation rows of a classifier.
#[derive(Debug, Clone)]
pub struct ClassifierTask {
    train: Vec<LabelledQuery>,
    validation: Vec<LabelledQuery>,
    device: Device,
}

impl ClassifierTask {
    /// Checks the rows against the limits of the encoder; tensors go to `device`, which has
    /// autodiff.
    ///
    /// # Errors
    /// [`TrainerError::BadTrainingRow`], which numbers rows of `validation` after those of `train`;
    /// [`TrainerError::NoTrainingPair`] where `train` is empty.
    pub fn new(
        train: Vec<LabelledQuery>,
        validation: Vec<LabelledQuery>,
        limits: Limits,
        device: &Device,
    ) -> Result<Self, TrainerError> {
        if train.is_empty() {
            return Err(TrainerError::NoTrainingPair {
                detail: "there is no labelled query".into(),
            });
        }
        for (row, query) in train.iter().chain(&validation).enumerate() {
            check(query, limits).map_err(|detail| TrainerError::BadTrainingRow { row, detail })?;
        }
        Ok(Self { train, validation, device: device.clone() })
    }

    fn batch<E: TrainableEncoder>(
        network: &Classifier<E>,
        rows: &[&LabelledQuery],
        device: &Device,
    ) -> Loss {
        let queries: Vec<&[u32]> = rows.iter().map(|row| row.ids.as_slice()).collect();
        let targets: Vec<f32> = rows.iter().flat_map(|row| shares(row.target)).collect();
        let weights: Vec<f32> = rows.iter().map(|row| row.weight).collect();
        let weight: f64 = weights.iter().map(|&w| f64::from(w)).sum();
        let targets = TensorData::new(targets, [rows.len(), LABELS]);
        let targets = Tensor::<2>::from_data(targets, device);
        let weights = TensorData::new(weights, [rows.len(), 1]);
        let weights = Tensor::<2>::from_data(weights, device);
        let logits = network.logits(&queries);
        let total = -(log_softmax(logits, 1) * targets * weights).sum();
        let tokens = rows.iter().map(|row| row.ids.len()).sum();
        Loss { mean: total / weight, weight, tokens }
    }
}

impl<E: TrainableEncoder> Objective<Classifier<E>> for ClassifierTask {
    fn lengths(&self) -> Vec<usize> {
        self.train.iter().map(|row| row.ids.len()).collect()
    }

    fn loss(&self, network: &Classifier<E>, rows: &[usize], _: &mut RandomStream) -> Option<Loss> {
        let rows: Vec<&LabelledQuery> = rows.iter().map(|&row| &self.train[row]).collect();
        (!rows.is_empty()).then(|| Self::batch(network, &rows, &self.device))
    }

    fn validate(&self, network: &Classifier<E>) -> Result<Option<f64>, TrainerError> {
        let device = self.device.clone().inner();
        let mut rows: Vec<&LabelledQuery> = self.validation.iter().collect();
        rows.sort_by_key(|row| row.ids.len());
        let (mut total, mut weight) = (0.0, 0.0);
        for batch in rows.chunks(ASSESSED) {
            let loss = Self::batch(network, batch, &device);
            total += f64::from(loss.mean.into_scalar::<f32>()) * loss.weight;
            weight += loss.weight;
        }
        Ok((weight > 0.0).then(|| total / weight))
    }
}

/// Splits a target into shares of the three labels.
fn shares(target: f32) -> [f32; LABELS] {
    match target >= 0.5 {
        true => [2.0 * target - 1.0, 2.0 - 2.0 * target, 0.0],
        false => [0.0, 2.0 * target, 1.0 - 2.0 * target],
    }
}

fn check(query: &LabelledQuery, limits: Limits) -> Result<(), String> {
    let LabelledQuery { ids, target, weight } = query;
    if !(0.0..=1.0).contains(target) {
        return Err(format!("target {target}, expected a number in [0, 1]"));
    }
    if !(weight.is_finite() && *weight > 0.0) {
        return Err(format!("weight {weight}, expected a number above 0"));
    }
    check_ids(ids, limits)
}

#[cfg(test)]
mod tests;
