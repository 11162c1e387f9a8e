//! RouteLLM's MMLU evaluation (arXiv 2406.18665): one CSV file a subject, `mmlu_<subject>.csv`.
//!
//! The header is `prompt,<model>,<model>...`; a prompt spans lines inside quotes, and a model's
//! cell says `True` or `False`: whether its answer was the right one.
//!
//! ```csv
//! prompt,small-model,large-model
//! "Which number is prime?
//! A. 8
//! B. 11
//! Answer:",False,True
//! ```
//!
//! The rows' data set is `mmlu`, their category the subject, their id `mmlu_<subject>-<position
//! from 0>`. Line ends inside prompts are read as `\n` whatever the file has. RouteLLM leaves out
//! the prompts it found in its training data: those equal to an `eval_prompt` of its contamination
//! list, which [`contaminated_prompts`] reads and [`remove_contaminated`] applies.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use csv::{ByteRecord, ReaderBuilder};
use serde::Deserialize;

use super::files::{read_bytes, stem_of, strip_bom};
use super::row_sink::{BadRow, ParsedRow, RowFault, RowSink, checked_utf8};
use super::{DataError, Outcomes};

/// The data set's name in every row.
pub const DATASET: &str = "mmlu";

const EXPECTED_HEADER: &str = "prompt, then one column a model";

pub(super) fn read_files(files: &[PathBuf], sink: &mut RowSink) -> Result<(), DataError> {
    let mut models: Option<Vec<String>> = None;
    for file in files {
        let own = read_file(file, models.as_deref(), sink)?;
        models.get_or_insert(own);
    }
    Ok(())
}

/// Reads one subject; `expected` are the model columns of the files before it.
fn read_file(
    path: &Path,
    expected: Option<&[String]>,
    sink: &mut RowSink,
) -> Result<Vec<String>, DataError> {
    sink.start_file(path);
    let bytes = read_bytes(path)?;
    sink.hash(&bytes);
    let text = strip_bom(&bytes);
    if text.trim_ascii().is_empty() {
        return Err(DataError::EmptyFile { path: path.to_owned(), expected: EXPECTED_HEADER });
    }
    let stem = stem_of(path);
    let mut records = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
    let mut lines = LineCounter { text, at: 0, line: 1 };
    let mut record = ByteRecord::new();
    let mut models: Option<Vec<String>> = None;
    let mut position = 0_usize;
    while records.read_byte_record(&mut record).map_err(|error| csv_error(path, error))? {
        let start = record.position().map_or(0, csv::Position::byte);
        let line = lines.line_of_record(start as usize);
        let Some(models) = &models else {
            models = Some(header(path, &record, expected)?);
            continue;
        };
        sink.push(line, parse(&record, models, &stem, position))?;
        position += 1;
    }
    Ok(models.unwrap_or_default())
}

fn header(
    path: &Path,
    record: &ByteRecord,
    expected: Option<&[String]>,
) -> Result<Vec<String>, DataError> {
    let columns: Vec<String> =
        record.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect();
    let bad = |expected: String| DataError::BadHeader {
        path: path.to_owned(),
        found: columns.join(", "),
        expected,
    };
    let Some((first, models)) = columns.split_first() else {
        return Err(bad(EXPECTED_HEADER.to_owned()));
    };
    let unique: HashSet<&String> = models.iter().collect();
    let named = models.iter().all(|model| !model.trim().is_empty() && !model.contains('\u{FFFD}'));
    if first != "prompt" || models.is_empty() || unique.len() != models.len() || !named {
        return Err(bad(format!("{EXPECTED_HEADER}, each named once, in UTF-8")));
    }
    match expected {
        Some(expected) if expected != models => {
            Err(bad(format!("those of the files before it: prompt, {}", expected.join(", "))))
        }
        _ => Ok(models.to_vec()),
    }
}

