//! The optimisation's settings.

use serde::Deserialize;

/// Training of a head on embeddings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingRecipe {
    /// Passes over the queries.
    pub epochs: usize,
    /// Queries a step.
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
