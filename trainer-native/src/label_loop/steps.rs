//! A loop in progress: its settings, its journal, and the person it speaks to.

use std::sync::atomic::{AtomicBool, Ordering};

use super::journal::{Journal, Step};
use super::settings::LoopSettings;
use crate::completions::{ModelEntry, ModelsFile};
use crate::device::DeviceChoice;
use crate::error::TrainerError;

/// The person that a loop speaks to.
pub trait Ui {
    /// Shows a line.
    fn say(&mut self, line: &str);

    /// Whether a step, of which was said what it does and costs, may be done.
    ///
    /// # Errors
    /// [`TrainerError::NotAgreed`] where nobody can be asked.
    fn agree(&mut self, step: Step) -> Result<bool, TrainerError>;
}

/// How a loop is run, beside what `loop.toml` states.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Goes on with the answers and labels that there are where the cap was reached or an LLM cannot be asked.
    pub partial: bool,
    /// The device that a recipe of one's own trains on.
    pub device: DeviceChoice,
}

/// A step that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progressed {
    Done,
    /// Nothing that it depends on has changed.
    Kept,
}

/// A loop in progress.
pub struct Loop<'a> {
    pub settings: LoopSettings,
    pub models: ModelsFile,
    pub options: Options,
    pub journal: Journal,
    pub ui: &'a mut dyn Ui,
    pub stop: &'a AtomicBool,
    /// What became of each step so far.
    pub progressed: Vec<(Step, Progressed)>,
}

impl Loop<'_> {
    /// The entry of an LLM that `loop.toml` names.
    ///
    /// # Errors
    /// [`TrainerError::BadModels`], listing the ids.
    pub fn model(&self, id: &str) -> Result<ModelEntry, TrainerError> {
        let path = self.settings.path(&self.settings.stated.models);
        self.models.model(id, &path).cloned()
    }

    /// Whether a step has to be done; says that it has not where its inputs and outputs are as they were.
    ///
    /// # Errors
    /// [`TrainerError::File`].
    pub fn is_due(&mut self, step: Step, inputs: &str) -> Result<bool, TrainerError> {
        if self.journal.is_done(step, inputs)? {
            self.ui.say(&format!("{}: done already", step.name()));
            self.progressed.push((step, Progressed::Kept));
            return Ok(false);
        }
        Ok(true)
    }

    /// Says what a step will do, and has it agreed to.
    ///
    /// # Errors
    /// [`TrainerError::NotAgreed`]; [`TrainerError::Interrupted`].
    pub fn announce(&mut self, step: Step, what: &str) -> Result<(), TrainerError> {
        self.ui.say(&format!("{}: {what}", step.name()));
        let agreed = self.ui.agree(step)?;
        if self.stop.load(Ordering::Relaxed) {
            return Err(TrainerError::Interrupted { doing: format!("the step {}", step.name()) });
        }
        match agreed {
            true => Ok(()),
            false => Err(TrainerError::NotAgreed {
                step: step.name(),
                detail: "run the same command again to go on from here".into(),
            }),
        }
    }

    /// Writes down that a step ended.
    ///
    /// # Errors
    /// [`TrainerError::File`].
    pub fn end(
        &mut self,
        step: Step,
        inputs: &str,
        outputs: &[String],
    ) -> Result<(), TrainerError> {
        self.journal.end(step, inputs, outputs)?;
        self.progressed.push((step, Progressed::Done));
        Ok(())
    }
}
