//! Rows that are refused, with the reason, and the checks that refuse single values.

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct BadRow {
    /// The file, as the caller named it.
    pub file: String,
    /// The line where the row begins, from 1; in a parquet file the row's number, from 1.
    pub line: u64,
    /// A stable name for programs, such as `missing_field`.
    pub code: &'static str,
    /// What was found and what was expected.
    pub reason: String,
}

/// Why a row is refused, without its file and line.
#[derive(Debug)]
pub(super) struct RowFault {
    pub code: &'static str,
    pub reason: String,
}

impl RowFault {
    pub fn new(code: &'static str, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }
}

/// Checks a score: finite and in [0, 1].
pub(super) fn checked_score(model: &str, value: f64) -> Result<f32, RowFault> {
    if value.is_finite() && (0.0..=1.0).contains(&value) {
        Ok(value as f32)
    } else {
        Err(RowFault::new(
            "score_out_of_range",
            format!("found the score {value} for {model:?}, expected a number in [0, 1]"),
        ))
    }
}

/// Checks a cost: finite and not negative.
pub(super) fn checked_cost(model: &str, value: f64) -> Result<f32, RowFault> {
    if (value as f32).is_finite() && value >= 0.0 {
        Ok(value as f32)
    } else {
        Err(RowFault::new(
            "cost_out_of_range",
            format!("found the cost {value} for {model:?}, expected US dollars, 0 or more"),
        ))
    }
}

/// Checks that bytes are UTF-8; the fault names the first byte that is not.
pub(super) fn checked_utf8(bytes: &[u8]) -> Result<&str, RowFault> {
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let byte = bytes.get(at).copied().unwrap_or_default();
        RowFault::new(
            "not_utf8",
            format!("found the byte 0x{byte:02x} {at} bytes into the text, expected UTF-8 (save the file as UTF-8)"),
        )
    })
}
