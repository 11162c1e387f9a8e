//! Makes the client's response body of a streamed answer.
//!
//! If the upstream breaks off, the client gets an error event and then a broken connection. If the
//! client disconnects, the body is dropped, which cancels the upstream's call.

use futures_util::stream::{Stream, unfold};

use super::call_failure::read_failure;
use super::upstream_body::{ReadError, UpstreamBody};
use crate::accounting::attempt::CallOutcome;
use crate::config::Timeouts;
use crate::error::GatewayError;
use crate::translate::stream::{StreamFailure, StreamTranslator, Translated};
use crate::upstream::scrub::scrub;
use crate::wire::usage::Received;

/// How a stream ended.
pub(super) struct StreamEnd {
    /// The usage of what arrived.
    pub(super) received: Received,
    /// What came of the call.
    pub(super) outcome: CallOutcome,
    /// The error code, if the stream broke off.
    pub(super) error: Option<&'static str>,
}

/// A callback for the end of a stream, whether complete, broken off or dropped.
pub(super) struct EndCallback(Option<Box<dyn FnOnce(StreamEnd)>>);

impl EndCallback {
    /// Calls `then` once, when the stream ends.
    pub(super) fn new(then: impl FnOnce(StreamEnd) + 'static) -> Self {
        Self(Some(Box::new(then)))
    }

    fn call(&mut self, end: impl FnOnce() -> StreamEnd) {
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
}

/// How far a stream is.
pub(super) enum State {
    Open,
    /// The next piece is the error event.
    Broken(GatewayError),
    /// The client got the error event; the connection is broken off next.
    Failing(String),
    Ended,
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        self.ended(CallOutcome::Left, Some("client_gone"));
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
            State::Broken(error) => return Some(Ok(self.fail(&error))),
            State::Failing(why) => return Some(Err(worker::Error::RustError(why))),
            State::Ended => return None,
        }
        self.state = State::Open;
        loop {
            let Translated { bytes, failure } =
                match self.upstream.next(self.timeouts.idle_ms).await {
                    Ok(Some(piece)) => self.translator.push(&piece),
                    Ok(None) => match self.translator.end() {
                        Ok(last) => return self.end(last),
                        Err(failure) => Translated { bytes: vec![], failure: Some(failure) },
                    },
                    Err(ReadError::TimedOut) if self.translator.is_finished() => {
                        return self.end(vec![]);
                    }
                    Err(why) => {
                        let error = read_failure(&self.model, why, self.timeouts);
                        return Some(Ok(self.fail(&error)));
                    }
                };
            if let Some(StreamFailure { detail, .. }) = failure {
                let (candidate, detail) = (self.model.clone(), scrub(&detail, &self.secrets));
                let error = GatewayError::UpstreamBrokeOff { candidate, detail };
                if bytes.is_empty() {
                    return Some(Ok(self.fail(&error)));
                }
                self.state = State::Broken(error);
            }
            if !bytes.is_empty() {
                return Some(Ok(bytes));
            }
        }
    }

    fn end(&mut self, last: Vec<u8>) -> Option<Result<Vec<u8>, worker::Error>> {
        self.state = State::Ended;
        self.ended(CallOutcome::Answered, None);
        (!last.is_empty()).then_some(Ok(last))
    }

    fn fail(&mut self, error: &GatewayError) -> Vec<u8> {
        self.state = State::Failing(error.to_string());
        self.ended(CallOutcome::Failed, Some(error.code()));
        self.translator.error_event(error)
    }

    fn ended(&mut self, outcome: CallOutcome, error: Option<&'static str>) {
        let translator = &self.translator;
        self.on_end.call(|| StreamEnd { received: translator.received(), outcome, error });
    }
}
