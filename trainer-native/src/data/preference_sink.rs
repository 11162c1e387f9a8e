//! Checks the rows of every format of preferences. Rows that pass are handed on one by one.

use std::collections::HashSet;

use super::bad_row::RowFault;
use super::source_log::{Sink, SourceLog, check_query, fingerprint};
use super::{DataError, ReadOptions};

/// One query and which of two models did better on it.
#[derive(Debug, Clone, PartialEq)]
pub struct PreferenceRow {
    /// Unique within the source it was read from.
    pub id: String,
    pub query: String,
    /// The benchmark or set it belongs to.
    pub dataset: String,
    /// The first model.
    pub model_a: String,
    /// The second model, different from the first.
    pub model_b: String,
    /// 1 where `model_a` wins, 0 where `model_b` does, 0.5 for a tie; other values where outcomes
    /// are scores.
    pub target: f32,
    /// How much the row counts, above 0; 1 unless the source says otherwise.
    pub weight: f32,
}

impl PreferenceRow {
    /// Whether neither model did better.
    #[must_use]
    pub fn is_tie(&self) -> bool {
        self.target == 0.5
    }
}

/// Checks the rows of all files of one source and hands them on.
pub(super) struct PreferenceSink<'a> {
    pub log: SourceLog,
    pub rows: usize,
    ids: HashSet<u64>,
    visit: &'a mut dyn FnMut(PreferenceRow) -> Result<(), DataError>,
}

impl Sink for PreferenceSink<'_> {
    fn log(&mut self) -> &mut SourceLog {
        &mut self.log
    }
}

impl<'a> PreferenceSink<'a> {
    pub fn new(
        options: &ReadOptions,
        visit: &'a mut dyn FnMut(PreferenceRow) -> Result<(), DataError>,
    ) -> Self {
        Self { log: SourceLog::new(options), rows: 0, ids: HashSet::new(), visit }
    }

    /// Takes a row, or the reason why it is refused.
    pub fn push(
        &mut self,
        line: u64,
        row: Result<PreferenceRow, RowFault>,
    ) -> Result<(), DataError> {
        match row.and_then(|row| self.check(row)) {
            Ok(row) => {
                self.rows += 1;
                (self.visit)(row)
            }
            Err(fault) => self.log.reject(line, fault),
        }
    }

    fn check(&mut self, row: PreferenceRow) -> Result<PreferenceRow, RowFault> {
        check_query(&row.query)?;
        if row.model_a.trim().is_empty() || row.model_b.trim().is_empty() {
            return Err(RowFault::new(
                "empty_model_name",
                format!(
                    "found the models {:?} and {:?}, expected two names",
                    row.model_a, row.model_b
                ),
            ));
        }
        if row.model_a == row.model_b {
            return Err(RowFault::new(
                "same_model",
                format!("found {:?} on both sides, expected two models", row.model_a),
            ));
        }
        if !self.ids.insert(fingerprint(&row.id)) {
            return Err(RowFault::new(
                "duplicate_id",
                format!("found the id {:?} again, expected ids to be unique", row.id),
            ));
        }
        Ok(row)
    }
}
