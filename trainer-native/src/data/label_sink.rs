//! Checks the rows of every format of labels. Rows that pass are handed on one by one.

use super::bad_row::RowFault;
use super::cell::shortened;
use super::source_log::{Sink, SourceLog, check_query};
use super::{DataError, ReadOptions};

/// One query and a number that says how hard it is.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelRow {
    /// Unique within the source it was read from.
    pub id: String,
    pub query: String,
    /// The benchmark or set it belongs to.
    pub dataset: String,
    /// Larger is harder; finite. Values of two sources do not compare.
    pub value: f64,
    /// The query's language, where the source states it.
    pub lang: Option<String>,
    /// What the query is, such as `code` or `chat`, where the source states it.
    pub kind: Option<String>,
    /// Subject or topic, where the source has one.
    pub category: Option<String>,
}

/// A row as a reader parsed it.
pub(super) struct ParsedLabel {
    pub row: LabelRow,
    /// What the value counts.
    pub scale: String,
}

/// Checks the rows of all files of one source and hands them on.
pub(super) struct LabelSink<'a> {
    pub log: SourceLog,
    /// What the values count; `None` before the first row.
    pub scale: Option<String>,
    take: &'a mut dyn FnMut(LabelRow),
}

impl Sink for LabelSink<'_> {
    fn log(&mut self) -> &mut SourceLog {
        &mut self.log
    }
}

impl<'a> LabelSink<'a> {
    pub fn new(options: &ReadOptions, take: &'a mut dyn FnMut(LabelRow)) -> Self {
        Self { log: SourceLog::new(options), scale: None, take }
    }

    /// Takes a row, or the reason why it is refused.
    pub fn push(&mut self, line: u64, row: Result<ParsedLabel, RowFault>) -> Result<(), DataError> {
        match row.and_then(|row| self.check(row)) {
            Ok(ParsedLabel { row, scale }) => {
                self.log.record_id(&row.id, line);
                self.scale = Some(scale);
                (self.take)(row);
                Ok(())
            }
            Err(fault) => self.log.reject(line, fault),
        }
    }

    fn check(&self, parsed: ParsedLabel) -> Result<ParsedLabel, RowFault> {
        check_query(&parsed.row.query)?;
        if let Some(scale) = &self.scale
            && *scale != parsed.scale
        {
            return Err(RowFault::new(
                "mixed_scale",
                format!(
                    "found the scale {:?}, expected {:?} as in the rows before it: labels of two \
                     scales do not compare. Put them into two files, each a source of its own",
                    shortened(&parsed.scale),
                    shortened(scale)
                ),
            ));
        }
        self.log.check_new_id(&parsed.row.id)?;
        Ok(parsed)
    }
}
