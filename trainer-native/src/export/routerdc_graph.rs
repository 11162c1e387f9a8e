//! Reads the LLM directions in the graph of a `routerdc` bundle.
//!
//! ```text
//! scores [1, T] = unit(embedding) [1, size]  x  llm_weights [size, T]
//! column t of llm_weights = unit(k_t) / temperature, zeros in coordinates that do not count
//! ```

use super::head_graph::{HeadGraph, bad_model};
use crate::error::TrainerError;

/// The constant whose columns are the LLMs, as [`RouterDcHead`](crate::router::routerdc::RouterDcHead)
/// names it.
pub const COLUMNS: &str = "llm_weights";
/// 1 for each coordinate of the embedding that counts, else 0.
const COUNTED: &str = "query.counted";

/// The LLM directions of a graph.
#[derive(Debug, Clone, PartialEq)]
pub struct LlmColumns {
    /// `unit(k_t) / temperature`, `[size, T]` row by row.
    pub values: Vec<f32>,
    /// Size of an exported embedding.
    pub size: usize,
    /// T, the number of LLMs.
    pub llms: usize,
    /// E, the number of coordinates that count: the first ones.
    pub width: usize,
}

/// Reads the LLM directions of a graph.
///
/// # Errors
/// `bundle_bad_model` where it has no such constants.
pub fn columns(graph: &HeadGraph) -> Result<LlmColumns, TrainerError> {
    let (values, dims) = graph.floats(COLUMNS)?;
    let [size, llms] = dims[..] else {
        return Err(bad_model(format!("{COLUMNS} has shape {dims:?}, expected two axes")));
    };
    let (counted, _) = graph.floats(COUNTED)?;
    let width = counted.iter().filter(|&&value| value > 0.0).count();
    match width <= size && counted.iter().take(width).all(|&value| value > 0.0) {
        true => Ok(LlmColumns { values, size, llms, width }),
        false => Err(bad_model(format!("{COUNTED} counts {width} of {size} coordinates"))),
    }
}
