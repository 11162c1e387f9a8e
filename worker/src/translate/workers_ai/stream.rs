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

use super::answer::{add_missing_fields, call, call_id, text};
use super::error::{error_status, status_of};
use crate::error::shown;
use crate::translate::shared::chunk::{ChunkWriter, DONE};
use crate::translate::shared::error_body::error_in_stream;
use crate::translate::shared::stream_error::{StreamError, event_json};
use crate::wire::sse::{self, Event};
use crate::wire::usage::Usage;

/// Translates the events of one answer, in their order.
#[derive(Debug)]
pub(crate) struct AnswerStream {
    writer: ChunkWriter,
    /// Whether an event of either shape has arrived.
    started: bool,
    role_sent: bool,
    calls: usize,
    finish_reason: Option<String>,
    finish_sent: bool,
    usage: Option<Usage>,
    usage_sent: bool,
    finished: bool,
}

impl AnswerStream {
    /// Starts a stream to a client: the host makes the `id`, `created` is in seconds since 1970 and
    /// `include_usage` is that of the request's `stream_options`.
    pub(crate) fn new(id: &str, model: &str, created: u64, include_usage: bool) -> Self {
        let (id, model) = (id.to_owned(), model.to_owned());
        Self {
            writer: ChunkWriter { id, model, created, include_usage },
            started: false,
            role_sent: false,
            calls: 0,
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
                true => Ok(self.finish()),
                false => Err(StreamError::malformed(
                    "[DONE]",
                    "it as the first event",
                    "an answer before it",
                )),
            };
        }
        let data = event_json(event)?;
        if !data["error"].is_null() {
            return Err(error(&data));
        }
        if let Some(first) = data["errors"].get(0) {
            return Err(error(&json!({"error": first})));
        }
        let usage = Usage::from_chat(&data["usage"]);
        self.usage = usage.or(self.usage);
        match data {
            Value::Object(chunk) if chunk.contains_key("choices") => self.openai(chunk),
            data => self.classic(&data),
        }
    }

    /// Ends the stream at the end of the body, for a model that sends no `[DONE]`.
    ///
    /// # Errors
    /// [`StreamError::Cut`] if the answer is incomplete.
    pub(crate) fn end(&mut self) -> Result<Vec<String>, StreamError> {
        match self.finished {
            true => Ok(vec![]),
            false if self.finish_reason.is_some() => Ok(self.finish()),
            false => Err(StreamError::Cut { expected: "\"[DONE]\"" }),
        }
    }

    /// Whether the answer is complete.
    pub(crate) fn finished(&self) -> bool {
        self.finished
    }

    /// Whether the usage of the whole answer has arrived.
    pub(crate) fn usage_is_final(&self) -> bool {
        self.usage.is_some() && (self.finished || self.finish_reason.is_some())
    }

    /// The token usage reported so far.
    pub(crate) fn usage(&self) -> Option<Usage> {
        self.usage
    }

    fn openai(&mut self, mut chunk: Map<String, Value>) -> Result<Vec<String>, StreamError> {
        self.started = true;
        let writer = &self.writer;
        add_missing_fields(
            &mut chunk,
            "chat.completion.chunk",
            &writer.model,
            &writer.id,
            writer.created,
        );
        chunk.remove("p");
        let Some(Value::Array(choices)) = chunk.get_mut("choices") else {
            let found = shown(chunk.get("choices").unwrap_or(&Value::Null));
            return Err(StreamError::malformed("choices", found, "a list"));
        };
        for choice in choices.iter_mut() {
            self.role_sent |= choice["delta"]["role"].is_string();
            if let Some(Value::Array(calls)) = choice.pointer_mut("/delta/tool_calls") {
                calls.retain(|call| !is_empty(call));
                self.calls += calls.len();
            }
            if let Some(reason) = choice["finish_reason"].as_str() {
                self.finish_reason = Some(reason.to_owned());
                self.finish_sent = true;
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
        Ok(vec![sse::event(None, &Value::Object(chunk).to_string())])
    }

    fn classic(&mut self, data: &Value) -> Result<Vec<String>, StreamError> {
        let mut sent = Vec::new();
        let has = |name: &str| data.get(name).is_some();
        self.started |= has("response") || has("tool_calls");
        let text = text(&data["response"]);
        if !text.is_empty() {
            self.role(&mut sent);
            sent.push(self.writer.delta(json!({"content": text})));
        }
        match &data["tool_calls"] {
            Value::Null => {}
            Value::Array(calls) => {
                for call in calls.iter().filter(|call| !is_empty(call)) {
                    self.role(&mut sent);
                    let piece = self.call(call)?;
                    sent.push(self.writer.delta(json!({"tool_calls": [piece]})));
                }
            }
            other => return Err(StreamError::malformed("tool_calls", shown(other), "a list")),
        }
        if let Some(reason) = data["finish_reason"].as_str() {
            self.finish_reason = Some(reason.to_owned());
        }
        Ok(sent)
    }

    /// Translates a complete call, its first piece, or a further piece of its arguments.
    fn call(&mut self, given: &Value) -> Result<Value, StreamError> {
        let index = given["index"].as_u64();
        let Some((name, arguments)) = call(given) else {
            let Some(index) = index.or(self.calls.checked_sub(1).map(|last| last as u64)) else {
                let found = "arguments without a call";
                return Err(StreamError::malformed("tool_calls", found, "the call's name first"));
            };
            let arguments = text(&given["function"]["arguments"]);
            return Ok(json!({"index": index, "function": {"arguments": arguments}}));
        };
        let id = call_id(given, self.calls, &self.writer.id);
        // A call with an index arrives in pieces; the first may have no arguments.
        let arguments = match index {
            Some(_) => text(&given["function"]["arguments"]),
            None => arguments,
        };
        let index = index.unwrap_or(self.calls as u64);
        self.calls += 1;
        let function = json!({"name": name, "arguments": arguments});
        Ok(json!({"index": index, "id": id, "type": "function", "function": function}))
    }

    fn role(&mut self, sent: &mut Vec<String>) {
        if !std::mem::replace(&mut self.role_sent, true) {
            let role = json!({"role": "assistant", "content": "", "refusal": null});
            sent.push(self.writer.delta(role));
        }
    }

    fn finish(&mut self) -> Vec<String> {
        self.finished = true;
        let mut sent = Vec::new();
        self.role(&mut sent);
        if !self.finish_sent {
            let reason = match self.finish_reason.as_deref() {
                _ if self.calls > 0 => "tool_calls",
                Some(reason) => reason,
                None => "stop",
            };
            sent.push(self.writer.finish(reason));
        }
        if !self.usage_sent {
            sent.extend(self.writer.usage(self.usage));
        }
        sent.push(DONE.to_owned());
        sent
    }
}

/// Whether a call has neither id nor name nor arguments; some models end their calls with such a one.
fn is_empty(call: &Value) -> bool {
    let function = if call["function"].is_object() { &call["function"] } else { call };
    [&call["id"], &function["name"], &function["arguments"]]
        .iter()
        .all(|field| field.is_null() || **field == "")
}

/// Reads an error event; Cloudflare's number, in `code` or in front of the message, gives the status.
fn error(data: &Value) -> StreamError {
    let found = error_in_stream(data);
    let number = data["error"]["code"].as_u64().and_then(|code| u32::try_from(code).ok());
    match found {
        StreamError::Upstream { status: 502, kind, message } => {
            let status = number.map(status_of).filter(|status| *status != 502);
            let status = status.unwrap_or_else(|| error_status(&message));
            StreamError::Upstream { status, kind, message }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests;
