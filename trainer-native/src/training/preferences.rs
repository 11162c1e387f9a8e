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

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

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

/// The random draws of one epoch.
#[derive(Debug)]
pub struct EpochDraw {
    random: ChaCha8Rng,
}

impl EpochDraw {
    /// The random draws of an epoch, counted from 0, of a run with `seed`.
    #[must_use]
    pub fn new(seed: u64, epoch: usize) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(epoch as u64 + 1);
        Self { random }
    }

    /// Batches of query indices in random order, each of queries of similar length, so that padding
    /// is small.
    pub fn batches(&mut self, lengths: &[usize], size: usize) -> Vec<Vec<usize>> {
        const POOL: usize = 4;
        let mut order: Vec<usize> = (0..lengths.len()).collect();
        order.shuffle(&mut self.random);
        let mut batches: Vec<Vec<usize>> = Vec::new();
        for pool in order.chunks_mut(size * POOL) {
            pool.sort_by_key(|&query| lengths[query]);
            batches.extend(pool.chunks(size).map(<[usize]>::to_vec));
        }
        batches.shuffle(&mut self.random);
        batches
    }

    /// Up to `count` preferences of a query. Ties are drawn only with `ties`.
    pub fn preferences(
        &mut self,
        query: &TrainingQuery,
        count: usize,
        ties: bool,
    ) -> Vec<Preference> {
        if let Some(label) = query.label {
            return vec![label];
        }
        let scores = &query.scores;
        let mut all = Vec::new();
        for (i, &(a, score_a)) in scores.iter().enumerate() {
            for &(b, score_b) in &scores[i + 1..] {
                #[allow(clippy::float_cmp)]
                if ties || score_a != score_b {
                    all.push(Preference { a, b, target: f32::midpoint(1.0, score_a - score_b) });
                }
            }
        }
        let (drawn, _) = all.partial_shuffle(&mut self.random, count);
        drawn.to_vec()
    }

    /// Up to `count` of `all`, each at most once.
    pub fn some(&mut self, all: &[usize], count: usize) -> Vec<usize> {
        let mut all = all.to_vec();
        let (drawn, _) = all.partial_shuffle(&mut self.random, count);
        drawn.to_vec()
    }

    /// `count` draws from a normal distribution of mean 0, by Box and Muller's transform.
    pub fn normal(&mut self, count: usize, standard_deviation: f32) -> Vec<f32> {
        let mut values = Vec::with_capacity(count + 1);
        while values.len() < count {
            // 1 - u lies in (0, 1], where the logarithm is finite.
            let radius = (-2.0 * (1.0 - self.random.random::<f32>()).ln()).sqrt();
            let (sin, cos) = (std::f32::consts::TAU * self.random.random::<f32>()).sin_cos();
            values.extend([radius * cos, radius * sin].map(|v| v * standard_deviation));
        }
        values.truncate(count);
        values
    }

    /// The ids that token dropout keeps; at least one.
    pub fn keep_tokens(&mut self, ids: &[u32], dropout: f64) -> Vec<u32> {
        let kept: Vec<u32> =
            ids.iter().copied().filter(|_| !self.random.random_bool(dropout)).collect();
        match kept.is_empty() {
            true => ids.iter().take(1).copied().collect(),
            false => kept,
        }
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
        let mut draw = EpochDraw::new(1, 0);
        let target = |scores: &[f32], draw: &mut EpochDraw| {
            draw.preferences(&query(scores), 9, true)[0].target
        };
        assert_eq!(target(&[1.0, 0.0], &mut draw), 1.0);
        assert_eq!(target(&[0.0, 1.0], &mut draw), 0.0);
        assert_eq!(target(&[0.3, 0.3], &mut draw), 0.5);
    }

    #[test]
    fn ties_are_left_out_unless_asked_for() {
        let mut draw = EpochDraw::new(1, 0);
        assert!(draw.preferences(&query(&[1.0, 1.0]), 9, false).is_empty());
        assert_eq!(draw.preferences(&query(&[1.0, 1.0, 0.0]), 9, false).len(), 2);
        assert_eq!(draw.preferences(&query(&[1.0, 1.0, 0.0]), 9, true).len(), 3);
        assert_eq!(draw.preferences(&query(&[1.0, 1.0, 0.0]), 2, true).len(), 2);
    }

    #[test]
    fn an_epoch_covers_every_query_once_and_repeats_from_its_seed() {
        let lengths: Vec<usize> = (0..137).map(|i| i % 11 + 1).collect();
        let batches = EpochDraw::new(5, 3).batches(&lengths, 8);
        let mut seen: Vec<usize> = batches.concat();
        seen.sort_unstable();
        assert_eq!(seen, (0..137).collect::<Vec<_>>());
        assert_eq!(batches, EpochDraw::new(5, 3).batches(&lengths, 8));
        assert_ne!(batches, EpochDraw::new(5, 4).batches(&lengths, 8));
    }

    #[test]
    fn token_dropout_leaves_a_token() {
        let mut draw = EpochDraw::new(1, 0);
        for _ in 0..50 {
            assert!(!draw.keep_tokens(&[7, 8], 0.95).is_empty());
        }
    }
}
