//! Trained LLM embeddings, and their export.

use super::network::{LlmEmbeddings, unit};
use crate::error::TrainerError;
use crate::export::graph::Graph;
use crate::export::router_graph::{GraphHead, Inputs, direction, linear};
use crate::precision::Precision;
use crate::tensors::floats;

/// Trained LLM embeddings, in host memory.
#[derive(Debug, Clone, PartialEq)]
pub struct RouterDcHead {
    /// Directions, `[T, E]` row by row.
    pub directions: Vec<f32>,
    /// E, the number of coordinates of an embedding that count.
    pub width: usize,
    /// Size of an exported embedding: E, or E + 1 where the trained encoder has no length
    /// coordinate.
    pub size: usize,
    /// Temperature that cosines are divided by.
    pub temperature: f32,
}

impl RouterDcHead {
    /// Copies the embeddings from their device.
    ///
    /// # Errors
    /// [`TrainerError::NotFinite`].
    pub fn of(head: &LlmEmbeddings, size: usize, temperature: f64) -> Result<Self, TrainerError> {
        let width = head.vectors.dims()[1];
        let directions = floats(unit(head.vectors.val()).into_data())?;
        if let Some(value) = directions.iter().find(|value| !value.is_finite()) {
            let detail = format!("{value}: lower the learning rate");
            return Err(TrainerError::NotFinite { what: "an LLM's embedding", detail });
        }
        #[allow(clippy::cast_possible_truncation)]
        let temperature = temperature as f32;
        Ok(Self { directions, width, size, temperature })
    }
}

impl GraphHead for RouterDcHead {
    fn nodes(
        &self,
        g: &mut Graph,
        _: &Inputs,
        embedding: &str,
        columns: &[usize],
        _: Precision,
    ) -> Result<String, TrainerError> {
        let unit = direction(g, "query", embedding, &vec![0.0; self.width], self.size);
        let rows: Vec<&[f32]> = self.directions.chunks_exact(self.width.max(1)).collect();
        let mut weights = vec![0.0; self.size * columns.len()];
        for (column, &llm) in columns.iter().enumerate() {
            for (at, value) in rows.get(llm).into_iter().flat_map(|row| row.iter()).enumerate() {
                weights[at * columns.len() + column] = value / self.temperature;
            }
        }
        // Kept in float: rounding a few columns would save nothing.
        let weights = (weights.as_slice(), columns.len());
        let scores = linear(g, "llm", &unit, weights, None, Precision::Float);
        Ok(g.node("Identity", "scores", &[&scores], &[]))
    }
}
