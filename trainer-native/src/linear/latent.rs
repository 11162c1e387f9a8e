//! Latent coordinates of sparse rows: the truncated singular value decomposition, by subspace iteration (Halko,
//! Martinsson and Tropp, arXiv 0909.4061).
//!
//! ```text
//! A [N, V] = Q B,  Q [N, K] orthonormal,  B B' = W L W'        places = Q W sqrt(L) = A right singular vectors
//! ```

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::principal::directions;
use crate::random::RandomStream;

/// Directions beyond those asked for, which make the others exact sooner.
const SPARE: usize = 8;
const ITERATIONS: usize = 3;

/// Places `[N, K]` of sparse rows, each a list of columns below `columns` and their values, along the K = `count`
/// directions in which they are largest; fewer where there are fewer rows or columns.
#[must_use]
pub(crate) fn places(
    rows: &[Vec<(u32, f64)>],
    columns: usize,
    count: usize,
    seed: u64,
) -> Vec<Vec<f64>> {
    let width = (count + SPARE).min(rows.len()).min(columns);
    if width == 0 {
        return vec![Vec::new(); rows.len()];
    }
    let drawn = RandomStream::new(seed, 0).normal(columns * width, 1.0);
    let drawn: Vec<f64> = drawn.into_iter().map(f64::from).collect();
    let mut basis = orthonormal(&product(rows, &drawn, width), width);
    for _ in 0..ITERATIONS {
        let image = product(rows, &transposed(rows, &basis, columns, width), width);
        basis = orthonormal(&image, width);
    }
    let image = transposed(rows, &basis, columns, width);
    let image = DMatrix::from_row_slice(columns, width, &image);
    let gram = image.tr_mul(&image);
    let axes = directions(gram.clone(), count);
    let sizes = axes.column_iter().map(|axis| (axis.transpose() * &gram * axis)[0].max(0.0).sqrt());
    let sizes: Vec<f64> = sizes.collect();
    let place = |row: &[f64]| {
        let along = |axis: usize| (0..width).map(|at| row[at] * axes[(at, axis)]).sum::<f64>();
        (0..axes.ncols()).map(|axis| along(axis) * sizes[axis]).collect()
    };
    basis.chunks_exact(width).map(place).collect()
}

/// The rows times a matrix `[V, width]`, given and returned row by row.
fn product(rows: &[Vec<(u32, f64)>], matrix: &[f64], width: usize) -> Vec<f64> {
    let of = |row: &Vec<(u32, f64)>| {
        let mut sums = vec![0.0; width];
        for &(column, value) in row {
            let from = column as usize * width;
            sums.iter_mut().zip(&matrix[from..]).for_each(|(sum, m)| *sum += value * m);
        }
        sums
    };
    rows.par_iter().flat_map_iter(of).collect()
}

/// The transposed rows times a matrix `[N, width]`.
fn transposed(rows: &[Vec<(u32, f64)>], matrix: &[f64], columns: usize, width: usize) -> Vec<f64> {
    let mut sums = vec![0.0; columns * width];
    for (row, from) in rows.iter().zip(matrix.chunks_exact(width)) {
        for &(column, value) in row {
            let sums = &mut sums[column as usize * width..];
            sums.iter_mut().zip(from).for_each(|(sum, m)| *sum += value * m);
        }
    }
    sums
}

/// An orthonormal basis of the columns of a matrix `[N, width]`.
fn orthonormal(matrix: &[f64], width: usize) -> Vec<f64> {
    let columns = DMatrix::from_row_slice(matrix.len() / width, width, matrix);
    let q = columns.qr().q();
    q.transpose().as_slice().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of three topics of ten columns each, of which each row has four, and one column that all have.
    fn rows() -> Vec<Vec<(u32, f64)>> {
        let row = |at: u32| {
            let words = (0..4).map(|word| (at % 3 * 10 + (at * 7 + word * 3) % 10, 1.0));
            let mut row: Vec<(u32, f64)> = words.chain([(30, 0.2)]).collect();
            row.sort_unstable_by_key(|&(column, _)| column);
            row.dedup_by_key(|&mut (column, _)| column);
            row
        };
        (0..60).map(row).collect()
    }

    fn dot(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn places_keep_products_and_few_directions_keep_the_topics() {
        let rows = rows();
        let sparse = |a: &[(u32, f64)], b: &[(u32, f64)]| -> f64 {
            let of = |column| b.iter().find(|&&(other, _)| other == column).map_or(0.0, |p| p.1);
            a.iter().map(|&(column, value)| value * of(column)).sum()
        };
        let whole = places(&rows, 31, 31, 1);
        for (a, b) in [(0, 0), (0, 3), (0, 1), (5, 59)] {
            let expected = sparse(&rows[a], &rows[b]);
            assert!((dot(&whole[a], &whole[b]) - expected).abs() < 1e-9, "{a} and {b}");
        }
        let three = places(&rows, 31, 3, 1);
        assert!(three.iter().all(|place| place.len() == 3));
        let cosine = |a: usize, b: usize| {
            let length = |at: usize| dot(&three[at], &three[at]).sqrt();
            dot(&three[a], &three[b]) / length(a) / length(b)
        };
        assert!(cosine(0, 3) > 0.95 && cosine(0, 1) < 0.2, "{} {}", cosine(0, 3), cosine(0, 1));
        assert_eq!(places(&rows, 31, 3, 1), three);
    }

    #[test]
    fn no_rows_and_empty_rows_have_places_without_numbers_that_are_none() {
        assert!(places(&[], 5, 2, 1).is_empty());
        let found = places(&[Vec::new(), vec![(1, 2.0)], Vec::new()], 3, 2, 1);
        assert!(found.iter().flatten().all(|v| v.is_finite()));
        assert!((dot(&found[1], &found[1]) - 4.0).abs() < 1e-9 && dot(&found[0], &found[0]) < 1e-9);
    }
}
