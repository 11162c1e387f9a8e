//! Preferences: which of two models answered a query better. They are streamed, not kept, so that a
//! file of millions of battles needs little memory: eight bytes of each visited row's id stay.
//!
//! ```no_run
//! use std::path::Path;
//! use pointsman_trainer::data::{ReadOptions, for_each_preference};
//!
//! # fn main() -> Result<(), pointsman_trainer::data::DataError> {
//! let mut ties = 0;
//! let path = Path::new("data/battles.parquet");
//! let source = for_each_preference(path, None, &ReadOptions::default(), &mut |row| {
//!     ties += usize::from(row.is_tie());
//!     Ok(())
//! })?;
//! println!("{ties} ties among {} battles", source.rows);
//! # Ok(())
//! # }
//! ```

use std::path::{Path, PathBuf};

use super::preference_sink::{PreferenceRow, PreferenceSink};
use super::source_log::SourceLog;
use super::{
    BadRow, DataError, Format, ReadOptions, Table, arena, detect, files, gpt4_dataset,
    preferences_jsonl,
};

/// The counts of a source of preferences, for a report.
#[derive(Debug, Clone)]
pub struct PreferenceSource {
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
    /// The first [`MAX_STORED_BAD_ROWS`](super::MAX_STORED_BAD_ROWS) rows left out. Empty unless
    /// [`skip_bad`](ReadOptions::skip_bad) is set.
    pub bad_rows: Vec<BadRow>,
    /// Number of rows left out, including those that are not stored.
    pub bad_count: usize,
}

/// Hands each preference of a file, or of a folder of files of one format, to `visit`, in the
/// order of the files' names and of their rows. An error of `visit` ends the reading.
///
/// Without a `format`, it is recognised with [`detect`].
///
/// # Errors
/// [`DataError::WrongTable`] for a format of another table, [`DataError::NoRows`] where no row is left,
/// and the other errors of a source; a bad row is an error unless
/// [`skip_bad`](ReadOptions::skip_bad) is set.
pub fn for_each_preference(
    path: &Path,
    format: Option<Format>,
    options: &ReadOptions,
    visit: &mut dyn FnMut(PreferenceRow) -> Result<(), DataError>,
) -> Result<PreferenceSource, DataError> {
    let format = format.map_or_else(|| detect(path), Ok)?;
    let (log, rows, files) = stream(path, format, options, visit)?;
    if rows == 0 {
        return Err(log.no_rows(path));
    }
    Ok(PreferenceSource {
        format,
        sha256: log.sha256(),
        files,
        bytes: log.bytes,
        rows,
        bad_rows: log.bad_rows,
        bad_count: log.bad_count,
    })
}

/// Reads all rows; a source without rows is not an error here.
pub(super) fn stream(
    path: &Path,
    format: Format,
    options: &ReadOptions,
    visit: &mut dyn FnMut(PreferenceRow) -> Result<(), DataError>,
) -> Result<(SourceLog, usize, Vec<PathBuf>), DataError> {
    if format.table() != Table::Preferences {
        let expected = Table::Preferences;
        return Err(DataError::WrongTable { path: path.to_owned(), format, expected });
    }
    let files = files::list(path, format)?;
    let mut sink = PreferenceSink::new(options, visit);
    match format {
        Format::Arena => arena::read_files(&files, &mut sink)?,
        Format::Gpt4Dataset => gpt4_dataset::read_files(&files, &mut sink)?,
        Format::PreferencesJsonl => preferences_jsonl::read_files(&files, &mut sink)?,
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
    Ok((sink.log, sink.rows, files))
}
