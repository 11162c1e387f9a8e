//! Converts public originals to outcomes: files of one model's answers, joined to one row a question.
//!
//! [`Original`] lists the layouts. A question is known by its id, and the first file that holds it
//! gives its text. Questions that only some models answered are kept. Entries that cannot be read
//! are reported and skipped; a file of another layout is refused.
//!
//! ```no_run
//! use pointsman_trainer::data::convert::{Conversion, ModelSource, Original, convert};
//!
//! # fn main() -> Result<(), pointsman_trainer::data::DataError> {
//! let sources = vec![ModelSource::parse("eval_results"), ModelSource::parse("own=answers.json")];
//! let converted = convert(&Conversion::new(Original::MmluPro, sources))?;
//! println!("{converted}");
//! # Ok(())
//! # }
//! ```

mod lm_eval;
mod mmlu_pro;

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::bad_row::RowFault;
use super::source_log::{Sink, SourceLog};
use super::{BadRow, DataError, OutcomeRow, Outcomes, ReadOptions, outcomes_jsonl};

/// A file may give this many questions another text than the files before it; more are refused
/// where they exceed 1 % of the questions that the file shares with them.
const MOST_OTHER_TEXTS: usize = 10;

/// A public layout to convert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Original {
    /// MMLU-Pro's `eval_results`: one JSON array of answers a model.
    MmluPro,
    /// Per-sample logs of lm-evaluation-harness: `samples_<task>_<time>.jsonl`.
    LmEval,
}

/// A file or folder to convert, with the name of the model that answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelSource {
    /// `None`: the layout's own name, from the file's or folder's name.
    pub model: Option<String>,
    pub path: PathBuf,
}

impl ModelSource {
    /// Parses `PATH` or `MODEL=PATH`. A path that exists is never split.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.split_once('=') {
            Some((model, path)) if !model.is_empty() && !Path::new(text).exists() => {
                Self { model: Some(model.to_owned()), path: path.into() }
            }
            _ => Self { model: None, path: text.into() },
        }
    }
}

/// What to convert, and which part of it.
#[derive(Debug, Clone)]
pub struct Conversion {
    pub from: Original,
    pub sources: Vec<ModelSource>,
    /// Tasks of logs to take, by their beginning; empty for all.
    pub only: Vec<String>,
    /// Tasks of logs to leave out, by their beginning.
    pub without: Vec<String>,
    /// Metric of logs that is the score; `None`: the first that the log lists.
    pub metric: Option<String>,
}

impl Conversion {
    /// Everything that `sources` hold.
    #[must_use]
    pub fn new(from: Original, sources: Vec<ModelSource>) -> Self {
        Self { from, sources, only: Vec::new(), without: Vec::new(), metric: None }
    }

    fn takes(&self, task: &str) -> bool {
        let listed = |list: &[String]| list.iter().any(|start| task.starts_with(start.as_str()));
        (self.only.is_empty() || listed(&self.only)) && !listed(&self.without)
    }
}

/// The joined rows, and what was skipped on the way.
#[derive(Debug, Clone)]
pub struct Converted {
    pub outcomes: Outcomes,
    /// The files read, in order.
    pub files: Vec<PathBuf>,
    /// Logs not read, because a newer log of the same model and task was found.
    pub older: Vec<PathBuf>,
    /// The first [`MAX_STORED_BAD_ROWS`](super::MAX_STORED_BAD_ROWS) entries skipped.
    pub bad_rows: Vec<BadRow>,
    /// Number of entries skipped, including those that are not stored.
    pub bad_count: usize,
    /// Answers whose question has another text than in the first file that holds it.
    pub other_texts: usize,
    /// Log lines not read, because they score an answer again through another filter.
    pub other_filters: usize,
}

/// Reads the sources of a conversion and joins their answers by question.
///
/// # Errors
/// [`DataError::BadFile`] for a file of another layout, and the errors of reading files.
pub fn convert(conversion: &Conversion) -> Result<Converted, DataError> {
    let mut join = Join::new();
    let mut older = Vec::new();
    match conversion.from {
        Original::MmluPro => mmlu_pro::read(&conversion.sources, &mut join)?,
        Original::LmEval => older = lm_eval::read(conversion, &mut join)?,
    }
    for row in &mut join.outcomes.rows {
        row.scores.sort_by_key(|&(model, _)| model);
    }
    Ok(Converted {
        outcomes: join.outcomes,
        files: join.log.files_started,
        older,
        bad_rows: join.log.bad_rows,
        bad_count: join.log.bad_count,
        other_texts: join.other_texts,
        other_filters: join.other_filters,
    })
}

