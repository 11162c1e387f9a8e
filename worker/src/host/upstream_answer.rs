//! Reads the answer of an upstream call: a refusal, a complete answer, or the beginning of a stream.

use super::answer_end::AnswerEnd;
use super::call_failure::{Failure, Refusal, no_answer, read_failure};
use super::js::{now, random_id};
use super::upstream_body::{MAX_ANSWER_BYTES, ReadError, UpstreamBody};
use crate::accounting::attempt::CallOutcome;
use crate::config::{Api, Timeouts};
use crate::error::GatewayError;
use crate::translate::call::{Answer, AnswerOptions, ApiPair, Unusable};
use crate::translate::shared::error_body::status_of;
use crate::translate::shared::stream_error::StreamFailure;
use crate::translate::stream::{StreamOptions, StreamTranslator, Translated};
use crate::translate::tool_names::ToolNames;
use crate::translate::workers_ai::error_status;
use crate::upstream::headers::{is_forwarded, media_type};
use crate::upstream::retry::{Fault, refusal_is_ours};
use crate::upstream::scrub::{ERROR_BYTES, cut, scrub};
use crate::wire::answer::AnswerContent;
use crate::wire::beginning::{Beginning, beginning};
use crate::wire::output_text::OutputText;
use crate::wire::upstream_error::UpstreamError;
use crate::wire::usage::Received;

/// The media type of a stream.
const EVENT_STREAM: &str = "text/event-stream";
/// The most bytes that are read to tell a stream from JSON.
const MAX_BEGINNING: usize = 4096;
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
    /// The beginning of an answer that is passed on unread, and the source of its rest.
    Bytes { status: u16, headers: Vec<(String, String)>, first: Vec<u8>, source: UpstreamBody },
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
    /// The content coding of its body, if nothing here can decode it.
    pub(super) unknown_coding: Option<String>,
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
    /// Whether the answer is kept, to be compared with another model's.
    pub(super) compared: bool,
    /// Whether the caller's own key was sent.
    pub(super) own_key: bool,
    /// The tag of thinking or ids that the client gets.
    pub(super) tag: Option<&'a str>,
    /// The names of tools that were changed for the upstream.
    pub(super) tool_names: &'a ToolNames,
    /// Whether the answer is passed on unread.
    pub(super) passes: bool,
    /// Whether the client asked for a stream.
    pub(super) streams: bool,
    /// Whether the client asked for a stream's usage.
    pub(super) include_usage: bool,
    /// Whether only the gateway did.
    pub(super) drop_usage: bool,
}

