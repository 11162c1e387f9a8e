//! Prompts: queries without a label, from files of prompts and logs of LLM calls. They are streamed, not
//! kept: some 30 bytes of each id stay.
//!
//! ```no_run
//! use std::path::Path;
//! use pointsman_trainer::data::{ReadOptions, for_each_prompt};
//!
//! # fn main() -> Result<(), pointsman_trainer::data::DataError> {
//! let mut turns = 0;
//! let path = Path::new("data/prompts.jsonl");
//! let source = for_each_prompt(path, None, &ReadOptions::default(), &mut |row| {
//!     turns += row.messages.len();
//!     Ok(())
//! })?;
//! println!("{} prompts of {turns} turns", source.rows);
//! # Ok(())
//! # }
//! ```
//!
//! A file of outcomes, preferences or labels serves as well: its queries are the prompts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::messages::Role;
use super::prompt_sink::{PromptRow, PromptSink};
use super::source_log::SourceLog;
use super::{
    BadRow, DataError, Format, ReadOptions, Table, chatgpt_export, decisions, detect, files,
    labels, langfuse, litellm, preferences, prompts_csv, prompts_jsonl, prompts_text, sharegpt,
    stream_outcomes,
};

/// The counts of a source of prompts, for a report.
#[derive(Debug, Clone)]
pub struct PromptSource {
    /// The layout it was read as.
    pub format: Format,
    /// SHA-256 over the contents of the files, one after the other in name order, in lower-case
    /// hexadecimal.
    pub sha256: String,
    /// The files read, in the order in which they were read and hashed.
    pub files: Vec<PathBuf>,
    /// Bytes of all files together.
    pub bytes: u64,
    pub rows: usize,
    /// Rows that are sound and no prompt of text, by what they are.
    pub passed_over: BTreeMap<&'static str, usize>,
    /// The first [`MAX_STORED_BAD_ROWS`](super::MAX_STORED_BAD_ROWS) rows left out. Empty unless
    /// [`skip_bad`](ReadOptions::skip_bad) is set.
    pub bad_rows: Vec<BadRow>,
    /// Number of rows left out, including those that are not stored.
    pub bad_count: usize,
}

/// Prompts as read, with the counts of their source.
#[derive(Debug, Clone)]
pub struct LoadedPrompts {
    pub rows: Vec<PromptRow>,
    pub source: PromptSource,
}

/// Reads all prompts of a file, or of a folder of files of one format, into memory.
///
/// # Errors
/// Those of [`for_each_prompt`].
pub fn read_prompts(
    path: &Path,
    format: Option<Format>,
    options: &ReadOptions,
) -> Result<LoadedPrompts, DataError> {
    let mut rows = Vec::new();
    let source = for_each_prompt(path, format, options, &mut |row| {
        rows.push(row);
        Ok(())
    })?;
    Ok(LoadedPrompts { rows, source })
}

/// Hands each prompt of a file, or of a folder of files of one format, to `visit`, in the order of the
/// files' names and of their rows. An error of `visit` ends the reading. Of a format of another table,
/// the queries are handed on.
///
/// Without a `format`, it is recognised with [`detect`].
///
/// # Errors
/// [`DataError::NoRows`] where no row is left, and the other errors of a source; a bad row is an error
/// unless [`skip_bad`](ReadOptions::skip_bad) is set.
pub fn for_each_prompt(
    path: &Path,
    format: Option<Format>,
    options: &ReadOptions,
    visit: &mut dyn FnMut(PromptRow) -> Result<(), DataError>,
) -> Result<PromptSource, DataError> {
    let format = format.map_or_else(|| detect(path), Ok)?;
    let (log, rows, files) = match format.table() {
        Table::Prompts => stream(path, format, options, visit)?,
        _ => queries(path, format, options, visit)?,
    };
    if rows == 0 {
        return Err(log.no_rows(path));
    }
    Ok(PromptSource {
        format,
        sha256: log.sha256(),
        files,
        bytes: log.bytes,
        rows,
        passed_over: log.passed_over,
        bad_rows: log.bad_rows,
        bad_count: log.bad_count,
    })
}

/// Reads all rows; a source without rows is not an error here.
pub(super) fn stream(
    path: &Path,
    format: Format,
    options: &ReadOptions,
    visit: &mut dyn FnMut(PromptRow) -> Result<(), DataError>,
) -> Result<(SourceLog, usize, Vec<PathBuf>), DataError> {
    let read = match format {
        Format::PromptsJsonl => prompts_jsonl::read_files,
        Format::PromptsCsv => prompts_csv::read_files,
        Format::PromptsText => prompts_text::read_files,
        Format::ShareGpt => sharegpt::read_files,
        Format::ChatGptExport => chatgpt_export::read_files,
        Format::Decisions => decisions::read_files,
        Format::Langfuse => langfuse::read_files,
        Format::LiteLlm => litellm::read_files,
        Format::RouteLlmMmlu
        | Format::RouteLlmGsm8k
        | Format::RouteLlmMtBench
        | Format::RouterDc
        | Format::RouterBench
        | Format::Rorf
        | Format::OutcomesJsonl
        | Format::LmEval
        | Format::InspectAi
        | Format::Promptfoo
        | Format::OpenaiEvals
        | Format::Arena
        | Format::Gpt4Dataset
        | Format::PreferencesJsonl
        | Format::DifficultyJsonl
        | Format::NeedJsonl => {
            let expected = Table::Prompts;
            return Err(DataError::WrongTable { path: path.to_owned(), format, expected });
        }
    };
    let files = files::list(path, format)?;
    let mut sink = PromptSink::new(options, visit);
    read(&files, &mut sink)?;
    Ok((sink.log, sink.rows, files))
}

/// The queries of a table that is not one of prompts.
fn queries(
    path: &Path,
    format: Format,
    options: &ReadOptions,
    visit: &mut dyn FnMut(PromptRow) -> Result<(), DataError>,
) -> Result<(SourceLog, usize, Vec<PathBuf>), DataError> {
    let mut rows = 0;
    let mut stopped = Ok(());
    let mut take = |id: String, query: String, dataset: String| {
        rows += 1;
        if stopped.is_ok() {
            let messages = vec![(Role::User, query.clone())];
            stopped = visit(PromptRow { id, query, messages, dataset, gold: None });
        }
    };
    let (log, files) = match format.table() {
        Table::Outcomes => {
            let read = stream_outcomes(path, format, options, &mut |row| {
                take(row.id, row.query, row.dataset);
            })?;
            (read.log, read.files)
        }
        Table::Labels => {
            let (log, _, files) = labels::stream(path, format, options, &mut |row| {
                take(row.id, row.query, row.dataset);
            })?;
            (log, files)
        }
        Table::Preferences | Table::Prompts => {
            let (log, _, files) = preferences::stream(path, format, options, &mut |row| {
                take(row.id, row.query, row.dataset);
                Ok(())
            })?;
            (log, files)
        }
    };
    stopped?;
    Ok((log, rows, files))
}
