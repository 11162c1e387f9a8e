//! Quantises weights to int8, symmetric, with one scale per row or output channel.
//!
//! ```text
//! scale_r = max_c |w_rc| / most       q_rc = round(w_rc / scale_r)        w_rc ~ scale_r * q_rc
//! ```
//! The rounding error is at most `scale_r / 2` per weight.

use pointsman::LARGEST_WEIGHT;

/// Bits used of a weight, which is stored in eight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bits {
    /// Up to the engine's [`LARGEST_WEIGHT`]: for products with quantised inputs, which the byte
    /// products of relaxed-simd and AVX2 limit to this range.
    Seven,
    /// -127..=127.
    Eight,
}

impl Bits {
    fn most(self) -> f32 {
        match self {
            Self::Seven => f32::from(LARGEST_WEIGHT),
            Self::Eight => 127.0,
        }
    }
}

/// A matrix in int8.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantised {
    /// Values, row by row.
    pub values: Vec<i8>,
    /// One scale per row.
    pub scales: Vec<f32>,
}

/// Quantises each row of a matrix with `columns` columns. A row of zeros gets scale 1.
#[must_use]
#[allow(clippy::cast_possible_truncation)]
pub fn rows(matrix: &[f32], columns: usize, bits: Bits) -> Quantised {
    let mut quantised = Quantised { values: Vec::with_capacity(matrix.len()), scales: Vec::new() };
    for row in matrix.chunks_exact(columns) {
        let largest = row.iter().fold(0.0_f32, |top, v| top.max(v.abs()));
        let scale = if largest > 0.0 { largest / bits.most() } else { 1.0 };
        quantised.scales.push(scale);
        quantised.values.extend(row.iter().map(|v| (v / scale).round() as i8));
    }
    quantised
}

/// Quantises each column of a `[rows, columns]` matrix, which is the output channel of `x W`;
/// `scales` has one entry per column, `values` stay row by row.
#[must_use]
pub fn columns(matrix: &[f32], columns: usize, bits: Bits) -> Quantised {
    let count = matrix.len() / columns;
    let transposed = transpose(matrix, count, columns);
    let by_column = rows(&transposed, count, bits);
    let mut values = vec![0; matrix.len()];
    for c in 0..columns {
        for r in 0..count {
            values[r * columns + c] = by_column.values[c * count + r];
        }
    }
    Quantised { values, scales: by_column.scales }
}

fn transpose(matrix: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|c| (0..rows).map(move |r| matrix[r * columns + c])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rounding_errs_by_at_most_half_a_step(row in prop::collection::vec(-1e3_f32..1e3, 1..40)) {
            let q = rows(&row, row.len(), Bits::Eight);
            for (&w, &v) in row.iter().zip(&q.values) {
                prop_assert!((w - f32::from(v) * q.scales[0]).abs() <= q.scales[0] * 0.5001);
            }
        }

        #[test]
        fn columns_are_the_rows_of_the_transpose(
            matrix in prop::collection::vec(-1e3_f32..1e3, 12..=12),
        ) {
            let by_column = columns(&matrix, 4, Bits::Seven);
            let by_row = rows(&transpose(&matrix, 3, 4), 3, Bits::Seven);
            prop_assert_eq!(&by_column.scales, &by_row.scales);
            for r in 0..3 {
                for c in 0..4 {
                    prop_assert_eq!(by_column.values[r * 4 + c], by_row.values[c * 3 + r]);
                }
            }
        }
    }

    #[test]
    fn zeros_stay_zeros() {
        assert_eq!(
            rows(&[0.0, 0.0], 2, Bits::Eight),
            Quantised { values: vec![0, 0], scales: vec![1.0] }
        );
    }
}
