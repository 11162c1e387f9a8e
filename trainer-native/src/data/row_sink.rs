//! Where readers put rows: the checks that every format shares, and the count of bad rows.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{DataError, Format, Loaded, OutcomeRow, Outcomes, ReadOptions};

/// How many bad rows keep their reasons; further ones are only counted.
pub const MAX_STORED_BAD_ROWS: usize = 100;

/// A row that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// The file, as the caller named it.
    pub file: String,
    /// The line where the row begins, from 1.
    pub line: u64,
    /// A stable name for programs, such as `missing_field`.
    pub code: &'static str,
    /// What was found and what was expected.
    pub reason: String,
}

/// Why a row is refused, before it is known where it stands.
#[derive(Debug)]
pub(super) struct RowFault {
    pub code: &'static str,
    pub reason: String,
}

impl RowFault {
    pub fn new(code: &'static str, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }
}

/// A row as a reader understood it, with models by name.
#[derive(Debug)]
pub(super) struct ParsedRow {
    pub id: String,
    pub query: String,
    pub dataset: String,
    pub category: Option<String>,
    pub cluster: Option<u32>,
    pub scores: Vec<(String, f32)>,
}

/// Collects the rows of all files of one source.
pub(super) struct RowSink {
    skip_bad: bool,
    outcomes: Outcomes,
    model_indices: HashMap<String, usize>,
    ids: HashMap<String, (usize, u64)>,
    file: PathBuf,
    files_started: Vec<PathBuf>,
    hasher: Sha256,
    bytes: u64,
    bad_rows: Vec<BadRow>,
    bad_count: usize,
}

impl RowSink {
    pub fn new(options: &ReadOptions) -> Self {
        Self {
            skip_bad: options.skip_bad,
            outcomes: Outcomes::default(),
            model_indices: HashMap::new(),
            ids: HashMap::new(),
            file: PathBuf::new(),
            files_started: Vec::new(),
            hasher: Sha256::new(),
            bytes: 0,
            bad_rows: Vec::new(),
            bad_count: 0,
        }
    }

    /// Says which file the next rows come from.
    pub fn start_file(&mut self, file: &Path) {
        self.file = file.to_owned();
        self.files_started.push(file.to_owned());
    }

    /// Counts and hashes bytes of the source, in file order.
    pub fn hash(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    /// Takes a row or the reason why it is none.
    pub fn push(&mut self, line: u64, row: Result<ParsedRow, RowFault>) -> Result<(), DataError> {
        match row.and_then(|row| self.check(row)) {
            Ok(row) => {
                self.accept(line, row);
                Ok(())
            }
            Err(fault) => self.reject(line, fault),
        }
    }

    fn check(&self, row: ParsedRow) -> Result<ParsedRow, RowFault> {
        if row.query.trim().is_empty() {
            return Err(RowFault::new(
                "empty_query",
                "found an empty query, expected the text to route",
            ));
        }
        if row.scores.is_empty() {
            return Err(RowFault::new(
                "no_scores",
                "found no score of any model, expected at least one",
            ));
        }
        if let Some(&(file, line)) = self.ids.get(&row.id) {
            let file =
                self.files_started.get(file).map_or_else(String::new, |f| f.display().to_string());
            return Err(RowFault::new(
                "duplicate_id",
                format!(
                    "found the id {:?} again (first at {file}:{line}), expected ids to be unique",
                    row.id
                ),
            ));
        }
        Ok(row)
    }

    fn accept(&mut self, line: u64, row: ParsedRow) {
        self.ids.insert(row.id.clone(), (self.files_started.len().saturating_sub(1), line));
        let mut scores = Vec::with_capacity(row.scores.len());
        for (model, score) in row.scores {
            let next = self.outcomes.models.len();
            let at = match self.model_indices.get(&model) {
                Some(&at) => at,
                None => {
                    self.model_indices.insert(model.clone(), next);
                    self.outcomes.models.push(model);
                    next
                }
            };
            scores.push((at, score));
        }
        scores.sort_by_key(|&(model, _)| model);
        self.outcomes.rows.push(OutcomeRow {
            id: row.id,
            query: row.query,
            dataset: row.dataset,
            category: row.category,
            cluster: row.cluster,
            scores,
        });
    }

    fn reject(&mut self, line: u64, fault: RowFault) -> Result<(), DataError> {
        let bad = BadRow {
            file: self.file.display().to_string(),
            line,
            code: fault.code,
            reason: fault.reason,
        };
        if !self.skip_bad {
            return Err(DataError::BadRow(bad));
        }
        self.bad_count += 1;
        if self.bad_rows.len() < MAX_STORED_BAD_ROWS {
            self.bad_rows.push(bad);
        }
        Ok(())
    }

    pub fn finish(
        self,
        path: &Path,
        format: Format,
        files: Vec<PathBuf>,
    ) -> Result<Loaded, DataError> {
        if self.outcomes.rows.is_empty() {
            return Err(DataError::NoRows { path: path.to_owned(), bad: self.bad_count });
        }
        if let [model] = self.outcomes.models.as_slice() {
            return Err(DataError::TooFewModels { path: path.to_owned(), model: model.clone() });
        }
        Ok(Loaded {
            outcomes: self.outcomes,
            format,
            sha256: self.hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect(),
            files,
            bytes: self.bytes,
            bad_rows: self.bad_rows,
            bad_count: self.bad_count,
        })
    }
}

/// A score as stored, if it is one: finite and in [0, 1].
pub(super) fn checked_score(model: &str, value: f64) -> Result<f32, RowFault> {
    if value.is_finite() && (0.0..=1.0).contains(&value) {
        Ok(value as f32)
    } else {
        Err(RowFault::new(
            "score_out_of_range",
            format!("found the score {value} for {model:?}, expected a number in [0, 1]"),
        ))
    }
}

/// The text, or the fault that names the first byte which is not UTF-8.
pub(super) fn checked_utf8(bytes: &[u8]) -> Result<&str, RowFault> {
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let byte = bytes.get(at).copied().unwrap_or_default();
        RowFault::new(
            "not_utf8",
            format!("found the byte 0x{byte:02x} {at} bytes into the text, expected UTF-8 (save the file as UTF-8)"),
        )
    })
}
