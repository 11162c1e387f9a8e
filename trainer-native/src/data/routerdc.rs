//! RouterDC's files (arXiv 2409.19886): a JSON array of questions with one score a model.
//!
//! ```json
//! [{"question": "Name a prime above 10.", "scores": {"small": 0.0, "large": 0.93}, "cluster_id": 2}]
//! ```
//!
//! `cluster_id` is optional: training files carry it, test files do not. The files name neither
//! rows nor sets, so a row's id is `<file>-<position from 0>` and its data set the file's name
//! without extension.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Deserializer;

use super::DataError;
use super::files::{read_bytes, stem_of, strip_bom};
use super::lines::without_place;
use super::row_sink::{ParsedRow, RowSink};
use super::score_map::{ScoreMap, required};
use super::source_log::{RowFault, checked_utf8};

#[derive(Deserialize)]
#[serde(expecting = "an object with question and scores")]
struct JsonRow {
    question: Option<String>,
    scores: Option<ScoreMap>,
    cluster_id: Option<u32>,
}

pub(super) fn read_files(files: &[PathBuf], sink: &mut RowSink<'_>) -> Result<(), DataError> {
    files.iter().try_for_each(|file| read_file(file, sink))
}

fn read_file(path: &Path, sink: &mut RowSink<'_>) -> Result<(), DataError> {
    const EXPECTED: &str = "a JSON array of objects with question and scores";
    sink.log.start_file(path);
    let bytes = read_bytes(path)?;
    sink.log.hash(&bytes);
    let text = strip_bom(&bytes);
    if text.trim_ascii().is_empty() {
        return Err(DataError::EmptyFile { path: path.to_owned(), expected: EXPECTED });
    }
    let dataset = stem_of(path);
    let mut cursor = Cursor { path, text, at: 0, line: 1, line_start: 0 };
    cursor.skip_space();
    cursor.expect(b'[', "[, which opens the array of rows")?;
    cursor.skip_space();
    if cursor.peek() == Some(b']') {
        return Err(DataError::EmptyFile { path: path.to_owned(), expected: EXPECTED });
    }
    for position in 0_usize.. {
        cursor.skip_space();
        let line = cursor.line;
        let element = cursor.element()?;
        sink.push(line, parse(element, &dataset, position))?;
        cursor.skip_space();
        if cursor.peek() == Some(b']') {
            cursor.advance(1);
            break;
        }
        cursor.expect(b',', ", or ] after a row")?;
    }
    cursor.skip_space();
    match cursor.peek() {
        None => Ok(()),
        Some(_) => Err(cursor.syntax("more text after the end of the array".to_owned())),
    }
}

fn parse(element: &[u8], dataset: &str, position: usize) -> Result<ParsedRow, RowFault> {
    let row: JsonRow = serde_json::from_str(checked_utf8(element)?)
        .map_err(|error| RowFault::new("wrong_type", without_place(&error)))?;
    Ok(ParsedRow {
        id: format!("{dataset}-{position}"),
        query: required(row.question, "question")?,
        dataset: dataset.to_owned(),
        cluster: row.cluster_id,
        scores: required(row.scores, "scores")?.into_scores()?,
        ..ParsedRow::default()
    })
}

/// A place in the file, with its line, so that a row is known by the line where it begins.
struct Cursor<'a> {
    path: &'a Path,
    text: &'a [u8],
    at: usize,
    line: u64,
    line_start: usize,
}

impl<'a> Cursor<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn advance(&mut self, bytes: usize) {
        for (offset, byte) in self.rest().iter().take(bytes).enumerate() {
            if *byte == b'\n' {
                self.line += 1;
                self.line_start = self.at + offset + 1;
            }
        }
        self.at += bytes;
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.advance(rest.len() - rest.trim_ascii_start().len());
    }

    fn expect(&mut self, byte: u8, expected: &str) -> Result<(), DataError> {
        if self.peek() == Some(byte) {
            self.advance(1);
            return Ok(());
        }
        let found = match self.peek() {
            Some(other) => format!("{:?}", char::from(other)),
            None => "the end of the file".to_owned(),
        };
        Err(self.syntax(format!("found {found}, expected {expected}")))
    }

    /// The bytes of the next JSON value. Only its syntax is judged here, so that a row of the
    /// wrong shape can still be stepped over.
    fn element(&mut self) -> Result<&'a [u8], DataError> {
        let mut values = Deserializer::from_slice(self.rest()).into_iter::<IgnoredAny>();
        match values.next() {
            Some(Ok(_)) => {
                let length = values.byte_offset();
                let element = self.rest().get(..length).unwrap_or_default();
                self.advance(length);
                Ok(element)
            }
            Some(Err(error)) => {
                let line = error.line() as u64;
                let column = match line {
                    0 | 1 => (self.at - self.line_start + error.column()) as u64,
                    _ => error.column() as u64,
                };
                Err(DataError::JsonSyntax {
                    path: self.path.to_owned(),
                    line: self.line + line.saturating_sub(1),
                    column,
                    message: without_place(&error),
                })
            }
            None => Err(self.syntax("found the end of the file, expected a row or ]".to_owned())),
        }
    }

    fn syntax(&self, message: String) -> DataError {
        DataError::JsonSyntax {
            path: self.path.to_owned(),
            line: self.line,
            column: (self.at - self.line_start) as u64 + 1,
            message,
        }
    }
}
