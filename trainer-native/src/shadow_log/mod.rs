//! Reads what a gateway logged of a router: a downloaded bucket with `decisions/`, `verdicts/` and `outcomes/`
//! (docs/GATEWAY.md, "Logs, feedback and new bundles").
//!
//! A verdict belongs to the decision of the same id. Rows are streamed: what stays in memory is about 200 bytes a verdict
//! and 30 a decision, never a text. A second row of an id, a row that is not as it should be and a drawn request
//! without a verdict are counted and told, and take no part.

mod clock;
mod decision;
mod files;
mod reading;
mod totals;
mod verdict;

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use serde::Deserialize;

use crate::error::TrainerError;
use crate::eval::shadow::{Compared, Missing, SliceName};
use reading::Reading;

pub use clock::{day, name as day_name};
pub use files::{Days, Place};
pub use totals::{BadRow, Counts, Feedback, Observed};
pub use verdict::{BundleName, Verdict};

/// Folders of a log.
const DECISIONS_FOLDER: &str = "decisions";
pub const VERDICTS_FOLDER: &str = "verdicts";
pub const OUTCOMES_FOLDER: &str = "outcomes";

/// What to read of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    pub days: Days,
    /// The name of a bundle, or the beginning of its hash; that of the last verdict where absent.
    pub bundle: Option<String>,
}

/// What a log holds of one bundle and one pair.
#[derive(Debug, Clone, PartialEq)]
pub struct ShadowLog {
    pub bundle: BundleName,
    pub strong: String,
    pub weak: String,
    /// Comparisons, in the order of time.
    pub rows: Vec<Compared>,
    pub missing: Vec<Missing>,
    /// Win rates of all requests that could be drawn.
    pub win_rates: Vec<f64>,
    /// Tasks and keys, to which rows refer.
    pub slices: Vec<SliceName>,
    /// Names of the judges.
    pub judges: Vec<String>,
    /// USD of the judges' answers.
    pub judge_usd: f64,
    /// First and last day of a comparison.
    pub days: (i64, i64),
    pub counts: Counts,
    pub observed: Observed,
    pub feedback: Vec<Feedback>,
}

/// Reads a log's comparisons of one bundle and one pair, joined with its decisions.
///
/// # Errors
/// [`TrainerError::File`]; [`TrainerError::NothingToScore`] where no comparison is left, saying why.
pub fn read(log: &Path, options: &Options) -> Result<ShadowLog, TrainerError> {
    Reading::read(log, options)
}

/// Visits every verdict of the days that passes its checks, each id once; returns the counts of those that do not.
///
/// # Errors
/// [`TrainerError::File`].
pub fn for_each_verdict(
    log: &Path,
    days: Days,
    visit: &mut dyn FnMut(Verdict),
) -> Result<Counts, TrainerError> {
    let mut counts = Counts::default();
    let mut seen = HashSet::new();
    let others = files::for_each(&log.join(VERDICTS_FOLDER), days, &mut |place, text| match text
        .and_then(|text| verdict::parse(place, text))
    {
        Ok(verdict) if !days.hold(verdict.day) => {}
        Ok(verdict) if !seen.insert(hash(&verdict.id)) => counts.duplicate_verdicts += 1,
        Ok(verdict) => {
            counts.verdicts += 1;
            visit(verdict);
        }
        Err(detail) => counts.bad.push(log, place, detail),
    })?;
    counts.other_files.extend(log, others);
    Ok(counts)
}

/// Visits every row of feedback of the days that passes its checks, each id once; returns the counts of those that do
/// not.
///
/// # Errors
/// [`TrainerError::File`].
pub fn for_each_feedback(
    log: &Path,
    days: Days,
    visit: &mut dyn FnMut(FeedbackRow),
) -> Result<Counts, TrainerError> {
    let mut counts = Counts::default();
    let mut seen = HashSet::new();
    let others = files::for_each(&log.join(OUTCOMES_FOLDER), days, &mut |place, text| match text
        .and_then(feedback_row)
    {
        Ok(row) if !seen.insert(hash(&row.id)) => counts.duplicate_outcomes += 1,
        Ok(row) => visit(row),
        Err(detail) => counts.bad.push(log, place, detail),
    })?;
    counts.other_files.extend(log, others);
    Ok(counts)
}

/// A number of an id; that two of a million ids share one has a chance of 3 in 10^8.
fn hash(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

/// Scores that a caller gave the answers of the LLMs that were called, of which a cascade has two.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct FeedbackRow {
    /// The decision's id.
    pub id: String,
    /// The query, where the log holds it.
    pub query: Option<String>,
    pub scores: BTreeMap<String, f64>,
}

fn feedback_row(text: &str) -> Result<FeedbackRow, String> {
    let found: FeedbackRow = serde_json::from_str(text)
        .map_err(|error| format!("{error}, expected a row of feedback"))?;
    match found.scores.values().find(|score| !(0.0..=1.0).contains(*score)) {
        None => Ok(found),
        Some(bad) => Err(format!("found the score {bad}, expected a number in [0, 1]")),
    }
}

#[cfg(test)]
mod tests;
