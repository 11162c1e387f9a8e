//! Training code that all router kinds share.
//!
//! - [`context`]: the run that every stage works on;
//! - [`encoder`]: makes the encoder of a run;
//! - [`fit`]: the trait that every router kind implements, and the result of training;
//! - `embedder`: embeds queries with the encoder as it will be deployed;
//! - `training_set`: the queries to learn from, with their embeddings on disk;
//! - `embedded`: the training set of a run;
//! - [`preferences`]: pairwise verdicts made from outcomes, drawn epoch by epoch from one seed;
//! - [`head`]: trains a head on embeddings, by steps;
//! - `encoder_and_head`: trains an encoder of either tier with a head;
//! - `fine_tune`: trains a network end to end, whatever its encoder and loss;
//! - `history`: the checks of a fine-tuning run, in a file of the run;
//! - `optimiser`: AdamW or gradient descent on a network's named parameters, resumed exactly;
//! - `named_parameters`: visits a network's parameters by path;
//! - [`interrupt`]: ends a run at a safe point on Ctrl-C.

pub mod bundle_encoder;
pub mod context;
pub(crate) mod embedded;
pub mod embedder;
pub mod encoder;
pub(crate) mod encoder_and_head;
pub(crate) mod fine_tune;
pub mod fit;
pub mod head;
pub(crate) mod history;
pub mod interrupt;
pub(crate) mod named_parameters;
pub(crate) mod optimiser;
pub mod preferences;
pub(crate) mod training_set;
