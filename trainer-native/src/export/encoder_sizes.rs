//! Measures an encoder by exporting it.

use super::router_graph;
use crate::encoder::Network;
use crate::encoder::bert::Pooling;
use crate::encoder::bert_weights::BertWeights;
use crate::error::TrainerError;
use crate::precision::Precision;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncoderSizes {
    pub layers: usize,
    pub tokens: usize,
    pub parameters: usize,
    /// Bytes of its exported graph in float.
    pub float_bytes: usize,
    /// Bytes of its exported graph in int8.
    pub int8_bytes: usize,
    pub tokenizer_bytes: usize,
}

impl EncoderSizes {
    /// Measures an encoder by exporting it, without a head.
    ///
    /// # Errors
    /// Those of the export.
    pub fn of(weights: &BertWeights, tokenizer_json: &[u8]) -> Result<Self, TrainerError> {
        let network = Network::Transformer {
            weights: weights.clone(),
            pooling: Pooling::Mean,
            scale: None,
            token_rows: None,
        };
        let bytes = |precision| router_graph::build(&network, None, precision).map(|b| b.len());
        Ok(Self {
            layers: weights.layers.len(),
            tokens: weights.vocabulary(),
            parameters: weights.parameters(),
            float_bytes: bytes(Precision::Float)?,
            int8_bytes: bytes(Precision::Int8)?,
            tokenizer_bytes: tokenizer_json.len(),
        })
    }
}
