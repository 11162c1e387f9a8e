//! Multi-layer perceptron with one hidden layer, a strong baseline.
//!
//! ```text
//! h       = relu(e(q) W1 + b1)          [B, hidden]
//! s(M, q) = h W2 + b2                   [B, M]
//! ```
//! It is trained on preferences by [`crate::training::head`], as matrix factorisation is.

use burn::tensor::activation::relu;
use burn::tensor::{Device, Distribution, Tensor};

use super::TrainableHead;
use crate::error::TrainerError;
use crate::export::Precision;
use crate::export::graph::Graph;
use crate::export::router_graph::{GraphHead, Inputs, linear};
use crate::random::RandomStream;
use crate::recipe::{MlpRecipe, TrainingRecipe};
use crate::training::parameters::{Parameters, Schedule};

/// A perceptron head, on a device.
pub struct MlpHead {
    /// `hidden` [D, H], `hidden_bias` [1, H], `output` [H, M], `output_bias` [1, M].
    parameters: Parameters,
    dropout: f64,
}

impl MlpHead {
    /// An untrained head for `models` LLMs on embeddings of size `width`; `device` has autodiff.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn new(
        recipe: &MlpRecipe,
        training: &TrainingRecipe,
        (width, models): (usize, usize),
        seed: u64,
        device: &Device,
    ) -> Self {
        let hidden = recipe.hidden;
        let mut draw = RandomStream::new(seed, usize::MAX - 1);
        let learning_rate = training.learning_rate;
        let plain = Schedule::AdamW { learning_rate, weight_decay: 0.0 };
        let decayed = Schedule::AdamW { learning_rate, weight_decay: training.weight_decay };
        let mut parameters = Parameters::new(device);
        let first = draw.normal(width * hidden, (2.0 / width as f32).sqrt());
        let second = draw.normal(hidden * models, (1.0 / hidden as f32).sqrt());
        parameters.add("hidden", [width, hidden], first, decayed);
        parameters.add("hidden_bias", [1, hidden], vec![0.0; hidden], plain);
        parameters.add("output", [hidden, models], second, decayed);
        parameters.add("output_bias", [1, models], vec![0.0; models], plain);
        Self { parameters, dropout: recipe.dropout }
    }
}

impl TrainableHead for MlpHead {
    fn scores(&self, embedding: Tensor<2>, training: bool) -> Tensor<2> {
        let parameter = |name: &str| self.parameters.get(name);
        let hidden = relu(embedding.matmul(parameter("hidden")) + parameter("hidden_bias"));
        let hidden = match training && self.dropout > 0.0 {
            true => {
                let kept = 1.0 - self.dropout;
                let mask = hidden.random_like(Distribution::Bernoulli(kept));
                hidden * mask / kept
            }
            false => hidden,
        };
        hidden.matmul(parameter("output")) + parameter("output_bias")
    }

    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn parameters_mut(&mut self) -> &mut Parameters {
        &mut self.parameters
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
        let [hidden, models] = self.parameters.get("output").dims();
        let first = self.parameters.values("hidden")?;
        let bias = self.parameters.values("hidden_bias")?;
        let sum = linear(g, "hidden", embedding, (&first, hidden), Some(&bias), precision);
        let active = g.node("Relu", "hidden_active", &[&sum], &[]);
        let (output, bias) =
            (self.parameters.values("output")?, self.parameters.values("output_bias")?);
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
