//! Reads tables with named columns, from CSV and parquet alike, as rows of [`Cell`]s.

use std::path::Path;

use super::bad_row::RowFault;
use super::cell::Cell;
use super::source_log::Sink;
use super::{DataError, csv_rows::CsvRows, parquet_rows};

/// Whether a file of that name is read as parquet.
pub(super) fn is_parquet(path: &Path) -> Result<bool, DataError> {
    parquet_rows::has_magic(path)
}

/// Reads a CSV or parquet file. `columns` is given the names of all columns; it returns what the
/// format needs to know of them (returned at the end), and the indices of those that `visit` gets,
/// in the order chosen. With each row comes its line or number, from 1.
pub(super) fn for_each_row<S: Sink, L>(
    path: &Path,
    sink: &mut S,
    expected: &'static str,
    columns: impl FnOnce(&mut S, &[String]) -> Result<(L, Vec<usize>), DataError>,
    visit: impl FnMut(&mut S, &L, u64, Result<&[Cell<'_>], RowFault>) -> Result<(), DataError>,
) -> Result<L, DataError> {
    sink.log().start_file(path);
    if is_parquet(path)? {
        parquet_rows::for_each_row(path, sink, columns, visit)
    } else {
        csv(path, sink, expected, columns, visit)
    }
}

fn csv<S: Sink, L>(
    path: &Path,
    sink: &mut S,
    expected: &'static str,
    columns: impl FnOnce(&mut S, &[String]) -> Result<(L, Vec<usize>), DataError>,
    mut visit: impl FnMut(&mut S, &L, u64, Result<&[Cell<'_>], RowFault>) -> Result<(), DataError>,
) -> Result<L, DataError> {
    let mut rows = CsvRows::open(path, sink.log())?;
    let names: Vec<String> = match rows.next(sink.log())? {
        Some((_, record)) => {
            record.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect()
        }
        None => return Err(DataError::empty_file(path, expected)),
    };
    let (layout, wanted) = columns(sink, &names)?;
    while let Some((line, record)) = rows.next(sink.log())? {
        if record.len() != names.len() {
            visit(sink, &layout, line, Err(wrong_column_count(record.len(), names.len())))?;
            continue;
        }
        let cell = |&at: &usize| match record.get(at) {
            None | Some(b"") => Cell::Missing,
            Some(bytes) => Cell::Text(bytes),
        };
        let cells: Vec<Cell<'_>> = wanted.iter().map(cell).collect();
        visit(sink, &layout, line, Ok(&cells))?;
    }
    Ok(layout)
}

fn wrong_column_count(found: usize, expected: usize) -> RowFault {
    RowFault::new(
        "wrong_column_count",
        format!(
            "found {found} columns, expected {expected} as in the header (a quote may be missing or unclosed)"
        ),
    )
}

/// Index of each of the named columns, or the error that lists the missing ones.
pub(super) fn required_columns<const N: usize>(
    path: &Path,
    columns: &[String],
    names: [&str; N],
) -> Result<[usize; N], DataError> {
    let at = |name: &str| columns.iter().position(|column| column == name);
    let missing: Vec<&str> = names.into_iter().filter(|name| at(name).is_none()).collect();
    let unique = std::collections::BTreeSet::from_iter(columns).len() == columns.len();
    if missing.is_empty() && unique {
        return Ok(names.map(|name| at(name).unwrap_or_default()));
    }
    let without = match missing.is_empty() {
        true => "each named once".to_owned(),
        false => format!("{} too", missing.join(", ")),
    };
    let expected = format!("{}: {without}", names.join(", "));
    Err(DataError::bad_header(path, columns, &expected))
}
