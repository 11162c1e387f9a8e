//! Reads JSON Lines one line at a time: a file may be larger than memory.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::DataError;
use super::bad_row::{RowFault, checked_utf8};
use super::files::{io_error, strip_bom};
use super::source_log::Sink;

/// Longest row that is read, in bytes. A longer row means a damaged file, which must not fill
/// memory.
pub(super) const MAX_ROW_BYTES: usize = 16 << 20;

/// Hands each non-blank line, trimmed, to `visit` with its number from 1, and hashes all bytes.
pub(super) fn for_each_line<S: Sink>(
    path: &Path,
    sink: &mut S,
    mut visit: impl FnMut(&mut S, u64, Result<&str, RowFault>) -> Result<(), DataError>,
) -> Result<(), DataError> {
    sink.log().start_file(path);
    let file = File::open(path).map_err(|source| io_error(path, source))?;
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let mut line = Vec::new();
    let mut number = 0;
    let mut anything = false;
    while let Some(length) = next_line(path, &mut reader, sink, &mut line)? {
        number += 1;
        if length > MAX_ROW_BYTES {
            anything = true;
            visit(sink, number, Err(row_too_large(length)))?;
            continue;
        }
        let text = if number == 1 { strip_bom(&line) } else { &line };
        let text = text.trim_ascii();
        if !text.is_empty() {
            anything = true;
            visit(sink, number, checked_utf8(text))?;
        }
    }
    if anything { Ok(()) } else { Err(DataError::empty_file(path, "one JSON object a line")) }
}

/// Reads up to and including the next line end. Returns the line's length, of which at most
/// [`MAX_ROW_BYTES`] are kept, or `None` at the end of the file.
fn next_line<S: Sink>(
    path: &Path,
    reader: &mut impl BufRead,
    sink: &mut S,
    line: &mut Vec<u8>,
) -> Result<Option<usize>, DataError> {
    line.clear();
    let mut length = 0;
    loop {
        let buffer = reader.fill_buf().map_err(|source| io_error(path, source))?;
        if buffer.is_empty() {
            return Ok((length > 0).then_some(length));
        }
        let end = buffer.iter().position(|&byte| byte == b'\n').map(|at| at + 1);
        let part = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default();
        let used = part.len();
        sink.log().hash(part);
        if length + used <= MAX_ROW_BYTES {
            line.extend_from_slice(part);
        }
        length += used;
        reader.consume(used);
        if end.is_some() {
            return Ok(Some(length));
        }
    }
}

fn row_too_large(length: usize) -> RowFault {
    RowFault::new(
        "row_too_large",
        format!("found a row of {length} bytes, expected at most {MAX_ROW_BYTES}"),
    )
}

/// The fault of a line that is not valid JSON.
pub(super) fn json_fault(error: &serde_json::Error) -> RowFault {
    if error.is_data() {
        RowFault::new("wrong_type", format!("{} (column {})", without_place(error), error.column()))
    } else {
        RowFault::new(
            "json_syntax",
            format!(
                "found text that is not valid JSON at column {} ({}), expected one JSON object on the line",
                error.column(),
                without_place(error)
            ),
        )
    }
}

/// The parser's message without its line and column, which count from the beginning of the row.
pub(super) fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(at) => text.get(..at).unwrap_or(&text).to_owned(),
        None => text,
    }
}
