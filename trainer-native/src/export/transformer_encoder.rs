//! Nodes of a BERT encoder, float or int8: calls of [`Function`]s.
//!
//! ```text
//! h0     = BertEmbeddings(ids), or of factorised words    [1, S, H]
//! h_l+1  = EncoderLayer(h_l, mask)
//! pooled = MeanPool(h, mask, tokens), or h at [CLS]       [1, H]
//! ```
//! Query, key and value are one product, the query's part scaled by `1 / sqrt(H / heads)`. In int8,
//! tables use eight bits with one scale for each row, weights seven bits with one scale for each
//! output.

use super::functions::Function;
use super::graph::{Attribute, Graph};
use super::inputs::Inputs;
use super::quantise::{self, Bits};
use crate::encoder::bert::Pooling;
use crate::encoder::bert_weights::{BertWeights, Dense, LayerWeights, Norm};
use crate::error::TrainerError;
use crate::precision::Precision;

/// Adds the encoder's nodes; returns the name of the pooled hidden states, `[1, H]`.
///
/// # Errors
/// [`TrainerError::BadEncoder`] where the width is not a multiple of the heads, or the encoder has
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
                "width {width}, {heads} heads, {} words: expected a width divisible by the heads, and words",
                weights.vocabulary()
            ),
        });
    }
    let mut nodes = Nodes { g, precision, epsilon: weights.epsilon };
    let mut hidden = nodes.embeddings(weights, &inputs.ids);
    for (index, layer) in weights.layers.iter().enumerate() {
        let layer = Layer { layer, width, heads };
        hidden = nodes.layer(&format!("layer.{index}"), &layer, &hidden, &inputs.mask);
    }
    Ok(pool(g, inputs, &hidden, pooling, precision))
}

fn pool(
    g: &mut Graph,
    inputs: &Inputs,
    hidden: &str,
    pooling: Pooling,
    precision: Precision,
) -> String {
    match pooling {
        Pooling::Cls => {
            let first = g.int64s("pool.first", &[], &[0]);
            g.node("Gather", "pooled", &[hidden, &first], &[Attribute::Int("axis", 1)])
        }
        Pooling::Mean => {
            let call = [hidden, &inputs.mask, &inputs.tokens];
            g.call((Function::MeanPool, precision), "pooled", &call, &[])
        }
    }
}

/// A layer and its shape.
struct Layer<'a> {
    layer: &'a LayerWeights,
    width: usize,
    heads: usize,
}

/// A function call being built.
struct Nodes<'g> {
    g: &'g mut Graph,
    precision: Precision,
    epsilon: f64,
}

impl Nodes<'_> {
    fn call(
        &mut self,
        function: Function,
        name: &str,
        inputs: &[String],
        more: &[Attribute<'_>],
    ) -> String {
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        #[allow(clippy::cast_possible_truncation)]
        let mut attributes = vec![Attribute::Float("epsilon", self.epsilon as f32)];
        attributes.extend(more);
        self.g.call((function, self.precision), name, &inputs, &attributes)
    }

    fn embeddings(&mut self, weights: &BertWeights, ids: &str) -> String {
        let (width, factors) = (weights.width, weights.word_factors.as_deref());
        // Every token is of type 0, so that row joins the positions, and so does the mean of factorised
        // words.
        let none = vec![0.0; width];
        let mean = factors.map_or(&none, |factors| &factors.mean);
        let positions: Vec<f32> = (weights.positions.chunks_exact(width))
            .flat_map(|row| row.iter().zip(&weights.types).zip(mean).map(|((p, t), m)| p + t + m))
            .collect();
        let mut inputs = vec![ids.to_owned()];
        let function = match factors {
            None => {
                inputs.extend(self.table("words", &weights.words, width));
                Function::BertEmbeddings
            }
            Some(factors) => {
                inputs.extend(self.table("words", &factors.codes, factors.components));
                let shape = [factors.components, width];
                inputs.push(self.g.floats("words.basis", &shape, &factors.basis));
                Function::FactorisedBertEmbeddings
            }
        };
        inputs.extend(self.table("positions", &positions, width));
        inputs.extend(self.norm("embeddings", &weights.norm));
        self.call(function, "embeddings", &inputs, &[])
    }

    fn layer(&mut self, name: &str, layer: &Layer<'_>, hidden: &str, mask: &str) -> String {
        let Layer { layer, width, heads } = *layer;
        let at = |part: &str| format!("{name}.{part}");
        let mut inputs = vec![hidden.to_owned(), mask.to_owned()];
        inputs.extend(self.dense(&at("projection"), &projection(layer, width / heads)));
        inputs.extend(self.dense(&at("output"), &layer.output));
        inputs.extend(self.norm(&at("attention"), &layer.attention_norm));
        inputs.extend(self.dense(&at("up"), &layer.up));
        inputs.extend(self.dense(&at("down"), &layer.down));
        inputs.extend(self.norm(&at("output"), &layer.output_norm));
        let shape = [0, 0, heads as i64, (width / heads) as i64];
        let shape = [Attribute::Ints("heads_shape", &shape)];
        self.call(Function::EncoderLayer, name, &inputs, &shape)
    }

    fn table(&mut self, name: &str, values: &[f32], width: usize) -> Vec<String> {
        let shape = [values.len() / width, width];
        match self.precision {
            Precision::Float => vec![self.g.floats(name, &shape, values)],
            Precision::Int8 => {
                let table = quantise::rows(values, width, Bits::Eight);
                let scales = format!("{name}.scales");
                vec![
                    self.g.int8s(name, &shape, &table.values),
                    self.g.floats(&scales, &[shape[0]], &table.scales),
                ]
            }
        }
    }

    fn dense(&mut self, name: &str, dense: &Dense) -> Vec<String> {
        let (g, at) = (&mut *self.g, |part: &str| format!("{name}.{part}"));
        let shape = [dense.input, dense.output];
        let mut inputs = match self.precision {
            Precision::Float => vec![g.floats(&at("weight"), &shape, &dense.weight)],
            Precision::Int8 => {
                let weight = quantise::columns(&dense.weight, dense.output, Bits::Seven);
                vec![
                    g.int8s(&at("weight"), &shape, &weight.values),
                    g.floats(&at("scales"), &[dense.output], &weight.scales),
                ]
            }
        };
        inputs.push(g.floats(&at("bias"), &[dense.output], &dense.bias));
        inputs
    }

    fn norm(&mut self, name: &str, norm: &Norm) -> [String; 2] {
        [("gamma", &norm.gamma), ("beta", &norm.beta)]
            .map(|(part, values)| self.g.floats(&format!("{name}.{part}"), &[values.len()], values))
    }
}

/// Query, scaled by `1 / sqrt(size)`, key and value side by side.
#[allow(clippy::cast_precision_loss)]
fn projection(layer: &LayerWeights, size: usize) -> Dense {
    let query = layer.query.scaled((size as f32).sqrt().recip());
    let parts = [&query, &layer.key, &layer.value];
    let mut weight = Vec::with_capacity(3 * query.weight.len());
    for row in 0..query.input {
        for part in parts {
            weight.extend(&part.weight[row * part.output..(row + 1) * part.output]);
        }
    }
    let bias = parts.iter().flat_map(|part| &part.bias).copied().collect();
    Dense { input: query.input, output: 3 * query.output, weight, bias }
}

#[cfg(test)]
mod tests;
