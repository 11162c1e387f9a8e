//! Matrix factorisation (RouteLLM, section 4.2).
//!
//! ```text
//! s(M, q) = w2 . (v_M / |v_M| (elementwise) (e(q) W1 + b))         [B, M]
//! ```
//! It is trained on preferences by [`crate::training::head`]. In the graph the model vectors are
//! folded into one matrix, `scores = (e W1 + b) F^T` with `F = w2 * v_M / |v_M|`.

use burn::module::{Module, Param};
use burn::tensor::{Device, Distribution, Tensor, TensorData};

use crate::encoder::Encoder;
use crate::error::TrainerError;
use crate::export::graph::Graph;
use crate::export::router_graph::{GraphHead, Inputs, linear};
use crate::precision::Precision;
use crate::random::RandomStream;
use crate::recipe::{MfRecipe, TrainingRecipe};
use crate::tensors::finite;
use crate::training::context::Context;
use crate::training::embedded::Embedded;
use crate::training::fit::{Fit, Trained};
use crate::training::head::{TrainableHead, by_steps};
use crate::training::optimiser::{Rules, Schedule};

impl Fit for MfRecipe {
    fn fit(&self, context: &Context<'_>, encoder: Encoder) -> Result<Trained, TrainerError> {
        let embedded = Embedded::new(context, &encoder)?;
        let seed = context.recipe.seed;
        let untrained = |size, device: &Device| MfHead::new(self, size, seed, device);
        Ok(Trained { head: by_steps(context, embedded, untrained)?, encoder })
    }
}

/// A matrix-factorisation head, on a device.
#[derive(Module, Debug)]
pub struct MfHead {
    /// W1, `[D, d_m]`.
    pub projection: Param<Tensor<2>>,
    /// b, `[1, d_m]`.
    pub bias: Param<Tensor<2>>,
    /// v, `[M, d_m]`.
    pub models: Param<Tensor<2>>,
    /// w2, `[1, d_m]`.
    pub weights: Param<Tensor<2>>,
    #[module(skip)]
    noise: f64,
}

impl MfHead {
    /// An untrained head for `models` LLMs on embeddings of size `width`; `device` has autodiff.
    #[must_use]
    pub fn new(
        recipe: &MfRecipe,
        (width, models): (usize, usize),
        seed: u64,
        device: &Device,
    ) -> Self {
        let dimension = recipe.dimension;
        let mut draw = RandomStream::new(seed, usize::MAX - 1);
        #[allow(clippy::cast_precision_loss)]
        let spread = (1.0 / width as f32).sqrt();
        let matrix = |values: Vec<f32>, rows: usize| {
            let data = TensorData::new(values, [rows, dimension]);
            Param::from_tensor(Tensor::from_data(data, device))
        };
        Self {
            projection: matrix(draw.normal(width * dimension, spread), width),
            bias: matrix(vec![0.0; dimension], 1),
            models: matrix(draw.normal(models * dimension, 1.0), models),
            weights: matrix(vec![1.0; dimension], 1),
            noise: recipe.noise,
        }
    }

    /// F transposed, `[d_m, columns]`.
    fn factors(&self, columns: &[usize], dimension: usize) -> Result<Vec<f32>, TrainerError> {
        let models = finite("a parameter", "models", self.models.val())?;
        let weights = finite("a parameter", "weights", self.weights.val())?;
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
        let hidden = embedding.matmul(self.projection.val()) + self.bias.val();
        let models = self.models.val();
        let norm = models.clone().square().sum_dim(1).sqrt() + 1e-9;
        let factors = models / norm * self.weights.val();
        hidden.matmul(factors.transpose())
    }

    fn rules(&self, settings: &TrainingRecipe) -> Rules {
        let &TrainingRecipe { learning_rate, weight_decay, .. } = settings;
        let plain = Schedule::AdamW { learning_rate, weight_decay: 0.0 };
        Rules::adamw(learning_rate, weight_decay)
            .with("bias", plain)
            .with("models", plain)
            .with("weights", plain)
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
        let [_, dimension] = self.projection.dims();
        let projection = finite("a parameter", "projection", self.projection.val())?;
        let bias = finite("a parameter", "bias", self.bias.val())?;
        let weights = (projection.as_slice(), dimension);
        let hidden = linear(g, "projection", embedding, weights, Some(&bias), precision);
        let factors = self.factors(columns, dimension)?;
        let factors = g.floats("factors", &[dimension, columns.len()], &factors);
        Ok(g.node("MatMul", "scores", &[&hidden, &factors], &[]))
    }
}