impl Converted {
    /// Writes the rows as outcomes JSONL, beside `path` first and renamed when complete. Returns
    /// the file's SHA-256, in lower-case hexadecimal.
    ///
    /// # Errors
    /// Those of the system.
    pub fn write(&self, path: &Path) -> io::Result<String> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let partial = path.with_extension("partial");
        let mut writer =
            Hashed { inner: BufWriter::new(File::create(&partial)?), hash: Sha256::new() };
        outcomes_jsonl::write(&self.outcomes, &mut writer)?;
        writer.inner.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        std::fs::rename(&partial, path)?;
        Ok(writer.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl fmt::Display for Converted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcomes { models, rows, .. } = &self.outcomes;
        write!(f, "{} questions, {} models, {} files", rows.len(), models.len(), self.files.len())?;
        for (count, what) in [
            (self.bad_count, "entries skipped as bad"),
            (self.other_texts, "answers whose question has another text than in an earlier file"),
            (self.other_filters, "log lines skipped as scores through a further filter"),
            (self.older.len(), "logs skipped as older than another of the same model and task"),
        ] {
            if count > 0 {
                write!(f, "\n{count} {what}")?;
            }
        }
        Ok(())
    }
}

/// Hashes the bytes that it hands on.
struct Hashed<W> {
    inner: W,
    hash: Sha256,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// One model's answer to one question.
struct Answer {
    id: String,
    query: String,
    dataset: String,
    category: Option<String>,
    score: f32,
}

/// Rows by question's id, and the state of the file that is being read.
struct Join {
    log: SourceLog,
    outcomes: Outcomes,
    rows: HashMap<String, usize>,
    models: HashMap<String, usize>,
    other_texts: usize,
    other_filters: usize,
    file: FileCounts,
}

#[derive(Default)]
struct FileCounts {
    path: PathBuf,
    model: String,
    answers: usize,
    /// Answers to questions that an earlier file holds, and those of them with another text.
    shared: usize,
    other_texts: usize,
    first_fault: Option<String>,
}

impl Sink for Join {
    fn log(&mut self) -> &mut SourceLog {
        &mut self.log
    }
}

impl Join {
    fn new() -> Self {
        Self {
            log: SourceLog::new(&ReadOptions { skip_bad: true }),
            outcomes: Outcomes::default(),
            rows: HashMap::new(),
            models: HashMap::new(),
            other_texts: 0,
            other_filters: 0,
            file: FileCounts::default(),
        }
    }

    /// Begins the counts of a file. The caller logs the file's start.
    fn start(&mut self, path: &Path, model: &str) {
        let (path, model) = (path.to_owned(), model.to_owned());
        self.file = FileCounts { path, model, ..FileCounts::default() };
    }

    /// Takes an entry's answer, or logs why the entry holds no answer.
    fn push(&mut self, line: u64, answer: Result<Answer, RowFault>) -> Result<(), DataError> {
        match answer.and_then(|answer| self.add(answer)) {
            Ok(()) => Ok(()),
            Err(fault) => {
                self.file.first_fault.get_or_insert_with(|| fault.reason.clone());
                self.log.reject(line, fault)
            }
        }
    }

    fn add(&mut self, answer: Answer) -> Result<(), RowFault> {
        if answer.query.trim().is_empty() {
            return Err(RowFault::new(
                "empty_query",
                format!("found no text of the question {}, expected the text to route", answer.id),
            ));
        }
        let model = self.model();
        let Some(row) = self.rows.get(&answer.id).and_then(|&at| self.outcomes.rows.get_mut(at))
        else {
            self.rows.insert(answer.id.clone(), self.outcomes.rows.len());
            self.outcomes.rows.push(OutcomeRow {
                id: answer.id,
                query: answer.query,
                dataset: answer.dataset,
                category: answer.category,
                cluster: None,
                scores: vec![(model, answer.score)],
                costs: Vec::new(),
            });
            self.file.answers += 1;
            return Ok(());
        };
        if row.scores.iter().any(|&(scored, _)| scored == model) {
            return Err(RowFault::new(
                "duplicate_answer",
                format!(
                    "found a second answer of {} to {}, expected one (the first one counts)",
                    self.file.model, answer.id
                ),
            ));
        }
        row.scores.push((model, answer.score));
        let other = usize::from(row.query != answer.query);
        self.file.answers += 1;
        self.file.shared += 1;
        self.file.other_texts += other;
        self.other_texts += other;
        Ok(())
    }

    /// The place of the file's model among the models, added at its first answer.
    fn model(&mut self) -> usize {
        let models = &mut self.outcomes.models;
        *self.models.entry(self.file.model.clone()).or_insert_with_key(|name| {
            models.push(name.clone());
            models.len() - 1
        })
    }

    /// Ends a file: refuses one without an answer, or with the questions of another version.
    fn finish(&self, expected: &'static str, remedy: &str) -> Result<(), DataError> {
        let FileCounts { path, answers, shared, other_texts, first_fault, .. } = &self.file;
        if *answers == 0 {
            let found = match first_fault {
                Some(fault) => format!("no entry that can be read (first: {fault})"),
                None => "no entry".to_owned(),
            };
            let detail = format!("found {found}, expected {expected}. {remedy}");
            return Err(DataError::bad_file(path, detail));
        }
        if *other_texts > MOST_OTHER_TEXTS && other_texts * 100 > *shared {
            let detail = format!(
                "found another text of {other_texts} of {shared} questions than the files before it \
                 have under the same ids, expected the same questions and prompts in all files. \
                 Convert files of another version or prompt template by themselves"
            );
            return Err(DataError::bad_file(path, detail));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
