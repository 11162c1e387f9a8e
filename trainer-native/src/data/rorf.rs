//! RoRF's training tables: CSV with `Input` and one `<model>/score` column a model.
//!
//! ```csv
//! Input,small/score,large/score
//! Name a prime above 10.,0.0,1.0
//! ```
//!
//! A score is a number in [0, 1], and an empty cell means "not measured". The part of a column's
//! name before `/score` is the model, slashes included. Other columns are ignored, and named in the
//! report. The files name neither rows nor sets: a row's id is `<file>-<position from 0>`, its data
//! set the file's name without extension.

use std::path::{Path, PathBuf};

use super::DataError;
use super::bad_row::{RowFault, checked_score};
use super::cell::{Cell, empty_cell};
use super::files::stem_of;
use super::row_sink::{ParsedRow, RowSink};
use super::table_rows::{for_each_row, required_columns};

const EXPECTED: &str = "CSV with Input and one <model>/score column a model";
const SCORE: &str = "/score";

pub(super) fn read_files(files: &[PathBuf], sink: &mut RowSink<'_>) -> Result<(), DataError> {
    for file in files {
        let stem = stem_of(file);
        let mut position = 0_usize;
        for_each_row(
            file,
            sink,
            EXPECTED,
            |sink, columns| layout(file, columns, sink),
            |sink, models, line, cells| {
                let row = cells.and_then(|cells| parse(cells, models, &stem, position));
                position += 1;
                sink.push(line, row)
            },
        )?;
    }
    Ok(())
}

/// The models, and the places of the columns of the query and of the scores.
fn layout(
    path: &Path,
    columns: &[String],
    sink: &mut RowSink<'_>,
) -> Result<(Vec<String>, Vec<usize>), DataError> {
    let [input] = required_columns(path, columns, ["Input"])?;
    let (mut models, mut wanted) = (Vec::new(), vec![input]);
    for (at, column) in columns.iter().enumerate() {
        match column.strip_suffix(SCORE) {
            Some(model) if !model.trim().is_empty() => {
                models.push(model.to_owned());
                wanted.push(at);
            }
            _ if at == input => {}
            _ => {
                sink.log.ignored_columns.insert(column.clone());
            }
        }
    }
    if models.is_empty() {
        let expected = "Input, and a column <model>/score for each model";
        return Err(DataError::bad_header(path, columns, expected));
    }
    Ok((models, wanted))
}

fn parse(
    cells: &[Cell<'_>],
    models: &[String],
    stem: &str,
    position: usize,
) -> Result<ParsedRow, RowFault> {
    let (input, values) = cells.split_first().ok_or_else(|| empty_cell("Input", "a text"))?;
    let mut scores = Vec::with_capacity(models.len());
    for (model, cell) in models.iter().zip(values) {
        if let Some(number) = cell.number(model)? {
            scores.push((model.clone(), checked_score(model, number)?));
        }
    }
    Ok(ParsedRow {
        id: format!("{stem}-{position}"),
        query: input.text("Input")?.into_owned(),
        dataset: stem.to_owned(),
        scores,
        ..ParsedRow::default()
    })
}
