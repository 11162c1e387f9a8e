//! Shared code of the tests of several members: generated tiny bundles, and the cases of the parity
//! suite.
//!
//! `cargo run --release -p pointsman-tests --bin regenerate-fixtures` rewrites `tests/fixtures`; the
//! parity suite then compares every host with these files.

pub mod functions;
pub mod parity;
pub mod tiny;
pub mod tiny_drawings;
pub mod tiny_encoder;
pub mod tiny_pool;
