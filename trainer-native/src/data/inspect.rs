//! Inspects a source without training on it: rows, models, labels, ties, bad rows, duplicates.
//!
//! Sources are read row by row; only counts, fingerprints and the values of labels are kept. An
//! [`Inspection`] prints as aligned text and serialises as JSON.
//!
//! ```no_run
//! use std::path::Path;
//! use pointsman_trainer::data::{ReadOptions, inspect};
//!
//! # fn main() -> Result<(), pointsman_trainer::data::DataError> {
//! let found = inspect(Path::new("data/battles.csv"), None, &ReadOptions { skip_bad: true })?;
//! println!("{found}");
//! # Ok(())
//! # }
//! ```

mod collect;
mod display;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::labels::stream as stream_labels;
use super::preferences::stream;
use super::prompts::stream as stream_prompts;
use super::source_log::SourceLog;
use super::{BadRow, DataError, Format, ReadOptions, Table, detect, stream_outcomes};
use collect::{LabelCounts, OutcomeCounts, PreferenceCounts, PromptCounts};

/// Most data sets or categories counted by name; the others are counted together, as [`OTHERS`].
const MAX_NAMES: usize = 10_000;

/// Name under which data sets or categories beyond [`MAX_NAMES`] are counted.
const OTHERS: &str = "(others)";

/// Most models for which the matrix of battles is stated in full.
const MAX_MATRIX: usize = 20;

#[derive(Debug, Clone, Serialize)]
pub struct Inspection {
    /// The layout it was read as.
    pub format: Format,
    /// Whether the rows are outcomes, preferences, labels or prompts.
    pub table: Table,
    pub files: Vec<PathBuf>,
    /// Bytes of all files together.
    pub bytes: u64,
    /// SHA-256 over the contents of the files, in lower-case hexadecimal.
    pub sha256: String,
    /// Rows that passed every check.
    pub rows: usize,
    /// Number of bad rows left out.
    pub bad_count: usize,
    /// Number of bad rows left out by the code of the reason.
    pub bad_codes: BTreeMap<&'static str, usize>,
    /// The first [`MAX_STORED_BAD_ROWS`](super::MAX_STORED_BAD_ROWS) rows left out, with reasons.
    pub bad_rows: Vec<BadRow>,
    /// Rows that are sound and hold nothing to read, by what they are.
    pub passed_over: BTreeMap<&'static str, usize>,
    /// Rows whose question an earlier row asks.
    pub duplicates: usize,
    /// Rows of each data set.
    pub datasets: BTreeMap<String, usize>,
    /// Rows of each category, where rows have one.
    pub categories: BTreeMap<String, usize>,
    /// The models, in order of first appearance.
    pub models: Vec<ModelSummary>,
    /// Rows where all measured models, two or more, did equally well.
    pub ties: usize,
    /// [`ties`](Self::ties) among the rows where two or more models were measured; 0 without any.
    pub tie_share: f64,
    /// Outcomes: the share of (row, model) cells that were measured. Preferences: the share of
    /// pairs of models with at least one battle.
    pub density: f64,
    /// What a score of 1 stands for in the unit of the source.
    pub score_scale: f32,
    /// Preferences: pairs of models with their battles, the most frequent first; for no more than
    /// 20 models.
    pub pairs: Vec<PairCount>,
    /// What the labels are, where the rows are labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<LabelSummary>,
    /// Turns and gold answers, where the rows are prompts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompts: Option<PromptSummary>,
    /// Warnings to consider before training on it.
    pub warnings: Vec<String>,
}

/// One model's figures in a source.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelSummary {
    pub name: String,
    /// Rows where it was measured.
    pub rows: usize,
    /// Outcomes: its mean score in [0, 1]. Preferences: its share of wins, a tie counting half.
    pub mean_score: f64,
    /// Rows where it did better than every other model measured.
    pub wins: usize,
    /// Rows where another model did better.
    pub losses: usize,
    /// Rows where it did best together with another model.
    pub ties: usize,
    /// The mean cost of its answers in US dollars, where the source states costs.
    pub mean_cost: Option<f64>,
}

