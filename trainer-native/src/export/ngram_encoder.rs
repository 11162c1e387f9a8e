//! Nodes of an encoder of hashed n-grams: one call of [`Function::NgramBag`].

use super::functions::Function;
use super::graph::Graph;
use super::inputs::Inputs;
use super::quantise::{self, Bits};
use crate::encoder::static_table::StaticTable;
use crate::precision::Precision;

/// Adds the nodes for a table `[V, D]` called `name`; returns the pooled rows, `[1, D]`, called `output`. In int8
/// a column has one scale, so that a row costs D bytes.
pub fn pooled(
    g: &mut Graph,
    inputs: &Inputs,
    (name, output): (&str, &str),
    table: &StaticTable,
    precision: Precision,
) -> String {
    let shape = [table.rows, table.width];
    let mut call = vec![inputs.ids.clone(), inputs.mask.clone()];
    match precision {
        Precision::Int8 => {
            let quantised = quantise::columns(&table.values, table.width, Bits::Eight);
            call.push(g.int8s(name, &shape, &quantised.values));
            call.push(g.floats(&format!("{name}_scales"), &[table.width], &quantised.scales));
        }
        Precision::Float => call.push(g.floats(name, &shape, &table.values)),
    }
    let call: Vec<&str> = call.iter().map(String::as_str).collect();
    g.call((Function::NgramBag, precision), output, &call, &[])
}
