//! Recognises a format by its name, or by what a file holds, never by trying readers in turn.
//!
//! A CSV or parquet file is recognised by the names of its columns, JSON by the names in its first value:
//! the first line of JSON Lines, the first element of a list. A folder has the one format that its data
//! files share; evaluations may lie in folders of it. RouteLLM's contamination lists and
//! lm-evaluation-harness's summaries, which lie beside data files, are none.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::de::IgnoredAny;

use super::files::{beginning, file_names, is_folder, list_below, stem_of, strip_bom};
use super::json_outline::outline;
use super::parquet_rows;
use super::prompts_csv::OPTIONAL;
use super::{DataError, Format};

/// Bytes of a file that are looked at. A longer first row is recognised by the part that fits.
const PROBE: u64 = 1 << 20;

/// What parquet files begin with.
const PARQUET_MAGIC: &[u8] = b"PAR1";

/// What zip archives begin with; Inspect's are the only ones that are read.
const ZIP_MAGIC: &[u8] = b"PK\x03\x04";

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
        Found::Format(format) | Found::Unnamed(format) => Ok(format),
        Found::Other(found) => Err(DataError::UnknownFormat {
            path: path.to_owned(),
            found: found.to_owned(),
            expected: "outcomes, preferences, labels or prompts".into(),
        }),
    }
}

