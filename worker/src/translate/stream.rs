//! Translates a streamed answer for the client, chunk by chunk.
//!
//! ```text
//! bytes -> events -> (translated events, or the events' own bytes) -> bytes
//! ```
//! Between equal APIs only complete events are passed on, so that an error event never continues a half-sent
//! one; the last chunk with the usage is left out if only the gateway asked for it. An event that is longer than
//! an event may be, as one with a picture, passes on in parts: of its long strings only the beginning is kept.
//!
//! It reads from the events the token usage, the end marker and errors reported by the upstream, and so
//! distinguishes a stream that ended from one that broke off.

use std::ops::Range;

use super::anthropic::client::stream::ChunkStream;
use super::anthropic::signature::tagged_event;
use super::anthropic::upstream::stream::MessageStream;
use super::call::ApiPair;
use super::plain_stream::PlainStream;
use super::response_ids;
use super::shared::answer_defaults::AnswerDefaults;
use super::shared::error_body::{error_to_anthropic, error_to_openai};
use super::shared::stream_error::StreamFailure;
use super::tool_names::ToolNames;
use super::workers_ai::AnswerStream;
use crate::config::Api;
use crate::error::GatewayError;
use crate::request::endpoint::Dialect;
use crate::wire::answer::AnswerContent;
use crate::wire::json_tree;
use crate::wire::long_strings::KEPT_OF_STRINGS;
use crate::wire::output_text::OutputText;
use crate::wire::sse::{self, EVENT_LIMIT, Event, Parser, RESPONSES_EVENT_LIMIT};
use crate::wire::upstream_error::UpstreamError;
use crate::wire::usage::Received;

/// What keeps a client's connection alive: a comment, or Anthropic's event, which follows `message_start`.
const COMMENT: &[u8] = b": ping\n\n";
const PING: &[u8] = b"event: ping\ndata: {\"type\": \"ping\"}\n\n";

/// The longest text of a streamed answer that is kept to be compared, in bytes.
pub(crate) const MOST_COMPARED: usize = 64 << 10;

