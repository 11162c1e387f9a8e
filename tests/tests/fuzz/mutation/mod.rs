//! Damages inputs: bytes of any file, JSON by its values, ONNX graphs by their nodes.
//!
//! Every function draws from the case's generator alone, so a seed gives the same inputs everywhere.

mod bytes;
mod json;
mod lines;
mod onnx;

use rand_chacha::ChaCha8Rng;

/// Generator of a run's draws.
pub type Rng = ChaCha8Rng;

/// Longest input that a mutation grows, in bytes.
pub const LONGEST: usize = 48 << 10;

/// How a target's inputs are damaged.
#[derive(Clone, Copy)]
pub enum Strategy {
    /// Bytes, with words to insert.
    Bytes(&'static [&'static str]),
    /// JSON by its values, and sometimes bytes; with keys and values to insert.
    Json(&'static [&'static str]),
    /// Lines of JSON or of text: each by itself, their order and number, and sometimes bytes.
    Lines(&'static [&'static str]),
    /// An ONNX graph by its nodes and constants, and sometimes bytes.
    Onnx,
}

impl Strategy {
    /// Damages `input`, with parts of `other` in places. The first `kept` bytes stay.
    pub fn apply(self, rng: &mut Rng, input: &[u8], other: &[u8], kept: usize) -> Vec<u8> {
        let (head, body) = input.split_at(kept.min(input.len()));
        let other = other.get(kept..).unwrap_or_default();
        let mut found = match self {
            Self::Bytes(words) => bytes::mutate(rng, body, other, words),
            Self::Json(words) => json::mutate(rng, body, other, words),
            Self::Lines(words) => lines::mutate(rng, body, other, words),
            Self::Onnx => onnx::mutate(rng, body, other),
        };
        found.truncate(LONGEST.max(body.len() + (4 << 10)));
        [head, &found].concat()
    }
}
