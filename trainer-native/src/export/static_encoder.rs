//! Nodes of a static encoder: one call of [`Function::TokenBag`].
//!
//! Rows are gathered in int8, since dequantising the table first would read every row for every
//! query.

use super::functions::Function;
use super::graph::Graph;
use super::inputs::Inputs;
use super::quantise::{self, Bits};
use crate::encoder::static_table::StaticTable;
use crate::precision::Precision;

/// Adds the nodes; returns the pooled rows, `[1, D]`.
pub fn pooled(g: &mut Graph, inputs: &Inputs, table: &StaticTable, precision: Precision) -> String {
    let shape = [table.rows, table.width];
    let mut call = vec![inputs.ids.clone(), inputs.mask.clone(), inputs.tokens.clone()];
    match precision {
        Precision::Int8 => {
            let quantised = quantise::rows(&table.values, table.width, Bits::Eight);
            call.push(g.int8s("table", &shape, &quantised.values));
            call.push(g.floats("table_scales", &[table.rows], &quantised.scales));
        }
        Precision::Float => call.push(g.floats("table", &shape, &table.values)),
    }
    let call: Vec<&str> = call.iter().map(String::as_str).collect();
    g.call((Function::TokenBag, precision), "pooled", &call, &[])
}
