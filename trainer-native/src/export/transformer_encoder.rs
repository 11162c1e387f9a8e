//! The nodes of a BERT encoder, float or int8.
//!
//! ```text
//! h0     = norm(words[ids] + (positions + types[0])[0..S])              [1, S, H]
//! q, k, v = split(dense(h)), q scaled by 1 / sqrt(H / heads)            [1, heads, S, H / heads]
//! h'     = norm(h + dense(softmax(q k^T + (mask - 1) * 1e9) v))
//! h''    = norm(h' + down(gelu(up(h'))))          gelu(x) = x / 2 * (1 + erf(x / sqrt 2))
//! pooled = mask h / tokens, or h at [CLS]                               [1, H]
//! ```
//! In int8, `dense` quantises its input at run time, one scale and zero point a tensor, and its
//! weights once, one scale an output channel:
//!
//! ```text
//! x8, s, z = DynamicQuantizeLinear(x)                      uint8, float, uint8
//! y        = Cast(MatMulInteger(x8, w8, z)) * (s * scales) + bias
//! ```
//! Query, key and value share the one `x8`. Tables are gathered in int8: dequantising one first
//! would touch every row at every query. Scores, softmax, norms and GELU stay in float.

use super::graph::{Attribute, Graph};
use super::router_graph::Inputs;
use super::{Precision, quantise};
use crate::encoder::bert::Pooling;
use crate::encoder::bert_weights::{BertWeights, Dense, LayerWeights, Norm};
use crate::error::TrainerError;

/// Adds the encoder's nodes; returns the name of the pooled hidden states, `[1, H]`.
///
/// # Errors
/// [`TrainerError::BadEncoder`] where the width is no multiple of the heads, or the encoder has
/// neither words nor layers.
pub fn pooled(
    g: &mut Graph,
    inputs: &Inputs,
    weights: &BertWeights,
    precision: Precision,
    pooling: Pooling,
) -> Result<String, TrainerError> {
    let (width, heads) = (weights.width, weights.heads);
    if heads == 0 || !width.is_multiple_of(heads) || weights.words.is_empty() {
        return Err(TrainerError::BadEncoder {
            path: "encoder".into(),
            detail: format!(
                "width {width}, {heads} heads, {} words: expected a multiple, and words",
                weights.vocabulary()
            ),
        });
    }
    let mut nodes = Nodes::new(g, inputs, weights, precision);
    let mut hidden = nodes.embeddings(weights, &inputs.ids);
    for (index, layer) in weights.layers.iter().enumerate() {
        hidden = nodes.layer(&format!("layer.{index}"), layer, &hidden);
    }
    Ok(pool(g, inputs, &hidden, pooling))
}

fn pool(g: &mut Graph, inputs: &Inputs, hidden: &str, pooling: Pooling) -> String {
    match pooling {
        Pooling::Cls => {
            let first = g.int64s("pool.first", &[], &[0]);
            g.node("Gather", "pooled", &[hidden, &first], &[Attribute::Int("axis", 1)])
        }
        Pooling::Mean => {
            let row = g.node("Unsqueeze", "pool.mask", &[&inputs.mask, &inputs.axis_1], &[]);
            let sum = g.node("MatMul", "pool.sum", &[&row, hidden], &[]);
            let sum = g.node("Squeeze", "pool.sum_row", &[&sum, &inputs.axis_1], &[]);
            g.node("Div", "pooled", &[&sum, &inputs.tokens], &[])
        }
    }
}

/// A matrix product's input: in int8, its values, scale and zero point.
struct Operand {
    float: String,
    int8: Option<[String; 3]>,
}

/// What every layer uses.
struct Nodes<'g> {
    g: &'g mut Graph,
    precision: Precision,
    width: usize,
    heads: usize,
    epsilon: f32,
    /// 0 at tokens, -1e9 at padding, [1, 1, 1, S].
    bias: String,
    split: String,
    join: String,
    half: String,
    one: String,
    root_two: String,
}

