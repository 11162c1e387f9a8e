//! One value of a table's row, from CSV or parquet, and what makes a text or number of it.

use super::bad_row::{RowFault, checked_utf8};

/// One value of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Cell<'a> {
    /// Empty in CSV; null, or a number that is NaN, in parquet.
    Missing,
    Text(&'a [u8]),
    Whole(i64),
    Real(f64),
    Truth(bool),
}

impl<'a> Cell<'a> {
    /// The cell as a text; a number, as ids may be, is written out.
    pub fn text(self, column: &str) -> Result<std::borrow::Cow<'a, str>, RowFault> {
        match self {
            Cell::Missing => Err(empty_cell(column, "a text")),
            Cell::Text(bytes) => Ok(checked_utf8(bytes)?.into()),
            Cell::Whole(number) => Ok(number.to_string().into()),
            Cell::Real(number) => Ok(number.to_string().into()),
            Cell::Truth(truth) => Ok(truth.to_string().into()),
        }
    }

    /// The cell as a number, True and False being 1 and 0; `None` for an empty cell.
    pub fn number(self, column: &str) -> Result<Option<f64>, RowFault> {
        match self {
            Cell::Missing => Ok(None),
            Cell::Whole(number) => Ok(Some(number as f64)),
            Cell::Real(number) => Ok(Some(number)),
            Cell::Truth(truth) => Ok(Some(f64::from(truth))),
            Cell::Text(bytes) => {
                let text = checked_utf8(bytes)?.trim();
                match (text, text.parse::<f64>()) {
                    ("", _) => Ok(None),
                    (_, Ok(number)) if number.is_finite() => Ok(Some(number)),
                    ("True" | "true", _) => Ok(Some(1.0)),
                    ("False" | "false", _) => Ok(Some(0.0)),
                    _ => Err(RowFault::new(
                        "not_a_number",
                        format!("found {:?} in {column:?}, expected a number", shortened(text)),
                    )),
                }
            }
        }
    }
}

pub(super) fn empty_cell(column: &str, expected: &str) -> RowFault {
    RowFault::new("empty_cell", format!("found nothing in {column:?}, expected {expected}"))
}

/// Shortens a text for an error message.
pub(super) fn shortened(text: &str) -> String {
    const MOST: usize = 80;
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
