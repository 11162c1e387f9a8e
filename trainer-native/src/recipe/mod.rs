//! A recipe: settings that state a training run completely, in a TOML file and the files it builds on
//! ([`recipe_file`]).
//!
//! Every random draw comes from its seed, and a run keeps the resolved recipe beside the weights.
//! Unknown keys are errors, so that a misspelt setting never falls back to a default.

mod encoder;
mod head;
pub mod settings;
mod sources;
mod training;

use std::collections::BTreeMap;
use std::path::Path;

use pointsman::{Candidate, sha256_hex};
use pointsman_inputs::recipe_file::{self, RecipeFileError, ResolvedRecipe};
use serde::Deserialize;
use toml::Table;

use crate::error::TrainerError;

pub use encoder::{
    BundleEncoderRecipe, EncoderRecipe, PieceEncoderRecipe, StatedEncoder, StaticEncoderRecipe,
    TransformerEncoderRecipe,
};
pub use head::*;
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
    head: Table,
    training: Option<TrainingRecipe>,
    fine_tuning: Option<FineTuningRecipe>,
}

/// A recipe with its text.
#[derive(Debug, Clone)]
pub struct RecipeFile {
    /// The parsed recipe.
    pub recipe: Recipe,
    /// Canonical text of the resolved recipe: without `base`, comments and order of the files.
    pub text: String,
    /// SHA-256 of the canonical text.
    pub sha256: String,
}

/// Reads a recipe with its bases, and checks it.
///
/// # Errors
/// [`TrainerError::File`]; [`TrainerError::BadRecipe`], which names the file that has an unknown key.
pub fn read(path: &Path) -> Result<RecipeFile, TrainerError> {
    of_resolved(path, &resolve(path)?)
}

/// Checks a recipe that is merged with its bases; `path` is the recipe's.
///
/// # Errors
/// [`TrainerError::BadRecipe`], which names the file that has an unknown key.
pub fn of_resolved(path: &Path, resolved: &ResolvedRecipe) -> Result<RecipeFile, TrainerError> {
    RecipeFile::of_table(resolved.table().clone()).map_err(|detail| {
        let stated_in = unknown_key(&detail).and_then(|key| resolved.file_with_key(key));
        TrainerError::BadRecipe { path: stated_in.unwrap_or(path).to_owned(), detail }
    })
}

/// Merges a recipe with its bases, without a check of what it states.
///
/// # Errors
/// [`TrainerError::File`], [`TrainerError::BadRecipe`].
pub fn resolve(path: &Path) -> Result<ResolvedRecipe, TrainerError> {
    recipe_file::resolve(path).map_err(|error| match error {
        RecipeFileError::Read { path, cause } => TrainerError::File { path, cause },
        RecipeFileError::Bad { path, detail } => TrainerError::BadRecipe { path, detail },
    })
}

/// Parses and checks a resolved recipe given as text; `path` is for messages.
///
/// # Errors
/// [`TrainerError::BadRecipe`].
pub fn of_text(path: &Path, text: &str) -> Result<RecipeFile, TrainerError> {
    let bad = |detail| TrainerError::BadRecipe { path: path.to_owned(), detail };
    RecipeFile::parse(text).map_err(bad)
}

impl RecipeFile {
    /// Parses and checks the text of a resolved recipe.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|e: toml::de::Error| e.to_string()).and_then(Self::of_table)
    }

    fn of_table(table: Table) -> Result<Self, String> {
        let text = recipe_file::canonical_text(&table);
        let recipe = Recipe::of_table(table)?;
        Ok(Self { recipe, sha256: sha256_hex(text.as_bytes()), text })
    }
}

/// The key that serde's message calls unknown.
fn unknown_key(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("unknown field `")?;
    rest.split_once('`').map(|(key, _)| key)
}

impl Recipe {
    /// Checks the table of a resolved recipe.
    fn of_table(table: Table) -> Result<Self, String> {
        let wire: Wire =
            table.try_into().map_err(|e: toml::de::Error| e.to_string().trim_end().to_owned())?;
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
        // Demands are learnt from any LLMs' outcomes and from labels.
        let is_optional = matches!(self.head, HeadRecipe::Difficulty(_));
        if gold > 1 || (gold == 0 && !is_optional) {
            let expected = if is_optional { "at most 1" } else { "1" };
            return Err(format!("{gold} sources have role \"gold\", expected {expected}"));
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
    /// [`TrainerError::BadRecipe`].
    pub fn pair(&self) -> Result<&Pair, TrainerError> {
        self.pair.as_ref().ok_or_else(|| TrainerError::BadRecipe {
            path: self.name.as_str().into(),
            detail: "it names no strong and weak candidate".into(),
        })
    }

    /// Places of the strong and the weak candidate among the candidates, where it names the two.
    #[must_use]
    pub fn pair_places(&self) -> Option<(usize, usize)> {
        let pair = self.pair.as_ref()?;
        let place = |id: &str| self.candidates.iter().position(|c| c.id == id);
        place(&pair.strong).zip(place(&pair.weak))
    }

    /// Checks that a kind has the settings it needs, and none that it would ignore.
    fn check_optimisation(&self) -> Result<(), String> {
        let kind = self.head.kind().name();
        let takes = |optimisation| self.head.optimisation() == Some(optimisation);
        let tables = [
            ("training", self.training.is_some(), takes(Optimisation::Training)),
            ("fine_tuning", self.fine_tuning.is_some(), takes(Optimisation::FineTuning)),
        ];
        for (name, given, needed) in tables {
            match (given, needed) {
                (false, true) => return Err(format!("kind {kind:?} needs a [{name}]")),
                (true, false) => return Err(format!("kind {kind:?} takes no [{name}]: remove it")),
                _ => {}
            }
        }
        if let EncoderRecipe::Transformer(encoder) = &self.encoder
            && encoder.token_components.is_some()
            && takes(Optimisation::FineTuning)
        {
            return Err(format!(
                "encoder.token_components is for an encoder that stays as it is, and kind {kind:?} \
                 trains it: remove it"
            ));
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

    /// The recipe's name for a model of a source's files.
    #[must_use]
    pub fn canonical<'a>(&'a self, model: &'a str) -> &'a str {
        self.aliases.get(model).map_or(model, String::as_str)
    }
}

#[cfg(test)]
mod tests;