impl<'g> Nodes<'g> {
    #[allow(clippy::cast_possible_truncation)]
    fn new(g: &'g mut Graph, inputs: &Inputs, weights: &BertWeights, precision: Precision) -> Self {
        let (width, heads) = (weights.width, weights.heads);
        let one = inputs.one.clone();
        let axes = g.int64s("bias.axes", &[2], &[1, 2]);
        let large = g.floats("bias.large", &[1], &[1e9]);
        let bias = g.node("Sub", "bias.absent", &[&inputs.mask, &one], &[]);
        let bias = g.node("Mul", "bias.row", &[&bias, &large], &[]);
        Self {
            precision,
            width,
            heads,
            epsilon: weights.epsilon as f32,
            bias: g.node("Unsqueeze", "bias", &[&bias, &axes], &[]),
            split: g.int64s("shape.heads", &[4], &[0, 0, heads as i64, (width / heads) as i64]),
            join: g.int64s("shape.hidden", &[3], &[0, 0, width as i64]),
            half: g.floats("half", &[1], &[0.5]),
            root_two: g.floats("root_two", &[1], &[std::f32::consts::SQRT_2]),
            one,
            g,
        }
    }

    fn embeddings(&mut self, weights: &BertWeights, ids: &str) -> String {
        let width = self.width;
        let rows = |values: &[f32]| values.len() / width;
        // Every token is of type 0, so that row joins the positions.
        let positions: Vec<f32> = (weights.positions.chunks_exact(width))
            .flat_map(|row| row.iter().zip(&weights.types).map(|(p, t)| p + t))
            .collect();
        let table = [rows(&weights.words), width];
        let words = self.rows("words", table, &weights.words, |g, name, table| {
            g.node("Gather", name, &[table, ids], &[Attribute::Int("axis", 0)])
        });
        let [zero, one] = [0, 1].map(|i| self.g.int64s(&format!("length.{i}"), &[1], &[i]));
        let two = self.g.int64s("length.2", &[1], &[2]);
        let shape = self.g.node("Shape", "length.shape", &[ids], &[]);
        let length = self.g.node("Slice", "length", &[&shape, &one, &two], &[]);
        let table = [rows(&positions), width];
        let positions = self.rows("positions", table, &positions, |g, name, table| {
            g.node("Slice", name, &[table, &zero, &length, &zero], &[])
        });
        let sum = self.g.node("Add", "embeddings.sum", &[&words, &positions], &[]);
        self.norm("embeddings.norm", &weights.norm, &sum)
    }

    /// Rows that `take` takes from a table; in int8 it takes their scales alike.
    fn rows(
        &mut self,
        name: &str,
        shape: [usize; 2],
        values: &[f32],
        take: impl Fn(&mut Graph, &str, &str) -> String,
    ) -> String {
        let g = &mut *self.g;
        match self.precision {
            Precision::Float => {
                let table = g.floats(&format!("{name}.table"), &shape, values);
                take(g, &format!("{name}.rows"), &table)
            }
            Precision::Int8 => {
                let table = quantise::rows(values, shape[1]);
                let scales = g.floats(&format!("{name}.scales"), &[shape[0], 1], &table.scales);
                let table = g.int8s(&format!("{name}.table"), &shape, &table.values);
                let rows = take(g, &format!("{name}.rows_int8"), &table);
                let scales = take(g, &format!("{name}.row_scales"), &scales);
                let rows = g.to_float(&format!("{name}.rows_float"), &rows);
                g.node("Mul", &format!("{name}.rows"), &[&rows, &scales], &[])
            }
        }
    }

