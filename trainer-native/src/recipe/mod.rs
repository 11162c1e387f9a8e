//! A recipe: one TOML file that states a training run completely.
//!
//! Every random draw comes from its seed, and a run keeps a copy of it beside the weights. Unknown
//! keys are errors, so that a misspelt setting never falls back to a default.

mod encoder;
mod head;
pub mod settings;
mod sources;
mod training;

use std::collections::BTreeMap;
use std::path::Path;

use pointsman::{Candidate, sha256_hex};
use serde::Deserialize;

use crate::data::Outcomes;
use crate::error::TrainerError;

pub use encoder::{EncoderRecipe, StaticEncoderRecipe, TransformerEncoderRecipe};
pub use head::{
    BertRecipe, ClusterRecipe, EloGroups, Grouping, HeadRecipe, KernelRecipe, KnnRecipe, MfRecipe,
    MlpRecipe, RidgeRecipe, RouterDcLoss, RouterDcRecipe, SwRankingRecipe,
};
pub use sources::{Role, SourceRecipe};
pub use training::{FineTuningRecipe, TrainingRecipe};

/// Settings of a training run.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// The bundle's name.
    pub name: String,
    /// The seed of every random draw.
    pub seed: u64,
    /// Licence of the weights.
    pub licence: String,
    /// The two candidates of a router by threshold; absent where it picks the best of all.
    pub pair: Option<Pair>,
    /// The LLMs that may answer.
    pub candidates: Vec<Candidate>,
    /// Data sources.
    pub sources: Vec<SourceRecipe>,
    /// Maps other names of a model, as a source's files have them, to the name used in the recipe.
    pub aliases: BTreeMap<String, String>,
    /// The encoder.
    pub encoder: EncoderRecipe,
    /// The router kind and its settings.
    pub head: HeadRecipe,
    /// Optimisation settings, for the kinds whose head is trained on embeddings.
    pub training: Option<TrainingRecipe>,
    /// Optimisation settings, for the kinds that are trained with their encoder.
    pub fine_tuning: Option<FineTuningRecipe>,
}

/// The two candidates that a threshold decides between.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The strong candidate's identifier.
    pub strong: String,
    /// The weak candidate's identifier.
    pub weak: String,
    /// Share of strong calls a policy without threshold or share asks for, in [0, 1).
    pub default_strong_share: f64,
}

/// The shape of the file: the meaning of `[head]` depends on `kind`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    name: String,
    kind: String,
    seed: u64,
    licence: String,
    strong: Option<String>,
    weak: Option<String>,
    default_strong_share: Option<f64>,
    candidates: Vec<Candidate>,
    sources: Vec<SourceRecipe>,
    #[serde(default)]
    aliases: BTreeMap<String, String>,
    encoder: EncoderRecipe,
    #[serde(default)]
    head: toml::Table,
    training: Option<TrainingRecipe>,
    fine_tuning: Option<FineTuningRecipe>,
}

/// A recipe with the hash of its file.
#[derive(Debug, Clone)]
pub struct RecipeFile {
    /// The parsed recipe.
    pub recipe: Recipe,
    /// Text of the file.
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
    of_text(path, text)
}

/// Parses and checks a recipe given as text; `path` is for messages.
///
/// # Errors
/// [`TrainerError::BadRecipe`].
pub fn of_text(path: &Path, text: String) -> Result<RecipeFile, TrainerError> {
    let recipe = Recipe::parse(&text)
        .map_err(|detail| TrainerError::BadRecipe { path: path.to_owned(), detail })?;
    Ok(RecipeFile { recipe, sha256: sha256_hex(text.as_bytes()), text })
}

