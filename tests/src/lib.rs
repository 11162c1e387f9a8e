//! What the tests of several members share: a tiny bundle of our own making and the cases that
//! every host must answer alike.
//!
//! `cargo run --release -p pointsman-tests --bin regenerate-fixtures` writes `tests/fixtures`
//! anew; the parity suite then holds every host to it.

pub mod functions;
pub mod parity;
pub mod tiny;
pub mod tiny_drawings;
pub mod tiny_encoder;
