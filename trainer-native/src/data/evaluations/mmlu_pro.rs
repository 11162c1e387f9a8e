//! MMLU-Pro's `eval_results` (arXiv 2406.01574), unpacked: a JSON array of one model's answers.
//!
//! ```json
//! [{"question_id": 70, "question": "Name a prime above 10.", "options": ["9", "11"],
//!   "answer": "B", "category": "math", "pred": "B"}]
//! ```
//!
//! A row's id is `mmlu-pro-<question_id>`, its text the question without its options, its data set
//! `mmlu-pro`. The score is 1 where `pred` is `answer`; `null`, no letter found in the model's text,
//! is wrong. Files are named `model_outputs_<model>_<n>shots.json`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};

use super::{Answer, Join, ModelSource};
use crate::data::DataError;
use crate::data::bad_row::{RowFault, checked_utf8};
use crate::data::files::{file_names, is_folder, read_bytes};
use crate::data::json_array::for_each_element;
use crate::data::lines::without_place;
use crate::data::score_map::required;

const EXPECTED: &str =
    "a JSON array of objects with question_id, question, category, answer and pred";
const REMEDY: &str = "Give the files of MMLU-Pro's eval_results, unpacked";
const UNPACK: &str = "Unpack it first: unzip 'model_outputs_*.zip'";

#[derive(Deserialize)]
#[serde(expecting = "an object with question_id, question, category, answer and pred")]
struct Entry {
    question_id: Option<u64>,
    question: Option<String>,
    category: Option<String>,
    answer: Option<String>,
    #[serde(default, deserialize_with = "present")]
    pred: Option<Option<String>>,
}

/// Tells `null` from a field that is not there.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

pub(super) fn read(sources: &[ModelSource], join: &mut Join) -> Result<(), DataError> {
    for source in sources {
        for file in list(&source.path)? {
            read_file(&file, source.model.as_deref(), join)?;
        }
    }
    Ok(())
}

/// The path itself, or the JSON files of a folder in name order.
fn list(path: &Path) -> Result<Vec<PathBuf>, DataError> {
    if !is_folder(path)? {
        return Ok(vec![path.to_owned()]);
    }
    let names = file_names(path)?;
    let json: Vec<PathBuf> =
        names.iter().filter(|name| name.ends_with(".json")).map(|name| path.join(name)).collect();
    if !json.is_empty() {
        return Ok(json);
    }
    let expected = "model_outputs_<model>_<n>shots.json";
    let expected = match names.iter().any(|name| name.ends_with(".zip")) {
        true => format!("{expected}. The folder holds .zip files: unzip 'model_outputs_*.zip'"),
        false => expected.to_owned(),
    };
    Err(DataError::no_files(path, &expected))
}

fn read_file(path: &Path, model: Option<&str>, join: &mut Join) -> Result<(), DataError> {
    let bytes = read_bytes(path)?;
    let refuse = |found: &str, expected: &str, remedy: &str| {
        DataError::bad_file(path, format!("found {found}, expected {expected}. {remedy}"))
    };
    if bytes.starts_with(b"PK\x03\x04") {
        return Err(refuse("a zip archive", EXPECTED, UNPACK));
    }
    if bytes.trim_ascii_start().first() != Some(&b'[') && !bytes.trim_ascii().is_empty() {
        return Err(refuse("no JSON array", EXPECTED, REMEDY));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let model = model.or_else(|| model_of(&name)).ok_or_else(|| {
        refuse(
            "a file name without the model's",
            "model_outputs_<model>_<n>shots.json",
            "Name the model: MODEL=PATH",
        )
    })?;
    join.start(path, "");
    join.log.start_file(path);
    for_each_element(path, &bytes, EXPECTED, |position, line, element| {
        let answer = parse(element, model).map_err(|fault| RowFault {
            reason: format!("entry {}: {}", position + 1, fault.reason),
            ..fault
        });
        join.push(line, answer)
    })?;
    join.finish(EXPECTED, REMEDY)
}

/// `<model>` of `model_outputs_<model>_<n>shots.json`.
fn model_of(file_name: &str) -> Option<&str> {
    let (model, shots) =
        file_name.strip_prefix("model_outputs_")?.strip_suffix("shots.json")?.rsplit_once('_')?;
    let counted = !shots.is_empty() && shots.bytes().all(|byte| byte.is_ascii_digit());
    (counted && !model.is_empty()).then_some(model)
}

fn parse(element: &[u8], model: &str) -> Result<Answer, RowFault> {
    let entry: Entry = serde_json::from_str(checked_utf8(element)?)
        .map_err(|error| RowFault::new("wrong_type", without_place(&error)))?;
    let right = required(entry.answer, "answer")?;
    let given = required(entry.pred, "pred")?;
    let id = format!("mmlu-pro-{}", required(entry.question_id, "question_id")?);
    Ok(Answer {
        model: model.to_owned(),
        key: id.clone(),
        id,
        query: required(entry.question, "question")?,
        dataset: "mmlu-pro".to_owned(),
        category: Some(required(entry.category, "category")?),
        score: f32::from(u8::from(given.as_ref() == Some(&right))),
        cost: None,
    })
}
