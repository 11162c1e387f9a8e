//! Judges the answers that LLMs gave: makes outcomes and preferences of them, to train a router on.
//!
//! | labels of | by |
//! | --- | --- |
//! | RouteLLM's D_gold (Ong et al., 2024) | [`Gold`]: preferences from answers compared with gold answers |
//! | RouteLLM's D_judge | an LLM that compares two answers, [`Mode::Pairwise`] |
//! | Hybrid-LLM, soft and transformed (Ding et al., 2024) | [`Labels::Soft`], [`Labels::Transformed`], over several samples |
//! | LLM-Blender's ranking (Jiang et al., 2023) | [`Mode::Ranking`] with a [`Ranking`] |
//! | RouterDC's voting (Chen et al., 2024) | [`VotingReport`](report::VotingReport), beside gold answers |
//!
//! A pairwise judge is asked in both orders and without the LLMs' names; a disagreement between the orders is a
//! tie. A refusal and an empty answer lose without a call. What the judge says is read strictly: prose is
//! asked about once more, then counted as unreadable and left out. The report ([`JudgeReport`]) holds the
//! judge's position bias and, where a labelled sample is given, its agreement with it.
//!
//! ```no_run
//! use std::path::{Path, PathBuf};
//! use std::sync::atomic::AtomicBool;
//! use pointsman_trainer::completions::Silent;
//! use pointsman_trainer::data::{AnswerSet, ReadOptions};
//! use pointsman_trainer::judge::{JudgeSettings, check_gold, judge};
//!
//! # fn main() -> Result<(), pointsman_trainer::TrainerError> {
//! let files = [PathBuf::from("answers.jsonl")];
//! let answers = AnswerSet::open(&files, &ReadOptions::default(), &check_gold)?;
//! let settings = JudgeSettings { gold: true, ..JudgeSettings::default() };
//! let stop = AtomicBool::new(false);
//! let report = judge(&answers, &settings, Path::new("d-gold"), &Silent, &stop)?;
//! println!("{} preferences", report.preference_rows);
//! # Ok(())
//! # }
//! ```

pub mod command;
mod evaluate;
mod fence;
mod field_fault;
mod gold;
mod hybrid;
mod judging;
mod labelled;
mod llm;
mod mark;
mod output;
mod page;
mod prompt;
mod ranking;
pub mod report;
mod runs;
mod scored;
mod settings;
mod totals;
mod voting;
mod write;

pub use gold::{Gold, check_gold};
pub use judging::{Judging, Plan};
pub use mark::{Grade, Mark};
pub use page::markdown;
pub use ranking::Ranking;
pub use report::JudgeReport;
pub use settings::{JudgeSettings, Labels, LlmSettings, Mode};

use std::path::Path;
use std::sync::atomic::AtomicBool;

use crate::completions::Progress;
use crate::data::AnswerSet;
use crate::error::TrainerError;

/// Judges the answers and writes what came of it into `out`: [`Judging`] from its opening to its files.
///
/// # Errors
/// Those of [`Judging`].
pub fn judge(
    answers: &AnswerSet,
    settings: &JudgeSettings,
    out: &Path,
    progress: &dyn Progress,
    stop: &AtomicBool,
) -> Result<JudgeReport, TrainerError> {
    let mut judging = Judging::open(answers, settings, out)?;
    judging.run_commands(stop)?;
    let asked = judging.ask(progress, stop)?;
    judging.write(out, &asked)
}

#[cfg(test)]
mod tests;
