//! The classifier: an encoder with three labels, and the loss that trains it.

use burn::nn::Linear;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor, TensorData};

use super::queries::LabelledQuery;
use crate::encoder::bert_weights::Dense;
use crate::encoder::trainable::{Limits, TrainableEncoder, WithHead, check_ids, padded};
use crate::error::TrainerError;
use crate::export::classifier_head::LABELS;
use crate::random::RandomStream;
use crate::training::fine_tune::{Loss, Objective};

/// Queries assessed in one batch.
const ASSESSED: usize = 32;

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
    /// [`TrainerError::BadRows`], which numbers rows of `validation` after those of `train`;
    /// [`TrainerError::NoTrainingData`] where `train` is empty.
    pub fn new(
        train: Vec<LabelledQuery>,
        validation: Vec<LabelledQuery>,
        limits: Limits,
        device: &Device,
    ) -> Result<Self, TrainerError> {
        if train.is_empty() {
            return Err(TrainerError::NoTrainingData {
                detail: "there is no labelled query".into(),
            });
        }
        for (row, query) in train.iter().chain(&validation).enumerate() {
            check(query, limits).map_err(|detail| TrainerError::BadRows {
                what: format!("training row {row}"),
                detail,
            })?;
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
