//! The protocol on curves small enough to check by hand, and its laws on random ones.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn row(win_rate: f64, weak: f64, strong: f64) -> RoutedRow {
    RoutedRow { win_rate, weak, strong }
}

/// Eleven rows with win rates 0, 0.1, ... 1: the deciles are the win rates themselves.
fn eleven(weak: [u8; 11]) -> Vec<RoutedRow> {
    weak.iter().enumerate().map(|(at, &weak)| row(at as f64 / 10.0, f64::from(weak), 1.0)).collect()
}

#[test]
fn eleven_thresholds_with_the_last_one_strict() {
    let curve = Curve::at_deciles(&eleven([1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0])).unwrap();
    let shares: Vec<f64> = curve.points.iter().map(|point| point.strong_share * 11.0).collect();
    // The strict one sends nobody, the next one the two upper rows: the share 1/11 is not visited.
    let expected = [0.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0];
    for (found, expected) in shares.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-12, "{shares:?}");
    }
    assert_eq!(shares.len(), 11);
    assert!(!curve.points[0].inclusive && curve.points[1].inclusive);
    assert_eq!(curve.points[0].threshold, 1.0);
}

#[test]
fn metrics_match_the_area_counted_by_hand() {
    // PGR at 0, 2, 3, 4, 5, 6..11 strong calls of 11: 0, .4, .6, .8, 1, 1...; trapezoids in units
    // of one call: .4 + .5 + .7 + .9 + 6 = 8.5 of 11.
    let curve = Curve::at_deciles(&eleven([1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0])).unwrap();
    assert!((curve.apgr() - 8.5 / 11.0).abs() < 1e-12);
    assert!((curve.cpt(0.5).unwrap() - 2.5 / 11.0).abs() < 1e-12);
    assert!((curve.cpt(0.8).unwrap() - 4.0 / 11.0).abs() < 1e-12);
    assert!((curve.weak - 6.0 / 11.0).abs() < 1e-12);
}

#[test]
fn repeated_deciles_are_taken_once() {
    // Win rates 0 (6 times) and 1 (4 times): every decile is one of the two.
    let rows: Vec<_> = (0..10).map(|at| row(f64::from(at >= 6), f64::from(at < 6), 1.0)).collect();
    let curve = Curve::at_deciles(&rows).unwrap();
    let shares: Vec<_> = curve.points.iter().map(|point| point.strong_share).collect();
    // Linear interpolation puts one decile between the two values, 60 % of 9 steps = 5.4.
    assert_eq!(shares, [0.0, 0.4, 1.0]);
    assert!((curve.points[1].threshold - 0.4).abs() < 1e-12);
}

#[test]
fn the_full_curve_visits_every_win_rate() {
    let rows = [row(0.2, 0.0, 1.0), row(0.9, 0.0, 1.0), row(0.9, 1.0, 0.0), row(0.5, 0.0, 1.0)];
    let curve = Curve::at_every_win_rate(&rows).unwrap();
    let points: Vec<_> =
        curve.points.iter().map(|p| (p.threshold, p.strong_share, p.score)).collect();
    assert_eq!(points, [(0.9, 0.0, 0.25), (0.9, 0.5, 0.25), (0.5, 0.75, 0.5), (0.2, 1.0, 0.75)]);
}

#[test]
fn cpt_is_the_least_share_where_the_curve_falls_again() {
    let point =
        |strong_share, score| CurvePoint { threshold: 0.0, inclusive: true, strong_share, score };
    let curve = Curve {
        points: vec![point(0.0, 0.0), point(0.25, 0.5), point(0.5, 0.25), point(1.0, 1.0)],
        weak: 0.0,
        strong: 1.0,
    };
    assert_eq!(curve.cpt(0.5), Ok(0.25));
    assert_eq!(curve.cpt(0.4), Ok(0.2));
    assert_eq!(curve.cpt(0.0), Ok(0.0));
    assert_eq!(curve.cpt(1.0), Ok(1.0));
    for (quality, found) in [(1.5, "found the quality 1.5"), (f64::NAN, "found the quality NaN")] {
        assert!(curve.cpt(quality).unwrap_err().to_string().starts_with(found));
    }
}

