//! Evaluates a router by category: the same rows, subject by subject.
//!
//! Each category has its own mean scores of both models and, where the strong model gains there and
//! win rates differ, its own APGR; elsewhere the APGR is undefined and left out. The share of
//! strong calls is taken at the threshold that sends half of all queries to the strong model: it
//! shows which subjects the router considers hard.
//!
//! ```
//! use pointsman_trainer::eval::pair::categories::by_category;
//! use pointsman_trainer::eval::pair::rows::PairRow;
//!
//! # fn main() -> Result<(), pointsman_trainer::eval::EvalError> {
//! let row = |category: &str, weak| {
//!     PairRow { weak, strong: 1.0, category: Some(category.into()), ..PairRow::default() }
//! };
//! let rows = [row("algebra", 0.0), row("algebra", 1.0), row("history", 1.0)];
//! let found = by_category(&rows, &[0.9, 0.4, 0.1])?;
//! assert_eq!((found[0].name.as_str(), found[0].rows), ("algebra", 2));
//! assert!(found[0].apgr.is_some() && found[1].apgr.is_none());
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::curve::Curve;
use super::curve::RoutedRow;
use super::operating_points::nearest_threshold;
use super::rows::{self, PairRow};
use crate::eval::EvalError;
use crate::eval::error::check_finite;

/// Name under which rows without a category are listed.
pub const NO_CATEGORY: &str = "(no category)";

/// Results of one router on one category of a benchmark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Category {
    /// Name of the category; [`NO_CATEGORY`] for rows that state none.
    pub name: String,
    pub rows: usize,
    /// Mean score of the weak model.
    pub weak: f64,
    /// Mean score of the strong model.
    pub strong: f64,
    /// Average performance gap recovered within the category; `None` where it is undefined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apgr: Option<f64>,
    pub mean_win_rate: f64,
    /// Share of strong calls, in [0, 1], at the threshold that sends half of all queries to the
    /// strong model.
    pub strong_share: f64,
    /// Mean score at that threshold.
    pub score: f64,
}

/// The categories by name; empty where no row states one.
///
/// # Errors
/// [`EvalError::BadInput`], [`EvalError::BadRow`], and those of [`rows::check`].
pub fn by_category(rows: &[PairRow], win_rates: &[f64]) -> Result<Vec<Category>, EvalError> {
    rows::check(rows)?;
    let routed = rows::routed(rows, win_rates)?;
    for (row, &value) in win_rates.iter().enumerate() {
        check_finite(row, "win rate", value)?;
    }
    if rows.iter().all(|row| row.category.is_none()) {
        return Ok(Vec::new());
    }
    let threshold = nearest_threshold(win_rates, 0.5);
    let mut groups: BTreeMap<&str, Vec<RoutedRow>> = BTreeMap::new();
    for (row, &routed) in rows.iter().zip(&routed) {
        let name = row.category.as_deref().unwrap_or(NO_CATEGORY);
        groups.entry(name).or_default().push(routed);
    }
    Ok(groups.into_iter().map(|(name, rows)| category(name, &rows, threshold)).collect())
}

fn category(name: &str, rows: &[RoutedRow], threshold: f64) -> Category {
    let n = rows.len() as f64;
    let mean = |value: &dyn Fn(&RoutedRow) -> f64| rows.iter().map(value).sum::<f64>() / n;
    let to_strong = |row: &RoutedRow| row.win_rate >= threshold;
    Category {
        name: name.to_owned(),
        rows: rows.len(),
        weak: mean(&|row| row.weak),
        strong: mean(&|row| row.strong),
        apgr: Curve::at_deciles(rows).ok().map(|curve| curve.apgr()),
        mean_win_rate: mean(&|row| row.win_rate),
        strong_share: mean(&|row| f64::from(to_strong(row))),
        score: mean(&|row| if to_strong(row) { row.strong } else { row.weak }),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(category: Option<u8>, weak: f64, strong: f64) -> PairRow {
        let category = category.map(|name| format!("subject {name}"));
        PairRow { weak, strong, category, ..PairRow::default() }
    }

    #[test]
    fn a_category_without_a_gap_has_no_apgr_and_no_error() {
        let rows = [
            row(Some(1), 0.0, 1.0),
            row(Some(1), 1.0, 1.0),
            row(Some(2), 1.0, 0.0),
            row(None, 0.0, 1.0),
        ];
        let found = by_category(&rows, &[0.9, 0.2, 0.8, 0.1]).unwrap();
        let names: Vec<_> = found.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, [NO_CATEGORY, "subject 1", "subject 2"]);
        assert_eq!(
            found.iter().map(|c| c.apgr.is_some()).collect::<Vec<_>>(),
            [false, true, false]
        );
        // Half of all calls: the win rates 0.9 and 0.8.
        assert_eq!(found.iter().map(|c| c.strong_share).collect::<Vec<_>>(), [0.0, 0.5, 1.0]);
        assert_eq!(found[1].score, 1.0);
    }

    #[test]
    fn rows_without_categories_have_no_breakdown() {
        assert_eq!(by_category(&[row(None, 0.0, 1.0)], &[0.3]).unwrap(), []);
        let nan = by_category(&[row(None, 0.0, 1.0)], &[f64::NAN]).unwrap_err().to_string();
        assert!(nan.starts_with("row 0: found the win rate NaN"), "{nan}");
    }

    proptest! {
        #[test]
        fn categories_add_up_to_the_whole(
            drawn in prop::collection::vec((prop::option::of(0_u8..5), 0_u8..20, 0_u8..=4, 0_u8..=4), 1..80),
        ) {
            let rows: Vec<_> = drawn
                .iter()
                .map(|&(c, _, w, s)| row(c, f64::from(w) / 4.0, f64::from(s) / 4.0))
                .collect();
            let win_rates: Vec<_> = drawn.iter().map(|&(_, p, _, _)| f64::from(p) / 20.0).collect();
            let found = by_category(&rows, &win_rates).unwrap();
            if drawn.iter().any(|row| row.0.is_some()) {
                prop_assert_eq!(found.iter().map(|c| c.rows).sum::<usize>(), rows.len());
                let sum = |of: &dyn Fn(&Category) -> f64| found.iter().map(|c| of(c) * c.rows as f64).sum::<f64>();
                prop_assert!((sum(&|c| c.weak) - rows.iter().map(|r| r.weak).sum::<f64>()).abs() < 1e-9);
                prop_assert!((sum(&|c| c.mean_win_rate) - win_rates.iter().sum::<f64>()).abs() < 1e-9);
                for c in &found {
                    prop_assert!((0.0..=1.0).contains(&c.strong_share));
                }
            }
        }
    }
}
