//! Prompts in a table, CSV or parquet.
//!
//! ```csv
//! id,query,dataset,gold
//! q1,Name a prime above 10.,own,"{""numeric"": 11}"
//! ```
//!
//! One of the columns `query` and `prompt` is required. Optional are `id` (`<file>-<line>` where absent),
//! `dataset` (the file's name where absent) and `gold`, what a right answer is: an object in JSON, or a text
//! that the answer has to be (`{"exact": ...}`). Other columns are ignored.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::bad_row::RowFault;
use super::cell::Cell;
use super::files::stem_of;
use super::messages::Role;
use super::prompt_sink::{Entry, PromptRow, PromptSink};
use super::{DataError, table_rows};

const EXPECTED: &str = "a table with a column query or prompt";

/// Columns that are read beside the prompt.
pub(super) const OPTIONAL: [&str; 3] = ["id", "dataset", "gold"];

pub(super) fn read_files(files: &[PathBuf], sink: &mut PromptSink<'_>) -> Result<(), DataError> {
    files.iter().try_for_each(|file| read_file(file, sink))
}

fn read_file(path: &Path, sink: &mut PromptSink<'_>) -> Result<(), DataError> {
    let set = stem_of(path);
    let columns = |_: &mut PromptSink<'_>, names: &[String]| {
        let at = |name: &str| names.iter().position(|column| column == name);
        let prompt = match (at("query"), at("prompt")) {
            (Some(prompt), None) | (None, Some(prompt)) => prompt,
            _ => return Err(DataError::bad_header(path, names, "one of query and prompt")),
        };
        let mut wanted = vec![prompt];
        let mut layout = Vec::new();
        for name in OPTIONAL {
            if let Some(at) = at(name) {
                wanted.push(at);
                layout.push(name);
            }
        }
        Ok((layout, wanted))
    };
    table_rows::for_each_row(path, sink, EXPECTED, columns, |sink, layout, line, cells| {
        sink.push(line, cells.and_then(|cells| row(cells, layout, &set, line)))
    })?;
    Ok(())
}

fn row(cells: &[Cell<'_>], layout: &[&str], set: &str, line: u64) -> Result<Entry, RowFault> {
    let Some((prompt, others)) = cells.split_first() else {
        return Err(RowFault::new("empty_query", "found no prompt, expected the text to route"));
    };
    let query = prompt.text("query or prompt")?.into_owned();
    let stated = |name: &str| {
        let at = layout.iter().position(|column| *column == name);
        match at.and_then(|at| others.get(at)) {
            None | Some(Cell::Missing) => Ok(None),
            Some(cell) => cell.text(name).map(|text| Some(text.into_owned())),
        }
    };
    let gold = stated("gold")?.map(|text| match serde_json::from_str::<Value>(&text) {
        Ok(gold @ Value::Object(_)) => gold,
        _ => json!({"exact": text}),
    });
    Ok(Entry::Prompt(PromptRow {
        id: stated("id")?.unwrap_or_else(|| format!("{set}-{line}")),
        messages: vec![(Role::User, query.clone())],
        query,
        dataset: stated("dataset")?.unwrap_or_else(|| set.to_owned()),
        gold,
    }))
}