    #[allow(clippy::cast_precision_loss)]
    fn layer(&mut self, name: &str, layer: &LayerWeights, hidden: &str) -> String {
        let at = |part: &str| format!("{name}.{part}");
        let scale = ((self.width / self.heads) as f32).sqrt().recip();
        let input = self.operand(&at("input"), hidden.to_owned());
        let query = self.dense(&at("query"), &layer.query.scaled(scale), &input);
        let key = self.dense(&at("key"), &layer.key, &input);
        let value = self.dense(&at("value"), &layer.value, &input);
        let query = self.split(&at("query"), &query, &[0, 2, 1, 3]);
        let key = self.split(&at("key"), &key, &[0, 2, 3, 1]);
        let value = self.split(&at("value"), &value, &[0, 2, 1, 3]);

        let g = &mut *self.g;
        let scores = g.node("MatMul", &at("scores"), &[&query, &key], &[]);
        let scores = g.node("Add", &at("scores.masked"), &[&scores, &self.bias], &[]);
        let last = [Attribute::Int("axis", -1)];
        let shares = g.node("Softmax", &at("shares"), &[&scores], &last);
        let mixed = g.node("MatMul", &at("mixed"), &[&shares, &value], &[]);
        let order = [Attribute::Ints("perm", &[0, 2, 1, 3])];
        let mixed = g.node("Transpose", &at("mixed.tokens"), &[&mixed], &order);
        let mixed = g.node("Reshape", &at("mixed.joined"), &[&mixed, &self.join], &[]);

        let mixed = self.operand(&at("mixed"), mixed);
        let output = self.dense(&at("output"), &layer.output, &mixed);
        let sum = self.g.node("Add", &at("attention.sum"), &[hidden, &output], &[]);
        let hidden = self.norm(&at("attention.norm"), &layer.attention_norm, &sum);

        let input = self.operand(&at("middle"), hidden.clone());
        let up = self.dense(&at("up"), &layer.up, &input);
        let wide = self.gelu(&at("gelu"), &up);
        let wide = self.operand(&at("wide"), wide);
        let down = self.dense(&at("down"), &layer.down, &wide);
        let sum = self.g.node("Add", &at("output.sum"), &[&hidden, &down], &[]);
        self.norm(&at("output.norm"), &layer.output_norm, &sum)
    }

    fn split(&mut self, name: &str, x: &str, order: &[i64]) -> String {
        let x = self.g.node("Reshape", &format!("{name}.split"), &[x, &self.split], &[]);
        let order = [Attribute::Ints("perm", order)];
        self.g.node("Transpose", &format!("{name}.heads"), &[&x], &order)
    }

    fn operand(&mut self, name: &str, float: String) -> Operand {
        let int8 = match self.precision {
            Precision::Float => None,
            Precision::Int8 => {
                let name = format!("{name}.quantised");
                Some(self.g.node_with_outputs("DynamicQuantizeLinear", &name, &[&float], &[]))
            }
        };
        Operand { float, int8 }
    }

    fn dense(&mut self, name: &str, dense: &Dense, input: &Operand) -> String {
        let g = &mut *self.g;
        let at = |part: &str| format!("{name}.{part}");
        let shape = [dense.input, dense.output];
        let product = match &input.int8 {
            None => {
                let weight = g.floats(&at("weight"), &shape, &dense.weight);
                g.node("MatMul", &at("product"), &[&input.float, &weight], &[])
            }
            Some([values, scale, zero]) => {
                let weight = quantise::columns(&dense.weight, dense.output);
                let scales = g.floats(&at("scales"), &[dense.output], &weight.scales);
                let weight = g.int8s(&at("weight"), &shape, &weight.values);
                let sums = g.node("MatMulInteger", &at("sums"), &[values, &weight, zero], &[]);
                let sums = g.to_float(&at("sums_float"), &sums);
                let scale = g.node("Mul", &at("scale"), &[&scales, scale], &[]);
                g.node("Mul", &at("product"), &[&sums, &scale], &[])
            }
        };
        let bias = g.floats(&at("bias"), &[dense.output], &dense.bias);
        g.node("Add", name, &[&product, &bias], &[])
    }

    fn norm(&mut self, name: &str, norm: &Norm, x: &str) -> String {
        let gamma = self.g.floats(&format!("{name}.gamma"), &[self.width], &norm.gamma);
        let beta = self.g.floats(&format!("{name}.beta"), &[self.width], &norm.beta);
        let attributes = [Attribute::Int("axis", -1), Attribute::Float("epsilon", self.epsilon)];
        self.g.node("LayerNormalization", name, &[x, &gamma, &beta], &attributes)
    }

    fn gelu(&mut self, name: &str, x: &str) -> String {
        let g = &mut *self.g;
        let at = |part: &str| format!("{name}.{part}");
        let y = g.node("Div", &at("scaled"), &[x, &self.root_two], &[]);
        let y = g.node("Erf", &at("erf"), &[&y], &[]);
        let y = g.node("Add", &at("above"), &[&y, &self.one], &[]);
        let y = g.node("Mul", &at("share"), &[&y, &self.half], &[]);
        g.node("Mul", name, &[x, &y], &[])
    }
}

#[cfg(test)]
mod tests;
