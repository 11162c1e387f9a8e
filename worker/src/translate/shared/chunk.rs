//! Writes the chunks of an OpenAI stream as server-sent events.

use serde_json::{Value, json};

use crate::wire::sse;
use crate::wire::usage::Usage;

/// The event that ends an OpenAI stream.
pub(crate) const DONE: &str = "data: [DONE]\n\n";

/// Writes the chunks of one answer.
#[derive(Debug)]
pub(crate) struct ChunkWriter {
    /// The answer's id.
    pub(crate) id: String,
    /// The model that answers.
    pub(crate) model: String,
    /// Seconds since 1970.
    pub(crate) created: u64,
    /// Whether the client set `stream_options.include_usage`.
    pub(crate) include_usage: bool,
}

impl ChunkWriter {
    /// Writes a chunk with a piece of the message.
    pub(crate) fn delta(&self, delta: Value) -> String {
        self.write(json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": null}]))
    }

    /// Writes the chunk with the `finish_reason`.
    pub(crate) fn finish(&self, reason: &str) -> String {
        self.write(json!([{"index": 0, "delta": {}, "logprobs": null, "finish_reason": reason}]))
    }

    /// Writes the last chunk, the usage without choices, if the client asked for it.
    pub(crate) fn usage(&self, usage: Option<Usage>) -> Option<String> {
        let usage = usage.filter(|_| self.include_usage)?;
        let mut chunk = self.chunk(json!([]));
        chunk["usage"] = usage.to_chat();
        Some(sse::event(None, &chunk.to_string()))
    }

    fn write(&self, choices: Value) -> String {
        let mut chunk = self.chunk(choices);
        // As in OpenAI's API: null until the last chunk, absent if not asked for.
        if self.include_usage {
            chunk["usage"] = Value::Null;
        }
        sse::event(None, &chunk.to_string())
    }

    fn chunk(&self, choices: Value) -> Value {
        json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": choices,
        })
    }
}
