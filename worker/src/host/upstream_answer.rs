//! Reads the answer of an upstream call: a refusal, a complete answer, or the beginning of a stream.

use super::call_failure::{Failure, Refusal, no_answer, read_failure, stream_failure};
use super::js::now;
use super::upstream_body::{MAX_ANSWER_BYTES, ReadError, UpstreamBody};
use crate::accounting::attempt::CallOutcome;
use crate::config::Timeouts;
use crate::error::GatewayError;
use crate::translate::call::{AnswerOptions, ApiPair};
use crate::translate::stream::{StreamFailure, StreamOptions, StreamTranslator, Translated};
use crate::translate::tool_names::ToolNames;
use crate::upstream::headers::is_forwarded;
use crate::upstream::retry::{Fault, refusal_is_ours, retry_after_ms};
use crate::upstream::scrub::{ERROR_BYTES, cut, scrub};
use crate::wire::answer::AnswerContent;
use crate::wire::output_text::OutputText;
use crate::wire::usage::Received;

/// The longest wait for the first complete event after the first byte, in milliseconds; then the bytes
/// received so far are passed on.
const FIRST_EVENT_MS: u32 = 50;

/// The most bytes of comments and unfinished events that are held back in front of the first event.
const MAX_HELD_BACK: usize = 64 << 10;
/// The most bytes of a streamed answer that are held back for the cascade's check.
const MAX_CHECKED: usize = 4 << 20;
/// The most bytes of an upstream's error that are read.
const MAX_REFUSAL_BYTES: usize = 64 << 10;
/// The longest complete answer that is translated, in bytes.
const MAX_TRANSLATED_BYTES: usize = 8 << 20;

/// A usable answer.
pub(super) enum Reply {
    /// A complete answer.
    Whole {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
        received: Received,
        content: AnswerContent,
    },
    /// The beginning of a stream, and the source of its rest.
    Stream {
        headers: Vec<(String, String)>,
        first: Vec<u8>,
        translator: Box<StreamTranslator>,
        source: UpstreamBody,
        /// What errors in the rest must not repeat.
        secrets: Vec<String>,
    },
}

/// An upstream's response whose body has not been read.
pub(super) struct UpstreamResponse {
    pub(super) status: u16,
    /// The secrets that the call carried.
    pub(super) secrets: Vec<String>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) content_type: String,
    pub(super) source: UpstreamBody,
}

/// What the answer of a call is read with.
pub(super) struct AnswerReader<'a> {
    /// The model called.
    pub(super) model: &'a str,
    /// Its name at the upstream.
    pub(super) name: &'a str,
    pub(super) apis: ApiPair,
    /// The request's id.
    pub(super) id: &'a str,
    pub(super) timeouts: Timeouts,
    /// Whether the cascade checks the answer: a stream is then read to its end before it is returned.
    pub(super) checked: bool,
    /// Whether the caller's own key was sent.
    pub(super) own_key: bool,
    /// The tag of thinking or ids that the client gets.
    pub(super) tag: Option<&'a str>,
    /// The names of tools that were changed for the upstream.
    pub(super) tool_names: &'a ToolNames,
    /// Whether the client asked for a stream.
    pub(super) streams: bool,
    /// Whether the client asked for a stream's usage.
    pub(super) include_usage: bool,
    /// Whether only the gateway did.
    pub(super) drop_usage: bool,
}

