//! Decodes the body of an upstream's answer where the runtime has not.

use js_sys::{Array, Function, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use worker::js_sys::futures::JsFuture;
use worker::web_sys::{ReadableStream, ReadableStreamDefaultReader, Response};

use super::js::call;
use crate::upstream::headers::compression;

/// The answer with a decoded body. Its first bytes tell the format.
///
/// # Errors
/// The body cannot be read. One that is damaged fails when it is read further.
pub(super) async fn decoded(answer: Response, encoding: &str) -> Result<Response, JsValue> {
    let Some(body) = answer.body() else { return Ok(answer) };
    let both = body.tee();
    let (peeked, body): (ReadableStream, ReadableStream) =
        (both.get(0).unchecked_into(), both.get(1).unchecked_into());
    let first = first_bytes(&peeked).await?;
    let Some(format) = compression(first, encoding) else {
        return Response::new_with_opt_readable_stream(Some(&body));
    };
    let class: Function =
        Reflect::get(&js_sys::global(), &"DecompressionStream".into())?.dyn_into()?;
    let decompression = Reflect::construct(&class, &Array::of1(&format.into()))?;
    let body = call(&body, "pipeThrough", &[decompression])?;
    Response::new_with_opt_readable_stream(Some(&body.unchecked_into()))
}

/// The first two bytes of a stream, which is not read further; zeros where it is shorter.
async fn first_bytes(stream: &ReadableStream) -> Result<[u8; 2], JsValue> {
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let (mut first, mut found) = ([0; 2], 0);
    while found < first.len() {
        let chunk = JsFuture::from(reader.read()).await?;
        if Reflect::get(&chunk, &"done".into())?.is_truthy() {
            break;
        }
        let bytes: Uint8Array = Reflect::get(&chunk, &"value".into())?.dyn_into()?;
        for at in 0..bytes.length().min(2) {
            if found < first.len() {
                first[found] = bytes.get_index(at);
                found += 1;
            }
        }
    }
    // Its promise is settled only once the other branch has ended too.
    call(&reader, "cancel", &[])?;
    Ok(first)
}
