//! The encoder of a bundle of kind `difficulty`, with the demands that its graph computes.
//!
//! A recipe that starts from a bundle in place of an encoder's folder needs neither the bundle's training data nor its
//! float weights: the int8 graph stays as it is, and what is learnt is put beside it.

use std::collections::BTreeMap;
use std::path::Path;

use pointsman::{Ability, EncoderInfo, Kind, MODEL_FILE, Router, TOKENIZER_FILE};

use super::static_table::StaticTable;
use super::trainable::Limits;
use super::{Encoder, Network};
use crate::error::TrainerError;
use crate::export::bundle;
use crate::export::encoder_graph::EncoderGraph;
use crate::export::head_graph::HeadGraph;

/// An encoder and K demands, as a bundle holds them.
#[derive(Debug, Clone)]
pub struct BundleEncoder {
    pub graph: EncoderGraph,
    pub info: EncoderInfo,
    /// Names of the demands, `[K]`.
    pub demands: Vec<String>,
    /// Coefficients of the demands, `[D, K]` row by row, the length last.
    pub weights: Vec<f32>,
    /// Constants of the demands, `[K]`.
    pub offsets: Vec<f32>,
    /// Usual abilities of LLMs, by tier.
    pub tiers: BTreeMap<String, Ability>,
}

impl BundleEncoder {
    /// Reads the bundle in `folder`.
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
        let model = files.get(MODEL_FILE).map(Vec::as_slice).unwrap_or_default();
        let head = HeadGraph::read(model)?;
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
        let encoder = Self {
            graph: EncoderGraph::read(model)?,
            info: info.encoder.clone(),
            demands,
            weights,
            offsets,
            tiers: info.head.abilities.clone().unwrap_or_default(),
        };
        let tokenizer_json = files.remove(TOKENIZER_FILE).unwrap_or_default();
        Ok(Encoder { network: Network::Bundle(Box::new(encoder)), tokenizer_json })
    }

    /// The encoder with further columns of its token table; unchanged for none.
    ///
    /// # Errors
    /// `bundle_bad_model` where its table has another number of rows.
    pub fn with_rows(&self, added: &StaticTable) -> Result<Self, TrainerError> {
        let mut found = self.clone();
        if added.width > 0 {
            found.graph = found.graph.with_columns(added)?;
            found.info.embedding_size += added.width;
        }
        Ok(found)
    }

    /// Bounds of the ids and of their number.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let vocabulary = self.graph.token_table().map_or(usize::MAX, |table| table.rows);
        Limits { vocabulary, longest: Some(self.info.max_tokens) }
    }
}
