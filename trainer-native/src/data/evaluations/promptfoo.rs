//! What `promptfoo eval --output` writes as JSON or JSONL: the answers of several providers, and of several
//! prompts, to the tests of a configuration.
//!
//! ```json
//! {"evalId": "eval-1", "config": {"description": "metals"}, "results": {"version": 3,
//!  "timestamp": "2026-11-29T14:44:32.760Z", "results": [{"provider": {"id": "maker:small", "label": "small"},
//!   "prompt": {"raw": "Name a prime above 10."}, "success": false, "score": 0.5, "cost": 0.002}]}}
//! ```
//!
//! Both current layouts of `results` are read: version 3, and version 2, which repeats the answers in a
//! `table`; so are JSONL files, one answer a line. A model's name is the provider's label, or its id. A row's
//! text is the prompt as sent, of a conversation the last user turn; its data set the configuration's
//! description, or the file's name. The score is `score`, the part of the assertions that held, or what
//! `--metric` names: `success`, or one of `namedScores`. Answers of a model to the same text (repeats,
//! prompts that differ before the last user turn) are averaged. Calls that failed, and answers that no
//! assertion graded, are passed over. A cost of 0 means that the provider states none.

use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Answer, Conversion, Join, files_of};
use crate::data::bad_row::{RowFault, checked_cost, checked_score};
use crate::data::files::{beginning, read_bytes, stem_of, strip_bom};
use crate::data::json_outline::outline;
use crate::data::json_rows::Lines;
use crate::data::lines::{for_each_line, json_fault, without_place};
use crate::data::messages::{Asked, asked_in_json};
use crate::data::{DataError, Format};

const EXPECTED: &str =
    "what promptfoo eval --output writes: JSON with results, or one answer a line";

/// Bytes that tell JSON from JSONL.
const PROBE: u64 = 1 << 20;

#[derive(Deserialize)]
#[serde(expecting = "an object with results and config")]
struct Output<'a> {
    #[serde(borrow)]
    results: Option<Summary<'a>>,
    config: Option<Value>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with version, timestamp and results")]
struct Summary<'a> {
    timestamp: Option<String>,
    #[serde(borrow)]
    results: Option<Vec<&'a RawValue>>,
}

/// What the answers of a file share.
struct About<'a> {
    dataset: String,
    /// The model's name, where the caller gives one.
    model: Option<&'a str>,
    /// The only provider of the file so far, where the caller names the model.
    provider: Option<String>,
    metric: Option<&'a str>,
}

pub(super) fn read(conversion: &Conversion, join: &mut Join) -> Result<(), DataError> {
    for source in &conversion.sources {
        for file in files_of(&source.path, Format::Promptfoo, join)? {
            read_file(&file, source.model.as_deref(), conversion, join)?;
        }
    }
    Ok(())
}

fn read_file(
    path: &Path,
    model: Option<&str>,
    conversion: &Conversion,
    join: &mut Join,
) -> Result<(), DataError> {
    let metric = conversion.metric.as_deref();
    let mut about = About { dataset: stem_of(path), model, provider: None, metric };
    let names = outline(strip_bom(&beginning(path, PROBE)?));
    if names.contains("promptIdx") || names.contains("gradingResult") {
        join.start(path, "");
        if !conversion.takes(&about.dataset) {
            return Ok(());
        }
        return for_each_line(path, join, |join, line, text| {
            let row = text
                .and_then(|text| serde_json::from_str(text).map_err(|error| json_fault(&error)));
            take(path, row, line, &mut about, join)
        });
    }
    let bytes = read_bytes(path)?;
    join.log.start_file(path);
    join.log.hash(&bytes);
    let text = strip_bom(&bytes);
    if text.trim_ascii().is_empty() {
        return Err(DataError::empty_file(path, EXPECTED));
    }
    let output: Output<'_> = serde_json::from_slice(text).map_err(|error| {
        let (line, column) = (error.line() as u64, error.column() as u64);
        let detail = format!(
            "{}, expected {EXPECTED}. Fix the file or write it again: its answers cannot be found, so \
             --skip-bad does not help",
            without_place(&error)
        );
        DataError::bad_place(path, line, Some(column), detail)
    })?;
    let Some(Summary { timestamp, results: Some(results) }) = output.results else {
        let detail = format!("found no list of results, expected {EXPECTED}");
        return Err(DataError::bad_file(path, detail));
    };
    let description = output.config.as_ref().and_then(|config| config.get("description"));
    if let Some(description) = description.and_then(Value::as_str).filter(|text| !text.is_empty()) {
        about.dataset = description.to_owned();
    }
    join.start(path, timestamp.as_deref().unwrap_or_default());
    if !conversion.takes(&about.dataset) {
        return Ok(());
    }
    let mut lines = Lines::of(text);
    for result in results {
        let line = lines.of_part(result.get());
        let row = serde_json::from_str(result.get())
            .map_err(|error| RowFault::new("wrong_type", without_place(&error)));
        take(path, row, line, &mut about, join)?;
    }
    Ok(())
}

