//! What must hold across members, as one binary: linking burn once is enough.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::float_cmp, missing_docs)]

mod bad_bundles;
mod bad_queries;
mod device;
mod export;
mod parity;
mod pruning;
mod repository;
mod training;
