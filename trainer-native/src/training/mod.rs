//! Training: what does not depend on the router kind.
//!
//! - [`set`]: the queries to learn from, with their embeddings on disk;
//! - [`preferences`]: pairwise verdicts made from outcomes, drawn epoch by epoch from one seed;
//! - [`head`]: training a head on embeddings, by steps;
//! - [`parameters`]: named tensors with their AdamW state, saved and resumed exactly;
//! - [`interrupt`]: Ctrl-C ends a run at a safe point.

pub mod head;
pub mod interrupt;
pub mod parameters;
pub mod preferences;
pub mod set;
