//! Baselines that need no trained router: random, the single models and the oracle.

use super::baselines;
use super::curve::{CurvePoint, RoutedRow};
use super::{Cpt, PairMetrics, PairRouter};
use crate::eval::EvalError;
use crate::eval::cost_quality::thin;
use crate::eval::evaluated::Entry;
use crate::eval::origin::Origin;

/// Evaluates these baselines; the win rates of `plain` are ignored. `draws` and `seed` are those of
/// the random routers.
pub(super) fn routers(
    plain: &[RoutedRow],
    qualities: &[f64],
    draws: usize,
    seed: u64,
) -> Result<Vec<PairRouter>, EvalError> {
    let baseline =
        |name: &str, kind: &str, metrics| Entry::new(name, kind, Origin::Baseline, metrics);
    let (apgr, shares) = baselines::random(plain, qualities, draws, seed)?;
    let random =
        PairMetrics { apgr: Some(apgr), cpt: cpts(qualities, &shares), ..PairMetrics::default() };
    let single = |policy| PairMetrics { fixed: Some(policy), ..PairMetrics::default() };
    let oracle = baselines::oracle(plain)?;
    let shares = qualities.iter().map(|&quality| oracle.cpt(quality));
    let oracle = PairMetrics {
        apgr: Some(oracle.apgr()),
        cpt: cpts(qualities, &shares.collect::<Result<Vec<_>, _>>()?),
        fixed: Some(baselines::best_of_both(plain)?),
        curve: thinned(&oracle.points),
        ..PairMetrics::default()
    };
    Ok(vec![
        baseline("random", "random", random),
        baseline("always weak", "single", single(baselines::always_weak(plain)?)),
        baseline("always strong", "single", single(baselines::always_strong(plain)?)),
        baseline("oracle", "oracle", oracle),
    ])
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::cost_quality::PLOTTED;

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
