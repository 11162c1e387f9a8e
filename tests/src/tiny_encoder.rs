//! Writes a Hugging Face BERT folder with two small layers, with weights drawn from a seed, for tests of
//! training.

use std::path::Path;

use anyhow::Result;
use pointsman_trainer::random::RandomStream;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::json;

use crate::tiny;

/// Hidden size.
pub const HIDDEN: usize = 32;
const INNER: usize = 64;
const POSITIONS: usize = 64;
const LAYERS: usize = 2;

/// Writes the folder: `config.json`, `model.safetensors`, `tokenizer.json`.
///
/// # Errors
/// Errors of the file system.
pub fn write(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let vocabulary = tiny::vocabulary().len();
    let config = json!({
        "model_type": "bert", "vocab_size": vocabulary, "hidden_size": HIDDEN,
        "num_hidden_layers": LAYERS, "num_attention_heads": 4, "intermediate_size": INNER,
        "max_position_embeddings": POSITIONS, "type_vocab_size": 2, "layer_norm_eps": 1e-12,
        "hidden_act": "gelu"
    });
    std::fs::write(folder.join("config.json"), config.to_string())?;
    std::fs::write(folder.join("tokenizer.json"), tiny::tokenizer_json())?;

    let mut shapes: Vec<(String, Vec<usize>)> = vec![
        ("embeddings.word_embeddings.weight".into(), vec![vocabulary, HIDDEN]),
        ("embeddings.position_embeddings.weight".into(), vec![POSITIONS, HIDDEN]),
        ("embeddings.token_type_embeddings.weight".into(), vec![2, HIDDEN]),
    ];
    let mut norms = vec!["embeddings.LayerNorm".to_owned()];
    for layer in 0..LAYERS {
        let at = |name: &str| format!("encoder.layer.{layer}.{name}");
        for (name, output, input) in [
            ("attention.self.query", HIDDEN, HIDDEN),
            ("attention.self.key", HIDDEN, HIDDEN),
            ("attention.self.value", HIDDEN, HIDDEN),
            ("attention.output.dense", HIDDEN, HIDDEN),
            ("intermediate.dense", INNER, HIDDEN),
            ("output.dense", HIDDEN, INNER),
        ] {
            shapes.push((format!("{}.weight", at(name)), vec![output, input]));
            shapes.push((format!("{}.bias", at(name)), vec![output]));
        }
        norms.extend([at("attention.output.LayerNorm"), at("output.LayerNorm")]);
    }
    let mut draw = RandomStream::new(11, 0);
    let mut tensors: Vec<(String, Vec<usize>, Vec<f32>)> = shapes
        .into_iter()
        .map(|(name, shape)| {
            // As in a trained encoder, a layer's output is small beside the embeddings that distinguish words.
            let spread = if name.starts_with("embeddings") { 0.3 } else { 0.1 };
            let values = draw.normal(shape.iter().product(), spread);
            (name, shape, values)
        })
        .collect();
    for norm in norms {
        tensors.push((format!("{norm}.weight"), vec![HIDDEN], vec![1.0; HIDDEN]));
        tensors.push((format!("{norm}.bias"), vec![HIDDEN], vec![0.0; HIDDEN]));
    }
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(_, _, values)| values.iter().flat_map(|v| v.to_le_bytes()).collect())
        .collect();
    let views = tensors
        .iter()
        .zip(&bytes)
        .map(|((name, shape, _), bytes)| {
            Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes)?))
        })
        .collect::<Result<Vec<_>>>()?;
    std::fs::write(folder.join("model.safetensors"), safetensors::serialize(views, None)?)?;
    Ok(())
}
