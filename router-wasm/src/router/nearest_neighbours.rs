//! k nearest neighbours: averages the candidates' scores on the most similar stored queries.
//!
//! ```text
//! quality(M, q)           = mean of score(M, q_i) over the k most similar q_i on which M was measured
//! P(strong beats weak | q) = mean of (1 + score(strong, q_i) - score(weak, q_i)) / 2
//! ```

use crate::error::RouterError;
use crate::manifest::Manifest;
use crate::memory::{Memory, Records};

/// A nearest-neighbour router.
#[derive(Debug)]
pub(crate) struct NearestNeighbours {
    memory: Memory,
    neighbours: usize,
    /// Strong and weak candidate.
    pair: Option<(usize, usize)>,
}

impl NearestNeighbours {
    pub(super) fn new(memory: Memory, manifest: &Manifest) -> Result<Self, RouterError> {
        let Records::Scores { candidates, .. } = memory.records else {
            return Err(RouterError::BundleBadMemory {
                detail: "it holds battles, and kind \"knn\" needs scores".into(),
            });
        };
        if candidates != manifest.candidates.len() {
            return Err(RouterError::BundleBadMemory {
                detail: format!(
                    "it scores {candidates} candidates, router.json lists {}",
                    manifest.candidates.len()
                ),
            });
        }
        match manifest.head.neighbours {
            Some(neighbours @ 1..) => Ok(Self { memory, neighbours, pair: manifest.pair() }),
            found => Err(RouterError::BundleBadManifest {
                detail: format!("head.neighbours is {found:?}: expected a number >= 1"),
            }),
        }
    }

    pub(super) fn width(&self) -> usize {
        self.memory.width()
    }

    /// Quality of each candidate, and the win rate of the pair.
    pub(super) fn assess(&self, embedding: &[f32]) -> (Vec<f64>, Option<f64>) {
        let Records::Scores { candidates, scores } = &self.memory.records else {
            return (Vec::new(), None);
        };
        let similarities = self.memory.similarities(embedding);
        let score = |row: usize, candidate: usize| {
            scores.get(row * candidates + candidate).copied().flatten().map(f64::from)
        };
        let gain = |row: usize| {
            let (strong, weak) = self.pair?;
            Some(f64::midpoint(1.0, score(row, strong)? - score(row, weak)?))
        };
        let quality =
            |candidate| self.mean(&similarities, |row| score(row, candidate)).unwrap_or(0.5);
        let qualities = (0..*candidates).map(quality).collect();
        // Where no stored query measured both, the win rate is 1/2.
        let win_rate = self.pair.map(|_| self.mean(&similarities, gain).unwrap_or(0.5));
        (qualities, win_rate)
    }

    /// Mean of a value over the most similar rows that have it.
    #[allow(clippy::cast_precision_loss)]
    fn mean(&self, similarities: &[f32], value: impl Fn(usize) -> Option<f64>) -> Option<f64> {
        let mut near: Vec<(f32, f64)> = similarities
            .iter()
            .enumerate()
            .filter_map(|(row, &similarity)| Some((similarity, value(row)?)))
            .collect();
        let k = self.neighbours.min(near.len());
        if k == 0 {
            return None;
        }
        near.select_nth_unstable_by(k - 1, |a, b| b.0.total_cmp(&a.0));
        Some(near[..k].iter().map(|(_, value)| value).sum::<f64>() / k as f64)
    }
}
