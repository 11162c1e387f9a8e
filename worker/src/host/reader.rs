//! An upstream's body, piece by piece and in time.

use futures_util::future::{Either, select};
use js_sys::{Promise, Reflect, Uint8Array};
use std::pin::pin;
use std::time::Duration;
use wasm_bindgen::{JsCast, JsValue};
use worker::js_sys::futures::JsFuture;
use worker::web_sys::{ReadableStreamDefaultReader, Response};
use worker::{AbortController, Delay};

use super::javascript::told;

/// Longest whole answer in bytes.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// Longest answer that is read in one piece.
const ONE_PIECE_BYTES: usize = 64 << 10;

/// Waits for a future, for so long; `None` when the time is up.
pub(super) async fn in_time<F: Future>(future: F, milliseconds: u32) -> Option<F::Output> {
    let delay = Delay::from(Duration::from_millis(milliseconds.into()));
    match select(pin!(future), pin!(delay)).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}

/// Why no further piece came.
#[derive(Debug)]
pub(super) enum Stopped {
    /// Nothing came in time.
    Silent,
    /// The connection broke.
    Broken(String),
    /// More came than is taken.
    TooLong,
}

/// A body. Dropped before its end, it gives the call up.
pub(super) struct Reader {
    response: Response,
    /// Its length, where stated.
    length: Option<usize>,
    reader: Option<ReadableStreamDefaultReader>,
    /// A piece that was asked for and did not come in time: it will be the next.
    pending: Option<Promise>,
    abort: Option<AbortController>,
}

impl Reader {
    /// Of a response's body, its length where it states one, and what gives its call up.
    pub(super) fn new(response: Response, length: Option<usize>, abort: AbortController) -> Self {
        Self { response, length, reader: None, pending: None, abort: Some(abort) }
    }

    /// The next piece, or none at the end.
    pub(super) async fn next(&mut self, milliseconds: u32) -> Result<Option<Vec<u8>>, Stopped> {
        if self.reader.is_none() {
            self.reader = self.response.body().map(|body| body.get_reader().unchecked_into());
        }
        let Some(reader) = &self.reader else {
            self.abort = None;
            return Ok(None);
        };
        let promise = self.pending.take().unwrap_or_else(|| reader.read().unchecked_into());
        let Some(chunk) = in_time(JsFuture::from(promise.clone()), milliseconds).await else {
            self.pending = Some(promise);
            return Err(Stopped::Silent);
        };
        let chunk = chunk.map_err(broken)?;
        let field = |name: &str| Reflect::get(&chunk, &name.into()).map_err(broken);
        if field("done")?.is_truthy() {
            self.abort = None;
            return Ok(None);
        }
        let bytes: Uint8Array = field("value")?.dyn_into().map_err(broken)?;
        Ok(Some(bytes.to_vec()))
    }

    /// Everything, up to a limit.
    pub(super) async fn whole(&mut self, first_ms: u32, idle_ms: u32) -> Result<Vec<u8>, Stopped> {
        // A short answer of known length comes in one piece: one wait in place of two.
        if self.length.is_some_and(|length| length <= ONE_PIECE_BYTES) {
            let buffer = self.response.array_buffer().map_err(broken)?;
            let bytes = in_time(JsFuture::from(buffer), first_ms).await.ok_or(Stopped::Silent)?;
            self.abort = None;
            return Ok(Uint8Array::new(&bytes.map_err(broken)?).to_vec());
        }
        let mut body = Vec::new();
        let mut wait = first_ms;
        while let Some(piece) = self.next(wait).await? {
            if body.len() + piece.len() > MAX_ANSWER_BYTES {
                return Err(Stopped::TooLong);
            }
            body.extend(piece);
            wait = idle_ms;
        }
        Ok(body)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(abort) = self.abort.take() {
            abort.abort();
        }
    }
}

fn broken(error: JsValue) -> Stopped {
    Stopped::Broken(told(error))
}
