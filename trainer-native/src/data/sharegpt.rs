//! Conversations as ShareGPT and many data sets for training write them: JSON or JSONL.
//!
//! ```json
//! [{"id": "c-1", "conversations": [{"from": "human", "value": "Name a prime above 10."}, {"from": "gpt", "value": "11"}]}]
//! ```
//!
//! A conversation's prompt is its last user turn with what stands before it. Its id is `<file>-<number>` where
//! `id` is absent, its data set the file's name.

use std::path::PathBuf;

use serde_json::Value;

use super::DataError;
use super::bad_row::RowFault;
use super::files::stem_of;
use super::json_rows::{Fields, for_each_row};
use super::messages::asked;
use super::prompt_sink::{Entry, PromptSink};

const EXPECTED: &str = "conversations: a list of objects with \"conversations\"";

pub(super) fn read_files(files: &[PathBuf], sink: &mut PromptSink<'_>) -> Result<(), DataError> {
    files.iter().try_for_each(|file| {
        let set = stem_of(file);
        let mut number = 0;
        for_each_row(file, sink, EXPECTED, |sink, line, fields| {
            number += 1;
            sink.push(line, fields.and_then(|fields| entry(&fields, &set, number)))
        })
    })
}

fn entry(fields: &Fields, set: &str, number: u64) -> Result<Entry, RowFault> {
    let Some(turns @ Value::Array(_)) = fields.get("conversations") else {
        return Err(RowFault::new(
            "missing_field",
            "found no \"conversations\", expected a list of turns in every row",
        ));
    };
    let id = match fields.get("id") {
        Some(Value::String(id)) => id.clone(),
        Some(Value::Number(id)) => id.to_string(),
        _ => format!("{set}-{number}"),
    };
    Ok(Entry::of(asked(turns)?, id, set.to_owned()))
}
