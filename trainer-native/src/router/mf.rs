//! Matrix factorisation (RouteLLM, section 4.2) on a static encoder.
//!
//! ```text
//! e(q)    = [sum over tokens of table[id] / sqrt(tokens) ; length(q)]   [B, D + 1]
//! s(M, q) = w2 . (v_M / |v_M| (elementwise) (e(q) W1 + b))         [B, M]
//! P(a beats b | q) = sigmoid(s(a, q) - s(b, q))
//! loss    = mean of the cross-entropy of P and the preference's target, ties 1/2
//!           + pull * mean |table - distilled|^2
//! length(q) = ln(1 + tokens) / 4 - 1
//! ```
//! The length of a query is known to say something of its difficulty, so the encoder states it.

use burn::tensor::activation::log_sigmoid;
use burn::tensor::{Device, Distribution, Int, Tensor, TensorData};

use crate::encoder::static_table::{StaticTable, floats};
use crate::error::TrainerError;
use crate::recipe::Recipe;
use crate::training::parameters::{Parameters, Schedule};
use crate::training::preferences::{EpochDraw, TrainingQuery};

/// A matrix-factorisation router with its static encoder, on a device.
pub struct MfRouter {
    /// `table` [V, D], `projection` [D + 1, d_m], `bias` [1, d_m], `models` [M, d_m],
    /// `weights` [1, d_m].
    pub parameters: Parameters,
    distilled: Tensor<2>,
    device: Device,
    noise: f64,
    pull: f64,
}

/// One step's tensors.
pub struct Batch {
    ids: Tensor<2, Int>,
    mask: Tensor<2>,
    first: Tensor<2, Int>,
    second: Tensor<2, Int>,
    target: Tensor<2>,
    weight: Tensor<2>,
}

impl MfRouter {
    /// An untrained router over `models` LLMs; `device` has autodiff.
    #[must_use]
    pub fn new(recipe: &Recipe, table: &StaticTable, models: usize, device: &Device) -> Self {
        let (width, dimension) = (table.width + 1, recipe.head.dimension);
        let mut draw = EpochDraw::new(recipe.seed, usize::MAX - 1);
        let learning_rate = recipe.training.learning_rate;
        let head = Schedule::AdamW { learning_rate, weight_decay: 0.0 };
        let decayed = Schedule::AdamW { learning_rate, weight_decay: recipe.training.weight_decay };
        let table_schedule = Schedule::Sgd { learning_rate: recipe.training.table_learning_rate };
        let mut parameters = Parameters::new(device);
        parameters.add("table", [table.rows, table.width], table.values.clone(), table_schedule);
        #[allow(clippy::cast_precision_loss)]
        let spread = (1.0 / width as f32).sqrt();
        let mut normal = |count: usize, spread: f32| draw.normal(count, spread);
        parameters.add(
            "projection",
            [width, dimension],
            normal(width * dimension, spread),
            decayed,
        );
        parameters.add("bias", [1, dimension], vec![0.0; dimension], head);
        parameters.add("models", [models, dimension], normal(models * dimension, 1.0), head);
        parameters.add("weights", [1, dimension], vec![1.0; dimension], head);
        let distilled = TensorData::new(table.values.clone(), [table.rows, table.width]);
        Self {
            parameters,
            distilled: Tensor::from_data(distilled, device),
            device: device.clone(),
            noise: recipe.head.noise,
            pull: recipe.training.table_pull,
        }
    }

    /// Embeddings `[B, D + 1]` of padded ids `[B, S]` with mask `[B, S]`.
    #[must_use]
    pub fn embed(&self, ids: Tensor<2, Int>, mask: Tensor<2>) -> Tensor<2> {
        let [batch, length] = ids.dims();
        let rows = burn::tensor::module::embedding(self.parameters.get("table"), ids);
        let count = mask.clone().sum_dim(1);
        let pooled = mask.reshape([batch, 1, length]).matmul(rows).squeeze_dim::<2>(1);
        let length_feature = (count.clone() + 1.0).log() / 4.0 - 1.0;
        Tensor::cat(vec![pooled / count.sqrt(), length_feature], 1)
    }

