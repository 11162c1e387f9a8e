//! What must hold across members, as one binary: linking burn once is enough.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::float_cmp, missing_docs)]

mod adding_candidates;
mod bad_bundles;
mod bad_queries;
mod conversation;
mod device;
mod distilling;
mod drawings;
mod export;
mod parity;
mod pruning;
mod repository;
mod stock_path;
mod training;
