//! Writes an encoder as a Hugging Face folder: `config.json`, `model.safetensors` (F32) and
//! `tokenizer.json`, under the names that other programs read, and for sentence-transformers
//! `modules.json` and `1_Pooling/config.json`, which state the mean over tokens.
//!
//! Fields of the original's `config.json` other than sizes stay. A pooler is not written, since no
//! embedding here uses one.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::bert_weights::{Dense, LayerWeights, Norm};
use super::parse_tokenizer;
use super::prune::Mini;
use crate::error::TrainerError;
use crate::tensors::{Checkpoint, NamedTensor};

/// Writes the folder. `config_json` is that of the original encoder.
///
/// # Errors
/// [`TrainerError::File`], also where the folder holds something already;
/// [`TrainerError::BadEncoder`] where `config_json` is not an object.
pub fn write(folder: &Path, config_json: &[u8], mini: &Mini) -> Result<(), TrainerError> {
    let config = config(config_json, mini)?;
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        let detail = "it is there already and is not empty. Name another folder, or delete it";
        let cause = std::io::Error::new(std::io::ErrorKind::AlreadyExists, detail);
        return Err(TrainerError::file(folder)(cause));
    }
    fs::create_dir_all(folder).map_err(TrainerError::file(folder))?;
    let note = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    Checkpoint { tensors: tensors(mini), note }.write(&folder.join("model.safetensors"))?;
    let pooling = folder.join("1_Pooling");
    fs::create_dir_all(&pooling).map_err(TrainerError::file(&pooling))?;
    let mean =
        json!({"word_embedding_dimension": mini.weights.width, "pooling_mode_mean_tokens": true});
    let module = |index: usize, path: &str, kind: &str| {
        let kind = format!("sentence_transformers.models.{kind}");
        json!({"idx": index, "name": index.to_string(), "path": path, "type": kind})
    };
    let modules = json!([module(0, "", "Transformer"), module(1, "1_Pooling", "Pooling")]);
    // The file that a reader opens first is written last.
    for (name, bytes) in [
        ("1_Pooling/config.json", mean.to_string().as_bytes()),
        ("modules.json", modules.to_string().as_bytes()),
        ("tokenizer.json", &mini.tokenizer_json),
        ("config.json", &config),
    ] {
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(TrainerError::file(&path))?;
    }
    Ok(())
}

fn config(original: &[u8], mini: &Mini) -> Result<Vec<u8>, TrainerError> {
    let bad = |detail: String| TrainerError::BadEncoder { path: "config.json".into(), detail };
    let mut config: Value = serde_json::from_slice(original).map_err(|e| bad(e.to_string()))?;
    let fields = config.as_object_mut().ok_or_else(|| bad("it is no JSON object".into()))?;
    let weights = &mini.weights;
    for (name, value) in [
        ("vocab_size", weights.vocabulary()),
        ("num_hidden_layers", weights.layers.len()),
        ("max_position_embeddings", weights.longest()),
    ] {
        fields.insert(name.into(), json!(value));
    }
    if fields.contains_key("pad_token_id") {
        let tokenizer = parse_tokenizer(&mini.tokenizer_json)?;
        let padding = ["[PAD]", "<pad>"].into_iter().find_map(|name| tokenizer.token_to_id(name));
        fields.insert("pad_token_id".into(), json!(padding));
    }
    if fields.contains_key("torch_dtype") {
        fields.insert("torch_dtype".into(), json!("float32"));
    }
    let mut bytes = serde_json::to_vec_pretty(&config).map_err(|e| bad(e.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn tensors(mini: &Mini) -> Vec<NamedTensor> {
    let weights = &mini.weights;
    let width = weights.width;
    let table = |name: &str, values: &[f32]| NamedTensor {
        name: format!("embeddings.{name}.weight"),
        shape: vec![values.len() / width, width],
        values: values.to_vec(),
    };
    let mut found = vec![
        table("word_embeddings", &weights.words),
        table("position_embeddings", &weights.positions),
        table("token_type_embeddings", &weights.types),
    ];
    found.extend(norm("embeddings.LayerNorm", &weights.norm));
    for (index, layer) in weights.layers.iter().enumerate() {
        found.extend(layer_tensors(&format!("encoder.layer.{index}"), layer));
    }
    found
}

fn layer_tensors(prefix: &str, layer: &LayerWeights) -> Vec<NamedTensor> {
    let at = |name: &str| format!("{prefix}.{name}");
    [
        dense(&at("attention.self.query"), &layer.query),
        dense(&at("attention.self.key"), &layer.key),
        dense(&at("attention.self.value"), &layer.value),
        dense(&at("attention.output.dense"), &layer.output),
        norm(&at("attention.output.LayerNorm"), &layer.attention_norm),
        dense(&at("intermediate.dense"), &layer.up),
        dense(&at("output.dense"), &layer.down),
        norm(&at("output.LayerNorm"), &layer.output_norm),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn norm(name: &str, norm: &Norm) -> [NamedTensor; 2] {
    [("weight", &norm.gamma), ("bias", &norm.beta)].map(|(part, values)| NamedTensor {
        name: format!("{name}.{part}"),
        shape: vec![values.len()],
        values: values.clone(),
    })
}

/// Hugging Face keeps a matrix as `[output, input]`.
fn dense(name: &str, dense: &Dense) -> [NamedTensor; 2] {
    let mut values = vec![0.0; dense.weight.len()];
    for (input, row) in dense.weight.chunks_exact(dense.output.max(1)).enumerate() {
        for (output, &value) in row.iter().enumerate() {
            values[output * dense.input + input] = value;
        }
    }
    let weight = NamedTensor {
        name: format!("{name}.weight"),
        shape: vec![dense.output, dense.input],
        values,
    };
    let bias = NamedTensor {
        name: format!("{name}.bias"),
        shape: vec![dense.output],
        values: dense.bias.clone(),
    };
    [weight, bias]
}
