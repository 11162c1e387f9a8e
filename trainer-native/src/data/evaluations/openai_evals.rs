//! Event logs of OpenAI evals, as its local recorder writes them: one JSON object a line, one run of a model
//! a file.
//!
//! ```json
//! {"spec": {"completion_fns": ["small"], "eval_name": "metals.dev.v0", "created_at": "2026-11-29 14:47:40"}}
//! {"sample_id": "metals.dev.0", "type": "sampling", "data": {"prompt": [{"role": "user", "content": "Why?"}]}}
//! {"sample_id": "metals.dev.0", "type": "match", "data": {"correct": true}}
//! ```
//!
//! The model is the first of `completion_fns` (older files: `model_name`); a second one grades. A row's data
//! set is the evaluation's name, its text the prompt of the sample's first `sampling` event, of a
//! conversation the last user turn. The score is `correct` of the `match` events, else the first of
//! [`METRICS`] in the `metrics` events, or what `--metric` names; several events of a sample are averaged.
//! Samples without a prompt or a score are passed over. Where two files answer the same questions for one
//! model, the one created last counts.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Answer, Conversion, Join, files_of};
use crate::data::bad_row::{RowFault, checked_score};
use crate::data::json_constants::without_constants;
use crate::data::lines::{for_each_line, json_fault};
use crate::data::messages::{Asked, asked};
use crate::data::{DataError, Format};

/// Fields of `metrics` events that are read as the score, the first that an event has.
const METRICS: [&str; 4] = ["score", "accuracy", "correct", "f1_score"];

const EXPECTED: &str = "a log of OpenAI evals: one JSON object a line, first \"spec\", then events with sample_id and type";

#[derive(Deserialize)]
#[serde(expecting = "an object with spec, or an event with sample_id, type and data")]
struct Line {
    spec: Option<Map<String, Value>>,
    sample_id: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    data: Option<Value>,
}

/// What the lines before say of the run.
#[derive(Default)]
struct Run {
    model: String,
    eval: String,
    samples: Vec<Sample>,
    places: HashMap<String, usize>,
}

#[derive(Default)]
struct Sample {
    id: String,
    /// Line of its first event.
    line: u64,
    asked: Option<Asked>,
    scores: Vec<f64>,
}

