//! The nodes of a static encoder.
//!
//! ```text
//! rows   = Gather(table int8 [V, D], ids)            [1, S, D]   int8, then cast to float
//! scale  = Gather(scales [V], ids) * mask            [1, S]
//! sum    = scale [1, 1, S] x rows [1, S, D]          [1, 1, D]   one product dequantises and pools
//! pooled = sum / sqrt(tokens)                        [1, D]
//! ```
//! The table is gathered in int8: dequantising it first would touch every row at every query. In
//! float precision the rows are gathered as they are.

use super::Precision;
use super::graph::{Attribute, Graph};
use super::quantise;
use super::router_graph::Inputs;
use crate::encoder::static_table::StaticTable;

/// Adds the nodes; returns the pooled rows, `[1, D]`.
pub fn pooled(g: &mut Graph, inputs: &Inputs, table: &StaticTable, precision: Precision) -> String {
    let (vocabulary, width) = (table.rows, table.width);
    let axis = [Attribute::Int("axis", 0)];
    let (rows, scale) = match precision {
        Precision::Int8 => {
            let quantised = quantise::rows(&table.values, width);
            let values = g.int8s("table", &[vocabulary, width], &quantised.values);
            let scales = g.floats("table_scales", &[vocabulary], &quantised.scales);
            let gathered = g.node("Gather", "rows_int8", &[&values, &inputs.ids], &axis);
            let rows = g.to_float("rows", &gathered);
            let scales = g.node("Gather", "row_scales", &[&scales, &inputs.ids], &axis);
            (rows, g.node("Mul", "scale", &[&scales, &inputs.mask], &[]))
        }
        Precision::Float => {
            let values = g.floats("table", &[vocabulary, width], &table.values);
            (g.node("Gather", "rows", &[&values, &inputs.ids], &axis), inputs.mask.clone())
        }
    };
    let scale = g.node("Unsqueeze", "scale_row", &[&scale, &inputs.axis_1], &[]);
    let sum = g.node("MatMul", "sum", &[&scale, &rows], &[]);
    let sum = g.node("Squeeze", "sum_row", &[&sum, &inputs.axis_1], &[]);
    let root = g.node("Sqrt", "root_tokens", &[&inputs.tokens], &[]);
    g.node("Div", "pooled", &[&sum, &root], &[])
}
