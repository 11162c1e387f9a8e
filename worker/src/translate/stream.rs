//! Translates a streamed answer for the client, chunk by chunk.
//!
//! ```text
//! bytes -> events -> (translated events, or the events' own bytes) -> bytes
//! ```
//! Between equal APIs only complete events are passed on, so that an error event never continues a half-sent
//! one; the last chunk with the usage is left out if only the gateway asked for it.
//!
//! It reads from the events the token usage, the end marker and errors reported by the upstream, and so
//! distinguishes a stream that ended from one that broke off.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::anthropic::client::stream::ChunkStream;
use super::anthropic::signature::tagged_event;
use super::anthropic::upstream::stream::MessageStream;
use super::call::{ApiPair, usage};
use super::response_ids;
use super::shared::answer_defaults::AnswerDefaults;
use super::shared::error_body::{error_in_stream, error_to_anthropic};
use super::shared::stream_error::StreamError;
use super::tool_names::ToolNames;
use super::workers_ai::AnswerStream;
use crate::config::Api;
use crate::error::GatewayError;
use crate::request::endpoint::Dialect;
use crate::wire::answer::AnswerContent;
use crate::wire::json_bounds;
use crate::wire::output_text::OutputText;
use crate::wire::sse::{self, EVENT_LIMIT, Event, Parser, RESPONSES_EVENT_LIMIT};
use crate::wire::usage::{Received, Usage};

/// What a client gets for bytes of the upstream that translate to nothing.
const KEEP_ALIVE: &[u8] = b": ping\n\n";
/// The most choices of an answer that are told apart.
const MAX_CHOICES: usize = 256;
/// The most bytes of a `usage` object that are read.
const MAX_USAGE_BYTES: usize = 16 << 10;

/// A stream between an upstream and a client.
#[derive(Debug)]
pub(crate) struct StreamTranslator {
    apis: ApiPair,
    parser: Parser,
    upstream: Upstream,
    to_messages: Option<ChunkStream>,
    content: Option<AnswerContent>,
    events: u64,
    output: OutputText,
    /// Bytes of an unfinished block between equal APIs, and where in the stream they begin.
    held: Vec<u8>,
    held_from: usize,
    /// Whether the last chunk with the usage is left out.
    drop_usage: bool,
    /// The tag of signatures or ids that are passed on.
    tag: Option<String>,
    tool_names: ToolNames,
}

/// What a chunk became.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Translated {
    /// The bytes for the client.
    pub(crate) bytes: Vec<u8>,
    /// Why the stream breaks off after these bytes.
    pub(crate) failure: Option<StreamFailure>,
}

/// The upstream's kind of events, with the state of reading them.
#[derive(Debug)]
enum Upstream {
    /// OpenAI's chunks, or its response events.
    Plain(PlainStream),
    /// Anthropic's events.
    Messages(Box<MessageStream>),
    /// Those of the binding `AI`.
    WorkersAi(Box<AnswerStream>),
}

/// Events that are passed on unchanged.
#[derive(Debug)]
struct PlainStream {
    dialect: Dialect,
    usage: Option<Usage>,
    finished: bool,
    done: bool,
    /// Whether the usage came with the end of the last choice or after it.
    usage_is_final: bool,
    /// The choices that have begun, and whether each has ended.
    choices: BTreeMap<u64, bool>,
    /// Whether the last event holds the usage alone.
    usage_alone: bool,
}

/// Why a stream broke off.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StreamFailure {
    /// A message for people.
    pub(crate) detail: String,
    /// The HTTP status of this error if no byte has been sent yet.
    pub(crate) status: u16,
}

/// The arguments of [`StreamTranslator::new`].
pub(crate) struct StreamOptions<'a> {
    /// The two APIs.
    pub(crate) apis: ApiPair,
    /// The model that answers.
    pub(crate) model: &'a str,
    /// The request's id, from which that of an answer without one is made.
    pub(crate) id: &'a str,
    /// Seconds since 1970.
    pub(crate) created: u64,
    /// Whether the client asked for usage in a last chunk.
    pub(crate) include_usage: bool,
    /// Whether the gateway asked the upstream for usage that the client did not ask for.
    pub(crate) drop_usage: bool,
    /// Whether to keep the answer for the cascade's check.
    pub(crate) checked: bool,
    /// The tag of thinking or ids that the client gets, see [`ApiPair::tag`].
    pub(crate) tag: Option<&'a str>,
    /// The names of tools that were changed for the upstream.
    pub(crate) tool_names: &'a ToolNames,
}

