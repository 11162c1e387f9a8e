//! Export: a trained router as a bundle.
//!
//! - [`graph`]: an ONNX graph, node by node, as protobuf;
//! - [`quantise`]: int8 with a scale per row or output channel;
//! - [`static_encoder`]: the nodes of a static encoder;
//! - [`router_graph`]: encoder and head as one graph;
//! - [`bundle`]: manifest, hashes, files.

pub mod bundle;
pub mod graph;
pub mod quantise;
pub mod router_graph;
pub mod static_encoder;

/// How a graph's weights are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// 32-bit floats, as trained: the reference of the quantised graph.
    Float,
    /// int8 with a scale per row or output channel: what ships.
    Int8,
}
