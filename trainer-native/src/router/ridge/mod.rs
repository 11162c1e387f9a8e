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

pub mod fit;
pub mod kernel;

use crate::error::TrainerError;
use crate::export::Precision;
use crate::export::graph::{Attribute, Graph};
use crate::export::router_graph::{GraphHead, Inputs, linear};
use kernel::KernelHead;

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
mod tests;
