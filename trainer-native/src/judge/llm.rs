//! An LLM judge with its store.

use std::path::Path;

use super::evaluate::{self, Evaluation, Look};
use super::prompt::JudgePrompt;
use super::ranking::Ranking;
use super::settings::{LlmSettings, Mode};
use crate::completions::{CompletionRequest, CompletionStore, RequestKey};
use crate::data::AnsweredPrompt;
use crate::error::TrainerError;

pub(super) struct Llm<'a> {
    pub settings: &'a LlmSettings,
    pub prompt: JudgePrompt,
    pub store: CompletionStore,
}

impl<'a> Llm<'a> {
    /// Opens the store in a folder.
    ///
    /// # Errors
    /// Those of the store.
    pub fn open(settings: &'a LlmSettings, folder: &Path) -> Result<Self, TrainerError> {
        let (rubric, characters) = (settings.rubric.as_deref(), settings.answer_characters);
        let prompt = match settings.mode {
            Mode::Score => JudgePrompt::score(rubric, characters),
            Mode::Pairwise | Mode::Ranking => JudgePrompt::pairwise(rubric, characters),
        };
        Ok(Self { settings, prompt, store: CompletionStore::open(folder)? })
    }

    /// How comparisons become scores.
    pub fn ranking(&self) -> Ranking {
        match self.settings.mode {
            Mode::Ranking => self.settings.ranking,
            Mode::Pairwise | Mode::Score => Ranking::Mean,
        }
    }

    /// Depths of requests, see [`evaluate`].
    pub fn depths(&self, models: usize) -> usize {
        match self.ranking() {
            Ranking::Bubble => 2 * models.saturating_sub(1),
            _ => 2,
        }
    }

    pub fn evaluate(
        &self,
        prompt: &AnsweredPrompt,
        look: &Look<'_>,
    ) -> Result<Evaluation, TrainerError> {
        match self.settings.mode {
            Mode::Score => evaluate::grades(prompt, &self.prompt, look),
            _ => evaluate::comparisons(prompt, self.ranking(), &self.prompt, look),
        }
    }

    /// The text of a request's answer, where the store has it.
    pub fn look(&self, request: &CompletionRequest) -> Result<Option<String>, TrainerError> {
        let key = RequestKey::of(&self.settings.entry, request);
        Ok(self.store.get(&key)?.map(|completion| completion.text))
    }
}