impl StreamTranslator {
    /// Starts before the first chunk.
    pub(crate) fn new(options: &StreamOptions<'_>) -> Self {
        let &StreamOptions { apis, model, created, include_usage, .. } = options;
        let id = apis.answer_id(options.id);
        let defaults = AnswerDefaults { id: &id, model, created };
        let upstream = match apis.api {
            Api::Anthropic => {
                Upstream::Messages(Box::new(MessageStream::new(&defaults, include_usage)))
            }
            Api::WorkersAi => Upstream::WorkersAi(Box::new(AnswerStream::new(
                &defaults,
                // Anthropic's events always include the usage.
                include_usage || apis.client == Dialect::Messages,
            ))),
            Api::Openai => Upstream::Plain(PlainStream {
                dialect: apis.upstream,
                usage: None,
                finished: false,
                done: false,
                usage_is_final: false,
                choices: BTreeMap::new(),
                usage_alone: false,
            }),
        };
        let limit = match apis.upstream {
            Dialect::Responses => RESPONSES_EVENT_LIMIT,
            _ => EVENT_LIMIT,
        };
        let to_messages = apis.client == Dialect::Messages && apis.upstream == Dialect::Chat;
        Self {
            apis,
            parser: Parser::with_limit(limit),
            upstream,
            to_messages: to_messages.then(|| ChunkStream::new(&defaults, options.tag)),
            content: options.checked.then(AnswerContent::default),
            events: 0,
            output: OutputText::default(),
            held: Vec::new(),
            held_from: 0,
            tag: options.tag.map(str::to_owned),
            tool_names: options.tool_names.clone(),
            drop_usage: options.drop_usage && apis.is_plain() && is_chunked(apis.upstream),
        }
    }

