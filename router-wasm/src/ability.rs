//! The ability of an LLM: how its quality falls with a query's demands.
//!
//! ```text
//! P(the LLM answers q well) = sigmoid(a - sum_k w_k d_k(q))
//! ```
//! d is `[K]`, the query's demands, which a router of kind `difficulty` computes; a and w are the ability's
//! intercept and slopes. It is the multidimensional two-parameter logistic model of item response theory
//! in slope and intercept form (Reckase, Multidimensional Item Response Theory, 2009), with the query's
//! demands in place of the item's parameters. So a new LLM needs no new encoder: a few hundred of its
//! outcomes give its K + 1 numbers ([`Ability::fit`]), in milliseconds.
//!
//! ```
//! use pointsman::{Ability, AbilityPenalty};
//!
//! # fn main() -> Result<(), pointsman::RouterError> {
//! let prior = Ability { intercept: 0.0, slopes: vec![1.0] };
//! let demands = [vec![-1.0], vec![0.0], vec![1.0], vec![2.0]];
//! let ability = Ability::fit(&demands, &[1.0, 1.0, 1.0, 0.0], &prior, AbilityPenalty::default())?;
//! assert!(ability.quality(&[0.0]) > prior.quality(&[0.0]));
//! # Ok(())
//! # }
//! ```

use serde::{Deserialize, Serialize};

use crate::error::RouterError;
use crate::numeric::{sigmoid, solve};

/// Largest absolute value of an intercept or a slope: sums of products with any demand stay finite.
const LARGEST: f64 = 1e9;
/// Newton steps at most; the fit needs about ten.
const MAX_STEPS: usize = 60;
/// A demand whose standard deviation is below this share of its size does not vary.
const LEAST_SPREAD: f64 = 1e-6;

/// How an LLM's quality falls with a query's demands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ability {
    /// The logit of the quality where all demands are 0.
    pub intercept: f64,
    /// By how much the logit falls with each demand, `[K]`; a demand that corrects a pair may have a
    /// negative one.
    pub slopes: Vec<f64>,
}

/// How strongly [`Ability::fit`] holds an ability to its prior: half of these times the squared distance is
/// added to the negative log likelihood. Distances are of the logit at the outcomes' mean demands, and of
/// each slope times the standard deviation of its demand, so that the fit does not depend on the demands'
/// origin and unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AbilityPenalty {
    /// Penalty of the logit at the mean demands, > 0: 0.5 is a normal prior with a standard deviation of
    /// 1.4.
    pub intercept: f64,
    /// Penalty of each slope, > 0: 10 is a normal prior with a standard deviation of 0.3.
    pub slopes: f64,
}

impl Default for AbilityPenalty {
    fn default() -> Self {
        Self { intercept: 0.5, slopes: 10.0 }
    }
}

impl Ability {
    /// Probability that the LLM answers well a query of these demands `[K]`, in [0, 1].
    #[must_use]
    pub fn quality(&self, demands: &[f64]) -> f64 {
        sigmoid(self.logit(demands))
    }

    /// Win rate of a strong LLM over a weak one, in [0, 1], from their qualities.
    #[must_use]
    pub fn win_rate(strong: f64, weak: f64) -> f64 {
        f64::midpoint(1.0, strong - weak)
    }

    fn logit(&self, demands: &[f64]) -> f64 {
        self.intercept - self.slopes.iter().zip(demands).map(|(w, d)| w * d).sum::<f64>()
    }

    /// Returns the first fault of an ability for K `demands`.
    pub(crate) fn check(&self, demands: usize) -> Result<(), String> {
        if self.slopes.len() != demands {
            return Err(format!(
                "the ability has {} slopes: expected {demands}, one for each demand",
                self.slopes.len()
            ));
        }
        let numbers = std::iter::once(&self.intercept).chain(&self.slopes);
        match numbers.copied().find(|v| !(-LARGEST..=LARGEST).contains(v)) {
            Some(found) => Err(format!(
                "the ability holds {found}: expected numbers from {:e} to {LARGEST:e}",
                -LARGEST
            )),
            None => Ok(()),
        }
    }

