//! How sure a fitted ability is: an interval of the mean quality that it states.
//!
//! ```text
//! m          mean over queries t of the quality q_t
//! H        = sum_i q_i (1 - q_i) z_i z_i' + diag(penalties)   curvature of the fit at its minimum, [K + 1, K + 1]
//! g        = mean over t of q_t (1 - q_t) z_t
//! interval   logit m  +-  1.96 sqrt(g' H^-1 g) / (m (1 - m))
//! ```
//! with i the outcomes fitted to and z = 1 and the standardised demands, in which the fit is penalised
//! ([`AbilityPenalty`]). It is the normal approximation of the posterior (the delta method), taken on the logit so
//! that it stays within (0, 1). Unlike a bootstrap it does not shrink to a point where all answers are right.

use nalgebra::{DMatrix, DVector};
use pointsman::{Ability, AbilityPenalty};
use serde::Serialize;

use crate::error::TrainerError;
use crate::linear::moments::{deviation, mean};

/// Standard deviations to each side: 95 % of a normal distribution.
const DEVIATIONS: f64 = 1.96;
/// How near to 0 and 1 the logit of a mean is taken, so that it is finite.
const NEAREST: f64 = 1e-12;

/// Mean quality with its 95 % interval, each in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MeanQuality {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

impl MeanQuality {
    /// The mean quality over queries of the demands `over`, by an ability that was fitted to outcomes on queries of
    /// the demands `fitted`. Without any of `over` it is that over `fitted`.
    ///
    /// # Errors
    /// [`TrainerError::NotFinite`] for demands that are not finite.
    pub fn of(
        ability: &Ability,
        fitted: &[Vec<f64>],
        over: &[Vec<f64>],
        penalty: AbilityPenalty,
    ) -> Result<Self, TrainerError> {
        let over = if over.is_empty() { fitted } else { over };
        let scale = Scale::of(fitted, ability.slopes.len());
        let size = ability.slopes.len() + 1;
        let mut curvature = DMatrix::from_diagonal_element(size, size, penalty.slopes);
        curvature[(0, 0)] = penalty.intercept;
        for demands in fitted {
            // What the outcomes say of a demand that does not vary, they say of the intercept.
            let z = scale.regressors(demands, 0.0);
            curvature += &z * z.transpose() * spread(ability.quality(demands));
        }
        let mut gradient = DVector::zeros(size);
        for demands in over {
            gradient += scale.regressors(demands, 1.0) * spread(ability.quality(demands));
        }
        gradient /= count(over);
        let value = over.iter().map(|demands| ability.quality(demands)).sum::<f64>() / count(over);
        let not_finite = || TrainerError::NotFinite {
            what: "the interval of a mean quality",
            detail: "found demands that are not finite, expected those of a bundle".into(),
        };
        let solved = curvature.cholesky().ok_or_else(not_finite)?.solve(&gradient);
        let sd = gradient.dot(&solved).max(0.0).sqrt();
        if !(sd.is_finite() && value.is_finite()) {
            return Err(not_finite());
        }
        let inner = value.clamp(NEAREST, 1.0 - NEAREST);
        let logit = (inner / (1.0 - inner)).ln();
        let half = DEVIATIONS * sd / spread(inner);
        let at = |logit: f64| 1.0 / (1.0 + (-logit).exp());
        Ok(Self { value, low: at(logit - half).min(value), high: at(logit + half).max(value) })
    }

    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

fn spread(quality: f64) -> f64 {
    quality * (1.0 - quality)
}

#[allow(clippy::cast_precision_loss)]
fn count(rows: &[Vec<f64>]) -> f64 {
    rows.len().max(1) as f64
}

/// Mean and deviation of each demand over the outcomes.
struct Scale(Vec<(f64, f64)>);

impl Scale {
    fn of(fitted: &[Vec<f64>], size: usize) -> Self {
        let column = |k: usize| fitted.iter().filter_map(|row| row.get(k)).copied().collect();
        let columns = (0..size).map(column);
        Self(columns.map(|values: Vec<f64>| (mean(&values), deviation(&values))).collect())
    }

    /// 1 and the standardised demands, negated, `[K + 1]`; a demand that does not vary over the outcomes has
    /// `constant` of its distance.
    fn regressors(&self, demands: &[f64], constant: f64) -> DVector<f64> {
        // As in the fit: below this share of its size a demand counts as one that does not vary.
        const LEAST_SPREAD: f64 = 1e-6;
        let z = self.0.iter().zip(demands).map(|(&(mean, deviation), demand)| {
            let varies = deviation > LEAST_SPREAD * (1.0 + mean.abs());
            (mean - demand) * if varies { 1.0 / deviation } else { constant }
        });
        DVector::from_iterator(self.0.len() + 1, std::iter::once(1.0).chain(z))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::cast_precision_loss)]
mod tests {
    use super::*;
    use crate::random::RandomStream;

    fn prior() -> Ability {
        Ability { intercept: 0.5, slopes: vec![0.5, 0.3] }
    }

