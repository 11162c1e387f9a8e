//! Export: a trained router as a bundle.
//!
//! - [`graph`]: an ONNX graph, node by node, as protobuf;
//! - [`quantise`]: int8 with a scale per row or output channel;
//! - [`static_router`]: the graph of a static encoder with a matrix-factorisation head;
//! - [`transformer_encoder`]: the nodes of a BERT encoder, float or int8;
//! - [`classifier_head`]: the nodes of a three-way classifier;
//! - [`bundle`]: manifest, hashes, files.

pub mod bundle;
pub mod classifier_head;
pub mod graph;
pub mod quantise;
pub mod static_router;
pub mod transformer_encoder;

/// The numbers a graph computes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32-bit float throughout.
    Float,
    /// int8 weights, matrix products on activations quantised at run time.
    Int8,
}
