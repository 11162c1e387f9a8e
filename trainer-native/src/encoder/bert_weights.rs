//! A BERT's weights in host memory, to cut it down, to export it and to build it again.
//!
//! A fine-tuned encoder is on a device, inside autodiff. Here it is plain vectors, so that the
//! *mini* tier can keep some layers and some words, and the exporter can quantise the rest.
//!
//! ```no_run
//! # use std::path::Path;
//! # use burn::tensor::Device;
//! use pointsman_trainer::encoder::{bert_weights::BertWeights, hugging_face};
//! # fn main() -> Result<(), pointsman_trainer::TrainerError> {
//! let device = Device::flex();
//! let folder = hugging_face::read(Path::new("all-MiniLM-L6-v2"), &device)?;
//! let mut weights = BertWeights::of(&folder.bert)?;
//! weights.keep_layers(&[0, 1])?;
//! weights.prune_vocabulary(&[0, 100, 101, 102])?;
//! let mini = weights.bert(&device);
//! # Ok(())
//! # }
//! ```

use burn::module::Param;
use burn::nn::{Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor, TensorData};

use super::bert::{Bert, BertLayer};
use super::word_factors::WordFactors;
use crate::error::TrainerError;
use crate::tensors::finite;

/// A BERT in host memory. Matrices are stored row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct BertWeights {
    /// H, width of the hidden states.
    pub width: usize,
    pub heads: usize,
    pub epsilon: f64,
    /// Word embeddings, [V, H].
    pub words: Vec<f32>,
    /// The factors of `words`, where it is exported as two small tables.
    pub word_factors: Option<Box<WordFactors>>,
    /// Position embeddings, [P, H].
    pub positions: Vec<f32>,
    /// Token type embeddings, [T, H].
    pub types: Vec<f32>,
    /// Normalisation of the sum of the three embeddings.
    pub norm: Norm,
    /// Layers, the lowest first.
    pub layers: Vec<LayerWeights>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct LayerWeights {
    /// Query projection, [H, H].
    pub query: Dense,
    /// Key projection, [H, H].
    pub key: Dense,
    /// Value projection, [H, H].
    pub value: Dense,
    /// Attention output, [H, H].
    pub output: Dense,
    pub attention_norm: Norm,
    /// Feed-forward up projection, [H, I].
    pub up: Dense,
    /// Feed-forward down projection, [I, H].
    pub down: Dense,
    pub output_norm: Norm,
}

/// `y = x weight + bias`.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    /// Width of x.
    pub input: usize,
    /// Width of y.
    pub output: usize,
    /// `[input, output]`.
    pub weight: Vec<f32>,
    /// `[output]`.
    pub bias: Vec<f32>,
}

/// Layer normalisation's scale and shift, `[H]` each.
#[derive(Debug, Clone, PartialEq)]
pub struct Norm {
    /// Scale.
    pub gamma: Vec<f32>,
    /// Shift.
    pub beta: Vec<f32>,
}

impl BertWeights {
    /// Copies a network's weights from its device.
    ///
    /// # Errors
    /// [`TrainerError::NotFinite`] naming the tensor.
    pub fn of(bert: &Bert) -> Result<Self, TrainerError> {
        let layers = bert.layers.iter().enumerate().map(|(index, layer)| {
            let at = |name: &str| format!("layer {index}, {name}");
            Ok(LayerWeights {
                query: Dense::of(&layer.query, &at("query"))?,
                key: Dense::of(&layer.key, &at("key"))?,
                value: Dense::of(&layer.value, &at("value"))?,
                output: Dense::of(&layer.output, &at("output"))?,
                attention_norm: Norm::of(&layer.attention_norm, &at("attention norm"))?,
                up: Dense::of(&layer.up, &at("up"))?,
                down: Dense::of(&layer.down, &at("down"))?,
                output_norm: Norm::of(&layer.output_norm, &at("output norm"))?,
            })
        });
        Ok(Self {
            width: bert.words.weight.dims()[1],
            heads: bert.layers.first().map_or(1, |layer| layer.heads),
            epsilon: bert.epsilon,
            words: finite("a weight of the encoder", "word embeddings", bert.words.weight.val())?,
            word_factors: None,
            positions: finite(
                "a weight of the encoder",
                "position embeddings",
                bert.positions.weight.val(),
            )?,
            types: finite(
                "a weight of the encoder",
                "token type embeddings",
                bert.types.weight.val(),
            )?,
            norm: Norm::of(&bert.norm, "embedding norm")?,
            layers: layers.collect::<Result<_, TrainerError>>()?,
        })
    }

