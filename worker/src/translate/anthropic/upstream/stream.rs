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
//! | `message_delta` | the explanation of a refusal as `refusal`, `finish_reason` |
//! | `message_stop` | the usage, where asked for, and `[DONE]` |
//! | `ping` | the comment `: ping`: a client that is gone is noticed only when something is sent |
//! | an error | none: [`StreamError::Upstream`] |
//!
//! Signatures, citations and unknown events are skipped. An event that only frames others may be missing.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::error::shown;
use crate::translate::anthropic::stop;
use crate::translate::shared::answer_defaults::{AnswerDefaults, MadeIds};
use crate::translate::shared::chunk::{ChunkWriter, DONE};
use crate::translate::shared::error_body::error_in_stream;
use crate::translate::shared::event_json::event_json;
use crate::translate::shared::stream_error::StreamError;
use crate::wire::json_tree;
use crate::wire::sse::Event;
use crate::wire::surrogates::Halves;
use crate::wire::usage::Usage;

/// The comment that keeps a connection alive; clients skip it.
const PING: &str = ": ping\n\n";

/// The most calls of an answer, and the most blocks that are open at once.
const MAX_CALLS: usize = 256;
/// The most bytes of the initial inputs of the calls that are open.
const MAX_INPUT_BYTES: usize = 4 << 20;

/// Translates the events of one answer, in their order.
#[derive(Debug)]
pub(crate) struct MessageStream {
    writer: ChunkWriter,
    started: bool,
    /// The open blocks by Anthropic's index.
    blocks: BTreeMap<u64, Block>,
    calls: usize,
    /// The bytes of the open calls' initial inputs.
    input_bytes: usize,
    ids: MadeIds,
    usage: Map<String, Value>,
    finish_sent: bool,
    /// Whether a `message_delta` has told the output tokens; those of `message_start` are its first ones.
    output_told: bool,
    finished: bool,
}

#[derive(Debug, Default)]
struct Block {
    call: Option<Call>,
    /// The chunk's field for its text.
    field: Option<&'static str>,
    halves: Halves,
}

/// A tool call's block.
#[derive(Debug)]
struct Call {
    /// Its index among the calls.
    index: usize,
    /// Its initial input, as JSON.
    input: String,
    /// Whether more input arrived.
    written: bool,
}

