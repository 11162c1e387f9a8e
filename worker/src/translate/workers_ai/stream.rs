//! Translates a Workers AI model's stream into an OpenAI stream.
//!
//! | event | chunks |
//! | --- | --- |
//! | `{"choices": [...]}` | the same, with absent fields filled in |
//! | `{"response": "..."}` | the role, once, and `content` |
//! | `{"tool_calls": [...]}` | each call, complete or in pieces as it arrives |
//! | `usage` in any event | kept for the end, or for the event's own chunk |
//! | `[DONE]` | `finish_reason`, the usage where asked for, `[DONE]` |
//! | an error object | none: [`StreamError::Upstream`] |
//!
//! The padding field `p` and the empty calls at the end of some models' calls are not passed on.

use serde_json::{Map, Value, json};

use super::answer::{add_missing_fields, finish, text};
use super::error::{error_status, status_of};
use crate::error::shown;
use crate::translate::shared::answer_defaults::{AnswerDefaults, MadeIds};
use crate::translate::shared::call_pieces::{CallFields, CallPiece, CallPieces};
use crate::translate::shared::chunk::{ChunkWriter, DONE};
use crate::translate::shared::event_json::event_json;
use crate::translate::shared::stream_error::StreamError;
use crate::wire::answer::finish_reason;
use crate::wire::json_tree;
use crate::wire::reported_error::reported_error;
use crate::wire::sse::{self, Event};
use crate::wire::surrogates::Halves;
use crate::wire::usage::Usage;
use crate::wire::written::flatten;

/// The fields of a piece of a message that hold text.
const TEXTS: [&str; 4] = ["reasoning_content", "reasoning", "content", "refusal"];

/// Translates the events of one answer, in their order.
#[derive(Debug)]
pub(crate) struct AnswerStream {
    writer: ChunkWriter,
    /// Whether an event of either shape has arrived.
    started: bool,
    role_sent: bool,
    calls: CallPieces,
    /// The ids of calls that come without one.
    made_ids: MadeIds,
    /// The halves of characters at the ends of [`TEXTS`].
    halves: [Halves; TEXTS.len()],
    finish_reason: Option<String>,
    finish_sent: bool,
    usage: Option<Usage>,
    usage_sent: bool,
    finished: bool,
}

impl AnswerStream {
    /// Starts a stream to a client; `include_usage` is that of the request's `stream_options`.
    pub(crate) fn new(defaults: &AnswerDefaults<'_>, include_usage: bool) -> Self {
        let AnswerDefaults { id, model, created } = *defaults;
        let (id, model) = (id.to_owned(), model.to_owned());
        Self {
            writer: ChunkWriter { id, model, created, include_usage },
            started: false,
            role_sent: false,
            calls: CallPieces::default(),
            made_ids: MadeIds::default(),
            halves: Default::default(),
            finish_reason: None,
            finish_sent: false,
            usage: None,
            usage_sent: false,
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
        if event.data.trim() == "[DONE]" {
            return match self.started {
                true => self.finish(),
                false => Err(StreamError::malformed(
                    "[DONE]",
                    "it as the first event",
                    "an answer before it",
                )),
            };
        }
        let (data, marked) = event_json(event).map_err(|error| with_status(error, event))?;
        if !self.started {
            self.made_ids = self.defaults().call_ids("call", &event.data);
        }
        let usage = Usage::from_chat(&data["usage"]);
        self.usage = usage.or(self.usage);
        match data {
            Value::Object(chunk) if chunk.contains_key("choices") => self.openai(chunk, marked),
            data => self.classic(&data, marked),
        }
    }

    /// Ends the stream at the end of the body, for a model that sends no `[DONE]`.
    ///
    /// # Errors
    /// [`StreamError::Cut`] if the answer is incomplete.
    pub(crate) fn end(&mut self) -> Result<Vec<String>, StreamError> {
        match self.finished {
            true => Ok(vec![]),
            false if self.finish_reason.is_some() => self.finish(),
            false => Err(StreamError::Cut { expected: "\"[DONE]\"" }),
        }
    }

    /// Whether the answer is complete.
    pub(crate) fn finished(&self) -> bool {
        self.finished
    }

    /// Whether the answer has ended, so that at most its usage and `[DONE]` follow.
    pub(crate) fn is_complete(&self) -> bool {
        self.finished || self.finish_reason.is_some()
    }

    /// Whether the usage of the whole answer has arrived.
    pub(crate) fn usage_is_final(&self) -> bool {
        self.usage.is_some() && (self.finished || self.finish_reason.is_some())
    }

    /// The token usage reported so far.
    pub(crate) fn usage(&self) -> Option<Usage> {
        self.usage
    }

    fn defaults(&self) -> AnswerDefaults<'_> {
        let ChunkWriter { id, model, created, .. } = &self.writer;
        AnswerDefaults { id, model, created: *created }
    }

