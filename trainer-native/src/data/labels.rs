//! Labels: numbers that say how hard queries are, one scale a source.
//!
//! ```no_run
//! use std::path::Path;
//! use pointsman_trainer::data::{ReadOptions, read_labels};
//!
//! # fn main() -> Result<(), pointsman_trainer::data::DataError> {
//! let loaded = read_labels(Path::new("data/levels.jsonl"), None, &ReadOptions::default())?;
//! println!("{} labels: {}", loaded.rows.len(), loaded.scale);
//! # Ok(())
//! # }
//! ```

use std::path::{Path, PathBuf};

use super::label_sink::{LabelRow, LabelSink};
use super::source_log::SourceLog;
use super::{BadRow, DataError, Format, ReadOptions, Table, detect, files, label_jsonl};

/// A source of labels as read, with the counts for a report.
#[derive(Debug, Clone)]
pub struct LoadedLabels {
    /// The rows that passed every check; at least two different values.
    pub rows: Vec<LabelRow>,
    /// What the values count.
    pub scale: String,
    /// The layout it was read as.
    pub format: Format,
    /// SHA-256 over the contents of the files, one after the other in name order, in lower-case
    /// hexadecimal.
    pub sha256: String,
    /// The files read, in the order in which they were read and hashed.
    pub files: Vec<PathBuf>,
    /// The first [`MAX_STORED_BAD_ROWS`](super::MAX_STORED_BAD_ROWS) rows left out. Empty unless
    /// [`skip_bad`](ReadOptions::skip_bad) is set.
    pub bad_rows: Vec<BadRow>,
    /// Number of rows left out, including those that are not stored.
    pub bad_count: usize,
}

/// Reads the labels of a file, or of a folder of files of one format and scale.
///
/// Without a `format`, it is recognised with [`detect`].
///
/// # Errors
/// [`DataError::WrongTable`] for a format of outcomes or preferences, [`DataError::NoRows`],
/// [`DataError::LabelsConstant`] where all labels are equal, and the other errors of a source; a bad
/// row is an error unless [`skip_bad`](ReadOptions::skip_bad) is set.
pub fn read_labels(
    path: &Path,
    format: Option<Format>,
    options: &ReadOptions,
) -> Result<LoadedLabels, DataError> {
    let format = format.map_or_else(|| detect(path), Ok)?;
    let mut rows = Vec::new();
    let (log, scale, files) = stream(path, format, options, &mut |row| rows.push(row))?;
    let Some((first, scale)) = rows.first().zip(scale) else {
        return Err(log.no_rows(path));
    };
    if rows.iter().all(|row: &LabelRow| row.value == first.value) {
        let (value, rows) = (first.value, rows.len());
        return Err(DataError::LabelsConstant { place: path.display().to_string(), value, rows });
    }
    Ok(LoadedLabels {
        rows,
        scale,
        format,
        sha256: log.sha256(),
        files,
        bad_rows: log.bad_rows,
        bad_count: log.bad_count,
    })
}

/// Hands on one row after the other; no rows, or labels of one value, are not an error here.
pub(super) fn stream(
    path: &Path,
    format: Format,
    options: &ReadOptions,
    take: &mut dyn FnMut(LabelRow),
) -> Result<(SourceLog, Option<String>, Vec<PathBuf>), DataError> {
    let read = match format {
        Format::DifficultyJsonl => label_jsonl::read_difficulties,
        Format::NeedJsonl => label_jsonl::read_needs,
        _ => {
            let expected = Table::Labels;
            return Err(DataError::WrongTable { path: path.to_owned(), format, expected });
        }
    };
    let files = files::list(path, format)?;
    let mut sink = LabelSink::new(options, take);
    read(&files, &mut sink)?;
    Ok((sink.log, sink.scale, files))
}
