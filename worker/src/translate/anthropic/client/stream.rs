//! Translates an OpenAI stream into an Anthropic stream.
//!
//! | OpenAI chunk | Anthropic events |
//! | --- | --- |
//! | the first with a choice | `message_start`, its usage still zero |
//! | `reasoning_content`, else `reasoning` | a `thinking` block |
//! | `content`, `refusal` | a `text` block |
//! | `tool_calls` | a `tool_use` block each; ids get Anthropic's letters, and one is made where it is absent |
//! | `finish_reason` | the end of the last block |
//! | `usage` | none; it is kept for `message_delta` |
//! | `[DONE]` | `message_delta` with stop reason and usage, `message_stop` |
//! | an error object | none: [`StreamError::Upstream`] |
//!
//! Anthropic's blocks do not overlap: a block ends where the next one begins, and arguments for a call
//! whose block has ended are an error. Only the first choice is translated.

use pointsman::sha256_hex;
use serde_json::{Value, json};

use super::answer::reasoning;
use crate::error::shown;
use crate::translate::anthropic::stop;
use crate::translate::anthropic::tools::{self, CallIds};
use crate::translate::shared::error_body::error_in_stream;
use crate::translate::shared::stream_error::{StreamError, event_json};
use crate::wire::sse::{self, Event};
use crate::wire::usage::Usage;

/// Translates the chunks of one answer, in their order.
#[derive(Debug, Default)]
pub(crate) struct ChunkStream {
    started: bool,
    /// The open block.
    block: Option<Block>,
    /// The index of the open block, or of the next one.
    index: u64,
    calls: u64,
    ids: CallIds,
    /// SHA-256 of the first chunk, from which ids of calls are made that have none.
    seed: String,
    refused: bool,
    finish_reason: Option<String>,
    usage: Option<Usage>,
    finished: bool,
}

#[derive(Debug, PartialEq)]
enum Block {
    Text,
    Thinking,
    /// A tool call, with OpenAI's index and id.
    Call {
        index: u64,
        id: String,
    },
}

impl ChunkStream {
    /// Starts a stream to a client.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Translates an event into complete server-sent events.
    ///
    /// # Errors
    /// [`StreamError`]; the stream is then over.
    pub(crate) fn push(&mut self, event: &Event) -> Result<Vec<String>, StreamError> {
        if self.finished {
            return Ok(vec![]);
        }
        let mut sent = Vec::new();
        if event.data.trim() == "[DONE]" {
            if !self.started {
                return Err(StreamError::malformed(
                    "[DONE]",
                    "it as the first event",
                    "chunks before it",
                ));
            }
            self.finish(&mut sent);
            return Ok(sent);
        }
        let chunk = event_json(event)?;
        if !chunk["error"].is_null() {
            return Err(error_in_stream(&chunk));
        }
        if let Some(usage) = Usage::from_chat(&chunk["usage"]) {
            self.usage = Some(usage);
        }
        let choice = chunk["choices"].as_array().and_then(|choices| choices.first());
        if let Some(choice) = choice.filter(|choice| choice["index"].as_u64().unwrap_or(0) == 0) {
            self.start(&chunk, &mut sent);
            self.translate_delta(&choice["delta"], &mut sent)?;
            if let Some(reason) = choice["finish_reason"].as_str() {
                self.finish_reason = Some(reason.to_owned());
                self.close(&mut sent);
            }
        }
        Ok(sent)
    }

    /// Ends the stream at the end of the body, for an upstream that sends no `[DONE]`.
    ///
    /// # Errors
    /// [`StreamError::Cut`] if the answer is incomplete.
    pub(crate) fn end(&mut self) -> Result<Vec<String>, StreamError> {
        let mut sent = Vec::new();
        if !self.finished && self.finish_reason.is_none() {
            return Err(StreamError::Cut { expected: "a finish_reason" });
        }
        if !self.finished {
            self.finish(&mut sent);
        }
        Ok(sent)
    }

