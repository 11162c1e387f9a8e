//! Training code that all router kinds share.
//!
//! - [`set`]: the queries to learn from, with their embeddings on disk;
//! - [`preferences`]: pairwise verdicts made from outcomes, drawn epoch by epoch from one seed;
//! - [`labelled`]: queries labelled strong wins, tie or weak wins, as token ids;
//! - [`head`]: trains a head on embeddings, by steps;
//! - [`ridge`]: fits a ridge head in closed form;
//! - [`cluster`]: fits a cluster router;
//! - [`discriminant`]: directions that separate groups of rows;
//! - [`k_means`]: clusters of embeddings;
//! - [`fine_tune`]: trains a network end to end, whatever its encoder and loss;
//! - [`history`]: the checks of a fine-tuning run, in a file of the run;
//! - [`parameters`]: named matrices with their AdamW state, saved and resumed exactly;
//! - [`optimiser`]: AdamW or gradient descent on a network's named parameters, resumed exactly;
//! - [`walk`]: visits a network's parameters by path;
//! - [`checkpoint`]: named tensors in one safetensors file;
//! - [`interrupt`]: ends a run at a safe point on Ctrl-C.

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
