//! Ridge regression on sparse and dense features, in closed form.
//!
//! Both fits are solved by conjugate gradients over sparse rows: memory and time grow linearly with the
//! features of all rows. [`fit_dual`] adds a kernel and has one unknown for each row: 10,000 rows take
//! about a minute and 0.8 GB.

use nalgebra::DMatrix;
use rayon::prelude::*;

use super::moments;
use crate::error::TrainerError;

/// A query as features: a few of very many sparse coordinates, then all dense ones.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Features {
    /// Pairs of token and value, each token at most once.
    pub tokens: Vec<(u32, f64)>,
    pub dense: Vec<f64>,
}

/// A fitted linear function of [`Features`].
#[derive(Debug, Clone, PartialEq)]
pub struct LinearFit {
    /// Weight of each token.
    pub tokens: Vec<f64>,
    /// Weight of each dense coordinate.
    pub dense: Vec<f64>,
    pub intercept: f64,
}

/// Most conjugate-gradient steps; the systems here take some tens.
const MAX_STEPS: usize = 2000;
/// Relative residual at which a system counts as solved.
const SOLVED: f64 = 1e-9;
/// Parts of the rows that are summed side by side.
const PARTS: usize = 4;

/// Minimises `sum weight (target - f(row))^2 + penalty |coefficients|^2`, with the constant
/// unpenalised.
///
/// # Errors
/// [`TrainerError::NoTrainingData`] without rows, or where all weights are 0.
pub fn fit(
    rows: &[Features],
    targets: &[f64],
    weights: &[f64],
    vocabulary: usize,
    penalty: f64,
) -> Result<LinearFit, TrainerError> {
    let used = used_tokens(rows);
    if used.len() >= vocabulary / 2 {
        return fit_all(rows, targets, weights, vocabulary, penalty);
    }
    // A token that no row has gets the weight 0: among few rows the others are far fewer.
    let place = |token: u32| used.partition_point(|&other| other < token);
    let renumbered = |row: &Features| Features {
        tokens: row.tokens.iter().map(|&(token, v)| (place(token) as u32, v)).collect(),
        dense: row.dense.clone(),
    };
    let renumbered: Vec<Features> = rows.iter().map(renumbered).collect();
    let found = fit_all(&renumbered, targets, weights, used.len(), penalty)?;
    let mut tokens = vec![0.0; vocabulary];
    used.iter().zip(&found.tokens).for_each(|(&token, &w)| tokens[token as usize] = w);
    Ok(LinearFit { tokens, ..found })
}

/// The tokens of the rows, ascending.
fn used_tokens(rows: &[Features]) -> Vec<u32> {
    let mut used: Vec<u32> = rows.iter().flat_map(|row| &row.tokens).map(|&(t, _)| t).collect();
    used.sort_unstable();
    used.dedup();
    used
}

fn fit_all(
    rows: &[Features],
    targets: &[f64],
    weights: &[f64],
    vocabulary: usize,
    penalty: f64,
) -> Result<LinearFit, TrainerError> {
    let total: f64 = weights.iter().sum();
    if rows.is_empty() || total <= 0.0 {
        return Err(TrainerError::NoTrainingData { detail: "no labelled query to fit".into() });
    }
    let width = rows.iter().map(|row| row.dense.len()).max().unwrap_or_default();
    let system = System { rows, weights, vocabulary, size: vocabulary + width, penalty };
    let mean_target = dot(weights, targets) / total;
    // The unpenalised constant absorbs the weighted means of target and features.
    let mut mean = system.transposed(weights);
    mean.iter_mut().for_each(|m| *m /= total);
    let pulls: Vec<f64> = targets
        .iter()
        .zip(weights)
        .map(|(target, weight)| weight * (target - mean_target))
        .collect();
    let right = system.centred_transposed(&pulls, &mean);
    let solution = conjugate_gradients(|x| system.apply(x, &mean), &right);
    let intercept = mean_target - dot(&mean, &solution);
    let (tokens, dense) = solution.split_at(vocabulary);
    Ok(LinearFit { tokens: tokens.to_vec(), dense: dense.to_vec(), intercept })
}

