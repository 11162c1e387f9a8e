//! Training code that all router kinds share.
//!
//! - [`training_set`]: the queries to learn from, with their embeddings on disk;
//! - [`preferences`]: pairwise verdicts made from outcomes, drawn epoch by epoch from one seed;
//! - [`head`]: trains a head on embeddings, by steps;
//! - [`fine_tune`]: trains a network end to end, whatever its encoder and loss;
//! - [`history`]: the checks of a fine-tuning run, in a file of the run;
//! - [`parameters`]: named matrices with their AdamW state, saved and resumed exactly;
//! - [`optimiser`]: AdamW or gradient descent on a network's named parameters, resumed exactly;
//! - [`named_parameters`]: visits a network's parameters by path;
//! - [`interrupt`]: ends a run at a safe point on Ctrl-C.

pub mod fine_tune;
pub mod head;
pub mod history;
pub mod interrupt;
pub mod named_parameters;
pub mod optimiser;
pub mod parameters;
pub mod preferences;
pub mod training_set;
