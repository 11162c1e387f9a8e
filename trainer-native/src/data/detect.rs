//! Recognises a format by its name, or by what a file holds, never by trying readers in turn.
//!
//! A CSV or parquet file is recognised by the names of its columns, a JSONL file by the fields of
//! its first object, RouterDC by the `[` it begins with. A folder has the one format that its data
//! files share; RouteLLM's contamination lists, which lie beside its evaluations, are not data
//! files.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::files::{file_names, io_error, is_folder, stem_of, strip_bom};
use super::parquet_rows;
use super::{DataError, Format};

/// Bytes of a file that are looked at. A longer first row is recognised by the part that fits.
const PROBE: u64 = 1 << 20;

/// What parquet files begin with.
const PARQUET_MAGIC: &[u8] = b"PAR1";

impl Format {
    /// The format of that [`name`](Self::name).
    ///
    /// # Errors
    /// [`DataError::UnknownFormat`], listing the names that exist.
    pub fn from_name(name: &str) -> Result<Format, DataError> {
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| {
            DataError::UnknownFormat {
                path: PathBuf::from("--format"),
                found: format!("{name:?}"),
                expected: format!("one of {}", Self::ALL.map(Format::name).join(", ")),
            }
        })
    }
}

/// Recognises a format: a file by what it holds, a folder by its files.
///
/// # Errors
/// [`DataError::Io`]; [`DataError::BadFile`] for an empty or damaged file;
/// [`DataError::UnknownFormat`] where nothing fits, or where a folder holds files of more than one
/// format.
pub fn detect(path: &Path) -> Result<Format, DataError> {
    if is_folder(path)? {
        return detect_folder(path);
    }
    match look(path)? {
        Found::Format(format) => Ok(format),
        Found::ContaminationList => Err(DataError::UnknownFormat {
            path: path.to_owned(),
            found: "a contamination list (eval_prompt), which names prompts and no outcome".into(),
            expected: "outcomes, preferences, labels or prompts".into(),
        }),
    }
}

enum Found {
    Format(Format),
    ContaminationList,
}

fn detect_folder(path: &Path) -> Result<Format, DataError> {
    let names = file_names(path)?;
    let mut fitting: Vec<Format> = Vec::new();
    for name in names.iter().filter(|name| Format::ALL.iter().any(|format| format.takes(name))) {
        if let Found::Format(format) = look(&path.join(name))?
            && !fitting.contains(&format)
        {
            fitting.push(format);
        }
    }
    match fitting.as_slice() {
        [format] => Ok(*format),
        [] => {
            let expected = BTreeSet::from(Format::ALL.map(Format::files_expected));
            Err(DataError::no_files(path, &Vec::from_iter(expected).join(", or ")))
        }
        several => Err(DataError::UnknownFormat {
            path: path.to_owned(),
            found: format!(
                "files of several formats ({})",
                several.iter().map(|format| format.name()).collect::<Vec<_>>().join(", ")
            ),
            expected: "a folder of one format".to_owned(),
        }),
    }
}

fn look(path: &Path) -> Result<Found, DataError> {
    let mut head = Vec::new();
    let file = File::open(path).map_err(|source| io_error(path, source))?;
    file.take(PROBE).read_to_end(&mut head).map_err(|source| io_error(path, source))?;
    if head.starts_with(PARQUET_MAGIC) {
        let columns = parquet_rows::column_names(path)?;
        return by_columns(&columns, path, true)
            .map(Found::Format)
            .ok_or_else(|| unknown(path, format!("the columns {}", columns.join(", "))));
    }
    let text = strip_bom(&head).trim_ascii_start();
    match text.first() {
        None => Err(DataError::empty_file(path, "outcomes, preferences, labels or prompts")),
        Some(b'[') => Ok(Found::Format(Format::RouterDc)),
        Some(b'{') => Ok(by_fields(text)),
        Some(_) => {
            let columns = first_record(text);
            by_columns(&columns, path, false).map(Found::Format).ok_or_else(|| {
                let first: String = String::from_utf8_lossy(text).chars().take(80).collect();
                unknown(path, format!("a file that starts with {first:?}"))
            })
        }
    }
}

fn unknown(path: &Path, found: String) -> DataError {
    DataError::UnknownFormat {
        path: path.to_owned(),
        found,
        expected: "a JSON array (routerdc), one JSON object a line (outcomes-jsonl, \
                   preferences-jsonl, difficulty-jsonl, need-jsonl, prompts-jsonl, gpt4-dataset), or CSV or parquet with the columns of arena \
                   (model_a, model_b, prompt, winner_...), routerbench (sample_id, prompt, \
                   eval_name), rorf (Input, <model>/score) or routellm-mmlu and routellm-gsm8k \
                   (prompt first)"
            .to_owned(),
    }
}

fn by_columns(columns: &[String], path: &Path, parquet: bool) -> Option<Format> {
    let has = |name: &str| columns.iter().any(|column| column == name);
    let any_ends = |end: &str| columns.iter().any(|column| column.ends_with(end));
    if has("winner_model_a") || has("winner_model_b") || (has("model_a") && has("model_b")) {
        Some(Format::Arena)
    } else if (has("sample_id") && has("eval_name")) || any_ends("|total_cost") {
        Some(Format::RouterBench)
    } else if parquet {
        None
    } else if has("Input") || any_ends("/score") {
        Some(Format::Rorf)
    } else if columns.first().is_some_and(|first| first == "prompt") && columns.len() > 1 {
        let gsm8k = any_ends("_response") || stem_of(path).starts_with("gsm8k");
        Some(if gsm8k { Format::RouteLlmGsm8k } else { Format::RouteLlmMmlu })
    } else {
        None
    }
}

fn first_record(text: &[u8]) -> Vec<String> {
    let mut records = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
    let mut record = csv::ByteRecord::new();
    // Reading bytes in memory cannot fail; a failure would give no columns.
    let _ = records.read_byte_record(&mut record);
    record.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect()
}

/// An object with no field of any format is read as outcomes, whose reader then says what is
/// missing.
fn by_fields(text: &[u8]) -> Found {
    let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let parsed = serde_json::from_slice::<Fields>(line);
    let text = String::from_utf8_lossy(line);
    let has = |name: &str| match &parsed {
        Ok(Fields(fields)) => fields.contains(name),
        // Not valid JSON, or longer than the probe: a name in quotes, followed by a colon.
        Err(_) => text
            .split(&format!("\"{name}\""))
            .skip(1)
            .any(|rest| rest.trim_start().starts_with(':')),
    };
    if has("eval_prompt") {
        Found::ContaminationList
    } else if has("question_id") {
        Found::Format(Format::RouteLlmMtBench)
    } else if has("mixtral_score") {
        Found::Format(Format::Gpt4Dataset)
    } else if has("model_a") || has("model_b") || has("winner") {
        Found::Format(Format::PreferencesJsonl)
    } else if has("need") && !has("scores") {
        Found::Format(Format::NeedJsonl)
    } else if has("difficulty") && !has("scores") {
        Found::Format(Format::DifficultyJsonl)
    } else if !has("scores") && ["query", "prompt", "messages"].into_iter().any(has) {
        Found::Format(Format::PromptsJsonl)
    } else {
        Found::Format(Format::OutcomesJsonl)
    }
}

/// The names of an object's fields.
struct Fields(BTreeSet<String>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Fields;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut names = BTreeSet::new();
                while let Some((name, IgnoredAny)) = map.next_entry()? {
                    names.insert(name);
                }
                Ok(Fields(names))
            }
        }
        deserializer.deserialize_map(Names)
    }
}
