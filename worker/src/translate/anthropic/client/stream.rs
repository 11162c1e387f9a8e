//! Translates an OpenAI stream into an Anthropic stream.
//!
//! | OpenAI chunk | Anthropic events |
//! | --- | --- |
//! | the first with a choice | `message_start`, its usage still zero |
//! | reasoning (`wire::written`) | a `thinking` block, signed where it is given back (`reasoning`) |
//! | `content`, `refusal` | a `text` block |
//! | `tool_calls` | a `tool_use` block each (`shared::call_pieces`); ids get Anthropic's letters, and one is made where it is absent |
//! | `finish_reason` | kept for `message_delta` |
//! | `usage` | none; it is kept for `message_delta` |
//! | `[DONE]` | the end of the blocks, `message_delta` with stop reason and usage, `message_stop` |
//! | an error | none: [`StreamError::Upstream`] |
//!
//! Only the first choice is translated.

use serde_json::{Value, json};

use super::blocks::{BlockKind, Blocks, write};
use crate::error::shown;
use crate::translate::anthropic::reasoning::{field_of, signature};
use crate::translate::anthropic::stop::Ending;
use crate::translate::anthropic::tools::CallIds;
use crate::translate::shared::answer_defaults::{AnswerDefaults, MadeIds};
use crate::translate::shared::call_pieces::{CallFields, CallPiece, CallPieces};
use crate::translate::shared::event_json::event_json;
use crate::translate::shared::stream_error::StreamError;
use crate::wire::sse::Event;
use crate::wire::usage::Usage;
use crate::wire::written::{Written, written};

/// Translates the chunks of one answer, in their order.
#[derive(Debug)]
pub(crate) struct ChunkStream {
    /// The tag of the model's reasoning.
    tag: Option<String>,
    id: String,
    model: String,
    created: u64,
    started: bool,
    blocks: Blocks,
    calls: CallPieces,
    ids: CallIds,
    /// The ids of calls that come without one.
    made_ids: MadeIds,
    refused: bool,
    ending: Option<Ending>,
    usage: Option<Usage>,
    finished: bool,
}

impl ChunkStream {
    /// Starts a stream to a client; `tag` is that of the model's reasoning.
    pub(crate) fn new(defaults: &AnswerDefaults<'_>, tag: Option<&str>) -> Self {
        Self {
            tag: tag.map(str::to_owned),
            id: defaults.id.to_owned(),
            model: defaults.model.to_owned(),
            created: defaults.created,
            started: false,
            blocks: Blocks::default(),
            calls: CallPieces::default(),
            ids: CallIds::default(),
            made_ids: MadeIds::default(),
            refused: false,
            ending: None,
            usage: None,
            finished: false,
        }
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
            self.finish(&mut sent)?;
            return Ok(sent);
        }
        let (chunk, marked) = event_json(event)?;
        if let Some(usage) = Usage::from_chat(&chunk["usage"]) {
            self.usage = Some(usage);
        }
        let choice = chunk["choices"].as_array().and_then(|choices| choices.first());
        if let Some(choice) = choice.filter(|choice| choice["index"].as_u64().unwrap_or(0) == 0) {
            self.start(&chunk, &event.data, &mut sent);
            // Some upstreams send the whole message as one chunk.
            let delta = if choice["delta"].is_object() { "delta" } else { "message" };
            self.translate_delta(&choice[delta], marked, &mut sent)?;
            self.ending = Ending::of(choice).or(self.ending.take());
        }
        Ok(sent)
    }

    /// Ends the stream at the end of the body, for an upstream that sends no `[DONE]`.
    ///
    /// # Errors
    /// [`StreamError::Cut`] if the answer is incomplete.
    pub(crate) fn end(&mut self) -> Result<Vec<String>, StreamError> {
        let mut sent = Vec::new();
        if !self.finished && self.ending.is_none() {
            return Err(StreamError::Cut { expected: "a finish_reason" });
        }
        if !self.finished {
            self.finish(&mut sent)?;
        }
        Ok(sent)
    }

    fn start(&mut self, chunk: &Value, json: &str, sent: &mut Vec<String>) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let defaults = AnswerDefaults { id: &self.id, model: &self.model, created: self.created };
        self.made_ids = defaults.call_ids("toolu", json);
        let message = json!({
            "id": defaults.id_of(chunk),
            "type": "message",
            "role": "assistant",
            "model": defaults.model_of(chunk),
            "content": [],
            "stop_reason": null,
            "stop_sequence": null,
            "usage": Usage::default().to_anthropic(),
        });
        sent.push(write(&json!({"type": "message_start", "message": message})));
    }

    fn translate_delta(
        &mut self,
        delta: &Value,
        marked: bool,
        sent: &mut Vec<String>,
    ) -> Result<(), StreamError> {
        let pieces = written(delta).map_err(|found| {
            StreamError::malformed("delta", shown(found), "a text or a list of parts")
        })?;
        if let (Some(tag), Some(field)) = (&self.tag, field_of(delta)) {
            self.blocks.sign(signature(tag, field));
        }
        for piece in pieces {
            let begun = self.calls.begin_all();
            self.translate_calls(begun, marked, sent)?;
            let (kind, text) = match &piece {
                Written::Reasoning(text) => (BlockKind::Thinking, text),
                Written::Text(text) | Written::Refusal(text) => (BlockKind::Text, text),
            };
            self.refused |= matches!(piece, Written::Refusal(_));
            self.blocks.text(&kind, text, marked, sent)?;
        }
        for piece in CallFields::all(delta) {
            let pieces = self.calls.push(&piece)?;
            self.translate_calls(pieces, marked, sent)?;
        }
        Ok(())
    }

    fn translate_calls(
        &mut self,
        pieces: Vec<CallPiece>,
        marked: bool,
        sent: &mut Vec<String>,
    ) -> Result<(), StreamError> {
        for piece in pieces {
            let (ids, made, number) = (&mut self.ids, &self.made_ids, piece.number);
            let id = |given: String| match given.is_empty() {
                true => made.of(number),
                false => ids.call(&given),
            };
            self.blocks.call(piece, id, marked, sent)?;
        }
        Ok(())
    }

    fn finish(&mut self, sent: &mut Vec<String>) -> Result<(), StreamError> {
        self.finished = true;
        let pieces = self.calls.end()?;
        self.translate_calls(pieces, false, sent)?;
        self.blocks.end(sent);
        let calls = self.calls.has_begun();
        let (reason, sequence) =
            self.ending.clone().unwrap_or_default().to_anthropic(calls, self.refused);
        sent.push(write(&json!({
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": sequence},
            "usage": self.usage.unwrap_or_default().to_anthropic(),
        })));
        sent.push(write(&json!({"type": "message_stop"})));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
