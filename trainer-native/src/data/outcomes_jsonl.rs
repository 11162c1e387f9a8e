//! The project's own outcomes: one JSON object a line.
//!
//! ```json
//! {"id": "q1", "query": "Name a prime above 10.", "dataset": "own", "scores": {"small": 0.0, "large": 1.0}}
//! ```
//!
//! `id`, `query`, `dataset` and `scores` are required. Optional are `category` (text), `cluster` (a
//! whole number), `costs` (US dollars for each model, for this query) and `score_scale` (what a
//! score of 1 stands for in the unit of the source, such as 10 where a judge gave 1 to 10; the same
//! in every row, 1 where it is left out). Other fields are ignored. A score is a number in [0, 1];
//! a model that was not measured on a query is left out, or `null`. Blank lines are ignored. Files
//! are read line by line, so that the text of a file need not fit in memory.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Serializer;
use serde_json::ser::Formatter;

use super::bad_row::RowFault;
use super::lines::{for_each_line, json_fault};
use super::row_sink::{ParsedRow, RowSink};
use super::score_map::{ScoreMap, required};
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
pub fn write(outcomes: &Outcomes, writer: &mut impl Write) -> io::Result<()> {
    for row in &outcomes.rows {
        let written = WrittenRow {
            id: &row.id,
            query: &row.query,
            dataset: &row.dataset,
            category: row.category.as_deref(),
            cluster: row.cluster,
            scores: ByName(outcomes, &row.scores),
            costs: (!row.costs.is_empty()).then_some(ByName(outcomes, &row.costs)),
            score_scale: (outcomes.score_scale != 1.0).then_some(outcomes.score_scale),
        };
        written.serialize(&mut Serializer::with_formatter(&mut *writer, Spaced))?;
        writer.write_all(b"\n")?;
    }
    Ok(())
}

/// A row with its fields in the order in which they are written.
#[derive(Serialize)]
struct WrittenRow<'a> {
    id: &'a str,
    query: &'a str,
    dataset: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<u32>,
    scores: ByName<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    costs: Option<ByName<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score_scale: Option<f32>,
}

/// Values by model's name, in the order of [`Outcomes::models`].
struct ByName<'a>(&'a Outcomes, &'a [(usize, f32)]);

impl Serialize for ByName<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ByName(outcomes, values) = self;
        let named = |&(model, value): &(usize, f32)| Some((outcomes.models.get(model)?, value));
        serializer.collect_map(values.iter().filter_map(named))
    }
}

/// One space after each comma and colon, as Python's `json.dumps` writes them.
struct Spaced;

impl Formatter for Spaced {
    fn begin_object_key<W: ?Sized + Write>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { w.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, w: &mut W) -> io::Result<()> {
        w.write_all(b": ")
    }
}
