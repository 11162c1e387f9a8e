//! Hulls and areas checked by hand, and the laws that bound every router.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn point(usd: f64, score: f64) -> CostPoint {
    CostPoint { usd, score }
}

#[test]
fn a_hull_never_falls_and_never_bends_upwards() {
    let points =
        [point(3.0, 0.7), point(0.0, 0.2), point(1.0, 0.6), point(2.0, 0.61), point(4.0, 0.1)];
    assert_eq!(hull(&points), [point(0.0, 0.2), point(1.0, 0.6), point(3.0, 0.7)]);
    assert_eq!(hull(&[point(1.0, 0.3), point(1.0, 0.5)]), [point(1.0, 0.5)]);
    assert_eq!(hull(&[]), []);
}

#[test]
fn the_area_counts_what_lies_in_the_range_only() {
    let hull = [point(0.0, 0.0), point(1.0, 0.5), point(2.0, 0.6)];
    let over = |low, high| aiq(&hull, Range { low, high });
    assert!((over(0.0, 1.0).unwrap() - 0.25).abs() < 1e-12);
    assert!((over(0.5, 1.5).unwrap() - 0.45).abs() < 1e-12);
    // Past the last point the hull stays level.
    assert!((over(2.0, 9.0).unwrap() - 0.6).abs() < 1e-12);
    assert_eq!(over(1.0, 1.0).unwrap_err().code(), "no_cost_range");
    for (hull, begins) in [(vec![point(0.5, 0.1)], "0.5"), (Vec::new(), "inf")] {
        let late = aiq(&hull, Range { low: 0.0, high: 1.0 }).unwrap_err().to_string();
        assert!(late.contains(&format!("begins at {begins} USD, expected at most 0:")), "{late}");
    }
}

#[test]
fn predictions_that_do_not_fit_the_table_are_errors() {
    let table = [vec![point(0.1, 0.0), point(1.0, 1.0)]];
    let range = Range { low: 0.1, high: 1.0 };
    let fault = |predicted: &[Vec<f64>]| {
        many_models::route(&table, predicted, range, 4).unwrap_err().to_string()
    };
    assert!(fault(&[]).starts_with("found 0 rows of predictions, expected 1"));
    assert!(fault(&[vec![0.1]]).starts_with("found 1 predictions in a row, expected 2"));
    let nan = fault(&[vec![0.1, f64::NAN]]);
    assert!(nan.starts_with("row 0: found the predicted score NaN, expected a finite number"));
    let fault = |answer| many_models::compare(&["a"], &[vec![answer]]).unwrap_err().to_string();
    assert!(fault(point(-1.0, 0.5)).starts_with("row 0: found the cost -1, expected USD"));
    assert!(fault(point(1.0, 8.5)).starts_with("row 0: found the score 8.5, expected a number"));
}

/// Three models on a few queries, with some router's predictions.
type Drawn = Vec<(Vec<CostPoint>, Vec<f64>)>;

fn any_table() -> impl Strategy<Value = Drawn> {
    let answer =
        (1_u8..40, 0_u8..=4).prop_map(|(usd, score)| point(f64::from(usd), f64::from(score) / 4.0));
    let query = (prop::collection::vec(answer, 3), prop::collection::vec(0.0_f64..=1.0, 3));
    prop::collection::vec(query, 1..30)
}

proptest! {
    #[test]
    fn no_router_beats_the_oracle_and_none_lies_above_its_own_hull(drawn in any_table()) {
        let (table, predicted): (Vec<_>, Vec<_>) = drawn.into_iter().unzip();
        let Ok(compared) = many_models::compare(&["a", "b", "c"], &table) else { return Ok(()) };
        let router = many_models::route(&table, &predicted, compared.range, 16).unwrap();
        prop_assert!(compared.oracle.aiq >= router.aiq - 1e-9);
        prop_assert!(compared.oracle.aiq >= compared.zero_router_aiq - 1e-9);
        for &of_router in &router.points {
            let mut with = compared.oracle.points.clone();
            with.push(of_router);
            let grown = aiq(&hull(&with), compared.range).unwrap();
            prop_assert!(grown <= compared.oracle.aiq + 1e-9, "{of_router:?} lies above the oracle");
        }
    }

    #[test]
    fn hulls_lie_on_or_above_every_point(
        drawn in prop::collection::vec((0_u8..20, 0_u8..20), 1..30),
    ) {
        let points: Vec<_> = drawn.iter().map(|&(c, s)| point(f64::from(c), f64::from(s))).collect();
        let hull = hull(&points);
        for pair in hull.windows(2) {
            prop_assert!(pair[0].usd < pair[1].usd && pair[0].score < pair[1].score);
        }
        for p in &points {
            let right = hull.partition_point(|h| h.usd <= p.usd);
            let (left, next) = (hull[right - 1], hull.get(right));
            let at = next.map_or(left.score, |next| {
                left.score + (next.score - left.score) * (p.usd - left.usd) / (next.usd - left.usd)
            });
            prop_assert!(at >= p.score - 1e-9);
        }
    }
}
