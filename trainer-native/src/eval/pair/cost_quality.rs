//! Quality against cost for routers of a pair: their points are at the thresholds of the decile curve.

use super::curve::{Curve, CurvePoint};
use super::money::CumulativeCosts;
use super::rows::{PairRow, routed};
use crate::eval::EvalError;
use crate::eval::cost_quality::{CostComparison, CostPoint, CostQuality, Range, many_models};

/// A router of two models at the thresholds of its decile curve. `rows` are the priced rows
/// that [`priced`] keeps, with the router's win rates on them.
///
/// # Errors
/// Those of [`Curve::at_deciles`], [`CumulativeCosts::new`] and [`CostQuality::new`]; [`EvalError::NoRows`] where a
/// row lacks a price.
pub fn curve(rows: &[PairRow], win_rates: &[f64], range: Range) -> Result<CostQuality, EvalError> {
    let curve = Curve::at_deciles(&routed(rows, win_rates)?)?;
    let costs = CumulativeCosts::new(rows, win_rates)?.ok_or(EvalError::NoRows)?;
    let point = |point: &CurvePoint| CostPoint {
        usd: costs.at_point(point).usd_per_query,
        score: point.score,
    };
    CostQuality::new(curve.points.iter().map(point).collect(), range)
}

/// The rows with both costs, and the index of each in `rows`.
#[must_use]
pub fn priced(rows: &[PairRow]) -> (Vec<PairRow>, Vec<usize>) {
    let with_costs = rows.iter().enumerate().filter(|(_, row)| row.costs().is_some());
    with_costs.map(|(at, row)| (row.clone(), at)).unzip()
}

/// Computes the references for routers of a pair, on the rows that [`priced`] keeps.
///
/// # Errors
/// [`EvalError::NoRows`]; [`EvalError::NoCostRange`] where both models cost the same.
pub fn compare(rows: &[PairRow], weak: &str, strong: &str) -> Result<CostComparison, EvalError> {
    let answers = |row: &PairRow| {
        let (weak_cost, strong_cost) = row.costs()?;
        Some(vec![
            CostPoint { usd: weak_cost, score: row.weak },
            CostPoint { usd: strong_cost, score: row.strong },
        ])
    };
    let table: Vec<Vec<CostPoint>> = rows.iter().filter_map(answers).collect();
    many_models::compare(&[weak, strong], &table)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn point(usd: f64, score: f64) -> CostPoint {
        CostPoint { usd, score }
    }

    fn row(weak: (f64, f64), strong: (f64, f64)) -> PairRow {
        PairRow {
            weak: weak.1,
            strong: strong.1,
            weak_cost: Some(weak.0),
            strong_cost: Some(strong.0),
            ..PairRow::default()
        }
    }

    #[test]
    fn two_models_without_a_router_mix_along_a_straight_line() {
        let rows = [row((1.0, 0.0), (3.0, 1.0)), row((1.0, 1.0), (5.0, 1.0))];
        let found = compare(&rows, "small", "large").unwrap();
        assert_eq!(found.range, Range { low: 1.0, high: 4.0 });
        assert!((found.zero_router_aiq - 0.75).abs() < 1e-12);
        // One strong call, at 3 USD instead of 1: everything is right from a mean of 2 USD on.
        assert_eq!(found.oracle.points, [point(1.0, 0.5), point(2.0, 1.0)]);
        assert!((found.oracle.aiq - (0.75 + 2.0) / 3.0).abs() < 1e-12);
        assert_eq!(found.singles[1].name, "large");
    }

    #[test]
    fn models_of_one_price_have_no_range() {
        let rows = [row((1.0, 0.0), (1.0, 1.0))];
        assert_eq!(compare(&rows, "a", "b").unwrap_err().code(), "no_cost_range");
        assert_eq!(compare(&[], "a", "b").unwrap_err().code(), "no_rows");
    }

    #[test]
    fn rows_without_a_price_are_left_out_of_the_curve() {
        let rows = [row((1.0, 0.0), (3.0, 1.0)), PairRow::default()];
        let (kept, at) = priced(&rows);
        assert_eq!((kept.len(), at), (1, vec![0]));
    }

    proptest! {
        #[test]
        fn a_pair_is_a_table_of_two(drawn in prop::collection::vec((0_u8..10, 1_u8..5, 0_u8..=2, 3_u8..30, 0_u8..=2), 2..40)) {
            let rows: Vec<_> = drawn
                .iter()
                .map(|&(_, wc, w, sc, s)| row((f64::from(wc), f64::from(w) / 2.0), (f64::from(sc), f64::from(s) / 2.0)))
                .collect();
            let win_rates: Vec<_> = drawn.iter().map(|row| f64::from(row.0) / 10.0).collect();
            let Ok(compared) = compare(&rows, "weak", "strong") else { return Ok(()) };
            if let Ok(router) = curve(&rows, &win_rates, compared.range) {
                prop_assert!(compared.oracle.aiq >= router.aiq - 1e-9);
                // Its two ends are the single models, so mixing them is within its reach.
                prop_assert!(router.aiq >= compared.zero_router_aiq - 1e-9);
            }
        }
    }
}
