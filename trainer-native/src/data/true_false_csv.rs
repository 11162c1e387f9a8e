//! Reads the layout that RouteLLM's MMLU and GSM8K files share: `prompt`, then one True/False
//! column for each model, then optional columns of answers that end in `_response` and are not
//! read.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::DataError;
use super::bad_row::{RowFault, checked_utf8};
use super::cell::{Cell, empty_cell, shortened};
use super::files::stem_of;
use super::row_sink::{ParsedRow, RowSink};
use super::table_rows::for_each_row;

const EXPECTED_HEADER: &str = "prompt, then one column a model";
const RESPONSE: &str = "_response";

/// Makes a row from the file's stem, the row's position from 0, the query and the scores.
pub(super) type MakeRow = fn(&str, usize, String, Vec<(String, f32)>) -> ParsedRow;

pub(super) fn read_files(
    files: &[PathBuf],
    sink: &mut RowSink<'_>,
    make: MakeRow,
) -> Result<(), DataError> {
    let mut models = Vec::new();
    for file in files {
        read_file(file, &mut models, sink, make)?;
    }
    Ok(())
}

/// Reads one file; `models` are the model columns of the files before it, none before the first.
fn read_file(
    path: &Path,
    models: &mut Vec<String>,
    sink: &mut RowSink<'_>,
    make: MakeRow,
) -> Result<(), DataError> {
    let stem = stem_of(path);
    let mut position = 0_usize;
    let columns = |_: &mut RowSink<'_>, columns: &[String]| header(path, columns, models);
    let own = for_each_row(path, sink, EXPECTED_HEADER, columns, |sink, models, line, cells| {
        let row = cells
            .and_then(|cells| parse(cells, models))
            .map(|(query, scores)| make(&stem, position, query, scores));
        position += 1;
        sink.push(line, row)
    })?;
    *models = own;
    Ok(())
}

/// The models, and the places of the columns of prompt and models.
fn header(
    path: &Path,
    columns: &[String],
    expected: &[String],
) -> Result<(Vec<String>, Vec<usize>), DataError> {
    let bad = |expected: String| DataError::bad_header(path, columns, &expected);
    let wanted = || columns.iter().enumerate().filter(|(_, name)| !name.ends_with(RESPONSE));
    let models: Vec<String> = wanted().skip(1).map(|(_, name)| name.clone()).collect();
    let unique: HashSet<&String> = models.iter().collect();
    let named = models.iter().all(|model| !model.trim().is_empty() && !model.contains('\u{FFFD}'));
    let prompt = columns.first().is_some_and(|first| first == "prompt");
    if !prompt || models.is_empty() || unique.len() != models.len() || !named {
        return Err(bad(format!("{EXPECTED_HEADER}, each named once, in UTF-8")));
    }
    if !expected.is_empty() && expected != models {
        return Err(bad(format!("those of the files before it: prompt, {}", expected.join(", "))));
    }
    Ok((models, wanted().map(|(at, _)| at).collect()))
}

fn parse(cells: &[Cell<'_>], models: &[String]) -> Result<(String, Vec<(String, f32)>), RowFault> {
    let (prompt, cells) = cells.split_first().ok_or_else(|| empty_cell("prompt", "a text"))?;
    let query = match prompt {
        Cell::Missing => String::new(),
        prompt => prompt.text("prompt")?.replace("\r\n", "\n"),
    };
    let scores = models.iter().zip(cells).map(|(model, &cell)| correct(model, cell));
    Ok((query, scores.collect::<Result<_, RowFault>>()?))
}

fn correct(model: &str, cell: Cell<'_>) -> Result<(String, f32), RowFault> {
    let score = match cell {
        Cell::Text(bytes) => match checked_utf8(bytes)?.trim() {
            word if word.eq_ignore_ascii_case("true") => 1.0,
            word if word.eq_ignore_ascii_case("false") => 0.0,
            "" => return Err(empty_cell(model, "True or False")),
            other => return Err(unknown_boolean(model, other)),
        },
        Cell::Truth(truth) => f32::from(u8::from(truth)),
        Cell::Missing => return Err(empty_cell(model, "True or False")),
        other => return Err(unknown_boolean(model, &other.text(model)?)),
    };
    Ok((model.to_owned(), score))
}

fn unknown_boolean(model: &str, found: &str) -> RowFault {
    let found = shortened(found);
    RowFault::new(
        "unknown_boolean",
        format!("found {found:?} for {model:?}, expected True or False"),
    )
}
