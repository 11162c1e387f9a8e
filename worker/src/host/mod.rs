//! The Workers runtime's side: requests in, responses out. Nothing is decided here.

mod bundle;
mod forward;
mod receive;

use serde_json::Value;
use worker::{Context, Env, Method, Request, Response};

use crate::chat::Gateway;
use crate::config::Upstreams;
use crate::error::GatewayError;
use crate::target::{PolicyHeaders, STRONG_SHARE_HEADER, THRESHOLD_HEADER};
use crate::{models, route, upstream};

const ENDPOINTS: &str = "POST /v1/chat/completions, POST /v1/route, GET /v1/models, GET /healthz";
/// The optional secret that clients must present.
const GATEWAY_KEY: &str = "GATEWAY_KEY";

#[worker::event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> worker::Result<Response> {
    match answer(request, &env).await {
        Ok(response) => Ok(response),
        Err(error) => {
            if error.status() >= 500 {
                worker::console_error!("{}: {error}", error.code());
            }
            let response = Response::from_json(&error.body())?.with_status(error.status());
            if let GatewayError::MethodNotAllowed { allow, .. } = error {
                response.headers().set("allow", allow)?;
            }
            Ok(response)
        }
    }
}

async fn answer(request: Request, env: &Env) -> Result<Response, GatewayError> {
    let path = request.path();
    let allow = match path.as_str() {
        "/v1/chat/completions" | "/v1/route" => Method::Post,
        "/v1/models" | "/healthz" => Method::Get,
        _ => {
            return Err(GatewayError::NotFound { path, expected: ENDPOINTS });
        }
    };
    if request.method() != allow {
        let (found, allow) = (request.method().to_string(), method_name(&allow));
        return Err(GatewayError::MethodNotAllowed { path, found, allow });
    }
    if path == "/healthz" {
        return json(&models::health(bundle::router(env).await?.info()));
    }
    check_key(&request, env)?;
    match path.as_str() {
        "/v1/models" => json(&models::list(bundle::router(env).await?.info())),
        "/v1/route" => {
            let request = route::request(&receive::text(&request).await?)?;
            let router = bundle::router(env).await?;
            json(&router.route(&request.query, &request.policy)?)
        }
        _ => chat(&request, env).await,
    }
}

async fn chat(request: &Request, env: &Env) -> Result<Response, GatewayError> {
    let body = receive::text(request).await?;
    let router = bundle::router(env).await?;
    let upstreams = Upstreams::from_json(variable(env, "UPSTREAMS").as_deref(), router.info())?;
    let gateway = Gateway {
        manifest: router.info(),
        upstreams: &upstreams,
        decide: &|query, policy| router.route(query, policy),
    };
    let headers = PolicyHeaders {
        threshold: header(request, THRESHOLD_HEADER),
        strong_share: header(request, STRONG_SHARE_HEADER),
    };
    let plan = gateway.plan(&body, &headers)?;
    forward::send(&plan, request, env).await
}

fn check_key(request: &Request, env: &Env) -> Result<(), GatewayError> {
    let Some(key) = secret(env, GATEWAY_KEY) else {
        return Ok(());
    };
    let given = header(request, "authorization").unwrap_or_default();
    match given.strip_prefix("Bearer ").is_some_and(|given| upstream::same_key(given, &key)) {
        true => Ok(()),
        false => Err(GatewayError::Unauthorised),
    }
}

fn method_name(method: &Method) -> &'static str {
    match method {
        Method::Get => "GET",
        _ => "POST",
    }
}

fn header(request: &Request, name: &str) -> Option<String> {
    request.headers().get(name).ok().flatten()
}

fn secret(env: &Env, name: &str) -> Option<String> {
    env.secret(name).ok().map(|secret| secret.to_string())
}

/// A variable as text, whether configured as text or as an object.
fn variable(env: &Env, name: &str) -> Option<String> {
    let value = js_sys::Reflect::get(env, &name.into()).ok()?;
    if value.is_undefined() {
        return None;
    }
    value.as_string().or_else(|| js_sys::JSON::stringify(&value).ok()?.as_string())
}

fn json(value: &impl serde::Serialize) -> Result<Response, GatewayError> {
    let value: Value = serde_json::to_value(value).map_err(internal)?;
    Response::from_json(&value).map_err(internal)
}

fn internal(error: impl std::fmt::Display) -> GatewayError {
    switchyard_router::RouterError::InferenceFailed { detail: error.to_string() }.into()
}