/// Takes an answer, or counts or logs why there is none.
fn take(
    path: &Path,
    row: Result<Map<String, Value>, RowFault>,
    line: u64,
    about: &mut About<'_>,
    join: &mut Join,
) -> Result<(), DataError> {
    let parsed = row.and_then(|row| {
        let provider = provider(&row)?;
        let parsed = parse(&row, &provider, about, join)?;
        Ok((provider, parsed))
    });
    let (provider, parsed) = match parsed {
        Ok(parsed) => parsed,
        Err(fault) => return join.push(line, Err(fault)),
    };
    let first = about.provider.get_or_insert_with(|| provider.clone());
    if about.model.is_some() && *first != provider {
        let detail = format!(
            "found answers of {first} and {provider}, expected those of one model behind MODEL=. Leave \
             out MODEL=: the file names its models"
        );
        return Err(DataError::bad_place(path, line, None, detail));
    }
    match parsed {
        Parsed::Answer(answer) => join.push(line, Ok(answer)),
        Parsed::PassedOver(what) => {
            join.log.pass_over(what);
            Ok(())
        }
    }
}

/// The provider's label, or its id.
fn provider(row: &Map<String, Value>) -> Result<String, RowFault> {
    let provider = row.get("provider");
    let of = |name: &str| provider.and_then(|provider| provider.get(name)).and_then(Value::as_str);
    let stated = |name: &&str| !name.trim().is_empty();
    let name = of("label").filter(stated).or_else(|| of("id"));
    let name = name.or_else(|| provider.and_then(Value::as_str)).filter(stated);
    name.map(str::to_owned).ok_or_else(|| {
        let reason = "found no provider with a label or an id, expected one in every answer";
        RowFault::new("missing_field", reason)
    })
}

enum Parsed {
    Answer(Answer),
    /// Why there is no answer; a plural noun.
    PassedOver(&'static str),
}

fn parse(
    row: &Map<String, Value>,
    provider: &str,
    about: &About<'_>,
    join: &mut Join,
) -> Result<Parsed, RowFault> {
    if failed(row) {
        return Ok(Parsed::PassedOver("calls that failed"));
    }
    if !is_graded(row) {
        return Ok(Parsed::PassedOver("answers that no assertion graded"));
    }
    let prompt = row.get("prompt");
    let raw = prompt.and_then(|prompt| prompt.get("raw")).or(prompt).and_then(Value::as_str);
    let raw = raw.ok_or_else(|| {
        RowFault::new("missing_field", "found no prompt, expected a text at prompt.raw")
    })?;
    let query = match asked_in_json(raw) {
        Some(Asked::PassedOver(what)) => return Ok(Parsed::PassedOver(what)),
        Some(Asked::Conversation { query, .. }) => query.trim().to_owned(),
        None => raw.trim().to_owned(),
    };
    let model = about.model.unwrap_or(provider).to_owned();
    let Some(score) = score(row, &model, about.metric, join)? else {
        return Ok(Parsed::PassedOver("answers without the score that --metric names"));
    };
    let cost = match row.get("cost").and_then(Value::as_f64) {
        Some(cost) if cost != 0.0 => Some(checked_cost(&model, cost)?),
        _ => None,
    };
    let id = match row.get("testIdx").and_then(Value::as_u64) {
        Some(test) => format!("{}-{test}", about.dataset),
        None => about.dataset.clone(),
    };
    let dataset = about.dataset.clone();
    Ok(Parsed::Answer(Answer {
        model,
        key: query.clone(),
        id,
        query,
        dataset,
        category: None,
        score,
        cost,
    }))
}

/// Whether there was no answer to grade: `failureReason` 2, or in older files an error without a grade.
fn failed(row: &Map<String, Value>) -> bool {
    match row.get("failureReason").and_then(Value::as_u64) {
        Some(reason) => reason == 2,
        None => {
            let set = |name: &str| row.get(name).is_some_and(|value| !value.is_null());
            set("error") && !set("gradingResult")
        }
    }
}

/// Whether an assertion graded the answer: without one, each counts as right.
fn is_graded(row: &Map<String, Value>) -> bool {
    let list = |of: &str, name: &str| {
        let list = row.get(of).and_then(|value| value.get(name)).and_then(Value::as_array);
        list.is_some_and(|list| !list.is_empty())
    };
    list("testCase", "assert") || list("gradingResult", "componentResults")
}

/// The score that counts; `None` where the answer has none of that name.
fn score(
    row: &Map<String, Value>,
    model: &str,
    metric: Option<&str>,
    join: &mut Join,
) -> Result<Option<f32>, RowFault> {
    let named = row.get("namedScores").and_then(Value::as_object);
    for (name, _) in named.into_iter().flatten().filter(|(name, _)| metric != Some(name)) {
        join.log.note_other_score(name);
    }
    let name = metric.unwrap_or("score");
    let value = match metric {
        None | Some("score" | "success") => row.get(name),
        Some(name) => named.and_then(|scores| scores.get(name)),
    };
    match value {
        Some(Value::Bool(passed)) => Ok(Some(f32::from(u8::from(*passed)))),
        Some(Value::Number(number)) => {
            checked_score(model, number.as_f64().unwrap_or(f64::INFINITY)).map(Some)
        }
        None if metric.is_some() => Ok(None),
        None => {
            Err(RowFault::new("missing_field", "found no \"score\", expected a number in [0, 1]"))
        }
        Some(other) => Err(RowFault::new(
            "score_not_a_number",
            format!("found {other} as {name:?}, expected a number in [0, 1]"),
        )),
    }
}