/// A stream between an upstream and a client.
#[derive(Debug)]
pub(crate) struct StreamTranslator {
    apis: ApiPair,
    parser: Parser,
    upstream: Upstream,
    to_messages: Option<ChunkStream>,
    content: Option<AnswerContent>,
    /// The most bytes of its text that are kept; a longer answer is kept no more.
    most_kept: usize,
    events: u64,
    /// The request's id.
    id: String,
    /// Whether the client got anything but what keeps its connection alive.
    spoken: bool,
    output: OutputText,
    /// Bytes of an unfinished block between equal APIs, and where in the stream they begin.
    held: Vec<u8>,
    held_from: usize,
    /// The most bytes that are held.
    limit: usize,
    /// Whether the beginning of the unfinished block was passed on, since it is longer than that.
    in_parts: bool,
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

/// The arguments of [`StreamTranslator::new`].
pub(crate) struct StreamOptions<'a> {
    /// The two APIs.
    pub(crate) apis: ApiPair,
    /// The model that answers.
    pub(crate) model: &'a str,
    /// A text that differs between answers, from which the id of an answer without one is made.
    pub(crate) id: &'a str,
    /// Seconds since 1970.
    pub(crate) created: u64,
    /// Whether the client asked for usage in a last chunk.
    pub(crate) include_usage: bool,
    /// Whether the gateway asked the upstream for usage that the client did not ask for.
    pub(crate) drop_usage: bool,
    /// Whether to keep the answer for the cascade's check.
    pub(crate) checked: bool,
    /// Whether to keep an answer of at most 64 KiB, to be compared with another model's.
    pub(crate) compared: bool,
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
            Api::Openai => Upstream::Plain(PlainStream::new(apis.upstream)),
        };
        let limit = match apis.upstream {
            Dialect::Responses => RESPONSES_EVENT_LIMIT,
            _ => EVENT_LIMIT,
        };
        let to_messages = apis.client == Dialect::Messages && apis.upstream == Dialect::Chat;
        let mut parser = Parser::with_limit(limit);
        let passes_parts = options.tag.is_none() || apis.client == Dialect::Responses;
        if apis.is_plain() && !options.checked && passes_parts {
            parser.shorten_strings();
        }
        Self {
            apis,
            parser,
            upstream,
            to_messages: to_messages.then(|| ChunkStream::new(&defaults, options.tag)),
            content: (options.checked || options.compared).then(AnswerContent::default),
            most_kept: if options.checked { usize::MAX } else { MOST_COMPARED },
            events: 0,
            id: options.id.to_owned(),
            spoken: false,
            output: OutputText::default(),
            held: Vec::new(),
            held_from: 0,
            limit,
            in_parts: false,
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
                let failure = Some(StreamFailure::unreadable(error.to_string()));
                return Translated { bytes: vec![], failure };
            }
        };
        events.iter_mut().for_each(|event| self.tool_names.restore_event(&mut event.data));
        let ranges = self.parser.ranges().to_vec();
        let (mut sent, mut failure) = (Vec::new(), None);
        for (event, range) in events.iter().zip(ranges) {
            self.events += u64::from(!is_ping(event));
            self.count(event, range.len());
            let read = self.read(event);
            self.bound_content();
            match read {
                Ok(_) if plain => match self.replaced(event, &range) {
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
            self.in_parts = false;
        }
        if plain && failure.is_none() {
            sent.extend(self.released(self.parser.block_end()));
            if self.parser.shortens_strings() && self.held.len() > self.limit {
                sent.append(&mut self.held);
                self.held_from = self.parser.position();
                self.in_parts = true;
            }
        }
        self.spoken |= self.events > 0 && !sent.is_empty() && sent != COMMENT;
        // A client that is gone is only noticed by writing to it.
        let nothing = self.parser.block_end() > block_end && (sent.is_empty() || sent == COMMENT);
        if !plain && nothing && failure.is_none() {
            sent = self.keep_alive();
        }
        Translated { bytes: sent, failure }
    }

    /// What keeps the client's connection alive while the upstream is silent.
    pub(crate) fn keep_alive(&self) -> Vec<u8> {
        match self.apis.client {
            // It would stand within an event.
            _ if self.in_parts => vec![],
            Dialect::Messages if self.spoken => PING.to_vec(),
            _ => COMMENT.to_vec(),
        }
    }

    /// What stands in the place of an event between equal APIs; none if its bytes are passed on. `range` is
    /// that of its block.
    fn replaced(&self, event: &Event, range: &Range<usize>) -> Option<String> {
        if self.in_parts {
            return None;
        }
        if self.drop_usage && matches!(&self.upstream, Upstream::Plain(plain) if plain.usage_alone)
        {
            return Some(String::new());
        }
        let tag = self.tag.as_deref()?;
        // Of a long event only the beginnings of its strings were read.
        let whole = (event.data.len() >= KEPT_OF_STRINGS).then(|| self.held_event(range));
        let event = whole.as_ref().map_or(Some(event), Option::as_ref)?;
        let data = match self.apis.client {
            Dialect::Responses => response_ids::tagged_event(&event.data, tag)?,
            _ => tagged_event(&event.data, tag)?,
        };
        Some(sse::event(event.name.as_deref(), &data))
    }

    /// The event in a range of the held bytes.
    fn held_event(&self, range: &Range<usize>) -> Option<Event> {
        let from = range.start.checked_sub(self.held_from)?;
        let bytes = self.held.get(from..range.end - self.held_from)?;
        Parser::with_limit(self.limit).push(bytes).ok()?.into_iter().next()
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
            StreamFailure::unreadable(format!(
                "the upstream's stream ended early: expected {expected}"
            ))
        };
        if self.parser.pending() && !self.is_complete() && !self.is_finished() {
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

    /// The number of events that have arrived, without those that only keep the connection alive.
    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    /// Whether an event has arrived.
    pub(crate) fn has_begun(&self) -> bool {
        self.events > 0
    }

    /// Whether every choice has ended, so that at most the usage and `[DONE]` follow.
    pub(crate) fn is_complete(&self) -> bool {
        match &self.upstream {
            Upstream::Plain(stream) => stream.is_complete(),
            Upstream::Messages(stream) => stream.finished(),
            Upstream::WorkersAi(stream) => stream.is_complete(),
        }
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

    /// Takes the answer so far, and keeps it no longer; none if it was not kept, or was too long.
    pub(crate) fn take_content(&mut self) -> Option<AnswerContent> {
        self.content.take()
    }

    /// Stops keeping an answer that is too long.
    fn bound_content(&mut self) {
        let too_long = |content: &AnswerContent| content.text.len() > self.most_kept;
        if self.content.as_ref().is_some_and(too_long) {
            self.content = None;
        }
    }

    /// The event that tells the client of an error of the gateway, to be sent last.
    pub(crate) fn error_event(&self, error: &GatewayError) -> Vec<u8> {
        self.last_event(error.status(), &UpstreamError::of(&error.body()), Dialect::Chat)
    }

    /// The event that tells the client what the upstream reported, to be sent last.
    pub(crate) fn reported_event(&self, status: u16, error: &UpstreamError) -> Vec<u8> {
        self.last_event(status, error, self.apis.upstream)
    }

    fn last_event(&self, status: u16, error: &UpstreamError, of: Dialect) -> Vec<u8> {
        let openai = || error_to_openai(status, error, of).1;
        let event = match (self.apis.client, &self.upstream) {
            (Dialect::Messages, _) => {
                sse::event(Some("error"), &error_to_anthropic(status, error).1.to_string())
            }
            (Dialect::Responses, Upstream::Plain(stream)) => {
                let (error, failed) = stream.failed_response(&openai()["error"], &self.id);
                let tag = self.tag.as_deref();
                let tagged = tag.and_then(|tag| response_ids::tagged_event(&failed, tag));
                sse::event(Some("error"), &error)
                    + &sse::event(Some("response.failed"), &tagged.unwrap_or(failed))
            }
            _ => sse::event(None, &openai().to_string()),
        };
        // An event that was passed on in part is closed first.
        let close = if self.in_parts { "\n\n" } else { "" };
        format!("{close}{event}").into_bytes()
    }

    /// Reads an upstream event and returns the translated events; none if the APIs are the same.
    fn read(&mut self, event: &Event) -> Result<Vec<String>, StreamFailure> {
        let first = self.events == 1;
        let chunks = match &mut self.upstream {
            Upstream::Plain(stream) => {
                stream.push(event, first)?;
                if let Some(content) = &mut self.content
                    && let Ok(chunk) = json_tree::parse_answer(&event.data)
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

    /// Counts the text of an event of `length` bytes. The Responses API repeats it in further events.
    fn count(&mut self, event: &Event, length: usize) {
        let counts = match self.apis.upstream {
            Dialect::Responses => event.name.as_deref().is_none_or(|name| name.ends_with(".delta")),
            _ => event.data.trim() != "[DONE]",
        };
        if counts {
            self.output.add(event.data.as_bytes());
            // What was left out of long strings.
            if event.data.len() >= KEPT_OF_STRINGS {
                self.output.add_bytes(length.saturating_sub(event.data.len()));
            }
        }
    }
}

/// Whether an event only keeps a connection alive.
fn is_ping(event: &Event) -> bool {
    event.name.as_deref() == Some("ping")
}

/// Whether streams of this API are OpenAI's chunks.
fn is_chunked(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::Chat | Dialect::Completions)
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