impl MessageStream {
    /// Starts a stream to a client; `include_usage` is that of the request's `stream_options`.
    pub(crate) fn new(defaults: &AnswerDefaults<'_>, include_usage: bool) -> Self {
        let AnswerDefaults { id, model, created } = *defaults;
        let (id, model) = (id.to_owned(), model.to_owned());
        Self {
            writer: ChunkWriter { id, model, created, include_usage },
            started: false,
            blocks: BTreeMap::new(),
            calls: 0,
            input_bytes: 0,
            ids: MadeIds::default(),
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
        let (data, marked) = event_json(event)?;
        let kind = data["type"].as_str().or(event.name.as_deref()).unwrap_or_default();
        match kind {
            "message_start" => self.start(&data["message"]),
            "error" => Err(error_in_stream(&data)),
            "message_delta" | "message_stop" if !self.started => {
                Err(StreamError::malformed(kind, "it first", "an answer before it"))
            }
            // Some servers send an answer without `message_start`.
            "content_block_start" | "content_block_delta" if !self.started => {
                let mut sent = self.start(&json!({}))?;
                sent.extend(self.push(event)?);
                Ok(sent)
            }
            "content_block_start" => self.open(&data, marked),
            "content_block_delta" => self.translate_delta(&data, marked),
            "content_block_stop" => Ok(self.close(index(&data, kind)?)),
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
        if !message.is_object() {
            let found = format!("message {}", shown(message));
            return Err(StreamError::malformed("message_start", found, "an object"));
        }
        let ChunkWriter { id, model, created, .. } = &self.writer;
        let defaults = AnswerDefaults { id, model, created: *created };
        self.ids = defaults.call_ids("call", &message.to_string());
        (self.writer.id, self.writer.model) = (defaults.id_of(message), defaults.model_of(message));
        self.started = true;
        self.store_usage(&message["usage"]);
        Ok(vec![self.writer.delta(json!({"role": "assistant", "content": "", "refusal": null}))])
    }

    fn open(&mut self, data: &Value, marked: bool) -> Result<Vec<String>, StreamError> {
        const EVENT: &str = "content_block_start";
        let at = index(data, EVENT)?;
        let block = &data["content_block"];
        let too_many = self.calls >= MAX_CALLS || self.blocks.len() >= MAX_CALLS;
        if too_many || self.input_bytes > MAX_INPUT_BYTES {
            let found = format!(
                "more than {MAX_CALLS} calls or open blocks, or {MAX_INPUT_BYTES} bytes of input"
            );
            return Err(StreamError::malformed(EVENT, found, "fewer"));
        }
        // Some servers leave the end of a block out.
        let mut sent = self.close(at);
        let mut opened = Block::default();
        let delta = match field(block, "type", EVENT)? {
            "tool_use" => {
                let name = field(block, "name", EVENT)?;
                let index = self.calls;
                self.calls += 1;
                let id = self.ids.unique(block["id"].as_str().unwrap_or_default(), index);
                let function = json!({"name": name, "arguments": ""});
                let call =
                    json!({"index": index, "id": id, "type": "function", "function": function});
                let input = match block["input"].is_object() {
                    true => json_tree::to_text(&block["input"]),
                    false => "{}".to_owned(),
                };
                self.input_bytes += input.len();
                opened.call = Some(Call { index, input, written: false });
                Some(json!({"tool_calls": [call]}))
            }
            "text" => opened.begin("content", &block["text"], marked),
            "thinking" => opened.begin("reasoning_content", &block["thinking"], marked),
            _ => None,
        };
        self.blocks.insert(at, opened);
        sent.extend(delta.map(|delta| self.writer.delta(delta)));
        Ok(sent)
    }

    fn translate_delta(&mut self, data: &Value, marked: bool) -> Result<Vec<String>, StreamError> {
        const EVENT: &str = "content_block_delta";
        let at = index(data, EVENT)?;
        let delta = &data["delta"];
        let begins = matches!(delta["type"].as_str(), Some("text_delta" | "thinking_delta"));
        if begins && self.blocks.len() < MAX_CALLS {
            // Some servers leave the beginning of a block of text out.
            self.blocks.entry(at).or_default();
        }
        let Some(block) = self.blocks.get_mut(&at) else {
            let found = format!("block {at}, which is not open");
            return Err(StreamError::malformed(EVENT, found, "an open block's index"));
        };
        let (name, text) = match (field(delta, "type", EVENT)?, &block.call) {
            ("text_delta", _) => ("content", field(delta, "text", EVENT)?),
            ("thinking_delta", _) => ("reasoning_content", field(delta, "thinking", EVENT)?),
            ("input_json_delta", Some(_)) => ("arguments", field(delta, "partial_json", EVENT)?),
            _ => return Ok(vec![]),
        };
        block.field = Some(name);
        let text = block.halves.join(text, marked);
        Ok(block.piece(&text).map(|delta| self.writer.delta(delta)).into_iter().collect())
    }

    /// Ends a block, if it is open.
    fn close(&mut self, at: u64) -> Vec<String> {
        let Some(mut block) = self.blocks.remove(&at) else { return vec![] };
        let rest = block.halves.rest();
        let mut deltas: Vec<Value> = block.piece(rest).into_iter().collect();
        if let Some(Call { index, input, written }) = block.call {
            self.input_bytes -= input.len();
            if !written {
                deltas.push(arguments(index, &input));
            }
        }
        deltas.into_iter().map(|delta| self.writer.delta(delta)).collect()
    }

    fn close_all(&mut self) -> Vec<String> {
        let open: Vec<u64> = self.blocks.keys().copied().collect();
        open.into_iter().flat_map(|at| self.close(at)).collect()
    }

    fn end_message(&mut self, data: &Value) -> Vec<String> {
        self.store_usage(&data["usage"]);
        self.output_told |= data["usage"]["output_tokens"].is_u64();
        let delta = &data["delta"];
        match delta["stop_reason"].as_str().filter(|reason| !reason.is_empty()) {
            Some(reason) if !self.finish_sent => {
                self.finish_sent = true;
                let mut sent = self.close_all();
                let refusal = text_delta("refusal", &delta["stop_details"]["explanation"]);
                sent.extend(refusal.map(|delta| self.writer.delta(delta)));
                sent.push(self.writer.finish(stop::to_finish(Some(reason), self.calls > 0)));
                sent
            }
            _ => vec![],
        }
    }

    fn stop(&mut self) -> Vec<String> {
        self.finished = true;
        let mut sent = self.close_all();
        if !self.finish_sent {
            sent.push(self.writer.finish(stop::to_finish(None, self.calls > 0)));
        }
        sent.extend(self.writer.usage(self.usage()));
        sent.push(DONE.to_owned());
        sent
    }

    /// Stores the usage. Its counts are running totals, so a later one replaces an earlier one.
    fn store_usage(&mut self, usage: &Value) {
        let counts = usage.as_object().into_iter().flatten().filter(|(_, count)| count.is_u64());
        self.usage.extend(counts.map(|(name, count)| (name.clone(), count.clone())));
    }
}

impl Block {
    /// The piece of the message with the text that the block begins with.
    fn begin(&mut self, field: &'static str, text: &Value, marked: bool) -> Option<Value> {
        self.field = Some(field);
        let text = self.halves.join(text.as_str().unwrap_or_default(), marked);
        self.piece(&text)
    }

    /// A piece of the message with a further text of the block.
    fn piece(&mut self, text: &str) -> Option<Value> {
        let field = self.field.filter(|_| !text.is_empty())?;
        Some(match self.call.as_mut().filter(|_| field == "arguments") {
            Some(call) => {
                call.written = true;
                arguments(call.index, text)
            }
            None => json!({field: text}),
        })
    }
}

fn arguments(index: usize, json: &str) -> Value {
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
