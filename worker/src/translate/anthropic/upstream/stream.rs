//! Translates an Anthropic stream into an OpenAI stream.
//!
//! | Anthropic event | OpenAI chunk |
//! | --- | --- |
//! | `message_start` | the role |
//! | `content_block_start` of `tool_use` | a call's id and name |
//! | `text_delta` | `content` |
//! | `thinking_delta` | `reasoning_content` |
//! | `input_json_delta` | a call's `arguments` |
//! | `content_block_stop` of a call without arguments | `{}` as its `arguments`, which clients parse |
//! | `message_delta` | `finish_reason` |
//! | `message_stop` | the usage, where asked for, and `[DONE]` |
//! | `ping` | the comment `: ping`: a client that is gone is noticed only when something is sent |
//! | `error` | none: [`StreamError::Upstream`] |
//!
//! Signatures, citations and unknown events are skipped.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::error::shown;
use crate::translate::anthropic::stop;
use crate::translate::shared::chunk::{ChunkWriter, DONE};
use crate::translate::shared::error_body::error_in_stream;
use crate::translate::shared::stream_error::{StreamError, event_json};
use crate::wire::sse::Event;
use crate::wire::usage::Usage;

/// The comment that keeps a connection alive; clients skip it.
const PING: &str = ": ping\n\n";

/// Translates the events of one answer, in their order.
#[derive(Debug)]
pub(crate) struct MessageStream {
    writer: ChunkWriter,
    started: bool,
    /// The open blocks by Anthropic's index.
    blocks: BTreeMap<u64, Block>,
    calls: u64,
    usage: Map<String, Value>,
    finish_sent: bool,
    /// Whether a `message_delta` has told the output tokens; those of `message_start` are its first ones.
    output_told: bool,
    finished: bool,
}

#[derive(Debug)]
enum Block {
    /// A tool call: its index among the calls, its initial input, and whether more input arrived.
    Call {
        index: u64,
        input: Value,
        written: bool,
    },
    Other,
}