    /// V, the number of words.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        self.words.len() / self.width
    }

    /// P, the longest sequence in tokens.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.positions.len() / self.width
    }

    #[must_use]
    pub fn parameters(&self) -> usize {
        let norm = |n: &Norm| n.gamma.len() + n.beta.len();
        let dense = |d: &Dense| d.weight.len() + d.bias.len();
        let layer = |l: &LayerWeights| {
            [&l.query, &l.key, &l.value, &l.output, &l.up, &l.down].map(dense).iter().sum::<usize>()
                + norm(&l.attention_norm)
                + norm(&l.output_norm)
        };
        let words = (self.word_factors.as_ref())
            .map_or(self.words.len(), |factors| factors.codes.len() + factors.basis.len());
        let embeddings = words + self.positions.len() + self.types.len();
        embeddings + norm(&self.norm) + self.layers.iter().map(layer).sum::<usize>()
    }

    /// Keeps the layers at `indices`, in that order.
    ///
    /// # Errors
    /// [`TrainerError::BadEncoder`] where there is no such layer, or none is asked for.
    pub fn keep_layers(&mut self, indices: &[usize]) -> Result<(), TrainerError> {
        let count = self.layers.len();
        if indices.is_empty() {
            return Err(cut(format!("no layer to keep, expected some of 0 to {}", count - 1)));
        }
        let kept = indices.iter().map(|&index| match self.layers.get(index) {
            Some(layer) => Ok(layer.clone()),
            None => Err(cut(format!("no layer {index}, it has {count}, counted from 0"))),
        });
        self.layers = kept.collect::<Result<_, _>>()?;
        Ok(())
    }

    /// Keeps the words at `original_ids`; the index of a word in the list is its new id
    /// ([`Pruned`](super::vocabulary::Pruned)).
    ///
    /// # Errors
    /// [`TrainerError::BadEncoder`] where the table has no such row.
    pub fn prune_vocabulary(&mut self, original_ids: &[u32]) -> Result<(), TrainerError> {
        let mut words = Vec::with_capacity(original_ids.len() * self.width);
        for &id in original_ids {
            let start = id as usize * self.width;
            let rows = self.vocabulary();
            let row = self.words.get(start..start + self.width).ok_or_else(|| {
                cut(format!("no word {id}, the table has {rows} rows: another tokenizer's ids?"))
            })?;
            words.extend_from_slice(row);
        }
        self.words = words;
        self.word_factors = None;
        Ok(())
    }

    /// Replaces the word table by a product of two, of `components` directions; `uses` says how often each
    /// word occurs in queries. A network that is trained then is no such product any more.
    pub fn factorise_words(&mut self, components: usize, uses: &[u64]) {
        let factors = WordFactors::of(&self.words, self.width, components, uses);
        self.words = factors.words();
        self.word_factors = Some(Box::new(factors));
    }

    /// Keeps the first `longest` positions; longer queries cannot be embedded then.
    pub fn cut_positions(&mut self, longest: usize) {
        self.positions.truncate(longest * self.width);
    }

    /// Builds the network on a device; with autodiff where the device has it.
    #[must_use]
    pub fn bert(&self, device: &Device) -> Bert {
        let embedding = |values: &[f32]| {
            let rows = values.len() / self.width;
            let mut embedding: Embedding = EmbeddingConfig::new(rows, self.width).init(device);
            embedding.weight = matrix(values, [rows, self.width], device);
            embedding
        };
        let norm = |n: &Norm| -> LayerNorm {
            let mut norm = LayerNormConfig::new(self.width).with_epsilon(self.epsilon).init(device);
            norm.gamma = vector(&n.gamma, device);
            norm.beta = Some(vector(&n.beta, device));
            norm
        };
        let layers = self.layers.iter().map(|layer| BertLayer {
            query: layer.query.linear(device),
            key: layer.key.linear(device),
            value: layer.value.linear(device),
            output: layer.output.linear(device),
            attention_norm: norm(&layer.attention_norm),
            up: layer.up.linear(device),
            down: layer.down.linear(device),
            output_norm: norm(&layer.output_norm),
            heads: self.heads,
        });
        Bert {
            words: embedding(&self.words),
            positions: embedding(&self.positions),
            types: embedding(&self.types),
            norm: norm(&self.norm),
            layers: layers.collect(),
            epsilon: self.epsilon,
        }
    }
}

impl Dense {
    /// Copies a linear layer; one without bias gets zeros.
    ///
    /// # Errors
    /// [`TrainerError::NotFinite`] naming the tensor.
    pub fn of(linear: &Linear, name: &str) -> Result<Self, TrainerError> {
        let [input, output] = linear.weight.dims();
        let bias = match &linear.bias {
            Some(bias) => finite("a weight of the encoder", &format!("{name}, bias"), bias.val())?,
            None => vec![0.0; output],
        };
        let weight =
            finite("a weight of the encoder", &format!("{name}, weight"), linear.weight.val())?;
        Ok(Self { input, output, weight, bias })
    }

