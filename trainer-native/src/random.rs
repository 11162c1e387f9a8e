//! Random draws that a seed and a number determine, so that a resumed run draws what an uninterrupted
//! one does.

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// One of the independent streams of random draws of a seed.
#[derive(Debug)]
pub struct RandomStream {
    random: ChaCha8Rng,
}

impl RandomStream {
    /// Starts the stream of a number, such as an epoch's, counted from 0.
    #[must_use]
    pub fn new(seed: u64, number: usize) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(number as u64 + 1);
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

    /// Up to `count` of `all`, each at most once.
    pub fn some<T: Clone>(&mut self, all: &[T], count: usize) -> Vec<T> {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_covers_every_query_once_and_repeats_from_its_seed() {
        let lengths: Vec<usize> = (0..137).map(|i| i % 11 + 1).collect();
        let batches = RandomStream::new(5, 3).batches(&lengths, 8);
        let mut seen: Vec<usize> = batches.concat();
        seen.sort_unstable();
        assert_eq!(seen, (0..137).collect::<Vec<_>>());
        assert_eq!(batches, RandomStream::new(5, 3).batches(&lengths, 8));
        assert_ne!(batches, RandomStream::new(5, 4).batches(&lengths, 8));
    }
}
