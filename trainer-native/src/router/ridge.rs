//! Ridge regression on a bag of tokens, the embedding and the similarity to remembered queries, in
//! closed form.
//!
//! ```text
//! x_t(q)  = a / (a + p_t) * count_t / sqrt(tokens)    one coordinate a token; p_t: its share of all tokens
//! e(q)    = embedding, centred, of mean square length 1
//! n(q)    = coordinates of similarity to remembered queries ([`kernel`])
//! d(q)    = 2 * label - 1, in [-1, 1]                 how far strong beat weak, smoothed
//! p(q)    = difficulty found by other LLMs, standardised
//! (w, u, v, b) = argmin sum (d - z)^2 + penalty (|w|^2 + |u|^2 + |v|^2)
//! z(q)    = c p + sqrt(f) w x + sqrt(g) u e + sqrt(h) v n + b      P(strong beats weak | q) = sigmoid(2 z)
//! ```
//! The fit on labelled queries only corrects `c p`: far from all of them z falls back on what other
//! LLMs found hard, as the prior mean of a Gaussian process does. `p` is itself a ridge regression,
//! of `1 - mean score of a source's weaker LLMs` (centred and scaled within the source) on
//! embedding and length. Everything except similarity is linear in token counts, embedding and
//! length, so the router is exported as one number for each token, each coordinate and each
//! remembered query. Where every labelled query is remembered, the fit is exactly kernel ridge
//! regression under the sum of the three kernels.
//!
//! Both fits are solved by conjugate gradients over sparse rows: memory and time grow linearly with
//! the queries' tokens and with queries times remembered queries; only the number of remembered
//! queries also enters squared. Where all queries are remembered, the same fit is solved in its
//! dual, with one unknown for each query and without coordinates of similarity: 10,000 queries take
//! about a minute and 0.8 GB.

pub mod kernel;

use nalgebra::DMatrix;
use rayon::prelude::*;

use crate::error::TrainerError;
use crate::export::Precision;
use crate::export::graph::{Attribute, Graph};
use crate::export::router_graph::{GraphHead, Inputs, linear};
use kernel::KernelHead;

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

