//! Similarity-weighted ranking (RouteLLM, section 4.2): fits a Bradley-Terry model for each query.
//!
//! Models are ranked by Elo group (RouteLLM's tiers), of which there are G:
//!
//! ```text
//! S_i      = cos(q, q_i)                                             similarity to a stored query
//! w_i      = gamma^(1 + S_i / max_j S_j)                             gamma = 10 in the paper
//! W_ab     = sum over battles of groups (a, b) of w_i * target       [G, G]
//! beta     = argmin - sum_ab W_ab ln sigmoid(beta_a - beta_b)        [G]
//! P(M_w beats M_l | q) = sigmoid(beta_group(w) - beta_group(l))
//! ```
//! Each stored query costs one int8 dot product and one power; the Bradley-Terry fit runs on the G x G
//! sums, by Newton's method, in microseconds. Weights are scaled to a mean of 1. Half a won and half a
//! lost battle are added between each pair of groups that met, so that a group which never lost has a
//! finite coefficient.

use crate::error::RouterError;
use crate::manifest::Manifest;
use crate::memory::{Memory, Records};
use crate::numeric::{sigmoid, solve};

/// Battles added between two groups that met, half of them won by either.
const PRIOR: f64 = 1.0;
/// Keeps the coefficients of groups without battles at 0.
const RIDGE: f64 = 1e-6;
const MAX_STEPS: usize = 50;
/// Most Elo groups: the fit costs their cube. RouteLLM has ten.
const MOST_GROUPS: usize = 64;
/// Largest base of the similarity weights, whose products with [`LARGEST_NUMBER`] stay finite.
///
/// [`LARGEST_NUMBER`]: crate::memory::LARGEST_NUMBER
const LARGEST_GAMMA: f64 = 1e9;

/// A similarity-weighted ranking router.
#[derive(Debug)]
pub(crate) struct SwRanking {
    memory: Memory,
    gamma: f32,
    /// How many Elo groups, G.
    groups: usize,
    /// Elo group of each candidate, in the manifest's order.
    group_of: Vec<usize>,
}

impl SwRanking {
    pub(super) fn new(memory: Memory, manifest: &Manifest) -> Result<Self, RouterError> {
        let bad = |detail: String| RouterError::BundleBadManifest { detail };
        let Records::Battles { battles, .. } = &memory.records else {
            return Err(RouterError::BundleBadMemory {
                detail: "it holds scores, and kind \"sw-ranking\" needs battles".into(),
            });
        };
        let head = &manifest.head;
        let gamma = head.gamma.ok_or_else(|| bad("head.gamma is missing".into()))?;
        if !(1.0..=LARGEST_GAMMA).contains(&gamma) {
            return Err(bad(format!("head.gamma is {gamma}: expected 1 to {LARGEST_GAMMA}")));
        }
        let group_of: Vec<usize> =
            head.tiers.iter().flatten().map(|&group| usize::from(group)).collect();
        if group_of.len() != manifest.candidates.len() {
            return Err(bad(format!(
                "head.tiers has {} entries, expected one for each of the {} candidates",
                group_of.len(),
                manifest.candidates.len()
            )));
        }
        let fought = battles.iter().flat_map(|battle| [battle.a, battle.b]).map(usize::from);
        let groups = fought.chain(group_of.iter().copied()).max().unwrap_or_default() + 1;
        if groups > MOST_GROUPS {
            return Err(bad(format!(
                "head.tiers and memory.bin name the Elo group {}: expected one below {MOST_GROUPS}",
                groups - 1
            )));
        }
        #[allow(clippy::cast_possible_truncation)]
        let gamma = gamma as f32;
        Ok(Self { memory, gamma, groups, group_of })
    }

    pub(super) fn width(&self) -> usize {
        self.memory.width()
    }

