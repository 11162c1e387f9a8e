//! What every stage of a training run needs.
//!
//! A run has a folder that keeps each stage's result, so that the run can be interrupted and resumed:
//!
//! ```text
//! runs/default/
//!   recipe.toml              the resolved recipe
//!   encoder.safetensors      the distilled token table        } static tier, done once
//!   tokenizer.json           the cut-down tokenizer            }
//!   checkpoint.safetensors   parameters and optimiser state, after each epoch
//!   fine_tune*.safetensors   the same for fine-tuning, at the last and at the best check
//!   history.jsonl            step, training loss and validation of each check
//!   bundle/                  the int8 bundle, which ships
//!   bundle-float/            the same router in float, to compare with
//!   result.json, report.html the evaluation
//! ```
//! A stage is skipped where its result is there and belongs to the same recipe, data and encoder; a
//! folder of another recipe is refused. Embeddings of queries are kept beside the runs, in
//! `embeddings/`, and shared by every run with the same encoder.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use burn::tensor::Device;

use crate::dataset::Prepared;
use crate::device::ChosenDevice;
use crate::error::TrainerError;
use crate::recipe::{FineTuningRecipe, Recipe, RecipeFile, TrainingRecipe};

/// A run: its folder and identity, what it is made from, and the flag that stops it.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    pub folder: PathBuf,
    /// Hash of recipe, seed and data; a stage's result is reused only where it states the same.
    pub identity: String,
    pub recipe: &'a Recipe,
    /// SHA-256 of the resolved recipe's canonical text.
    pub recipe_sha256: &'a str,
    pub data: &'a Prepared,
    pub device: &'a ChosenDevice,
    pub stop: &'a AtomicBool,
}

impl<'a> Context<'a> {
    /// Opens the run in `folder`, or starts one there.
    ///
    /// # Errors
    /// [`TrainerError::BadCheckpoint`] where the folder holds a run of another recipe, teacher or
    /// other data; [`TrainerError::File`].
    pub fn open(
        folder: &Path,
        recipe_file: &'a RecipeFile,
        data: &'a Prepared,
        device: &'a ChosenDevice,
        stop: &'a AtomicBool,
    ) -> Result<Self, TrainerError> {
        let RecipeFile { recipe, text, sha256 } = recipe_file;
        std::fs::create_dir_all(folder).map_err(TrainerError::file(folder))?;
        let identity = format!("{sha256} seed {} {}", recipe.seed, data.sha256);
        let (kept, mark) = (folder.join("recipe.toml"), folder.join("identity.txt"));
        match std::fs::read_to_string(&mark) {
            Ok(found) if found.trim() == identity => {}
            Ok(_) => {
                return Err(TrainerError::BadCheckpoint {
                    path: folder.to_owned(),
                    detail: "it holds a run of another recipe, seed, data or teacher".into(),
                });
            }
            Err(_) => {
                std::fs::write(&kept, text).map_err(TrainerError::file(&kept))?;
                std::fs::write(&mark, &identity).map_err(TrainerError::file(&mark))?;
            }
        }
        let folder = folder.to_owned();
        Ok(Self { folder, identity, recipe, recipe_sha256: sha256, data, device, stop })
    }

    /// The same run on other labels.
    #[must_use]
    pub fn with_data<'b>(&self, data: &'b Prepared) -> Context<'b>
    where
        'a: 'b,
    {
        Context { data, ..self.clone() }
    }

    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The folder of embeddings that the runs beside this one share.
    #[must_use]
    pub fn embeddings(&self) -> PathBuf {
        self.folder.parent().unwrap_or(Path::new(".")).join("embeddings")
    }

    /// The device, with automatic differentiation.
    #[must_use]
    pub fn autodiff(&self) -> Device {
        self.device.device.clone().autodiff()
    }

    /// The settings for training a head on embeddings.
    ///
    /// # Errors
    /// [`TrainerError::BadRecipe`] where the recipe has none.
    pub fn training(&self) -> Result<&'a TrainingRecipe, TrainerError> {
        self.needed(self.recipe.training.as_ref(), "training")
    }

    /// The settings for training an encoder with its head.
    ///
    /// # Errors
    /// [`TrainerError::BadRecipe`] where the recipe has none.
    pub fn fine_tuning(&self) -> Result<&'a FineTuningRecipe, TrainerError> {
        self.needed(self.recipe.fine_tuning.as_ref(), "fine_tuning")
    }

    /// The recipe's check guarantees the table; this error is for callers that build a recipe
    /// themselves.
    fn needed<T>(&self, settings: Option<&'a T>, table: &str) -> Result<&'a T, TrainerError> {
        settings.ok_or_else(|| TrainerError::BadRecipe {
            path: PathBuf::from(&self.recipe.name),
            detail: format!("it has no [{table}], which its kind needs"),
        })
    }
}
