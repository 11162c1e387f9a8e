//! Rows of a JSON file that others export: a list, a list in a field `data` as APIs answer, one object over
//! several lines, or JSON Lines.

use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::DataError;
use super::bad_row::{RowFault, checked_utf8};
use super::files::{beginning, read_bytes, strip_bom};
use super::json_array::for_each_element;
use super::lines::{for_each_line, json_fault, without_place};
use super::source_log::Sink;

/// A row with its fields.
pub(super) type Fields = Map<String, Value>;

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    data: Option<Vec<&'a RawValue>>,
}

/// Hands each row to `visit` with the line where it begins, from 1, and hashes the file.
pub(super) fn for_each_row<S: Sink>(
    path: &Path,
    sink: &mut S,
    expected: &'static str,
    mut visit: impl FnMut(&mut S, u64, Result<Fields, RowFault>) -> Result<(), DataError>,
) -> Result<(), DataError> {
    match layout(path)? {
        Layout::Lines => for_each_line(path, sink, |sink, line, text| {
            let row = text
                .and_then(|text| serde_json::from_str(text).map_err(|error| json_fault(&error)));
            visit(sink, line, row)
        }),
        Layout::List => {
            let bytes = start(path, sink)?;
            for_each_element(path, &bytes, expected, |_, line, element| {
                visit(sink, line, fields(element))
            })
        }
        Layout::Page => {
            let bytes = start(path, sink)?;
            let text = strip_bom(&bytes);
            let page: Page<'_> = serde_json::from_slice(text).map_err(|error| {
                let (line, column) = (error.line() as u64, error.column() as u64);
                let detail = format!("{}, expected {expected}", without_place(&error));
                DataError::bad_place(path, line, Some(column), detail)
            })?;
            let Some(rows) = page.data else { return visit(sink, 1, fields(text)) };
            let mut lines = Lines::of(text);
            for element in rows {
                visit(sink, lines.of_part(element.get()), fields(element.get().as_bytes()))?;
            }
            Ok(())
        }
    }
}

enum Layout {
    Lines,
    List,
    Page,
}

/// How the rows stand in a file, from its beginning.
fn layout(path: &Path) -> Result<Layout, DataError> {
    const PROBE: u64 = 1 << 16;
    let head = beginning(path, PROBE)?;
    let text = strip_bom(&head).trim_ascii_start();
    if text.first() == Some(&b'[') {
        return Ok(Layout::List);
    }
    let names = super::json_outline::outline(text);
    let is_row = ["id", "request_id", "input", "messages"].iter().any(|name| names.contains(*name));
    let first_line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    match (names.contains("data") && !is_row) || first_line.trim_ascii() == b"{" {
        true => Ok(Layout::Page),
        false => Ok(Layout::Lines),
    }
}

fn start<S: Sink>(path: &Path, sink: &mut S) -> Result<Vec<u8>, DataError> {
    sink.log().start_file(path);
    let bytes = read_bytes(path)?;
    sink.log().hash(&bytes);
    Ok(bytes)
}

fn fields(element: &[u8]) -> Result<Fields, RowFault> {
    serde_json::from_str(checked_utf8(element)?)
        .map_err(|error| RowFault::new("wrong_type", without_place(&error)))
}

/// The lines of parts of a text, asked for in their order.
pub(super) struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    pub fn of(text: &'a [u8]) -> Self {
        Self { text, at: 0, line: 1 }
    }

    /// The line, from 1, where a part of the text begins; parts come in order.
    pub fn of_part(&mut self, part: &str) -> u64 {
        let at = (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let between = self.text.get(self.at..at).unwrap_or_default();
        self.line += between.iter().filter(|&&byte| byte == b'\n').count() as u64;
        self.at = self.at.max(at);
        self.line
    }
}