    /// The layer that gives `factor * y`.
    #[must_use]
    pub fn scaled(&self, factor: f32) -> Self {
        let times = |values: &[f32]| values.iter().map(|v| v * factor).collect();
        Self { weight: times(&self.weight), bias: times(&self.bias), ..*self }
    }

    /// Builds the layer on a device.
    #[must_use]
    pub fn linear(&self, device: &Device) -> Linear {
        let mut linear = LinearConfig::new(self.input, self.output).init(device);
        linear.weight = matrix(&self.weight, [self.input, self.output], device);
        linear.bias = Some(vector(&self.bias, device));
        linear
    }
}

impl Norm {
    fn of(norm: &LayerNorm, name: &str) -> Result<Self, TrainerError> {
        let gamma = finite("a weight of the encoder", name, norm.gamma.val())?;
        let beta = match &norm.beta {
            Some(beta) => finite("a weight of the encoder", name, beta.val())?,
            None => vec![0.0; gamma.len()],
        };
        Ok(Self { gamma, beta })
    }
}

fn matrix(values: &[f32], shape: [usize; 2], device: &Device) -> Param<Tensor<2>> {
    Param::from_tensor(Tensor::from_data(TensorData::new(values.to_vec(), shape), device))
}

fn vector(values: &[f32], device: &Device) -> Param<Tensor<1>> {
    let data = TensorData::new(values.to_vec(), [values.len()]);
    Param::from_tensor(Tensor::from_data(data, device))
}

fn cut(detail: String) -> TrainerError {
    TrainerError::BadEncoder { path: "encoder".into(), detail }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use super::*;
    use crate::random::RandomStream;

    /// A random BERT: width 32, 4 heads, two layers, 64 words, 48 positions.
    pub(crate) fn tiny(seed: u64) -> BertWeights {
        let (width, inner) = (32, 64);
        let mut draw = RandomStream::new(seed, 0);
        let mut normal = |count: usize, spread: f32| draw.normal(count, spread);
        let norm = |normal: &mut dyn FnMut(usize, f32) -> Vec<f32>| Norm {
            gamma: normal(width, 0.1).iter().map(|v| 1.0 + v).collect(),
            beta: normal(width, 0.1),
        };
        let dense = |normal: &mut dyn FnMut(usize, f32) -> Vec<f32>, input, output| Dense {
            input,
            output,
            weight: normal(input * output, 0.2),
            bias: normal(output, 0.1),
        };
        let n: &mut dyn FnMut(usize, f32) -> Vec<f32> = &mut normal;
        let layers = (0..2)
            .map(|_| LayerWeights {
                query: dense(n, width, width),
                key: dense(n, width, width),
                value: dense(n, width, width),
                output: dense(n, width, width),
                attention_norm: norm(n),
                up: dense(n, width, inner),
                down: dense(n, inner, width),
                output_norm: norm(n),
            })
            .collect();
        BertWeights {
            width,
            heads: 4,
            epsilon: 1e-12,
            words: n(64 * width, 0.5),
            word_factors: None,
            positions: n(48 * width, 0.1),
            types: n(2 * width, 0.1),
            norm: norm(n),
            layers,
        }
    }

    #[test]
    fn a_network_built_from_weights_has_those_weights() {
        let weights = tiny(1);
        assert_eq!(BertWeights::of(&weights.bert(&Device::flex())).unwrap(), weights);
    }

    #[test]
    fn layers_and_words_are_kept_in_the_order_asked_for() {
        let whole = tiny(2);
        let mut mini = whole.clone();
        mini.keep_layers(&[1]).unwrap();
        mini.prune_vocabulary(&[3, 0, 63]).unwrap();
        assert_eq!(mini.layers, whole.layers[1..]);
        assert_eq!(mini.vocabulary(), 3);
        assert_eq!(mini.words[..32], whole.words[96..128]);
        assert_eq!(mini.words[64..], whole.words[63 * 32..]);
        assert!(mini.parameters() < whole.parameters());
    }

    #[test]
    fn a_layer_or_word_that_is_not_there_is_named() {
        let found = |e: TrainerError| e.to_string();
        let mut weights = tiny(3);
        assert!(found(weights.keep_layers(&[0, 2]).unwrap_err()).contains("no layer 2, it has 2"));
        assert!(found(weights.keep_layers(&[]).unwrap_err()).contains("no layer to keep"));
        let error = found(weights.prune_vocabulary(&[64]).unwrap_err());
        assert!(error.contains("no word 64, the table has 64 rows"), "{error}");
    }
}
