//! What `judge.json` holds.

use std::collections::BTreeMap;

use serde::Serialize;

use super::command::CommandLimits;
use super::hybrid::Transformation;
use super::ranking::Ranking;
use super::settings::{Labels, Mode};
use crate::eval::agreement::Agreement;
use crate::eval::position_bias::PositionBias;
use crate::eval::proportion::Proportion;

/// Counts of answers compared with gold answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct GoldCounts {
    pub right: u64,
    pub wrong: u64,
    /// Nothing to compare could be extracted; scored 0.
    pub nothing_found: u64,
    /// Refusals, filtered and empty answers; scored 0.
    pub no_answer: u64,
    /// Commands that could not be run, or were not since `--commands` was not given; not scored.
    pub not_run: u64,
    /// Of the wrong ones, commands that were ended at a limit.
    pub ended_at_limit: u64,
}

impl GoldCounts {
    /// Answers that have a score.
    #[must_use]
    pub fn graded(&self) -> u64 {
        self.right + self.wrong + self.nothing_found + self.no_answer
    }
}

/// Gold answers: counts by kind and by LLM.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct GoldReport {
    pub version: String,
    pub prompts: u64,
    pub kinds: BTreeMap<String, GoldCounts>,
    pub models: BTreeMap<String, GoldCounts>,
    /// Limits of commands, where these were run.
    pub commands: Option<CommandLimits>,
}

/// Preferences between two LLMs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct PairCounts {
    pub wins_of_first: u64,
    pub wins_of_second: u64,
    pub ties: u64,
}

/// Why asking ended before the last request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndedEarly {
    Cap,
    Interrupted,
    /// The judge is not asked any further, for what the failures say.
    JudgeStopped,
}

/// What an LLM judge was asked and said.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LlmReport {
    /// The `id` of the LLM.
    pub judge: String,
    pub prompt_version: String,
    pub mode: Option<Mode>,
    pub ranking: Option<Ranking>,
    pub prompts: u64,
    /// Most characters of a request and of an answer that were shown.
    pub answer_characters: usize,
    /// Answers that were cut to that length.
    pub answers_cut: u64,
    /// Comparisons in both orders, or grades.
    pub questions: u64,
    /// Decided by the LLM.
    pub read: u64,
    /// Of these, after a second request, since an answer was prose.
    pub read_on_second_request: u64,
    /// Decided without a call, by reason: `refusal`, `filtered`, `empty` answers lose, `identical` ones tie.
    pub without_call: BTreeMap<String, u64>,
    /// Left out: prose on both requests.
    pub unreadable: u64,
    /// Left out: not answered yet, after the cap, an interrupt or a failure.
    pub missing: u64,
    /// Share of comparisons by the LLM in which both orders prefer the same answer or are both ties.
    pub consistent: Option<Proportion>,
    pub position_bias: Option<PositionBias>,
    /// Agreement with the labelled sample, and its rows that name no answers judged here.
    pub agreement: Option<Agreement>,
    pub labels_without_verdict: u64,
    /// Grades by their number of answers, from 1.
    pub grades: BTreeMap<u8, u64>,
    /// Requests that this call had answered.
    pub asked: u64,
    /// Answers in the store, those of this call included.
    pub stored: u64,
    pub failed: u64,
    /// The first failures' reasons.
    pub failures: Vec<String>,
    /// US dollars that all requests in the store cost, and those of this call.
    pub spent_usd: f64,
    pub spent_now_usd: f64,
    /// Why asking ended early.
    pub stopped: Option<EndedEarly>,
}

/// RouterDC's voting: the answer of most LLMs, beside each LLM alone, on the same prompts.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct VotingReport {
    /// Prompts that every LLM answered and whose gold answer is of a kind that can be voted on.
    pub prompts: u64,
    pub left_out: u64,
    pub datasets: Vec<VotingRow>,
}

/// Mean scores on a data set.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct VotingRow {
    pub dataset: String,
    pub prompts: u64,
    pub voting: f64,
    /// By LLM, in the order of [`JudgeReport::models`].
    pub models: Vec<f64>,
    /// The best of the prompt's answers.
    pub oracle: f64,
}

/// Hybrid-LLM's labels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct HybridReport {
    pub prompts: u64,
    /// Mean of the labels that were written.
    pub mean_label: f64,
    pub transformation: Option<Transformation>,
}

/// What `trainer judge` found and wrote.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct JudgeReport {
    /// SHA-256 of the answers' files.
    pub answers_sha256: String,
    pub prompts: u64,
    pub answers: u64,
    pub bad_rows: u64,
    pub models: Vec<String>,
    /// The strong and the weak LLM, where only they were judged.
    pub pair: Option<[String; 2]>,
    pub labels: Labels,
    pub outcome_rows: u64,
    pub preference_rows: u64,
    /// Prompts without any score.
    pub without_outcome: u64,
    /// Of the outcomes written: mean score, prompts and mean cost by LLM.
    pub means: BTreeMap<String, ModelMeans>,
    /// By the names of the two LLMs, joined by ` / `.
    pub preferences: BTreeMap<String, PairCounts>,
    pub gold: Option<GoldReport>,
    pub llm: Option<LlmReport>,
    pub hybrid: Option<HybridReport>,
    pub voting: Option<VotingReport>,
}

/// One LLM's outcomes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct ModelMeans {
    pub prompts: u64,
    /// In [0, 1].
    pub score: f64,
    /// Mean US dollars of an answer over prompts whose answers state their costs.
    pub cost_usd: Option<f64>,
}
