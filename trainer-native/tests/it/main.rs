//! Tests that ask stand-in servers over HTTP, or start the program `trainer`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::float_cmp, missing_docs)]

mod collect;
mod completions;
mod label_loop;
mod measure;
mod probe;
mod shadow_log;
mod shadow_report;
mod stand_in;
mod tutorial;
mod world;