/// A fit under the sum of the features' kernel and the similarity kernel.
#[derive(Debug, Clone, PartialEq)]
pub struct DualFit {
    /// The part that is linear in the features.
    pub linear: LinearFit,
    /// Coefficient of the similarity to each row.
    pub shares: Vec<f64>,
}

/// Minimises what [`fit`] does with coordinates of similarity among the features: `likeness` `[N,
/// N]`, the similarities of the rows to each other, is a kernel with weight `weight` beside the
/// features' own.
///
/// ```text
/// (weight * likeness + X X' + penalty / v) a = targets - b,   sum a = 0
/// f(row) = X' a . row + weight * a . likeness(row) + b
/// ```
/// for feature rows X and row weights v.
///
/// # Errors
/// [`TrainerError::NoTrainingData`] without rows, or where a weight is 0.
pub fn fit_dual(
    rows: &[Features],
    (likeness, weight): (&DMatrix<f64>, f64),
    targets: &[f64],
    weights: &[f64],
    vocabulary: usize,
    penalty: f64,
) -> Result<DualFit, TrainerError> {
    if rows.is_empty() || weights.iter().any(|weight| *weight <= 0.0) {
        return Err(TrainerError::NoTrainingData { detail: "no labelled query to fit".into() });
    }
    let width = rows.iter().map(|row| row.dense.len()).max().unwrap_or_default();
    let system = System { rows, weights, vocabulary, size: vocabulary + width, penalty };
    // In c = a / root(v) the system is symmetric, with the penalty on its diagonal.
    let roots: Vec<f64> = weights.iter().map(|weight| weight.sqrt()).collect();
    let scaled = |values: &[f64]| -> Vec<f64> {
        values.iter().zip(&roots).map(|(value, root)| value * root).collect()
    };
    let apply = |c: &[f64]| {
        let a = scaled(c);
        let linear = system.product(&system.transposed(&a));
        // The matrix is symmetric, and its columns are contiguous.
        let alike: Vec<f64> = (0..rows.len())
            .into_par_iter()
            .map(|row| dot(likeness.column(row).as_slice(), &a))
            .collect();
        let sums = linear.iter().zip(alike).map(|(linear, alike)| linear + weight * alike);
        let mut result = scaled(&sums.collect::<Vec<_>>());
        result.iter_mut().zip(c).for_each(|(r, c)| *r += penalty * c);
        result
    };
    let of_targets = scaled(&conjugate_gradients(apply, &scaled(targets)));
    let of_ones = scaled(&conjugate_gradients(apply, &roots));
    let intercept = of_targets.iter().sum::<f64>() / of_ones.iter().sum::<f64>();
    let a: Vec<f64> =
        of_targets.iter().zip(&of_ones).map(|(target, one)| target - intercept * one).collect();
    let coefficients = system.transposed(&a);
    let (tokens, dense) = coefficients.split_at(vocabulary);
    let linear = LinearFit { tokens: tokens.to_vec(), dense: dense.to_vec(), intercept };
    Ok(DualFit { linear, shares: a.iter().map(|share| weight * share).collect() })
}

impl LinearFit {
    /// Value of the function at a row.
    #[must_use]
    pub fn at(&self, row: &Features) -> f64 {
        let of = |&(token, value): &(u32, f64)| {
            value * self.tokens.get(token as usize).copied().unwrap_or_default()
        };
        row.tokens.iter().map(of).sum::<f64>() + dot(&self.dense, &row.dense) + self.intercept
    }

    /// The fit shifted and scaled so that its values on `rows` have mean 0 and standard deviation 1.
    #[must_use]
    pub fn standardised(mut self, rows: &[Features]) -> Self {
        let values: Vec<f64> = rows.iter().map(|row| self.at(row)).collect();
        let (mean, deviation) = (moments::mean(&values), moments::deviation(&values));
        let scale = if deviation > 0.0 { 1.0 / deviation } else { 1.0 };
        self.tokens.iter_mut().chain(&mut self.dense).for_each(|w| *w *= scale);
        self.intercept = (self.intercept - mean) * scale;
        self
    }
}