    /// Fits an ability to outcomes of one LLM: `demands` `[N, K]` of its queries and its `scores` `[N]` in
    /// [0, 1], fractions allowed. It is the logistic regression, by Newton's method, whose penalty draws
    /// it to `prior`: five outcomes move an ability a little, three hundred nearly determine it, and if all
    /// are right or all are wrong it stays finite.
    ///
    /// # Errors
    /// [`RouterError::OutcomesInvalid`] without outcomes, for lengths that differ, a demand that is not
    /// finite, a score outside [0, 1], a prior of another K or a penalty that is not above 0.
    pub fn fit(
        demands: &[Vec<f64>],
        scores: &[f64],
        prior: &Self,
        penalty: AbilityPenalty,
    ) -> Result<Self, RouterError> {
        let size = prior.slopes.len();
        check_outcomes(demands, scores, size).map_err(invalid)?;
        prior.check(size).map_err(|fault| invalid(format!("the prior: {fault}")))?;
        for (name, value) in [("intercept", penalty.intercept), ("slopes", penalty.slopes)] {
            if !(value > 0.0 && value.is_finite()) {
                let detail = format!("the penalty of {name} is {value}: expected a number above 0");
                return Err(invalid(detail));
            }
        }
        let scale = Scale::of(demands, size);
        let centre = scale.standardised(prior);
        let penalties: Vec<f64> =
            (0..=size).map(|i| if i == 0 { penalty.intercept } else { penalty.slopes }).collect();
        let rows: Vec<Vec<f64>> = demands.iter().map(|row| scale.row(row)).collect();
        let problem = Problem { rows: &rows, scores, centre: &centre, penalties: &penalties };
        let ability = scale.ability(&problem.minimum());
        ability.check(size).map_err(invalid)?;
        Ok(ability)
    }
}

fn invalid(detail: String) -> RouterError {
    RouterError::OutcomesInvalid { detail }
}

fn check_outcomes(demands: &[Vec<f64>], scores: &[f64], size: usize) -> Result<(), String> {
    if demands.len() != scores.len() {
        return Err(format!("{} queries have {} scores", demands.len(), scores.len()));
    }
    if scores.is_empty() {
        return Err("found no outcome, expected at least one, better 100 to 300".into());
    }
    for (at, (row, score)) in demands.iter().zip(scores).enumerate() {
        if !(0.0..=1.0).contains(score) {
            return Err(format!("score {at} is {score}: expected a number in [0, 1]"));
        }
        if row.len() != size {
            return Err(format!("query {at} has {} demands: expected {size}", row.len()));
        }
        // A graph gives 32-bit numbers, whose squares have finite sums.
        if let Some(found) = row.iter().find(|d| d.abs() > f64::from(f32::MAX) || d.is_nan()) {
            return Err(format!("query {at} has the demand {found}: expected finite numbers"));
        }
    }
    Ok(())
}

/// Mean and standard deviation of each demand over the outcomes.
struct Scale {
    mean: Vec<f64>,
    deviation: Vec<f64>,
}

impl Scale {
    #[allow(clippy::cast_precision_loss)]
    fn of(demands: &[Vec<f64>], size: usize) -> Self {
        let n = demands.len() as f64;
        let mean: Vec<f64> =
            (0..size).map(|k| demands.iter().map(|row| row[k]).sum::<f64>() / n).collect();
        let deviation = mean.iter().enumerate().map(|(k, mean)| {
            let squares: f64 = demands.iter().map(|row| (row[k] - mean).powi(2)).sum();
            let deviation = (squares / n).sqrt();
            // Outcomes say nothing of a demand that does not vary: its slope stays at the prior.
            if deviation > LEAST_SPREAD * (1.0 + mean.abs()) { deviation } else { 0.0 }
        });
        Self { deviation: deviation.collect(), mean }
    }

    /// The regressors of a query, `[K + 1]`: 1, then each demand less its mean, by its deviation, negated.
    fn row(&self, demands: &[f64]) -> Vec<f64> {
        let others = demands.iter().zip(&self.mean).zip(&self.deviation);
        let others = others.map(|((d, mean), deviation)| match *deviation == 0.0 {
            true => 0.0,
            false => (mean - d) / deviation,
        });
        std::iter::once(1.0).chain(others).collect()
    }

    /// The coefficients of these regressors, `[K + 1]`.
    fn standardised(&self, ability: &Ability) -> Vec<f64> {
        let slopes = ability.slopes.iter().zip(&self.deviation);
        let slopes = slopes.map(|(w, deviation)| w * unit(*deviation));
        std::iter::once(ability.logit(&self.mean)).chain(slopes).collect()
    }

    fn ability(&self, coefficients: &[f64]) -> Ability {
        let slopes = coefficients[1..].iter().zip(&self.deviation);
        let slopes: Vec<f64> = slopes.map(|(v, deviation)| v / unit(*deviation)).collect();
        let at_mean: f64 = slopes.iter().zip(&self.mean).map(|(w, mean)| w * mean).sum();
        Ability { intercept: coefficients[0] + at_mean, slopes }
    }
}

