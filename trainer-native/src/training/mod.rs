//! Training: what does not depend on the router kind.
//!
//! - [`parameters`]: named tensors with their AdamW state, saved and resumed exactly;
//! - [`preferences`]: pairwise verdicts made from outcomes, drawn epoch by epoch from one seed;
//! - [`interrupt`]: Ctrl-C ends a run at a safe point.

pub mod interrupt;
pub mod parameters;
pub mod preferences;
