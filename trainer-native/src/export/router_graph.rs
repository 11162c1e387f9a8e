//! Builds a router's whole graph: the encoder's nodes, then the head's.
//!
//! ```text
//! tokens    = sum of mask, of hashed n-grams their number     [1, 1]
//! pooled    = encoder(ids, mask), for a transformer scaled to one length where asked   [1, D]
//!             and followed by mask rows[ids] / sqrt(tokens) where its tokens have rows
//! embedding = [pooled ; ln(1 + tokens) / 4 - 1]               [1, D + 1]
//! scores    = head(embedding)                                 [1, M]   where the head is in the graph
//! ```
//! The length of a query says something about its difficulty, so every encoder states it in its
//! last coordinate. Memory routers compare the other coordinates.

use super::encoder_graph::EncoderGraph;
use super::graph::{Attribute, Graph, Value};
pub use super::inputs::Inputs;
use super::quantise::{self, Bits};
use super::{ngram_encoder, static_encoder, transformer_encoder};
use crate::encoder::Network;
use crate::error::TrainerError;
use crate::precision::Precision;

/// A head whose nodes are part of the graph.
pub trait GraphHead {
    /// Adds nodes from an embedding `[1, D]`, or from the inputs themselves, to `scores`, `[1,
    /// columns]`: the scores of the models at `columns`, in that order. Returns the name of the
    /// scores.
    ///
    /// # Errors
    /// [`TrainerError::NotFinite`].
    fn nodes(
        &self,
        g: &mut Graph,
        inputs: &Inputs,
        embedding: &str,
        columns: &[usize],
        precision: Precision,
    ) -> Result<String, TrainerError>;
}

/// Builds the model file.
///
/// # Errors
/// [`TrainerError::NotFinite`], [`TrainerError::BadEncoder`].
pub fn build(
    network: &Network,
    head: Option<(&dyn GraphHead, &[usize])>,
    precision: Precision,
) -> Result<Vec<u8>, TrainerError> {
    let (mut g, inputs, embedding) = encoder(network, precision)?;
    let size = network.embedding_size();
    if let Some((head, columns)) = head {
        let scores = head.nodes(&mut g, &inputs, &embedding, columns, precision)?;
        g.output(&scores, Value::Float, &["1", &columns.len().to_string()]);
    }
    g.output(&embedding, Value::Float, &["1", &size.to_string()]);
    Ok(g.into_bytes())
}

/// A graph that computes the embedding, its inputs and the embedding's name.
fn encoder(
    network: &Network,
    precision: Precision,
) -> Result<(Graph, Inputs, String), TrainerError> {
    let mut g = Graph::new("pointsman router");
    let inputs = Inputs::add_to(&mut g);
    let pooled = match network {
        Network::Bundle(bundle) => {
            let (g, embedding) = EncoderGraph::of(bundle)?;
            return Ok((g, Inputs::of_graph(), embedding));
        }
        Network::Static(table) => static_encoder::pooled(&mut g, &inputs, table, precision),
        Network::Ngrams(table) => {
            ngram_encoder::pooled(&mut g, &inputs, ("table", "pooled"), table, precision)
        }
        Network::Transformer { weights, pooling, scale, token_rows } => {
            let pooled =
                transformer_encoder::pooled(&mut g, &inputs, weights, precision, *pooling)?;
            let pooled = match scale {
                Some(scale) => scaled(&mut g, &pooled, weights.width, *scale),
                None => pooled,
            };
            match token_rows {
                None => pooled,
                Some(rows) => {
                    // Each token counts once where it stands, so the bag divides by the root of their number.
                    let names = ("token_rows", "token_sums");
                    let sums = ngram_encoder::pooled(&mut g, &inputs, names, rows, precision);
                    let axis = [Attribute::Int("axis", 1)];
                    g.node("Concat", "pooled_and_token_sums", &[&pooled, &sums], &axis)
                }
            }
        }
    };
    let embedding = with_length(&mut g, &inputs, &pooled);
    Ok((g, inputs, embedding))
}

