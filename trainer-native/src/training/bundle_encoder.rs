//! Reads a bundle as the encoder of a recipe.

use std::collections::BTreeMap;
use std::path::Path;

use pointsman::{Kind, MODEL_FILE, Router, TOKENIZER_FILE};

use crate::encoder::of_bundle::BundleEncoder;
use crate::encoder::{Encoder, Network};
use crate::error::TrainerError;
use crate::export::bundle;
use crate::export::encoder_graph::EncoderGraph;
use crate::export::head_graph::HeadGraph;

/// The encoder and the demands of the bundle in `folder`.
///
/// # Errors
/// [`TrainerError::BadEncoder`] for a bundle of another kind; those of the engine; [`TrainerError::File`].
pub fn read(folder: &Path) -> Result<Encoder, TrainerError> {
    let files = bundle::read_files(folder)?;
    let router = Router::from_files(&files)?;
    let mut files: BTreeMap<String, Vec<u8>> = files.into_iter().collect();
    let bad = |detail: String| TrainerError::BadEncoder { path: folder.to_owned(), detail };
    let info = router.info();
    let Some(demands) = info.head.demands.clone() else {
        return Err(bad(format!(
            "found a bundle of kind {:?}, expected {:?}, whose demands mean something to any LLM: start \
             from bundles/default or bundles/accurate",
            info.kind,
            Kind::Difficulty.name()
        )));
    };
    let model = files.remove(MODEL_FILE).unwrap_or_default();
    let head = HeadGraph::read(&model)?;
    let (weights, shape) = head.floats("demands_weights")?;
    let (offsets, _) = head.floats("demands_bias")?;
    if shape != [info.encoder.embedding_size, demands.len()] || offsets.len() != demands.len() {
        return Err(bad(format!(
            "its demands have coefficients of shape {shape:?} and {} constants, expected [{}, {}]",
            offsets.len(),
            info.encoder.embedding_size,
            demands.len()
        )));
    }
    let encoder = BundleEncoder {
        table: EncoderGraph::read(&model)?.token_table(),
        model,
        added: None,
        info: info.encoder.clone(),
        demands,
        weights,
        offsets,
        tiers: info.head.abilities.clone().unwrap_or_default(),
    };
    let tokenizer_json = files.remove(TOKENIZER_FILE).unwrap_or_default();
    Ok(Encoder { network: Network::Bundle(Box::new(encoder)), tokenizer_json })
}
