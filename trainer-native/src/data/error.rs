//! What can go wrong with a data source. Each variant names the place, what was found, what was
//! expected and what to do; [`DataError::code`] is stable for programs.

use std::path::PathBuf;

use super::row_sink::BadRow;

/// Why a source could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The operating system refused the file or folder.
    #[error("{path}: cannot be read: {source}. Check that it exists and may be read")]
    Io {
        /// File or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A folder holds no file of the format.
    #[error("{path}: found no file to read in this folder, expected {expected}")]
    NoFiles {
        /// The folder.
        path: PathBuf,
        /// The names looked for.
        expected: String,
    },
    /// The layout could not be told from names and first characters.
    #[error(
        "{path}: unknown format: found {found}, expected {expected}. Name the format with --format"
    )]
    UnknownFormat {
        /// File or folder, or the format's name where a name was given.
        path: PathBuf,
        /// What it looks like.
        found: String,
        /// The formats known.
        expected: String,
    },
    /// A file of no bytes, or of white space only.
    #[error("{path}: the file is empty, expected {expected}. Fetch or write it again")]
    EmptyFile {
        /// The file.
        path: PathBuf,
        /// What should be in it.
        expected: &'static str,
    },
    /// A CSV file's first line does not name the columns.
    #[error(
        "{path}:1: found the columns {found}, expected {expected}. Fix the header, or name another format with --format"
    )]
    BadHeader {
        /// The file.
        path: PathBuf,
        /// The columns found.
        found: String,
        /// The columns expected.
        expected: String,
    },
    /// A JSON document that cannot be parsed any further, so that its rows cannot be told apart.
    #[error(
        "{path}:{line}:{column}: not valid JSON: {message}. Fix the file: rows after this point cannot be found, so --skip-bad does not help"
    )]
    JsonSyntax {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Column in bytes, from 1.
        column: u64,
        /// The parser's words.
        message: String,
    },
    /// A row that does not fit the format, met while bad rows are not skipped.
    #[error("{}:{}: {}. Fix the row, or pass --skip-bad to leave such rows out and count them", .0.file, .0.line, .0.reason)]
    BadRow(BadRow),
    /// Nothing was left to train on or to evaluate.
    #[error(
        "{path}: found no usable row ({bad} bad rows left out), expected at least one. Check the file, and its format with --format"
    )]
    NoRows {
        /// File or folder.
        path: PathBuf,
        /// Rows left out as bad.
        bad: usize,
    },
    /// Fewer than two models: nothing to choose between.
    #[error(
        "{path}: found scores of one model only ({model}), expected at least two. A router chooses between models: add the scores of another model to the same rows"
    )]
    TooFewModels {
        /// File or folder.
        path: PathBuf,
        /// The only model.
        model: String,
    },
}

impl DataError {
    /// A stable name for programs, in snake case. A bad row gives its own reason's name, such as
    /// `score_out_of_range`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "io",
            Self::NoFiles { .. } => "no_files",
            Self::UnknownFormat { .. } => "unknown_format",
            Self::EmptyFile { .. } => "empty_file",
            Self::BadHeader { .. } => "bad_header",
            Self::JsonSyntax { .. } => "json_syntax",
            Self::BadRow(row) => row.code,
            Self::NoRows { .. } => "no_rows",
            Self::TooFewModels { .. } => "too_few_models",
        }
    }
}
