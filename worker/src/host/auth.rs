//! Checks the caller's key, its rate limit and the origin of browser pages.

use pointsman::sha256_hex;
use worker::{Env, Headers, Request, Response};

use super::isolate::Config;
use super::js::{binding, call_async, describe_js_error, from_js, header, to_js};
use crate::config::Key;
use crate::error::GatewayError;

/// The name that logs give to callers without a key.
const OPEN: &str = "open";
const EXPOSED: &str = "x-request-id, x-pointsman-model, x-pointsman-router, \
    x-pointsman-reason, x-pointsman-win-rate, x-pointsman-threshold, x-pointsman-attempts, \
    x-pointsman-estimated-cost, x-pointsman-cost, x-pointsman-cascade";

/// An admitted caller.
pub(super) struct Caller<'a> {
    /// The key's name.
    pub(super) name: &'a str,
    /// The key; none for a caller without one at an open gateway.
    pub(super) key: Option<&'a Key>,
}

impl Caller<'_> {
    /// A caller without a key.
    pub(super) fn without_key() -> Self {
        Caller { name: OPEN, key: None }
    }
}

/// Admits a caller by its key and the rate limit.
///
/// # Errors
/// [`GatewayError::KeysMissing`], [`GatewayError::Unauthorised`], [`GatewayError::RateLimited`],
/// [`GatewayError::BindingFailed`].
pub(super) async fn admit<'a>(
    request: &Request,
    env: &Env,
    config: &'a Config,
) -> Result<Caller<'a>, GatewayError> {
    let caller = caller(request, config)?;
    check_rate(request, env, &caller).await?;
    Ok(caller)
}

/// Identifies the caller by its key.
///
/// # Errors
/// [`GatewayError::KeysMissing`], [`GatewayError::Unauthorised`].
pub(super) fn caller<'a>(
    request: &Request,
    config: &'a Config,
) -> Result<Caller<'a>, GatewayError> {
    if config.keys.is_empty() {
        return match config.settings.open {
            true => Ok(Caller::without_key()),
            false => Err(GatewayError::KeysMissing),
        };
    }
    let given = bearer(request).or_else(|| header(request, "x-api-key"));
    match given {
        Some(text) => {
            let key = config.keys.with_hash(&sha256_hex(text.as_bytes()));
            let key = key.ok_or(GatewayError::Unauthorised)?;
            Ok(Caller { name: &key.name, key: Some(key) })
        }
        None if config.settings.open => Ok(Caller::without_key()),
        None => Err(GatewayError::Unauthorised),
    }
}

/// Checks the rate limit, if the binding exists.
///
/// # Errors
/// [`GatewayError::RateLimited`], [`GatewayError::BindingFailed`].
async fn check_rate(request: &Request, env: &Env, caller: &Caller<'_>) -> Result<(), GatewayError> {
    let Some(limiter) = binding(env, "RATE_LIMITER") else { return Ok(()) };
    let key = match caller.key {
        Some(key) => key.name.clone(),
        None => header(request, "cf-connecting-ip").unwrap_or_else(|| OPEN.into()),
    };
    let asked = serde_json::json!({"key": key});
    let found = call_async(&limiter, "limit", &[to_js(&asked)]).await.map_err(|e| {
        let detail = describe_js_error(e);
        GatewayError::BindingFailed { binding: "RATE_LIMITER", detail }
    })?;
    match from_js(&found)["success"] == true {
        true => Ok(()),
        false => Err(GatewayError::RateLimited),
    }
}

/// Reads the caller's own key for the upstream: from its header, or from `authorization` if the gateway
/// itself has no keys.
pub(super) fn upstream_key(request: &Request, config: &Config) -> Option<String> {
    header(request, "x-pointsman-upstream-key")
        .or_else(|| bearer(request).filter(|_| config.keys.is_empty()))
}

fn bearer(request: &Request) -> Option<String> {
    let value = header(request, "authorization")?;
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim().to_owned())
}

/// Sets the CORS headers that let a page of an allowed origin read the answer.
pub(super) fn set_cors_headers(headers: &Headers, origin: &str) -> worker::Result<()> {
    headers.set("access-control-allow-origin", origin)?;
    headers.append("vary", "origin")?;
    headers.set("access-control-expose-headers", EXPOSED)
}

/// Answers a CORS preflight request.
pub(super) fn preflight(request: &Request) -> worker::Result<Response> {
    let asked = header(request, "access-control-request-headers");
    let asked = asked.unwrap_or_else(|| "authorization, content-type".into());
    let headers = Headers::new();
    headers.set("access-control-allow-methods", "GET, POST")?;
    headers.set("access-control-allow-headers", &asked)?;
    headers.set("access-control-max-age", "86400")?;
    Ok(Response::empty()?.with_status(204).with_headers(headers))
}

/// Accepts pages of the allowed origins and of the Worker's own.
///
/// # Errors
/// [`GatewayError::OriginNotAllowed`].
pub(super) fn check_origin(
    request: &Request,
    config: &Config,
    origin: &str,
) -> Result<(), GatewayError> {
    let own = header(request, "host");
    let same = origin.split_once("://").map(|(_, host)| host) == own.as_deref();
    match same || allows_origin(config, origin) {
        true => Ok(()),
        false => Err(GatewayError::OriginNotAllowed { origin: origin.to_owned() }),
    }
}

/// Whether pages of an origin may call.
pub(super) fn allows_origin(config: &Config, origin: &str) -> bool {
    config.settings.cors.origins.iter().any(|allowed| allowed == "*" || allowed == origin)
}
