//! Per-sample logs of lm-evaluation-harness (`--log_samples`): one JSON object a line, one file a
//! model and task, `<model>/samples_<task>_<time>.jsonl`.
//!
//! ```json
//! {"doc_id": 0, "arguments": {"gen_args_0": {"arg_0": "Name a prime above 10.", "arg_1": " 11"}},
//!  "filter": "none", "metrics": ["acc", "acc_norm"], "acc": 1.0, "acc_norm": 0.0}
//! ```
//!
//! A row's id is `<task>-<doc_id>`, its data set the task, its text the prompt of the first request
//! without white space around it. `arguments` may be a list of lists instead. Of a prompt that is a
//! conversation in JSON, as the harness sends it to chat endpoints, the text is that of the last user turn. The score is the first
//! of `metrics`; logs of older versions do not list metrics, and give the first of [`METRICS`] that
//! they hold. The model is the name of the file's folder, as the harness writes it. Where a task was
//! logged twice for a model, the newer file is read; where a line scores an answer again through
//! another filter, the first filter counts.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{Answer, Conversion, Join};
use crate::data::DataError;
use crate::data::bad_row::{RowFault, checked_score};
use crate::data::files::{is_folder, list_below, stem_of};
use crate::data::lines::{for_each_line, json_fault};
use crate::data::messages::{Asked, asked_in_json};

const METRICS: [&str; 6] =
    ["acc", "exact_match", "pass@1", "pass_at_1", "prompt_level_strict_acc", "mc1"];
const EXPECTED: &str = "per-sample logs of lm-evaluation-harness: one object a line with doc_id, arguments and a metric in [0, 1]";
const REMEDY: &str = "Run the harness with --log_samples, or name another metric with --metric or leave the task out with --without of trainer data convert";

/// A log file, with what its name says.
struct Log {
    path: PathBuf,
    model: String,
    task: String,
    time: String,
}

/// Returns the logs that were not read because a newer one was found.
pub(super) fn read(conversion: &Conversion, join: &mut Join) -> Result<Vec<PathBuf>, DataError> {
    let mut logs = Vec::new();
    for source in &conversion.sources {
        let model = source.model.as_deref();
        let before = logs.len();
        match is_folder(&source.path)? {
            true => logs
                .extend(list_below(&source.path)?.into_iter().filter_map(|path| log(path, model))),
            false => logs.push(named_log(&source.path, model)),
        }
        if logs.len() == before {
            let expected = "samples_<task>_<time>.jsonl, in it or in its folders";
            return Err(DataError::no_files(&source.path, expected));
        }
    }
    let tasks: BTreeSet<String> = logs.iter().map(|log| log.task.clone()).collect();
    logs.retain(|log| conversion.takes(&log.task));
    if let ([], Some(source)) = (logs.as_slice(), conversion.sources.first()) {
        let found = Vec::from_iter(tasks).join(", ");
        let detail = format!(
            "found logs of {found}, expected a task that --only takes and --without does not leave \
             out. Both compare the beginnings of tasks"
        );
        return Err(DataError::bad_file(&source.path, detail));
    }
    let mut newest: HashMap<(&str, &str), &str> = HashMap::new();
    for log in &logs {
        let time = newest.entry((log.model.as_str(), log.task.as_str())).or_insert(&log.time);
        *time = (*time).max(&log.time);
    }
    let is_newest = |log: &&Log| newest.get(&(&*log.model, &*log.task)) == Some(&&*log.time);
    let (read, older): (Vec<&Log>, Vec<&Log>) = logs.iter().partition(is_newest);
    for log in read {
        read_file(log, conversion.metric.as_deref(), join)?;
    }
    Ok(older.into_iter().map(|log| log.path.clone()).collect())
}

/// The log of that path, if its name is a log's.
fn log(path: PathBuf, model: Option<&str>) -> Option<Log> {
    let name = path.file_name()?.to_str()?;
    let (task, time) = name.strip_prefix("samples_")?.strip_suffix(".jsonl")?.rsplit_once('_')?;
    let dated = time.starts_with(|first: char| first.is_ascii_digit());
    if task.is_empty() || !dated {
        return None;
    }
    let (task, time) = (task.to_owned(), time.to_owned());
    let model = match model {
        Some(model) => model.to_owned(),
        None => folder_of(&path)?,
    };
    Some(Log { path, model, task, time })
}

/// The log that a caller names, of any name.
fn named_log(path: &Path, model: Option<&str>) -> Log {
    log(path.to_owned(), model).unwrap_or_else(|| Log {
        path: path.to_owned(),
        model: model.map_or_else(|| folder_of(path).unwrap_or_default(), str::to_owned),
        task: stem_of(path),
        time: String::new(),
    })
}

