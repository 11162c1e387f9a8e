//! Results that need no trained router: random, the single models and the oracle.

use super::baselines;
use super::build::{Settings, empty_result};
use super::{Cpt, Origin, PairRouter};
use crate::eval::EvalError;
use crate::eval::curve::{CurvePoint, RoutedRow};

/// Most points kept of the oracle's curve: what a plot of a page's width can show.
const PLOTTED: usize = 200;

/// Evaluates these baselines; the win rates of `plain` are ignored.
pub(super) fn rows(
    plain: &[RoutedRow],
    qualities: &[f64],
    settings: &Settings,
) -> Result<Vec<PairRouter>, EvalError> {
    let mut found = vec![random(plain, qualities, settings)?];
    for (name, policy) in [
        ("always weak", baselines::always_weak(plain)?),
        ("always strong", baselines::always_strong(plain)?),
    ] {
        let result = empty_result(name, "single", Origin::Baseline);
        found.push(PairRouter { fixed: Some(policy), ..result });
    }
    let oracle = baselines::oracle(plain)?;
    let shares = qualities.iter().map(|&quality| oracle.curve.cpt(quality));
    found.push(PairRouter {
        apgr: Some(oracle.apgr),
        cpt: cpts(qualities, &shares.collect::<Result<Vec<_>, _>>()?),
        fixed: Some(baselines::best_of_both(plain)?),
        curve: thinned(&oracle.curve.points),
        ..empty_result("oracle", "oracle", Origin::Baseline)
    });
    Ok(found)
}

fn random(
    plain: &[RoutedRow],
    qualities: &[f64],
    settings: &Settings,
) -> Result<PairRouter, EvalError> {
    let (draws, seed) = (settings.random_draws, settings.bootstrap.seed);
    let (apgr, shares) = baselines::random(plain, qualities, draws, seed)?;
    Ok(PairRouter {
        apgr: Some(apgr),
        cpt: cpts(qualities, &shares),
        ..empty_result("random", "random", Origin::Baseline)
    })
}

fn cpts(qualities: &[f64], shares: &[f64]) -> Vec<Cpt> {
    let pairs = qualities.iter().zip(shares);
    pairs
        .map(|(&quality, &strong_share)| Cpt { quality, strong_share, interval: None, money: None })
        .collect()
}

/// The corners of a curve; of very many corners only every few.
fn thinned(points: &[CurvePoint]) -> Vec<CurvePoint> {
    let mut corners: Vec<CurvePoint> = Vec::new();
    for &point in points {
        if let [.., before, last] = corners.as_slice() {
            let turn = (last.strong_share - before.strong_share) * (point.score - before.score)
                - (last.score - before.score) * (point.strong_share - before.strong_share);
            if turn.abs() < 1e-12 {
                corners.pop();
            }
        }
        corners.push(point);
    }
    thin(&mut corners);
    corners
}

/// Keeps every few of very many points, and the last.
pub(super) fn thin<T>(points: &mut Vec<T>) {
    let last = points.len().saturating_sub(1);
    let step = points.len().div_ceil(PLOTTED).max(1);
    let mut next = 0..=last;
    points.retain(|_| next.next().is_some_and(|at| at % step == 0 || at == last));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(strong_share: f64, score: f64) -> CurvePoint {
        CurvePoint { threshold: 0.0, inclusive: true, strong_share, score }
    }

    #[test]
    fn thinning_keeps_corners_and_ends() {
        let line =
            [point(0.0, 0.0), point(0.25, 0.5), point(0.5, 1.0), point(0.7, 1.0), point(1.0, 1.0)];
        assert_eq!(thinned(&line), [line[0], line[2], line[4]]);
        let bent: Vec<CurvePoint> =
            (0..=1000).map(|at| point(f64::from(at) / 1e3, (f64::from(at) / 1e3).sqrt())).collect();
        let found = thinned(&bent);
        assert!(found.len() <= PLOTTED + 1, "{}", found.len());
        assert_eq!((found[0], found[found.len() - 1]), (bent[0], bent[1000]));
    }
}
