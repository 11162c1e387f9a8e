//! Routers to train: one file a kind.

pub mod bert;
pub mod mf;
