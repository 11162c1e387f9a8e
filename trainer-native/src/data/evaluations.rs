//! Evaluations as other programs store them: files of graded answers, mostly of one model each, joined to
//! one row a question.
//!
//! [`Original`] lists the layouts. A folder is searched with the folders in it, and what is not of the
//! layout is left out and counted.

mod inspect_ai;
mod join;
mod langfuse_scores;
mod lm_eval;
mod mmlu_pro;
mod openai_evals;
mod promptfoo;

use std::path::{Path, PathBuf};

use super::files::{is_folder, list_below};
use super::source_log::SourceLog;
use super::{DataError, Format, Outcomes, ReadOptions, detect};
use join::{Answer, Join, Rule};

/// A layout of evaluations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Original {
    /// MMLU-Pro's `eval_results`: one JSON array of answers a model.
    MmluPro,
    /// Per-sample logs of lm-evaluation-harness: `samples_<task>_<time>.jsonl`.
    LmEval,
    /// Logs of Inspect, `.eval` or JSON.
    InspectAi,
    /// What `promptfoo eval --output` writes, JSON or JSONL.
    Promptfoo,
    /// Event logs of OpenAI evals, JSONL.
    OpenaiEvals,
    /// Langfuse's exports of observations with scores, JSON, JSONL or CSV.
    Langfuse,
}

impl Original {
    /// The layout of a format of outcomes that joins files; `None` for other formats.
    pub(super) fn of(format: Format) -> Option<Self> {
        match format {
            Format::LmEval => Some(Original::LmEval),
            Format::InspectAi => Some(Original::InspectAi),
            Format::Promptfoo => Some(Original::Promptfoo),
            Format::OpenaiEvals => Some(Original::OpenaiEvals),
            _ => None,
        }
    }

    /// Whether its files may hold several tasks and scores, of which some can be chosen.
    #[must_use]
    pub fn has_choices(self) -> bool {
        !matches!(self, Original::MmluPro)
    }
}

/// A file or folder to convert, with the name of the model that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelSource {
    /// `None`: the layout's own name, from the file, or from the file's or folder's name.
    pub model: Option<String>,
    pub path: PathBuf,
}

impl ModelSource {
    /// Parses `PATH` or `MODEL=PATH`. A path that exists is never split.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.split_once('=') {
            Some((model, path)) if !model.is_empty() && !Path::new(text).exists() => {
                Self { model: Some(model.to_owned()), path: path.into() }
            }
            _ => Self { model: None, path: text.into() },
        }
    }
}

/// What to convert, and which part of it.
#[derive(Debug, Clone)]
pub struct Conversion {
    pub from: Original,
    pub sources: Vec<ModelSource>,
    /// Tasks to take, by their beginning; empty for all.
    pub only: Vec<String>,
    /// Tasks to leave out, by their beginning.
    pub without: Vec<String>,
    /// Name of the score that is read; `None`: the first that a file lists.
    pub metric: Option<String>,
}

impl Conversion {
    /// Everything that `sources` hold.
    #[must_use]
    pub fn new(from: Original, sources: Vec<ModelSource>) -> Self {
        Self { from, sources, only: Vec::new(), without: Vec::new(), metric: None }
    }

    fn takes(&self, task: &str) -> bool {
        let listed = |list: &[String]| list.iter().any(|start| task.starts_with(start.as_str()));
        (self.only.is_empty() || listed(&self.only)) && !listed(&self.without)
    }
}

/// What evaluations hold, joined.
pub(super) struct Joined {
    pub outcomes: Outcomes,
    pub log: SourceLog,
    pub older: Vec<PathBuf>,
    pub other_texts: usize,
    pub other_filters: usize,
    pub repeated: usize,
    pub superseded: usize,
}

impl Joined {
    /// What happened to answers on the way, in words, for a report.
    pub fn notes(&self) -> Vec<String> {
        let counts = [
            (self.other_texts, "answers whose question has another text than in an earlier file"),
            (self.other_filters, "log lines skipped as scores through a further filter"),
            (self.older.len(), "logs skipped as older than another of the same model and task"),
            (self.superseded, "answers skipped for those of a newer file"),
            (self.repeated, "answers averaged with another of the same model in the same file"),
        ];
        let said = counts.into_iter().filter(|(count, _)| *count > 0);
        said.map(|(count, what)| format!("{count} {what}")).collect()
    }
}

/// Reads the files of a conversion and joins their answers; no answers are not an error here.
pub(super) fn join(conversion: &Conversion, options: &ReadOptions) -> Result<Joined, DataError> {
    let rule = match conversion.from {
        Original::MmluPro | Original::LmEval => Rule::Id,
        _ => Rule::Text,
    };
    let mut join = Join::new(rule, options);
    let mut older = Vec::new();
    match conversion.from {
        Original::MmluPro => mmlu_pro::read(&conversion.sources, &mut join)?,
        Original::LmEval => older = lm_eval::read(conversion, &mut join)?,
        Original::InspectAi => inspect_ai::read(conversion, &mut join)?,
        Original::Promptfoo => promptfoo::read(conversion, &mut join)?,
        Original::OpenaiEvals => openai_evals::read(conversion, &mut join)?,
        Original::Langfuse => langfuse_scores::read(conversion, &mut join)?,
    }
    for row in &mut join.outcomes.rows {
        row.scores.sort_by_key(|&(model, _)| model);
        row.costs.sort_by_key(|&(model, _)| model);
    }
    Ok(Joined {
        outcomes: join.outcomes,
        log: join.log,
        older,
        other_texts: join.other_texts,
        other_filters: join.other_filters,
        repeated: join.repeated,
        superseded: join.superseded,
    })
}

/// The path itself, or the files of a format below it, in name order; the others are noted.
fn files_of(path: &Path, format: Format, join: &mut Join) -> Result<Vec<PathBuf>, DataError> {
    if !is_folder(path)? {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for file in list_below(path)? {
        let named = file.file_name().is_some_and(|name| format.takes(&name.to_string_lossy()));
        match named && detect(&file).is_ok_and(|found| found == format) {
            true => files.push(file),
            false => join.log.pass_over("files of another layout"),
        }
    }
    match files.is_empty() {
        false => Ok(files),
        true => Err(DataError::no_files(path, format.files_expected())),
    }
}
