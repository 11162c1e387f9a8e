//! Reads an upstream's body chunk by chunk, each within a time limit.

use futures_util::future::{Either, select};
use js_sys::{Promise, Reflect, Uint8Array};
use std::pin::pin;
use std::time::Duration;
use wasm_bindgen::{JsCast, JsValue};
use worker::Delay;
use worker::js_sys::futures::JsFuture;
use worker::web_sys::{AbortController, ReadableStreamDefaultReader, Response};

use super::chunks::Chunks;
use super::decompression::{DecompressionError, Decompressor};
use super::js::{describe_js_error, now};
use crate::upstream::headers::compression;

/// The longest complete answer in bytes.
pub(super) const MAX_ANSWER_BYTES: usize = 16 << 20;

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
    /// The request's time in all is over.
    Overdue,
    /// The connection broke.
    Broken(String),
    /// The body is longer than the given number of bytes.
    TooLong(usize),
}

/// What the runtime gives of a body.
enum Content {
    /// The content itself.
    Plain,
    /// Bytes with this `content-encoding`, of which none has been read.
    Compressed(String),
    /// Bytes that are decompressed.
    Decompressed(Decompressor),
}

/// A response body. Dropping it before its end cancels the call.
pub(super) struct UpstreamBody {
    response: Response,
    /// The body's length, if stated.
    length: Option<usize>,
    reader: Option<ReadableStreamDefaultReader>,
    /// Bytes that were read and put back.
    peeked: Option<Uint8Array>,
    /// A read that timed out; its chunk will be the next.
    pending: Option<Promise>,
    content: Content,
    abort: Option<AbortController>,
    /// When the request's time in all is over, in milliseconds since 1970.
    deadline: f64,
}

impl UpstreamBody {
    /// Makes the body of a response. `length` is in bytes, if stated; `abort` cancels the call.
    pub(super) fn new(
        response: Response,
        length: Option<usize>,
        abort: AbortController,
        deadline: f64,
    ) -> Self {
        Self {
            response,
            length,
            reader: None,
            peeked: None,
            pending: None,
            content: Content::Plain,
            abort: Some(abort),
            deadline,
        }
    }

    /// Reads the next chunk; none at the end.
    pub(super) async fn next(&mut self, milliseconds: u32) -> Result<Option<Vec<u8>>, ReadError> {
        Ok(self.next_chunk(milliseconds).await?.map(|chunk| chunk.to_vec()))
    }

    /// Makes bytes that were read the next chunk.
    pub(super) fn put_back(&mut self, bytes: &[u8]) {
        self.peeked = (!bytes.is_empty()).then(|| Uint8Array::from(bytes));
    }

    /// Decompresses the body, as its first byte and its `content-encoding` say.
    pub(super) fn decompress(&mut self, encoding: &str) {
        self.content = Content::Compressed(encoding.to_owned());
    }

    async fn next_chunk(&mut self, milliseconds: u32) -> Result<Option<Uint8Array>, ReadError> {
        if let Some(chunk) = self.peeked.take() {
            return Ok(Some(chunk));
        }
        loop {
            let piece = self.next_piece(milliseconds).await?;
            if matches!(self.content, Content::Plain) {
                return Ok(piece);
            }
            let ended = piece.is_none();
            let chunk = self.decompressed(piece).await?;
            if ended || chunk.length() > 0 {
                return Ok(Some(chunk).filter(|chunk| chunk.length() > 0));
            }
        }
    }

    /// What a piece of a compressed body becomes, or its end.
    async fn decompressed(&mut self, piece: Option<Uint8Array>) -> Result<Uint8Array, ReadError> {
        if let (Content::Compressed(encoding), Some(piece)) = (&self.content, &piece) {
            let format = (piece.length() > 0).then(|| compression(piece.get_index(0), encoding));
            match format {
                None => return Ok(piece.clone()),
                Some(None) => {
                    self.content = Content::Plain;
                    return Ok(piece.clone());
                }
                Some(Some(format)) => {
                    let decompressor = Decompressor::new(format, MAX_ANSWER_BYTES);
                    self.content = Content::Decompressed(decompressor.map_err(connection_error)?);
                }
            }
        }
        let content = match piece {
            Some(_) => None,
            None => Some(std::mem::replace(&mut self.content, Content::Plain)),
        };
        let failed = |error| match error {
            DecompressionError::Malformed(error) => connection_error(error),
            DecompressionError::TooLong => ReadError::TooLong(MAX_ANSWER_BYTES),
        };
        match (content, &mut self.content, piece) {
            (Some(Content::Decompressed(rest)), ..) => rest.finish().await.map_err(failed),
            (None, Content::Decompressed(decompressor), Some(piece)) => {
                decompressor.push(&piece).await.map_err(failed)?;
                Ok(decompressor.take())
            }
            _ => Ok(Uint8Array::new_with_length(0)),
        }
    }

    /// Reads the next bytes as the runtime gives them; none at the end.
    async fn next_piece(&mut self, milliseconds: u32) -> Result<Option<Uint8Array>, ReadError> {
        if self.reader.is_none() {
            self.reader = self.response.body().map(|body| body.get_reader().unchecked_into());
        }
        let Some(reader) = &self.reader else {
            self.abort = None;
            return Ok(None);
        };
        let promise = self.pending.take().unwrap_or_else(|| reader.read().unchecked_into());
        let (wait, error) = within(milliseconds, self.deadline);
        let Some(chunk) = with_timeout(JsFuture::from(promise.clone()), wait).await else {
            self.pending = Some(promise);
            return Err(error);
        };
        let chunk = chunk.map_err(connection_error)?;
        let field = |name: &str| Reflect::get(&chunk, &name.into()).map_err(connection_error);
        if field("done")?.is_truthy() {
            self.abort = None;
            return Ok(None);
        }
        Ok(Some(field("value")?.dyn_into().map_err(connection_error)?))
    }

    /// Reads the rest of the body, up to `limit` bytes. Chunks are joined in JavaScript's memory: a vector
    /// that grows takes up to three times its content of wasm memory.
    pub(super) async fn read_all(
        &mut self,
        first_ms: u32,
        idle_ms: u32,
        limit: usize,
    ) -> Result<Vec<u8>, ReadError> {
        // A short answer of known length needs one wait in place of two.
        let is_short = self.length.is_some_and(|length| length <= ONE_PIECE_BYTES);
        if is_short && self.reader.is_none() {
            let buffer = self.response.array_buffer().map_err(connection_error)?;
            let (wait, error) = within(first_ms, self.deadline);
            let bytes = with_timeout(JsFuture::from(buffer), wait).await.ok_or(error)?;
            self.abort = None;
            return Ok(Uint8Array::new(&bytes.map_err(connection_error)?).to_vec());
        }
        let (mut chunks, mut wait) = (Chunks::new(limit), first_ms);
        while let Some(chunk) = self.next_chunk(wait).await? {
            if !chunks.push(&chunk) {
                return Err(ReadError::TooLong(limit));
            }
            wait = idle_ms;
        }
        Ok(chunks.joined().to_vec())
    }
}

/// The wait that ends at the deadline at the latest, and the error if it passes.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(super) fn within(milliseconds: u32, deadline: f64) -> (u32, ReadError) {
    let left = (deadline - now()).max(0.0);
    match left < f64::from(milliseconds) {
        true => (left as u32, ReadError::Overdue),
        false => (milliseconds, ReadError::TimedOut),
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
