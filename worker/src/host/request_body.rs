//! Reads a request's body, up to a size limit.
//!
//! The body stays in JavaScript's memory: wasm memory, which never shrinks, holds its text only while it is
//! read, and an upstream call's body is composed without it.

use js_sys::{Array, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use worker::Request;
use worker::js_sys::futures::JsFuture;
use worker::web_sys::ReadableStreamDefaultReader;

use super::js::{header, next_turn};
use crate::error::GatewayError;
use crate::request::json::decode_utf8;
use crate::wire::outgoing::{Outgoing, Piece};

/// The longest body of a refused request that is still read, in bytes.
const DRAINED: usize = 64 << 10;
/// From this length on, other requests get a turn between the steps of reading a body, in bytes.
const LONG: u32 = 1 << 20;

/// A request's body, as bytes in JavaScript's memory.
pub(super) struct Source(Uint8Array);

impl Source {
    /// Reads the body. One without a stated length, or with one above `limit`, is read chunk by chunk until
    /// it exceeds `limit` bytes; a body is never longer than the length it states.
    ///
    /// # Errors
    /// [`GatewayError::BodyTooLarge`], [`GatewayError::BodyUnreadable`].
    pub(super) async fn read(request: &Request, limit: usize) -> Result<Self, GatewayError> {
        if is_at_most(request, limit) {
            let buffer = request.inner().array_buffer().map_err(unreadable)?;
            let bytes = JsFuture::from(buffer).await.map_err(unreadable)?;
            return Ok(Self(Uint8Array::new(&bytes)));
        }
        let chunks = Array::new();
        let Some(stream) = request.inner().body() else {
            return Ok(Self(Uint8Array::new_with_length(0)));
        };
        let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
        let mut length = 0;
        loop {
            let chunk = JsFuture::from(reader.read()).await.map_err(unreadable)?;
            if field(&chunk, "done")?.is_truthy() {
                return Ok(Self(joined(&chunks, length)));
            }
            let bytes: Uint8Array = field(&chunk, "value")?.dyn_into().map_err(unreadable)?;
            length += bytes.length();
            if length as usize > limit {
                // The request is refused whether or not the cancellation succeeds.
                let _ = JsFuture::from(reader.cancel()).await;
                return Err(GatewayError::BodyTooLarge { limit });
            }
            chunks.push(&bytes);
        }
    }

    /// The body as text.
    ///
    /// # Errors
    /// [`GatewayError::BodyNotUtf8`].
    pub(super) fn text(&self) -> Result<String, GatewayError> {
        decode_utf8(self.0.to_vec())
    }

    /// Gives other requests a turn, if the body is long.
    pub(super) async fn pause(&self) {
        if self.0.length() >= LONG {
            next_turn().await;
        }
    }

    /// The bytes of an upstream call's body.
    pub(super) fn compose(&self, body: &Outgoing) -> Uint8Array {
        let composed = Uint8Array::new_with_length(offset(body.len()));
        let mut at = 0;
        for piece in &body.0 {
            at += match piece {
                Piece::Source(range) => {
                    let part = self.0.subarray(offset(range.start), offset(range.end));
                    composed.set(&part, at);
                    part.length()
                }
                Piece::Text(text) => {
                    composed.subarray(at, at + offset(text.len())).copy_from(text.as_bytes());
                    offset(text.len())
                }
            };
        }
        composed
    }
}

/// Reads the body as text.
///
/// # Errors
/// Those of [`Source::read`] and [`Source::text`].
pub(super) async fn read_text(request: &Request, limit: usize) -> Result<String, GatewayError> {
    Source::read(request, limit).await?.text()
}

/// Reads the short body of a refused request to its end: workerd closes a connection whose request was
/// not read, and the client may already have sent its next request on it.
pub(super) async fn drain(request: &Request) {
    if is_at_most(request, DRAINED) && !request.inner().body_used() {
        if let Ok(buffer) = request.inner().array_buffer() {
            // The request is refused in any case.
            let _ = JsFuture::from(buffer).await;
        }
    }
}

/// Chunks as one array of `length` bytes.
pub(super) fn joined(chunks: &Array, length: u32) -> Uint8Array {
    let whole = Uint8Array::new_with_length(length);
    let mut at = 0;
    for chunk in chunks.iter() {
        let chunk: Uint8Array = chunk.unchecked_into();
        whole.set(&chunk, at);
        at += chunk.length();
    }
    whole
}

/// A position in a body; bodies are shorter than 4 GiB.
#[allow(clippy::cast_possible_truncation)]
fn offset(bytes: usize) -> u32 {
    bytes as u32
}

/// Whether the body states a length of at most `limit`.
fn is_at_most(request: &Request, limit: usize) -> bool {
    let length = header(request, "content-length").and_then(|length| length.parse::<usize>().ok());
    length.is_some_and(|length| length <= limit)
}

fn field(chunk: &JsValue, name: &str) -> Result<JsValue, GatewayError> {
    Reflect::get(chunk, &name.into()).map_err(unreadable)
}

fn unreadable(error: JsValue) -> GatewayError {
    GatewayError::BodyUnreadable { detail: worker::Error::from(error).to_string() }
}
