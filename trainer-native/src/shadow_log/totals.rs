//! Counts and sums of what a log holds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files::Place;

/// Most bad rows, and other files, that are named.
const NAMED: usize = 10;

/// Counts of rows, by what became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Decisions, each id once.
    pub decisions: usize,
    /// Requests that failed before they were rated.
    pub not_rated: usize,
    /// Decisions of other bundles than the one reported on.
    pub of_other_bundles: usize,
    /// Decisions of the bundle that could be drawn.
    pub eligible: usize,
    /// Of these, drawn for comparison.
    pub drawn: usize,
    /// Of these, without a verdict.
    pub without_verdict: usize,
    /// Verdicts, each id once.
    pub verdicts: usize,
    /// Comparisons of the bundle and pair reported on.
    pub compared: usize,
    /// Verdicts of other bundles or pairs.
    pub of_other_groups: usize,
    /// Comparisons whose decision is not in the log.
    pub without_decision: usize,
    /// Verdicts of comparisons that failed, by what failed, of all bundles.
    pub failed: BTreeMap<String, usize>,
    pub duplicate_decisions: usize,
    pub duplicate_verdicts: usize,
    pub duplicate_outcomes: usize,
    /// Rows of feedback.
    pub outcomes: usize,
    pub bad: Bad,
    pub other_files: OtherFiles,
}

/// Rows that are not as they should be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bad {
    pub count: usize,
    /// The first ones.
    pub rows: Vec<BadRow>,
}

/// A row that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRow {
    /// Path in the log.
    pub path: String,
    pub line: usize,
    /// What was found, and what was expected.
    pub detail: String,
}

/// Files that are neither `.json` nor `.jsonl`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherFiles {
    pub count: usize,
    /// The first ones.
    pub paths: Vec<String>,
}

impl Bad {
    pub(super) fn push(&mut self, log: &Path, place: Place<'_>, detail: String) {
        self.count += 1;
        if self.rows.len() < NAMED {
            let path = within(log, place.path);
            self.rows.push(BadRow { path, line: place.line, detail });
        }
    }

    pub(super) fn append(&mut self, other: Self) {
        self.count += other.count;
        self.rows.extend(other.rows);
        self.rows.truncate(NAMED);
    }
}

impl OtherFiles {
    pub(super) fn append(&mut self, other: Self) {
        self.count += other.count;
        self.paths.extend(other.paths);
        self.paths.truncate(NAMED);
    }

    pub(super) fn extend(&mut self, log: &Path, paths: Vec<PathBuf>) {
        self.count += paths.len();
        self.paths.extend(paths.iter().map(|path| within(log, path)));
        self.paths.truncate(NAMED);
    }
}

fn within(log: &Path, path: &Path) -> String {
    path.strip_prefix(log).unwrap_or(path).display().to_string()
}

/// What requests cost while the router only observed, and what they would have cost as it chose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// Requests of which both costs are known.
    pub priced: usize,
    /// Requests of which one is not.
    pub unpriced: usize,
    /// USD of what was called.
    pub called_usd: f64,
    /// USD of what would have been called, for answers of the same length.
    pub chosen_usd: f64,
}

impl Observed {
    pub(super) fn add(&mut self, costs: Option<[f64; 2]>) {
        match costs {
            None => self.unpriced += 1,
            Some([called, chosen]) => {
                self.priced += 1;
                self.called_usd += called;
                self.chosen_usd += chosen;
            }
        }
    }
}

/// Scores that callers gave an LLM's answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Feedback {
    pub model: String,
    pub scores: usize,
    pub sum: f64,
}

pub(super) fn add_feedback(all: &mut Vec<Feedback>, model: &str, score: f64) {
    let place = all.iter().position(|of| of.model == model);
    let place = place.unwrap_or_else(|| {
        all.push(Feedback { model: model.to_owned(), scores: 0, sum: 0.0 });
        all.len() - 1
    });
    if let Some(of) = all.get_mut(place) {
        of.scores += 1;
        of.sum += score;
    }
}
