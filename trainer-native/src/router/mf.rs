//! Matrix factorisation (RouteLLM, section 4.2).
//!
//! ```text
//! s(M, q) = w2 . (v_M / |v_M| (elementwise) (e(q) W1 + b))         [B, M]
//! ```
//! It is trained on preferences by [`crate::training::head`]. In the graph the model vectors are
//! folded into one matrix, `scores = (e W1 + b) F^T` with `F = w2 * v_M / |v_M|`.

use burn::tensor::{Device, Distribution, Tensor};

use super::TrainableHead;
use crate::error::TrainerError;
use crate::export::Precision;
use crate::export::graph::Graph;
use crate::export::router_graph::{GraphHead, Inputs, linear};
use crate::random::RandomStream;
use crate::recipe::{MfRecipe, TrainingRecipe};
use crate::training::parameters::{Parameters, Schedule};

/// A matrix-factorisation head, on a device.
pub struct MfHead {
    /// `projection` [D, d_m], `bias` [1, d_m], `models` [M, d_m], `weights` [1, d_m].
    parameters: Parameters,
    noise: f64,
}

impl MfHead {
    /// An untrained head for `models` LLMs on embeddings of size `width`; `device` has autodiff.
    #[must_use]
    pub fn new(
        recipe: &MfRecipe,
        training: &TrainingRecipe,
        (width, models): (usize, usize),
        seed: u64,
        device: &Device,
    ) -> Self {
        let dimension = recipe.dimension;
        let mut draw = RandomStream::new(seed, usize::MAX - 1);
        let learning_rate = training.learning_rate;
        let plain = Schedule::AdamW { learning_rate, weight_decay: 0.0 };
        let decayed = Schedule::AdamW { learning_rate, weight_decay: training.weight_decay };
        let mut parameters = Parameters::new(device);
        #[allow(clippy::cast_precision_loss)]
        let spread = (1.0 / width as f32).sqrt();
        let mut normal = |count: usize, spread: f32| draw.normal(count, spread);
        let projection = normal(width * dimension, spread);
        parameters.add("projection", [width, dimension], projection, decayed);
        parameters.add("bias", [1, dimension], vec![0.0; dimension], plain);
        parameters.add("models", [models, dimension], normal(models * dimension, 1.0), plain);
        parameters.add("weights", [1, dimension], vec![1.0; dimension], plain);
        Self { parameters, noise: recipe.noise }
    }

    /// F transposed, `[d_m, columns]`.
    fn factors(&self, columns: &[usize], dimension: usize) -> Result<Vec<f32>, TrainerError> {
        let models = self.parameters.values("models")?;
        let weights = self.parameters.values("weights")?;
        let mut transposed = vec![0.0; dimension * columns.len()];
        for (slot, &model) in columns.iter().enumerate() {
            let vector = &models[model * dimension..(model + 1) * dimension];
            let norm = vector.iter().map(|v| v * v).sum::<f32>().sqrt() + 1e-9;
            for (d, (v, w)) in vector.iter().zip(&weights).enumerate() {
                transposed[d * columns.len() + slot] = v / norm * w;
            }
        }
        Ok(transposed)
    }
}

impl TrainableHead for MfHead {
    fn scores(&self, embedding: Tensor<2>, training: bool) -> Tensor<2> {
        let embedding = match training && self.noise > 0.0 {
            true => {
                let noise = embedding.random_like(Distribution::Normal(0.0, self.noise));
                embedding + noise
            }
            false => embedding,
        };
        let hidden =
            embedding.matmul(self.parameters.get("projection")) + self.parameters.get("bias");
        let models = self.parameters.get("models");
        let norm = models.clone().square().sum_dim(1).sqrt() + 1e-9;
        let factors = models / norm * self.parameters.get("weights");
        hidden.matmul(factors.transpose())
    }

    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn parameters_mut(&mut self) -> &mut Parameters {
        &mut self.parameters
    }
}

impl GraphHead for MfHead {
    fn nodes(
        &self,
        g: &mut Graph,
        _: &Inputs,
        embedding: &str,
        columns: &[usize],
        precision: Precision,
    ) -> Result<String, TrainerError> {
        let [_, dimension] = self.parameters.get("projection").dims();
        let projection = self.parameters.values("projection")?;
        let bias = self.parameters.values("bias")?;
        let weights = (projection.as_slice(), dimension);
        let hidden = linear(g, "projection", embedding, weights, Some(&bias), precision);
        let factors = self.factors(columns, dimension)?;
        let factors = g.floats("factors", &[dimension, columns.len()], &factors);
        Ok(g.node("MatMul", "scores", &[&hidden, &factors], &[]))
    }
}
