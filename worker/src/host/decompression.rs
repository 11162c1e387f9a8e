//! Decompresses a body with the runtime's `DecompressionStream`, up to a length.
//!
//! That stream takes whatever is written to it and keeps all that comes of it in memory: deflate makes up to a
//! thousand bytes of one. So a body is written in slices, and what a slice became is read, and counted, before
//! the next one is written.

use std::pin::pin;

use futures_util::future::{Either, select};
use js_sys::{Array, Function, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use worker::js_sys::futures::JsFuture;

use super::chunks::Chunks;
use super::js::{call, next_turn};

/// The bytes that are written at once: they become at most 17 MiB.
const SLICE: u32 = 16 << 10;

/// Why a body was not decompressed.
pub(super) enum DecompressionError {
    /// It is not in the stated format.
    Malformed(JsValue),
    /// It becomes longer than the limit.
    TooLong,
}

impl From<JsValue> for DecompressionError {
    fn from(error: JsValue) -> Self {
        Self::Malformed(error)
    }
}

/// A stream that decompresses a body.
pub(super) struct Decompressor {
    writer: JsValue,
    reader: JsValue,
    /// A read that has not ended.
    pending: Option<Promise>,
    chunks: Chunks,
    ended: bool,
}

impl Decompressor {
    /// Starts one of a format that the runtime knows, for at most `limit` bytes.
    ///
    /// # Errors
    /// The runtime's.
    pub(super) fn new(format: &str, limit: usize) -> Result<Self, JsValue> {
        let class: Function =
            Reflect::get(&js_sys::global(), &"DecompressionStream".into())?.dyn_into()?;
        let stream = Reflect::construct(&class, &Array::of1(&format.into()))?;
        let of =
            |side: &str, method: &str| call(&Reflect::get(&stream, &side.into())?, method, &[]);
        Ok(Self {
            writer: of("writable", "getWriter")?,
            reader: of("readable", "getReader")?,
            pending: None,
            chunks: Chunks::new(limit),
            ended: false,
        })
    }

    /// Decompresses a piece of the body.
    ///
    /// # Errors
    /// [`DecompressionError`].
    pub(super) async fn push(&mut self, piece: &Uint8Array) -> Result<(), DecompressionError> {
        for at in (0..piece.length()).step_by(SLICE as usize) {
            let end = at.saturating_add(SLICE).min(piece.length());
            let slice = piece.subarray(at, end);
            let written = call(&self.writer, "write", &[slice.into()])?;
            self.read_until(JsFuture::from(Promise::resolve(&written))).await??;
            // What is there is read at once.
            self.read_until(next_turn()).await?;
        }
        Ok(())
    }

    /// Takes what the pieces so far became; the limit is then that of what follows.
    pub(super) fn take(&mut self) -> Uint8Array {
        let limit = self.chunks.limit();
        std::mem::replace(&mut self.chunks, Chunks::new(limit)).joined()
    }

    /// Ends the body, and returns what it became.
    ///
    /// # Errors
    /// [`DecompressionError`].
    pub(super) async fn finish(mut self) -> Result<Uint8Array, DecompressionError> {
        let closed = call(&self.writer, "close", &[])?;
        self.read_until(JsFuture::from(Promise::resolve(&closed))).await??;
        while !self.ended {
            let promise = self.next_read()?;
            let chunk = JsFuture::from(promise).await?;
            self.keep(&chunk)?;
        }
        Ok(self.chunks.joined())
    }

    /// Reads until another future is ready.
    async fn read_until<F: Future>(&mut self, other: F) -> Result<F::Output, DecompressionError> {
        let mut other = pin!(other);
        while !self.ended {
            let promise = self.next_read()?;
            match select(JsFuture::from(promise.clone()), other.as_mut()).await {
                Either::Left((chunk, _)) => self.keep(&chunk?)?,
                Either::Right((output, _)) => {
                    self.pending = Some(promise);
                    return Ok(output);
                }
            }
        }
        Ok(other.await)
    }

    fn next_read(&mut self) -> Result<Promise, JsValue> {
        match self.pending.take() {
            Some(promise) => Ok(promise),
            None => Ok(Promise::resolve(&call(&self.reader, "read", &[])?)),
        }
    }

    fn keep(&mut self, read: &JsValue) -> Result<(), DecompressionError> {
        if Reflect::get(read, &"done".into())?.is_truthy() {
            self.ended = true;
            return Ok(());
        }
        let chunk: Uint8Array = Reflect::get(read, &"value".into())?.dyn_into()?;
        match self.chunks.push(&chunk) {
            true => Ok(()),
            false => Err(DecompressionError::TooLong),
        }
    }
}
