//! Converts public originals and people's own evaluations to outcomes JSONL, one row a question.
//!
//! [`Original`] lists the layouts. Questions that only some models answered are kept. Entries that cannot
//! be read are reported and skipped; a file of another layout is refused.
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

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

pub use super::evaluations::{Conversion, ModelSource, Original};
use super::{BadRow, DataError, Outcomes, ReadOptions, evaluations, outcomes_jsonl};

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
    /// Entries that are sound and hold no scored answer to a text, by what they are.
    pub passed_over: BTreeMap<&'static str, usize>,
    /// Answers whose question has another text than in the first file that holds it.
    pub other_texts: usize,
    /// Log lines not read, because they score an answer again through another filter.
    pub other_filters: usize,
    /// Answers averaged with an earlier one of the same model to the same question.
    pub repeated: usize,
    /// Answers left out for those of a newer file.
    pub superseded: usize,
    /// These and other counts in words.
    notes: Vec<String>,
    /// Scores that the files hold beside those that were read.
    pub other_scores: BTreeSet<String>,
}

/// Reads the sources of a conversion and joins their answers by question.
///
/// # Errors
/// [`DataError::BadFile`] for a file of another layout, [`DataError::NoRows`] where no answer is left, and
/// the errors of reading files.
pub fn convert(conversion: &Conversion) -> Result<Converted, DataError> {
    let joined = evaluations::join(conversion, &ReadOptions { skip_bad: true })?;
    let notes = joined.notes();
    let log = joined.log;
    if joined.outcomes.rows.is_empty() {
        let path = conversion.sources.first().map(|source| source.path.clone()).unwrap_or_default();
        return Err(log.no_rows(&path));
    }
    Ok(Converted {
        outcomes: joined.outcomes,
        files: log.files_started,
        older: joined.older,
        bad_rows: log.bad_rows,
        bad_count: log.bad_count,
        passed_over: log.passed_over,
        other_texts: joined.other_texts,
        other_filters: joined.other_filters,
        repeated: joined.repeated,
        superseded: joined.superseded,
        notes,
        other_scores: log.other_scores,
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
        if self.bad_count > 0 {
            write!(f, "\n{} entries skipped as bad", self.bad_count)?;
        }
        for note in &self.notes {
            write!(f, "\n{note}")?;
        }
        for (what, count) in &self.passed_over {
            write!(f, "\n{count} {what} passed over")?;
        }
        if !self.other_scores.is_empty() {
            let names = Vec::from_iter(self.other_scores.iter().cloned()).join(", ");
            write!(f, "\nother scores, which --metric reads: {names}")?;
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

#[cfg(test)]
mod tests;