/// The normal equations, whose matrix is never formed.
struct System<'a> {
    rows: &'a [Features],
    weights: &'a [f64],
    vocabulary: usize,
    size: usize,
    penalty: f64,
}

impl System<'_> {
    /// The rows times `x`.
    fn product(&self, x: &[f64]) -> Vec<f64> {
        let (tokens, dense) = x.split_at(self.vocabulary);
        let value = |row: &Features| {
            let sparse: f64 = row.tokens.iter().map(|&(t, v)| v * tokens[t as usize]).sum();
            sparse + dot(dense, &row.dense)
        };
        self.rows.par_iter().map(value).collect()
    }

    /// The transposed rows times `y`.
    fn transposed(&self, y: &[f64]) -> Vec<f64> {
        // The parts do not depend on the number of threads, so the sums are the same on every machine.
        let part = self.rows.len().div_ceil(PARTS).max(1);
        let sums_of = |(rows, y): (&[Features], &[f64])| {
            let mut sums = vec![0.0; self.size];
            for (row, &y) in rows.iter().zip(y) {
                for &(token, value) in &row.tokens {
                    sums[token as usize] += value * y;
                }
                for (sum, value) in sums[self.vocabulary..].iter_mut().zip(&row.dense) {
                    *sum += value * y;
                }
            }
            sums
        };
        let parts: Vec<Vec<f64>> =
            self.rows.par_chunks(part).zip(y.par_chunks(part)).map(sums_of).collect();
        let mut parts = parts.into_iter();
        let mut sums = parts.next().unwrap_or_else(|| vec![0.0; self.size]);
        for part in parts {
            sums.iter_mut().zip(part).for_each(|(sum, more)| *sum += more);
        }
        sums
    }

    fn centred_transposed(&self, y: &[f64], mean: &[f64]) -> Vec<f64> {
        let total: f64 = y.iter().sum();
        let mut sums = self.transposed(y);
        sums.iter_mut().zip(mean).for_each(|(sum, mean)| *sum -= mean * total);
        sums
    }

    /// `(Xc' V Xc + penalty) x` for centred rows Xc.
    fn apply(&self, x: &[f64], mean: &[f64]) -> Vec<f64> {
        let shift = dot(mean, x);
        let mut y = self.product(x);
        y.iter_mut().zip(self.weights).for_each(|(y, weight)| *y = weight * (*y - shift));
        let mut result = self.centred_transposed(&y, mean);
        result.iter_mut().zip(x).for_each(|(r, x)| *r += self.penalty * x);
        result
    }
}