impl AnswerReader<'_> {
    /// Reads an answer; of a stream, its beginning. The body decides which it is, where the stated type and
    /// what was asked for differ: some upstreams state the wrong one.
    pub(super) async fn read(&self, mut response: UpstreamResponse) -> Result<Reply, Failure> {
        if !(200..=299).contains(&response.status) {
            return Err(self.read_refusal(response).await);
        }
        if let Some(coding) = &response.unknown_coding {
            let detail = format!("{coding}: expected no content-encoding, or gzip, br or deflate");
            return Err(self.unusable(&detail, &response.secrets));
        }
        if self.passes {
            return self.pass_on(response).await;
        }
        let stated = media_type(&response.content_type) == EVENT_STREAM;
        let events = match stated || self.streams {
            true => match self.beginning(&mut response.source).await? {
                Beginning::Events => true,
                Beginning::Json => false,
                Beginning::Other => stated,
            },
            false => false,
        };
        match (events, self.streams) {
            (true, true) => self.begin_stream(response).await,
            (true, false) => {
                let detail = "a stream of events, though the request asks for none";
                Err(self.unusable(detail, &response.secrets))
            }
            (false, _) => self.read_answer(response).await,
        }
    }

    /// Reads as much of a body as tells a stream of events from JSON, and puts it back.
    async fn beginning(&self, source: &mut UpstreamBody) -> Result<Beginning, Failure> {
        let mut read = Vec::new();
        let found = loop {
            match beginning(&read) {
                Some(found) => break found,
                None if read.len() > MAX_BEGINNING => break Beginning::Other,
                None => {}
            }
            match source.next(self.timeouts.first_byte_ms).await {
                Ok(Some(piece)) => read.extend(piece),
                Ok(None) => break Beginning::Other,
                Err(error) => {
                    return Err(no_answer(read_failure(self.model, error, self.timeouts)));
                }
            }
        };
        source.put_back(&read);
        Ok(found)
    }

    /// Reads the beginning of an answer that is passed on unread.
    async fn pass_on(&self, response: UpstreamResponse) -> Result<Reply, Failure> {
        let UpstreamResponse { status, headers, mut source, .. } = response;
        let first = source.next(self.timeouts.first_byte_ms).await;
        let first = first.map_err(|e| no_answer(read_failure(self.model, e, self.timeouts)))?;
        let headers = forwarded_headers(headers);
        Ok(Reply::Bytes { status, headers, first: first.unwrap_or_default(), source })
    }

    async fn read_refusal(&self, response: UpstreamResponse) -> Failure {
        let UpstreamResponse { status, secrets, headers, content_type, mut source, unknown_coding } =
            response;
        let Timeouts { first_byte_ms, idle_ms, .. } = self.timeouts;
        let body = source.read_all(first_byte_ms, idle_ms, MAX_REFUSAL_BYTES).await;
        let body = body.unwrap_or_default();
        let text = scrub(cut(&String::from_utf8_lossy(&body), ERROR_BYTES), &secrets);
        if let Some(error) = UpstreamError::read(&text).filter(|_| unknown_coding.is_none()) {
            return self.refused(status, error, Some(&text), headers);
        }
        let detail = match (unknown_coding, content_type.as_str()) {
            (Some(coding), _) => coding,
            (None, "") => format!("{} bytes", body.len()),
            (None, kind) => format!("{kind} of {} bytes", body.len()),
        };
        let candidate = self.model.to_owned();
        let error = GatewayError::UpstreamError { candidate, status, detail };
        self.refused(status, UpstreamError::of(&error.body()), None, headers)
    }

    /// Fails the call with an error of the upstream, which has no secrets left in it. `body` is its own form.
    fn refused(
        &self,
        status: u16,
        said: UpstreamError,
        body: Option<&str>,
        headers: Vec<(String, String)>,
    ) -> Failure {
        let candidate = self.model.to_owned();
        let ours = refusal_is_ours(status, &said);
        let fault = match ours && self.own_key {
            // A caller whose own key is refused is not served at the operator's cost.
            true => Fault::Ends,
            false => Fault::of_refusal(status, &said, |name| find(&headers, name)),
        };
        let answer = if ours && !self.own_key {
            let text = body.unwrap_or(&said.message);
            worker::console_error!("{} {candidate}: status {status}: {text}", self.id);
            Refusal::Own(GatewayError::UpstreamRefused { candidate, status })
        } else {
            let (status, body) = self.apis.error(status, &said, body);
            Refusal::Upstream { status, headers: json_headers(headers), body, said }
        };
        let outcome = CallOutcome::of_status(status);
        Failure { fault, outcome, received: Received::default(), answer, otherwise: None }
    }

    /// Fails the call with an error that the binding `AI` throws: its number gives the status.
    pub(super) fn refused_by_binding(&self, detail: String) -> Failure {
        match error_status(&detail) {
            502 => self.unusable(&detail, &[]),
            status => {
                let said = UpstreamError { message: detail, ..UpstreamError::default() };
                self.refused(status, said, None, vec![])
            }
        }
    }

    /// Fails the call with an error that an answer of status 200 reports.
    fn reported(
        &self,
        status: u16,
        said: UpstreamError,
        secrets: &[String],
        headers: Vec<(String, String)>,
    ) -> Failure {
        let said = said.map(|text| scrub(text, secrets));
        // What it cost is not known.
        Failure { outcome: CallOutcome::Failed, ..self.refused(status, said, None, headers) }
    }

    fn unusable(&self, detail: &str, secrets: &[String]) -> Failure {
        let (candidate, detail) = (self.model.to_owned(), scrub(detail, secrets));
        no_answer(GatewayError::UpstreamBadAnswer { candidate, detail })
    }

    async fn read_answer(&self, response: UpstreamResponse) -> Result<Reply, Failure> {
        let AnswerReader { model, apis, checked, .. } = *self;
        let UpstreamResponse { status, secrets, headers, content_type, mut source, .. } = response;
        let Timeouts { first_byte_ms, idle_ms, .. } = self.timeouts;
        let limit = match apis.is_plain() && !checked && !self.streams {
            true => MAX_ANSWER_BYTES,
            false => MAX_TRANSLATED_BYTES,
        };
        let body = source.read_all(first_byte_ms, idle_ms, limit).await;
        let body = body.map_err(|e| no_answer(read_failure(model, e, self.timeouts)))?;
        let options = AnswerOptions {
            content_type: &content_type,
            model: self.name,
            id: &random_id(),
            created: seconds(),
            // A whole answer in the client's API can be read later.
            checked: checked || (self.compared && self.streams),
            tag: self.tag,
            tool_names: self.tool_names,
        };
        let mut output = OutputText::default();
        // It was generated, whatever it is.
        output.add_bytes(body.len());
        let received = Received { output_tokens: output.tokens(), ..Received::default() };
        let answer = apis.answer(body, &options).and_then(|answer| match self.streams {
            true => Ok(apis.as_stream(answer, self.include_usage, &options)?),
            false => Ok(answer),
        });
        let answer = match answer {
            Ok(answer) => answer,
            Err(Unusable::Malformed(detail)) => {
                return Err(Failure { received, ..self.unusable(&detail, &secrets) });
            }
            Err(Unusable::Error(said)) => {
                let status = self.status_of(&said);
                return Err(Failure { received, ..self.reported(status, said, &secrets, headers) });
            }
        };
        let headers = match (self.streams, apis.is_plain() && content_type.contains("json")) {
            (true, _) => headers_of(EVENT_STREAM, headers),
            (false, true) => forwarded_headers(headers),
            (false, false) => json_headers(headers),
        };
        let Answer { body, received, content } = answer;
        Ok(Reply::Whole { status, headers, body, received, content })
    }

    /// The status of an error in an answer of status 200.
    fn status_of(&self, said: &UpstreamError) -> u16 {
        match (status_of(said), self.apis.api) {
            (502, Api::WorkersAi) => error_status(&said.message),
            (status, _) => status,
        }
    }

    /// Reads the beginning of a stream; an error in it, or an end before any event, fails the call.
    async fn begin_stream(&self, response: UpstreamResponse) -> Result<Reply, Failure> {
        let mut translator = StreamTranslator::new(&StreamOptions {
            apis: self.apis,
            model: self.name,
            id: &random_id(),
            created: seconds(),
            include_usage: self.include_usage,
            drop_usage: self.drop_usage,
            checked: self.checked,
            compared: self.compared,
            tag: self.tag,
            tool_names: self.tool_names,
        });
        let UpstreamResponse { secrets, headers, mut source, .. } = response;
        let mut first = Vec::new();
        let is_streamed = match self.held_back(&mut translator, &mut source, &mut first).await {
            Ok(is_streamed) => is_streamed,
            Err(failure) => {
                let failure = match failure {
                    Unbegun::Unread(error) => no_answer(error),
                    Unbegun::Broken(StreamFailure { error: Some(said), status, .. }) => {
                        self.reported(status, *said, &secrets, headers)
                    }
                    Unbegun::Broken(broken) => self.unusable(&broken.detail, &secrets),
                };
                return Err(Failure { received: translator.received(), ..failure });
            }
        };
        let headers = event_headers(headers);
        if !is_streamed {
            let received = translator.received();
            let content = translator.take_content().unwrap_or_default();
            return Ok(Reply::Whole { status: 200, headers, body: first, received, content });
        }
        if self.checked {
            translator.take_content();
        }
        Ok(Reply::Stream { headers, first, translator: Box::new(translator), source, secrets })
    }

    /// Holds back the beginning of a stream until its first event, or a checked one until its end. Returns
    /// whether the rest is streamed: so it is too where too much would be held back.
    async fn held_back(
        &self,
        translator: &mut StreamTranslator,
        source: &mut UpstreamBody,
        first: &mut Vec<u8>,
    ) -> Result<bool, Unbegun> {
        let AnswerReader { model, checked, .. } = *self;
        let Timeouts { first_byte_ms, idle_ms, .. } = self.timeouts;
        let (mut wait, mut begun, mut arrived) = (first_byte_ms, false, 0);
        let most = if checked { MAX_CHECKED } else { MAX_HELD_BACK };
        let mut end = AnswerEnd::default();
        loop {
            if checked && (translator.is_finished() || end.is_overdue(translator)) {
                first.extend(translator.end()?);
                return Ok(false);
            }
            match source.next(end.wait(translator, wait)).await {
                Ok(Some(piece)) => {
                    arrived += piece.len();
                    let Translated { bytes, failure } = translator.push(&piece);
                    if let Some(failure) = failure {
                        return Err(failure.into());
                    }
                    first.extend(bytes);
                    if (!checked && translator.has_begun()) || arrived > most {
                        return Ok(true);
                    }
                    (begun, wait) = (true, if checked { idle_ms } else { FIRST_EVENT_MS });
                }
                Ok(None) => {
                    first.extend(translator.end()?);
                    return Ok(!checked);
                }
                // Part of an event, or a comment that keeps the connection alive.
                Err(ReadError::TimedOut) if !checked && begun => return Ok(true),
                Err(ReadError::TimedOut) if translator.is_complete() => end.expire(),
                Err(error) => return Err(read_failure(model, error, self.timeouts).into()),
            }
        }
    }
}

/// Why a stream did not begin.
enum Unbegun {
    /// Its body ended or was late.
    Unread(GatewayError),
    /// It broke off.
    Broken(StreamFailure),
}

impl From<GatewayError> for Unbegun {
    fn from(error: GatewayError) -> Self {
        Self::Unread(error)
    }
}

impl From<StreamFailure> for Unbegun {
    fn from(failure: StreamFailure) -> Self {
        Self::Broken(failure)
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

/// The headers of a stream, with its type.
fn event_headers(headers: Vec<(String, String)>) -> Vec<(String, String)> {
    match headers.iter().any(|(k, v)| k == "content-type" && v.starts_with(EVENT_STREAM)) {
        true => forwarded_headers(headers),
        false => headers_of(EVENT_STREAM, headers),
    }
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
