//! k nearest neighbours on embeddings: a simple baseline that learned routers must beat.
//!
//! ```text
//! win rate(q) = mean over the k labelled queries nearest to q (cosine) of (1 + strong - weak) / 2
//! ```

use rayon::prelude::*;

/// The embedding and the outcome of a labelled query.
#[derive(Debug, Clone)]
pub struct Neighbour {
    pub embedding: Vec<f32>,
    /// Score of the strong model less that of the weak one, in [-1, 1].
    pub gain: f64,
}

/// Win rate of each embedding from its `k` nearest labelled queries.
#[must_use]
pub fn nearest_neighbours(embeddings: &[Vec<f32>], labelled: &[Neighbour], k: usize) -> Vec<f64> {
    let labelled: Vec<(Vec<f32>, f64)> =
        labelled.iter().map(|n| (unit(&n.embedding), n.gain)).collect();
    embeddings
        .par_iter()
        .map(|embedding| {
            let embedding = unit(embedding);
            let mut near: Vec<(f32, f64)> = labelled
                .iter()
                .map(|(other, gain)| {
                    (other.iter().zip(&embedding).map(|(a, b)| a * b).sum(), *gain)
                })
                .collect();
            let k = k.clamp(1, near.len().max(1));
            if near.len() > k {
                near.select_nth_unstable_by(k - 1, |a, b| b.0.total_cmp(&a.0));
                near.truncate(k);
            }
            #[allow(clippy::cast_precision_loss)]
            let mean = near.iter().map(|(_, gain)| gain).sum::<f64>() / near.len().max(1) as f64;
            f64::midpoint(1.0, mean)
        })
        .collect()
}

fn unit(vector: &[f32]) -> Vec<f32> {
    let norm = vector.iter().map(|v| v * v).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    vector.iter().map(|v| v / norm).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_label_decides() {
        let labelled = [
            Neighbour { embedding: vec![1.0, 0.0], gain: 1.0 },
            Neighbour { embedding: vec![0.0, 1.0], gain: -1.0 },
        ];
        let embeddings = [vec![5.0, 0.1], vec![0.1, 5.0]];
        assert_eq!(nearest_neighbours(&embeddings, &labelled, 1), [1.0, 0.0]);
        assert_eq!(nearest_neighbours(&embeddings, &labelled, 9)[0], 0.5);
    }
}
