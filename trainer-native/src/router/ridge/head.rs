//! A fitted ridge head, and its export.

use super::kernel::KernelHead;
use crate::error::TrainerError;
use crate::export::graph::{Attribute, Graph};
use crate::export::router_graph::{GraphHead, Inputs, linear};
use crate::precision::Precision;

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