    fn normal(seed: u64, count: usize) -> Vec<Vec<f64>> {
        let values = RandomStream::new(seed, 0).normal(2 * count, 1.0);
        values.chunks(2).map(|pair| pair.iter().map(|&v| f64::from(v)).collect()).collect()
    }

    /// Right and wrong answers of an LLM of this ability.
    fn answers(truth: &Ability, demands: &[Vec<f64>], seed: u64) -> Vec<f64> {
        // Ranks of normal draws are uniform.
        let noise = RandomStream::new(seed, 1).normal(demands.len(), 1.0);
        let mut order: Vec<usize> = (0..noise.len()).collect();
        order.sort_by(|&a, &b| noise[a].total_cmp(&noise[b]));
        let mut uniform = vec![0.0; noise.len()];
        order
            .iter()
            .enumerate()
            .for_each(|(rank, &at)| uniform[at] = (rank as f64 + 0.5) / noise.len() as f64);
        let right = |(d, u): (&Vec<f64>, f64)| f64::from(u8::from(u < truth.quality(d)));
        demands.iter().zip(uniform).map(right).collect()
    }

    #[test]
    fn about_19_of_20_intervals_hold_the_true_mean() {
        let truth = Ability { intercept: 1.0, slopes: vec![0.8, 0.2] };
        let over = normal(99, 500);
        let mean = over.iter().map(|d| truth.quality(d)).sum::<f64>() / 500.0;
        let held = (0..300).filter(|&seed| {
            let demands = normal(seed, 120);
            // Uniform numbers of their own, not ranks, so that the count of right answers varies.
            let noise = RandomStream::new(seed, 7).normal(120, 1.0);
            let scores: Vec<f64> = demands
                .iter()
                .zip(&noise)
                .map(|(d, &z)| {
                    // A logistic curve of the normal draw, near enough to its distribution.
                    let u = 1.0 / (1.0 + (-1.702 * f64::from(z)).exp());
                    f64::from(u8::from(u < truth.quality(d)))
                })
                .collect();
            let found =
                Ability::fit(&demands, &scores, &prior(), AbilityPenalty::default()).unwrap();
            MeanQuality::of(&found, &demands, &over, AbilityPenalty::default()).unwrap().holds(mean)
        });
        let held = held.count();
        assert!((276..=298).contains(&held), "{held} of 300");
    }

    #[test]
    fn more_answers_narrow_the_interval_and_equal_ones_leave_it_wide_enough() {
        let truth = Ability { intercept: 0.8, slopes: vec![0.5, 0.5] };
        let width = |count: usize| {
            let demands = normal(3, count);
            let scores = answers(&truth, &demands, 3);
            let found =
                Ability::fit(&demands, &scores, &prior(), AbilityPenalty::default()).unwrap();
            let mean = MeanQuality::of(&found, &demands, &[], AbilityPenalty::default()).unwrap();
            assert!(mean.low < mean.value && mean.value < mean.high);
            mean.high - mean.low
        };
        assert!(width(50) > 1.5 * width(200), "{} and {}", width(50), width(200));
        let demands = normal(5, 100);
        let found =
            Ability::fit(&demands, &[1.0; 100], &prior(), AbilityPenalty::default()).unwrap();
        let mean = MeanQuality::of(&found, &demands, &[], AbilityPenalty::default()).unwrap();
        assert!(mean.high < 1.0 && mean.high - mean.low > 0.01, "{mean:?}");
    }

    #[test]
    fn queries_beyond_what_a_constant_demand_says_widen_the_interval() {
        let demands: Vec<Vec<f64>> = normal(8, 100).into_iter().map(|d| vec![d[0], 2.0]).collect();
        let scores = answers(&prior(), &demands, 8);
        let found = Ability::fit(&demands, &scores, &prior(), AbilityPenalty::default()).unwrap();
        let over = |second: f64| {
            let over: Vec<Vec<f64>> = demands.iter().map(|d| vec![d[0], second]).collect();
            MeanQuality::of(&found, &demands, &over, AbilityPenalty::default()).unwrap()
        };
        let (near, far) = (over(2.0), over(4.0));
        assert!(far.high - far.low > 1.5 * (near.high - near.low), "{near:?} {far:?}");
    }

    #[test]
    fn an_ability_without_doubt_has_a_finite_interval() {
        let sure = Ability { intercept: 500.0, slopes: vec![0.0, 0.0] };
        let mean = MeanQuality::of(&sure, &normal(2, 30), &[], AbilityPenalty::default()).unwrap();
        assert!(mean.value == 1.0 && mean.high == 1.0 && mean.low <= 1.0, "{mean:?}");
    }

    #[test]
    fn demands_that_are_not_finite_are_an_error() {
        let error =
            MeanQuality::of(&prior(), &[vec![f64::NAN, 0.0]], &[], AbilityPenalty::default());
        assert_eq!(error.unwrap_err().code(), "not_finite");
    }
}