/// The name of a file's folder.
fn folder_of(path: &Path) -> Option<String> {
    Some(std::path::absolute(path).ok()?.parent()?.file_name()?.to_str()?.to_owned())
}

fn read_file(log: &Log, metric: Option<&str>, join: &mut Join) -> Result<(), DataError> {
    // The filter that counts, by document.
    let mut filters: HashMap<u64, String> = HashMap::new();
    join.start(&log.path, &log.time);
    for_each_line(&log.path, join, |join, line, text| {
        let sample = text.and_then(|text| {
            serde_json::from_str::<Map<String, Value>>(text).map_err(|error| json_fault(&error))
        });
        let known = sample.and_then(|sample| Ok((document(&sample)?, sample)));
        let (document, sample) = match known {
            Ok(known) => known,
            Err(fault) => return join.push(line, Err(fault)),
        };
        let filter = sample.get("filter").and_then(Value::as_str).unwrap_or_default();
        let counts = filters.entry(document).or_insert_with(|| filter.to_owned());
        if counts.as_str() != filter {
            join.other_filters += 1;
            return Ok(());
        }
        match parse(document, &sample, log, metric) {
            Ok(Parsed::PassedOver(what)) => {
                join.log.pass_over(what);
                Ok(())
            }
            Ok(Parsed::Answer(answer)) => join.push(line, Ok(answer)),
            Err(fault) => join.push(line, Err(fault)),
        }
    })?;
    join.finish(EXPECTED, REMEDY)
}

enum Parsed {
    Answer(Answer),
    /// What cannot be asked as text; a plural noun.
    PassedOver(&'static str),
}

fn document(sample: &Map<String, Value>) -> Result<u64, RowFault> {
    sample.get("doc_id").and_then(Value::as_u64).ok_or_else(|| {
        RowFault::new("missing_field", "found no \"doc_id\", expected a whole number in every row")
    })
}

fn parse(
    document: u64,
    sample: &Map<String, Value>,
    log: &Log,
    metric: Option<&str>,
) -> Result<Parsed, RowFault> {
    let prompt = prompt(sample).ok_or_else(|| {
        RowFault::new(
            "missing_field",
            "found no prompt, expected a text at arguments.gen_args_0.arg_0 or arguments[0][0]",
        )
    })?;
    let query = match asked_in_json(prompt) {
        Some(Asked::PassedOver(what)) => return Ok(Parsed::PassedOver(what)),
        Some(Asked::Conversation { query, .. }) => query,
        None => prompt.trim().to_owned(),
    };
    let id = format!("{}-{document}", log.task);
    Ok(Parsed::Answer(Answer {
        model: log.model.clone(),
        key: id.clone(),
        id,
        query,
        dataset: log.task.clone(),
        category: None,
        score: score(sample, &log.model, metric)?,
        cost: None,
    }))
}

fn prompt(sample: &Map<String, Value>) -> Option<&str> {
    let arguments = sample.get("arguments")?;
    let prompt = match arguments {
        Value::Object(requests) => requests.get("gen_args_0")?.get("arg_0")?,
        _ => arguments.get(0)?.get(0)?,
    };
    // A conversation stands in a list of its own.
    prompt.as_str().or_else(|| prompt.get(0)?.as_str())
}

fn score(sample: &Map<String, Value>, model: &str, metric: Option<&str>) -> Result<f32, RowFault> {
    let first = || sample.get("metrics")?.get(0)?.as_str();
    let known = || METRICS.into_iter().find(|name| sample.contains_key(*name));
    let Some(name) = metric.or_else(first).or_else(known) else {
        let reason = format!("found no metric, expected \"metrics\" or one of {METRICS:?}");
        return Err(RowFault::new("missing_field", reason));
    };
    match sample.get(name) {
        Some(Value::Bool(right)) => Ok(f32::from(u8::from(*right))),
        Some(Value::Number(number)) => {
            let fault = |fault: RowFault| RowFault {
                reason: format!("metric {name:?}: {}", fault.reason),
                ..fault
            };
            checked_score(model, number.as_f64().unwrap_or(f64::INFINITY)).map_err(fault)
        }
        Some(other) => Err(RowFault::new(
            "score_not_a_number",
            format!("found {other} as the metric {name:?}, expected a number in [0, 1]"),
        )),
        None => Err(RowFault::new(
            "missing_field",
            format!("found no metric {name:?}, expected a number in [0, 1]"),
        )),
    }
}
