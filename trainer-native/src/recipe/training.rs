//! Optimisation settings.

use serde::Deserialize;

/// Settings for training a head on embeddings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingRecipe {
    /// Passes over the queries.
    pub epochs: usize,
    /// Queries per step.
    pub batch: usize,
    /// AdamW's learning rate, falling linearly to 0.
    pub learning_rate: f64,
    /// Decoupled weight decay of the matrices.
    pub weight_decay: f32,
    /// Preferences drawn per query and epoch from outcomes of several LLMs.
    pub preferences: usize,
    /// Whether ties count, with target 1/2.
    pub ties: bool,
}

impl TrainingRecipe {
    pub(super) fn check(&self) -> Result<(), String> {
        let counts =
            [("epochs", self.epochs), ("batch", self.batch), ("preferences", self.preferences)];
        if let Some((name, _)) = counts.iter().find(|(_, value)| *value == 0) {
            return Err(format!("training.{name} is 0, expected at least 1"));
        }
        match self.learning_rate > 0.0 && self.learning_rate.is_finite() {
            true => Ok(()),
            false => Err(format!(
                "training.learning_rate is {}, expected a finite number > 0",
                self.learning_rate
            )),
        }
    }
}

/// Settings for fine-tuning an encoder with its head.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FineTuningRecipe {
    /// Passes over the queries.
    pub epochs: usize,
    /// Most steps; 2,000 in the paper.
    pub max_steps: Option<usize>,
    /// Queries of one batch, which pass through the network together.
    pub batch: usize,
    /// Number of batches whose gradients one step accumulates.
    #[serde(default = "one_batch")]
    pub accumulate: usize,
    /// AdamW's learning rate of the encoder, after warm-up.
    pub learning_rate: f64,
    /// The same for the head; the encoder's where absent.
    pub head_learning_rate: Option<f64>,
    /// Decoupled weight decay; 0 for biases and norms.
    pub weight_decay: f32,
    /// Share of the steps over which the learning rate rises, in [0, 1].
    #[serde(default)]
    pub warm_up: f64,
    /// Largest norm of the gradient.
    pub clip: Option<f64>,
    /// Share of the training queries kept for validation, in [0, 1).
    #[serde(default)]
    pub validation_share: f64,
    /// Steps between validations and checkpoints.
    pub check_steps: usize,
    /// Validations without improvement after which training stops.
    pub patience: Option<usize>,
}

fn one_batch() -> usize {
    1
}

impl FineTuningRecipe {
    pub(super) fn check(&self) -> Result<(), String> {
        let counts = [
            ("epochs", self.epochs),
            ("batch", self.batch),
            ("accumulate", self.accumulate),
            ("check_steps", self.check_steps),
            ("max_steps", self.max_steps.unwrap_or(1)),
        ];
        if let Some((name, _)) = counts.iter().find(|(_, value)| *value == 0) {
            return Err(format!("fine_tuning.{name} is 0, expected at least 1"));
        }
        let rates = [self.learning_rate, self.head_learning_rate.unwrap_or(1.0)];
        if let Some(rate) = rates.iter().find(|rate| !(**rate > 0.0 && rate.is_finite())) {
            return Err(format!("fine_tuning: learning rate {rate}, expected a number > 0"));
        }
        if !(0.0..=1.0).contains(&self.warm_up) {
            return Err(format!("fine_tuning.warm_up is {}, expected [0, 1]", self.warm_up));
        }
        if !(0.0..1.0).contains(&self.validation_share) {
            let found = self.validation_share;
            return Err(format!("fine_tuning.validation_share is {found}, expected [0, 1)"));
        }
        match self.patience.is_some() && self.validation_share == 0.0 {
            true => Err("fine_tuning.patience needs a validation_share".into()),
            false => Ok(()),
        }
    }
}
