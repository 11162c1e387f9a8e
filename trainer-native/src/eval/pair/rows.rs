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

use super::curve::RoutedRow;
use crate::eval::EvalError;
use crate::eval::error::{check_cost, check_length, check_score};

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
/// [`EvalError::NoRows`], [`EvalError::BadRow`].
pub fn check(rows: &[PairRow]) -> Result<(), EvalError> {
    if rows.is_empty() {
        return Err(EvalError::NoRows);
    }
    for (at, row) in rows.iter().enumerate() {
        check_score(at, "weak score", row.weak)?;
        check_score(at, "strong score", row.strong)?;
        for (what, value) in [("weak cost", row.weak_cost), ("strong cost", row.strong_cost)] {
            value.map_or(Ok(()), |cost| check_cost(at, what, cost))?;
        }
    }
    Ok(())
}

/// Joins the rows with a router's win rates, which stand in the same order.
///
/// # Errors
/// [`EvalError::BadInput`].
pub fn routed(rows: &[PairRow], win_rates: &[f64]) -> Result<Vec<RoutedRow>, EvalError> {
    check_length("win rates", win_rates.len(), rows.len())?;
    let one = |(row, &win_rate): (&PairRow, &f64)| RoutedRow {
        win_rate,
        weak: row.weak,
        strong: row.strong,
    };
    Ok(rows.iter().zip(win_rates).map(one).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn numbers_off_their_scale_are_named_with_their_row() {
        let good = PairRow { strong: 1.0, ..PairRow::default() };
        assert_eq!(check(std::slice::from_ref(&good)), Ok(()));
        for (bad, expected) in [
            (PairRow { weak: 8.3, ..good.clone() }, "weak score 8.3, expected a number in [0, 1]"),
            (PairRow { strong: f64::NAN, ..good.clone() }, "strong score NaN, expected a number"),
            (PairRow { strong_cost: Some(-0.1), ..good.clone() }, "strong cost -0.1, expected USD"),
            (PairRow { weak_cost: Some(f64::INFINITY), ..good.clone() }, "weak cost inf, expected"),
        ] {
            let found = check(&[good.clone(), bad]).unwrap_err();
            assert!(found.to_string().starts_with(&format!("row 1: found the {expected}")));
            assert_eq!(found.code(), "bad_row");
        }
        assert_eq!(check(&[]), Err(EvalError::NoRows));
    }

    #[test]
    fn a_column_belongs_to_its_rows() {
        let found = routed(&[PairRow::default()], &[]).unwrap_err();
        assert_eq!(found.to_string(), "found 0 win rates, expected 1: one a row");
    }
}
