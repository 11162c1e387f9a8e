//! Converts JavaScript's bindings, variables, headers and errors to Rust values.

use js_sys::{Date, Function, Promise, Reflect};
use serde_json::Value;
use wasm_bindgen::{JsCast, JsValue};
use worker::js_sys::futures::JsFuture;
use worker::web_sys::AbortSignal;
use worker::{Env, Request};

/// Milliseconds since 1970. In Workers the clock advances only with I/O.
pub(super) fn now() -> f64 {
    Date::now()
}

/// Formats a time as ISO 8601 in UTC.
pub(super) fn iso_time(milliseconds: f64) -> String {
    Date::new(&milliseconds.into()).to_iso_string().into()
}

/// A random number, uniform in [0, 1).
pub(super) fn random() -> f64 {
    js_sys::Math::random()
}

/// Waits until the isolate's other events have had a turn.
pub(super) async fn next_turn() {
    worker::Delay::from(std::time::Duration::ZERO).await;
}

/// A random request id.
pub(super) fn random_id() -> String {
    let crypto = Reflect::get(&js_sys::global(), &"crypto".into()).unwrap_or_default();
    match call(&crypto, "randomUUID", &[]).ok().and_then(|id| id.as_string()) {
        Some(id) => id,
        None => format!("{:x}-{:x}", now() as u64, (random() * 1e15) as u64),
    }
}

/// A header of a request.
pub(super) fn header(request: &Request, name: &str) -> Option<String> {
    request.headers().get(name).ok().flatten()
}

/// A secret, if it is set.
pub(super) fn secret(env: &Env, name: &str) -> Option<String> {
    env.secret(name).ok().map(|secret| secret.to_string())
}

/// A variable as JSON text, whether configured as text or as an object.
pub(super) fn variable(env: &Env, name: &str) -> Option<String> {
    let value = Reflect::get(env, &name.into()).ok()?;
    if value.is_undefined() {
        return None;
    }
    value.as_string().or_else(|| js_sys::JSON::stringify(&value).ok()?.as_string())
}

/// A binding, if it exists.
pub(super) fn binding(env: &Env, name: &str) -> Option<JsValue> {
    Reflect::get(env, &name.into()).ok().filter(|value| value.is_object() || value.is_function())
}

/// Calls a method.
pub(super) fn call(
    object: &JsValue,
    method: &str,
    arguments: &[JsValue],
) -> Result<JsValue, JsValue> {
    let function: Function = Reflect::get(object, &method.into())?.dyn_into()?;
    Reflect::apply(&function, object, &arguments.iter().collect())
}

/// Calls a method that returns a promise, and awaits the promise.
pub(super) async fn call_async(
    object: &JsValue,
    method: &str,
    arguments: &[JsValue],
) -> Result<JsValue, JsValue> {
    let answer = call(object, method, arguments)?;
    JsFuture::from(Promise::resolve(&answer)).await
}

/// A signal that aborts when either of two signals does.
pub(super) fn any_signal(one: &JsValue, other: &JsValue) -> Option<AbortSignal> {
    let class = Reflect::get(&js_sys::global(), &"AbortSignal".into()).ok()?;
    let both: JsValue = js_sys::Array::of2(one, other).into();
    call(&class, "any", &[both]).ok()?.dyn_into().ok()
}

/// Converts JSON to a JavaScript value.
pub(super) fn to_js(value: &Value) -> JsValue {
    js_sys::JSON::parse(&value.to_string()).unwrap_or_default()
}

/// Parses JSON in UTF-8 to a JavaScript value, without a copy in wasm memory.
pub(super) fn parse_json(bytes: &js_sys::Uint8Array) -> Result<JsValue, JsValue> {
    let global = js_sys::global();
    let class: Function = Reflect::get(&global, &"TextDecoder".into())?.dyn_into()?;
    let decoder = Reflect::construct(&class, &js_sys::Array::new())?;
    let text = call(&decoder, "decode", &[bytes.into()])?;
    call(&Reflect::get(&global, &"JSON".into())?, "parse", &[text])
}

/// Converts a JavaScript value to JSON; null if it has no JSON form.
pub(super) fn from_js(value: &JsValue) -> Value {
    let text = js_sys::JSON::stringify(value).ok().and_then(|text| text.as_string());
    text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// The message of a JavaScript error.
pub(super) fn describe_js_error(error: JsValue) -> String {
    worker::Error::from(error).to_string()
}