/// Solves `apply(x) = right` for a symmetric positive definite `apply`.
fn conjugate_gradients(apply: impl Fn(&[f64]) -> Vec<f64>, right: &[f64]) -> Vec<f64> {
    let mut x = vec![0.0; right.len()];
    let mut residual = right.to_vec();
    let mut direction = residual.clone();
    let mut square = dot(&residual, &residual);
    let enough = square * SOLVED * SOLVED;
    for _ in 0..MAX_STEPS {
        if square <= enough || square == 0.0 {
            break;
        }
        let image = apply(&direction);
        let step = square / dot(&direction, &image);
        x.iter_mut().zip(&direction).for_each(|(x, d)| *x += step * d);
        residual.iter_mut().zip(&image).for_each(|(r, i)| *r -= step * i);
        let next = dot(&residual, &residual);
        let keep = next / square;
        direction.iter_mut().zip(&residual).for_each(|(d, r)| *d = r + keep * *d);
        square = next;
    }
    x
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use nalgebra::DVector;
    use proptest::prelude::*;

    use super::*;

    /// The same by a dense solve of the centred normal equations.
    fn dense_fit(
        rows: &[Features],
        y: &[f64],
        v: &[f64],
        vocabulary: usize,
        penalty: f64,
    ) -> Vec<f64> {
        let width = rows[0].dense.len();
        let mut x = DMatrix::zeros(rows.len(), vocabulary + width);
        for (i, row) in rows.iter().enumerate() {
            row.tokens.iter().for_each(|&(t, value)| x[(i, t as usize)] += value);
            row.dense.iter().enumerate().for_each(|(j, value)| x[(i, vocabulary + j)] = *value);
        }
        let total: f64 = v.iter().sum();
        let v = DVector::from_column_slice(v);
        let mean = x.tr_mul(&v) / total;
        let y = DVector::from_column_slice(y);
        let centre = y.dot(&v) / total;
        let xc = DMatrix::from_fn(x.nrows(), x.ncols(), |i, j| x[(i, j)] - mean[j]);
        let vx = DMatrix::from_fn(x.nrows(), x.ncols(), |i, j| v[i] * xc[(i, j)]);
        let a = xc.tr_mul(&vx) + DMatrix::identity(x.ncols(), x.ncols()) * penalty;
        let right = vx.tr_mul(&y.map(|y| y - centre));
        a.cholesky().unwrap().solve(&right).iter().copied().collect()
    }

    proptest! {
        #[test]
        fn conjugate_gradients_agree_with_a_dense_solve(
            rows in prop::collection::vec(
                (prop::collection::btree_map(0_u32..6, -2.0_f64..2.0, 0..4),
                 prop::collection::vec(-2.0_f64..2.0, 3..=3), -1.0_f64..1.0, 0.1_f64..2.0), 2..12),
            penalty in 0.1_f64..5.0,
        ) {
            let features: Vec<Features> = rows
                .iter()
                .map(|(tokens, dense, ..)| Features {
                    tokens: tokens.iter().map(|(&t, &v)| (t, v)).collect(),
                    dense: dense.clone(),
                })
                .collect();
            let y: Vec<f64> = rows.iter().map(|row| row.2).collect();
            let v: Vec<f64> = rows.iter().map(|row| row.3).collect();
            let found = fit(&features, &y, &v, 6, penalty).unwrap();
            let expected = dense_fit(&features, &y, &v, 6, penalty);
            for (a, b) in found.tokens.iter().chain(&found.dense).zip(&expected) {
                prop_assert!((a - b).abs() < 1e-6, "{a} and {b}");
            }
            // The free constant makes the weighted residuals sum to nothing.
            let rest: f64 =
                features.iter().zip(&y).zip(&v).map(|((f, y), v)| v * (y - found.at(f))).sum();
            prop_assert!(rest.abs() < 1e-6);
        }
    }

    #[test]
    fn tokens_that_no_row_has_change_nothing() {
        let row = |at: u32| Features {
            tokens: vec![(at % 3, 1.0), (3 + at % 2, 0.5)],
            dense: vec![f64::from(at % 4)],
        };
        let rows: Vec<Features> = (0..9).map(row).collect();
        let targets: Vec<f64> = (0..9).map(|at| f64::from(at * at % 7)).collect();
        let small = fit(&rows, &targets, &[1.0; 9], 5, 0.5).unwrap();
        let spread = |row: &Features| Features {
            tokens: row.tokens.iter().map(|&(token, v)| (7 + 1000 * token, v)).collect(),
            dense: row.dense.clone(),
        };
        let rows: Vec<Features> = rows.iter().map(spread).collect();
        let large = fit(&rows, &targets, &[1.0; 9], 10_000, 0.5).unwrap();
        assert_eq!((large.tokens.len(), &large.dense), (10_000, &small.dense));
        for (token, weight) in large.tokens.iter().enumerate() {
            let expected = if token % 1000 == 7 { small.tokens.get(token / 1000) } else { None };
            assert_eq!(*weight, expected.copied().unwrap_or_default(), "{token}");
        }
    }

    #[test]
    fn no_rows_are_an_error() {
        assert_eq!(fit(&[], &[], &[], 3, 1.0).unwrap_err().code(), "no_training_data");
        let none = DMatrix::zeros(0, 0);
        let error = fit_dual(&[], (&none, 1.0), &[], &[], 3, 1.0).unwrap_err();
        assert_eq!(error.code(), "no_training_data");
    }
}
