//! Errors of data sources. Each message names the place, what was found, what was expected and what
//! to do; [`DataError::code`] is stable for programs.

use std::path::PathBuf;

use super::bad_row::BadRow;
use super::{Format, Table};

/// Why a source could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The function that rows were handed to returned an error.
    #[error("reading was stopped: {detail}")]
    Stopped { detail: String },
    /// The operating system refused the file or folder.
    #[error("{path}: cannot be read: {source}. Check that it exists and may be read")]
    Io { path: PathBuf, source: std::io::Error },
    /// A folder holds no file of the format.
    #[error("{path}: found no file to read in this folder, expected {expected}")]
    NoFiles { path: PathBuf, expected: String },
    /// The layout could not be recognised from names and first characters.
    #[error(
        "{path}: unknown format: found {found}, expected {expected}. Name the format with --format"
    )]
    UnknownFormat {
        /// File or folder, or the format's name where a name was given.
        path: PathBuf,
        found: String,
        expected: String,
    },
    /// A file is empty, or holds white space only.
    #[error("{path}: the file is empty, expected {expected}. Fetch or write it again")]
    EmptyFile {
        path: PathBuf,
        /// What the file should hold.
        expected: &'static str,
    },
    /// A table lacks columns, or has unexpected ones; parquet names columns in its schema.
    #[error(
        "{path}:1: found the columns {found}, expected {expected}. Fix the header, or name another format with --format"
    )]
    BadHeader { path: PathBuf, found: String, expected: String },
    /// A JSON document cannot be parsed past a place, so its further rows cannot be found.
    #[error(
        "{path}:{line}:{column}: not valid JSON: {message}. Fix the file: rows after this point cannot be found, so --skip-bad does not help"
    )]
    JsonSyntax {
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Column in bytes, from 1.
        column: u64,
        message: String,
    },
    /// A row does not fit the format, and bad rows are not skipped.
    #[error("{}:{}: {}. Fix the row, or pass --skip-bad to leave such rows out and count them", .0.file, .0.line, .0.reason)]
    BadRow(BadRow),
    /// No row is left to train on or to evaluate.
    #[error(
        "{path}: found no usable row ({bad} bad rows left out), expected at least one. Check the file, and its format with --format"
    )]
    NoRows {
        path: PathBuf,
        /// Rows left out as bad.
        bad: usize,
    },
    /// A record of a CSV file does not end.
    #[error(
        "{path}:{line}: found a record of more than {limit} bytes, expected a shorter one. A quote that is opened here may not be closed: fix the file. Rows after this point cannot be found, so --skip-bad does not help"
    )]
    RowTooLarge {
        path: PathBuf,
        /// The line near which the record begins.
        line: u64,
        /// The most bytes that a record may have.
        limit: usize,
    },
    /// A parquet file is cut off or damaged, or holds values that cannot be read.
    #[error("{path}: cannot be read as parquet: {detail}. Fetch or write the file again")]
    BadParquet {
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// A parquet column holds more than one value a row.
    #[error(
        "{path}: found {found} in the column {column:?}, expected one text or number a row. Write the column as text, a list as JSON, or convert the file to CSV"
    )]
    NestedColumn { path: PathBuf, column: String, found: String },
    /// A source consists of several files, and some are missing.
    #[error("{path}: found {found}, expected {expected}. Give the folder that holds both")]
    MissingPart {
        path: PathBuf,
        found: &'static str,
        /// What a complete source holds.
        expected: &'static str,
    },
    /// A source holds battles where scores are needed, or the reverse.
    #[error("{path}: found {} (format {format}), expected {}. {}", .format.table(), other_table(*.format), other_call(*.format))]
    WrongTable { path: PathBuf, format: Format },
    /// No row names the model.
    #[error("unknown model {asked:?}, expected one of {known}. Names are compared exactly")]
    UnknownModel { asked: String, known: String },
    /// More models than a table of battles between them can hold.
    #[error(
        "found more than {limit} models ({example:?} among them), expected model names. Check that the columns are not mixed up"
    )]
    TooManyModels { limit: usize, example: String },
    /// Ratings cannot be computed.
    #[error("no ratings: {detail}")]
    NoRatings {
        /// What was found and what was expected.
        detail: String,
    },
    /// There are not enough different ratings for that many Elo groups.
    #[error(
        "found {found} different ratings, expected at least as many as Elo groups ({groups}), and at least one group. Ask for fewer groups"
    )]
    BadEloGroupCount {
        /// Different ratings.
        found: usize,
        groups: usize,
    },
    /// Fewer than two models: a router has nothing to choose between.
    #[error(
        "{path}: found scores of one model only ({model}), expected at least two. A router chooses between models: add the scores of another model to the same rows"
    )]
    TooFewModels { path: PathBuf, model: String },
    /// A file to convert has another layout, or belongs to another version of the benchmark.
    #[error("{path}: found {found}, expected {expected}. {remedy}")]
    NotConvertible { path: PathBuf, found: String, expected: &'static str, remedy: String },
}

impl DataError {
    /// A stable name for programs, in snake case. For a bad row it is the name of the reason, such
    /// as `score_out_of_range`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Stopped { .. } => "stopped",
            Self::Io { .. } => "io",
            Self::NoFiles { .. } => "no_files",
            Self::UnknownFormat { .. } => "unknown_format",
            Self::EmptyFile { .. } => "empty_file",
            Self::BadHeader { .. } => "bad_header",
            Self::JsonSyntax { .. } => "json_syntax",
            Self::BadRow(row) => row.code,
            Self::NoRows { .. } => "no_rows",
            Self::RowTooLarge { .. } => "row_too_large",
            Self::BadParquet { .. } => "bad_parquet",
            Self::NestedColumn { .. } => "nested_column",
            Self::MissingPart { .. } => "missing_part",
            Self::WrongTable { .. } => "wrong_table",
            Self::UnknownModel { .. } => "unknown_model",
            Self::TooManyModels { .. } => "too_many_models",
            Self::NoRatings { .. } => "no_ratings",
            Self::BadEloGroupCount { .. } => "bad_elo_group_count",
            Self::TooFewModels { .. } => "too_few_models",
            Self::NotConvertible { .. } => "not_convertible",
        }
    }
}

fn other_table(format: Format) -> Table {
    match format.table() {
        Table::Outcomes => Table::Preferences,
        Table::Preferences => Table::Outcomes,
    }
}

fn other_call(format: Format) -> &'static str {
    match format.table() {
        Table::Outcomes => {
            "Read it with data::read, and make preferences of two models with data::preferences_from_outcomes"
        }
        Table::Preferences => "Stream it with data::for_each_preference",
    }
}
