//! Records of reading a source besides its rows: the hash, the bad rows, the ignored columns, where each id
//! stands. Outcomes, preferences, labels and prompts use the same log.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::bad_row::{BadRow, RowFault};
use super::{DataError, ReadOptions};

/// Number of bad rows whose reasons are kept; further ones are only counted.
pub const MAX_STORED_BAD_ROWS: usize = 100;

/// Most names kept of scores that are not read.
const MAX_OTHER_SCORES: usize = 50;

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
    /// Rows that are sound and hold nothing to read, by what they are (a plural noun).
    pub passed_over: BTreeMap<&'static str, usize>,
    pub ignored_columns: BTreeSet<String>,
    /// What else happened, in words, for a report.
    pub notes: Vec<String>,
    /// Names of scores that stand in the files and are not read.
    pub other_scores: BTreeSet<String>,
    /// File and line of each id.
    ids: HashMap<u64, (usize, u64)>,
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
            passed_over: BTreeMap::new(),
            ignored_columns: BTreeSet::new(),
            notes: Vec::new(),
            other_scores: BTreeSet::new(),
            ids: HashMap::new(),
        }
    }

    /// Checks that the id of a row was not recorded before.
    ///
    /// # Errors
    /// `duplicate_id`, with the place of the first row.
    pub fn check_new_id(&self, id: &str) -> Result<(), RowFault> {
        let Some(&(file, line)) = self.ids.get(&fingerprint(id)) else { return Ok(()) };
        let file = self.files_started.get(file);
        let file = file.map_or_else(String::new, |file| file.display().to_string());
        Err(RowFault::new(
            "duplicate_id",
            format!(
                "found the id {id:?} again (first at {file}:{line}), expected ids to be unique"
            ),
        ))
    }

    /// Records the id of a row that is taken.
    pub fn record_id(&mut self, id: &str, line: u64) {
        let file = self.files_started.len().saturating_sub(1);
        self.ids.insert(fingerprint(id), (file, line));
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

    /// Sets the member of the archive `file` that the next rows come from.
    pub fn start_member(&mut self, file: &Path, member: &str) {
        self.file = file.join(member);
    }

    /// Notes the name of a score that is not read, of the first [`MAX_OTHER_SCORES`].
    pub fn note_other_score(&mut self, name: &str) {
        if self.other_scores.len() < MAX_OTHER_SCORES && !self.other_scores.contains(name) {
            self.other_scores.insert(name.to_owned());
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

    /// Counts a row that is sound and holds nothing to read; `what` is a plural noun.
    pub fn pass_over(&mut self, what: &'static str) {
        *self.passed_over.entry(what).or_default() += 1;
    }

    /// The error of a source without rows, with what became of those that it has.
    pub fn no_rows(&self, path: &Path) -> DataError {
        let passed = |(what, count): (&&str, &usize)| format!(", {count} {what} passed over");
        let mut passed_over: String = self.passed_over.iter().map(passed).collect();
        if let Some(BadRow { file, line, reason, .. }) = self.bad_rows.first() {
            passed_over += &format!("; the first bad one, {file}:{line}: {reason}");
        }
        DataError::NoRows { path: path.to_owned(), bad: self.bad_count, passed_over }
    }

    /// SHA-256 of the bytes hashed so far, in lower-case hexadecimal.
    pub fn sha256(&self) -> String {
        self.hasher.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Checks that a query has text.
///
/// # Errors
/// `empty_query`.
pub(super) fn check_query(query: &str) -> Result<(), RowFault> {
    match query.trim().is_empty() {
        true => {
            Err(RowFault::new("empty_query", "found an empty query, expected the text to route"))
        }
        false => Ok(()),
    }
}

/// Hashes a text to eight bytes, so that a million ids or questions take some megabytes. Among a
/// million different texts, two have the same fingerprint with a chance of about 3e-8.
pub(super) fn fingerprint(text: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
