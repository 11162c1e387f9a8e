//! Difficulties of items from the scores of several respondents: the one-parameter logistic model of item
//! response theory (Rasch, 1960), by its posterior mode.
//!
//! ```text
//! P(respondent m answers item i well) = sigmoid(a_m - b_i)
//! b_i ~ N(0, spread^2)   a_m ~ N(0, ABILITY_SPREAD^2)
//! ```
//! A score in [0, 1] counts as that share of a right answer. The priors keep every number finite: an item
//! that all or none answered, and a respondent with five scores, are drawn towards 0.

/// Standard deviation of the prior on an ability: wide, since pools of LLMs differ.
const ABILITY_SPREAD: f64 = 4.0;
/// Most passes over abilities and difficulties; they settle in some tens.
const MAX_PASSES: usize = 200;
/// Largest change of a difficulty at which they count as settled.
const SETTLED: f64 = 1e-6;

/// Difficulties b `[N]` of N items. Only their differences have a meaning: the priors set where 0 is.
///
/// `scores` holds, for each item, pairs of respondent and score in [0, 1]; `spread` is the standard deviation
/// of the prior on a difficulty.
pub fn difficulties(scores: &[Vec<(usize, f64)>], spread: f64) -> Vec<f64> {
    let respondents = scores.iter().flatten().map(|&(m, _)| m + 1).max().unwrap_or_default();
    let mut abilities = vec![0.0; respondents];
    let mut difficulties = vec![0.0; scores.len()];
    let prior = [spread, ABILITY_SPREAD].map(|deviation| 1.0 / (deviation * deviation));
    for _ in 0..MAX_PASSES {
        let mut steps = vec![Newton::default(); respondents];
        for (item, difficulty) in scores.iter().zip(&difficulties) {
            for &(m, score) in item {
                steps[m].add(score, abilities[m] - difficulty);
            }
        }
        for (ability, step) in abilities.iter_mut().zip(steps) {
            *ability += step.change(*ability, prior[1]);
        }
        let mut largest: f64 = 0.0;
        for (item, difficulty) in scores.iter().zip(&mut difficulties) {
            let mut step = Newton::default();
            for &(m, score) in item {
                step.add(score, abilities[m] - *difficulty);
            }
            // A difficulty enters with the opposite sign.
            let change = -step.change(-*difficulty, prior[0]);
            *difficulty += change;
            largest = largest.max(change.abs());
        }
        if largest < SETTLED {
            break;
        }
    }
    difficulties
}

/// Gradient and curvature of a logistic log likelihood in one parameter.
#[derive(Debug, Clone, Copy, Default)]
struct Newton {
    gradient: f64,
    curvature: f64,
}

impl Newton {
    fn add(&mut self, score: f64, logit: f64) {
        let p = 1.0 / (1.0 + (-logit).exp());
        self.gradient += score - p;
        self.curvature += p * (1.0 - p);
    }

    /// Newton's step from `value` under a normal prior of this precision, at most 1 in size so that a step
    /// from a flat part of the curve does not overshoot.
    fn change(&self, value: f64, precision: f64) -> f64 {
        ((self.gradient - precision * value) / (self.curvature + precision)).clamp(-1.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fewer_answered_is_harder_and_whom_it_defeated_counts() {
        // The third respondent fails nearly everything, so its failures say little.
        let scores = [
            vec![(0, 1.0), (1, 1.0), (2, 1.0)],
            vec![(0, 1.0), (1, 1.0), (2, 0.0)],
            vec![(0, 1.0), (1, 0.0), (2, 0.0)],
            vec![(0, 0.0), (1, 0.0), (2, 0.0)],
            vec![(2, 0.0)],
        ];
        let b = difficulties(&scores, 1.0);
        assert!(b.windows(2).take(3).all(|pair| pair[0] < pair[1]), "{b:?}");
        assert!(b[4] < b[2], "{b:?}");
    }

    #[test]
    fn difficulties_of_a_known_model_are_recovered() {
        // Expected scores in place of draws: the mode is the truth, but for the prior's pull.
        let (abilities, truth) = ([-1.5, -0.5, 0.0, 0.5, 1.5], [-1.0, -0.25, 0.25, 1.0]);
        let scores: Vec<Vec<(usize, f64)>> = truth
            .iter()
            .map(|b| {
                let expected = abilities.iter().map(|a: &f64| 1.0 / (1.0 + (b - a).exp()));
                expected.enumerate().collect()
            })
            .collect();
        let found = difficulties(&scores, 20.0);
        for (at, truth) in truth.iter().enumerate() {
            // The truth has mean 0.
            let centred = found[at] - found.iter().sum::<f64>() / 4.0;
            assert!((centred - truth).abs() < 0.05, "{centred} for {truth}");
        }
    }

    #[test]
    fn all_right_all_wrong_and_nothing_stay_finite() {
        let scores = [vec![(0, 1.0), (1, 1.0)], vec![(0, 0.0), (1, 0.0)], Vec::new()];
        let b = difficulties(&scores, 1.0);
        assert!(b.iter().all(|b| b.is_finite()) && b[0] < b[2] && b[2] < b[1], "{b:?}");
        assert_eq!(difficulties(&[vec![(0, 1.0); 3]], 1.0).len(), 1);
        assert!(difficulties(&[], 1.0).is_empty());
    }
}
