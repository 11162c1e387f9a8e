//! From prompts and two API keys to a router of one's own: asks both LLMs, has the answers judged, trains on a shipped
//! bundle, measures on held-out prompts, and reports.
//!
//! ```text
//! support/
//!   loop.toml, models.toml     what `trainer init` wrote
//!   collected/                 collect: prompts, each once, completions, answers
//!   judged/                    judge: outcomes, preferences, what was said
//!   labels/                    split: prompts to train on, prompts held out
//!   recipe.toml, runs/         train
//!   calibration.json           calibrate: thresholds, on the prompts that were trained on
//!   evaluation.json            evaluate: on held-out prompts, at these thresholds
//!   bundle/                    the bundle to deploy
//!   candidate/                 of labels from a log: the bundle beside the present one, as the gateway's bucket takes it
//!   report.html, .md, .json    the report
//!   steps.json                 which steps are done, by hashes of what they read and wrote
//! ```
//! With `labels = "log"` nobody is asked: `judged/` is made of a gateway's log ([`init_from_log`]).
//!
//! A step whose inputs and outputs are as they were is not done again. Each file is written beside its place and
//! renamed, and `steps.json` is written after a step's files, so that a loop which is killed goes on where it was.

pub mod ask;
mod bundles;
mod candidate;
mod collecting;
mod from_log;
mod held_out_score;
pub mod init;
mod journal;
mod judging;
mod labels;
mod log_init;
pub mod model_flag;
mod own_recipe;
mod relative_path;
mod reporting;
pub mod settings;
mod split;
mod steps;
mod training;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use crate::completions::ModelsFile;
use crate::error::TrainerError;
use crate::report::own_prompts::OwnPrompts;
use journal::Journal;
use reporting::Found;
use training::BUNDLE;

pub use candidate::Candidate;
pub use init::{InitFlags, Initialised, init};
pub use journal::Step;
pub use log_init::{LogFlags, init_from_log};
pub use model_flag::ModelFlag;
pub use settings::{Labels, LoopSettings};
pub use steps::{Loop, Options, Progressed, Ui};

/// What came of a loop.
#[derive(Debug)]
pub struct Finished {
    pub report: OwnPrompts,
    pub page: PathBuf,
    /// The bundle; `None` where no router was trained.
    pub bundle: Option<PathBuf>,
    /// The bundle beside the present one; `None` where no router was trained, and where labels are of no log.
    pub candidate: Option<(Candidate, PathBuf)>,
    /// What became of each step.
    pub progressed: Vec<(Step, Progressed)>,
}

/// Does the steps of a loop that are due.
///
/// # Errors
/// Those of each step, which say what to do; the same call again goes on from there.
pub fn run(
    loop_file: &Path,
    options: Options,
    ui: &mut dyn Ui,
    stop: &AtomicBool,
) -> Result<Finished, TrainerError> {
    let settings = LoopSettings::read(loop_file)?;
    let models = match settings.stated.models.as_os_str().is_empty() {
        true => ModelsFile { models: Vec::new(), judge: None },
        false => ModelsFile::read(&settings.path(&settings.stated.models))?,
    };
    let _lock = lock(&settings)?;
    let journal = Journal::open(&settings.folder)?;
    let mut this = Loop { settings, models, options, journal, ui, stop, progressed: Vec::new() };
    training::check(&this)?;
    let is_of_log = this.settings.stated.labels == Labels::Log;
    let (collected, judged) = match is_of_log {
        true => from_log::take(&mut this)?,
        false => {
            let collected = collecting::collect(&mut this)?;
            let judged = judging::judge(&mut this, &collected)?;
            (collected, judged)
        }
    };
    let sides = training::split(&mut this)?;
    let bundle = this.settings.file(BUNDLE);
    let is_relative = judging::is_relative(&this.settings.stated);
    let mut candidate = None;
    let (router, savings) = match sides.standing.no_router() {
        Some(reason) => {
            let savings = training::evaluate(&mut this, &sides, is_relative, None)?;
            // A bundle of earlier labels is not what these labels say.
            training::remove_bundle(&bundle)?;
            training::remove_bundle(&this.settings.file(candidate::FOLDER))?;
            (Err(reason), savings)
        }
        None => {
            let run = training::train(&mut this, &sides)?;
            let calibration = training::calibrate(&mut this, &sides, &run)?;
            let savings =
                training::evaluate(&mut this, &sides, is_relative, Some((&run, &calibration)))?;
            training::ship(&mut this, &run, &calibration)?;
            if is_of_log {
                let found = candidate::write(&mut this, &sides, &calibration)?;
                candidate = Some((found, this.settings.file(candidate::FOLDER)));
            }
            let stated = &this.settings.stated;
            let base = this.settings.path(&stated.base);
            (Ok(training::router_facts(stated, &run, &base, &calibration)?), savings)
        }
    };
    let has_bundle = router.is_ok();
    let found = Found { collected: &collected, judged: &judged, sides: &sides, router, savings };
    let report = reporting::report(&mut this, found)?;
    Ok(Finished {
        report,
        page: this.settings.file("report.html"),
        bundle: has_bundle.then_some(bundle),
        candidate,
        progressed: this.progressed,
    })
}

/// Keeps a second loop out of the folder until the file is dropped.
fn lock(settings: &LoopSettings) -> Result<File, TrainerError> {
    let path = settings.file("loop.lock");
    let file = File::create(&path).map_err(TrainerError::file(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let detail = "another process runs this loop. Wait until it ends, or end it".into();
            Err(TrainerError::BadLoop { path, detail })
        }
        Err(TryLockError::Error(cause)) => Err(TrainerError::File { path, cause }),
    }
}