impl AnswerReader<'_> {
    /// Reads an answer; of a stream, its beginning.
    pub(super) async fn read(&self, response: UpstreamResponse) -> Result<Reply, Failure> {
        if !(200..=299).contains(&response.status) {
            return Err(self.read_refusal(response).await);
        }
        match response.content_type.starts_with("text/event-stream") {
            true => self.begin_stream(response).await,
            false => self.read_answer(response).await,
        }
    }

    async fn read_refusal(&self, response: UpstreamResponse) -> Failure {
        let UpstreamResponse { status, secrets, headers, content_type, mut source } = response;
        let Timeouts { first_byte_ms, idle_ms, .. } = self.timeouts;
        let body = source.read_all(first_byte_ms, idle_ms, MAX_REFUSAL_BYTES).await;
        let body = body.unwrap_or_default();
        let text = scrub(cut(&String::from_utf8_lossy(&body), ERROR_BYTES), &secrets);
        let found = |name: &str| find(&headers, name);
        let candidate = self.model.to_owned();
        let fault = match refusal_is_ours(status) && self.own_key {
            // A caller whose own key is refused is not served at the operator's cost.
            true => Fault::Ends,
            false => Fault::Status { status, retry_after_ms: retry_after_ms(found) },
        };
        let answer = if refusal_is_ours(status) && !self.own_key {
            worker::console_error!("{} {candidate}: status {status}: {text}", self.id);
            Refusal::Own(GatewayError::UpstreamRefused { candidate, status })
        } else if let Some((status, body)) = self.apis.error(status, &text) {
            Refusal::Upstream { status, headers: json_headers(headers), body }
        } else {
            let detail = match content_type.is_empty() {
                true => format!("{} bytes", body.len()),
                false => format!("{content_type} of {} bytes", body.len()),
            };
            Refusal::Own(GatewayError::UpstreamError { candidate, status, detail })
        };
        Failure {
            fault,
            outcome: CallOutcome::of_status(status),
            received: Received::default(),
            answer,
        }
    }

    async fn read_answer(&self, response: UpstreamResponse) -> Result<Reply, Failure> {
        let AnswerReader { model, apis, checked, .. } = *self;
        let UpstreamResponse { status, secrets, headers, content_type, mut source } = response;
        let Timeouts { first_byte_ms, idle_ms, .. } = self.timeouts;
        let limit = match apis.is_plain() && !checked && !self.streams {
            true => MAX_ANSWER_BYTES,
            false => MAX_TRANSLATED_BYTES,
        };
        let body = source.read_all(first_byte_ms, idle_ms, limit).await;
        let body = body.map_err(|e| no_answer(read_failure(model, e, self.timeouts)))?;
        let mut output = OutputText::default();
        let options = AnswerOptions {
            content_type: &content_type,
            model: self.name,
            id: self.id,
            created: seconds(),
            checked,
            tag: self.tag,
            tool_names: self.tool_names,
        };
        let length = body.len();
        let answer = apis.answer(body, &options).and_then(|answer| match self.streams {
            true => apis.as_stream(answer, self.include_usage, &options),
            false => Ok(answer),
        });
        let answer = answer.map_err(|detail| {
            // It was generated, whatever it is.
            output.add_bytes(length);
            let (candidate, detail) = (model.to_owned(), scrub(&detail, &secrets));
            let failure = no_answer(GatewayError::UpstreamBadAnswer { candidate, detail });
            let received = Received { output_tokens: output.tokens(), ..Received::default() };
            Failure { received, ..failure }
        })?;
        Ok(Reply::Whole {
            status,
            headers: match (self.streams, apis.is_plain()) {
                (true, _) => headers_of("text/event-stream", headers),
                (false, true) => forwarded_headers(headers),
                (false, false) => json_headers(headers),
            },
            body: answer.body,
            received: answer.received,
            content: answer.content,
        })
    }

    /// Reads the beginning of a stream; an error in it, or an end before any event, fails the call.
    async fn begin_stream(&self, response: UpstreamResponse) -> Result<Reply, Failure> {
        let mut translator = StreamTranslator::new(&StreamOptions {
            apis: self.apis,
            model: self.name,
            id: self.id,
            created: seconds(),
            include_usage: self.include_usage,
            drop_usage: self.drop_usage,
            checked: self.checked,
            tag: self.tag,
            tool_names: self.tool_names,
        });
        let UpstreamResponse { secrets, headers, mut source, .. } = response;
        let mut first = Vec::new();
        match self.held_back(&secrets, &mut translator, &mut source, &mut first).await {
            Ok(true) => {}
            Ok(false) => {
                let (received, content) = (translator.received(), translator.take_content());
                let headers = forwarded_headers(headers);
                return Ok(Reply::Whole { status: 200, headers, body: first, received, content });
            }
            Err(failure) => return Err(Failure { received: translator.received(), ..failure }),
        }
        translator.take_content();
        let (headers, translator) = (forwarded_headers(headers), Box::new(translator));
        Ok(Reply::Stream { headers, first, translator, source, secrets })
    }

    /// Holds back the beginning of a stream until its first event, or a checked one until its end. Returns
    /// whether the rest is streamed: so it is too where too much would be held back.
    async fn held_back(
        &self,
        secrets: &[String],
        translator: &mut StreamTranslator,
        source: &mut UpstreamBody,
        first: &mut Vec<u8>,
    ) -> Result<bool, Failure> {
        let AnswerReader { model, checked, .. } = *self;
        let failed = |failure: StreamFailure| {
            let detail = scrub(&failure.detail, secrets);
            stream_failure(model, StreamFailure { detail, ..failure })
        };
        let Timeouts { first_byte_ms, idle_ms, .. } = self.timeouts;
        let (mut wait, mut begun, mut arrived) = (first_byte_ms, false, 0);
        let most = if checked { MAX_CHECKED } else { MAX_HELD_BACK };
        loop {
            match source.next(wait).await {
                Ok(Some(piece)) => {
                    arrived += piece.len();
                    let Translated { bytes, failure } = translator.push(&piece);
                    if let Some(failure) = failure {
                        return Err(failed(failure));
                    }
                    first.extend(bytes);
                    if (!checked && translator.has_begun()) || arrived > most {
                        return Ok(true);
                    }
                    (begun, wait) = (true, if checked { idle_ms } else { FIRST_EVENT_MS });
                }
                Ok(None) => {
                    first.extend(translator.end().map_err(failed)?);
                    return Ok(!checked);
                }
                // Part of an event, or a comment that keeps the connection alive.
                Err(ReadError::TimedOut) if !checked && begun => return Ok(true),
                Err(ReadError::TimedOut) if translator.is_finished() => return Ok(!checked),
                Err(error) => return Err(no_answer(read_failure(model, error, self.timeouts))),
            }
        }
    }
}

fn seconds() -> u64 {
    (now() / 1000.0) as u64
}

pub(super) fn find(headers: &[(String, String)], name: &str) -> Option<String> {
    headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
}

fn forwarded_headers(headers: Vec<(String, String)>) -> Vec<(String, String)> {
    headers.into_iter().filter(|(name, _)| is_forwarded(name)).collect()
}

fn json_headers(headers: Vec<(String, String)>) -> Vec<(String, String)> {
    headers_of("application/json", headers)
}

/// The headers that are passed on beside a body of another type.
fn headers_of(content_type: &str, headers: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut headers = forwarded_headers(headers);
    headers.retain(|(name, _)| name != "content-type");
    headers.push(("content-type".into(), content_type.into()));
    headers
}
