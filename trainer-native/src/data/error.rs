//! Errors of data sources. Each message names the place, what was found, what was expected and what
//! to do; [`DataError::code`] is stable for programs.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::bad_row::BadRow;
use super::{Format, Table};

/// Longest text of a file that a message repeats, in bytes.
const LONGEST_TEXT: usize = 4000;

/// Cuts a text for a message: a line, a key or a list of columns can be a whole file.
pub(crate) fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST_TEXT {
        return Cow::Borrowed(text);
    }
    // The remedy stands at the end.
    let start = text.floor_char_boundary(LONGEST_TEXT / 2);
    let end = text.ceil_char_boundary(text.len() - LONGEST_TEXT / 2);
    Cow::Owned(format!("{} ... {}", &text[..start], &text[end..]))
}

/// Why a source could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The function that rows were handed to returned an error.
    #[error("reading was stopped: {detail}")]
    Stopped { detail: String },
    /// The operating system refused the file or folder.
    #[error("{path}: cannot be read: {cause}. Check that it exists and may be read")]
    Io { path: PathBuf, cause: std::io::Error },
    /// The layout could not be recognised from names and first characters.
    #[error(
        "{path}: unknown format: found {}, expected {expected}. Name the format with --format",
        shortened(.found)
    )]
    UnknownFormat {
        /// File or folder, or the format's name where a name was given.
        path: PathBuf,
        found: String,
        expected: String,
    },
    /// A file or folder is not what its format needs: empty, damaged, of other columns, or a part only.
    #[error("{place}: {}", shortened(.detail))]
    BadFile {
        /// The path, with line and column where they are known.
        place: String,
        /// What was found, what was expected, and what to do.
        detail: String,
    },
    /// A row does not fit the format, and bad rows are not skipped.
    #[error("{}:{}: {}. Fix the row, or pass --skip-bad to leave such rows out and count them", .0.file, .0.line, shortened(&.0.reason))]
    BadRow(BadRow),
    /// No row is left to train on or to evaluate.
    #[error(
        "{path}: found no usable row ({bad} bad rows left out{}), expected at least one. Check the file, and its format with --format",
        shortened(.passed_over)
    )]
    NoRows {
        path: PathBuf,
        /// Rows left out as bad.
        bad: usize,
        /// Rows passed over and the first bad row, in words behind a comma; empty for none.
        passed_over: String,
    },
    /// A source holds rows of another kind than is needed, such as battles in place of scores.
    #[error(
        "{path}: found {} (format {format}), expected {expected}. Name another file, or another format with --format",
        .format.table()
    )]
    WrongTable { path: PathBuf, format: Format, expected: Table },
    /// Every label of a source has the same value, so that none says what is harder.
    #[error(
        "{place}: found the label {value} in each of the {rows} rows, expected at least two values. Check that the label is the field that was meant, or leave the file out"
    )]
    LabelsConstant {
        /// The path, or the source's name.
        place: String,
        value: f64,
        rows: usize,
    },
    /// Models cannot be rated, or not be put into Elo groups by their ratings.
    #[error("ratings of models: {detail}")]
    NoRatings {
        /// What was found, what was expected, and what to do.
        detail: String,
    },
}

impl DataError {
    /// The error of a file or folder, `detail` being what was found, what was expected and what to do.
    pub(super) fn bad_file(path: &Path, detail: String) -> Self {
        Self::BadFile { place: path.display().to_string(), detail }
    }

    /// The error of a place in a file; `line` and `column` count from 1.
    pub(super) fn bad_place(path: &Path, line: u64, column: Option<u64>, detail: String) -> Self {
        let column = column.map_or_else(String::new, |column| format!(":{column}"));
        Self::BadFile { place: format!("{}:{line}{column}", path.display()), detail }
    }

    /// The error of a file without content; `expected` is what it should hold.
    pub(super) fn empty_file(path: &Path, expected: &str) -> Self {
        let detail = format!("the file is empty, expected {expected}. Fetch or write it again");
        Self::bad_file(path, detail)
    }

    /// The error of a folder without a file of the format.
    pub(super) fn no_files(path: &Path, expected: &str) -> Self {
        let detail = format!("found no file to read in this folder, expected {expected}");
        Self::bad_file(path, detail)
    }

    /// The error of a table with other columns than its format has.
    pub(super) fn bad_header(path: &Path, columns: &[String], expected: &str) -> Self {
        let found = columns.join(", ");
        let detail = format!(
            "found the columns {found}, expected {expected}. Fix the header, or name another format \
             with --format"
        );
        Self::bad_place(path, 1, None, detail)
    }

    /// A stable name for programs, in snake case. For a bad row it is the name of the reason, such
    /// as `score_out_of_range`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Stopped { .. } => "stopped",
            Self::Io { .. } => "io",
            Self::UnknownFormat { .. } => "unknown_format",
            Self::BadFile { .. } => "bad_file",
            Self::BadRow(row) => row.code,
            Self::NoRows { .. } => "no_rows",
            Self::WrongTable { .. } => "wrong_table",
            Self::LabelsConstant { .. } => "labels_constant",
            Self::NoRatings { .. } => "no_ratings",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_bounded_and_keeps_its_remedy() {
        let columns: Vec<String> = (0..9000).map(|at| format!("世{at}")).collect();
        let error = DataError::bad_header(Path::new("a.csv"), &columns, "prompt").to_string();
        assert!(error.len() < 4200, "{} bytes", error.len());
        assert!(error.starts_with("a.csv:1: found the columns 世0, 世1,"), "{error}");
        assert!(error.ends_with("name another format with --format"), "{error}");
    }
}
