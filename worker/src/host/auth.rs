//! Checks the caller's key, its rate limit and the origin of browser pages.

use pointsman::sha256_hex;
use worker::{Env, Headers, Request, Response};

use super::isolate::Config;
use super::js::{binding, call_async, describe_js_error, from_js, header, to_js};
use crate::config::{Key, OPEN};
use crate::error::GatewayError;
use crate::request::caller_keys::CallerKeys;
use crate::request::client_network::client_network;
use crate::request::session_id::session_id;

const EXPOSED: &str = "x-request-id, request-id, x-pointsman-model, x-pointsman-router, \
    x-pointsman-reason, x-pointsman-mode, x-pointsman-chosen, x-pointsman-chosen-reason, \
    x-pointsman-win-rate, x-pointsman-threshold, \
    x-pointsman-threshold-from, x-pointsman-attempts, \
    x-pointsman-estimated-cost, x-pointsman-cost, x-pointsman-cascade, x-pointsman-feedback-id";

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
    let counted_by = || match caller.key {
        Some(key) => format!("key:{}", key.name),
        None => format!("network:{}", network(request)),
    };
    check_rate(env, counted_by).await?;
    Ok(caller)
}

/// Admits a request of `/healthz`, which needs no key: counted by network, apart from other requests.
///
/// # Errors
/// [`GatewayError::RateLimited`], [`GatewayError::BindingFailed`].
pub(super) async fn admit_to_health<'a>(
    request: &Request,
    env: &Env,
) -> Result<Caller<'a>, GatewayError> {
    check_rate(env, || format!("health:{}", network(request))).await?;
    Ok(Caller::without_key())
}

/// The network of a caller without a key.
pub(super) fn network(request: &Request) -> String {
    client_network(header(request, "cf-connecting-ip").as_deref())
}

/// Reads the session's id, if the request states one.
///
/// # Errors
/// [`GatewayError::SessionIllFormed`], [`GatewayError::SessionNotAllowed`].
pub(super) fn session(
    request: &Request,
    caller: &Caller<'_>,
) -> Result<Option<String>, GatewayError> {
    session_id(header(request, "x-pointsman-session"), caller.key.is_some())
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
async fn check_rate(env: &Env, counted_by: impl Fn() -> String) -> Result<(), GatewayError> {
    let Some(limiter) = binding(env, "RATE_LIMITER") else { return Ok(()) };
    let asked = serde_json::json!({"key": counted_by()});
    let found = call_async(&limiter, "limit", &[to_js(&asked)]).await.map_err(|e| {
        let detail = describe_js_error(e);
        GatewayError::BindingFailed { binding: "RATE_LIMITER", detail }
    })?;
    match from_js(&found)["success"] == true {
        true => Ok(()),
        false => Err(GatewayError::RateLimited),
    }
}

/// Reads the caller's own keys for upstreams: from their header, or one from `authorization` if the gateway
/// itself has no keys.
///
/// # Errors
/// [`GatewayError::UpstreamKeysIllFormed`].
pub(super) fn caller_keys(
    request: &Request,
    config: &Config,
) -> Result<Option<CallerKeys>, GatewayError> {
    match header(request, "x-pointsman-upstream-key") {
        Some(header) => CallerKeys::parse(&header).map(Some),
        None => Ok(bearer(request).filter(|_| config.keys.is_empty()).map(CallerKeys::bare)),
    }
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
