//! Makes the client's response body of a streamed answer.
//!
//! If the upstream breaks off, the client gets an error event and then a broken connection. If the
//! client disconnects, the body is dropped, which cancels the upstream's call.

use futures_util::stream::{Stream, unfold};

use super::call::stopped;
use super::reader::{Reader, Stopped};
use crate::config::Timeouts;
use crate::error::GatewayError;
use crate::relay::{Break, Relay};
use crate::usage::Usage;

/// How a stream ended.
pub(super) struct Ended {
    /// The token usage reported.
    pub(super) usage: Option<Usage>,
    /// The error code, if the stream broke off.
    pub(super) error: Option<&'static str>,
}

/// A callback for the end of a stream, whether complete, broken off or dropped.
pub(super) struct AtEnd(Option<Box<dyn FnOnce(Ended)>>);

impl AtEnd {
    /// Calls `then` once, when the stream ends.
    pub(super) fn new(then: impl FnOnce(Ended) + 'static) -> Self {
        Self(Some(Box::new(then)))
    }

    fn ended(&mut self, usage: Option<Usage>, error: Option<&'static str>) {
        if let Some(then) = self.0.take() {
            then(Ended { usage, error });
        }
    }
}

struct Flow {
    model: String,
    first: Vec<u8>,
    relay: Box<Relay>,
    reader: Reader,
    timeouts: Timeouts,
    at_end: AtEnd,
    state: State,
}

enum State {
    Flowing,
    /// The client got the error event; the connection is broken off next.
    Breaking(String),
    Over,
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.at_end.ended(self.relay.usage(), Some("client_gone"));
    }
}

/// Makes the body of a stream whose first bytes are `first`.
pub(super) fn body(
    model: String,
    first: Vec<u8>,
    relay: Box<Relay>,
    reader: Reader,
    timeouts: Timeouts,
    at_end: AtEnd,
) -> impl Stream<Item = Result<Vec<u8>, worker::Error>> {
    let flow = Flow { model, first, relay, reader, timeouts, at_end, state: State::Flowing };
    unfold(flow, |mut flow| async move {
        let piece = flow.next().await?;
        Some((piece, flow))
    })
}

impl Flow {
    async fn next(&mut self) -> Option<Result<Vec<u8>, worker::Error>> {
        if !self.first.is_empty() {
            return Some(Ok(std::mem::take(&mut self.first)));
        }
        match std::mem::replace(&mut self.state, State::Over) {
            State::Flowing => {}
            State::Breaking(why) => return Some(Err(worker::Error::RustError(why))),
            State::Over => return None,
        }
        self.state = State::Flowing;
        loop {
            let found = match self.reader.next(self.timeouts.idle_ms).await {
                Ok(Some(piece)) => self.relay.push(&piece),
                Ok(None) => match self.relay.end() {
                    Ok(last) => return self.over(last),
                    Err(error) => Err(error),
                },
                Err(Stopped::Silent) if self.relay.is_finished() => return self.over(vec![]),
                Err(why) => {
                    let error = stopped(&self.model, why, self.timeouts);
                    return Some(Ok(self.breaks(&error)));
                }
            };
            match found {
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => return Some(Ok(bytes)),
                Err(Break { detail, .. }) => {
                    let candidate = self.model.clone();
                    let error = GatewayError::UpstreamBrokeOff { candidate, detail };
                    return Some(Ok(self.breaks(&error)));
                }
            }
        }
    }

    fn over(&mut self, last: Vec<u8>) -> Option<Result<Vec<u8>, worker::Error>> {
        self.state = State::Over;
        self.at_end.ended(self.relay.usage(), None);
        (!last.is_empty()).then_some(Ok(last))
    }

    fn breaks(&mut self, error: &GatewayError) -> Vec<u8> {
        self.state = State::Breaking(error.to_string());
        self.at_end.ended(self.relay.usage(), Some(error.code()));
        self.relay.broken(error)
    }
}
