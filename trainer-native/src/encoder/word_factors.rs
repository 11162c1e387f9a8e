//! A word table as the product of two small ones.
//!
//! ```text
//! words ~ mean + codes basis        words [V, H], codes [V, R], basis [R, H], mean [H]
//! ```
//! The basis holds the principal directions of the words as queries use them: mean and covariance are
//! weighted by how often each word occurs. With R = 128 a table of 40,000 words of width 384 takes a third of
//! its bytes. Frequent words keep nearly all of their vectors, rare ones the part in common with frequent
//! words.

use nalgebra::{DMatrix, RowDVector};

use crate::linear::principal;

/// Rows of the word table that are multiplied at once.
const CHUNK: usize = 4096;

/// The factors of a word table.
#[derive(Debug, Clone, PartialEq)]
pub struct WordFactors {
    /// R.
    pub components: usize,
    /// [V, R], row by row.
    pub codes: Vec<f32>,
    /// [R, H], row by row.
    pub basis: Vec<f32>,
    /// `[H]`.
    pub mean: Vec<f32>,
}

impl WordFactors {
    /// Factorises `words` [V, H] into `components` directions, at most H; `uses` says how often each word
    /// occurs. Where none does, each counts once.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn of(words: &[f32], width: usize, components: usize, uses: &[u64]) -> Self {
        let total: u64 = uses.iter().sum();
        let rows = words.len() / width;
        #[allow(clippy::cast_precision_loss)]
        let share = |row: usize| match total {
            0 => 1.0 / rows as f64,
            _ => uses.get(row).copied().unwrap_or_default() as f64 / total as f64,
        };
        let mut mean = RowDVector::<f64>::zeros(width);
        for (row, word) in words.chunks_exact(width).enumerate() {
            let share = share(row);
            mean.iter_mut().zip(word).for_each(|(m, &v)| *m += share * f64::from(v));
        }
        let chunks = || words.chunks(CHUNK * width).enumerate().map(|(i, part)| (i * CHUNK, part));
        let centred = |part: &[f32]| {
            let count = part.len() / width;
            let values =
                DMatrix::from_row_iterator(count, width, part.iter().map(|&v| f64::from(v)));
            values - DMatrix::from_fn(count, width, |_, column| mean[column])
        };
        let mut covariance = DMatrix::<f64>::zeros(width, width);
        for (first, part) in chunks() {
            let mut weighted = centred(part);
            for (row, mut word) in weighted.row_iter_mut().enumerate() {
                word *= share(first + row).sqrt();
            }
            covariance.gemm_tr(1.0, &weighted, &weighted, 1.0);
        }
        let components = components.min(width);
        let basis = principal::directions(covariance, components);
        let mut codes = Vec::with_capacity(rows * components);
        for (_, part) in chunks() {
            let projected = centred(part) * &basis;
            codes.extend(projected.transpose().iter().map(|&v| v as f32));
        }
        // Column by column, the directions are the rows of the transpose.
        let basis = basis.iter().map(|&v| v as f32).collect();
        Self { components, codes, basis, mean: mean.iter().map(|&v| v as f32).collect() }
    }

    /// The word table that the factors state, `[V, H]`.
    #[must_use]
    pub fn words(&self) -> Vec<f32> {
        let width = self.mean.len();
        let mut words = Vec::with_capacity(self.codes.len() / self.components * width);
        for code in self.codes.chunks_exact(self.components) {
            let start = words.len();
            words.extend(&self.mean);
            for (&c, direction) in code.iter().zip(self.basis.chunks_exact(width)) {
                words[start..].iter_mut().zip(direction).for_each(|(w, d)| *w += c * d);
            }
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::RandomStream;

    fn error(words: &[f32], factors: &WordFactors, rows: std::ops::Range<usize>) -> f32 {
        let (width, found) = (factors.mean.len(), factors.words());
        let span = rows.start * width..rows.end * width;
        found[span.clone()].iter().zip(&words[span]).map(|(a, b)| (a - b).powi(2)).sum()
    }

    #[test]
    fn as_many_components_as_the_width_lose_nothing_and_fewer_keep_frequent_words() {
        let (width, rows) = (8, 40);
        let words = RandomStream::new(5, 0).normal(rows * width, 1.0);
        let once = vec![1; rows];
        let whole = WordFactors::of(&words, width, 99, &once);
        assert_eq!((whole.components, whole.codes.len()), (width, rows * width));
        assert!(error(&words, &whole, 0..rows) < 1e-6);
        let frequent: Vec<u64> = (0..rows).map(|row| if row < 4 { 1000 } else { 1 }).collect();
        let few = |uses: &[u64]| error(&words, &WordFactors::of(&words, width, 3, uses), 0..4);
        assert!(few(&frequent) < 0.1 * few(&once), "{} and {}", few(&frequent), few(&once));
        let none = WordFactors::of(&words, width, 3, &[]);
        assert!(none.codes.iter().all(|v| v.is_finite()));
    }
}
