//! The last layer of a trained classifier, and its export.

use burn::nn::Linear;

use crate::encoder::bert_weights::Dense;
use crate::error::TrainerError;
use crate::export::classifier_head::{self, Columns};
use crate::export::graph::Graph;
use crate::export::router_graph::{GraphHead, Inputs};
use crate::precision::Precision;

/// The last layer of a trained classifier, in host memory.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassifierHead {
    /// Maps an embedding to logits, [D, 3].
    pub dense: Dense,
    /// Column of the strong candidate among the models.
    pub strong: usize,
}

impl ClassifierHead {
    /// Copies the layer from its device. For an encoder without a length coordinate a row of zeros
    /// is added, since an exported embedding ends in the length: `size` is the size of that
    /// embedding.
    ///
    /// # Errors
    /// [`TrainerError::NotFinite`].
    pub fn of(head: &Linear, size: usize, strong: usize) -> Result<Self, TrainerError> {
        let mut dense = Dense::of(head, "classifier")?;
        dense.weight.resize(size * dense.output, 0.0);
        dense.input = size;
        Ok(Self { dense, strong })
    }
}

impl GraphHead for ClassifierHead {
    fn nodes(
        &self,
        g: &mut Graph,
        _: &Inputs,
        embedding: &str,
        columns: &[usize],
        _: Precision,
    ) -> Result<String, TrainerError> {
        let order = match columns.first() == Some(&self.strong) {
            true => Columns::StrongFirst,
            false => Columns::WeakFirst,
        };
        // Kept in float: rounding three columns would save nothing.
        classifier_head::scores(g, embedding, &self.dense, order)
    }
}
