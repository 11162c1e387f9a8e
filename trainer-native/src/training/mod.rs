//! Training: what does not depend on the router kind.
//!
//! - [`set`]: the queries to learn from, with their embeddings on disk;
//! - [`preferences`]: pairwise verdicts made from outcomes, drawn epoch by epoch from one seed;
//! - [`labelled`]: queries labelled strong wins, tie or weak wins, as token ids;
//! - [`head`]: training a head on embeddings, by steps;
//! - [`ridge`]: fitting a ridge head in closed form;
//! - [`cluster`]: fitting a cluster router;
//! - [`discriminant`]: what tells groups of rows apart;
//! - [`k_means`]: clusters of embeddings;
//! - [`fine_tune`]: the loop that trains a network end to end, whatever its encoder and loss;
//! - [`history`]: what that loop's checks saw, in a file of the run;
//! - [`parameters`]: named matrices with their AdamW state, saved and resumed exactly;
//! - [`optimiser`]: AdamW or gradient descent on a network's named parameters, resumed exactly;
//! - [`walk`]: a network's parameters by path;
//! - [`checkpoint`]: named tensors in one safetensors file;
//! - [`interrupt`]: Ctrl-C ends a run at a safe point.

pub mod checkpoint;
pub mod cluster;
pub mod discriminant;
pub mod fine_tune;
pub mod head;
pub mod history;
pub mod interrupt;
pub mod k_means;
pub mod labelled;
pub mod optimiser;
pub mod parameters;
pub mod preferences;
pub mod ridge;
pub mod set;
pub mod walk;
