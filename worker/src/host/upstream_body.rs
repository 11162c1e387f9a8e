//! Reads an upstream's body chunk by chunk, each within a time limit.

use futures_util::future::{Either, select};
use js_sys::{Promise, Reflect, Uint8Array};
use std::pin::pin;
use std::time::Duration;
use wasm_bindgen::{JsCast, JsValue};
use worker::js_sys::futures::JsFuture;
use worker::web_sys::{ReadableStreamDefaultReader, Response};
use worker::{AbortController, Delay};

use super::js::{describe_js_error, now};

/// The longest complete answer in bytes.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// The longest answer that is read with a single wait, in bytes.
const ONE_PIECE_BYTES: usize = 64 << 10;

/// How late a timer may fire, in milliseconds. A later one means that the isolate was stalled, so that the
/// upstream's bytes may have arrived and not been read.
const STALL_MS: f64 = 100.0;
/// How often a wait is repeated because of stalls.
const MAX_STALLS: u32 = 5;

/// Awaits a future for at most `milliseconds`, not counting times in which the isolate was stalled; `None`
/// on timeout.
pub(super) async fn with_timeout<F: Future>(future: F, milliseconds: u32) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..=MAX_STALLS {
        let started = now();
        let delay = Delay::from(Duration::from_millis(milliseconds.into()));
        if let Either::Left((output, _)) = select(future.as_mut(), pin!(delay)).await {
            return Some(output);
        }
        if now() - started < f64::from(milliseconds) + STALL_MS {
            return None;
        }
    }
    None
}

/// Why no further chunk was read.
#[derive(Debug)]
pub(super) enum ReadError {
    /// Nothing came in time.
    TimedOut,
    /// The connection broke.
    Broken(String),
    /// The body is longer than [`MAX_ANSWER_BYTES`].
    TooLong,
}

/// A response body. Dropping it before its end cancels the call.
pub(super) struct UpstreamBody {
    response: Response,
    /// The body's length, if stated.
    length: Option<usize>,
    reader: Option<ReadableStreamDefaultReader>,
    /// A read that timed out; its chunk will be the next.
    pending: Option<Promise>,
    abort: Option<AbortController>,
}

impl UpstreamBody {
    /// Makes the body of a response. `length` is in bytes, if stated; `abort` cancels the call.
    pub(super) fn new(response: Response, length: Option<usize>, abort: AbortController) -> Self {
        Self { response, length, reader: None, pending: None, abort: Some(abort) }
    }

    /// Reads the next chunk; none at the end.
    pub(super) async fn next(&mut self, milliseconds: u32) -> Result<Option<Vec<u8>>, ReadError> {
        if self.reader.is_none() {
            self.reader = self.response.body().map(|body| body.get_reader().unchecked_into());
        }
        let Some(reader) = &self.reader else {
            self.abort = None;
            return Ok(None);
        };
        let promise = self.pending.take().unwrap_or_else(|| reader.read().unchecked_into());
        let Some(chunk) = with_timeout(JsFuture::from(promise.clone()), milliseconds).await else {
            self.pending = Some(promise);
            return Err(ReadError::TimedOut);
        };
        let chunk = chunk.map_err(connection_error)?;
        let field = |name: &str| Reflect::get(&chunk, &name.into()).map_err(connection_error);
        if field("done")?.is_truthy() {
            self.abort = None;
            return Ok(None);
        }
        let bytes: Uint8Array = field("value")?.dyn_into().map_err(connection_error)?;
        Ok(Some(bytes.to_vec()))
    }

    /// Reads the rest of the body, up to [`MAX_ANSWER_BYTES`].
    pub(super) async fn read_all(
        &mut self,
        first_ms: u32,
        idle_ms: u32,
    ) -> Result<Vec<u8>, ReadError> {
        // A short answer of known length needs one wait in place of two.
        if self.length.is_some_and(|length| length <= ONE_PIECE_BYTES) {
            let buffer = self.response.array_buffer().map_err(connection_error)?;
            let bytes =
                with_timeout(JsFuture::from(buffer), first_ms).await.ok_or(ReadError::TimedOut)?;
            self.abort = None;
            return Ok(Uint8Array::new(&bytes.map_err(connection_error)?).to_vec());
        }
        let mut body = Vec::new();
        let mut wait = first_ms;
        while let Some(piece) = self.next(wait).await? {
            if body.len() + piece.len() > MAX_ANSWER_BYTES {
                return Err(ReadError::TooLong);
            }
            body.extend(piece);
            wait = idle_ms;
        }
        Ok(body)
    }
}

impl Drop for UpstreamBody {
    fn drop(&mut self) {
        if let Some(abort) = self.abort.take() {
            abort.abort();
        }
    }
}

fn connection_error(error: JsValue) -> ReadError {
    ReadError::Broken(describe_js_error(error))
}