    /// Scores `[B, M]` of embeddings `[B, D + 1]`.
    #[must_use]
    pub fn scores(&self, embedding: Tensor<2>) -> Tensor<2> {
        let hidden =
            embedding.matmul(self.parameters.get("projection")) + self.parameters.get("bias");
        let models = self.parameters.get("models");
        let norm = models.clone().square().sum_dim(1).sqrt() + 1e-9;
        let factors = models / norm * self.parameters.get("weights");
        hidden.matmul(factors.transpose())
    }

    /// The loss of a batch, a scalar `[1]`.
    #[must_use]
    pub fn loss(&self, batch: Batch) -> Tensor<1> {
        let embedding = self.embed(batch.ids, batch.mask);
        let embedding = match self.noise > 0.0 {
            true => {
                let noise = embedding.random_like(Distribution::Normal(0.0, self.noise));
                embedding + noise
            }
            false => embedding,
        };
        let scores = self.scores(embedding);
        let logit = scores.clone().gather(1, batch.first) - scores.gather(1, batch.second);
        let cross_entropy = log_sigmoid(logit.clone()) * batch.target.clone()
            + log_sigmoid(-logit) * (-batch.target + 1.0);
        let total = batch.weight.clone().sum();
        let loss = -(cross_entropy * batch.weight).sum() / total;
        match self.pull > 0.0 {
            true => {
                let drift = self.parameters.get("table") - self.distilled.clone();
                loss + drift.square().sum_dim(1).mean() * self.pull
            }
            false => loss,
        }
    }

    /// The tensors of one step; `None` where no preference was drawn.
    #[must_use]
    pub fn batch(
        &self,
        queries: &[&TrainingQuery],
        recipe: &Recipe,
        draw: &mut EpochDraw,
    ) -> Option<Batch> {
        let count = recipe.training.preferences;
        let mut kept = Vec::new();
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let (mut target, mut weight) = (Vec::new(), Vec::new());
        for query in queries {
            let drawn = draw.preferences(query, count, recipe.training.ties);
            if drawn.is_empty() {
                continue;
            }
            kept.push(draw.keep_tokens(&query.ids, recipe.training.token_dropout));
            #[allow(clippy::cast_precision_loss)]
            let share = query.weight / drawn.len() as f32;
            for slot in 0..count {
                let preference = drawn.get(slot);
                first.push(preference.map_or(0, |p| p.a as i64));
                second.push(preference.map_or(0, |p| p.b as i64));
                target.push(preference.map_or(0.5, |p| p.target));
                weight.push(preference.map_or(0.0, |_| share));
            }
        }
        if kept.is_empty() {
            return None;
        }
        let (ids, mask) = padded(&kept, &self.device);
        let shape = [kept.len(), count];
        let int = |values| Tensor::from_data(TensorData::new(values, shape), &self.device);
        let float =
            |values: Vec<f32>| Tensor::<2>::from_data(TensorData::new(values, shape), &self.device);
        Some(Batch {
            ids,
            mask,
            first: int(first),
            second: int(second),
            target: float(target),
            weight: float(weight),
        })
    }

    /// Scores of all models for each query, without gradients; `[queries][M]`.
    ///
    /// # Errors
    /// [`TrainerError::NotFinite`].
    pub fn assess(&self, queries: &[Vec<u32>]) -> Result<Vec<Vec<f32>>, TrainerError> {
        let mut all = Vec::with_capacity(queries.len());
        for batch in queries.chunks(64) {
            let (ids, mask) = padded(batch, &self.device);
            let scores = self.scores(self.embed(ids, mask));
            let models = scores.dims()[1];
            let values = floats(scores.inner().into_data())?;
            all.extend(values.chunks_exact(models).map(<[f32]>::to_vec));
        }
        Ok(all)
    }
}

/// Ids `[B, S]` padded with 0, and the mask `[B, S]` that is 1 at tokens.
fn padded(queries: &[Vec<u32>], device: &Device) -> (Tensor<2, Int>, Tensor<2>) {
    let longest = queries.iter().map(Vec::len).max().unwrap_or_default();
    let shape = [queries.len(), longest];
    let mut ids = vec![0_i64; queries.len() * longest];
    let mut mask = vec![0.0_f32; queries.len() * longest];
    for (row, query) in queries.iter().enumerate() {
        for (column, &id) in query.iter().enumerate() {
            ids[row * longest + column] = i64::from(id);
            mask[row * longest + column] = 1.0;
        }
    }
    (
        Tensor::from_data(TensorData::new(ids, shape), device),
        Tensor::from_data(TensorData::new(mask, shape), device),
    )
}