    /// Reads a chunk of the upstream's and returns the bytes for the client: those of complete events up
    /// to a failure, if there is one.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Translated {
        let plain = self.apis.is_plain();
        if plain {
            self.held.extend_from_slice(bytes);
        }
        let block_end = self.parser.block_end();
        let mut events = match self.parser.push(bytes) {
            Ok(events) => events,
            Err(error) => {
                return Translated::failed(vec![], StreamFailure::new(error.to_string(), 502));
            }
        };
        events.iter_mut().for_each(|event| self.tool_names.restore_event(&mut event.data));
        let ranges = self.parser.ranges().to_vec();
        let (mut sent, mut failure) = (Vec::new(), None);
        for (event, range) in events.iter().zip(ranges) {
            self.events += 1;
            match self.read(event) {
                Ok(_) if plain => match self.replaced(event) {
                    Some(text) => {
                        sent.extend(self.released(range.start));
                        self.released(range.end);
                        sent.extend_from_slice(text.as_bytes());
                    }
                    None => sent.extend(self.released(range.end)),
                },
                Ok(texts) => texts.iter().for_each(|text| sent.extend_from_slice(text.as_bytes())),
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        if plain && failure.is_none() {
            sent.extend(self.released(self.parser.block_end()));
        }
        // A client that is gone is only noticed by writing to it.
        let comments = self.parser.block_end() > block_end && sent.is_empty();
        if !plain && self.events > 0 && comments && failure.is_none() {
            sent.extend_from_slice(KEEP_ALIVE);
        }
        Translated { bytes: sent, failure }
    }

    /// What stands in the place of an event between equal APIs; none if its bytes are passed on.
    fn replaced(&self, event: &Event) -> Option<String> {
        if self.drop_usage && matches!(&self.upstream, Upstream::Plain(plain) if plain.usage_alone)
        {
            return Some(String::new());
        }
        let tag = self.tag.as_deref()?;
        let data = match self.apis.client {
            Dialect::Responses => response_ids::tagged_event(&event.data, tag)?,
            _ => tagged_event(&event.data, tag)?,
        };
        Some(sse::event(event.name.as_deref(), &data))
    }

    /// Takes the held bytes up to a position of the stream.
    fn released(&mut self, to: usize) -> Vec<u8> {
        let count = to.saturating_sub(self.held_from).min(self.held.len());
        self.held_from += count;
        if count == self.held.len() {
            return std::mem::take(&mut self.held);
        }
        let rest = self.held.split_off(count);
        std::mem::replace(&mut self.held, rest)
    }

    /// Ends the upstream's stream and returns the last bytes for the client.
    ///
    /// # Errors
    /// [`StreamFailure`] if the answer is incomplete.
    pub(crate) fn end(&mut self) -> Result<Vec<u8>, StreamFailure> {
        let cut = |expected: &str| {
            StreamFailure::new(
                format!("the upstream's stream ended early: expected {expected}"),
                502,
            )
        };
        if self.parser.pending() {
            return Err(cut("the rest of an event"));
        }
        let mut last = match &mut self.upstream {
            Upstream::Plain(stream) if stream.finished => vec![],
            Upstream::Plain(_) => return Err(cut("[DONE] or a finish_reason")),
            Upstream::Messages(stream) if stream.finished() => vec![],
            Upstream::Messages(_) => return Err(cut("message_stop")),
            Upstream::WorkersAi(stream) => stream.end().map_err(StreamFailure::from)?,
        };
        if let Some(stream) = &mut self.to_messages {
            last = translate_chunks(stream, &last)?;
            last.extend(stream.end().map_err(StreamFailure::from)?);
        }
        Ok(last.concat().into_bytes())
    }

    /// Whether an event has arrived.
    pub(crate) fn has_begun(&self) -> bool {
        self.events > 0
    }

    /// Whether the answer is complete, so that nothing more needs to be read.
    pub(crate) fn is_finished(&self) -> bool {
        match &self.upstream {
            Upstream::Plain(stream) => stream.done,
            Upstream::Messages(stream) => stream.finished(),
            Upstream::WorkersAi(stream) => stream.finished(),
        }
    }

    /// The usage of what has arrived.
    pub(crate) fn received(&self) -> Received {
        let (usage, is_final) = match &self.upstream {
            Upstream::Plain(stream) => (stream.usage, stream.usage_is_final),
            Upstream::Messages(stream) => (stream.usage(), stream.usage_is_final()),
            Upstream::WorkersAi(stream) => (stream.usage(), stream.usage_is_final()),
        };
        Received { usage, is_final, output_tokens: self.output.tokens() }
    }

    /// Takes the answer so far, and keeps it no longer.
    pub(crate) fn take_content(&mut self) -> AnswerContent {
        self.content.take().unwrap_or_default()
    }

    /// The event that tells the client of an error, to be sent last.
    pub(crate) fn error_event(&self, error: &GatewayError) -> Vec<u8> {
        let body = error.body();
        let event = match self.apis.client {
            Dialect::Messages => {
                let (_, body) = error_to_anthropic(error.status(), &body);
                sse::event(Some("error"), &body.to_string())
            }
            Dialect::Responses => {
                let mut event = body["error"].clone();
                event["type"] = "error".into();
                sse::event(Some("error"), &event.to_string())
            }
            _ => sse::event(None, &body.to_string()),
        };
        event.into_bytes()
    }

    /// Reads an upstream event and returns the translated events; none if the APIs are the same.
    fn read(&mut self, event: &Event) -> Result<Vec<String>, StreamFailure> {
        self.count(event);
        let chunks = match &mut self.upstream {
            Upstream::Plain(stream) => {
                stream.push(event)?;
                if let Some(content) = &mut self.content
                    && let Ok(chunk) = json_bounds::parse_tree(event.data.as_bytes())
                {
                    content.add_event(&chunk);
                }
                return match &mut self.to_messages {
                    Some(stream) => Ok(stream.push(event)?),
                    None => Ok(vec![]),
                };
            }
            Upstream::Messages(stream) => stream.push(event)?,
            Upstream::WorkersAi(stream) => stream.push(event)?,
        };
        if let Some(content) = &mut self.content {
            for chunk in chunks.iter().filter_map(|chunk| serde_json::from_str(data(chunk)).ok()) {
                content.add_event(&chunk);
            }
        }
        match &mut self.to_messages {
            Some(stream) => translate_chunks(stream, &chunks),
            None => Ok(chunks),
        }
    }

    /// Counts the text of an event. The Responses API repeats it in further events.
    fn count(&mut self, event: &Event) {
        let counts = match self.apis.upstream {
            Dialect::Responses => event.name.as_deref().is_none_or(|name| name.ends_with(".delta")),
            _ => event.data.trim() != "[DONE]",
        };
        if counts {
            self.output.add(event.data.as_bytes());
        }
    }
}

impl Translated {
    fn failed(bytes: Vec<u8>, failure: StreamFailure) -> Self {
        Self { bytes, failure: Some(failure) }
    }
}

/// The fields of an event that are read where it is passed on; the others take no memory.
#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    choices: Option<Vec<Choice<'a>>>,
    #[serde(borrow)]
    response: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    index: u64,
    #[serde(borrow)]
    finish_reason: Option<&'a RawValue>,
}

