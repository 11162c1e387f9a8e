//! What a training run reads: recipe files and data files.
//!
//! [`recipe_file`] resolves a recipe with its `base` files to one table. [`data_files`] says where each
//! data file that a recipe names comes from, and lists those that are missing. The crate depends on
//! neither the engine nor burn, so that `cargo xtask train` checks a recipe's inputs before it builds
//! the trainer.

pub mod data_files;
pub mod recipe_file;
