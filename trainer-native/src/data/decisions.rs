//! Decisions that the gateway logged with the queries' texts (docs/GATEWAY.md, the flywheel): a file a request,
//! `decisions/YYYY-MM-DD/<key's name>/<decision id>.json`, or such objects one a line.
//!
//! ```json
//! {"decision_id": "d-1", "endpoint": "chat/completions", "query": "Name a prime above 10.", "model": "small"}
//! ```
//!
//! A prompt's id is the decision's, its data set `gateway`, as of the rows that feedback makes. The text is that
//! of the user's turns, which the gateway joins. Decisions logged without their text are passed over.

use std::path::PathBuf;

use serde_json::Value;

use super::DataError;
use super::bad_row::RowFault;
use super::json_rows::{Fields, for_each_row};
use super::messages::Role;
use super::prompt_sink::{Entry, PromptRow, PromptSink};

const EXPECTED: &str = "a decision of the gateway: an object with decision_id and query";

/// The data set of rows that the gateway makes.
const DATASET: &str = "gateway";

pub(super) fn read_files(files: &[PathBuf], sink: &mut PromptSink<'_>) -> Result<(), DataError> {
    files.iter().try_for_each(|file| {
        for_each_row(file, sink, EXPECTED, |sink, line, fields| {
            sink.push(line, fields.and_then(|fields| entry(&fields)))
        })
    })
}

fn entry(fields: &Fields) -> Result<Entry, RowFault> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let Some(id) = text("decision_id").filter(|id| !id.is_empty()) else {
        // A request that failed before it was rated.
        return Ok(Entry::PassedOver("requests without a decision"));
    };
    let Some(query) = text("query") else {
        return Ok(Entry::PassedOver(
            "decisions logged without the query's text (LOG, log.content)",
        ));
    };
    Ok(Entry::Prompt(PromptRow {
        id: id.to_owned(),
        query: query.to_owned(),
        messages: vec![(Role::User, query.to_owned())],
        dataset: DATASET.to_owned(),
        gold: None,
    }))
}
