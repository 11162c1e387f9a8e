//! Turns Bradley-Terry scores, one per candidate, into win rates and qualities.
//!
//! ```text
//! P(a beats b | q) = sigmoid(s(a, q) - s(b, q))                 (RouteLLM, section 4.2)
//! ```
//! Only differences of scores have a meaning, so a candidate's quality is its mean win rate over
//! the other candidates.

use crate::numeric::sigmoid;

/// P(a beats b), in [0, 1].
pub(super) fn win_rate(a: f32, b: f32) -> f64 {
    sigmoid(f64::from(a) - f64::from(b))
}

/// Mean win rate of each candidate over the others, in [0, 1]; 1 for a lone candidate.
#[allow(clippy::cast_precision_loss)]
pub(super) fn qualities(scores: &[f32]) -> Vec<f64> {
    if scores.len() < 2 {
        return vec![1.0; scores.len()];
    }
    let others = (scores.len() - 1) as f64;
    let quality = |(i, &a): (usize, &f32)| {
        let wins: f64 =
            scores.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, &b)| win_rate(a, b)).sum();
        wins / others
    };
    scores.iter().enumerate().map(quality).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_candidates_have_complementary_qualities() {
        let q = qualities(&[1.5, 0.25]);
        assert!((q[0] - win_rate(1.5, 0.25)).abs() < 1e-12);
        assert!((q[0] + q[1] - 1.0).abs() < 1e-12);
    }

    #[test]
    fn qualities_follow_the_order_of_scores_and_stay_in_range() {
        let q = qualities(&[-80.0, 0.0, 80.0]);
        assert!(q[0] < q[1] && q[1] < q[2]);
        assert!(q.iter().all(|v| (0.0..=1.0).contains(v)));
    }
}
