//! Outcome data: reading it, checking it, keeping training and evaluation apart.
//!
//! A router learns from *outcomes*: how well each candidate did on each query. They are published
//! in several layouts; [`read`] brings each of them to one table, [`Outcomes`], and refuses what
//! it cannot understand, naming the file, the line and the remedy. [`Stems`] and [`remove_leaks`]
//! then keep a question that is scored out of the training rows, whatever source it came from.
//!
//! ```no_run
//! use std::path::Path;
//! use switchyard_trainer::data::{ReadOptions, Stems, read, remove_leaks};
//!
//! # fn main() -> Result<(), switchyard_trainer::data::DataError> {
//! let held = read(Path::new("data/mmlu"), None, &ReadOptions::default())?;
//! let train = read(Path::new("data/outcomes.jsonl"), None, &ReadOptions { skip_bad: true })?;
//! let (train, removed) = remove_leaks(&train.outcomes, &Stems::from_outcomes(&held.outcomes));
//! println!("{} training rows, {removed} removed as leaks", train.rows.len());
//! # Ok(())
//! # }
//! ```

mod dedup;
mod error;
mod files;
mod outcomes;
pub mod outcomes_jsonl;
mod question;
pub mod routellm_mmlu;
pub mod routerdc;
mod row_sink;
mod score_map;
mod split;

pub use dedup::{Stems, remove_duplicates, remove_leaks};
pub use error::DataError;
pub use files::{Format, detect};
pub use outcomes::{OutcomeRow, Outcomes};
pub use question::{Question, question_stem};
pub use row_sink::{BadRow, MAX_STORED_BAD_ROWS};
pub(crate) use split::seeded;
pub use split::{split_rows, split_rows_stratified};

use std::path::{Path, PathBuf};

use row_sink::RowSink;

/// How strictly a source is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Leave bad rows out and count them, instead of stopping at the first one.
    pub skip_bad: bool,
}

/// A source as read, with what a report needs to say about it.
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
    /// All rows left out, those beyond the stored ones among them.
    pub bad_count: usize,
}

/// Reads a file, or a folder of files of one format.
///
/// `format` `None` means: find out with [`detect`].
///
/// # Errors
/// Every variant of [`DataError`] can occur; a bad row is one unless
/// [`skip_bad`](ReadOptions::skip_bad) is set.
pub fn read(
    path: &Path,
    format: Option<Format>,
    options: &ReadOptions,
) -> Result<Loaded, DataError> {
    let format = match format {
        Some(format) => format,
        None => detect(path)?,
    };
    let files = files::list(path, format)?;
    let mut sink = RowSink::new(options);
    match format {
        Format::RouteLlmMmlu => routellm_mmlu::read_files(&files, &mut sink)?,
        Format::RouterDc => routerdc::read_files(&files, &mut sink)?,
        Format::OutcomesJsonl => outcomes_jsonl::read_files(&files, &mut sink)?,
    }
    sink.finish(path, format, files)
}

#[cfg(test)]
mod tests;
