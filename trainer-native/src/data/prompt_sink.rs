//! Checks the rows of every format of prompts. Rows that pass are handed on one by one.

use serde_json::Value;

use super::bad_row::RowFault;
use super::messages::{Asked, Role};
use super::source_log::{Sink, SourceLog, check_query};
use super::{DataError, ReadOptions};

/// One query, with the conversation that it ends.
#[derive(Debug, Clone, PartialEq)]
pub struct PromptRow {
    /// Unique within the source it was read from.
    pub id: String,
    /// The text to route: that of the last user turn.
    pub query: String,
    /// The turns to send to an LLM, oldest first; the last is the user's, and is `query`.
    pub messages: Vec<(Role, String)>,
    /// The set or project it belongs to.
    pub dataset: String,
    /// What a right answer is, as the source states it.
    pub gold: Option<Value>,
}

/// A row of a file, as a reader parsed it.
pub(super) enum Entry {
    Prompt(PromptRow),
    /// No prompt, and nothing wrong with the row; the reason is a plural noun, for counts.
    PassedOver(&'static str),
}

impl Entry {
    /// The prompt that a conversation asks.
    pub fn of(asked: Asked, id: String, dataset: String) -> Self {
        match asked {
            Asked::PassedOver(reason) => Entry::PassedOver(reason),
            Asked::Conversation { query, messages } => {
                Entry::Prompt(PromptRow { id, query, messages, dataset, gold: None })
            }
        }
    }
}

/// Checks the rows of all files of one source and hands them on.
pub(super) struct PromptSink<'a> {
    pub log: SourceLog,
    pub rows: usize,
    visit: &'a mut dyn FnMut(PromptRow) -> Result<(), DataError>,
}

impl Sink for PromptSink<'_> {
    fn log(&mut self) -> &mut SourceLog {
        &mut self.log
    }
}

impl<'a> PromptSink<'a> {
    pub fn new(
        options: &ReadOptions,
        visit: &'a mut dyn FnMut(PromptRow) -> Result<(), DataError>,
    ) -> Self {
        Self { log: SourceLog::new(options), rows: 0, visit }
    }

    /// Takes a row, or the reason why it is refused.
    pub fn push(&mut self, line: u64, entry: Result<Entry, RowFault>) -> Result<(), DataError> {
        match entry.and_then(|entry| self.check(entry)) {
            Ok(Entry::Prompt(row)) => {
                self.log.record_id(&row.id, line);
                self.rows += 1;
                (self.visit)(row)
            }
            Ok(Entry::PassedOver(reason)) => {
                self.log.pass_over(reason);
                Ok(())
            }
            Err(fault) => self.log.reject(line, fault),
        }
    }

    fn check(&self, entry: Entry) -> Result<Entry, RowFault> {
        if let Entry::Prompt(row) = &entry {
            check_query(&row.query)?;
            self.log.check_new_id(&row.id)?;
        }
        Ok(entry)
    }
}
