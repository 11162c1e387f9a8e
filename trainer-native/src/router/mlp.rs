//! Multi-layer perceptron with one hidden layer, a strong baseline.
//!
//! ```text
//! h       = relu(e(q) W1 + b1)          [B, hidden]
//! s(M, q) = h W2 + b2                   [B, M]
//! ```
//! It is trained on preferences by [`crate::training::head`], as matrix factorisation is.

use burn::module::{Module, Param};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Distribution, Tensor, TensorData};

use crate::encoder::Encoder;
use crate::error::TrainerError;
use crate::export::graph::Graph;
use crate::export::router_graph::{GraphHead, Inputs, linear};
use crate::precision::Precision;
use crate::random::RandomStream;
use crate::recipe::{MlpRecipe, TrainingRecipe};
use crate::tensors::finite;
use crate::training::context::Context;
use crate::training::embedded::Embedded;
use crate::training::fit::{Fit, Trained};
use crate::training::head::{TrainableHead, by_steps};
use crate::training::optimiser::{Rules, Schedule};

impl Fit for MlpRecipe {
    fn fit(&self, context: &Context<'_>, encoder: Encoder) -> Result<Trained, TrainerError> {
        let embedded = Embedded::new(context, &encoder)?;
        let seed = context.recipe.seed;
        let untrained = |size, device: &Device| MlpHead::new(self, size, seed, device);
        Ok(Trained { head: by_steps(context, embedded, untrained)?, encoder })
    }
}

/// A perceptron head, on a device.
#[derive(Module, Debug)]
pub struct MlpHead {
    /// W1, `[D, H]`.
    pub hidden: Param<Tensor<2>>,
    /// b1, `[1, H]`.
    pub hidden_bias: Param<Tensor<2>>,
    /// W2, `[H, M]`.
    pub output: Param<Tensor<2>>,
    /// b2, `[1, M]`.
    pub output_bias: Param<Tensor<2>>,
    #[module(skip)]
    dropout: f64,
}

impl MlpHead {
    /// An untrained head for `models` LLMs on embeddings of size `width`; `device` has autodiff.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn new(
        recipe: &MlpRecipe,
        (width, models): (usize, usize),
        seed: u64,
        device: &Device,
    ) -> Self {
        let hidden = recipe.hidden;
        let mut draw = RandomStream::new(seed, usize::MAX - 1);
        let matrix = |values: Vec<f32>, shape: [usize; 2]| {
            Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device))
        };
        let first = draw.normal(width * hidden, (2.0 / width as f32).sqrt());
        let second = draw.normal(hidden * models, (1.0 / hidden as f32).sqrt());
        Self {
            hidden: matrix(first, [width, hidden]),
            hidden_bias: matrix(vec![0.0; hidden], [1, hidden]),
            output: matrix(second, [hidden, models]),
            output_bias: matrix(vec![0.0; models], [1, models]),
            dropout: recipe.dropout,
        }
    }
}

impl TrainableHead for MlpHead {
    fn scores(&self, embedding: Tensor<2>, training: bool) -> Tensor<2> {
        let hidden = relu(embedding.matmul(self.hidden.val()) + self.hidden_bias.val());
        let hidden = match training && self.dropout > 0.0 {
            true => {
                let kept = 1.0 - self.dropout;
                let mask = hidden.random_like(Distribution::Bernoulli(kept));
                hidden * mask / kept
            }
            false => hidden,
        };
        hidden.matmul(self.output.val()) + self.output_bias.val()
    }

    fn rules(&self, settings: &TrainingRecipe) -> Rules {
        let &TrainingRecipe { learning_rate, weight_decay, .. } = settings;
        let plain = Schedule::AdamW { learning_rate, weight_decay: 0.0 };
        Rules::adamw(learning_rate, weight_decay)
            .with("hidden_bias", plain)
            .with("output_bias", plain)
    }
}

impl GraphHead for MlpHead {
    fn nodes(
        &self,
        g: &mut Graph,
        _: &Inputs,
        embedding: &str,
        columns: &[usize],
        precision: Precision,
    ) -> Result<String, TrainerError> {
        let [hidden, models] = self.output.dims();
        let values =
            |name: &str, parameter: &Param<Tensor<2>>| finite("a parameter", name, parameter.val());
        let first = values("hidden", &self.hidden)?;
        let bias = values("hidden_bias", &self.hidden_bias)?;
        let sum = linear(g, "hidden", embedding, (&first, hidden), Some(&bias), precision);
        let active = g.node("Relu", "hidden_active", &[&sum], &[]);
        let output = values("output", &self.output)?;
        let bias = values("output_bias", &self.output_bias)?;
        let picked: Vec<f32> = output
            .chunks_exact(models)
            .flat_map(|row| columns.iter().map(|&model| row[model]))
            .collect();
        let bias: Vec<f32> = columns.iter().map(|&model| bias[model]).collect();
        let weights = (picked.as_slice(), columns.len());
        let scores = linear(g, "output", &active, weights, Some(&bias), precision);
        Ok(g.node("Identity", "scores", &[&scores], &[]))
    }
}
