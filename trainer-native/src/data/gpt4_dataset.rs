//! RouteLLM's judged answers of its weak model (routellm/gpt4_dataset): one JSON object a line.
//!
//! ```json
//! {"prompt": "Name a prime above 10.", "source": "own", "mixtral_score": 5}
//! ```
//!
//! GPT-4 answered each prompt itself and gave Mixtral's answer a score from 1 to 5. From 4 on the
//! weak model suffices: each row is a preference of `gpt-4-1106-preview` against
//! `mistralai/Mixtral-8x7B-Instruct-v0.1` with target 0 from 4 on and 1 below; there are no ties.
//! The score may stand in quotes. The data set is `source` where a row has one, else the file's
//! name without extension; the id is `<file>-<position from 0>`. Other fields, such as the answers,
//! are ignored.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use super::DataError;
use super::bad_row::RowFault;
use super::files::stem_of;
use super::lines::{for_each_line, json_fault};
use super::preference_sink::{PreferenceRow, PreferenceSink};
use super::score_map::required;

/// The model whose answers were not judged.
pub const STRONG: &str = "gpt-4-1106-preview";

/// The model whose answers were judged.
pub const WEAK: &str = "mistralai/Mixtral-8x7B-Instruct-v0.1";

/// From this score on the weak model suffices.
const SUFFICES: f64 = 4.0;

#[derive(Deserialize)]
#[serde(expecting = "an object with prompt and mixtral_score")]
struct JsonRow {
    prompt: Option<String>,
    source: Option<String>,
    mixtral_score: Option<Value>,
}

pub(super) fn read_files(
    files: &[PathBuf],
    sink: &mut PreferenceSink<'_>,
) -> Result<(), DataError> {
    for file in files {
        let stem = stem_of(file);
        let mut position = 0_usize;
        for_each_line(file, sink, |sink, line, text| {
            let row = text.and_then(|text| parse(text, &stem, position));
            position += 1;
            sink.push(line, row)
        })?;
    }
    Ok(())
}

fn parse(text: &str, stem: &str, position: usize) -> Result<PreferenceRow, RowFault> {
    let row: JsonRow = serde_json::from_str(text).map_err(|error| json_fault(&error))?;
    let score = score(&required(row.mixtral_score, "mixtral_score")?)?;
    Ok(PreferenceRow {
        id: format!("{stem}-{position}"),
        query: required(row.prompt, "prompt")?,
        dataset: row.source.filter(|source| !source.is_empty()).unwrap_or_else(|| stem.to_owned()),
        model_a: STRONG.to_owned(),
        model_b: WEAK.to_owned(),
        target: if score < SUFFICES { 1.0 } else { 0.0 },
        weight: 1.0,
    })
}

fn score(value: &Value) -> Result<f64, RowFault> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    match number {
        Some(score) if (1.0..=5.0).contains(&score) => Ok(score),
        Some(score) => Err(RowFault::new(
            "score_out_of_range",
            format!("found the mixtral_score {score}, expected 1 to 5"),
        )),
        None => Err(RowFault::new(
            "score_not_a_number",
            format!("found {value} as mixtral_score, expected a number from 1 to 5"),
        )),
    }
}