impl Recipe {
    /// Parses and checks the text of a recipe.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wire: Wire = toml::from_str(text).map_err(|e| e.to_string())?;
        let recipe = Self {
            head: HeadRecipe::parse(&wire.kind, wire.head)?,
            name: wire.name,
            seed: wire.seed,
            licence: wire.licence,
            pair: match (wire.strong, wire.weak, wire.default_strong_share) {
                (Some(strong), Some(weak), Some(default_strong_share)) => {
                    Some(Pair { strong, weak, default_strong_share })
                }
                (None, None, None) => None,
                _ => {
                    return Err("strong, weak and default_strong_share belong together: give all \
                                three, or none for a router that picks the best of all"
                        .into());
                }
            },
            candidates: wire.candidates,
            sources: wire.sources,
            aliases: wire.aliases,
            encoder: wire.encoder,
            training: wire.training,
            fine_tuning: wire.fine_tuning,
        };
        recipe.check()?;
        Ok(recipe)
    }

    fn check(&self) -> Result<(), String> {
        if self.candidates.len() < 2 {
            let found = self.candidates.len();
            return Err(format!("{found} candidates, expected at least 2 to choose from"));
        }
        self.check_pair()?;
        let gold = self.sources.iter().filter(|s| s.role == Role::Gold).count();
        if gold != 1 {
            return Err(format!("{gold} sources have role \"gold\", expected 1"));
        }
        let scored_apart = self.sources.iter().any(|s| s.role == Role::Test);
        self.sources.iter().try_for_each(|source| source.check(scored_apart))?;
        if self.pair.is_some() && self.sources.iter().all(|s| s.calibration_share == 0.0) {
            return Err("no source has a calibration_share: nothing to calibrate with".into());
        }
        self.encoder.check()?;
        self.check_optimisation()
    }

    fn check_pair(&self) -> Result<(), String> {
        let kind = self.head.kind().name();
        let Some(Pair { strong, weak, default_strong_share: share }) = &self.pair else {
            return match self.head.needs_pair() {
                true => Err(format!("kind {kind:?} needs strong, weak and default_strong_share")),
                false => Ok(()),
            };
        };
        for (role, id) in [("strong", strong), ("weak", weak)] {
            if !self.candidates.iter().any(|c| &c.id == id) {
                return Err(format!("{role} is {id:?}, which is not among the candidates"));
            }
        }
        if strong == weak {
            return Err(format!("strong and weak are both {strong:?}"));
        }
        match (0.0..1.0).contains(share) {
            true => Ok(()),
            false => Err(format!("default_strong_share is {share}, expected a number in [0, 1)")),
        }
    }

    /// The pair, for a kind that needs one.
    ///
    /// # Errors
    /// [`TrainerError::NoTrainingPair`].
    pub fn pair(&self) -> Result<&Pair, TrainerError> {
        self.pair.as_ref().ok_or_else(|| TrainerError::NoTrainingPair {
            detail: "the recipe names no strong and weak candidate".into(),
        })
    }

    /// Checks that a kind has the settings it needs, and none that it would ignore.
    fn check_optimisation(&self) -> Result<(), String> {
        let kind = self.head.kind().name();
        let on_embeddings = matches!(self.head, HeadRecipe::Mf(_) | HeadRecipe::Mlp(_));
        let with_encoder = matches!(self.head, HeadRecipe::Bert(_) | HeadRecipe::RouterDc(_));
        let tables = [
            ("training", self.training.is_some(), on_embeddings),
            ("fine_tuning", self.fine_tuning.is_some(), with_encoder),
        ];
        for (name, given, needed) in tables {
            match (given, needed) {
                (false, true) => return Err(format!("kind {kind:?} needs a [{name}]")),
                (true, false) => return Err(format!("kind {kind:?} takes no [{name}]: remove it")),
                _ => {}
            }
        }
        if matches!(self.head, HeadRecipe::Bert(_)) && self.candidates.len() != 2 {
            return Err(format!(
                "kind {kind:?} decides between 2 candidates, found {}",
                self.candidates.len()
            ));
        }
        self.training.as_ref().map_or(Ok(()), TrainingRecipe::check)?;
        self.fine_tuning.as_ref().map_or(Ok(()), FineTuningRecipe::check)
    }

    /// Columns of the pair among the models of a table; `None` unless it has both.
    #[must_use]
    pub fn pair_columns(&self, outcomes: &Outcomes) -> Option<(usize, usize)> {
        let pair = self.pair.as_ref()?;
        outcomes.model_index(&pair.strong).zip(outcomes.model_index(&pair.weak))
    }

    /// The recipe's name for a model of a source's files.
    #[must_use]
    pub fn canonical<'a>(&'a self, model: &'a str) -> &'a str {
        self.aliases.get(model).map_or(model, String::as_str)
    }
}
