//! What is judged, by whom, and what labels come of it.

use std::path::PathBuf;

use serde::Serialize;

use super::command::CommandLimits;
use super::ranking::Ranking;
use crate::completions::{Limits, ModelEntry};
use crate::error::TrainerError;

/// Settings of [`judge`](super::judge).
#[derive(Debug, Clone, Default)]
pub struct JudgeSettings {
    /// Prompts with a gold answer are judged by it.
    pub gold: bool,
    /// Gold answers that are commands are run, within these limits.
    pub commands: Option<CommandLimits>,
    /// Prompts that no gold answer decides are judged by an LLM.
    pub llm: Option<LlmSettings>,
    /// The strong and the weak LLM, if only they are judged.
    pub pair: Option<[String; 2]>,
    pub labels: Labels,
    /// A file of preferences to compare the LLM judge with.
    pub labelled: Option<PathBuf>,
}

/// An LLM judge.
#[derive(Debug, Clone)]
pub struct LlmSettings {
    pub entry: ModelEntry,
    pub mode: Mode,
    /// How comparisons become scores.
    pub ranking: Ranking,
    /// Replaces the project's own rubric.
    pub rubric: Option<String>,
    /// Most characters of a request and of an answer that the judge is shown.
    pub answer_characters: usize,
    pub limits: Limits,
}

/// What an LLM judge is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Which of two answers is better, in both orders.
    Pairwise,
    /// A grade from 1 to 10 of each answer.
    Score,
    /// As pairwise, of all answers to a prompt, with scores by `--ranking`.
    Ranking,
}

/// What a row of preferences states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Labels {
    /// Who did better, a mean over samples (RouteLLM).
    #[default]
    Winner,
    /// Share of pairs of samples in which strong is better than weak; ties count for weak (Hybrid-LLM).
    Soft,
    /// As soft, where strong must be better by more than the threshold that sets prompts furthest apart.
    Transformed,
}

impl JudgeSettings {
    /// Checks the settings against the LLMs that answered.
    ///
    /// # Errors
    /// [`TrainerError::BadSetting`], which names the flag.
    pub fn check(&self, models: &[String]) -> Result<(), TrainerError> {
        let bad = |setting: &str, detail: String| {
            Err(TrainerError::BadSetting { setting: setting.into(), detail })
        };
        if !self.gold && self.llm.is_none() {
            return bad(
                "--gold",
                "nothing to judge by, expected --gold (by the prompts' gold answers), --judge ID (by an LLM), or both"
                    .into(),
            );
        }
        if self.commands.is_some() && !self.gold {
            return bad(
                "--commands",
                "runs commands of gold answers, expected --gold beside it".into(),
            );
        }
        if let Some(pair) = &self.pair {
            if let Some(unknown) = pair.iter().find(|name| !models.contains(name)) {
                let known = models.join(", ");
                return bad(
                    "--pair",
                    format!("found {unknown:?}, expected two of the LLMs that answered: {known}"),
                );
            }
            let [strong, weak] = pair;
            if strong == weak {
                return bad("--pair", format!("found {strong:?} twice, expected STRONG,WEAK"));
            }
        }
        if let Some(llm) = &self.llm {
            if llm.mode != Mode::Score
                && let [model] = models
            {
                let detail = format!(
                    "found answers of one LLM only ({model}), expected at least two to compare. Add another's \
                     answers, or ask for --mode score"
                );
                return bad("--mode", detail);
            }
            if llm.answer_characters == 0 {
                return bad("--answer-characters", "found 0, expected at least 1".into());
            }
        }
        if self.labels == Labels::Winner {
            return Ok(());
        }
        if self.pair.is_none() {
            return bad(
                "--labels",
                "soft and transformed labels are of two LLMs, expected --pair STRONG,WEAK".into(),
            );
        }
        let compares = self.llm.as_ref().is_some_and(|llm| llm.mode != Mode::Score);
        if self.labels == Labels::Transformed && compares {
            return bad(
                "--labels",
                "transformed labels need the quality of each answer, and comparisons give none: expected --mode \
                 score, or --gold alone"
                    .into(),
            );
        }
        Ok(())
    }

    /// What a score of 1 stands for in the outcomes: 10 where all are grades from 1 to 10.
    pub(super) fn score_scale(&self) -> f64 {
        match &self.llm {
            Some(llm) if llm.mode == Mode::Score && !self.gold => 10.0,
            _ => 1.0,
        }
    }
}
