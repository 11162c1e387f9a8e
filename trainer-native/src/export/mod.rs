//! Exports a trained router as a bundle.
//!
//! - `node`: nodes of ONNX's own operators;
//! - [`graph`]: builds an ONNX graph, node by node, as protobuf;
//! - [`functions`]: the functions that encoder graphs call;
//! - `inputs`: the inputs of every graph;
//! - [`quantise`]: int8 with a scale per row or output channel;
//! - [`static_encoder`]: the nodes of a static encoder;
//! - [`transformer_encoder`]: the nodes of a BERT encoder, float or int8;
//! - [`classifier_head`]: the nodes of a three-way classifier;
//! - [`router_graph`]: encoder and head as one graph;
//! - [`routerdc_graph`]: reads the LLMs of such a graph and adds one;
//! - [`bundle`]: writes manifest, hashes and files.

pub mod bundle;
pub mod classifier_head;
pub mod functions;
pub mod graph;
mod inputs;
mod node;
pub mod quantise;
pub mod router_graph;
pub mod routerdc_graph;
pub mod static_encoder;
pub mod transformer_encoder;

/// The number format that a graph computes with.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32-bit float throughout, as trained: the reference of the quantised graph.
    Float,
    /// int8 weights; a transformer's matrix products use activations quantised at run time. This
    /// variant ships.
    Int8,
}
