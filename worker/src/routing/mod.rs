//! Chooses the model that answers, its fallbacks, and whether a cheaper answer is good enough.

pub(crate) mod cascade;
pub(crate) mod models;
pub(crate) mod plan;
