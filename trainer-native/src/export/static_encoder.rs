//! The graph of a static encoder with a matrix-factorisation head.
//!
//! ```text
//! rows      = Gather(table int8 [V, D], ids)            [1, S, D]   int8, then cast to float
//! scale     = Gather(scales [V], ids) * mask            [1, S]
//! sum       = scale [1, 1, S] x rows [1, S, D]          [1, 1, D]   one product dequantises and pools
//! embedding = [sum / sqrt(tokens) ; ln(1 + tokens) / 4 - 1]   [1, D + 1]
//! scores    = (embedding W1 + b) F^T                    [1, M]      F = w2 * v_M / |v_M|
//! ```
//! The table is gathered in int8: dequantising it first would touch every row at every query.

use super::graph::{Attribute, Graph, Value};
use super::quantise;
use crate::error::TrainerError;
use crate::router::mf::MfRouter;

/// The model file of `router` for the candidates at `columns` of its models, in that order.
///
/// # Errors
/// [`TrainerError::NotFinite`].
pub fn graph(router: &MfRouter, columns: &[usize]) -> Result<Vec<u8>, TrainerError> {
    let parameters = &router.parameters;
    let [vocabulary, width] = parameters.get("table").dims();
    let [features, dimension] = parameters.get("projection").dims();
    let table = quantise::rows(&parameters.values("table")?, width);
    let projection = quantise::columns(&parameters.values("projection")?, dimension);
    let factors = factors(router, columns, dimension)?;
    let candidates = columns.len();

    let mut g = Graph::new("switchyard static encoder, matrix factorisation");
    let ids = g.input("input_ids", Value::Int64, &["1", "S"]);
    let mask = g.input("attention_mask", Value::Int64, &["1", "S"]);

    let table_int8 = g.int8s("table", &[vocabulary, width], &table.values);
    let scales = g.floats("table_scales", &[vocabulary], &table.scales);
    let axis = [Attribute::Int("axis", 0)];
    let gathered = g.node("Gather", "rows_int8", &[&table_int8, &ids], &axis);
    let rows = g.to_float("rows", &gathered);
    let row_scales = g.node("Gather", "row_scales", &[&scales, &ids], &axis);
    let mask = g.to_float("mask", &mask);
    let scale = g.node("Mul", "scale", &[&row_scales, &mask], &[]);
    let one = g.int64s("axis_1", &[1], &[1]);
    let scale = g.node("Unsqueeze", "scale_row", &[&scale, &one], &[]);
    let sum = g.node("MatMul", "sum", &[&scale, &rows], &[]);
    let sum = g.node("Squeeze", "sum_row", &[&sum, &one], &[]);
    let tokens = g.node("ReduceSum", "tokens", &[&mask, &one], &[Attribute::Int("keepdims", 1)]);
    let root = g.node("Sqrt", "root_tokens", &[&tokens], &[]);
    let pooled = g.node("Div", "pooled", &[&sum, &root], &[]);

    let unit = g.floats("one", &[1], &[1.0]);
    let four = g.floats("four", &[1], &[4.0]);
    let more = g.node("Add", "tokens_and_one", &[&tokens, &unit], &[]);
    let log = g.node("Log", "log_tokens", &[&more], &[]);
    let quarter = g.node("Div", "log_tokens_quarter", &[&log, &four], &[]);
    let length = g.node("Sub", "length", &[&quarter, &unit], &[]);
    let embedding =
        g.node("Concat", "embedding", &[&pooled, &length], &[Attribute::Int("axis", 1)]);

    let weights = g.int8s("projection", &[features, dimension], &projection.values);
    let weight_scales = g.floats("projection_scales", &[dimension], &projection.scales);
    let weights = g.node(
        "DequantizeLinear",
        "projection_float",
        &[&weights, &weight_scales],
        &[Attribute::Int("axis", 1)],
    );
    let hidden = g.node("MatMul", "projected", &[&embedding, &weights], &[]);
    let bias = g.floats("bias", &[1, dimension], &parameters.values("bias")?);
    let hidden = g.node("Add", "hidden", &[&hidden, &bias], &[]);
    let factors = g.floats("factors", &[dimension, candidates], &factors);
    let scores = g.node("MatMul", "scores", &[&hidden, &factors], &[]);

    g.output(&scores, Value::Float, &["1", &candidates.to_string()]);
    g.output(&embedding, Value::Float, &["1", &features.to_string()]);
    Ok(g.into_bytes())
}

/// F transposed, `[d_m, candidates]`.
fn factors(
    router: &MfRouter,
    columns: &[usize],
    dimension: usize,
) -> Result<Vec<f32>, TrainerError> {
    let models = router.parameters.values("models")?;
    let weights = router.parameters.values("weights")?;
    let mut transposed = vec![0.0; dimension * columns.len()];
    for (slot, &model) in columns.iter().enumerate() {
        let vector = &models[model * dimension..(model + 1) * dimension];
        let norm = vector.iter().map(|v| v * v).sum::<f32>().sqrt() + 1e-9;
        for (d, (v, w)) in vector.iter().zip(&weights).enumerate() {
            transposed[d * columns.len() + slot] = v / norm * w;
        }
    }
    Ok(transposed)
}
