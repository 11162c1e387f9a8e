//! Reads a request's body, up to a size limit.

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use worker::Request;
use worker::js_sys::futures::JsFuture;
use worker::web_sys::ReadableStreamDefaultReader;

use super::js::header;
use crate::error::GatewayError;
use crate::request::json::decode_utf8;

/// The longest body of a refused request that is still read, in bytes.
const DRAINED: usize = 64 << 10;

/// Reads the body as text. A body without a stated length, or with one above `limit`, is read chunk by
/// chunk until it exceeds `limit` bytes; a body is never longer than the length it states.
///
/// # Errors
/// [`GatewayError::BodyTooLarge`], [`GatewayError::BodyUnreadable`], [`GatewayError::BodyNotUtf8`].
pub(super) async fn read_text(request: &Request, limit: usize) -> Result<String, GatewayError> {
    if is_at_most(request, limit) {
        let buffer = request.inner().array_buffer().map_err(unreadable)?;
        let bytes = JsFuture::from(buffer).await.map_err(unreadable)?;
        return decode_utf8(Uint8Array::new(&bytes).to_vec());
    }
    let mut body = Vec::new();
    let Some(stream) = request.inner().body() else {
        return Ok(String::new());
    };
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    loop {
        let chunk = JsFuture::from(reader.read()).await.map_err(unreadable)?;
        if field(&chunk, "done")?.is_truthy() {
            return decode_utf8(body);
        }
        let bytes: Uint8Array = field(&chunk, "value")?.dyn_into().map_err(unreadable)?;
        if body.len() + bytes.length() as usize > limit {
            // The request is refused whether or not the cancellation succeeds.
            let _ = JsFuture::from(reader.cancel()).await;
            return Err(GatewayError::BodyTooLarge { limit });
        }
        body.extend_from_slice(&bytes.to_vec());
    }
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
