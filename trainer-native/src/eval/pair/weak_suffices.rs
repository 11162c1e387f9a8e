//! How well win rates tell the queries on which the weak model suffices from the others.
//!
//! The weak model *suffices* where its score is at least the strong model's. The area under the ROC curve
//! (AUC) is the probability that a query on which it does not suffice has a higher win rate than one on
//! which it does; a tie counts half, chance is 0.5. It weighs queries alike, where APGR weighs them by gain.
//!
//! ```
//! use pointsman_trainer::eval::RoutedRow;
//! use pointsman_trainer::eval::pair::weak_suffices::auc;
//!
//! let row = |win_rate, weak| RoutedRow { win_rate, weak, strong: 0.5 };
//! assert_eq!(auc(&[row(0.1, 1.0), row(0.4, 0.0), row(0.6, 0.5), row(0.9, 0.0)]), Some(0.75));
//! ```

use super::curve::RoutedRow;

/// The AUC, in [0, 1]; `None` where the weak model suffices on all rows, or on none.
#[must_use]
pub fn auc(rows: &[RoutedRow]) -> Option<f64> {
    let mut sorted = rows.to_vec();
    sorted.sort_by(|a, b| a.win_rate.total_cmp(&b.win_rate));
    auc_of_sorted(&sorted)
}

/// The AUC of rows that are sorted by ascending win rate.
pub(super) fn auc_of_sorted(sorted: &[RoutedRow]) -> Option<f64> {
    let (mut sufficed, mut failed, mut ordered) = (0.0, 0.0, 0.0);
    for tied in sorted.chunk_by(|a, b| a.win_rate == b.win_rate) {
        let here = tied.iter().filter(|row| row.weak >= row.strong).count() as f64;
        let others = tied.len() as f64 - here;
        ordered += others * (sufficed + here / 2.0);
        sufficed += here;
        failed += others;
    }
    let pairs = sufficed * failed;
    (pairs > 0.0).then(|| ordered / pairs)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn without_two_kinds_of_queries_there_is_no_area() {
        let row = |weak| RoutedRow { win_rate: weak, weak, strong: 0.5 };
        assert_eq!(auc(&[row(0.5), row(0.9)]), None);
        assert_eq!(auc(&[row(0.1), row(0.2)]), None);
        assert_eq!(auc(&[]), None);
    }

    proptest! {
        #[test]
        fn the_area_counts_pairs_in_the_right_order(
            drawn in prop::collection::vec((0_u8..6, 0_u8..3, 0_u8..3), 0..40),
        ) {
            let rows: Vec<RoutedRow> = drawn
                .iter()
                .map(|&(rate, weak, strong)| RoutedRow {
                    win_rate: f64::from(rate),
                    weak: f64::from(weak),
                    strong: f64::from(strong),
                })
                .collect();
            let (suffices, fails): (Vec<&RoutedRow>, Vec<&RoutedRow>) =
                rows.iter().partition(|row| row.weak >= row.strong);
            let (mut sum, mut pairs) = (0.0, 0.0);
            for a in &fails {
                for b in &suffices {
                    pairs += 1.0;
                    sum += if a.win_rate == b.win_rate { 0.5 } else { f64::from(a.win_rate > b.win_rate) };
                }
            }
            let expected = (pairs > 0.0).then(|| sum / pairs);
            match (auc(&rows), expected) {
                (Some(found), Some(expected)) => prop_assert!((found - expected).abs() < 1e-12),
                (found, expected) => prop_assert_eq!(found, expected),
            }
        }
    }
}
