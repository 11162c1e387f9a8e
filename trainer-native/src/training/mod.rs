//! Training: what does not depend on the router kind.
//!
//! - [`fine_tune`]: the loop that trains a network end to end, whatever its encoder and loss;
//! - [`optimiser`]: AdamW or gradient descent on a network's named parameters, resumed exactly;
//! - [`walk`]: a network's parameters by path;
//! - [`checkpoint`]: named tensors in one safetensors file;
//! - [`parameters`]: named tensors with their AdamW state, saved and resumed exactly;
//! - [`preferences`]: pairwise verdicts made from outcomes, drawn epoch by epoch from one seed;
//! - [`interrupt`]: Ctrl-C ends a run at a safe point.

pub mod checkpoint;
pub mod fine_tune;
pub mod interrupt;
pub mod optimiser;
pub mod parameters;
pub mod preferences;
pub mod walk;