/// The labels of a source.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelSummary {
    /// What the labels count.
    pub scale: String,
    pub lowest: f64,
    pub median: f64,
    pub highest: f64,
    /// Number of different values.
    pub values: usize,
    /// Rows of each language, where rows state one.
    pub languages: BTreeMap<String, usize>,
    /// Rows of each kind, where rows state one.
    pub kinds: BTreeMap<String, usize>,
}

/// The prompts of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PromptSummary {
    /// Prompts of a conversation of more than one turn.
    pub conversations: usize,
    /// Prompts that state what a right answer is.
    pub gold: usize,
}

/// Battles between two models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PairCount {
    pub model_a: String,
    pub model_b: String,
    /// Their battles, whichever stood first.
    pub battles: usize,
}

/// Inspects a file or folder. A source without usable rows, or with one model only, is not an error
/// here but gives a warning.
///
/// Without a `format`, it is recognised with [`detect`].
///
/// # Errors
/// Those of reading; a bad row unless [`skip_bad`](ReadOptions::skip_bad) is set;
/// [`DataError::NoRatings`] for battles of more models than can be rated.
pub fn inspect(
    path: &Path,
    format: Option<Format>,
    options: &ReadOptions,
) -> Result<Inspection, DataError> {
    let format = match format {
        Some(format) => format,
        None => detect(path)?,
    };
    let mut inspection = match format.table() {
        Table::Outcomes => {
            let mut counts = OutcomeCounts::default();
            let read = stream_outcomes(path, format, options, &mut |row| counts.add(&row))?;
            let mut found = counts.finish(&read.models, about(format, read.log, read.files));
            found.score_scale = read.score_scale;
            found
        }
        Table::Preferences => {
            let mut counts = PreferenceCounts::default();
            let (log, _, files) = stream(path, format, options, &mut |row| counts.add(&row))?;
            counts.finish(about(format, log, files))
        }
        Table::Labels => {
            let mut counts = LabelCounts::default();
            let (log, scale, files) =
                stream_labels(path, format, options, &mut |row| counts.add(&row))?;
            counts.finish(scale, about(format, log, files))
        }
        Table::Prompts => {
            let mut counts = PromptCounts::default();
            let (log, _, files) = stream_prompts(path, format, options, &mut |row| {
                counts.add(&row);
                Ok(())
            })?;
            counts.finish(about(format, log, files))
        }
    };
    let warnings = collect::warnings(&inspection);
    inspection.warnings.splice(..0, warnings);
    Ok(inspection)
}

/// An inspection with the files and bad rows filled in, and no counts of good rows yet.
fn about(format: Format, log: SourceLog, files: Vec<PathBuf>) -> Inspection {
    let sha256 = log.sha256();
    let mut warnings = Vec::new();
    if !log.ignored_columns.is_empty() {
        let columns: Vec<String> =
            log.ignored_columns.iter().map(|column| format!("{column:?}")).collect();
        warnings.push(format!("columns not read: {}", columns.join(", ")));
    }
    warnings.extend(log.notes);
    if !log.other_scores.is_empty() {
        let names: Vec<String> = log.other_scores.iter().map(|name| format!("{name:?}")).collect();
        warnings.push(format!(
            "scores not read: {} (trainer data convert --metric NAME reads one)",
            names.join(", ")
        ));
    }
    Inspection {
        format,
        table: format.table(),
        files,
        bytes: log.bytes,
        sha256,
        rows: 0,
        bad_count: log.bad_count,
        bad_codes: log.bad_codes,
        bad_rows: log.bad_rows,
        passed_over: log.passed_over,
        duplicates: 0,
        datasets: BTreeMap::new(),
        categories: BTreeMap::new(),
        models: Vec::new(),
        ties: 0,
        tie_share: 0.0,
        density: 0.0,
        score_scale: 1.0,
        pairs: Vec::new(),
        labels: None,
        prompts: None,
        warnings,
    }
}

#[cfg(test)]
mod tests;
