//! Reads a request's body, up to a size limit.
//!
//! The body stays in JavaScript's memory: wasm memory, which never shrinks, holds its text only while it is
//! read, and an upstream call's body is composed without it.

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use worker::Request;
use worker::js_sys::futures::JsFuture;
use worker::web_sys::ReadableStreamDefaultReader;

use super::chunks::Chunks;
use super::decompression::{DecompressionError, Decompressor};
use super::js::{describe_js_error, header, next_turn};
use crate::error::GatewayError;
use crate::request::content_encoding::Compression;
use crate::request::json::decode_utf8;
use crate::wire::outgoing::{Outgoing, Piece};

/// The longest body of a refused request that is still read, in bytes.
const DRAINED: usize = 64 << 10;
/// The longest body whose rest is read, and not kept, once it is refused in the middle, in bytes.
const MAX_REST: usize = 32 << 20;
/// From this length on, other requests get a turn between the steps of reading a body, in bytes.
const LONG: u32 = 1 << 20;

/// A request's body, as bytes in JavaScript's memory.
pub(super) struct Source(Uint8Array);

impl Source {
    /// Reads the body. One without a stated length, or with one above `limit`, is read chunk by chunk until
    /// it exceeds `limit` bytes; a body is never longer than the length it states. A compressed one has at
    /// most `limit` bytes before and after.
    ///
    /// # Errors
    /// [`GatewayError::BodyTooLarge`], [`GatewayError::BodyUnreadable`],
    /// [`GatewayError::EncodingUnsupported`], [`GatewayError::BodyNotDecompressed`].
    pub(super) async fn read(request: &Request, limit: usize) -> Result<Self, GatewayError> {
        let compression = Compression::of(header(request, "content-encoding").as_deref())?;
        if compression.is_none() && is_at_most(request, limit) {
            let buffer = request.inner().array_buffer().map_err(unreadable)?;
            let bytes = JsFuture::from(buffer).await.map_err(unreadable)?;
            return Ok(Self(Uint8Array::new(&bytes)));
        }
        let Some(stream) = request.inner().body() else {
            return Ok(Self(Uint8Array::new_with_length(0)));
        };
        let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
        let read = match compression {
            Some(compression) => read_compressed(&reader, compression, limit).await,
            None => read_plain(&reader, limit).await,
        };
        if read.is_err() {
            // A client that is still sending may not read the refusal, so the rest is read.
            while is_at_most(request, MAX_REST) && matches!(next_chunk(&reader).await, Ok(Some(_)))
            {
            }
            // The request is refused whether or not the cancellation succeeds.
            let _ = JsFuture::from(reader.cancel()).await;
        }
        read.map(Self)
    }

    /// A body that the gateway wrote.
    pub(super) fn of_text(text: &str) -> Self {
        Self(Uint8Array::from(text.as_bytes()))
    }

    /// The body's bytes.
    pub(super) fn bytes(&self) -> &Uint8Array {
        &self.0
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

/// Reads a body of at most `limit` bytes.
async fn read_plain(
    reader: &ReadableStreamDefaultReader,
    limit: usize,
) -> Result<Uint8Array, GatewayError> {
    let mut chunks = Chunks::new(limit);
    while let Some(chunk) = next_chunk(reader).await? {
        if !chunks.push(&chunk) {
            return Err(GatewayError::BodyTooLarge { limit });
        }
    }
    Ok(chunks.joined())
}

/// Reads and decompresses a body.
async fn read_compressed(
    reader: &ReadableStreamDefaultReader,
    compression: Compression,
    limit: usize,
) -> Result<Uint8Array, GatewayError> {
    let failed = |error: DecompressionError| match error {
        DecompressionError::TooLong => GatewayError::BodyTooLarge { limit },
        DecompressionError::Malformed(error) => GatewayError::BodyNotDecompressed {
            encoding: compression.name(),
            detail: describe_js_error(error),
        },
    };
    let (mut decompressor, mut length) = (None, 0_usize);
    while let Some(chunk) = next_chunk(reader).await? {
        if chunk.length() == 0 {
            continue;
        }
        length = length.saturating_add(chunk.length() as usize);
        if length > limit {
            return Err(GatewayError::BodyTooLarge { limit });
        }
        let stream = match &mut decompressor {
            Some(stream) => stream,
            None => {
                let format = compression.format(chunk.get_index(0));
                let stream = Decompressor::new(format, limit).map_err(|e| failed(e.into()))?;
                decompressor.insert(stream)
            }
        };
        stream.push(&chunk).await.map_err(failed)?;
    }
    match decompressor {
        Some(stream) => stream.finish().await.map_err(failed),
        None => Ok(Uint8Array::new_with_length(0)),
    }
}

/// The next chunk of a body; none at its end.
async fn next_chunk(
    reader: &ReadableStreamDefaultReader,
) -> Result<Option<Uint8Array>, GatewayError> {
    let chunk = JsFuture::from(reader.read()).await.map_err(unreadable)?;
    if field(&chunk, "done")?.is_truthy() {
        return Ok(None);
    }
    field(&chunk, "value")?.dyn_into().map(Some).map_err(unreadable)
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
    GatewayError::BodyUnreadable { detail: describe_js_error(error) }
}