impl PlainStream {
    /// Reads an event; one that is not JSON is ignored.
    fn push(&mut self, event: &Event) -> Result<(), StreamFailure> {
        self.usage_alone = false;
        if event.data.trim() == "[DONE]" {
            (self.finished, self.done) = (true, true);
            return Ok(());
        }
        let Ok(chunk) = serde_json::from_str::<Chunk<'_>>(&event.data) else { return Ok(()) };
        let kind = chunk.kind.map_or("", |kind| kind.get().trim_matches('"'));
        let responses = self.dialect == Dialect::Responses;
        if kind == "error" || (chunk.error.is_some() && !responses) {
            let error = json_bounds::parse_tree(event.data.as_bytes()).unwrap_or_default();
            return Err(error_in_stream(&error).into());
        }
        let response = chunk.response.filter(|_| responses);
        let response = response.and_then(|json| serde_json::from_str::<Chunk<'_>>(json.get()).ok());
        let told = if responses { response.and_then(|answer| answer.usage) } else { chunk.usage };
        let told = told.filter(|usage| usage.get().len() <= MAX_USAGE_BYTES);
        let told = told.and_then(|told| {
            usage(self.dialect, &json_bounds::parse_tree(told.get().as_bytes()).ok()?)
        });
        let last = ["response.completed", "response.incomplete", "response.failed"];
        self.finished |= responses && last.contains(&kind);
        self.done |= responses && self.finished;
        self.usage_alone =
            chunk.usage.is_some() && chunk.choices.as_ref().is_some_and(Vec::is_empty);
        let choices = chunk.choices.unwrap_or_default();
        for choice in &choices {
            // Some upstreams send an empty text until the end.
            let ended = choice.finish_reason.is_some_and(|reason| {
                reason.get().starts_with('"') && !reason.get().trim_matches(['"', ' ']).is_empty()
            });
            self.finished |= ended && !responses;
            if self.choices.len() < MAX_CHOICES || self.choices.contains_key(&choice.index) {
                *self.choices.entry(choice.index).or_default() |= ended;
            }
        }
        let all_ended = self.choices.values().all(|ended| *ended);
        let complete = self.finished && (choices.is_empty() || all_ended);
        self.usage_is_final |= complete && told.is_some();
        self.usage = match (self.usage, told) {
            (Some(known), Some(told)) if !self.usage_is_final => Some(known.max(told)),
            (known, told) => told.or(known),
        };
        Ok(())
    }
}

/// Whether streams of this API are OpenAI's chunks.
fn is_chunked(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::Chat | Dialect::Completions)
}

impl StreamFailure {
    fn new(detail: String, status: u16) -> Self {
        Self { detail, status }
    }
}

impl From<StreamError> for StreamFailure {
    fn from(error: StreamError) -> Self {
        Self::new(error.to_string(), error.status())
    }
}

/// The data of a chunk that is already written as an event.
fn data(chunk: &str) -> &str {
    chunk.strip_prefix("data: ").unwrap_or(chunk).trim_end()
}

/// Translates written chunks into Anthropic's events.
fn translate_chunks(
    stream: &mut ChunkStream,
    chunks: &[String],
) -> Result<Vec<String>, StreamFailure> {
    let mut events = Vec::new();
    for chunk in chunks {
        let event = Event { name: None, data: data(chunk).to_owned() };
        events.extend(stream.push(&event)?);
    }
    Ok(events)
}

#[cfg(test)]
mod tests;
