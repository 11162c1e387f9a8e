//! Per-sample logs of lm-evaluation-harness (`--log_samples`): one JSON object a line, one file a
//! model and task, `<model>/samples_<task>_<time>.jsonl`.
//!
//! ```json
//! {"doc_id": 0, "arguments": {"gen_args_0": {"arg_0": "Name a prime above 10.", "arg_1": " 11"}},
//!  "filter": "none", "metrics": ["acc", "acc_norm"], "acc": 1.0, "acc_norm": 0.0}
//! ```
//!
//! A row's id is `<task>-<doc_id>`, its data set the task, its text the prompt of the first request
//! without white space around it. `arguments` may be a list of lists instead. The score is the first
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
use crate::data::files::{io_error, is_folder};
use crate::data::lines::{for_each_line, json_fault};

const METRICS: [&str; 6] =
    ["acc", "exact_match", "pass@1", "pass_at_1", "prompt_level_strict_acc", "mc1"];
const EXPECTED: &str = "per-sample logs of lm-evaluation-harness: one object a line with doc_id, arguments and a metric in [0, 1]";
const REMEDY: &str = "Run the harness with --log_samples, name another metric with --metric, or leave the task out with --without";

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
        let mut files = Vec::new();
        list(&source.path, &mut files)?;
        let found = files.into_iter().filter_map(|path| log(path, source.model.as_deref()));
        let before = logs.len();
        logs.extend(found);
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

/// The path itself, or all files below it, in name order.
fn list(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), DataError> {
    if !is_folder(path)? {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|source| io_error(path, source))? {
        let entry = entry.map_err(|source| io_error(path, source))?;
        let kind = entry.file_type().map_err(|source| io_error(&entry.path(), source))?;
        entries.push((entry.path(), kind.is_dir()));
    }
    entries.sort_unstable();
    for (entry, is_folder) in entries {
        match is_folder {
            true => list(&entry, files)?,
            false => files.push(entry),
        }
    }
    Ok(())
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
        None => std::path::absolute(&path).ok()?.parent()?.file_name()?.to_str()?.to_owned(),
    };
    Some(Log { path, model, task, time })
}

fn read_file(log: &Log, metric: Option<&str>, join: &mut Join) -> Result<(), DataError> {
    // The filter that counts, by document.
    let mut filters: HashMap<u64, String> = HashMap::new();
    join.start(&log.path, &log.model);
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
        let answer = parse(document, &sample, log, metric);
        join.push(line, answer)
    })?;
    join.finish(EXPECTED, REMEDY)
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
) -> Result<Answer, RowFault> {
    let prompt = prompt(sample).ok_or_else(|| {
        RowFault::new(
            "missing_field",
            "found no prompt, expected a text at arguments.gen_args_0.arg_0 or arguments[0][0]",
        )
    })?;
    Ok(Answer {
        id: format!("{}-{document}", log.task),
        query: prompt.trim().to_owned(),
        dataset: log.task.clone(),
        category: None,
        score: score(sample, &log.model, metric)?,
    })
}

fn prompt(sample: &Map<String, Value>) -> Option<&str> {
    let arguments = sample.get("arguments")?;
    match arguments {
        Value::Object(requests) => requests.get("gen_args_0")?.get("arg_0")?.as_str(),
        _ => arguments.get(0)?.get(0)?.as_str(),
    }
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