/// Minimises `sum weight (target - f(row))^2 + penalty |coefficients|^2`, with the constant
/// unpenalised.
///
/// # Errors
/// [`TrainerError::NoTrainingPair`] without rows, or where all weights are 0.
pub fn fit(
    rows: &[Features],
    targets: &[f64],
    weights: &[f64],
    vocabulary: usize,
    penalty: f64,
) -> Result<LinearFit, TrainerError> {
    let total: f64 = weights.iter().sum();
    if rows.is_empty() || total <= 0.0 {
        return Err(TrainerError::NoTrainingPair { detail: "no labelled query to fit".into() });
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
/// [`TrainerError::NoTrainingPair`] without rows, or where a weight is 0.
pub fn fit_dual(
    rows: &[Features],
    (likeness, weight): (&DMatrix<f64>, f64),
    targets: &[f64],
    weights: &[f64],
    vocabulary: usize,
    penalty: f64,
) -> Result<DualFit, TrainerError> {
    if rows.is_empty() || weights.iter().any(|weight| *weight <= 0.0) {
        return Err(TrainerError::NoTrainingPair { detail: "no labelled query to fit".into() });
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
        self.rows.iter().map(value).collect()
    }

    /// The transposed rows times `y`.
    fn transposed(&self, y: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.size];
        for (row, &y) in self.rows.iter().zip(y) {
            for &(token, value) in &row.tokens {
                sums[token as usize] += value * y;
            }
            for (sum, value) in sums[self.vocabulary..].iter_mut().zip(&row.dense) {
                *sum += value * y;
            }
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

/// A fitted ridge head: its terms of the strong candidate's score. Every other candidate's score is
/// 0.
#[derive(Debug, Clone, PartialEq)]
pub struct RidgeHead {
    /// Coefficient of each token of the vocabulary, or empty; a query has the sum of its tokens'
    /// over the root of their number.
    pub tokens: Vec<f32>,
    /// Coefficient of each coordinate of the embedding, the length last.
    pub embedding: Vec<f32>,
    /// Term of the remembered queries.
    pub kernel: Option<KernelHead>,
    pub intercept: f32,
    /// The strong candidate's column among all models.
    pub strong: usize,
}

impl RidgeHead {
    /// Adds nodes for the sum over a query's tokens, `[1, 1]`.
    fn bag(&self, g: &mut Graph, inputs: &Inputs) -> String {
        // Kept in float: 4 bytes for each token are little beside the token table, and a single
        // scale would round away the many small numbers because of a few large ones.
        let table = g.floats("ridge.tokens", &[self.tokens.len()], &self.tokens);
        let axis = [Attribute::Int("axis", 0)];
        let own = g.node("Gather", "ridge.own", &[&table, &inputs.ids], &axis);
        let own = g.node("Mul", "ridge.masked", &[&own, &inputs.mask], &[]);
        let keep = [Attribute::Int("keepdims", 1)];
        let sum = g.node("ReduceSum", "ridge.sum", &[&own, &inputs.axis_1], &keep);
        let root = g.node("Sqrt", "ridge.root_tokens", &[&inputs.tokens], &[]);
        g.node("Div", "ridge.bag", &[&sum, &root], &[])
    }
}

impl GraphHead for RidgeHead {
    fn nodes(
        &self,
        g: &mut Graph,
        inputs: &Inputs,
        embedding: &str,
        columns: &[usize],
        precision: Precision,
    ) -> Result<String, TrainerError> {
        let shares = self.kernel.iter().flat_map(|kernel| &kernel.shares);
        let numbers = self.tokens.iter().chain(&self.embedding).chain([&self.intercept]);
        let numbers = numbers.chain(shares);
        if let Some(found) = numbers.into_iter().find(|v| !v.is_finite()) {
            return Err(TrainerError::NotFinite {
                what: "a ridge coefficient",
                detail: format!("{found}: raise the penalty"),
            });
        }
        let bias = [self.intercept];
        let weights = (self.embedding.as_slice(), 1);
        let mut score = linear(g, "ridge", embedding, weights, Some(&bias), Precision::Float);
        if !self.tokens.is_empty() {
            let bag = self.bag(g, inputs);
            score = g.node("Add", "ridge.with_tokens", &[&score, &bag], &[]);
        }
        if let Some(kernel) = &self.kernel {
            let remembered = kernel.nodes(g, embedding, precision);
            score = g.node("Add", "ridge.with_kernel", &[&score, &remembered], &[]);
        }
        let at_strong: Vec<f32> =
            columns.iter().map(|&c| if c == self.strong { 1.0 } else { 0.0 }).collect();
        let spread = g.floats("ridge.candidates", &[1, columns.len()], &at_strong);
        Ok(g.node("MatMul", "scores", &[&score, &spread], &[]))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use nalgebra::DVector;
    use proptest::prelude::*;

    use super::kernel::{Coordinates, Remembered};
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
    fn with_all_rows_remembered_the_fit_is_kernel_ridge_regression() {
        let rows = [[0.3, -0.1, 0.7], [-0.5, 0.2, 0.1], [0.4, 0.9, -0.3], [-0.2, -0.8, 0.6]];
        let (y, temperature, penalty) = ([1.0, -0.5, 0.25, 0.75], 0.4, 0.3);
        let remembered: Vec<&[f64]> = rows.iter().map(|row| row.as_slice()).collect();
        let memory = Remembered::new(&remembered, &[0.0; 3], temperature);
        let coordinates = Coordinates::of(&memory).unwrap();
        let features: Vec<Features> = remembered
            .iter()
            .map(|row| Features { tokens: Vec::new(), dense: coordinates.at(row) })
            .collect();
        let found = fit(&features, &y, &[1.0; 4], 0, penalty).unwrap();
        // The dual: (K + penalty) a = y - b with the shares a summing to nothing.
        let unit = |row: &[f64; 3]| DVector::from_column_slice(row).normalize();
        let mut dual = DMatrix::from_fn(4, 4, |i, j| {
            ((unit(&rows[i]).dot(&unit(&rows[j])) - 1.0) / temperature).exp()
        });
        let likeness = dual.clone();
        dual += DMatrix::identity(4, 4) * penalty;
        let factor = dual.cholesky().unwrap();
        let (of_y, of_one) =
            (factor.solve(&DVector::from_column_slice(&y)), factor.solve(&DVector::repeat(4, 1.0)));
        let b = of_y.sum() / of_one.sum();
        let shares = of_y - of_one * b;
        for (row, features) in features.iter().enumerate() {
            let expected = (likeness.row(row) * &shares)[0] + b;
            assert!((found.at(features) - expected).abs() < 1e-5);
        }
    }

    proptest! {
        #[test]
        fn the_dual_is_the_fit_on_coordinates_of_all_rows(
            rows in prop::collection::vec(
                (prop::collection::vec(-1.0_f64..1.0, 3..=3), 0_u32..3, -1.0_f64..1.0,
                 0.2_f64..2.0), 2..9),
            (weight, penalty, temperature) in (0.2_f64..4.0, 0.2_f64..3.0, 0.2_f64..1.0),
        ) {
            let embeddings: Vec<&[f64]> = rows.iter().map(|row| row.0.as_slice()).collect();
            let memory = Remembered::new(&embeddings, &[0.1; 3], temperature);
            let coordinates = Coordinates::of(&memory).unwrap();
            let (y, v): (Vec<f64>, Vec<f64>) = rows.iter().map(|row| (row.2, row.3)).unzip();
            let plain: Vec<Features> = rows
                .iter()
                .map(|row| Features { tokens: vec![(row.1, 0.7)], dense: row.0[..2].to_vec() })
                .collect();
            let with_coordinates: Vec<Features> = plain
                .iter()
                .zip(&embeddings)
                .map(|(plain, embedding)| {
                    let mut row = plain.clone();
                    let own = coordinates.at(embedding);
                    row.dense.extend(own.iter().map(|value| value * weight.sqrt()));
                    row
                })
                .collect();
            let primal = fit(&with_coordinates, &y, &v, 3, penalty).unwrap();
            let likeness = memory.likeness();
            let dual = fit_dual(&plain, (&likeness, weight), &y, &v, 3, penalty).unwrap();
            for (row, features) in with_coordinates.iter().enumerate() {
                let alike = dot(likeness.column(row).as_slice(), &dual.shares);
                let found = dual.linear.at(&plain[row]) + alike;
                // Coordinates have a jitter of 1e-6 on the diagonal, which queries nearly alike magnify.
                prop_assert!((found - primal.at(features)).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn no_rows_are_an_error() {
        assert_eq!(fit(&[], &[], &[], 3, 1.0).unwrap_err().code(), "no_training_pair");
        let none = DMatrix::zeros(0, 0);
        let error = fit_dual(&[], (&none, 1.0), &[], &[], 3, 1.0).unwrap_err();
        assert_eq!(error.code(), "no_training_pair");
    }
}