    /// Bradley-Terry coefficient of each candidate's group.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn scores(&self, embedding: &[f32]) -> Vec<f32> {
        let beta = bradley_terry(&self.weighted_wins(embedding), self.groups);
        self.group_of.iter().map(|&group| beta[group] as f32).collect()
    }

    /// W, `[G, G]` row by row: the weighted wins of each group against each other one.
    fn weighted_wins(&self, embedding: &[f32]) -> Vec<f64> {
        let mut wins = vec![0.0_f64; self.groups * self.groups];
        let Records::Battles { weights, ends, battles } = &self.memory.records else {
            return wins;
        };
        let similarities = self.memory.similarities(embedding);
        let largest = similarities.iter().fold(0.0_f32, |top, &s| top.max(s));
        // Where no query is similar, all stored queries have the same weight.
        let step = if largest > 0.0 { self.gamma.log2() / largest } else { 0.0 };
        let (mut total, mut start) = (0.0_f64, 0_usize);
        for ((similarity, weight), &end) in similarities.iter().zip(weights).zip(ends) {
            // gamma^1 is common to all and cancels when the weights are scaled.
            let weight = f64::from(weight * (similarity * step).exp2());
            for battle in &battles[start..end as usize] {
                let (a, b) = (usize::from(battle.a), usize::from(battle.b));
                wins[a * self.groups + b] += weight * f64::from(battle.target);
                wins[b * self.groups + a] += weight * f64::from(1.0 - battle.target);
                total += weight;
            }
            start = end as usize;
        }
        if total > 0.0 {
            #[allow(clippy::cast_precision_loss)]
            let scale = battles.len() as f64 / total;
            wins.iter_mut().for_each(|w| *w *= scale);
        }
        wins
    }
}

/// Coefficients of the groups from their weighted wins, `[G, G]` row by row; their mean over the
/// groups that met others is near 0.
fn bradley_terry(wins: &[f64], groups: usize) -> Vec<f64> {
    let mut met = wins.to_vec();
    for a in 0..groups {
        for b in 0..groups {
            if a != b && wins[a * groups + b] + wins[b * groups + a] > 0.0 {
                met[a * groups + b] += PRIOR / 2.0;
            }
        }
    }
    let mut beta = vec![0.0_f64; groups];
    for _ in 0..MAX_STEPS {
        let mut gradient: Vec<f64> = beta.iter().map(|b| -RIDGE * b).collect();
        let mut hessian = vec![0.0_f64; groups * groups];
        for a in 0..groups {
            hessian[a * groups + a] += RIDGE;
            for b in 0..a {
                let (won, lost) = (met[a * groups + b], met[b * groups + a]);
                let p = sigmoid(beta[a] - beta[b]);
                let pull = won - (won + lost) * p;
                gradient[a] += pull;
                gradient[b] -= pull;
                let curvature = (won + lost) * p * (1.0 - p);
                hessian[a * groups + a] += curvature;
                hessian[b * groups + b] += curvature;
                hessian[a * groups + b] -= curvature;
                hessian[b * groups + a] -= curvature;
            }
        }
        solve(&mut hessian, &mut gradient, groups);
        // A long step overshoots where the curve is flat: no step moves a coefficient by more than 2.
        let longest = gradient.iter().fold(0.0_f64, |top, d| top.max(d.abs()));
        let damping = if longest > 2.0 { 2.0 / longest } else { 1.0 };
        beta.iter_mut().zip(&gradient).for_each(|(b, d)| *b += d * damping);
        if longest < 1e-9 {
            break;
        }
    }
    beta
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn two_groups_have_the_log_odds_of_their_wins() {
        let beta = bradley_terry(&[0.0, 29.5, 9.5, 0.0], 2);
        // With the prior's halves: 30 wins to 10.
        assert!((beta[0] - beta[1] - 3.0_f64.ln()).abs() < 1e-6, "{beta:?}");
    }

    #[test]
    fn a_group_that_never_lost_stays_finite_and_one_without_battles_stays_at_zero() {
        let beta = bradley_terry(&[0.0, 500.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], 3);
        assert!(beta[0] > beta[1] && beta.iter().all(|b| b.is_finite()), "{beta:?}");
        assert!(beta[2].abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn the_fit_meets_the_expected_wins(
            wins in prop::collection::vec(0.5_f64..40.0, 16..=16),
        ) {
            // At the maximum each group's expected wins equal its wins (the score equations).
            let beta = bradley_terry(&wins, 4);
            for a in 0..4 {
                let (mut won, mut expected) = (0.0, 0.0);
                for b in (0..4).filter(|&b| b != a) {
                    let (ab, ba) = (wins[a * 4 + b] + 0.5, wins[b * 4 + a] + 0.5);
                    won += ab;
                    expected += (ab + ba) / (1.0 + (beta[b] - beta[a]).exp());
                }
                prop_assert!((won - expected).abs() < 1e-3, "{won} {expected}");
            }
        }
    }
}
