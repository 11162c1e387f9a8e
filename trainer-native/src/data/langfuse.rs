//! Langfuse's exports of traces and observations: the tables' exports (CSV, JSON, JSONL), the answers of its
//! API (a list in `data`) and its scheduled exports, which name fields with underscores.
//!
//! ```json
//! {"id": "o-1", "traceId": "t-1", "type": "GENERATION", "name": "chat", "model": "maker-small",
//!  "input": [{"role": "user", "content": "Name a prime above 10."}], "totalCost": 0.0002, "helpful": [1]}
//! ```
//!
//! A prompt's id is the row's, its data set the row's `name`, or the file's where there is none. `input` is a
//! text, a conversation, or an object that holds one of them; in CSV, and in exports of traces, it is that in
//! JSON. Observations of another type than GENERATION are passed over. Scores stand in `scores`, or each in a
//! field of its own name, as lists of numbers: `data convert --from langfuse` makes outcomes of them.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::DataError;
use super::bad_row::RowFault;
use super::cell::Cell;
use super::files::stem_of;
use super::json_rows::{Fields, for_each_row};
use super::messages::Asked;
use super::prompt_sink::{Entry, PromptSink};
use super::request_body::asked_of;
use super::source_log::Sink;
use super::table_rows;

const EXPECTED: &str = "an export of Langfuse: rows with id and input";

/// Fields that hold lists and are no scores.
const LISTS: [&str; 4] = ["tags", "traceTags", "trace_tags", "comments"];

/// A logged call of an LLM, or a trace of several.
pub(super) struct Call {
    pub id: String,
    pub dataset: String,
    pub asked: Asked,
    pub model: Option<String>,
    /// In US dollars.
    pub cost: Option<f64>,
    /// The numbers that people, programs or LLMs gave, each with its name.
    pub scores: Vec<(String, f64)>,
}

/// A row of an export.
pub(super) enum Row {
    Call(Call),
    /// Why it is no call; a plural noun.
    PassedOver(&'static str),
}

pub(super) fn read_files(files: &[PathBuf], sink: &mut PromptSink<'_>) -> Result<(), DataError> {
    files.iter().try_for_each(|file| {
        for_each_call(file, sink, |sink, line, row| {
            let entry = row.map(|row| match row {
                Row::PassedOver(what) => Entry::PassedOver(what),
                Row::Call(call) => {
                    call.scores.iter().for_each(|(name, _)| sink.log.note_other_score(name));
                    Entry::of(call.asked, call.id, call.dataset)
                }
            });
            sink.push(line, entry)
        })
    })
}

/// Hands each row to `visit` with its line.
pub(super) fn for_each_call<S: Sink>(
    path: &Path,
    sink: &mut S,
    mut visit: impl FnMut(&mut S, u64, Result<Row, RowFault>) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let set = stem_of(path);
    if path.extension().is_none_or(|extension| extension != "csv") {
        return for_each_row(path, sink, EXPECTED, |sink, line, fields| {
            visit(sink, line, fields.and_then(|fields| row(&fields, &set)))
        });
    }
    let columns = |_: &mut S, names: &[String]| {
        table_rows::required_columns(path, names, ["id", "input"])?;
        Ok((names.to_vec(), (0..names.len()).collect()))
    };
    table_rows::for_each_row(path, sink, EXPECTED, columns, |sink, names, line, cells| {
        let fields = cells.and_then(|cells| {
            let field = |(name, cell): (&String, &Cell<'_>)| match cell {
                Cell::Missing => Ok((name.clone(), Value::Null)),
                cell => Ok((name.clone(), Value::String(cell.text(name)?.into_owned()))),
            };
            names.iter().zip(cells).map(field).collect::<Result<Fields, RowFault>>()
        });
        visit(sink, line, fields.and_then(|fields| row(&fields, &set)))
    })?;
    Ok(())
}

fn row(fields: &Fields, set: &str) -> Result<Row, RowFault> {
    let text = |names: &[&str]| {
        let text = names.iter().find_map(|name| fields.get(*name)?.as_str());
        text.filter(|text| !text.trim().is_empty()).map(str::to_owned)
    };
    let id = text(&["id"]).ok_or_else(|| {
        RowFault::new("missing_field", "found no \"id\", expected a text in every row")
    })?;
    if text(&["type"]).is_some_and(|kind| kind != "GENERATION") {
        return Ok(Row::PassedOver("observations that are no generation"));
    }
    let Some(input) = fields.get("input") else {
        return Err(RowFault::new(
            "missing_field",
            "found no \"input\", expected one in every row: export with inputs and outputs",
        ));
    };
    if input.is_null() {
        return Ok(Row::PassedOver("rows without an input"));
    }
    let number = |name: &&str| match fields.get(*name)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let cost = ["totalCost", "total_cost", "calculatedTotalCost"].iter().find_map(number);
    Ok(Row::Call(Call {
        id,
        dataset: text(&["traceName", "trace_name", "name"]).unwrap_or_else(|| set.to_owned()),
        asked: asked_of(input),
        model: text(&["model", "providedModelName", "provided_model_name"]),
        cost: cost.filter(|cost| cost.is_finite() && *cost > 0.0),
        scores: scores(fields),
    }))
}

/// The scores of a row: a list of objects with name and value, an object of names and values, or lists of
/// numbers in fields of the scores' names.
fn scores(fields: &Fields) -> Vec<(String, f64)> {
    let mut found = Vec::new();
    match fields.get("scores") {
        Some(Value::Array(list)) => {
            for score in list {
                let name = score.get("name").and_then(Value::as_str);
                let value = score.get("value").and_then(Value::as_f64);
                found.extend(name.map(str::to_owned).zip(value));
            }
        }
        Some(Value::Object(scores)) => {
            found.extend(
                scores.iter().filter_map(|(name, value)| Some((name.clone(), mean(value)?))),
            );
        }
        _ => {}
    }
    let is_list = |value: &Value| match value {
        Value::Array(list) => !list.is_empty(),
        Value::String(text) => text.starts_with('['),
        _ => false,
    };
    let own = fields.iter().filter(|(name, value)| {
        is_list(value)
            && !LISTS.contains(&name.as_str())
            && !["input", "output", "scores"].contains(&name.as_str())
    });
    found.extend(own.filter_map(|(name, value)| Some((name.clone(), mean(value)?))));
    found
}

/// The mean of a number or of a list of numbers, which may stand in a text as JSON.
fn mean(value: &Value) -> Option<f64> {
    let number = |value: &Value| match value {
        Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
        value => value.as_f64(),
    };
    match value {
        Value::Array(list) if !list.is_empty() => {
            let numbers = list.iter().map(number).collect::<Option<Vec<f64>>>()?;
            #[allow(clippy::cast_precision_loss)]
            Some(numbers.iter().sum::<f64>() / numbers.len() as f64)
        }
        Value::String(text) => match serde_json::from_str::<Value>(text).ok()? {
            Value::String(_) => None,
            parsed => mean(&parsed),
        },
        value => number(value),
    }
}