    fn start(&mut self, chunk: &Value, sent: &mut Vec<String>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        self.seed = sha256_hex(chunk.to_string().as_bytes());
        let message = json!({
            "id": chunk["id"].as_str().unwrap_or_default(),
            "type": "message",
            "role": "assistant",
            "model": chunk["model"].as_str().unwrap_or_default(),
            "content": [],
            "stop_reason": null,
            "stop_sequence": null,
            "usage": Usage::default().to_anthropic(),
        });
        sent.push(write(json!({"type": "message_start", "message": message})));
    }

    fn translate_delta(
        &mut self,
        delta: &Value,
        sent: &mut Vec<String>,
    ) -> Result<(), StreamError> {
        if let Some(text) = reasoning(delta) {
            let empty = json!({"type": "thinking", "thinking": "", "signature": ""});
            self.open(Block::Thinking, &empty, sent);
            self.delta(json!({"type": "thinking_delta", "thinking": text}), sent);
        }
        for key in ["content", "refusal"] {
            let text = match &delta[key] {
                Value::Null => continue,
                Value::String(text) if text.is_empty() => continue,
                Value::String(text) => text,
                other => {
                    return Err(StreamError::malformed("delta", shown(other), "a string"));
                }
            };
            self.refused |= key == "refusal";
            self.open(Block::Text, &json!({"type": "text", "text": ""}), sent);
            self.delta(json!({"type": "text_delta", "text": text}), sent);
        }
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            self.call(call, sent)?;
        }
        Ok(())
    }

    fn call(&mut self, call: &Value, sent: &mut Vec<String>) -> Result<(), StreamError> {
        let function = &call["function"];
        let id = call["id"].as_str().unwrap_or_default();
        let arguments = match &function["arguments"] {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            object => object.to_string(),
        };
        let open = match &self.block {
            Some(Block::Call { index, id }) => Some((*index, id.as_str())),
            _ => None,
        };
        let at = call["index"].as_u64().or(open.map(|(index, _)| index)).unwrap_or(self.calls);
        // Some upstreams give every call the same index; ids differ between calls.
        let goes_on =
            open.is_some_and(|(index, open)| index == at && (id.is_empty() || id == open));
        if !goes_on {
            let Some(name) = function["name"].as_str() else {
                if arguments.is_empty() {
                    return Ok(());
                }
                let found = format!("arguments of call {at}, which is not open");
                return Err(StreamError::malformed("tool_calls", found, "the call's name first"));
            };
            let (id, given) = match id {
                "" => {
                    let made = tools::made_id(&self.seed, self.calls);
                    (made.clone(), made)
                }
                id => (id.to_owned(), self.ids.call(id)),
            };
            self.calls += 1;
            let empty = json!({"type": "tool_use", "id": given, "name": name, "input": {}});
            self.open(Block::Call { index: at, id }, &empty, sent);
        }
        if !arguments.is_empty() {
            self.delta(json!({"type": "input_json_delta", "partial_json": arguments}), sent);
        }
        Ok(())
    }

    /// Opens a block, unless it is open already.
    fn open(&mut self, block: Block, empty: &Value, sent: &mut Vec<String>) {
        if self.block.as_ref() == Some(&block) {
            return;
        }
        self.close(sent);
        self.block = Some(block);
        let index = self.index;
        sent.push(write(json!({
            "type": "content_block_start", "index": index, "content_block": empty,
        })));
    }

    fn delta(&self, delta: Value, sent: &mut Vec<String>) {
        let index = self.index;
        sent.push(write(json!({"type": "content_block_delta", "index": index, "delta": delta})));
    }

    fn close(&mut self, sent: &mut Vec<String>) {
        if self.block.take().is_some() {
            sent.push(write(json!({"type": "content_block_stop", "index": self.index})));
            self.index += 1;
        }
    }

    fn finish(&mut self, sent: &mut Vec<String>) {
        self.finished = true;
        self.close(sent);
        let reason = match self.refused {
            true => "refusal",
            false => stop::to_stop(self.finish_reason.as_deref(), self.calls > 0),
        };
        sent.push(write(json!({
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": null},
            "usage": self.usage.unwrap_or_default().to_anthropic(),
        })));
        sent.push(write(json!({"type": "message_stop"})));
    }
}

/// Writes an Anthropic event, which is named after its type.
fn write(data: Value) -> String {
    sse::event(data["type"].as_str(), &data.to_string())
}

#[cfg(test)]
mod tests;
