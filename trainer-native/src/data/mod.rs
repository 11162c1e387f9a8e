//! Reads and checks training and evaluation data, and keeps scored questions out of training.
//!
//! A router learns from *outcomes*, how well each candidate did on each query, from *preferences*,
//! which of two candidates did better, and from *labels*, how hard a query is; *prompts* are queries
//! without any of these. [`Format`] lists the layouts in which they are published. [`read`] brings
//! outcomes to one table, [`Outcomes`]; [`for_each_preference`] streams preferences, which may be too
//! many for memory, and [`for_each_prompt`] prompts; [`read_labels`] reads labels, one scale a source.
//! All refuse rows that they cannot read, naming the file, the line and the remedy; [`inspect`] reports
//! what a source holds. [`Stems`] and [`remove_leaks`] keep a question that is scored out of the training
//! rows, whatever source it came from; [`shared_text_groups`] keeps a shared passage on one side of a
//! split. [`Battles`] rates models by their preferences, [`elo_groups`] groups models of similar rating.
//!
//! ```no_run
//! use std::path::Path;
//! use pointsman_trainer::data::{ReadOptions, Stems, read, remove_leaks};
//!
//! # fn main() -> Result<(), pointsman_trainer::data::DataError> {
//! let held = read(Path::new("data/mmlu"), None, &ReadOptions::default())?;
//! let train = read(Path::new("data/outcomes.jsonl"), None, &ReadOptions { skip_bad: true })?;
//! let (train, removed) = remove_leaks(&train.outcomes, &Stems::from_outcomes(&held.outcomes));
//! println!("{} training rows, {removed} removed as leaks", train.rows.len());
//! # Ok(())
//! # }
//! ```

mod answers;
mod arena;
mod bad_row;
mod cell;
mod chatgpt_export;
pub mod convert;
mod csv_rows;
mod decisions;
mod dedup;
mod detect;
mod elo;
mod elo_groups;
mod entries;
mod error;
mod evaluations;
mod files;
mod format;
mod gpt4_dataset;
mod inspect;
mod json_array;
mod json_constants;
mod json_outline;
mod json_rows;
mod label_jsonl;
mod label_sink;
mod labels;
mod langfuse;
mod lines;
mod litellm;
mod messages;
mod outcomes;
mod outcomes_jsonl;
mod parquet_rows;
mod preference_sink;
mod preferences;
mod preferences_jsonl;
mod prompt_sink;
mod prompts;
mod prompts_csv;
mod prompts_jsonl;
mod prompts_text;
mod python_list;
mod question;
mod request_body;
mod rorf;
mod routellm_gsm8k;
pub(crate) mod routellm_mmlu;
mod routellm_mt_bench;
mod router_arena;
mod routerbench;
mod routerdc;
mod row_sink;
mod score_map;
mod shared_text;
mod sharegpt;
mod source_log;
mod split;
mod table_rows;
mod true_false_csv;
mod zip_archive;

pub use answers::{Answer, AnswerSet, AnsweredPrompt, Ending};
pub use bad_row::BadRow;
pub(crate) use dedup::remove_duplicates;
pub use dedup::{Stems, remove_leaks};
pub use detect::detect;
pub use elo::Battles;
pub use elo_groups::elo_groups;
pub use error::DataError;
pub(crate) use error::shortened;
pub use format::{Format, Table};
pub use inspect::{Inspection, PromptSummary, inspect};
pub use label_sink::LabelRow;
pub use labels::{LoadedLabels, read_labels};
pub use messages::Role;
pub use outcomes::{OutcomeRow, Outcomes};
pub use outcomes_jsonl::write as write_outcomes;
pub use preference_sink::PreferenceRow;
pub use preferences::{PreferenceSource, for_each_preference};
pub use prompt_sink::PromptRow;
pub use prompts::{LoadedPrompts, PromptSource, for_each_prompt, read_prompts};
pub use question::Question;
pub(crate) use question::{lettered_options, question_stem};
pub use router_arena::{ArenaQuery, read_arena_queries};
pub use shared_text::{prompt_groups, shared_text_groups};
pub use source_log::MAX_STORED_BAD_ROWS;
pub(crate) use split::seeded;
pub use split::{dealt_folds, split_rows};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use evaluations::{Conversion, ModelSource, Original};
use row_sink::RowSink;
use source_log::SourceLog;

/// How strictly a source is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Leave bad rows out and count them, instead of stopping at the first one.
    pub skip_bad: bool,
}

/// A source as read, with the counts for a report.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The rows that passed every check.
    pub outcomes: Outcomes,
    /// The layout it was read as.
    pub format: Format,
    /// SHA-256 over the contents of the files, one after the other in name order, in lower-case
    /// hexadecimal.
    pub sha256: String,
    /// The files read, in the order in which they were read and hashed.
    pub files: Vec<PathBuf>,
    /// Bytes of all files together.
    pub bytes: u64,
    /// The first [`MAX_STORED_BAD_ROWS`] rows left out. Empty unless
    /// [`skip_bad`](ReadOptions::skip_bad) is set.
    pub bad_rows: Vec<BadRow>,
    /// Number of rows left out, including those that are not stored.
    pub bad_count: usize,
    /// Rows that are sound and hold no scored answer to a text, by what they are.
    pub passed_over: BTreeMap<&'static str, usize>,
}

