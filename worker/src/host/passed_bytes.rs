//! Makes the client's response body of an upstream's bytes, which are passed on unread.

use futures_util::stream::{Stream, unfold};

use super::call_failure::read_failure;
use super::stream_body::{CLIENT_GONE, EndCallback, StreamEnd};
use super::upstream_body::UpstreamBody;
use crate::accounting::attempt::CallOutcome;
use crate::config::Timeouts;
use crate::wire::usage::Received;

/// An answer's bytes.
pub(super) struct PassedBytes {
    pub(super) model: String,
    /// Those that have arrived.
    pub(super) first: Vec<u8>,
    pub(super) upstream: UpstreamBody,
    pub(super) timeouts: Timeouts,
    pub(super) on_end: EndCallback,
    pub(super) ended: bool,
}

impl Drop for PassedBytes {
    fn drop(&mut self) {
        self.end(CallOutcome::Left, Some(CLIENT_GONE));
    }
}

/// Makes the body. It breaks off if the upstream does.
pub(super) fn passed_bytes(
    bytes: PassedBytes,
) -> impl Stream<Item = Result<Vec<u8>, worker::Error>> {
    unfold(bytes, |mut bytes| async move {
        let piece = bytes.next().await?;
        Some((piece, bytes))
    })
}

impl PassedBytes {
    async fn next(&mut self) -> Option<Result<Vec<u8>, worker::Error>> {
        if !self.first.is_empty() {
            return Some(Ok(std::mem::take(&mut self.first)));
        }
        if self.ended {
            return None;
        }
        match self.upstream.next(self.timeouts.idle_ms).await {
            Ok(Some(piece)) => Some(Ok(piece)),
            Ok(None) => {
                self.end(CallOutcome::Answered, None);
                None
            }
            Err(why) => {
                let error = read_failure(&self.model, why, self.timeouts);
                self.end(CallOutcome::Failed, Some(error.code()));
                Some(Err(worker::Error::RustError(error.to_string())))
            }
        }
    }

    fn end(&mut self, outcome: CallOutcome, error: Option<&'static str>) {
        self.ended = true;
        let received = Received::default();
        self.on_end.call(|| StreamEnd { received, outcome, error, answer: None });
    }
}
