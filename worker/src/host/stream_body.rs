//! Makes the client's response body of a streamed answer.
//!
//! If the upstream breaks off, the client gets an error event and then a broken connection. If the
//! client disconnects, the body is dropped, which cancels the upstream's call; so it is where the answer has
//! ended and the upstream keeps its connection open. While the upstream is silent, the client gets comments.

use futures_util::stream::{Stream, unfold};

use super::answer_end::AnswerEnd;
use super::call_failure::read_failure;
use super::upstream_body::{ReadError, UpstreamBody};
use crate::accounting::attempt::CallOutcome;
use crate::config::Timeouts;
use crate::error::GatewayError;
use crate::translate::shared::stream_error::StreamFailure;
use crate::translate::stream::{StreamTranslator, Translated};
use crate::upstream::scrub::scrub;
use crate::wire::answer::AnswerContent;
use crate::wire::usage::Received;

/// The code of a stream that its client left.
pub(super) const CLIENT_GONE: &str = "client_gone";

/// How a stream ended.
pub(super) struct StreamEnd {
    /// The usage of what arrived.
    pub(super) received: Received,
    /// What came of the call.
    pub(super) outcome: CallOutcome,
    /// The error code, if the stream broke off.
    pub(super) error: Option<&'static str>,
    /// The answer, if it was kept.
    pub(super) answer: Option<AnswerContent>,
}

/// A callback for the end of a stream, whether complete, broken off or dropped.
pub(super) struct EndCallback(Option<Box<dyn FnOnce(StreamEnd)>>);

impl EndCallback {
    /// Calls `then` once, when the stream ends.
    pub(super) fn new(then: impl FnOnce(StreamEnd) + 'static) -> Self {
        Self(Some(Box::new(then)))
    }

    /// Calls it, unless that was done.
    pub(super) fn call(&mut self, end: impl FnOnce() -> StreamEnd) {
        if let Some(then) = self.0.take() {
            then(end());
        }
    }
}

/// A streamed answer.
pub(super) struct StreamBody {
    pub(super) model: String,
    /// The bytes that were held back.
    pub(super) first: Vec<u8>,
    pub(super) translator: Box<StreamTranslator>,
    pub(super) upstream: UpstreamBody,
    pub(super) timeouts: Timeouts,
    pub(super) on_end: EndCallback,
    /// What error events must not repeat.
    pub(super) secrets: Vec<String>,
    pub(super) state: State,
    pub(super) silence: Silence,
}

/// The wait for an upstream's next bytes.
#[derive(Default)]
pub(super) struct Silence {
    /// The milliseconds without a byte so far.
    ms: u32,
    end: AnswerEnd,
}

/// How far a stream is.
pub(super) enum State {
    Open,
    /// The next piece is the error event.
    Broken(StreamFailure),
    /// The client got the error event; the connection is broken off next.
    Failing(String),
    Ended,
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        self.ended(CallOutcome::Left, Some(CLIENT_GONE));
    }
}

/// Makes the body of a stream.
pub(super) fn stream_body(
    stream: StreamBody,
) -> impl Stream<Item = Result<Vec<u8>, worker::Error>> {
    unfold(stream, |mut stream| async move {
        let piece = stream.next().await?;
        Some((piece, stream))
    })
}

impl StreamBody {
    async fn next(&mut self) -> Option<Result<Vec<u8>, worker::Error>> {
        if !self.first.is_empty() {
            return Some(Ok(std::mem::take(&mut self.first)));
        }
        match std::mem::replace(&mut self.state, State::Ended) {
            State::Open => {}
            State::Broken(failure) => return Some(Ok(self.break_off(failure))),
            State::Failing(why) => return Some(Err(worker::Error::RustError(why))),
            State::Ended => return None,
        }
        self.state = State::Open;
        loop {
            if self.translator.is_finished() || self.silence.end.is_overdue(&self.translator) {
                return self.end();
            }
            let (idle, wait) = self.wait();
            let Translated { bytes, failure } = match self.upstream.next(wait).await {
                Ok(Some(piece)) => {
                    self.silence.ms = 0;
                    self.translator.push(&piece)
                }
                Ok(None) => return self.end(),
                Err(ReadError::TimedOut) if wait < idle => {
                    self.silence.ms += wait;
                    match self.translator.is_complete() {
                        true => Translated::default(),
                        false => Translated { bytes: self.translator.keep_alive(), failure: None },
                    }
                }
                Err(ReadError::TimedOut) if self.translator.is_complete() => return self.end(),
                Err(why) => {
                    let error = read_failure(&self.model, why, self.timeouts);
                    return Some(Ok(self.fail(&error)));
                }
            };
            if let Some(failure) = failure {
                if bytes.is_empty() {
                    return Some(Ok(self.break_off(failure)));
                }
                self.state = State::Broken(failure);
            }
            if !bytes.is_empty() {
                return Some(Ok(bytes));
            }
        }
    }

    /// What is left of the longest silence, in milliseconds, and how long to wait before the client gets
    /// something.
    fn wait(&mut self) -> (u32, u32) {
        let idle = self.timeouts.idle_ms.saturating_sub(self.silence.ms);
        let wait = match self.timeouts.keep_alive_ms {
            0 => idle,
            keep_alive => idle.min(keep_alive),
        };
        (idle, self.silence.end.wait(&self.translator, wait))
    }

    fn end(&mut self) -> Option<Result<Vec<u8>, worker::Error>> {
        let last = match self.translator.end() {
            Ok(last) => last,
            Err(failure) => return Some(Ok(self.break_off(failure))),
        };
        self.state = State::Ended;
        self.ended(CallOutcome::Answered, None);
        (!last.is_empty()).then_some(Ok(last))
    }

    /// Tells the client why the upstream broke off: in the upstream's words, if it said why.
    fn break_off(&mut self, failure: StreamFailure) -> Vec<u8> {
        let StreamFailure { detail, status, error } = failure;
        let (candidate, detail) = (self.model.clone(), scrub(&detail, &self.secrets));
        let own = GatewayError::UpstreamBrokeOff { candidate, detail };
        let Some(said) = error.filter(|said| !said.message.is_empty()) else {
            return self.fail(&own);
        };
        let said = said.map(|text| scrub(text, &self.secrets));
        self.state = State::Failing(own.to_string());
        self.ended(CallOutcome::Failed, Some(own.code()));
        self.translator.reported_event(status, &said)
    }

    fn fail(&mut self, error: &GatewayError) -> Vec<u8> {
        self.state = State::Failing(error.to_string());
        self.ended(CallOutcome::Failed, Some(error.code()));
        self.translator.error_event(error)
    }

    fn ended(&mut self, outcome: CallOutcome, error: Option<&'static str>) {
        let translator = &mut self.translator;
        self.on_end.call(|| StreamEnd {
            received: translator.received(),
            outcome,
            error,
            answer: translator.take_content(),
        });
    }
}
