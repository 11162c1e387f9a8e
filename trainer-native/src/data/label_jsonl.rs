//! The project's own labels: one JSON object a line, in two formats.
//!
//! `difficulty-jsonl`: `difficulty` is a number, larger is harder, and `scale` says what it counts,
//! in the same words in every row.
//!
//! ```json
//! {"id": "q1", "query": "Name a prime above 10.", "dataset": "own", "difficulty": 2, "scale": "school grade 1-6"}
//! ```
//!
//! `need-jsonl`: `need` is a number in [0, 100], the estimated percentage of judges who would find a
//! frontier LLM's answer better than a small LLM's.
//!
//! ```json
//! {"id": "q1", "query": "Name a prime above 10.", "dataset": "own", "need": 3, "lang": "en", "kind": "maths"}
//! ```
//!
//! `id`, `query` and `dataset` are required too; `lang`, `kind` and `category` are optional texts.
//! Other fields and blank lines are ignored.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use super::DataError;
use super::bad_row::RowFault;
use super::cell::shortened;
use super::label_sink::{LabelRow, LabelSink, ParsedLabel};
use super::lines::{for_each_line, json_fault};
use super::score_map::required;

/// The scale of every need.
const NEED_SCALE: &str = "need 0-100";

#[derive(Deserialize)]
#[serde(expecting = "an object with id, query, dataset and a label")]
struct JsonRow {
    id: Option<String>,
    query: Option<String>,
    dataset: Option<String>,
    difficulty: Option<Value>,
    scale: Option<String>,
    need: Option<Value>,
    lang: Option<String>,
    kind: Option<String>,
    category: Option<String>,
}

pub(super) fn read_difficulties(
    files: &[PathBuf],
    sink: &mut LabelSink<'_>,
) -> Result<(), DataError> {
    read_files(files, sink, difficulty)
}

pub(super) fn read_needs(files: &[PathBuf], sink: &mut LabelSink<'_>) -> Result<(), DataError> {
    read_files(files, sink, need)
}

/// Reads the files; `label` takes a row's label and its scale.
fn read_files(
    files: &[PathBuf],
    sink: &mut LabelSink<'_>,
    label: fn(&JsonRow) -> Result<(f64, String), RowFault>,
) -> Result<(), DataError> {
    files.iter().try_for_each(|file| {
        for_each_line(file, sink, |sink, line, text| {
            sink.push(line, text.and_then(|text| parse(text, label)))
        })
    })
}

fn parse(
    text: &str,
    label: fn(&JsonRow) -> Result<(f64, String), RowFault>,
) -> Result<ParsedLabel, RowFault> {
    let row: JsonRow = serde_json::from_str(text).map_err(|error| json_fault(&error))?;
    let (value, scale) = label(&row)?;
    let row = LabelRow {
        id: required(row.id, "id")?,
        query: required(row.query, "query")?,
        dataset: required(row.dataset, "dataset")?,
        value,
        lang: row.lang,
        kind: row.kind,
        category: row.category,
    };
    Ok(ParsedLabel { row, scale })
}

fn difficulty(row: &JsonRow) -> Result<(f64, String), RowFault> {
    let value = number("difficulty", row.difficulty.as_ref(), "a number, larger for harder")?;
    match row.scale.as_deref().map(str::trim) {
        Some(scale) if !scale.is_empty() => Ok((value, scale.to_owned())),
        found => {
            let found = if found.is_some() { "an empty \"scale\"" } else { "no \"scale\"" };
            Err(RowFault::new(
                "missing_scale",
                format!(
                    "found {found}, expected what \"difficulty\" counts, such as \"school grade \
                     1-6\": labels of two scales do not compare. Add \"scale\" to every row, in \
                     the same words"
                ),
            ))
        }
    }
}

fn need(row: &JsonRow) -> Result<(f64, String), RowFault> {
    let value = number("need", row.need.as_ref(), "a number in [0, 100]")?;
    if !(0.0..=100.0).contains(&value) {
        return Err(RowFault::new(
            "need_out_of_range",
            format!(
                "found the need {value}, expected a number in [0, 100], a percentage. For labels \
                 on another scale write \"difficulty\" and \"scale\" in place of \"need\""
            ),
        ));
    }
    Ok((value, NEED_SCALE.to_owned()))
}

fn number(field: &str, value: Option<&Value>, expected: &str) -> Result<f64, RowFault> {
    let Some(value) = value else {
        return Err(RowFault::new(
            "missing_field",
            format!("found no {field:?}, expected {expected} in every row"),
        ));
    };
    match value.as_f64() {
        Some(number) if number.is_finite() => Ok(number),
        _ => Err(RowFault::new(
            "label_not_a_number",
            format!("found {} as {field:?}, expected {expected}", shortened(&value.to_string())),
        )),
    }
}