enum Found {
    Format(Format),
    /// JSON with no field of any format: read as this format, whose reader says what is missing, unless
    /// files beside it tell more.
    Unnamed(Format),
    /// A file that lies beside data files, in words.
    Other(&'static str),
}

impl Found {
    fn or_named(self, named: bool) -> Self {
        match self {
            Found::Unnamed(format) if named => Found::Format(format),
            other => other,
        }
    }
}

fn detect_folder(path: &Path) -> Result<Format, DataError> {
    let names = file_names(path)?;
    // A text beside data files is a note about them.
    let is_data = |format: &Format| *format != Format::PromptsText;
    let taken = |name: &&String| Format::ALL.iter().filter(|f| is_data(f)).any(|f| f.takes(name));
    let named = names.iter().filter(taken);
    let mut fitting = formats_of(named.map(|name| path.join(name)))?;
    if fitting.is_empty() {
        let nested = |file: &PathBuf| {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            Format::ALL.iter().any(|format| format.nests() && format.takes(&name))
        };
        fitting = formats_of(list_below(path)?.into_iter().filter(nested))?;
        fitting.retain(|format| format.nests());
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

/// The formats of files, each once; those of files without a field of any format only where no other is.
fn formats_of(files: impl Iterator<Item = PathBuf>) -> Result<Vec<Format>, DataError> {
    let (mut named, mut unnamed) = (Vec::new(), Vec::new());
    for file in files {
        match look(&file)? {
            Found::Format(format) if !named.contains(&format) => named.push(format),
            Found::Unnamed(format) if !unnamed.contains(&format) => unnamed.push(format),
            _ => {}
        }
    }
    Ok(if named.is_empty() { unnamed } else { named })
}

fn look(path: &Path) -> Result<Found, DataError> {
    let head = beginning(path, PROBE)?;
    if head.starts_with(PARQUET_MAGIC) {
        let columns = parquet_rows::column_names(path)?;
        return by_columns(&columns, path, true)
            .map(Found::Format)
            .ok_or_else(|| unknown(path, format!("the columns {}", columns.join(", "))));
    }
    // Text may begin with anything.
    if path.extension().is_some_and(|extension| extension == "txt") {
        return match strip_bom(&head).trim_ascii().is_empty() {
            true => Err(DataError::empty_file(path, "a prompt a line")),
            false => Ok(Found::Format(Format::PromptsText)),
        };
    }
    if head.starts_with(ZIP_MAGIC) {
        return Ok(Found::Format(Format::InspectAi));
    }
    let text = strip_bom(&head).trim_ascii_start();
    match text.first() {
        None => Err(DataError::empty_file(path, "outcomes, preferences, labels or prompts")),
        Some(b'[' | b'{') => Ok(by_names(text)),
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
        expected: "a JSON array (routerdc, sharegpt, chatgpt-export, langfuse, litellm), one JSON \
                   object (inspect-ai, promptfoo, decisions), one JSON object a line (outcomes-jsonl, preferences-jsonl, \
                   difficulty-jsonl, need-jsonl, prompts-jsonl, gpt4-dataset, lm-eval, \
                   openai-evals, sharegpt, langfuse, litellm), a zip archive (inspect-ai), text with \
                   a prompt a line (prompts-text, *.txt), or CSV or parquet \
                   with the columns of arena (model_a, model_b, prompt, winner_...), routerbench \
                   (sample_id, prompt, eval_name), rorf (Input, <model>/score), langfuse (input, \
                   traceId or sessionId), prompts-csv (query or prompt) or routellm-mmlu and routellm-gsm8k (prompt first)"
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
    } else if !parquet && has("input") && LANGFUSE.iter().any(|name| has(name)) {
        Some(Format::Langfuse)
    } else if has("query") || is_prompts(columns) {
        Some(Format::PromptsCsv)
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

/// Whether the columns are those of prompts: a prompt, and no other column than theirs before or beside it.
fn is_prompts(columns: &[String]) -> bool {
    let known = |column: &String| column == "prompt" || OPTIONAL.contains(&column.as_str());
    let at = columns.iter().position(|column| column == "prompt");
    at.is_some_and(|at| at > 0 || columns.iter().all(known))
}

fn first_record(text: &[u8]) -> Vec<String> {
    let mut records = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
    let mut record = csv::ByteRecord::new();
    // Reading bytes in memory cannot fail; a failure would give no columns.
    let _ = records.read_byte_record(&mut record);
    record.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect()
}

/// Recognises JSON by the names of its first value: an object, which may be the first line of many, or the
/// first element of a list.
fn by_names(text: &[u8]) -> Found {
    let names = outline(text);
    let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let broken = serde_json::from_slice::<IgnoredAny>(line).is_err();
    let line = String::from_utf8_lossy(if broken { line } else { b"" });
    let has = |name: &str| {
        names.contains(name)
            // A row that is not valid JSON: a name in quotes, followed by a colon.
            || line.split(&format!("\"{name}\"")).skip(1).any(|rest| rest.trim_start().starts_with(':'))
    };
    // A list, and a list in a field as APIs answer, are known by their first element.
    let in_list =
        |name: &str| ["[]", "data.[]"].iter().any(|at| names.contains(&format!("{at}.{name}")));
    let row = |name: &str| has(name) || in_list(name);
    let any = |names: &[&str]| names.iter().any(|name| row(name));
    if has("eval_prompt") {
        return Found::Other(
            "a contamination list (eval_prompt), which names prompts and no outcome",
        );
    }
    if has("results") && any(&["n-shot", "group_subtasks", "task_hashes", "pretty_env_info"]) {
        return Found::Other(
            "the summary of a run of lm-evaluation-harness, whose samples stand in samples_*.jsonl",
        );
    }
    Found::Format(if has("doc_id") && any(&["arguments", "resps", "doc_hash"]) {
        Format::LmEval
    } else if has("eval") && any(&["status", "plan", "samples"]) {
        Format::InspectAi
    } else if any(&["evalId", "results.results", "results.table", "promptIdx", "gradingResult"]) {
        Format::Promptfoo
    } else if any(&["spec.completion_fns", "spec.eval_name", "spec.model_name"])
        || (has("run_id") && any(&["event_id", "final_report"]))
    {
        Format::OpenaiEvals
    } else if row("request_id") && any(&["call_type", "spend"]) {
        Format::LiteLlm
    } else if row("input") && any(&LANGFUSE) {
        Format::Langfuse
    } else if row("mapping") && any(&["current_node", "conversation_id", "create_time"]) {
        Format::ChatGptExport
    } else if row("conversations") {
        Format::ShareGpt
    } else if row("decision_id") && any(&["endpoint", "router", "query_hmac"]) {
        Format::Decisions
    } else if has("question_id") {
        Format::RouteLlmMtBench
    } else if has("mixtral_score") {
        Format::Gpt4Dataset
    } else if ["model_a", "model_b", "winner"].into_iter().any(has) {
        Format::PreferencesJsonl
    } else if has("need") && !has("scores") {
        Format::NeedJsonl
    } else if has("difficulty") && !has("scores") {
        Format::DifficultyJsonl
    } else if !has("scores") && ["query", "prompt", "messages"].into_iter().any(has) {
        Format::PromptsJsonl
    } else if text.first() == Some(&b'[') {
        return Found::Unnamed(Format::RouterDc).or_named(any(&["question", "scores"]));
    } else {
        return Found::Unnamed(Format::OutcomesJsonl).or_named(any(&["scores"]));
    })
}

/// Fields of a row of Langfuse beside its input: as its tables, its API and its scheduled exports name them.
const LANGFUSE: [&str; 8] = [
    "traceId",
    "trace_id",
    "sessionId",
    "session_id",
    "userId",
    "user_id",
    "parentObservationId",
    "latencyMs",
];
