//! Trains Pointsman's routers: reads outcomes, writes a bundle.
//!
//! Reads outcome data, distils a static encoder from a transformer, trains a router on it, exports
//! both as one int8 ONNX graph, and measures that graph by RouteLLM's protocol through the engine
//! that hosts run.
//!
//! ```no_run
//! use std::path::Path;
//! use std::sync::atomic::AtomicBool;
//! use pointsman_trainer::device::{DeviceChoice, open};
//! use pointsman_trainer::{dataset, finish, recipe, run::Run};
//!
//! # fn main() -> Result<(), pointsman_trainer::TrainerError> {
//! let recipe = recipe::read(Path::new("trainer-native/recipes/default.toml"))?;
//! let prepared = dataset::prepare(&recipe.recipe, Path::new("data"), false)?;
//! let (device, stop) = (open(DeviceChoice::Auto)?, AtomicBool::new(false));
//! let run = Run::open(Path::new("runs/default"), &recipe, &prepared)?;
//! let source = Path::new("all-MiniLM-L6-v2");
//! let encoder = run.encoder(&recipe, &prepared, source, &device, &stop)?;
//! let trained = run.train(&recipe, &prepared, encoder, &device, &stop)?;
//! let finished = finish::finish(&run, &recipe, &prepared, &trained, &device, &stop)?;
//! finished.bundle.write(Path::new("bundles/default"))?;
//! # Ok(())
//! # }
//! ```

// The crate serves one command line and is no published API: items whose names say what they are
// need no documentation.
#![allow(missing_docs)]

pub mod add_candidate;
pub mod assess;
pub mod data;
pub mod dataset;
pub mod device;
pub mod encoder;
mod error;
pub mod eval;
pub mod export;
pub mod finish;
pub mod linear;
pub mod map;
pub mod progress;
pub mod random;
pub mod recipe;
pub mod report;
pub mod router;
pub mod run;
pub mod sweep;
pub mod teacher;
pub mod tensors;
pub mod throughput;
pub mod training;
pub mod verify;

pub use error::TrainerError;
