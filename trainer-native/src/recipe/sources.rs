//! Data sources of a recipe, with the role of each.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A data source.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceRecipe {
    /// Name in tables.
    pub name: String,
    /// Path below the data folder.
    pub path: String,
    /// Layout; detected where absent.
    pub format: Option<String>,
    /// An SPDX identifier.
    pub licence: String,
    /// Role of the source.
    pub role: Role,
    /// Number of rows drawn for training from a `gold` source; the other rows are scored. Absent,
    /// so that all rows are trained on, where `held_categories` or a source of role `test` says
    /// what is scored.
    pub take: Option<usize>,
    /// Number of categories of a `gold` source to draw and leave out of training. With it, only
    /// rows of those categories are scored.
    #[serde(default)]
    pub held_categories: usize,
    /// File of prompts that RouteLLM's evaluator leaves out; path below the data folder.
    pub contaminated: Option<String>,
    /// Weight of each of its queries in the loss.
    #[serde(default = "one")]
    pub weight: f32,
    /// How far a gold row's label is shrunk towards its category's mean, in [0, 1].
    #[serde(default)]
    pub category_smoothing: f32,
    /// Number of rows of the overall mean that a category's mean is shrunk with.
    #[serde(default = "one")]
    pub category_prior: f32,
    /// k, the weight, in [0, 1], of the prediction from other LLMs' outcomes on the same question
    /// in a gold row's label; 0 ignores them.
    #[serde(default)]
    pub expected_share: f32,
    /// Maps names of a model in this source's files to the recipe's, before the recipe's own aliases.
    #[serde(default)]
    pub aliases: BTreeMap<String, String>,
    /// Share of its rows held back for calibration, never trained on, in [0, 1).
    #[serde(default)]
    pub calibration_share: f64,
    /// Data sets of the file to leave out, given by the beginning of their names.
    #[serde(default)]
    pub without: Vec<String>,
    /// Data sets, given by the beginning of their names, whose scores count as right where they are
    /// above 0: RouterDC's files hold the probability of a right choice, and its evaluation counts
    /// it as 1.
    #[serde(default)]
    pub right_above_zero: Vec<String>,
}

/// Role of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Labels for the candidates themselves; rows not taken for training are the evaluation.
    Gold,
    /// Outcomes or preferences of any LLMs, or labels, which teach what makes a query hard.
    Auxiliary,
    /// Queries without labels, for token frequencies and calibration.
    Corpus,
    /// Questions of another benchmark: removed from every source, and not used otherwise.
    Held,
    /// Outcomes to score on, in place of gold rows that were not drawn. Rows of other sources that
    /// ask their questions are removed.
    Test,
}

fn one() -> f32 {
    1.0
}

impl SourceRecipe {
    /// The paths below the data folder that the source is read from.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.path.as_str()).chain(self.contaminated.as_deref())
    }

    /// Checks the settings; `scored_apart` says that another source holds the rows to score.
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
