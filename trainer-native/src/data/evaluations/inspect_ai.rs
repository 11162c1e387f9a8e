//! Logs of Inspect (the Python package inspect-ai), one model and task a file, in both of its formats: JSON,
//! one object, and `.eval`, a zip archive of JSON files.
//!
//! ```json
//! {"eval": {"task": "metals", "model": "maker/small", "created": "2026-11-29T14:43:11+00:00"},
//!  "samples": [{"id": 1, "epoch": 1, "input": "Name a prime above 10.", "scores": {"match": {"value": "C"}}}]}
//! ```
//!
//! An archive holds the samples as `samples/<id>_epoch_<epoch>.json`, or as `sample.json` in a folder of that
//! name, and `eval` in `header.json`; an evaluation that was interrupted has it in `_journal/start.json`.
//!
//! A row's data set is the task, its text the input, or the last user turn of an input that is a
//! conversation, with the answer options behind it where there are any. The score is that of the first
//! scorer listed, or of the one that `--metric` names (`scorer/key` where a scorer gives several values): 1
//! for C, yes and true, 0.5 for P, 0 for I, N, no and false, else a number in [0, 1]. Epochs are averaged.
//! Samples that an error ended, or that were not scored (NaN), are passed over. Where two files answer the
//! same questions for one model, the one created last counts.

use std::fmt::Write as _;
use std::io::{BufReader, Read};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::{Answer, Conversion, Join, files_of};
use crate::data::bad_row::{RowFault, checked_score};
use crate::data::cell::shortened;
use crate::data::entries::Entries;
use crate::data::files::{read_bytes, strip_bom};
use crate::data::json_constants::{Constants, without_constants};
use crate::data::json_rows::Lines;
use crate::data::lines::without_place;
use crate::data::messages::{Asked, asked};
use crate::data::score_map::required;
use crate::data::zip_archive::Archive;
use crate::data::{DataError, Format};

const EXPECTED: &str = "a log of Inspect: .eval, or JSON with eval and samples";

/// Longest sample that is read, in bytes once unpacked: a few bytes of an archive can stand for gigabytes.
const MAX_SAMPLE_BYTES: u64 = 1 << 30;

/// Longest text of a question, in bytes.
const MAX_TEXT_BYTES: usize = 16 << 20;

const ENDED_BY_ERROR: &str = "samples that an error ended";
const NOT_SCORED: &str = "samples without a score";

#[derive(Deserialize)]
#[serde(expecting = "an object with task and model")]
struct Spec {
    task: Option<String>,
    model: Option<String>,
    created: Option<String>,
}

/// What precedes the samples, alone in an archive's `header.json`.
#[derive(Deserialize)]
#[serde(expecting = "an object with eval")]
struct Header {
    eval: Option<Spec>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with eval and samples")]
struct Log<'a> {
    eval: Option<Spec>,
    #[serde(borrow)]
    samples: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with id, epoch, input and scores")]
struct Sample {
    id: Option<Value>,
    input: Option<Value>,
    choices: Option<Value>,
    scores: Option<Entries>,
    error: Option<Value>,
}

/// The task and model of a file, and the score to read.
struct About<'a> {
    task: String,
    model: String,
    metric: Option<&'a str>,
}

pub(super) fn read(conversion: &Conversion, join: &mut Join) -> Result<(), DataError> {
    for source in &conversion.sources {
        for file in files_of(&source.path, Format::InspectAi, join)? {
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
    let bytes = read_bytes(path)?;
    join.log.start_file(path);
    join.log.hash(&bytes);
    match bytes.starts_with(b"PK") {
        true => read_archive(path, &bytes, model, conversion, join),
        false => read_json(path, &bytes, model, conversion, join),
    }
}

/// What the header says of the file; `None` where the task is not wanted.
fn about<'a>(
    path: &Path,
    spec: Option<Spec>,
    model: Option<&str>,
    conversion: &'a Conversion,
    join: &mut Join,
) -> Result<Option<About<'a>>, DataError> {
    let missing = |what: &str| {
        let detail =
            format!("found no {what}, expected {EXPECTED}. Give the log as Inspect wrote it");
        DataError::bad_file(path, detail)
    };
    let spec = spec.ok_or_else(|| missing("\"eval\""))?;
    join.start(path, spec.created.as_deref().unwrap_or_default());
    let task = spec.task.ok_or_else(|| missing("task in \"eval\""))?;
    let model = match model {
        Some(model) => model.to_owned(),
        None => spec.model.ok_or_else(|| missing("model in \"eval\""))?,
    };
    let metric = conversion.metric.as_deref();
    Ok(conversion.takes(&task).then_some(About { task, model, metric }))
}

