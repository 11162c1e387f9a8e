//! RouteLLM's GSM8K evaluation (arXiv 2406.18665): one CSV file of grade-school mathematics.
//!
//! The header is `prompt,<model>,<model>...,<model>_response,...`. A model's cell says `True` or
//! `False`: whether its answer was the right one; the answers themselves are not read.
//!
//! ```csv
//! prompt,small-model,large-model,small-model_response,large-model_response
//! A pen costs 3 coins. What do 7 cost?,False,True,20 coins,21 coins
//! ```
//!
//! The rows' data set is `gsm8k`, their id `<file>-<position from 0>`.

use std::path::PathBuf;

use super::row_sink::{ParsedRow, RowSink};
use super::{DataError, true_false_csv};

/// The data set's name in every row.
pub const DATASET: &str = "gsm8k";

pub(super) fn read_files(files: &[PathBuf], sink: &mut RowSink<'_>) -> Result<(), DataError> {
    true_false_csv::read_files(files, sink, |stem, position, query, scores| ParsedRow {
        id: format!("{stem}-{position}"),
        query,
        dataset: DATASET.to_owned(),
        scores,
        ..ParsedRow::default()
    })
}
