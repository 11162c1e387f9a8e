//! Principal directions of rows, from their covariance.

use nalgebra::DMatrix;

/// The `count` eigenvectors of a symmetric matrix with the largest eigenvalues, as columns. An eigenvector's
/// sign is arbitrary: it is fixed so that the largest coordinate is positive.
#[must_use]
pub(crate) fn directions(covariance: DMatrix<f64>, count: usize) -> DMatrix<f64> {
    let width = covariance.nrows();
    let eigen = covariance.symmetric_eigen();
    let mut order: Vec<usize> = (0..width).collect();
    order.sort_by(|&i, &j| eigen.eigenvalues[j].total_cmp(&eigen.eigenvalues[i]));
    let sign = |column: usize| {
        let vector = eigen.eigenvectors.column(column);
        vector[vector.icamax()].signum()
    };
    DMatrix::from_fn(width, count.min(width), |row, c| {
        eigen.eigenvectors[(row, order[c])] * sign(order[c])
    })
}
