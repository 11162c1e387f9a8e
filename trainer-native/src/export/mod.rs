//! Exports a trained router as a bundle.
//!
//! - `node`: nodes of ONNX's own operators;
//! - [`graph`]: builds an ONNX graph, node by node, as protobuf;
//! - [`functions`]: the functions that encoder graphs call;
//! - `inputs`: the inputs of every graph;
//! - [`quantise`]: int8 with a scale per row or output channel;
//! - `static_encoder`: the nodes of a token table;
//! - `ngram_encoder`: the nodes of a table of hashed n-grams;
//! - `transformer_encoder`: the nodes of a BERT encoder, float or int8;
//! - `classifier_head`: the nodes of a three-way classifier;
//! - [`encoder_graph`]: the encoder's part of a bundle's graph;
//! - [`router_graph`]: encoder and head as one graph;
//! - `head_graph`: reads the constants of such a graph and adds an LLM to them;
//! - `routerdc_graph`: reads the LLM directions of a `routerdc` graph;
//! - [`encoder_sizes`]: the bytes that an encoder takes when exported;
//! - [`bundle`]: writes manifest, hashes and files.

pub mod bundle;
pub(crate) mod classifier_head;
pub mod encoder_graph;
pub mod encoder_sizes;
pub mod functions;
pub mod graph;
pub(crate) mod head_graph;
mod inputs;
pub(crate) mod ngram_encoder;
mod node;
pub mod quantise;
pub mod router_graph;
pub(crate) mod routerdc_graph;
pub(crate) mod static_encoder;
pub(crate) mod transformer_encoder;
