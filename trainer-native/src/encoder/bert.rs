//! A BERT-family transformer encoder in burn.
//!
//! ```text
//! h0 = norm(words[ids] + positions[0..S] + types[0])                      [B, S, H]
//! a  = softmax(q k^T / sqrt(H / heads) + (mask - 1) * 1e9) v              [B, heads, S, H / heads]
//! h' = norm(h + output(a)),  h'' = norm(h' + down(gelu(up(h'))))          (BERT, post-norm)
//! ```

use burn::module::Module;
use burn::nn::{Embedding, LayerNorm, Linear};
use burn::tensor::activation::{gelu, softmax};
use burn::tensor::{Int, Tensor};

/// Sizes of a BERT, as `config.json` states them.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
pub struct BertConfig {
    /// Only `bert` is known.
    pub model_type: String,
    /// V, size of the vocabulary.
    pub vocab_size: usize,
    /// H, width of the hidden states.
    pub hidden_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub intermediate_size: usize,
    pub max_position_embeddings: usize,
    pub type_vocab_size: usize,
    pub layer_norm_eps: f64,
    /// The activation; only `gelu` is known.
    pub hidden_act: String,
}

#[derive(Module, Debug)]
pub struct Bert {
    /// Word embeddings, [V, H].
    pub words: Embedding,
    /// Position embeddings, [P, H].
    pub positions: Embedding,
    /// Token type embeddings, [T, H].
    pub types: Embedding,
    /// Normalisation of the sum of the three embeddings.
    pub norm: LayerNorm,
    pub layers: Vec<BertLayer>,
    pub epsilon: f64,
}

/// How hidden states become one embedding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// The mean over the tokens.
    Mean,
    /// The first token's state, `[CLS]`.
    Cls,
}

#[derive(Module, Debug)]
pub struct BertLayer {
    /// Query projection, [H, H].
    pub query: Linear,
    /// Key projection, [H, H].
    pub key: Linear,
    /// Value projection, [H, H].
    pub value: Linear,
    /// Attention output, [H, H].
    pub output: Linear,
    pub attention_norm: LayerNorm,
    /// Feed-forward up projection, [H, I].
    pub up: Linear,
    /// Feed-forward down projection, [I, H].
    pub down: Linear,
    pub output_norm: LayerNorm,
    pub heads: usize,
}

impl Bert {
    /// Hidden states `[B, S, H]` of `ids` `[B, S]`, where `mask` `[B, S]` is 1 at tokens and 0 at
    /// padding.
    #[must_use]
    pub fn forward(&self, ids: Tensor<2, Int>, mask: Tensor<2>) -> Tensor<3> {
        let [batch, length] = ids.dims();
        let device = ids.device();
        let positions = Tensor::<1, Int>::arange(0..length as i64, &device).unsqueeze::<2>();
        let types = Tensor::<2, Int>::zeros([1, 1], &device);
        let summed =
            self.words.forward(ids) + self.positions.forward(positions) + self.types.forward(types);
        let bias = ((mask - 1.0) * 1e9).reshape([batch, 1, 1, length]);
        let start = self.norm.forward(summed);
        self.layers.iter().fold(start, |hidden, layer| layer.forward(hidden, bias.clone()))
    }

    /// The embedding of each query, `[B, H]`.
    #[must_use]
    pub fn pooled(&self, ids: Tensor<2, Int>, mask: Tensor<2>, pooling: Pooling) -> Tensor<2> {
        match pooling {
            Pooling::Mean => self.mean_pooled(ids, mask),
            Pooling::Cls => {
                let hidden = self.forward(ids, mask);
                let [batch, _, width] = hidden.dims();
                hidden.slice([0..batch, 0..1, 0..width]).squeeze_dim::<2>(1)
            }
        }
    }

    /// Mean of the hidden states over tokens, `[B, H]`.
    #[must_use]
    pub fn mean_pooled(&self, ids: Tensor<2, Int>, mask: Tensor<2>) -> Tensor<2> {
        let [batch, length] = ids.dims();
        let hidden = self.forward(ids, mask.clone());
        let weights = mask.clone().reshape([batch, length, 1]);
        let count = mask.sum_dim(1);
        (hidden * weights).sum_dim(1).squeeze_dim::<2>(1) / count
    }
}

impl BertLayer {
    fn forward(&self, hidden: Tensor<3>, bias: Tensor<4>) -> Tensor<3> {
        let [batch, length, width] = hidden.dims();
        let head_width = width / self.heads;
        let split =
            |x: Tensor<3>| x.reshape([batch, length, self.heads, head_width]).swap_dims(1, 2);
        let query = split(self.query.forward(hidden.clone()));
        let key = split(self.key.forward(hidden.clone()));
        let value = split(self.value.forward(hidden.clone()));
        let logits = query.matmul(key.transpose()) / (head_width as f64).sqrt() + bias;
        let attended = softmax(logits, 3).matmul(value);
        let attended = attended.swap_dims(1, 2).reshape([batch, length, width]);
        let hidden = self.attention_norm.forward(hidden + self.output.forward(attended));
        let wide = gelu(self.up.forward(hidden.clone()));
        self.output_norm.forward(hidden + self.down.forward(wide))
    }
}
