//! The project's own outcomes: one JSON object a line.
//!
//! ```json
//! {"id": "q1", "query": "Name a prime above 10.", "dataset": "own", "scores": {"small": 0.0, "large": 1.0}}
//! ```
//!
//! `id`, `query`, `dataset` and `scores` are required; `category` (text), `cluster` (a whole
//! number), `costs` (US dollars a model, for this query) and `score_scale` (what a score of 1
//! stands for in the unit of the source, such as 10 where a judge gave 1 to 10; the same in every
//! row, 1 where it is left out) may follow, and other fields are ignored. A score is a number in
//! [0, 1]; a model that was not measured on a query is left out, or `null`. Blank lines are
//! ignored. Files are read line by line, so that a file may be larger than memory has room for
//! twice.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::lines::{for_each_line, json_fault};
use super::row_sink::{ParsedRow, RowSink};
use super::score_map::{ScoreMap, required};
use super::source_log::RowFault;
use super::{DataError, Outcomes};

#[derive(Deserialize)]
#[serde(expecting = "an object with id, query, dataset and scores")]
struct JsonRow {
    id: Option<String>,
    query: Option<String>,
    dataset: Option<String>,
    category: Option<String>,
    cluster: Option<u32>,
    scores: Option<ScoreMap>,
    costs: Option<ScoreMap>,
    score_scale: Option<f32>,
}

pub(super) fn read_files(files: &[PathBuf], sink: &mut RowSink<'_>) -> Result<(), DataError> {
    files.iter().try_for_each(|file| read_file(file, sink))
}

fn read_file(path: &Path, sink: &mut RowSink<'_>) -> Result<(), DataError> {
    for_each_line(path, sink, |sink, line, text| sink.push(line, text.and_then(parse)))
}

fn parse(line: &str) -> Result<ParsedRow, RowFault> {
    let row: JsonRow = serde_json::from_str(line).map_err(|error| json_fault(&error))?;
    let score_scale = row.score_scale.unwrap_or(1.0);
    if !(score_scale.is_finite() && score_scale > 0.0) {
        return Err(RowFault::new(
            "bad_score_scale",
            format!("found the score scale {score_scale}, expected a number above 0"),
        ));
    }
    Ok(ParsedRow {
        id: required(row.id, "id")?,
        query: required(row.query, "query")?,
        dataset: required(row.dataset, "dataset")?,
        category: row.category,
        cluster: row.cluster,
        scores: required(row.scores, "scores")?.into_scores()?,
        costs: row.costs.map_or_else(|| Ok(Vec::new()), ScoreMap::into_costs)?,
        score_scale,
    })
}

/// Writes outcomes in this format; reading them again gives the same table, as long as each model
/// is scored at least once.
///
/// # Errors
/// Those of the writer.
pub fn write(outcomes: &Outcomes, writer: &mut impl Write) -> std::io::Result<()> {
    for row in &outcomes.rows {
        let mut object = Map::new();
        object.insert("id".to_owned(), json!(row.id));
        object.insert("query".to_owned(), json!(row.query));
        object.insert("dataset".to_owned(), json!(row.dataset));
        if let Some(category) = &row.category {
            object.insert("category".to_owned(), json!(category));
        }
        if let Some(cluster) = row.cluster {
            object.insert("cluster".to_owned(), json!(cluster));
        }
        object.insert("scores".to_owned(), by_name(outcomes, &row.scores));
        if !row.costs.is_empty() {
            object.insert("costs".to_owned(), by_name(outcomes, &row.costs));
        }
        if outcomes.score_scale != 1.0 {
            object.insert("score_scale".to_owned(), json!(outcomes.score_scale));
        }
        serde_json::to_writer(&mut *writer, &object)?;
        writer.write_all(b"\n")?;
    }
    Ok(())
}

fn by_name(outcomes: &Outcomes, values: &[(usize, f32)]) -> Value {
    let named = |&(model, value): &(usize, f32)| {
        outcomes.models.get(model).map(|name| (name.clone(), json!(value)))
    };
    Value::Object(values.iter().filter_map(named).collect::<Map<String, Value>>())
}
