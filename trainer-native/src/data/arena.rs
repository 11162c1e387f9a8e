//! Chatbot Arena battles, CSV or parquet (lmsys-arena-human-preference-55k, gpt4_judge_battles).
//!
//! ```csv
//! id,model_a,model_b,prompt,response_a,response_b,winner_model_a,winner_model_b,winner_tie
//! 7,small,large,"[""Name a prime."", ""And a larger one.""]","[""2"", ""3""]","[""2"", ""5""]",0,0,1
//! ```
//!
//! `prompt` is a JSON list of the user's turns; the query is those turns joined by a blank line.
//! Exactly one of the `winner_*` columns is 1 and the others are 0. Answers are not read. The data
//! set is the file's name without extension; a file without `id` numbers its rows,
//! `<file>-<position from 0>`. Further columns are passed over, and named in the report.

use std::path::{Path, PathBuf};

use super::DataError;
use super::bad_row::RowFault;
use super::cell::{Cell, empty_cell, shortened};
use super::files::stem_of;
use super::preference_sink::{PreferenceRow, PreferenceSink};
use super::table_rows::{for_each_row, required_columns};

const EXPECTED: &str =
    "CSV with id, model_a, model_b, prompt and winner_model_a, winner_model_b, winner_tie";
const REQUIRED: [&str; 6] =
    ["model_a", "model_b", "prompt", "winner_model_a", "winner_model_b", "winner_tie"];
const ID: &str = "id";
const NOT_READ: [&str; 2] = ["response_a", "response_b"];

pub(super) fn read_files(
    files: &[PathBuf],
    sink: &mut PreferenceSink<'_>,
) -> Result<(), DataError> {
    for file in files {
        let stem = stem_of(file);
        let mut position = 0_usize;
        for_each_row(
            file,
            sink,
            EXPECTED,
            |sink, columns| layout(file, columns, sink),
            |sink, (), line, cells| {
                let row = cells.and_then(|cells| parse(cells, &stem, position));
                position += 1;
                sink.push(line, row)
            },
        )?;
    }
    Ok(())
}

/// The columns of [`REQUIRED`], then that of the id where there is one.
fn layout(
    path: &Path,
    columns: &[String],
    sink: &mut PreferenceSink<'_>,
) -> Result<((), Vec<usize>), DataError> {
    let mut wanted = required_columns(path, columns, REQUIRED)?.to_vec();
    wanted.extend(columns.iter().position(|column| column == ID));
    let known =
        |column: &str| column == ID || REQUIRED.contains(&column) || NOT_READ.contains(&column);
    sink.log.ignored_columns.extend(columns.iter().filter(|column| !known(column)).cloned());
    Ok(((), wanted))
}

fn parse(cells: &[Cell<'_>], stem: &str, position: usize) -> Result<PreferenceRow, RowFault> {
    let Some((&[model_a, model_b, prompt, wins_a, wins_b, tie], id)) = cells.split_first_chunk()
    else {
        return Err(RowFault::new("wrong_column_count", "found too few columns"));
    };
    Ok(PreferenceRow {
        id: match id.first() {
            Some(id) => id.text(ID)?.into_owned(),
            None => format!("{stem}-{position}"),
        },
        query: query(&prompt.text("prompt")?)?,
        dataset: stem.to_owned(),
        model_a: model_a.text("model_a")?.into_owned(),
        model_b: model_b.text("model_b")?.into_owned(),
        target: target([wins_a, wins_b, tie])?,
        weight: 1.0,
    })
}

fn target(winners: [Cell<'_>; 3]) -> Result<f32, RowFault> {
    const COLUMNS: [&str; 3] = ["winner_model_a", "winner_model_b", "winner_tie"];
    let mut flags = [0.0; 3];
    for ((flag, cell), column) in flags.iter_mut().zip(winners).zip(COLUMNS) {
        *flag = cell.number(column)?.ok_or_else(|| empty_cell(column, "0 or 1"))?;
    }
    match flags {
        [1.0, 0.0, 0.0] => Ok(1.0),
        [0.0, 1.0, 0.0] => Ok(0.0),
        [0.0, 0.0, 1.0] => Ok(0.5),
        [a, b, tie] => Err(RowFault::new(
            "winner_not_single",
            format!(
                "found winner_model_a {a}, winner_model_b {b}, winner_tie {tie}, expected one 1 and two 0"
            ),
        )),
    }
}

fn query(prompt: &str) -> Result<String, RowFault> {
    serde_json::from_str::<Vec<String>>(prompt).map(|turns| turns.join("\n\n")).map_err(|error| {
        RowFault::new(
            "prompt_not_json",
            format!(
                "found the prompt {:?}, expected a JSON list of turns such as [\"text\"] ({})",
                shortened(prompt),
                super::lines::without_place(&error)
            ),
        )
    })
}