    fn openai(
        &mut self,
        mut chunk: Map<String, Value>,
        marked: bool,
    ) -> Result<Vec<String>, StreamError> {
        self.started = true;
        add_missing_fields(&mut chunk, "chat.completion.chunk", &self.defaults());
        chunk.remove("p");
        let Some(Value::Array(choices)) = chunk.get_mut("choices") else {
            let found = shown(chunk.get("choices").unwrap_or(&Value::Null));
            return Err(StreamError::malformed("choices", found, "a list"));
        };
        for choice in choices.iter_mut() {
            let ended = finish_reason(choice).map(str::to_owned);
            if let Some(delta) = choice.get_mut("delta").filter(|delta| delta.is_object()) {
                self.delta(delta, marked)?;
                // OpenAI's library refuses a message without one.
                if !std::mem::replace(&mut self.role_sent, true) {
                    delta["role"] = "assistant".into();
                }
            }
            if let Some(reason) = ended {
                let mut last = std::mem::take(&mut choice["delta"]);
                self.last_delta(&mut last)?;
                choice["delta"] = last;
                let reason = finish(Some(&reason), self.calls.has_begun()).to_owned();
                choice["finish_reason"] = reason.clone().into();
                self.finish_reason = Some(reason);
                self.finish_sent = true;
            } else if choice["finish_reason"].is_string() {
                choice["finish_reason"] = Value::Null;
            }
        }
        let last = choices.is_empty();
        let has_usage = chunk.get("usage").is_some_and(Value::is_object);
        if !self.writer.include_usage {
            chunk.remove("usage");
            if last {
                return Ok(vec![]);
            }
        }
        // Clients read the usage from the chunk without choices, so usage of other chunks is repeated there.
        self.usage_sent |= last && has_usage;
        Ok(vec![sse::event(None, &json_tree::to_text(&Value::Object(chunk)))])
    }

    /// Makes a piece of a message what OpenAI's clients understand.
    fn delta(&mut self, delta: &mut Value, marked: bool) -> Result<(), StreamError> {
        self.role_sent |= delta["role"].is_string();
        flatten(delta).map_err(|found| {
            StreamError::malformed("delta", shown(&found), "a text or a list of parts")
        })?;
        for (name, halves) in TEXTS.iter().zip(&mut self.halves) {
            if let Some(Value::String(text)) = delta.get_mut(*name) {
                *text = halves.join(text, marked).into_owned();
            }
        }
        let has_calls = ["tool_calls", "function_call"].iter().any(|name| !delta[*name].is_null());
        if has_calls {
            let mut calls = Vec::new();
            for piece in CallFields::all(delta) {
                calls.extend(self.calls.push(&piece)?.into_iter().map(|piece| self.call(piece)));
            }
            delta["tool_calls"] = calls.into();
            delta.as_object_mut().map(|fields| fields.remove("function_call"));
        }
        Ok(())
    }

    /// Adds to the last piece of a message what is still held.
    fn last_delta(&mut self, delta: &mut Value) -> Result<(), StreamError> {
        if !delta.is_object() {
            *delta = json!({});
        }
        for (name, halves) in TEXTS.iter().zip(&mut self.halves) {
            let rest = halves.rest();
            if !rest.is_empty() {
                delta[*name] =
                    format!("{}{rest}", delta[*name].as_str().unwrap_or_default()).into();
            }
        }
        let ended: Vec<Value> =
            self.calls.end()?.into_iter().map(|piece| self.call(piece)).collect();
        if !ended.is_empty() {
            let mut calls = delta["tool_calls"].as_array().cloned().unwrap_or_default();
            calls.extend(ended);
            delta["tool_calls"] = calls.into();
        }
        Ok(())
    }

    fn classic(&mut self, data: &Value, marked: bool) -> Result<Vec<String>, StreamError> {
        let mut sent = Vec::new();
        let has = |name: &str| data.get(name).is_some();
        self.started |= has("response") || has("tool_calls");
        let mut delta = json!({"content": text(&data["response"])});
        self.delta(&mut delta, marked)?;
        if delta["content"] != "" {
            self.role(&mut sent);
            sent.push(self.writer.delta(delta));
        }
        let calls = &data["tool_calls"];
        if !calls.is_null() && !calls.is_array() {
            return Err(StreamError::malformed("tool_calls", shown(calls), "a list"));
        }
        for piece in CallFields::all(data) {
            for piece in self.calls.push(&piece)? {
                self.role(&mut sent);
                let call = self.call(piece);
                sent.push(self.writer.delta(json!({"tool_calls": [call]})));
            }
        }
        if let Some(reason) = finish_reason(data) {
            self.finish_reason = Some(reason.to_owned());
        }
        Ok(sent)
    }

    /// Writes a call, or a piece of one.
    fn call(&mut self, piece: CallPiece) -> Value {
        let CallPiece { number, begins, arguments, .. } = piece;
        match begins {
            Some((name, id)) => {
                let id = self.made_ids.unique(&id, number);
                let function = json!({"name": name, "arguments": arguments});
                json!({"index": number, "id": id, "type": "function", "function": function})
            }
            None => json!({"index": number, "function": {"arguments": arguments}}),
        }
    }

    fn role(&mut self, sent: &mut Vec<String>) {
        if !std::mem::replace(&mut self.role_sent, true) {
            let role = json!({"role": "assistant", "content": "", "refusal": null});
            sent.push(self.writer.delta(role));
        }
    }

    fn finish(&mut self) -> Result<Vec<String>, StreamError> {
        self.finished = true;
        let mut sent = Vec::new();
        let mut last = json!({});
        self.last_delta(&mut last)?;
        if !self.finish_sent {
            self.role(&mut sent);
            if last != json!({}) {
                sent.push(self.writer.delta(last));
            }
            let reason = finish(self.finish_reason.as_deref(), self.calls.has_begun());
            sent.push(self.writer.finish(reason));
        }
        if !self.usage_sent {
            sent.extend(self.writer.usage(self.usage));
        }
        sent.push(DONE.to_owned());
        Ok(sent)
    }
}

/// Cloudflare's number, in an error's `code` or in front of its message, gives its status.
fn with_status(error: StreamError, event: &Event) -> StreamError {
    match error {
        StreamError::Upstream { status: 502, error } => {
            let reported = reported_error(event.data.as_bytes()).unwrap_or_default();
            let number =
                reported["error"]["code"].as_u64().and_then(|code| u32::try_from(code).ok());
            let status = number.map(status_of).filter(|status| *status != 502);
            let status = status.unwrap_or_else(|| error_status(&error.message));
            StreamError::Upstream { status, error }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests;
