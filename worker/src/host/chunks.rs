//! Collects the chunks of a body in JavaScript's memory, up to a length.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::JsCast;

/// Chunks of a body of at most `limit` bytes.
pub(super) struct Chunks {
    chunks: Array,
    length: u32,
    limit: usize,
}

impl Chunks {
    /// Starts without chunks.
    pub(super) fn new(limit: usize) -> Self {
        Self { chunks: Array::new(), length: 0, limit }
    }

    /// Adds a chunk, if that does not make the body longer than the limit. Returns whether it was added.
    pub(super) fn push(&mut self, chunk: &Uint8Array) -> bool {
        let length = self.length.saturating_add(chunk.length());
        let fits = length as usize <= self.limit;
        if fits {
            self.length = length;
            self.chunks.push(chunk);
        }
        fits
    }

    /// The most bytes of all chunks.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// The chunks as one array.
    pub(super) fn joined(&self) -> Uint8Array {
        let whole = Uint8Array::new_with_length(self.length);
        let mut at = 0;
        for chunk in self.chunks.iter() {
            let chunk: Uint8Array = chunk.unchecked_into();
            whole.set(&chunk, at);
            at += chunk.length();
        }
        whole
    }
}
