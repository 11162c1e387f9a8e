//! Translates a streamed answer for the client, chunk by chunk.
//!
//! ```text
//! bytes -> events -> (translated events, or the same bytes) -> bytes
//! ```
//! It reads from the events the token usage, the end marker and errors reported by the upstream, and so
//! distinguishes a stream that ended from one that broke off.

use serde_json::Value;

use super::anthropic::client::stream::ChunkStream;
use super::anthropic::upstream::stream::MessageStream;
use super::call::{ApiPair, usage};
use super::shared::error_body::{error_in_stream, error_to_anthropic};
use super::shared::stream_error::{StreamError, event_json};
use super::workers_ai::AnswerStream;
use crate::config::Api;
use crate::error::GatewayError;
use crate::request::endpoint::Dialect;
use crate::wire::answer::AnswerContent;
use crate::wire::sse::{self, Event, Parser};
use crate::wire::usage::Usage;

/// A stream between an upstream and a client.
#[derive(Debug)]
pub(crate) struct StreamTranslator {
    apis: ApiPair,
    parser: Parser,
    upstream: Upstream,
    to_messages: Option<ChunkStream>,
    content: Option<AnswerContent>,
    events: u64,
}

/// The upstream's kind of events, with the state of reading them.
#[derive(Debug)]
enum Upstream {
    /// OpenAI's chunks, or its response events.
    Plain { dialect: Dialect, usage: Option<Usage>, finished: bool, done: bool },
    /// Anthropic's events.
    Messages(Box<MessageStream>),
    /// Those of the binding `AI`.
    WorkersAi(Box<AnswerStream>),
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
    /// The answer's id, if the upstream gives none.
    pub(crate) id: &'a str,
    /// Seconds since 1970.
    pub(crate) created: u64,
    /// Whether the client asked for usage in a last chunk.
    pub(crate) include_usage: bool,
    /// Whether to keep the answer for the cascade's check.
    pub(crate) checked: bool,
}

impl StreamTranslator {
    /// Starts before the first chunk.
    pub(crate) fn new(options: &StreamOptions<'_>) -> Self {
        let &StreamOptions { apis, created, include_usage, .. } = options;
        let upstream = match apis.api {
            Api::Anthropic => {
                Upstream::Messages(Box::new(MessageStream::new(created, include_usage)))
            }
            Api::WorkersAi => Upstream::WorkersAi(Box::new(AnswerStream::new(
                options.id,
                options.model,
                created,
                // Anthropic's events always include the usage.
                include_usage || apis.client == Dialect::Messages,
            ))),
            Api::Openai => Upstream::Plain {
                dialect: apis.upstream,
                usage: None,
                finished: false,
                done: false,
            },
        };
        let to_messages = apis.client == Dialect::Messages && apis.upstream == Dialect::Chat;
        Self {
            apis,
            parser: Parser::new(),
            upstream,
            to_messages: to_messages.then(ChunkStream::new),
            content: options.checked.then(AnswerContent::default),
            events: 0,
        }
    }

    /// Reads a chunk of the upstream's and returns the bytes for the client.
    ///
    /// # Errors
    /// [`StreamFailure`]; the stream is then over.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, StreamFailure> {
        let events = self.parser.push(bytes).map_err(|e| StreamFailure::new(e.to_string(), 502))?;
        let mut translated = String::new();
        for event in &events {
            self.events += 1;
            for text in self.read(event)? {
                translated.push_str(&text);
            }
        }
        Ok(if self.apis.is_plain() { bytes.to_vec() } else { translated.into_bytes() })
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
            Upstream::Plain { finished: true, .. } => vec![],
            Upstream::Plain { .. } => return Err(cut("[DONE] or a finish_reason")),
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
            Upstream::Plain { done, .. } => *done,
            Upstream::Messages(stream) => stream.finished(),
            Upstream::WorkersAi(stream) => stream.finished(),
        }
    }

    /// The token usage reported so far.
    pub(crate) fn usage(&self) -> Option<Usage> {
        match &self.upstream {
            Upstream::Plain { usage, .. } => *usage,
            Upstream::Messages(stream) => stream.usage(),
            Upstream::WorkersAi(stream) => stream.usage(),
        }
    }

    /// The answer so far, if it is kept.
    pub(crate) fn content(&self) -> Option<&AnswerContent> {
        self.content.as_ref()
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
        // Ends an unfinished event first; otherwise this one would continue it.
        let begun = self.apis.is_plain() && self.parser.pending();
        format!("{}{event}", if begun { "\n\n" } else { "" }).into_bytes()
    }

    /// Reads an upstream event and returns the translated events; none if the APIs are the same.
    fn read(&mut self, event: &Event) -> Result<Vec<String>, StreamFailure> {
        let chunks = match &mut self.upstream {
            Upstream::Plain { dialect, usage: found, finished, done } => {
                let chunk = read_unchanged(event, *dialect, found, finished, done)?;
                if let Some((content, chunk)) = self.content.as_mut().zip(chunk) {
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

/// Reads the JSON of an event that is passed on unchanged; an event that is not JSON is ignored here.
fn read_unchanged(
    event: &Event,
    dialect: Dialect,
    found: &mut Option<Usage>,
    finished: &mut bool,
    done: &mut bool,
) -> Result<Option<Value>, StreamFailure> {
    if event.data.trim() == "[DONE]" {
        (*finished, *done) = (true, true);
        return Ok(None);
    }
    let Ok(chunk) = event_json(event) else { return Ok(None) };
    let error = dialect != Dialect::Responses && !chunk["error"].is_null();
    if error || chunk["type"] == "error" {
        return Err(error_in_stream(&chunk).into());
    }
    let answer = if dialect == Dialect::Responses { &chunk["response"] } else { &chunk };
    *found = usage(dialect, &answer["usage"]).or(*found);
    let ended = match dialect {
        Dialect::Responses => matches!(
            chunk["type"].as_str(),
            Some("response.completed" | "response.incomplete" | "response.failed")
        ),
        _ => chunk["choices"].as_array().is_some_and(|choices| {
            choices.iter().any(|choice| choice["finish_reason"].is_string())
        }),
    };
    *finished |= ended;
    *done |= ended && dialect == Dialect::Responses;
    Ok(Some(chunk))
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
