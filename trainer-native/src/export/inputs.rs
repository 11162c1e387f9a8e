//! The inputs of every graph, and the values that nodes of encoders and heads start from.

use super::graph::{Attribute, Graph, Value};

/// Names of the values.
#[derive(Debug)]
pub struct Inputs {
    /// `input_ids`, int64 `[1, S]`.
    pub ids: String,
    /// `attention_mask` as float, `[1, S]`.
    pub mask: String,
    /// Number of tokens, float `[1, 1]`.
    pub tokens: String,
    /// The constant 1.0, float `[1]`.
    pub one: String,
    /// The constant `[1]`, int64, for the axes of `Squeeze` and `ReduceSum`.
    pub axis_1: String,
}

impl Inputs {
    /// The names in a graph that [`Self::add_to`] began.
    pub(crate) fn of_graph() -> Self {
        let [ids, mask, tokens, one, axis_1] =
            ["input_ids", "mask", "tokens", "one", "axis_1"].map(String::from);
        Self { ids, mask, tokens, one, axis_1 }
    }

    /// Adds the inputs and the nodes that depend on them alone.
    pub(crate) fn add_to(g: &mut Graph) -> Self {
        let ids = g.input("input_ids", Value::Int64, &["1", "S"]);
        let mask = g.input("attention_mask", Value::Int64, &["1", "S"]);
        let mask = g.to_float("mask", &mask);
        let axis_1 = g.int64s("axis_1", &[1], &[1]);
        let keep = [Attribute::Int("keepdims", 1)];
        let tokens = g.node("ReduceSum", "tokens", &[&mask, &axis_1], &keep);
        let one = g.floats("one", &[1], &[1.0]);
        Self { ids, mask, tokens, one, axis_1 }
    }
}
