//! k nearest neighbours on embeddings: the simple baseline that learned routers must beat.
//!
//! ```text
//! win rate(q) = mean over the k labelled queries nearest to q (cosine) of (1 + strong - weak) / 2
//! ```

use rayon::prelude::*;

use super::RoutedRow;

/// A labelled query.
#[derive(Debug, Clone)]
pub struct Neighbour {
    /// Its embedding.
    pub embedding: Vec<f32>,
    /// Score of the strong model less that of the weak one, in [-1, 1].
    pub gain: f64,
}

/// Win rates of `rows`, whose embeddings stand at the same index, from their `k` nearest
/// neighbours.
#[must_use]
pub fn nearest_neighbours(
    rows: &[RoutedRow],
    embeddings: &[Vec<f32>],
    labelled: &[Neighbour],
    k: usize,
) -> Vec<RoutedRow> {
    let labelled: Vec<(Vec<f32>, f64)> =
        labelled.iter().map(|n| (unit(&n.embedding), n.gain)).collect();
    rows.par_iter()
        .zip(embeddings)
        .map(|(row, embedding)| {
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
            RoutedRow { win_rate: f64::midpoint(1.0, mean), ..*row }
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
        let rows = [RoutedRow { win_rate: 0.0, weak: 0.0, strong: 1.0 }; 2];
        let embeddings = [vec![5.0, 0.1], vec![0.1, 5.0]];
        let routed = nearest_neighbours(&rows, &embeddings, &labelled, 1);
        assert_eq!(routed[0].win_rate, 1.0);
        assert_eq!(routed[1].win_rate, 0.0);
        let both = nearest_neighbours(&rows, &embeddings, &labelled, 9);
        assert_eq!(both[0].win_rate, 0.5);
    }
}
