//! Export: a trained router as a bundle.
//!
//! - [`graph`]: an ONNX graph, node by node, as protobuf;
//! - [`quantise`]: int8 with a scale per row or output channel;
//! - [`static_router`]: the graph of a static encoder with a matrix-factorisation head;
//! - [`bundle`]: manifest, hashes, files.

pub mod bundle;
pub mod graph;
pub mod quantise;
pub mod static_router;