fn read_json(
    path: &Path,
    bytes: &[u8],
    model: Option<&str>,
    conversion: &Conversion,
    join: &mut Join,
) -> Result<(), DataError> {
    if bytes.trim_ascii().is_empty() {
        return Err(DataError::empty_file(path, EXPECTED));
    }
    let text = without_constants(strip_bom(bytes));
    let log: Log<'_> = serde_json::from_slice(&text).map_err(|error| {
        let (line, column) = (error.line() as u64, error.column() as u64);
        let detail = format!(
            "{}, expected {EXPECTED}. Fix the file or fetch it again: its samples cannot be found, so \
             --skip-bad does not help",
            without_place(&error)
        );
        DataError::bad_place(path, line, Some(column), detail)
    })?;
    let Some(about) = about(path, log.eval, model, conversion, join)? else { return Ok(()) };
    let mut lines = Lines::of(&text);
    for sample in log.samples.unwrap_or_default() {
        let line = lines.of_part(sample.get());
        let parsed = serde_json::from_str(sample.get());
        take(parsed, line, &about, join)?;
    }
    Ok(())
}

fn read_archive(
    path: &Path,
    bytes: &[u8],
    model: Option<&str>,
    conversion: &Conversion,
    join: &mut Join,
) -> Result<(), DataError> {
    let archive = Archive::open(bytes).map_err(|error| {
        let detail = format!(
            "found a zip archive that cannot be read ({error}), expected {EXPECTED}. Fetch it again: a file \
             that was cut has lost its table of contents"
        );
        DataError::bad_file(path, detail)
    })?;
    let spec = match ["header.json", "_journal/start.json"]
        .into_iter()
        .find_map(|name| Some((name, archive.member(name)?)))
    {
        None => None,
        Some((name, member)) => {
            let header = member.and_then(|member| {
                serde_json::from_reader::<_, Header>(limited(member))
                    .map_err(|error| error.to_string())
            });
            let refuse = |error| {
                let detail = format!("{error}, expected {EXPECTED}. Fetch the file again");
                DataError::bad_file(&path.join(name), detail)
            };
            header.map_err(refuse)?.eval
        }
    };
    let Some(about) = about(path, spec, model, conversion, join)? else { return Ok(()) };
    for name in archive.names().filter(|name| is_sample(name)) {
        join.log.start_member(path, name);
        match archive.member(name) {
            None => {}
            Some(Ok(member)) => take(serde_json::from_reader(limited(member)), 1, &about, join)?,
            Some(Err(error)) => {
                let reason = format!(
                    "found a sample that cannot be unpacked ({error}), expected one as Inspect writes it"
                );
                join.push(1, Err(RowFault::new("damaged_member", reason)))?;
            }
        }
    }
    Ok(())
}

fn limited(member: impl Read) -> impl Read {
    Constants::new(BufReader::new(member.take(MAX_SAMPLE_BYTES)))
}

