//! Routers that need no training. A trained router must beat these to be worth shipping.
//!
//! Each takes the rows of an evaluation and ignores their win rates. [`random`] is evaluated by
//! RouteLLM's protocol; [`always_weak`] and [`always_strong`] are single decisions without a curve;
//! [`oracle`] knows the outcomes and bounds what any router can
//! reach on these rows.

use rand_chacha::rand_core::Rng;
use serde::{Deserialize, Serialize};

use super::curve::{Curve, RoutedRow, end_points};
use crate::data::seeded;
use crate::eval::EvalError;
use crate::eval::error::check_some;

/// One decision for every query, or the best one for each: a point without a curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FixedPolicy {
    pub rows: usize,
    /// Share of queries that go to the strong model, in [0, 1].
    pub strong_share: f64,
    pub score: f64,
    /// Mean score of the weak model.
    pub weak: f64,
    /// Mean score of the strong model.
    pub strong: f64,
}

/// Random routers, with win rates uniform on [0, 1): the mean APGR and the mean CPT at each of the
/// qualities over `draws` of them.
///
/// # Errors
/// [`EvalError::BadInput`], and those of [`Curve::at_deciles`].
pub fn random(
    rows: &[RoutedRow],
    qualities: &[f64],
    draws: usize,
    seed: u64,
) -> Result<(f64, Vec<f64>), EvalError> {
    check_some("random draws", draws)?;
    let mut generator = seeded(seed);
    let (mut apgr, mut cpts) = (0.0, vec![0.0; qualities.len()]);
    let mut drawn = rows.to_vec();
    for _ in 0..draws {
        for row in &mut drawn {
            // The upper 53 bits fill a double's mantissa: even on [0, 1).
            row.win_rate = (generator.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        }
        let curve = Curve::at_deciles(&drawn)?;
        apgr += curve.apgr();
        for (sum, &quality) in cpts.iter_mut().zip(qualities) {
            *sum += curve.cpt(quality)?;
        }
    }
    let n = draws as f64;
    Ok((apgr / n, cpts.into_iter().map(|sum| sum / n).collect()))
}

/// Sends every query to the weak model.
///
/// # Errors
/// [`EvalError::NoRows`] and [`EvalError::BadRow`].
pub fn always_weak(rows: &[RoutedRow]) -> Result<FixedPolicy, EvalError> {
    let (weak, strong) = end_points(rows)?;
    Ok(FixedPolicy { rows: rows.len(), strong_share: 0.0, score: weak, weak, strong })
}

/// Sends every query to the strong model.
///
/// # Errors
/// [`EvalError::NoRows`] and [`EvalError::BadRow`].
pub fn always_strong(rows: &[RoutedRow]) -> Result<FixedPolicy, EvalError> {
    let (weak, strong) = end_points(rows)?;
    Ok(FixedPolicy { rows: rows.len(), strong_share: 1.0, score: strong, weak, strong })
}

/// Sends each query to the model that scores higher, and to the weak one where both score alike:
/// the best mean score that choosing between the two can give, with the fewest strong calls for it.
///
/// # Errors
/// [`EvalError::NoRows`] and [`EvalError::BadRow`].
pub fn best_of_both(rows: &[RoutedRow]) -> Result<FixedPolicy, EvalError> {
    let (weak, strong) = end_points(rows)?;
    let n = rows.len() as f64;
    let score = rows.iter().map(|row| row.weak.max(row.strong)).sum::<f64>() / n;
    let strong_share = rows.iter().filter(|row| row.strong > row.weak).count() as f64 / n;
    Ok(FixedPolicy { rows: rows.len(), strong_share, score, weak, strong })
}

/// Routes by the outcomes: queries go to the strong model in order of its gain. The curve has a
/// point for every query, not for deciles, so that it lies on or above every point that a router
/// can reach, and its APGR and CPT bound theirs.
///
/// # Errors
/// Those of [`Curve::at_deciles`].
pub fn oracle(rows: &[RoutedRow]) -> Result<Curve, EvalError> {
    end_points(rows)?;
    let mut by_gain: Vec<RoutedRow> = rows.to_vec();
    by_gain.sort_by(|a, b| (a.strong - a.weak).total_cmp(&(b.strong - b.weak)));
    for (rank, row) in by_gain.iter_mut().enumerate() {
        row.win_rate = rank as f64;
    }
    if let [only] = by_gain.as_slice() {
        return Err(EvalError::ConstantWinRate { value: only.win_rate });
    }
    Curve::at_every_win_rate(&by_gain)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(outcomes: &[(f64, f64)]) -> Vec<RoutedRow> {
        outcomes
            .iter()
            .enumerate()
            .map(|(at, &(weak, strong))| RoutedRow { win_rate: at as f64, weak, strong })
            .collect()
    }

    #[test]
    fn chance_recovers_half_of_the_gap() {
        let outcomes: Vec<(f64, f64)> =
            (0..2000).map(|at| (f64::from(at % 3 == 0), f64::from(at % 5 != 0))).collect();
        let (apgr, cpts) = random(&rows(&outcomes), &[0.5, 0.8], 40, 11).unwrap();
        assert!((apgr - 0.5).abs() < 0.01, "{apgr}");
        assert!((cpts[0] - 0.5).abs() < 0.02 && (cpts[1] - 0.8).abs() < 0.02, "{cpts:?}");
    }

    #[test]
    fn a_seed_gives_the_same_chance_row() {
        let rows = rows(&[(0.0, 1.0), (1.0, 1.0), (0.0, 1.0), (1.0, 0.0), (0.0, 1.0)]);
        let at = |draws, seed| random(&rows, &[0.5], draws, seed);
        assert_eq!(at(3, 5), at(3, 5));
        assert_ne!(at(3, 5), at(3, 6));
        assert!(at(0, 5).unwrap_err().to_string().starts_with("found 0 random draws"));
    }

    #[test]
    fn the_oracle_calls_the_strong_model_only_where_it_gains() {
        // Gains: 1, 0, 1, -1. Best order gives 0.5 -> 0.75 -> 1.0 -> 1.0 -> 0.75 of mean score.
        let rows = rows(&[(0.0, 1.0), (1.0, 1.0), (0.0, 1.0), (1.0, 0.0)]);
        let bound = oracle(&rows).unwrap();
        let scores: Vec<f64> = bound.points.iter().map(|point| point.score).collect();
        assert_eq!(scores, [0.5, 0.75, 1.0, 1.0, 0.75]);
        assert_eq!(bound.cpt(0.5), Ok(0.125));
        let best = best_of_both(&rows).unwrap();
        assert_eq!((best.score, best.strong_share), (1.0, 0.5));
        assert_eq!(always_strong(&rows).unwrap().score, 0.75);
        assert_eq!(always_weak(&rows).unwrap().score, 0.5);
    }

    #[test]
    fn one_row_has_no_oracle_curve() {
        assert_eq!(oracle(&rows(&[(0.0, 1.0)])).unwrap_err().code(), "constant_win_rate");
    }

    proptest! {
        #[test]
        fn no_router_beats_the_oracle(
            outcomes in prop::collection::vec((0_u8..=4, 0_u8..=4, 0_u8..6), 2..60),
        ) {
            let rows: Vec<RoutedRow> = outcomes
                .iter()
                .map(|&(weak, strong, win_rate)| RoutedRow {
                    win_rate: f64::from(win_rate),
                    weak: f64::from(weak) / 4.0,
                    strong: f64::from(strong) / 4.0,
                })
                .collect();
            if let (Ok(router), Ok(bound)) = (Curve::at_deciles(&rows), oracle(&rows)) {
                prop_assert!(bound.apgr() >= router.apgr() - 1e-9);
                for quality in [0.5, 0.8] {
                    let (bound, router) = (bound.cpt(quality), router.cpt(quality));
                    prop_assert!(bound.unwrap() <= router.unwrap() + 1e-9);
                }
                let best = best_of_both(&rows).unwrap();
                let reached = bound.points.iter().map(|point| point.score);
                prop_assert!((reached.fold(f64::MIN, f64::max) - best.score).abs() < 1e-9);
            }
        }
    }
}