/// Adds `pooled` scaled to length `scale * sqrt(H)`.
#[allow(clippy::cast_precision_loss)]
fn scaled(g: &mut Graph, pooled: &str, width: usize, scale: f32) -> String {
    let axes = [Attribute::Ints("axes", &[1]), Attribute::Int("keepdims", 1)];
    let norm = g.node("ReduceL2", "pooled.norm", &[pooled], &axes);
    // A hidden state of zeros has no direction and stays zeros.
    let least = g.floats("pooled.least", &[1], &[1e-12]);
    let norm = g.node("Max", "pooled.norm_positive", &[&norm, &least], &[]);
    let unit = g.node("Div", "pooled.unit", &[pooled, &norm], &[]);
    let length = g.floats("pooled.length", &[1], &[scale * (width as f32).sqrt()]);
    g.node("Mul", "pooled.scaled", &[&unit, &length], &[])
}

fn with_length(g: &mut Graph, inputs: &Inputs, pooled: &str) -> String {
    let unit = inputs.one.clone();
    let four = g.floats("four", &[1], &[4.0]);
    let more = g.node("Add", "tokens_and_one", &[&inputs.tokens, &unit], &[]);
    let log = g.node("Log", "log_tokens", &[&more], &[]);
    let quarter = g.node("Div", "log_tokens_quarter", &[&log, &four], &[]);
    let length = g.node("Sub", "query_length", &[&quarter, &unit], &[]);
    g.node("Concat", "embedding", &[pooled, &length], &[Attribute::Int("axis", 1)])
}

/// Adds nodes for the direction of an embedding `[1, size]` from `centre`: of length 1, or zeros at
/// the centre. Coordinates that the centre lacks, such as a transformer's length, become 0. The
/// names of the values begin with `name`.
pub(crate) fn direction(
    g: &mut Graph,
    name: &str,
    embedding: &str,
    centre: &[f32],
    size: usize,
) -> String {
    let at = |part: &str| format!("{name}.{part}");
    let padded = |mut values: Vec<f32>| {
        values.resize(size, 0.0);
        values
    };
    let keep = padded(vec![1.0; centre.len()]);
    let centre = g.floats(&at("centre"), &[1, size], &padded(centre.to_vec()));
    let keep = g.floats(&at("counted"), &[1, size], &keep);
    let from_centre = g.node("Sub", &at("from_centre"), &[embedding, &centre], &[]);
    let from_centre = g.node("Mul", &at("from_centre_counted"), &[&from_centre, &keep], &[]);
    let axes = [Attribute::Ints("axes", &[1]), Attribute::Int("keepdims", 1)];
    let length = g.node("ReduceL2", &at("length"), &[&from_centre], &axes);
    let least = g.floats(&at("least"), &[1], &[1e-12]);
    let length = g.node("Max", &at("length_positive"), &[&length, &least], &[]);
    g.node("Div", &at("unit"), &[&from_centre, &length], &[])
}

/// Adds nodes for `input W + b`: `weights` `[inputs, outputs]` row by row, in int8 per output
/// channel or in float. The names of the values begin with `name`.
pub(crate) fn linear(
    g: &mut Graph,
    name: &str,
    input: &str,
    weights: (&[f32], usize),
    bias: Option<&[f32]>,
    precision: Precision,
) -> String {
    let (values, outputs) = weights;
    let shape = [values.len() / outputs.max(1), outputs];
    let at = |part: &str| format!("{name}_{part}");
    let matrix = match precision {
        Precision::Float => g.floats(&at("weights"), &shape, values),
        Precision::Int8 => {
            let quantised = quantise::columns(values, outputs, Bits::Eight);
            let int8 = g.int8s(&at("weights"), &shape, &quantised.values);
            let scales = g.floats(&at("scales"), &[outputs], &quantised.scales);
            let axis = [Attribute::Int("axis", 1)];
            g.node("DequantizeLinear", &at("weights_float"), &[&int8, &scales], &axis)
        }
    };
    let product = g.node("MatMul", &at("product"), &[input, &matrix], &[]);
    match bias {
        None => product,
        Some(bias) => {
            let bias = g.floats(&at("bias"), &[1, outputs], bias);
            g.node("Add", &at("sum"), &[&product, &bias], &[])
        }
    }
}