/// Whether a member of that name is a sample: an id may hold slashes.
fn is_sample(name: &str) -> bool {
    let Some(name) = name.strip_prefix("samples/") else { return false };
    let Some(name) = name.strip_suffix("/sample.json").or_else(|| name.strip_suffix(".json"))
    else {
        return false;
    };
    let epoch = name.rsplit_once("_epoch_").map(|(_, epoch)| epoch);
    epoch.is_some_and(|epoch| !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Takes a sample's answer, or counts or logs why it has none.
fn take(
    sample: Result<Sample, serde_json::Error>,
    line: u64,
    about: &About<'_>,
    join: &mut Join,
) -> Result<(), DataError> {
    let fault = |error: serde_json::Error| {
        let code = match error.classify() {
            Category::Io => "damaged_member",
            Category::Data => "wrong_type",
            Category::Syntax | Category::Eof => "json_syntax",
        };
        RowFault::new(code, format!("{}, expected a sample of Inspect", without_place(&error)))
    };
    match sample.map_err(fault).and_then(|sample| parse(sample, about, join)) {
        Ok(Parsed::Answer(answer)) => join.push(line, Ok(answer)),
        Ok(Parsed::PassedOver(what)) => {
            join.log.pass_over(what);
            Ok(())
        }
        Err(fault) => join.push(line, Err(fault)),
    }
}

enum Parsed {
    Answer(Answer),
    /// Why there is no answer; a plural noun.
    PassedOver(&'static str),
}

fn parse(sample: Sample, about: &About<'_>, join: &mut Join) -> Result<Parsed, RowFault> {
    let scores = sample.scores.unwrap_or_default().0;
    if scores.is_empty() {
        let ended = sample.error.is_some_and(|error| !error.is_null());
        return Ok(Parsed::PassedOver(if ended { ENDED_BY_ERROR } else { NOT_SCORED }));
    }
    let id = match required(sample.id, "id")? {
        Value::String(id) => id,
        Value::Number(id) => id.to_string(),
        other => {
            let reason = format!("found {other} as \"id\", expected a text or a number");
            return Err(RowFault::new("wrong_type", reason));
        }
    };
    let mut query = match asked(&required(sample.input, "input")?)? {
        Asked::PassedOver(what) => return Ok(Parsed::PassedOver(what)),
        Asked::Conversation { query, .. } => query.trim().to_owned(),
    };
    if let Some(Value::Array(choices)) = sample.choices {
        for (letter, choice) in ('A'..).zip(&choices) {
            let choice = choice.as_str().ok_or_else(|| {
                let reason = format!("found {choice} among \"choices\", expected texts");
                RowFault::new("wrong_type", reason)
            })?;
            let _ = write!(query, "\n{letter}) {choice}");
        }
    }
    if query.len() > MAX_TEXT_BYTES {
        let reason =
            format!("found an input of {} bytes, expected at most {MAX_TEXT_BYTES}", query.len());
        return Err(RowFault::new("row_too_large", reason));
    }
    let Some(value) = scored(&scores, about.metric, join)? else {
        return Ok(Parsed::PassedOver(NOT_SCORED));
    };
    Ok(Parsed::Answer(Answer {
        model: about.model.clone(),
        key: format!("{}\n{query}", about.task),
        id: format!("{}-{id}", about.task),
        query,
        dataset: about.task.clone(),
        category: None,
        score: checked_score(&about.model, value)?,
        cost: None,
    }))
}

/// The value of the scorer that counts; `None` where it gave none.
fn scored(
    scores: &[(String, Value)],
    metric: Option<&str>,
    join: &mut Join,
) -> Result<Option<f64>, RowFault> {
    let value_of = |score: &Value| score.get("value").cloned().unwrap_or(Value::Null);
    let named = |(name, score): &(String, Value)| match metric {
        None => Some((name.clone(), value_of(score))),
        Some(metric) if metric == name => Some((name.clone(), value_of(score))),
        Some(metric) => {
            let key = metric.strip_prefix(name.as_str())?.strip_prefix('/')?;
            let value = score.get("value")?.get(key)?;
            Some((metric.to_owned(), value.clone()))
        }
    };
    let Some((name, value)) = scores.iter().find_map(named) else { return Ok(None) };
    for (other, _) in scores.iter().filter(|(other, _)| *other != name) {
        join.log.note_other_score(other);
    }
    number(&name, &value)
}

/// A scorer's value as a number, as Inspect's own metrics read it; `None` for no value.
fn number(name: &str, value: &Value) -> Result<Option<f64>, RowFault> {
    let fault = |found: &str, expected: &str| {
        let reason = format!("found {found} of the scorer {name:?}, expected {expected}");
        Err(RowFault::new("score_not_a_number", reason))
    };
    match value {
        Value::Null => Ok(None),
        Value::Bool(right) => Ok(Some(f64::from(u8::from(*right)))),
        Value::Number(number) => Ok(Some(number.as_f64().unwrap_or(f64::INFINITY))),
        Value::String(text) => match text.as_str() {
            "C" => Ok(Some(1.0)),
            "P" => Ok(Some(0.5)),
            "I" | "N" => Ok(Some(0.0)),
            other => match (other.to_lowercase().as_str(), other.trim().parse::<f64>()) {
                ("yes" | "true", _) => Ok(Some(1.0)),
                ("no" | "false", _) => Ok(Some(0.0)),
                (_, Ok(number)) if number.is_finite() => Ok(Some(number)),
                _ => fault(
                    &format!("{:?}", shortened(other)),
                    "C, I, P, N, yes, no or a number in [0, 1]. Name another scorer with --metric",
                ),
            },
        },
        Value::Object(values) if values.len() == 1 => {
            values.values().next().map_or(Ok(None), |value| number(name, value))
        }
        Value::Object(values) => {
            let keys = Vec::from_iter(values.keys().map(String::as_str)).join(", ");
            let expected =
                format!("one. Name one with --metric {name}/KEY of trainer data convert");
            fault(&format!("several values ({})", shortened(&keys)), &expected)
        }
        Value::Array(_) => fault("a list of values", "one value"),
    }
}
