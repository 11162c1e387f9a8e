//! RouteLLM's MMLU evaluation (arXiv 2406.18665): one CSV file a subject, `mmlu_<subject>.csv`.
//!
//! The header is `prompt,<model>,<model>...`; a prompt spans lines inside quotes, and a model's
//! cell says `True` or `False`: whether its answer was the right one.
//!
//! ```csv
//! prompt,small-model,large-model
//! "Which number is prime?
//! A. 8
//! B. 11
//! Answer:",False,True
//! ```
//!
//! The rows' data set is `mmlu`, their category the subject, their id `mmlu_<subject>-<position
//! from 0>`. Line ends inside prompts are read as `\n` whatever the file has. RouteLLM leaves out
//! the prompts it found in its training data: those equal to an `eval_prompt` of its contamination
//! list, which [`contaminated_prompts`] reads and [`remove_contaminated`] applies.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::bad_row::BadRow;
use super::files::{read_bytes, strip_bom};
use super::row_sink::{ParsedRow, RowSink};
use super::{DataError, Outcomes, true_false_csv};

/// The data set's name in every row.
pub const DATASET: &str = "mmlu";

pub(super) fn read_files(files: &[PathBuf], sink: &mut RowSink<'_>) -> Result<(), DataError> {
    true_false_csv::read_files(files, sink, |stem, position, query, scores| ParsedRow {
        id: format!("{stem}-{position}"),
        query,
        dataset: DATASET.to_owned(),
        category: Some(stem.strip_prefix("mmlu_").unwrap_or(stem).to_owned()),
        scores,
        ..ParsedRow::default()
    })
}

#[derive(Deserialize)]
#[serde(expecting = "an object with eval_prompt")]
struct Contaminated {
    eval_prompt: String,
}

/// Reads RouteLLM's contamination list: one JSON object a line, whose `eval_prompt` is a prompt of
/// the evaluation that also stood in the training data.
///
/// # Errors
/// [`DataError::Io`], [`DataError::BadFile`] and [`DataError::BadRow`].
pub fn contaminated_prompts(path: &Path) -> Result<HashSet<String>, DataError> {
    let bytes = read_bytes(path)?;
    let mut prompts = HashSet::new();
    for (at, line) in strip_bom(&bytes).split(|&byte| byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let row: Contaminated = serde_json::from_slice(line).map_err(|error| {
            DataError::BadRow(BadRow {
                file: path.display().to_string(),
                line: at as u64 + 1,
                code: "bad_contaminated_prompt",
                reason: format!("found {error}, expected an object with eval_prompt"),
            })
        })?;
        prompts.insert(row.eval_prompt);
    }
    if prompts.is_empty() {
        return Err(DataError::empty_file(path, "one JSON object with eval_prompt a line"));
    }
    Ok(prompts)
}

/// Leaves out the rows whose query equals a contaminated prompt, and says how many those were.
#[must_use]
pub fn remove_contaminated(outcomes: &Outcomes, prompts: &HashSet<String>) -> (Outcomes, usize) {
    let kept: Vec<usize> = outcomes
        .rows
        .iter()
        .enumerate()
        .filter(|(_, row)| !prompts.contains(&row.query))
        .map(|(at, _)| at)
        .collect();
    let removed = outcomes.rows.len() - kept.len();
    (outcomes.select(&kept), removed)
}
