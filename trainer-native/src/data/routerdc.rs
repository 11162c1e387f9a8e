//! RouterDC's files (arXiv 2409.19886): a JSON array of questions with one score a model.
//!
//! ```json
//! [{"question": "Name a prime above 10.", "scores": {"small": 0.0, "large": 0.93}, "cluster_id": 2}]
//! ```
//!
//! `cluster_id` is optional: training files carry it, test files do not. The files name neither
//! rows nor sets, so a row's id is `<file>-<position from 0>` and its data set the file's name
//! without extension.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::DataError;
use super::bad_row::{RowFault, checked_utf8};
use super::files::{read_bytes, stem_of};
use super::json_array::for_each_element;
use super::lines::without_place;
use super::row_sink::{ParsedRow, RowSink};
use super::score_map::{ScoreMap, required};

const EXPECTED: &str = "a JSON array of objects with question and scores";

#[derive(Deserialize)]
#[serde(expecting = "an object with question and scores")]
struct JsonRow {
    question: Option<String>,
    scores: Option<ScoreMap>,
    cluster_id: Option<u32>,
}

pub(super) fn read_files(files: &[PathBuf], sink: &mut RowSink<'_>) -> Result<(), DataError> {
    files.iter().try_for_each(|file| read_file(file, sink))
}

fn read_file(path: &Path, sink: &mut RowSink<'_>) -> Result<(), DataError> {
    sink.log.start_file(path);
    let bytes = read_bytes(path)?;
    sink.log.hash(&bytes);
    let dataset = stem_of(path);
    for_each_element(path, &bytes, EXPECTED, |position, line, element| {
        sink.push(line, parse(element, &dataset, position))
    })
}

fn parse(element: &[u8], dataset: &str, position: usize) -> Result<ParsedRow, RowFault> {
    let row: JsonRow = serde_json::from_str(checked_utf8(element)?)
        .map_err(|error| RowFault::new("wrong_type", without_place(&error)))?;
    Ok(ParsedRow {
        id: format!("{dataset}-{position}"),
        query: required(row.question, "question")?,
        dataset: dataset.to_owned(),
        cluster: row.cluster_id,
        scores: required(row.scores, "scores")?.into_scores()?,
        ..ParsedRow::default()
    })
}
