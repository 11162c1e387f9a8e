//! The project's own outcomes: one JSON object a line.
//!
//! ```json
//! {"id": "q1", "query": "Name a prime above 10.", "dataset": "own", "scores": {"small": 0.0, "large": 1.0}}
//! ```
//!
//! `id`, `query`, `dataset` and `scores` are required; `category` (text) and `cluster` (a whole
//! number) may follow, and other fields are ignored. A score is a number in [0, 1]; a model that
//! was not measured on a query is left out, or `null`. Blank lines are ignored. Files are read
//! line by line, so that a file may be larger than memory has room for twice.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::files::{io_error, strip_bom};
use super::row_sink::{ParsedRow, RowFault, RowSink, checked_utf8};
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
}

pub(super) fn read_files(files: &[PathBuf], sink: &mut RowSink) -> Result<(), DataError> {
    files.iter().try_for_each(|file| read_file(file, sink))
}

fn read_file(path: &Path, sink: &mut RowSink) -> Result<(), DataError> {
    sink.start_file(path);
    let file = File::open(path).map_err(|source| io_error(path, source))?;
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let mut buffer = Vec::new();
    let mut line = 0;
    let mut anything = false;
    loop {
        buffer.clear();
        let read =
            reader.read_until(b'\n', &mut buffer).map_err(|source| io_error(path, source))?;
        if read == 0 {
            break;
        }
        line += 1;
        sink.hash(&buffer);
        let text = if line == 1 { strip_bom(&buffer) } else { &buffer };
        let text = text.trim_ascii();
        if !text.is_empty() {
            anything = true;
            sink.push(line, parse(text))?;
        }
    }
    if anything {
        Ok(())
    } else {
        Err(DataError::EmptyFile { path: path.to_owned(), expected: "one JSON object a line" })
    }
}

fn parse(line: &[u8]) -> Result<ParsedRow, RowFault> {
    let row: JsonRow =
        serde_json::from_str(checked_utf8(line)?).map_err(|error| row_fault(&error))?;
    Ok(ParsedRow {
        id: required(row.id, "id")?,
        query: required(row.query, "query")?,
        dataset: required(row.dataset, "dataset")?,
        category: row.category,
        cluster: row.cluster,
        scores: required(row.scores, "scores")?.into_scores()?,
    })
}

fn row_fault(error: &serde_json::Error) -> RowFault {
    if error.is_data() {
        RowFault::new("wrong_type", format!("{} (column {})", without_place(error), error.column()))
    } else {
        RowFault::new(
            "json_syntax",
            format!(
                "found text that is not valid JSON at column {} ({}), expected one JSON object on the line",
                error.column(),
                without_place(error)
            ),
        )
    }
}

/// The parser's words without its own line and column, which count from the row's beginning.
pub(super) fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(at) => text.get(..at).unwrap_or(&text).to_owned(),
        None => text,
    }
}

/// Writes outcomes in this format; reading them again gives the same table, as long as each model
/// is scored at least once.
///
/// # Errors
/// Those of the writer.
pub fn write(outcomes: &Outcomes, writer: &mut impl Write) -> std::io::Result<()> {
    for row in &outcomes.rows {
        let mut scores = Map::new();
        for &(model, score) in &row.scores {
            if let Some(name) = outcomes.models.get(model) {
                scores.insert(name.clone(), json!(score));
            }
        }
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
        object.insert("scores".to_owned(), Value::Object(scores));
        serde_json::to_writer(&mut *writer, &object)?;
        writer.write_all(b"\n")?;
    }
    Ok(())
}
