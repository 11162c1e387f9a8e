//! Scores an order of held-out rows.

use serde::{Deserialize, Serialize};

use crate::eval::EvalError;
use crate::eval::pair::baselines;
use crate::eval::pair::curve::{Curve, RoutedRow};
use crate::eval::pair::operating_points::at_share;
use crate::eval::pair::weak_suffices::auc;

/// How well an order of queries serves a pair.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Average performance gap recovered; chance has 0.5.
    pub apgr: f64,
    /// AUC of "the weak LLM suffices"; absent where it suffices always or never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auc: Option<f64>,
    /// Mean score at the share of strong calls, as a share of the strong LLM's.
    pub kept: f64,
    /// The same, averaged over all shares of strong calls. It is APGR in another unit, and does not blow up where the
    /// LLMs differ by little.
    pub mean_kept: f64,
}

/// Scores of rows in the order of their win rates, at a share of strong calls in [0, 1]. Equal win rates say as much
/// as chance.
///
/// # Errors
/// [`EvalError::NoRows`]; [`EvalError::NoGap`]; [`EvalError::BadRow`] for win rates that are not finite.
pub fn scores(rows: &[RoutedRow], share: f64) -> Result<Scores, EvalError> {
    match Curve::at_deciles(rows) {
        Ok(curve) => {
            let point = at_share(rows, None, share, None)?;
            Ok(of_curve(&curve, auc(rows), point.score))
        }
        Err(EvalError::ConstantWinRate { .. }) => chance(rows, share),
        Err(error) => Err(error),
    }
}

/// What is expected of strong calls at random.
///
/// # Errors
/// Those of [`scores`].
pub fn chance(rows: &[RoutedRow], share: f64) -> Result<Scores, EvalError> {
    let (weak, strong) =
        (baselines::always_weak(rows)?.score, baselines::always_strong(rows)?.score);
    if strong <= weak {
        return Err(EvalError::NoGap { weak, strong });
    }
    let kept = |share: f64| (weak + share * (strong - weak)) / strong;
    let auc = auc(rows).map(|_| 0.5);
    Ok(Scores { apgr: 0.5, auc, kept: kept(share), mean_kept: kept(0.5) })
}

/// What knowing the outcomes gives.
///
/// # Errors
/// Those of [`scores`].
pub fn oracle(rows: &[RoutedRow], share: f64) -> Result<Scores, EvalError> {
    let curve = baselines::oracle(rows)?;
    let reached = curve.points.iter().filter(|point| point.strong_share <= share + 1e-12);
    let score = reached.map(|point| point.score).fold(curve.weak, f64::max);
    Ok(of_curve(&curve, auc(rows).map(|_| 1.0), score))
}

fn of_curve(curve: &Curve, auc: Option<f64>, score: f64) -> Scores {
    let Curve { weak, strong, .. } = curve;
    let apgr = curve.apgr();
    Scores { apgr, auc, kept: score / strong, mean_kept: (weak + apgr * (strong - weak)) / strong }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn rows(win_rate: fn(usize) -> f64) -> Vec<RoutedRow> {
        let row = |at: usize| RoutedRow {
            win_rate: win_rate(at),
            weak: f64::from(!at.is_multiple_of(4)),
            strong: 1.0,
        };
        (0..400).map(row).collect()
    }

    #[test]
    fn chance_and_equal_win_rates_are_one_and_the_oracle_is_above() {
        let chance = chance(&rows(|_| 0.0), 0.3).unwrap();
        assert_eq!((chance.apgr, chance.auc), (0.5, Some(0.5)));
        assert!((chance.kept - 0.825).abs() < 1e-12 && (chance.mean_kept - 0.875).abs() < 1e-12);
        assert_eq!(scores(&rows(|_| 0.7), 0.3).unwrap(), chance);
        let found = scores(&rows(|at| f64::from(at % 4 == 0) + at as f64 / 1e4), 0.3).unwrap();
        let best = oracle(&rows(|_| 0.0), 0.3).unwrap();
        assert!((found.apgr - 0.875).abs() < 0.02 && found.auc == Some(1.0), "{found:?}");
        assert!((found.mean_kept - (0.75 + 0.25 * found.apgr)).abs() < 1e-12);
        assert!(best.apgr >= found.apgr && (best.kept - 1.0).abs() < 1e-12, "{best:?}");
    }

    #[test]
    fn two_llms_alike_are_an_error_and_an_llm_that_always_suffices_has_no_area() {
        let alike = [RoutedRow { win_rate: 0.1, weak: 0.5, strong: 0.5 }; 3];
        assert_eq!(scores(&alike, 0.3).unwrap_err().code(), "no_gap");
        assert_eq!(chance(&alike, 0.3).unwrap_err().code(), "no_gap");
        let never = [(0.1, 0.0), (0.2, 0.5)].map(|(win_rate, weak)| RoutedRow {
            win_rate,
            weak,
            strong: 1.0,
        });
        assert_eq!(scores(&never, 0.3).unwrap().auc, None);
    }
}
