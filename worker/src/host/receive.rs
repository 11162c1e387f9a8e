//! The request's body, up to a limit.

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use worker::Request;
use worker::js_sys::futures::JsFuture;
use worker::web_sys::ReadableStreamDefaultReader;

use super::javascript::header;
use crate::error::GatewayError;
use crate::route;

/// Longest body that is read of a request that is refused, in bytes.
const DRAINED: usize = 64 << 10;

/// The body as text, up to `limit` bytes. One that states no length is read piece by piece and given
/// up where it passes the limit; one that states a length has no more than that.
///
/// # Errors
/// [`GatewayError::BodyTooLarge`], [`GatewayError::BodyUnreadable`], [`GatewayError::BodyNotUtf8`].
pub(super) async fn text(request: &Request, limit: usize) -> Result<String, GatewayError> {
    if is_at_most(request, limit) {
        let buffer = request.inner().array_buffer().map_err(unreadable)?;
        let bytes = JsFuture::from(buffer).await.map_err(unreadable)?;
        return route::utf8(Uint8Array::new(&bytes).to_vec());
    }
    let mut body = Vec::new();
    let Some(stream) = request.inner().body() else {
        return Ok(String::new());
    };
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    loop {
        let chunk = JsFuture::from(reader.read()).await.map_err(unreadable)?;
        if field(&chunk, "done")?.is_truthy() {
            return route::utf8(body);
        }
        let bytes: Uint8Array = field(&chunk, "value")?.dyn_into().map_err(unreadable)?;
        if body.len() + bytes.length() as usize > limit {
            // The caller is told by the status; whether the cancelling succeeds changes nothing.
            let _ = JsFuture::from(reader.cancel()).await;
            return Err(GatewayError::BodyTooLarge { limit });
        }
        body.extend_from_slice(&bytes.to_vec());
    }
}

/// Reads a short body to its end, of a request that is refused: workerd hangs up on a connection
/// whose request was not read, and the client's next one may be on its way there.
pub(super) async fn drain(request: &Request) {
    if is_at_most(request, DRAINED) && !request.inner().body_used() {
        if let Ok(buffer) = request.inner().array_buffer() {
            // It is refused in any case.
            let _ = JsFuture::from(buffer).await;
        }
    }
}

/// Whether the body states a length, and one within `limit`.
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
