//! A recipe: one TOML file that states an experiment completely.
//!
//! Every random draw comes from its seed, and a run keeps a copy of it beside the weights. Unknown
//! keys are errors, so that a misspelt setting is not a silent default.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use switchyard_router::{Candidate, sha256_hex};

use crate::error::TrainerError;

/// An experiment.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The bundle's name.
    pub name: String,
    /// The router kind; `mf`.
    pub kind: String,
    /// The seed of every random draw.
    pub seed: u64,
    /// Licence of the weights.
    pub licence: String,
    /// The strong candidate's identifier.
    pub strong: String,
    /// The weak candidate's identifier.
    pub weak: String,
    /// Share of strong calls a policy without threshold or share asks for.
    pub default_strong_share: f64,
    /// The LLMs that may answer.
    pub candidates: Vec<Candidate>,
    /// Where the data comes from.
    pub sources: Vec<SourceRecipe>,
    /// Other names of a model, in a source's files, to the name used here.
    #[serde(default)]
    pub aliases: BTreeMap<String, String>,
    /// The encoder.
    pub encoder: EncoderRecipe,
    /// The router's head.
    pub head: HeadRecipe,
    /// The optimisation.
    pub training: TrainingRecipe,
}

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
    /// Rows drawn for training from a `gold` source; the rest is scored.
    pub take: Option<usize>,
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
    /// Share of its rows held back for calibration, never trained on, in [0, 1).
    #[serde(default)]
    pub calibration_share: f64,
    /// Data sets of the file to leave out, by their beginning.
    #[serde(default)]
    pub without: Vec<String>,
}

/// What a source is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Labels for the candidates themselves; rows not taken for training are the evaluation.
    Gold,
    /// Labels for other LLMs, which teach what makes a query hard.
    Auxiliary,
    /// Queries alone: token frequencies and calibration, no labels.
    Corpus,
}

/// The encoder's settings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncoderRecipe {
    /// `static`.
    pub tier: String,
    /// Where it comes from, in words: model and licence.
    pub source: String,
    /// Tokens kept of the vocabulary.
    pub vocabulary: usize,
    /// Principal components, D.
    pub components: usize,
    /// The a of the frequency weight a / (a + p).
    pub frequency_weight: f64,
    /// Longest sequence in tokens.
    pub max_tokens: usize,
    /// Root mean square of an embedding's coordinate over the training queries, before training.
    pub scale: f64,
}

/// The head's settings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadRecipe {
    /// d_m, the width of the factorisation.
    pub dimension: usize,
    /// Standard deviation of the Gaussian noise on the embedding in training.
    pub noise: f64,
}

/// The optimisation's settings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingRecipe {
    /// Passes over the queries.
    pub epochs: usize,
    /// Queries a step.
    pub batch: usize,
    /// Adam's learning rate for the head, falling linearly to 0.
    pub learning_rate: f64,
    /// Gradient descent's learning rate for the token table, falling likewise; 0 keeps it as
    /// distilled.
    pub table_learning_rate: f64,
    /// Decoupled weight decay of the projection.
    pub weight_decay: f32,
    /// Pull of the token table back to the distilled one: the loss gains
    /// `pull * mean squared distance of a row`.
    pub table_pull: f64,
    /// Probability of dropping each token in training.
    pub token_dropout: f64,
    /// Preferences drawn per query and epoch.
    pub preferences: usize,
    /// Whether ties count, with target 1/2.
    pub ties: bool,
}

fn one() -> f32 {
    1.0
}

/// A recipe with the hash of its file.
#[derive(Debug, Clone)]
pub struct RecipeFile {
    /// What it states.
    pub recipe: Recipe,
    /// The file's text.
    pub text: String,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// Reads and checks a recipe.
///
/// # Errors
/// [`TrainerError::File`], [`TrainerError::BadRecipe`].
pub fn read(path: &Path) -> Result<RecipeFile, TrainerError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| TrainerError::File { path: path.to_owned(), source })?;
    let bad = |detail: String| TrainerError::BadRecipe { path: path.to_owned(), detail };
    let recipe: Recipe = toml::from_str(&text).map_err(|e| bad(e.to_string()))?;
    recipe.check().map_err(bad)?;
    Ok(RecipeFile { recipe, sha256: sha256_hex(text.as_bytes()), text })
}

impl Recipe {
    fn check(&self) -> Result<(), String> {
        if self.kind != "mf" {
            return Err(format!("kind is {:?}, expected \"mf\"", self.kind));
        }
        if self.encoder.tier != "static" {
            return Err(format!("encoder.tier is {:?}, expected \"static\"", self.encoder.tier));
        }
        for (role, id) in [("strong", &self.strong), ("weak", &self.weak)] {
            if !self.candidates.iter().any(|c| &c.id == id) {
                return Err(format!("{role} is {id:?}, which is no candidate"));
            }
        }
        let gold = self.sources.iter().filter(|s| s.role == Role::Gold).count();
        if gold != 1 {
            return Err(format!("{gold} sources have role \"gold\", expected 1"));
        }
        if self.sources.iter().any(|s| s.role == Role::Gold && s.take.is_none()) {
            return Err("the gold source has no \"take\": state the rows to train on".into());
        }
        for source in &self.sources {
            let name = &source.name;
            if !(0.0..=1.0).contains(&source.category_smoothing) {
                return Err(format!("{name}: category_smoothing is not in [0, 1]"));
            }
            if !(0.0..1.0).contains(&source.calibration_share) {
                return Err(format!("{name}: calibration_share is not in [0, 1)"));
            }
            if !(source.category_prior >= 0.0 && source.category_prior.is_finite()) {
                return Err(format!("{name}: category_prior is not a finite number >= 0"));
            }
            if !(source.weight > 0.0 && source.weight.is_finite()) {
                return Err(format!("{name}: weight is not a finite number > 0"));
            }
        }
        if self.sources.iter().all(|s| s.calibration_share == 0.0) {
            return Err("no source has a calibration_share: nothing to calibrate with".into());
        }
        let positive = [
            ("encoder.vocabulary", self.encoder.vocabulary),
            ("encoder.components", self.encoder.components),
            ("encoder.max_tokens", self.encoder.max_tokens),
            ("head.dimension", self.head.dimension),
            ("training.epochs", self.training.epochs),
            ("training.batch", self.training.batch),
            ("training.preferences", self.training.preferences),
        ];
        if let Some((name, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return Err(format!("{name} is 0, expected at least 1"));
        }
        let in_unit = [
            ("default_strong_share", self.default_strong_share),
            ("training.token_dropout", self.training.token_dropout),
        ];
        match in_unit.iter().find(|(_, value)| !(0.0..1.0).contains(value)) {
            Some((name, value)) => Err(format!("{name} is {value}, expected a number in [0, 1)")),
            None => Ok(()),
        }
    }

    /// The name used here for a model of a source's files.
    #[must_use]
    pub fn canonical<'a>(&'a self, model: &'a str) -> &'a str {
        self.aliases.get(model).map_or(model, String::as_str)
    }
}
