//! Hybrid-LLM's labels (Ding et al., ICLR 2024): how likely the weak LLM's answer is as good as the strong
//! one's, from several samples of both.
//!
//! ```text
//! y(t) = share of pairs of samples with quality(weak) >= quality(strong) - t
//! ```
//! The soft label is y(0). The transformed label is y(t) with the t >= 0 that sets prompts furthest apart: it
//! maximises the mean of |y_i(t) - y_j(t)| over all pairs of prompts. Where the strong LLM is far better, soft
//! labels are near 0 for all prompts, and t spreads them.

use serde::Serialize;

/// Most thresholds that are tried; of more, as many at even steps of their order.
const MOST_THRESHOLDS: usize = 1000;
/// Qualities are compared to this step, so that rounding makes no difference of its own.
const STEP: f64 = 1e-6;

/// Quality of the strong LLM less that of the weak one, of each pair of samples of one prompt; ascending.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Differences(Vec<f32>);

impl Differences {
    pub fn of(strong: &[f32], weak: &[f32]) -> Self {
        let rounded =
            |s: f32, w: f32| (((f64::from(s) - f64::from(w)) / STEP).round() * STEP) as f32;
        let mut all: Vec<f32> =
            strong.iter().flat_map(|&s| weak.iter().map(move |&w| rounded(s, w))).collect();
        all.sort_by(f32::total_cmp);
        Self(all)
    }

    /// y(t), in [0, 1]; `None` without a pair of samples.
    pub fn label(&self, threshold: f32) -> Option<f64> {
        let met = self.0.partition_point(|&difference| difference <= threshold);
        (!self.0.is_empty()).then(|| met as f64 / self.0.len() as f64)
    }
}

/// The threshold of the transformed labels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Transformation {
    pub threshold: f32,
    /// Mean of |y_i(t) - y_j(t)| at the threshold.
    pub mean_difference: f64,
    /// The same of the soft labels.
    pub soft_mean_difference: f64,
    /// Thresholds tried.
    pub tried: usize,
}

/// Finds the threshold over prompts, the smallest of those that are as good. `None` without a prompt.
pub(super) fn transformation(prompts: &[Differences]) -> Option<Transformation> {
    let soft_mean_difference = spread(prompts, 0.0)?;
    let mut thresholds: Vec<f32> =
        prompts.iter().flat_map(|prompt| prompt.0.iter().copied()).filter(|d| *d > 0.0).collect();
    thresholds.sort_by(f32::total_cmp);
    thresholds.dedup();
    if thresholds.len() > MOST_THRESHOLDS {
        let all = thresholds.len();
        let at = |step: usize| thresholds.get(step * (all - 1) / (MOST_THRESHOLDS - 1)).copied();
        thresholds = (0..MOST_THRESHOLDS).filter_map(at).collect();
    }
    let mut best = Transformation {
        threshold: 0.0,
        mean_difference: soft_mean_difference,
        soft_mean_difference,
        tried: thresholds.len() + 1,
    };
    for threshold in thresholds {
        let found = spread(prompts, threshold)?;
        if found > best.mean_difference {
            best = Transformation { threshold, mean_difference: found, ..best };
        }
    }
    Some(best)
}

/// Mean of |y_i - y_j| over all ordered pairs of prompts, those of a prompt with itself included.
fn spread(prompts: &[Differences], threshold: f32) -> Option<f64> {
    let mut labels: Vec<f64> = prompts.iter().filter_map(|p| p.label(threshold)).collect();
    if labels.is_empty() {
        return None;
    }
    labels.sort_by(f64::total_cmp);
    let count = labels.len() as f64;
    // Ascending, a label is the larger one as often as labels stand before it.
    let weighted = labels.iter().enumerate().map(|(at, y)| (2.0 * at as f64 + 1.0 - count) * y);
    Some(2.0 * weighted.sum::<f64>() / (count * count))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_soft_label_is_the_share_of_pairs_in_which_weak_is_as_good() {
        let found = Differences::of(&[0.8, 0.9], &[0.8, 0.7, 0.9]);
        // 0.8: 2 of 3; 0.9: 1 of 3.
        assert_eq!(found.label(0.0), Some(0.5));
        assert_eq!(found.label(0.1), Some(5.0 / 6.0));
        assert_eq!(Differences::of(&[], &[1.0]).label(0.0), None);
    }

    #[test]
    fn the_threshold_is_the_one_that_sets_prompts_apart() {
        // Strong is better on all: soft labels are all 0. At 0.2 half of the prompts are as good.
        let prompts: Vec<Differences> =
            [0.2, 0.2, 0.7, 0.7].iter().map(|gap| Differences::of(&[0.9], &[0.9 - gap])).collect();
        let found = transformation(&prompts).unwrap();
        assert_eq!(
            (found.threshold, found.mean_difference, found.soft_mean_difference),
            (0.2, 0.5, 0.0)
        );
        assert_eq!(found.tried, 3);
        assert_eq!(transformation(&[]), None);
    }

    fn qualities() -> impl Strategy<Value = Vec<f32>> {
        prop::collection::vec((0..=20_u8).prop_map(|q| f32::from(q) / 20.0), 1..5)
    }

    proptest! {
        /// A larger threshold lowers no label.
        #[test]
        fn transformed_labels_are_monotone(strong in qualities(), weak in qualities(), a in 0.0..1.0_f32, b in 0.0..1.0_f32) {
            let prompt = Differences::of(&strong, &weak);
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(prompt.label(low) <= prompt.label(high));
            prop_assert_eq!(prompt.label(1.0), Some(1.0));
        }

        /// The mean difference is that of the definition, and no threshold has a larger one.
        #[test]
        fn the_best_threshold_is_the_best(prompts in prop::collection::vec((qualities(), qualities()), 1..6)) {
            let prompts: Vec<Differences> = prompts.iter().map(|(s, w)| Differences::of(s, w)).collect();
            let best = transformation(&prompts).unwrap();
            prop_assert!(best.mean_difference >= best.soft_mean_difference);
            for step in 0..=20 {
                let t = step as f32 / 20.0;
                let labels: Vec<f64> = prompts.iter().filter_map(|p| p.label(t)).collect();
                let pairs = labels.iter().flat_map(|a| labels.iter().map(move |b| (a - b).abs()));
                let defined = pairs.sum::<f64>() / (labels.len() * labels.len()) as f64;
                prop_assert!((spread(&prompts, t).unwrap() - defined).abs() < 1e-9);
                prop_assert!(defined <= best.mean_difference + 1e-9);
            }
        }
    }
}