/// Reads the outcomes of two models or more from a file, or from a folder of files of one format.
///
/// Without a `format`, it is recognised with [`detect`].
///
/// # Errors
/// [`DataError::BadFile`] for the scores of one model only, and those of [`read_of_any_models`].
pub fn read(
    path: &Path,
    format: Option<Format>,
    options: &ReadOptions,
) -> Result<Loaded, DataError> {
    let loaded = read_of_any_models(path, format, options)?;
    if let [model] = loaded.outcomes.models.as_slice() {
        let detail = format!(
            "found scores of one model only ({model}), expected at least two. A router chooses \
             between models: add the scores of another model to the same rows. How hard a query \
             is, one model's scores say too: a recipe of kind \"difficulty\" learns from them in a \
             source with role \"auxiliary\""
        );
        return Err(DataError::bad_file(path, detail));
    }
    Ok(loaded)
}

/// Reads outcomes as [`read`] does, also where they are of one model.
///
/// # Errors
/// [`DataError::WrongTable`] for a format of preferences, which [`for_each_preference`] reads, of
/// labels, which [`read_labels`] reads, or of prompts, which [`for_each_prompt`] reads, and the other
/// errors of a source; a bad row is an error unless
/// [`skip_bad`](ReadOptions::skip_bad) is set.
pub fn read_of_any_models(
    path: &Path,
    format: Option<Format>,
    options: &ReadOptions,
) -> Result<Loaded, DataError> {
    let format = format.map_or_else(|| detect(path), Ok)?;
    let mut rows = Vec::new();
    let read = stream_outcomes(path, format, options, &mut |row| rows.push(row))?;
    let bad_count = read.log.bad_count;
    if rows.is_empty() {
        return Err(read.log.no_rows(path));
    }
    Ok(Loaded {
        outcomes: Outcomes { models: read.models, rows, score_scale: read.score_scale },
        format,
        sha256: read.log.sha256(),
        files: read.files,
        bytes: read.log.bytes,
        bad_rows: read.log.bad_rows,
        bad_count,
        passed_over: read.log.passed_over,
    })
}

/// What is known of outcomes after all rows are read, besides the rows.
struct Streamed {
    models: Vec<String>,
    score_scale: f32,
    files: Vec<PathBuf>,
    log: SourceLog,
}

/// Hands on one row after the other; no rows, or a single model, are not an error here.
fn stream_outcomes(
    path: &Path,
    format: Format,
    options: &ReadOptions,
    take: &mut dyn FnMut(OutcomeRow),
) -> Result<Streamed, DataError> {
    if let Some(original) = Original::of(format) {
        return joined_outcomes(path, original, options, take);
    }
    let files = match format.table() {
        Table::Outcomes => files::list(path, format)?,
        Table::Preferences | Table::Labels | Table::Prompts => {
            let expected = Table::Outcomes;
            return Err(DataError::WrongTable { path: path.to_owned(), format, expected });
        }
    };
    let mut sink = RowSink::new(options, take);
    match format {
        Format::RouteLlmMmlu => routellm_mmlu::read_files(&files, &mut sink)?,
        Format::RouteLlmGsm8k => routellm_gsm8k::read_files(&files, &mut sink)?,
        Format::RouteLlmMtBench => routellm_mt_bench::read_files(path, &files, &mut sink)?,
        Format::RouterDc => routerdc::read_files(&files, &mut sink)?,
        Format::RouterBench => routerbench::read_files(&files, &mut sink)?,
        Format::Rorf => rorf::read_files(&files, &mut sink)?,
        Format::OutcomesJsonl => outcomes_jsonl::read_files(&files, &mut sink)?,
        Format::LmEval
        | Format::InspectAi
        | Format::Promptfoo
        | Format::OpenaiEvals
        | Format::Arena
        | Format::Gpt4Dataset
        | Format::PreferencesJsonl
        | Format::DifficultyJsonl
        | Format::NeedJsonl
        | Format::PromptsJsonl
        | Format::Langfuse
        | Format::PromptsCsv
        | Format::PromptsText
        | Format::ShareGpt
        | Format::ChatGptExport
        | Format::Decisions
        | Format::LiteLlm => {}
    }
    let score_scale = sink.score_scale.unwrap_or(1.0);
    Ok(Streamed { models: sink.models, score_scale, files, log: sink.log })
}

/// Hands on the rows of evaluations, which are joined in memory first.
fn joined_outcomes(
    path: &Path,
    original: Original,
    options: &ReadOptions,
    take: &mut dyn FnMut(OutcomeRow),
) -> Result<Streamed, DataError> {
    let source = ModelSource { model: None, path: path.to_owned() };
    let mut joined = evaluations::join(&Conversion::new(original, vec![source]), options)?;
    joined.log.notes = joined.notes();
    joined.outcomes.rows.into_iter().for_each(take);
    let files = joined.log.files_started.clone();
    Ok(Streamed { models: joined.outcomes.models, score_scale: 1.0, files, log: joined.log })
}

#[cfg(test)]
mod tests;
