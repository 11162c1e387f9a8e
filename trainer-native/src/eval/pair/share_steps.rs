//! Computes quality at equal steps of the share of strong calls, for the curves that a bundle
//! states.
//!
//! [`curve`](super::curve) evaluates at the deciles of the win rate, as RouteLLM does, and gives no
//! curve where the strong model is no better; this module gives the score at each share in every
//! case. Queries of equal win rate change sides together: between the shares before and after them
//! the curve is a straight line, the mean over the orders in which they could be sent.
//!
//! ```
//! use pointsman_trainer::eval::RoutedRow;
//! use pointsman_trainer::eval::pair::share_steps::{STEPS, oracle, router};
//!
//! # fn main() -> Result<(), pointsman_trainer::eval::EvalError> {
//! let row = |win_rate, weak, strong| RoutedRow { win_rate, weak, strong };
//! let rows = [row(0.9, 1.0, 1.0), row(0.4, 0.0, 1.0)];
//! let half = STEPS / 2;
//! assert_eq!(router(&rows)?[half], [0.5, 0.5]);
//! assert_eq!(oracle(&rows)?[half], [0.5, 1.0]);
//! # Ok(())
//! # }
//! ```

use super::curve::RoutedRow;
use super::curve::end_points;
use crate::eval::EvalError;

/// Steps from no strong call to all of them; a curve has one point more.
pub const STEPS: usize = 50;

/// `[strong share, mean score]` where the highest win rates go to the strong model.
///
/// # Errors
/// [`EvalError::NoRows`] and [`EvalError::BadRow`].
pub fn router(rows: &[RoutedRow]) -> Result<Vec<[f64; 2]>, EvalError> {
    in_order(rows, |row| row.win_rate)
}

/// `[strong share, mean score]` where the queries go to the strong model on which it gains most.
///
/// # Errors
/// [`EvalError::NoRows`] and [`EvalError::BadRow`].
pub fn oracle(rows: &[RoutedRow]) -> Result<Vec<[f64; 2]>, EvalError> {
    in_order(rows, |row| row.strong - row.weak)
}

fn in_order(
    rows: &[RoutedRow],
    key: impl Fn(&RoutedRow) -> f64,
) -> Result<Vec<[f64; 2]>, EvalError> {
    let (weak, _) = end_points(rows)?;
    let n = rows.len() as f64;
    let mut sorted = rows.to_vec();
    sorted.sort_by(|a, b| key(b).total_cmp(&key(a)));
    // Share and score after each run of equal keys.
    let mut ends = vec![(0.0, weak)];
    let (mut called, mut gain) = (0, 0.0);
    for equal in sorted.chunk_by(|a, b| key(a) == key(b)) {
        called += equal.len();
        gain += equal.iter().map(|row| row.strong - row.weak).sum::<f64>();
        ends.push((called as f64 / n, weak + gain / n));
    }
    let mut after = 1;
    let point = |step: usize| {
        let share = step as f64 / STEPS as f64;
        while after + 1 < ends.len() && ends[after].0 < share {
            after += 1;
        }
        let ((left, low), (right, high)) = (ends[after - 1], ends[after]);
        let part = ((share - left) / (right - left)).clamp(0.0, 1.0);
        [share, low + part * (high - low)]
    };
    Ok((0..=STEPS).map(point).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::eval::pair::curve::Curve;

    fn rows(found: &[(u8, u8, u8)]) -> Vec<RoutedRow> {
        let row = |&(win_rate, weak, strong): &(u8, u8, u8)| RoutedRow {
            win_rate: f64::from(win_rate),
            weak: f64::from(weak) / 4.0,
            strong: f64::from(strong) / 4.0,
        };
        found.iter().map(row).collect()
    }

    #[test]
    fn equal_win_rates_are_a_straight_line() {
        let rows = rows(&[(1, 0, 4), (1, 4, 4), (1, 0, 4), (1, 4, 4)]);
        for [share, score] in router(&rows).unwrap() {
            assert!((score - (0.5 + 0.5 * share)).abs() < 1e-12, "{share} {score}");
        }
    }

    #[test]
    fn a_strong_model_that_is_worse_has_a_curve_all_the_same() {
        let rows = rows(&[(2, 4, 0), (1, 4, 4)]);
        let found = router(&rows).unwrap();
        assert_eq!(
            (found[0], found[STEPS / 2], found[STEPS]),
            ([0.0, 1.0], [0.5, 0.5], [1.0, 0.5])
        );
        assert_eq!(oracle(&rows).unwrap()[STEPS / 2], [0.5, 1.0]);
        assert_eq!(router(&[]).unwrap_err().code(), "no_rows");
    }

    proptest! {
        #[test]
        fn ends_are_the_models_means_and_no_router_beats_the_oracle(
            found in prop::collection::vec((0_u8..6, 0_u8..=4, 0_u8..=4), 1..80),
        ) {
            let rows = rows(&found);
            let (own, best) = (router(&rows).unwrap(), oracle(&rows).unwrap());
            let (weak, strong) = end_points(&rows).unwrap();
            for curve in [&own, &best] {
                prop_assert_eq!(curve.len(), STEPS + 1);
                prop_assert!((curve[0][1] - weak).abs() < 1e-9);
                prop_assert!((curve[STEPS][1] - strong).abs() < 1e-9);
            }
            for (own, best) in own.iter().zip(&best) {
                prop_assert_eq!(own[0], best[0]);
                prop_assert!(own[1] <= best[1] + 1e-9);
            }
        }

        #[test]
        fn it_passes_through_the_points_of_the_whole_curve(
            found in prop::collection::vec((0_u8..40, 0_u8..=4, 0_u8..=4), STEPS..=STEPS),
        ) {
            // As many rows as steps: each share that a threshold gives is a step.
            let rows = rows(&found);
            if let Ok(whole) = Curve::at_every_win_rate(&rows) {
                let steps = router(&rows).unwrap();
                for point in &whole.points {
                    let at = (point.strong_share * STEPS as f64).round() as usize;
                    prop_assert!((steps[at][1] - point.score).abs() < 1e-9);
                }
            }
        }
    }
}
