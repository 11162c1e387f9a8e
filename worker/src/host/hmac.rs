//! HMAC-SHA-256 under the secret `LOG_SECRET`, by the host's WebCrypto.

use js_sys::{Reflect, Uint8Array};
use pointsman::hexadecimal;
use serde_json::json;
use wasm_bindgen::JsValue;
use worker::Env;

use super::js::{call_async, describe_js_error, secret, to_js};
use crate::error::GatewayError;

const LOG_SECRET: &str = "LOG_SECRET";
/// The fewest characters of the secret: 16 random bytes in hexadecimal.
const LEAST_CHARACTERS: usize = 32;

/// The state of the secret.
pub(super) enum LogSecret {
    /// It can be used.
    Set(String),
    /// It is not set.
    Missing,
    /// It is too short to resist guessing.
    Short,
}

impl LogSecret {
    /// Reads the secret.
    pub(super) fn of(env: &Env) -> Self {
        match secret(env, LOG_SECRET) {
            None => Self::Missing,
            Some(text) if text.chars().count() < LEAST_CHARACTERS => Self::Short,
            Some(text) => Self::Set(text),
        }
    }

    /// The code that `/healthz` shows if the secret cannot be used.
    pub(super) fn warning(&self) -> Option<&'static str> {
        match self {
            Self::Set(_) => None,
            Self::Missing => Some("log_secret_missing"),
            Self::Short => Some("log_secret_short"),
        }
    }

    /// The secret, or the operator's error.
    ///
    /// # Errors
    /// [`GatewayError::BindingMissing`].
    pub(super) fn usable(self) -> Result<String, GatewayError> {
        let why = "it signs feedback ids, and has at least 32 characters: openssl rand -hex 32 | npx \
                   wrangler secret put LOG_SECRET";
        match self {
            Self::Set(text) => Ok(text),
            Self::Missing | Self::Short => {
                Err(GatewayError::BindingMissing { binding: LOG_SECRET, why })
            }
        }
    }
}

/// The HMAC-SHA-256 of a text, in lower-case hexadecimal.
///
/// # Errors
/// [`GatewayError::BindingFailed`] if the runtime refuses.
pub(super) async fn hmac(secret: &str, text: &str) -> Result<String, GatewayError> {
    let failed = |e: JsValue| GatewayError::BindingFailed {
        binding: LOG_SECRET,
        detail: describe_js_error(e),
    };
    let bytes = |text: &str| JsValue::from(Uint8Array::from(text.as_bytes()));
    let crypto = Reflect::get(&js_sys::global(), &"crypto".into()).map_err(failed)?;
    let subtle = Reflect::get(&crypto, &"subtle".into()).map_err(failed)?;
    let algorithm = to_js(&json!({"name": "HMAC", "hash": "SHA-256"}));
    let uses = to_js(&json!(["sign"]));
    let arguments = ["raw".into(), bytes(secret), algorithm, false.into(), uses];
    let key = call_async(&subtle, "importKey", &arguments).await.map_err(failed)?;
    let arguments = ["HMAC".into(), key, bytes(text)];
    let signature = call_async(&subtle, "sign", &arguments).await.map_err(failed)?;
    Ok(hexadecimal(&Uint8Array::new(&signature).to_vec()))
}
