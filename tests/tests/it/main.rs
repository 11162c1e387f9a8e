//! Tests across members, in one binary, so that burn is linked once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::float_cmp, missing_docs)]

mod adding_candidates;
mod bad_bundles;
mod bad_queries;
mod conversation;
mod device;
mod difficulty;
mod distilling;
mod drawings;
mod export;
mod labelling;
mod layers;
mod leaving_out;
mod module_graph;
mod parity;
mod probing;
mod pruning;
mod repository;
mod results;
mod stock_path;
mod training;
