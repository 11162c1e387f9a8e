//! Records of reading a source besides its rows: the hash, the bad rows, the ignored columns.
//! Outcomes and preferences use the same log.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{DataError, ReadOptions};

/// Number of bad rows whose reasons are kept; further ones are only counted.
pub const MAX_STORED_BAD_ROWS: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct BadRow {
    /// The file, as the caller named it.
    pub file: String,
    /// The line where the row begins, from 1; in a parquet file the row's number, from 1.
    pub line: u64,
    /// A stable name for programs, such as `missing_field`.
    pub code: &'static str,
    /// What was found and what was expected.
    pub reason: String,
}

/// Why a row is refused, without its file and line.
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

/// A sink of rows that keeps a log of its source.
pub(super) trait Sink {
    fn log(&mut self) -> &mut SourceLog;
}

pub(super) struct SourceLog {
    skip_bad: bool,
    file: PathBuf,
    hasher: Sha256,
    pub files_started: Vec<PathBuf>,
    pub bytes: u64,
    pub bad_rows: Vec<BadRow>,
    pub bad_count: usize,
    /// Number of bad rows of each code.
    pub bad_codes: BTreeMap<&'static str, usize>,
    pub ignored_columns: BTreeSet<String>,
}

impl SourceLog {
    pub fn new(options: &ReadOptions) -> Self {
        Self {
            skip_bad: options.skip_bad,
            file: PathBuf::new(),
            hasher: Sha256::new(),
            files_started: Vec::new(),
            bytes: 0,
            bad_rows: Vec::new(),
            bad_count: 0,
            bad_codes: BTreeMap::new(),
            ignored_columns: BTreeSet::new(),
        }
    }

    /// Sets the file that the next rows come from.
    pub fn start_file(&mut self, file: &Path) {
        self.file = file.to_owned();
        self.files_started.push(file.to_owned());
    }

    /// Sets the file that the next rows come from to one that was started before.
    pub fn resume_file(&mut self, files: &[PathBuf], at: usize) {
        if let Some(file) = files.get(at) {
            self.file.clone_from(file);
        }
    }

    /// Counts and hashes bytes of the source, in file order.
    pub fn hash(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    /// Counts a bad row, or returns it as an error.
    pub fn reject(&mut self, line: u64, fault: RowFault) -> Result<(), DataError> {
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
        *self.bad_codes.entry(bad.code).or_default() += 1;
        if self.bad_rows.len() < MAX_STORED_BAD_ROWS {
            self.bad_rows.push(bad);
        }
        Ok(())
    }

    /// SHA-256 of the bytes hashed so far, in lower-case hexadecimal.
    pub fn sha256(&self) -> String {
        self.hasher.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Hashes a text to eight bytes, so that a million ids or questions take some megabytes. Among a
/// million different texts, two have the same fingerprint with a chance of about 3e-8.
pub(super) fn fingerprint(text: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Checks a score: finite and in [0, 1].
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

/// Checks a cost: finite and not negative.
pub(super) fn checked_cost(model: &str, value: f64) -> Result<f32, RowFault> {
    if (value as f32).is_finite() && value >= 0.0 {
        Ok(value as f32)
    } else {
        Err(RowFault::new(
            "cost_out_of_range",
            format!("found the cost {value} for {model:?}, expected US dollars, 0 or more"),
        ))
    }
}

/// Checks that bytes are UTF-8; the fault names the first byte that is not.
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
