//! A JSON array, one element at a time: an element of the wrong shape can be reported and skipped.

use std::path::Path;

use serde::de::IgnoredAny;
use serde_json::Deserializer;

use super::DataError;
use super::files::strip_bom;
use super::lines::without_place;

/// Hands each element to `visit` as bytes, with its position from 0 and the line where it begins,
/// from 1. `expected` says what the file should hold.
pub(super) fn for_each_element(
    path: &Path,
    bytes: &[u8],
    expected: &'static str,
    mut visit: impl FnMut(usize, u64, &[u8]) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let text = strip_bom(bytes);
    if text.trim_ascii().is_empty() {
        return Err(DataError::empty_file(path, expected));
    }
    let mut cursor = Cursor { path, text, at: 0, line: 1, line_start: 0 };
    cursor.skip_space();
    cursor.expect(b'[', "[, which opens the array of rows")?;
    cursor.skip_space();
    if cursor.peek() == Some(b']') {
        return Err(DataError::empty_file(path, expected));
    }
    for position in 0_usize.. {
        cursor.skip_space();
        let line = cursor.line;
        let element = cursor.element()?;
        visit(position, line, element)?;
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
        Some(_) => Err(cursor.syntax("more text after the end of the array")),
    }
}

/// A position in the file with its line, so that a row is reported by the line where it begins.
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
        Err(self.syntax(&format!("found {found}, expected {expected}")))
    }

    /// The bytes of the next JSON value. Only its syntax is checked here, so that a row of the
    /// wrong shape can be skipped.
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
                let line = self.line + line.saturating_sub(1);
                Err(not_json(self.path, line, column, &without_place(&error)))
            }
            None => Err(self.syntax("found the end of the file, expected a row or ]")),
        }
    }

    fn syntax(&self, message: &str) -> DataError {
        not_json(self.path, self.line, (self.at - self.line_start) as u64 + 1, message)
    }
}

fn not_json(path: &Path, line: u64, column: u64, message: &str) -> DataError {
    let detail = format!(
        "not valid JSON: {message}. Fix the file: rows after this point cannot be found, so \
         --skip-bad does not help"
    );
    DataError::bad_place(path, line, Some(column), detail)
}