fn parse(
    record: &ByteRecord,
    models: &[String],
    stem: &str,
    position: usize,
) -> Result<ParsedRow, RowFault> {
    if record.len() != models.len() + 1 {
        return Err(RowFault::new(
            "wrong_column_count",
            format!(
                "found {} columns, expected {} as in the header (a quote may be missing or unclosed)",
                record.len(),
                models.len() + 1
            ),
        ));
    }
    let mut cells = record.iter();
    let prompt = checked_utf8(cells.next().unwrap_or_default())?;
    let mut scores = Vec::with_capacity(models.len());
    for (model, cell) in models.iter().zip(cells) {
        scores.push((model.clone(), correct(model, checked_utf8(cell)?)?));
    }
    Ok(ParsedRow {
        id: format!("{stem}-{position}"),
        query: prompt.replace("\r\n", "\n"),
        dataset: DATASET.to_owned(),
        category: Some(stem.strip_prefix("mmlu_").unwrap_or(stem).to_owned()),
        cluster: None,
        scores,
    })
}

fn correct(model: &str, cell: &str) -> Result<f32, RowFault> {
    match cell.trim() {
        word if word.eq_ignore_ascii_case("true") => Ok(1.0),
        word if word.eq_ignore_ascii_case("false") => Ok(0.0),
        "" => Err(RowFault::new(
            "empty_cell",
            format!("found an empty cell for {model:?}, expected True or False"),
        )),
        other => Err(RowFault::new(
            "unknown_boolean",
            format!("found {other:?} for {model:?}, expected True or False"),
        )),
    }
}

fn csv_error(path: &Path, error: csv::Error) -> DataError {
    // Bytes in memory, any UTF-8, any number of columns: the parser has nothing left to refuse.
    DataError::Io { path: path.to_owned(), source: error.into() }
}

/// Lines of ascending byte positions.
struct LineCounter<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

impl LineCounter<'_> {
    /// The line of the first byte of the record reported at `start`. The parser reports the end of
    /// the record before, so blank lines between the two are stepped over.
    fn line_of_record(&mut self, start: usize) -> u64 {
        let rest = self.text.get(start..).unwrap_or_default();
        let blank = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let begin = start + blank;
        let passed = self.text.get(self.at..begin).unwrap_or_default();
        self.line += passed.iter().filter(|&&byte| byte == b'\n').count() as u64;
        self.at = self.at.max(begin);
        self.line
    }
}

#[derive(Deserialize)]
#[serde(expecting = "an object with eval_prompt")]
struct Contaminated {
    eval_prompt: String,
}

/// Reads RouteLLM's contamination list: one JSON object a line, whose `eval_prompt` is a prompt of
/// the evaluation that also stood in the training data.
///
/// # Errors
/// [`DataError::Io`], [`DataError::EmptyFile`] and [`DataError::BadRow`].
pub fn contaminated_prompts(path: &Path) -> Result<HashSet<String>, DataError> {
    let bytes = read_bytes(path)?;
    let mut prompts = HashSet::new();
    for (at, line) in strip_bom(&bytes).split(|&byte| byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let row: Contaminated = serde_json::from_slice(line).map_err(|error| {
            DataError::BadRow(BadRow {
                file: path.display().to_string(),
                line: at as u64 + 1,
                code: "bad_contaminated_prompt",
                reason: format!("found {error}, expected an object with eval_prompt"),
            })
        })?;
        prompts.insert(row.eval_prompt);
    }
    if prompts.is_empty() {
        return Err(DataError::EmptyFile {
            path: path.to_owned(),
            expected: "one JSON object with eval_prompt a line",
        });
    }
    Ok(prompts)
}

/// Leaves out the rows whose query equals a contaminated prompt, and says how many those were.
#[must_use]
pub fn remove_contaminated(outcomes: &Outcomes, prompts: &HashSet<String>) -> (Outcomes, usize) {
    let kept: Vec<usize> = outcomes
        .rows
        .iter()
        .enumerate()
        .filter(|(_, row)| !prompts.contains(&row.query))
        .map(|(at, _)| at)
        .collect();
    let removed = outcomes.rows.len() - kept.len();
    (outcomes.select(&kept), removed)
}
