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
//! use pointsman_trainer::training::context::Context;
//! use pointsman_trainer::training::encoder::encoder;
//! use pointsman_trainer::{dataset, finish, recipe, router};
//!
//! # fn main() -> Result<(), pointsman_trainer::TrainerError> {
//! let recipe = recipe::read(Path::new("trainer-native/recipes/default.toml"))?;
//! let data = dataset::prepare(&recipe.recipe, Path::new("data"), false)?;
//! let (device, stop) = (open(DeviceChoice::Auto)?, AtomicBool::new(false));
//! let context = Context::open(Path::new("runs/default"), &recipe, &data, &device, &stop)?;
//! let encoder = encoder(&context, Path::new("all-MiniLM-L6-v2"))?;
//! let trained = router::train(&context, encoder)?;
//! let finished = finish::finish(&context, &trained)?;
//! finished.bundle.write(Path::new("bundles/default"))?;
//! # Ok(())
//! # }
//! ```

// The crate serves one command line and is no published API: items whose names say what they are
// need no documentation.
#![allow(missing_docs)]

pub mod add_candidate;
pub mod assess;
pub mod collect;
pub mod completions;
pub mod data;
pub mod dataset;
pub mod device;
pub mod encoder;
mod error;
pub mod eval;
pub mod export;
pub mod finish;
pub mod judge;
pub mod label_loop;
pub mod labelling;
pub mod linear;
pub mod map;
pub mod precision;
pub mod predictions;
pub mod probe;
mod progress;
pub mod random;
pub mod recipe;
pub mod report;
mod report_error;
pub mod router;
pub mod run;
pub mod sanity;
pub mod shadow_log;
pub mod sweep;
pub mod teacher;
pub mod tensors;
pub mod throughput;
pub mod training;
pub mod transfer;
pub mod verify;

pub use error::TrainerError;
pub use report_error::ReportError;
