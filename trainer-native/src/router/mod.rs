//! Routers to train: one file a kind.

pub mod mf;
