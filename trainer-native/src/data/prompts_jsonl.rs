//! The project's own prompts: one JSON object a line.
//!
//! ```json
//! {"id": "q1", "query": "Name a prime above 10.", "dataset": "own", "gold": {"numeric": 11}}
//! {"messages": [{"role": "system", "content": "Answer briefly."}, {"role": "user", "content": "Why?"}]}
//! ```
//!
//! One of `query`, `prompt` (texts) and `messages` (a conversation, see [`messages`](super::messages)) is
//! required. Optional are `id` (a text or a number; `<file>-<line>` where absent), `dataset` (the file's
//! name where absent) and `gold`, what a right answer is. Other fields and blank lines are ignored.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::DataError;
use super::bad_row::RowFault;
use super::files::stem_of;
use super::lines::{for_each_line, json_fault};
use super::messages::asked;
use super::prompt_sink::{Entry, PromptSink};

#[derive(Deserialize)]
#[serde(expecting = "an object with query, prompt or messages")]
struct JsonRow {
    id: Option<Value>,
    query: Option<String>,
    prompt: Option<String>,
    messages: Option<Value>,
    dataset: Option<String>,
    gold: Option<Value>,
}

pub(super) fn read_files(files: &[PathBuf], sink: &mut PromptSink<'_>) -> Result<(), DataError> {
    files.iter().try_for_each(|file| read_file(file, sink))
}

fn read_file(path: &Path, sink: &mut PromptSink<'_>) -> Result<(), DataError> {
    let set = stem_of(path);
    for_each_line(path, sink, |sink, line, text| {
        sink.push(line, text.and_then(|text| parse(text, &set, line)))
    })
}

fn parse(text: &str, set: &str, line: u64) -> Result<Entry, RowFault> {
    let row: JsonRow = serde_json::from_str(text).map_err(|error| json_fault(&error))?;
    let id = match row.id {
        None | Some(Value::Null) => format!("{set}-{line}"),
        Some(Value::String(id)) => id,
        Some(Value::Number(id)) => id.to_string(),
        Some(_) => {
            let reason = "found an \"id\" that is neither text nor number, expected one of them";
            return Err(RowFault::new("wrong_type", reason));
        }
    };
    let texts = [row.query.map(Value::String), row.prompt.map(Value::String), row.messages];
    let mut stated = texts.into_iter().flatten();
    let (Some(prompt), None) = (stated.next(), stated.next()) else {
        return Err(RowFault::new(
            "missing_field",
            "found none or several of \"query\", \"prompt\" and \"messages\", expected one of them in \
             every row",
        ));
    };
    let mut entry = Entry::of(asked(&prompt)?, id, row.dataset.unwrap_or_else(|| set.to_owned()));
    if let Entry::Prompt(prompt) = &mut entry {
        prompt.gold = row.gold.filter(|gold| !gold.is_null());
    }
    Ok(entry)
}
