//! The project's own preferences: one JSON object a line.
//!
//! ```json
//! {"id": "q1", "query": "Name a prime above 10.", "dataset": "own", "model_a": "small", "model_b": "large", "winner": "model_b"}
//! ```
//!
//! `id`, `query`, `dataset`, `model_a` and `model_b` are required, and either `winner`, which is
//! `"model_a"`, `"model_b"` or `"tie"`, or `target`, a number in [0, 1]: 1 where `model_a` wins,
//! 0.5 for a tie. `weight`, a number above 0, says how much the row counts; 1 where it is left out.
//! Other fields and blank lines are ignored.

use std::path::PathBuf;

use serde::Deserialize;

use super::DataError;
use super::bad_row::RowFault;
use super::cell::shortened;
use super::lines::{for_each_line, json_fault};
use super::preference_sink::{PreferenceRow, PreferenceSink};
use super::score_map::required;

#[derive(Deserialize)]
#[serde(expecting = "an object with id, query, dataset, model_a, model_b and winner")]
struct JsonRow {
    id: Option<String>,
    query: Option<String>,
    dataset: Option<String>,
    model_a: Option<String>,
    model_b: Option<String>,
    winner: Option<String>,
    target: Option<f64>,
    weight: Option<f64>,
}

pub(super) fn read_files(
    files: &[PathBuf],
    sink: &mut PreferenceSink<'_>,
) -> Result<(), DataError> {
    files.iter().try_for_each(|file| {
        for_each_line(file, sink, |sink, line, text| sink.push(line, text.and_then(parse)))
    })
}

fn parse(text: &str) -> Result<PreferenceRow, RowFault> {
    let row: JsonRow = serde_json::from_str(text).map_err(|error| json_fault(&error))?;
    Ok(PreferenceRow {
        target: target(row.winner.as_deref(), row.target)?,
        weight: weight(row.weight.unwrap_or(1.0))?,
        id: required(row.id, "id")?,
        query: required(row.query, "query")?,
        dataset: required(row.dataset, "dataset")?,
        model_a: required(row.model_a, "model_a")?,
        model_b: required(row.model_b, "model_b")?,
    })
}

fn target(winner: Option<&str>, target: Option<f64>) -> Result<f32, RowFault> {
    match (winner, target) {
        (Some("model_a"), None) => Ok(1.0),
        (Some("model_b"), None) => Ok(0.0),
        (Some("tie"), None) => Ok(0.5),
        (None, Some(target)) if (0.0..=1.0).contains(&target) => Ok(target as f32),
        (Some(other), None) => Err(RowFault::new(
            "unknown_winner",
            format!(
                "found the winner {:?}, expected \"model_a\", \"model_b\" or \"tie\"",
                shortened(other)
            ),
        )),
        (None, Some(target)) => Err(RowFault::new(
            "target_out_of_range",
            format!("found the target {target}, expected a number in [0, 1]"),
        )),
        (None, None) => Err(RowFault::new(
            "missing_field",
            "found neither \"winner\" nor \"target\", expected one of them in every row",
        )),
        (Some(_), Some(_)) => Err(RowFault::new(
            "winner_and_target",
            "found both \"winner\" and \"target\", expected one of them",
        )),
    }
}

fn weight(weight: f64) -> Result<f32, RowFault> {
    let kept = weight as f32;
    if kept.is_finite() && kept > 0.0 {
        return Ok(kept);
    }
    Err(RowFault::new(
        "weight_out_of_range",
        format!("found the weight {weight}, expected a number above 0"),
    ))
}
