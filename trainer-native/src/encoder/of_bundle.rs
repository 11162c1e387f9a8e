//! The encoder of a bundle of kind `difficulty`, with the demands that its graph computes.
//!
//! A recipe that starts from a bundle in place of an encoder's folder needs neither the bundle's training data nor its
//! float weights: the int8 graph stays as it is, and what is learnt is put beside it.

use std::collections::BTreeMap;

use pointsman::{Ability, EncoderInfo};

use super::static_table::StaticTable;
use super::trainable::Limits;

/// An encoder and K demands, as a bundle holds them.
#[derive(Debug, Clone)]
pub struct BundleEncoder {
    /// `model.onnx`, head included.
    pub model: Vec<u8>,
    /// The table whose rows the graph sums over a query's tokens, where it has one.
    pub table: Option<TokenTable>,
    /// Further columns of that table, whose sums follow the other coordinates of the embedding, before the length.
    pub added: Option<StaticTable>,
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

/// A table with a row for each token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenTable {
    pub rows: usize,
    /// Whether tokens come one after the other, not each once with its count.
    pub is_sequence: bool,
}

impl BundleEncoder {
    /// The encoder with further columns of its token table; unchanged for none.
    #[must_use]
    pub fn with_rows(&self, added: StaticTable) -> Self {
        let mut found = self.clone();
        if added.width > 0 {
            found.info.embedding_size += added.width;
            found.added = Some(added);
        }
        found
    }

    /// Bounds of the ids and of their number.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let vocabulary = self.table.map_or(usize::MAX, |table| table.rows);
        Limits { vocabulary, longest: Some(self.info.max_tokens) }
    }
}