/// What a slope is multiplied by.
fn unit(deviation: f64) -> f64 {
    if deviation == 0.0 { 1.0 } else { deviation }
}

/// A penalised logistic regression: `sum_i CE(y_i, sigmoid(x_i . b)) + sum_k p_k (b_k - c_k)^2 / 2`.
struct Problem<'a> {
    rows: &'a [Vec<f64>],
    scores: &'a [f64],
    centre: &'a [f64],
    penalties: &'a [f64],
}

impl Problem<'_> {
    /// The coefficients at the minimum, by Newton steps that are halved until they descend.
    fn minimum(&self) -> Vec<f64> {
        let mut found = self.centre.to_vec();
        let mut value = self.value(&found);
        for _ in 0..MAX_STEPS {
            let step = self.step(&found);
            let longest = step.iter().fold(0.0_f64, |top, d| top.max(d.abs()));
            let mut share = 1.0_f64;
            loop {
                let next: Vec<f64> = found.iter().zip(&step).map(|(b, d)| b + share * d).collect();
                let there = self.value(&next);
                if there <= value {
                    (found, value) = (next, there);
                    break;
                }
                share /= 2.0;
                // No step descends any more: rounding alone is left.
                if share < 1e-9 {
                    return found;
                }
            }
            if longest < 1e-10 {
                break;
            }
        }
        found
    }

    fn value(&self, b: &[f64]) -> f64 {
        let loss = self.rows.iter().zip(self.scores).map(|(row, y)| {
            let x = dot(row, b);
            // ln(1 + e^x) - y x, without overflow.
            x.max(0.0) + (-x.abs()).exp().ln_1p() - y * x
        });
        let penalty = b.iter().zip(self.centre).zip(self.penalties);
        loss.sum::<f64>() + penalty.map(|((b, c), p)| p * (b - c).powi(2) / 2.0).sum::<f64>()
    }

    /// The Newton step.
    fn step(&self, b: &[f64]) -> Vec<f64> {
        let n = b.len();
        let mut downhill: Vec<f64> =
            b.iter().zip(self.centre).zip(self.penalties).map(|((b, c), p)| p * (c - b)).collect();
        let mut hessian = vec![0.0; n * n];
        for (i, p) in self.penalties.iter().enumerate() {
            hessian[i * n + i] = *p;
        }
        for (row, y) in self.rows.iter().zip(self.scores) {
            let quality = sigmoid(dot(row, b));
            let curvature = quality * (1.0 - quality);
            for i in 0..n {
                downhill[i] += (y - quality) * row[i];
                for j in 0..n {
                    hessian[i * n + j] += curvature * row[i] * row[j];
                }
            }
        }
        solve(&mut hessian, &mut downhill, n);
        downhill
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::cast_precision_loss)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn prior() -> Ability {
        Ability { intercept: 0.5, slopes: vec![1.0, 0.2] }
    }

    fn fit(demands: &[Vec<f64>], scores: &[f64]) -> Result<Ability, RouterError> {
        Ability::fit(demands, scores, &prior(), AbilityPenalty::default())
    }

    /// Demands without a pattern, about standard normal.
    fn sample(rows: usize) -> Vec<Vec<f64>> {
        let demand = |i: usize| {
            let uniform = (i as f64 * 0.618_033_988_749_895).fract();
            (uniform.clamp(0.01, 0.99) / (1.0 - uniform).clamp(0.01, 0.99)).ln() / 1.8
        };
        (1..=rows).map(|i| vec![demand(i), demand(i * 7 + 3)]).collect()
    }

    #[test]
    fn the_ability_behind_many_outcomes_is_found() {
        let truth = Ability { intercept: 1.5, slopes: vec![0.7, -0.4] };
        let demands = sample(3000);
        let scores: Vec<f64> = demands.iter().map(|d| truth.quality(d)).collect();
        let found = fit(&demands, &scores).unwrap();
        assert!((found.intercept - 1.5).abs() < 0.02, "{found:?}");
        assert!((found.slopes[0] - 0.7).abs() < 0.02 && (found.slopes[1] + 0.4).abs() < 0.02);
    }

    #[test]
    fn three_hundred_right_and_wrong_answers_tell_a_strong_llm_from_a_weak_one() {
        let demands = sample(300);
        let drawn = |truth: &Ability| -> Vec<f64> {
            let right = |(i, d): (usize, &Vec<f64>)| {
                let draw = (i as f64 * 0.754_877_666_246_693).fract();
                f64::from(u8::from(draw < truth.quality(d)))
            };
            demands.iter().enumerate().map(right).collect()
        };
        let mean = |ability: &Ability| {
            demands.iter().map(|d| ability.quality(d)).sum::<f64>() / demands.len() as f64
        };
        for intercept in [-1.5, 0.0, 1.5] {
            let truth = Ability { intercept, slopes: vec![1.2, 0.1] };
            let found = fit(&demands, &drawn(&truth)).unwrap();
            assert!((mean(&found) - mean(&truth)).abs() < 0.05, "{found:?}");
            assert!((found.slopes[0] - 1.2).abs() < 0.4, "{found:?}");
        }
    }

    #[test]
    fn few_outcomes_move_the_prior_a_little_and_equal_ones_stay_finite() {
        let demands = sample(5);
        for (score, above) in [(1.0, true), (0.0, false)] {
            let found = fit(&demands, &[score; 5]).unwrap();
            let (new, old) = (found.quality(&[0.0, 0.0]), prior().quality(&[0.0, 0.0]));
            assert_eq!(new > old, above);
            assert!((0.1..0.95).contains(&new), "{new}");
            assert!((found.slopes[0] - 1.0).abs() < 0.3, "{found:?}");
        }
        let all_right = fit(&sample(300), &[1.0; 300]).unwrap();
        assert!(all_right.intercept.is_finite() && all_right.quality(&[0.0, 0.0]) > 0.95);
        let as_expected: Vec<f64> = demands.iter().map(|d| prior().quality(d)).collect();
        let found = fit(&demands, &as_expected).unwrap();
        assert!((found.intercept - 0.5).abs() < 1e-9, "the prior is kept: {found:?}");
    }

    #[test]
    fn a_demand_that_does_not_vary_keeps_the_priors_slope() {
        let demands: Vec<Vec<f64>> = sample(50).into_iter().map(|d| vec![d[0], 3.0]).collect();
        let found = fit(&demands, &[1.0; 50]).unwrap();
        assert!((found.slopes[1] - 0.2).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn bad_outcomes_are_named() {
        let demands = sample(2);
        let fault = |demands: &[Vec<f64>], scores: &[f64]| {
            let error = fit(demands, scores).unwrap_err();
            assert_eq!(error.code(), "outcomes_invalid");
            error.to_string()
        };
        assert!(fault(&[], &[]).contains("found no outcome"));
        assert!(fault(&demands, &[1.0]).contains("2 queries have 1 scores"));
        for bad in [f64::NAN, -0.1, 1.1, f64::INFINITY] {
            assert!(fault(&demands, &[0.5, bad]).contains("score 1 is"), "{bad}");
        }
        assert!(fault(&[vec![0.0], vec![0.0]], &[0.0, 1.0]).contains("has 1 demands: expected 2"));
        for bad in [f64::NAN, f64::INFINITY, 1e300] {
            assert!(fault(&[vec![0.0, bad]], &[0.0]).contains("expected finite"), "{bad}");
        }
        let penalty = AbilityPenalty { intercept: 0.0, slopes: 1.0 };
        let error = Ability::fit(&demands, &[0.0, 1.0], &prior(), penalty).unwrap_err();
        assert!(error.to_string().contains("the penalty of intercept is 0"), "{error}");
    }

    proptest! {
        #[test]
        fn more_right_answers_raise_the_quality_at_every_mean(
            scores in prop::collection::vec(0.0_f64..=1.0, 2..40),
            better in 0_usize..40,
        ) {
            let demands = sample(scores.len());
            let mut higher = scores.clone();
            let at = better % scores.len();
            higher[at] = 1.0;
            let mean = |scores: &[f64]| {
                let found = fit(&demands, scores).unwrap();
                demands.iter().map(|d| found.quality(d)).sum::<f64>() / demands.len() as f64
            };
            prop_assert!(mean(&higher) >= mean(&scores) - 1e-9);
        }

        #[test]
        fn origin_and_unit_of_the_demands_do_not_matter(
            scores in prop::collection::vec(0.0_f64..=1.0, 2..40),
            shift in -3.0_f64..3.0,
            unit in 0.1_f64..10.0,
        ) {
            let demands = sample(scores.len());
            let moved: Vec<Vec<f64>> =
                demands.iter().map(|d| vec![shift + d[0] * unit, d[1]]).collect();
            let found = fit(&demands, &scores).unwrap();
            let slopes = vec![1.0 / unit, 0.2];
            let same = Ability { intercept: 0.5 + shift / unit, slopes };
            let other = Ability::fit(&moved, &scores, &same, AbilityPenalty::default()).unwrap();
            for (a, b) in demands.iter().zip(&moved) {
                prop_assert!((found.quality(a) - other.quality(b)).abs() < 1e-6);
            }
        }
    }
}