impl MessageStream {
    /// Starts a stream to a client; `created` is in seconds since 1970, `include_usage` is that of the
    /// request's `stream_options`.
    pub(crate) fn new(created: u64, include_usage: bool) -> Self {
        let (id, model) = (String::new(), String::new());
        Self {
            writer: ChunkWriter { id, model, created, include_usage },
            started: false,
            blocks: BTreeMap::new(),
            calls: 0,
            usage: Map::new(),
            finish_sent: false,
            output_told: false,
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
        let data = event_json(event)?;
        let kind = data["type"].as_str().or(event.name.as_deref()).unwrap_or_default();
        match kind {
            "message_start" => self.start(&data["message"]),
            "error" => Err(error_in_stream(&data)),
            "content_block_start"
            | "content_block_delta"
            | "content_block_stop"
            | "message_delta"
            | "message_stop"
                if !self.started =>
            {
                Err(StreamError::malformed(kind, "it first", "\"message_start\" before it"))
            }
            "content_block_start" => self.open(&data),
            "content_block_delta" => self.translate_delta(&data),
            "content_block_stop" => self.close(&data),
            "message_delta" => Ok(self.end_message(&data)),
            "message_stop" => Ok(self.stop()),
            "ping" => Ok(vec![PING.to_owned()]),
            _ => Ok(vec![]),
        }
    }

    /// Whether the answer is complete.
    pub(crate) fn finished(&self) -> bool {
        self.finished
    }

    /// Whether the usage of the whole answer has arrived.
    pub(crate) fn usage_is_final(&self) -> bool {
        self.finish_sent && self.output_told
    }

    /// The token usage reported so far.
    pub(crate) fn usage(&self) -> Option<Usage> {
        ["input_tokens", "output_tokens"].iter().find(|key| self.usage.contains_key(**key))?;
        let mut usage = self.usage.clone();
        usage.entry("input_tokens").or_insert_with(|| 0.into());
        Usage::from_anthropic(&Value::Object(usage))
    }

    fn start(&mut self, message: &Value) -> Result<Vec<String>, StreamError> {
        if self.started {
            return Err(StreamError::malformed("message_start", "a second one", "one"));
        }
        let string = |key: &str| {
            message[key].as_str().map(str::to_owned).ok_or_else(|| {
                let found = format!("message.{key} {}", shown(&message[key]));
                StreamError::malformed("message_start", found, "a string")
            })
        };
        self.writer.id = string("id")?;
        self.writer.model = string("model")?;
        self.started = true;
        self.store_usage(&message["usage"]);
        Ok(vec![self.writer.delta(json!({"role": "assistant", "content": "", "refusal": null}))])
    }

    fn open(&mut self, data: &Value) -> Result<Vec<String>, StreamError> {
        const EVENT: &str = "content_block_start";
        let at = index(data, EVENT)?;
        let block = &data["content_block"];
        let (opened, delta) = match field(block, "type", EVENT)? {
            "tool_use" => {
                let (id, name) = (field(block, "id", EVENT)?, field(block, "name", EVENT)?);
                let index = self.calls;
                self.calls += 1;
                let function = json!({"name": name, "arguments": ""});
                let call =
                    json!({"index": index, "id": id, "type": "function", "function": function});
                let input = block["input"].clone();
                let opened = Block::Call { index, input, written: false };
                (opened, Some(json!({"tool_calls": [call]})))
            }
            "text" => (Block::Other, text_delta("content", &block["text"])),
            "thinking" => (Block::Other, text_delta("reasoning_content", &block["thinking"])),
            _ => (Block::Other, None),
        };
        if self.blocks.insert(at, opened).is_some() {
            let found = format!("block {at}, which is open");
            return Err(StreamError::malformed(EVENT, found, "a new index"));
        }
        Ok(delta.map(|delta| self.writer.delta(delta)).into_iter().collect())
    }

    fn translate_delta(&mut self, data: &Value) -> Result<Vec<String>, StreamError> {
        const EVENT: &str = "content_block_delta";
        let at = index(data, EVENT)?;
        let Some(block) = self.blocks.get_mut(&at) else {
            let found = format!("block {at}, which is not open");
            return Err(StreamError::malformed(EVENT, found, "an open block's index"));
        };
        let delta = &data["delta"];
        let sent = match (field(delta, "type", EVENT)?, block) {
            ("text_delta", _) => json!({"content": field(delta, "text", EVENT)?}),
            ("thinking_delta", _) => {
                json!({"reasoning_content": field(delta, "thinking", EVENT)?})
            }
            ("input_json_delta", Block::Call { index, written, .. }) => {
                let json = field(delta, "partial_json", EVENT)?;
                if json.is_empty() {
                    return Ok(vec![]);
                }
                *written = true;
                arguments(*index, json)
            }
            _ => return Ok(vec![]),
        };
        Ok(vec![self.writer.delta(sent)])
    }

    fn close(&mut self, data: &Value) -> Result<Vec<String>, StreamError> {
        const EVENT: &str = "content_block_stop";
        let at = index(data, EVENT)?;
        match self.blocks.remove(&at) {
            Some(Block::Call { index, input, written: false }) => {
                let input = if input.is_object() { input.to_string() } else { "{}".to_owned() };
                Ok(vec![self.writer.delta(arguments(index, &input))])
            }
            Some(_) => Ok(vec![]),
            None => {
                let found = format!("block {at}, which is not open");
                Err(StreamError::malformed(EVENT, found, "an open block's index"))
            }
        }
    }

    fn end_message(&mut self, data: &Value) -> Vec<String> {
        self.store_usage(&data["usage"]);
        self.output_told |= data["usage"]["output_tokens"].is_u64();
        match data["delta"]["stop_reason"].as_str() {
            Some(reason) if !self.finish_sent => {
                self.finish_sent = true;
                vec![self.writer.finish(stop::to_finish(Some(reason)))]
            }
            _ => vec![],
        }
    }

    fn stop(&mut self) -> Vec<String> {
        self.finished = true;
        let finish = (!self.finish_sent).then(|| self.writer.finish(stop::to_finish(None)));
        finish.into_iter().chain(self.writer.usage(self.usage())).chain([DONE.to_owned()]).collect()
    }

    /// Stores the usage. Its counts are running totals, so a later one replaces an earlier one.
    fn store_usage(&mut self, usage: &Value) {
        let counts = usage.as_object().into_iter().flatten().filter(|(_, count)| count.is_u64());
        self.usage.extend(counts.map(|(name, count)| (name.clone(), count.clone())));
    }
}

fn arguments(index: u64, json: &str) -> Value {
    json!({"tool_calls": [{"index": index, "function": {"arguments": json}}]})
}

fn text_delta(field: &str, text: &Value) -> Option<Value> {
    let text = text.as_str().filter(|text| !text.is_empty())?;
    Some(json!({field: text}))
}

fn index(data: &Value, event: &str) -> Result<u64, StreamError> {
    let found = &data["index"];
    found
        .as_u64()
        .ok_or_else(|| StreamError::malformed(event, format!("index {}", shown(found)), "a number"))
}

fn field<'a>(value: &'a Value, key: &str, event: &str) -> Result<&'a str, StreamError> {
    let found = &value[key];
    found
        .as_str()
        .ok_or_else(|| StreamError::malformed(event, format!("{key} {}", shown(found)), "a string"))
}

#[cfg(test)]
mod tests;