pub(super) fn read(conversion: &Conversion, join: &mut Join) -> Result<(), DataError> {
    for source in &conversion.sources {
        for file in files_of(&source.path, Format::OpenaiEvals, join)? {
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
    let mut run: Option<Run> = None;
    for_each_line(path, join, |join, line, text| {
        let parsed = text.and_then(|text| {
            let text = without_constants(text.as_bytes());
            serde_json::from_slice::<Line>(&text).map_err(|error| json_fault(&error))
        });
        let Line { spec, sample_id, kind, data } = match parsed {
            Ok(parsed) => parsed,
            Err(fault) => return join.push(line, Err(fault)),
        };
        if let Some(spec) = spec {
            if run.is_some() {
                let detail =
                    "found a second \"spec\", expected one run a file. Split the file there";
                return Err(DataError::bad_place(path, line, None, detail.to_owned()));
            }
            run = Some(begin(path, &spec, model, join)?);
            return Ok(());
        }
        let Some(run) = &mut run else {
            let detail = format!("found an event before the \"spec\", expected {EXPECTED}");
            return Err(DataError::bad_place(path, line, None, detail));
        };
        let (Some(sample), Some(kind)) = (sample_id, kind) else { return Ok(()) };
        let metric = conversion.metric.as_deref();
        match run.sample(sample, line).map(|sample| event(sample, &kind, data.as_ref(), metric)) {
            Some(Err(fault)) => join.push(line, Err(fault)),
            Some(Ok(())) | None => Ok(()),
        }
    })?;
    let Some(run) = run.filter(|run| conversion.takes(&run.eval)) else { return Ok(()) };
    let Run { model, eval, samples, .. } = run;
    for sample in samples {
        let line = sample.line;
        match answer(sample, &model, &eval) {
            Ok(Ok(answer)) => join.push(line, Ok(answer))?,
            Ok(Err(what)) => join.log.pass_over(what),
            Err(fault) => join.push(line, Err(fault))?,
        }
    }
    Ok(())
}

fn begin(
    path: &Path,
    spec: &Map<String, Value>,
    model: Option<&str>,
    join: &mut Join,
) -> Result<Run, DataError> {
    let text = |name: &str| spec.get(name).and_then(Value::as_str);
    let first = || spec.get("completion_fns")?.get(0)?.as_str();
    let older = || spec.get("model_names")?.get("completions")?.get(0)?.as_str();
    let stated = model.or_else(first).or_else(|| text("model_name")).or_else(older);
    let (Some(model), Some(eval)) = (stated, text("eval_name")) else {
        let detail = "found a \"spec\" without completion_fns or eval_name, expected both. Name the model \
                      with MODEL=PATH of trainer data convert";
        return Err(DataError::bad_place(path, 1, None, detail.to_owned()));
    };
    join.start(path, text("created_at").unwrap_or_default());
    Ok(Run { model: model.to_owned(), eval: eval.to_owned(), ..Run::default() })
}

impl Run {
    /// The sample of that id, added where it is new.
    fn sample(&mut self, id: String, line: u64) -> Option<&mut Sample> {
        let next = self.samples.len();
        let at = *self.places.entry(id.clone()).or_insert(next);
        if at == next {
            self.samples.push(Sample { id, line, ..Sample::default() });
        }
        self.samples.get_mut(at)
    }
}

/// Takes what an event says of a sample: its prompt, or a score.
fn event(
    sample: &mut Sample,
    kind: &str,
    data: Option<&Value>,
    metric: Option<&str>,
) -> Result<(), RowFault> {
    let field = |name: &str| data.and_then(|data| data.get(name));
    let score = match kind {
        "sampling" if sample.asked.is_none() => {
            sample.asked = field("prompt").map(asked).transpose()?;
            None
        }
        // Evaluations that do not record what they send record the sample.
        "raw_sample" if sample.asked.is_none() => {
            sample.asked = field("input").map(asked).transpose()?;
            None
        }
        "match" => field(metric.unwrap_or("correct")),
        "metrics" => match metric {
            Some(name) => field(name),
            None => METRICS.iter().find_map(|name| field(name)),
        },
        _ => None,
    };
    match score {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Bool(right)) => {
            sample.scores.push(f64::from(u8::from(*right)));
            Ok(())
        }
        Some(Value::Number(number)) => {
            sample.scores.push(number.as_f64().unwrap_or(f64::INFINITY));
            Ok(())
        }
        Some(other) => {
            let reason = format!("found {other} as the score, expected a number in [0, 1]");
            Err(RowFault::new("score_not_a_number", reason))
        }
    }
}

/// A sample's answer, or in words why it has none.
fn answer(
    sample: Sample,
    model: &str,
    eval: &str,
) -> Result<Result<Answer, &'static str>, RowFault> {
    let Sample { id, asked, scores, .. } = sample;
    if scores.is_empty() {
        return Ok(Err("samples without a score"));
    }
    let query = match asked {
        None => return Ok(Err("samples whose prompt was not recorded")),
        Some(Asked::PassedOver(what)) => return Ok(Err(what)),
        Some(Asked::Conversation { query, .. }) => query.trim().to_owned(),
    };
    let mut sum = 0.0;
    for score in &scores {
        sum += f64::from(checked_score(model, *score)?);
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    let score = (sum / scores.len() as f64) as f32;
    Ok(Ok(Answer {
        model: model.to_owned(),
        key: format!("{eval}\n{query}"),
        id,
        query,
        dataset: eval.to_owned(),
        category: None,
        score,
        cost: None,
    }))
}
