//! Makes preferences from outcomes.
//!
//! A query that several LLMs answered gives a preference for each pair of them. Its target is how
//! far one candidate beat the other:
//!
//! ```text
//! target(a, b) = (1 + score_a - score_b) / 2      in [0, 1]; 1/2 is a tie
//! ```
//! Where a query has many pairs, each epoch draws some of them; every draw comes from the recipe's
//! seed and the epoch's number, so that a resumed run draws the same.

use crate::random::RandomStream;

#[derive(Debug, Clone, PartialEq)]
pub struct TrainingQuery {
    /// Row of its embedding in the cache.
    pub embedding: u32,
    /// Pairs of model index and score in [0, 1].
    pub scores: Vec<(usize, f32)>,
    /// Weight of the query's source.
    pub weight: f32,
    /// The only preference to learn from, in place of those that the scores give.
    pub label: Option<Preference>,
}

/// A preference on one query: how far `a` beat `b`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preference {
    /// Index of one model.
    pub a: usize,
    /// Index of the other.
    pub b: usize,
    /// Target in [0, 1]: 1 where `a` won outright, 1/2 for a tie.
    pub target: f32,
}

impl TrainingQuery {
    /// Draws up to `count` of the query's preferences. Ties are drawn only with `ties`.
    pub fn preferences(
        &self,
        count: usize,
        ties: bool,
        draw: &mut RandomStream,
    ) -> Vec<Preference> {
        if let Some(label) = self.label {
            return vec![label];
        }
        let mut all = Vec::new();
        for (i, &(a, score_a)) in self.scores.iter().enumerate() {
            for &(b, score_b) in &self.scores[i + 1..] {
                #[allow(clippy::float_cmp)]
                if ties || score_a != score_b {
                    all.push(Preference { a, b, target: f32::midpoint(1.0, score_a - score_b) });
                }
            }
        }
        draw.some(&all, count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(scores: &[f32]) -> TrainingQuery {
        let scores = scores.iter().copied().enumerate().collect();
        TrainingQuery { embedding: 0, scores, weight: 1.0, label: None }
    }

    #[test]
    fn a_win_is_one_a_loss_is_zero_a_tie_is_half() {
        let mut draw = RandomStream::new(1, 0);
        let target = |scores: &[f32], draw: &mut RandomStream| {
            query(scores).preferences(9, true, draw)[0].target
        };
        assert_eq!(target(&[1.0, 0.0], &mut draw), 1.0);
        assert_eq!(target(&[0.0, 1.0], &mut draw), 0.0);
        assert_eq!(target(&[0.3, 0.3], &mut draw), 0.5);
    }

    #[test]
    fn ties_are_left_out_unless_asked_for() {
        let mut draw = RandomStream::new(1, 0);
        assert!(query(&[1.0, 1.0]).preferences(9, false, &mut draw).is_empty());
        assert_eq!(query(&[1.0, 1.0, 0.0]).preferences(9, false, &mut draw).len(), 2);
        assert_eq!(query(&[1.0, 1.0, 0.0]).preferences(9, true, &mut draw).len(), 3);
        assert_eq!(query(&[1.0, 1.0, 0.0]).preferences(2, true, &mut draw).len(), 2);
    }
}