#[test]
fn undefined_metrics_are_errors() {
    assert_eq!(Curve::at_deciles(&[]).unwrap_err().code(), "no_rows");
    let same = [row(0.1, 1.0, 1.0), row(0.2, 0.0, 0.0)];
    assert_eq!(Curve::at_deciles(&same), Err(EvalError::NoGap { weak: 0.5, strong: 0.5 }));
    let worse = [row(0.1, 1.0, 0.0), row(0.2, 0.0, 0.0)];
    assert_eq!(Curve::at_deciles(&worse).unwrap_err().code(), "no_gap");
    let constant = [row(0.3, 0.0, 1.0), row(0.3, 0.0, 1.0)];
    assert_eq!(Curve::at_deciles(&constant), Err(EvalError::ConstantWinRate { value: 0.3 }));
    for bad in [f64::NAN, f64::INFINITY] {
        let found = Curve::at_deciles(&[row(0.1, 0.0, 1.0), row(bad, 0.0, 1.0)]).unwrap_err();
        assert!(found.to_string().starts_with("row 1: found the win rate"), "{found}");
        let error = Curve::at_deciles(&[row(0.1, 0.0, bad)]).unwrap_err().to_string();
        assert!(error.starts_with("row 0: found the strong score"), "{error}");
    }
}

fn any_rows() -> impl Strategy<Value = Vec<RoutedRow>> {
    let one = (0_u8..20, 0_u8..=4, 0_u8..=4);
    prop::collection::vec(one, 2..80).prop_map(|rows| {
        rows.into_iter()
            .map(|(win_rate, weak, strong)| {
                row(f64::from(win_rate) / 20.0, f64::from(weak) / 4.0, f64::from(strong) / 4.0)
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn curves_run_from_weak_to_strong_with_falling_thresholds(rows in any_rows()) {
        for curve in [Curve::at_deciles(&rows), Curve::at_every_win_rate(&rows)].into_iter().flatten() {
            let (first, last) = (curve.points[0], curve.points[curve.points.len() - 1]);
            prop_assert_eq!((first.strong_share, last.strong_share), (0.0, 1.0));
            prop_assert!((first.score - curve.weak).abs() < 1e-9);
            prop_assert!((last.score - curve.strong).abs() < 1e-9);
            for pair in curve.points.windows(2) {
                // Two deciles may lie between the same two win rates.
                prop_assert!(pair[0].strong_share <= pair[1].strong_share);
                prop_assert!(pair[0].threshold >= pair[1].threshold);
            }
            prop_assert!(curve.cpt(0.5).unwrap() <= curve.cpt(0.8).unwrap());
        }
    }

    #[test]
    fn a_point_is_what_routing_row_by_row_gives(rows in any_rows()) {
        if let Ok(curve) = Curve::at_deciles(&rows) {
            for point in &curve.points {
                let strong = |r: &&RoutedRow| {
                    r.win_rate > point.threshold || (point.inclusive && r.win_rate == point.threshold)
                };
                let n = rows.len() as f64;
                let share = rows.iter().filter(strong).count() as f64 / n;
                let score: f64 = rows.iter().map(|r| if strong(&r) { r.strong } else { r.weak }).sum();
                prop_assert!((point.strong_share - share).abs() < 1e-12);
                prop_assert!((point.score - score / n).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn only_the_order_of_win_rates_counts_on_the_full_curve(rows in any_rows()) {
        let stretched: Vec<_> = rows.iter().map(|r| row(r.win_rate.powi(3) * 7.0 - 2.0, r.weak, r.strong)).collect();
        if let (Ok(a), Ok(b)) = (Curve::at_every_win_rate(&rows), Curve::at_every_win_rate(&stretched)) {
            prop_assert!((a.apgr() - b.apgr()).abs() < 1e-12);
        }
    }

    #[test]
    fn opposite_routers_share_the_area(rows in any_rows()) {
        // Reversing every win rate turns the full curve by half a turn: the APGRs add up to 1.
        let reversed: Vec<_> = rows.iter().map(|r| row(-r.win_rate, r.weak, r.strong)).collect();
        if let (Ok(a), Ok(b)) = (Curve::at_every_win_rate(&rows), Curve::at_every_win_rate(&reversed)) {
            prop_assert!((a.apgr() + b.apgr() - 1.0).abs() < 1e-9);
        }
    }
}
