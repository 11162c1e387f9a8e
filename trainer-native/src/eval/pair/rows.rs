//! Input of an evaluation: one row for each query with the outcomes of both models, and one column
//! of win rates for each router.
//!
//! Outcomes are kept apart from win rates because several routers are evaluated on the same rows:
//! their differences are then paired. Scores are in [0, 1], whatever scale a benchmark prints;
//! costs are USD and may be missing.
//!
//! ```
//! use pointsman_trainer::eval::pair::rows::{PairRow, routed};
//!
//! # fn main() -> Result<(), pointsman_trainer::eval::EvalError> {
//! let rows = [PairRow { weak: 0.0, strong: 1.0, length: 12, ..PairRow::default() }];
//! assert_eq!(routed(&rows, &[0.7])?[0].win_rate, 0.7);
//! # Ok(())
//! # }
//! ```

use crate::eval::{EvalError, RoutedRow};

/// One query with the scores and costs of both models.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PairRow {
    /// Score of the weak model, in [0, 1].
    pub weak: f64,
    /// Score of the strong model, in [0, 1].
    pub strong: f64,
    /// Cost of the weak model's answer, in USD.
    pub weak_cost: Option<f64>,
    /// Cost of the strong model's answer, in USD.
    pub strong_cost: Option<f64>,
    /// Subject or topic, where the benchmark has one.
    pub category: Option<String>,
    /// Length of the query in characters, for the length baseline.
    pub length: usize,
}

impl PairRow {
    /// Costs of the weak and of the strong answer in USD, where both are known.
    #[must_use]
    pub fn costs(&self) -> Option<(f64, f64)> {
        self.weak_cost.zip(self.strong_cost)
    }
}

/// Checks every number of the rows.
///
/// # Errors
/// [`EvalError::NoRows`], [`EvalError::ScoreOutOfRange`], [`EvalError::BadCost`].
pub fn check(rows: &[PairRow]) -> Result<(), EvalError> {
    if rows.is_empty() {
        return Err(EvalError::NoRows);
    }
    for (at, row) in rows.iter().enumerate() {
        for (what, value) in [("weak score", row.weak), ("strong score", row.strong)] {
            // NaN is in no range.
            if !(0.0..=1.0).contains(&value) {
                return Err(EvalError::ScoreOutOfRange { row: at, what, value });
            }
        }
        for (what, value) in [("weak cost", row.weak_cost), ("strong cost", row.strong_cost)] {
            if let Some(value) = value.filter(|cost| !(cost.is_finite() && *cost >= 0.0)) {
                return Err(EvalError::BadCost { row: at, what, value });
            }
        }
    }
    Ok(())
}

/// Joins the rows with a router's win rates, which stand in the same order.
///
/// # Errors
/// [`EvalError::LengthMismatch`].
pub fn routed(rows: &[PairRow], win_rates: &[f64]) -> Result<Vec<RoutedRow>, EvalError> {
    if rows.len() != win_rates.len() {
        return Err(EvalError::LengthMismatch {
            what: "win rates",
            found: win_rates.len(),
            expected: rows.len(),
        });
    }
    let one = |(row, &win_rate): (&PairRow, &f64)| RoutedRow {
        win_rate,
        weak: row.weak,
        strong: row.strong,
    };
    Ok(rows.iter().zip(win_rates).map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_off_their_scale_are_named_with_their_row() {
        let good = PairRow { strong: 1.0, ..PairRow::default() };
        assert_eq!(check(std::slice::from_ref(&good)), Ok(()));
        for (bad, code) in [
            (PairRow { weak: 8.3, ..good.clone() }, "score_out_of_range"),
            (PairRow { strong: f64::NAN, ..good.clone() }, "score_out_of_range"),
            (PairRow { strong_cost: Some(-0.1), ..good.clone() }, "bad_cost"),
            (PairRow { weak_cost: Some(f64::INFINITY), ..good.clone() }, "bad_cost"),
        ] {
            let found = check(&[good.clone(), bad]).map_err(|e| (e.code(), e.to_string()));
            assert!(matches!(&found, Err((c, text)) if *c == code && text.starts_with("row 1: ")));
        }
        assert_eq!(check(&[]), Err(EvalError::NoRows));
    }

    #[test]
    fn a_column_belongs_to_its_rows() {
        let found = routed(&[PairRow::default()], &[]);
        assert!(matches!(found, Err(EvalError::LengthMismatch { found: 0, expected: 1, .. })));
    }
}
