//! Where a recipe's data comes from and what it is for.

use serde::Deserialize;

/// One source of data.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceRecipe {
    /// Its name in tables.
    pub name: String,
    /// Path below the data folder.
    pub path: String,
    /// Its layout; found out where absent.
    pub format: Option<String>,
    /// An SPDX identifier.
    pub licence: String,
    /// What it is for.
    pub role: Role,
    /// Rows drawn for training from a `gold` source; the rest is scored. Absent, for all, where
    /// `held_categories` or a source of role `test` says what is scored.
    pub take: Option<usize>,
    /// Categories of a `gold` source of which nothing is trained on: how many are drawn. With it,
    /// only rows of those categories are scored.
    #[serde(default)]
    pub held_categories: usize,
    /// Prompts that RouteLLM's evaluator leaves out, path below the data folder.
    pub contaminated: Option<String>,
    /// Weight of one of its queries in the loss.
    #[serde(default = "one")]
    pub weight: f32,
    /// How far a gold row's label is drawn towards its category's mean, in [0, 1].
    #[serde(default)]
    pub category_smoothing: f32,
    /// Rows of the overall mean that a category's mean is shrunk with.
    #[serde(default = "one")]
    pub category_prior: f32,
    /// k, how far a gold row's label follows what other LLMs' outcomes on the same question lead to
    /// expect, in [0, 1]; 0 leaves them out of it.
    #[serde(default)]
    pub expected_share: f32,
    /// Share of its rows held back for calibration, never trained on, in [0, 1).
    #[serde(default)]
    pub calibration_share: f64,
    /// Data sets of the file to leave out, by their beginning.
    #[serde(default)]
    pub without: Vec<String>,
    /// Data sets, by their beginning, whose scores are right where they are above 0: RouterDC's files
    /// hold the probability of a right choice, and its evaluation counts it as 1.
    #[serde(default)]
    pub right_above_zero: Vec<String>,
}

/// What a source is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Labels for the candidates themselves; rows not taken for training are the evaluation.
    Gold,
    /// Outcomes or preferences of any LLMs, which teach what makes a query hard.
    Auxiliary,
    /// Queries alone: token frequencies and calibration, no labels.
    Corpus,
    /// Questions of another benchmark: removed from every source, and used for nothing else.
    Held,
    /// Outcomes that are scored, in place of gold rows not taken. Their questions are removed from
    /// every other source.
    Test,
}

fn one() -> f32 {
    1.0
}

impl SourceRecipe {
    /// `scored_apart`: another source holds what is scored.
    pub(super) fn check(&self, scored_apart: bool) -> Result<(), String> {
        let name = &self.name;
        let all_taken = self.take.is_none() && self.held_categories == 0;
        if self.role == Role::Gold && all_taken != scored_apart {
            return Err(match scored_apart {
                true => format!(
                    "{name} is gold and a source has role \"test\": remove \"take\" and \
                     \"held_categories\", all of it is trained on"
                ),
                false => format!("{name} is gold and has no \"take\": state the rows to train on"),
            });
        }
        if !(0.0..=1.0).contains(&self.category_smoothing) {
            return Err(format!("{name}: category_smoothing is not in [0, 1]"));
        }
        if !(0.0..=1.0).contains(&self.expected_share) {
            return Err(format!("{name}: expected_share is not in [0, 1]"));
        }
        if !(0.0..1.0).contains(&self.calibration_share) {
            return Err(format!("{name}: calibration_share is not in [0, 1)"));
        }
        if !(self.category_prior >= 0.0 && self.category_prior.is_finite()) {
            return Err(format!("{name}: category_prior is not a finite number >= 0"));
        }
        if !(self.weight > 0.0 && self.weight.is_finite()) {
            return Err(format!("{name}: weight is not a finite number > 0"));
        }
        Ok(())
    }
}
