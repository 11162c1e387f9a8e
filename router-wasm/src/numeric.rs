//! The logistic function, quantiles, and the solution of small systems of linear equations.

/// `1 / (1 + exp(-x))`, in [0, 1].
pub(crate) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// The `part / parts` quantile of ascending, finite values, by linear interpolation between the two
/// neighbouring values; 0 of no values. Positions are whole numbers, so that a quantile that falls on a
/// value is exactly that value.
#[must_use]
#[allow(clippy::cast_precision_loss)]
pub fn quantile(ascending: &[f64], part: usize, parts: usize) -> f64 {
    let position = part * ascending.len().saturating_sub(1);
    let (below, rest) = (position / parts, position % parts);
    let low = ascending.get(below).copied().unwrap_or_default();
    let high = ascending.get(below + 1).copied().unwrap_or(low);
    if rest == 0 || low == high {
        return low;
    }
    // Clamped: rounding must not carry a quantile past its neighbours.
    (low + (high - low) * rest as f64 / parts as f64).clamp(low, high)
}

/// Solves `matrix x = vector` in place for a symmetric positive definite matrix `[n, n]`, row by row, by
/// Cholesky; `vector` becomes x.
pub(crate) fn solve(matrix: &mut [f64], vector: &mut [f64], n: usize) {
    for i in 0..n {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| matrix[i * n + k] * matrix[j * n + k]).sum();
            let rest = matrix[i * n + j] - known;
            matrix[i * n + j] = match i == j {
                true => rest.max(f64::MIN_POSITIVE).sqrt(),
                false => rest / matrix[j * n + j],
            };
        }
    }
    for i in 0..n {
        let known: f64 = (0..i).map(|k| matrix[i * n + k] * vector[k]).sum();
        vector[i] = (vector[i] - known) / matrix[i * n + i];
    }
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|k| matrix[k * n + i] * vector[k]).sum();
        vector[i] = (vector[i] - known) / matrix[i * n + i];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_solution_meets_the_equations() {
        let (mut matrix, mut x) = ([4.0, 1.0, 1.0, 3.0], [1.0, 2.0]);
        solve(&mut matrix, &mut x, 2);
        assert!((4.0 * x[0] + x[1] - 1.0).abs() < 1e-12 && (x[0] + 3.0 * x[1] - 2.0).abs() < 1e-12);
    }

    #[test]
    fn quantiles_on_a_value_are_that_value() {
        let values = [0.1, 0.2, 0.3, 0.7];
        assert_eq!([0, 2, 3].map(|part| quantile(&values, part, 3)), [0.1, 0.3, 0.7]);
        assert!((quantile(&values, 1, 2) - 0.25).abs() < 1e-12);
        assert_eq!(quantile(&[], 1, 2), 0.0);
    }
}
