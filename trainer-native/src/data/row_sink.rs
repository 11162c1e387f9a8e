//! Checks the rows of every format of outcomes. Rows that pass are handed on one by one, so that a
//! source can be inspected without being kept.

use std::collections::HashMap;

use super::bad_row::RowFault;
use super::source_log::{Sink, SourceLog, check_query};
use super::{DataError, OutcomeRow, ReadOptions};

/// A row as a reader parsed it, with models by name.
#[derive(Debug, Default)]
pub(super) struct ParsedRow {
    pub id: String,
    pub query: String,
    pub dataset: String,
    pub category: Option<String>,
    pub cluster: Option<u32>,
    pub scores: Vec<(String, f32)>,
    pub costs: Vec<(String, f32)>,
    /// What a score of 1 stands for in the source's unit; 0 means that the source does not state
    /// it, which counts as 1.
    pub score_scale: f32,
}

/// Checks the rows of all files of one source and hands them on.
pub(super) struct RowSink<'a> {
    pub log: SourceLog,
    /// In order of first appearance.
    pub models: Vec<String>,
    pub score_scale: Option<f32>,
    pub rows: usize,
    model_indices: HashMap<String, usize>,
    take: &'a mut dyn FnMut(OutcomeRow),
}

impl Sink for RowSink<'_> {
    fn log(&mut self) -> &mut SourceLog {
        &mut self.log
    }
}

impl<'a> RowSink<'a> {
    pub fn new(options: &ReadOptions, take: &'a mut dyn FnMut(OutcomeRow)) -> Self {
        Self {
            log: SourceLog::new(options),
            models: Vec::new(),
            score_scale: None,
            rows: 0,
            model_indices: HashMap::new(),
            take,
        }
    }

    /// Takes a row, or the reason why it is refused.
    pub fn push(&mut self, line: u64, row: Result<ParsedRow, RowFault>) -> Result<(), DataError> {
        match row.and_then(|row| self.check(row)) {
            Ok(row) => {
                self.accept(line, row);
                Ok(())
            }
            Err(fault) => self.log.reject(line, fault),
        }
    }

    fn check(&self, mut row: ParsedRow) -> Result<ParsedRow, RowFault> {
        check_query(&row.query)?;
        if row.scores.is_empty() {
            return Err(RowFault::new(
                "no_scores",
                "found no score of any model, expected at least one",
            ));
        }
        if row.score_scale == 0.0 {
            row.score_scale = 1.0;
        }
        if let Some(scale) = self.score_scale
            && scale != row.score_scale
        {
            return Err(RowFault::new(
                "mixed_score_scale",
                format!(
                    "found the score scale {}, expected {scale} as in the rows before it",
                    row.score_scale
                ),
            ));
        }
        self.log.check_new_id(&row.id)?;
        Ok(row)
    }

    fn accept(&mut self, line: u64, row: ParsedRow) {
        self.log.record_id(&row.id, line);
        self.score_scale = Some(row.score_scale);
        self.rows += 1;
        let scores = self.indexed(row.scores);
        let costs = self.indexed(row.costs);
        (self.take)(OutcomeRow {
            id: row.id,
            query: row.query,
            dataset: row.dataset,
            category: row.category,
            cluster: row.cluster,
            scores,
            costs,
        });
    }

    fn indexed(&mut self, named: Vec<(String, f32)>) -> Vec<(usize, f32)> {
        let mut values: Vec<(usize, f32)> =
            named.into_iter().map(|(model, value)| (self.model(model), value)).collect();
        values.sort_by_key(|&(model, _)| model);
        values
    }

    fn model(&mut self, name: String) -> usize {
        if let Some(&at) = self.model_indices.get(&name) {
            return at;
        }
        let next = self.models.len();
        self.model_indices.insert(name.clone(), next);
        self.models.push(name);
        next
    }
}
