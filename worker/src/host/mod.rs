//! Connects the gateway to the Workers runtime: reads requests and bindings, calls upstreams, writes
//! responses. Decisions are made by the modules outside this folder.

mod access;
mod bundle;
mod call;
mod flow;
mod javascript;
mod journal;
mod ledger;
mod reader;
mod receive;
mod run;
mod sequel;
mod serve;
mod state;

use serde_json::{Value, json};
use worker::{Context, Env, Request, Response};

use self::access::Caller;
use self::javascript::{header, now, unique};
use self::serve::Service;
use crate::endpoint::Endpoint;
use crate::error::GatewayError;
use crate::feedback::Feedback;
use crate::plan::Wishes;
use crate::route::Asked;
use crate::upstream::is_request_id;
use crate::{anthropic, models, route};

#[worker::event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    let id = header(&request, "x-request-id").filter(|id| is_request_id(id)).unwrap_or_else(unique);
    let origin = header(&request, "origin");
    let response = match answer(&request, &env, &context, &id).await {
        Ok(response) => response,
        Err(error) => {
            receive::drain(&request).await;
            if error.status() >= 500 {
                worker::console_error!("{id} {}: {error}", error.code());
            }
            refusal(&error, &request).or_else(|e| Response::error(e.to_string(), 500))?
        }
    };
    response.headers().set("x-request-id", &id)?;
    if let Some(origin) = origin {
        let config = state::config(&env);
        if config.is_ok_and(|config| access::allows(&config, &origin)) {
            access::let_read(response.headers(), &origin)?;
        }
    }
    Ok(response)
}

async fn answer(
    request: &Request,
    env: &Env,
    context: &Context,
    id: &str,
) -> Result<Response, GatewayError> {
    let started = now();
    let method = request.method().to_string();
    let config = state::config(env)?;
    if let Some(origin) = header(request, "origin") {
        access::check_origin(request, &config, &origin)?;
        if method == "OPTIONS" {
            return access::preflight(request).map_err(internal);
        }
    }
    let endpoint = Endpoint::new(&method, &request.path())?;
    let caller = match endpoint {
        Endpoint::Health => Caller::anybody(),
        _ => access::admitted(request, env, &config).await?,
    };
    let service = Service { env, context, config: &config, caller: &caller, request, id, started };
    match endpoint {
        Endpoint::Upstream(dialect) => service.answer(dialect).await,
        Endpoint::Route => routed(&service).await,
        Endpoint::Feedback => {
            let text = receive::text(request, config.settings.max_body_bytes).await?;
            let feedback = Feedback::from_json(&text)?;
            let written = journal::feed_back(env, caller.name, &feedback).await?;
            json(&json!({"request_id": feedback.request_id, "written": written}))
        }
        Endpoint::Models => json(&models::list(&names(&service).await?)),
        Endpoint::Model(model) => match names(&service).await?.contains(&model) {
            true => json(&models::model(&model)),
            false => Err(GatewayError::ModelNotFound {
                found: model,
                expected: "a name listed by GET /v1/models".into(),
            }),
        },
        Endpoint::Health => {
            let loaded = bundle::loaded(env, &config, context).await?;
            json(&models::health(&loaded.manifest, bundle::newer_failed().as_deref()))
        }
    }
}

/// Answers `POST /v1/route`.
async fn routed(service: &Service<'_>) -> Result<Response, GatewayError> {
    let Service { env, context, config, request, .. } = service;
    let asked = route::asked(&receive::text(request, config.settings.max_body_bytes).await?)?;
    let loaded = bundle::loaded(env, config, context).await?;
    let wishes = service.wishes()?;
    let desk = service.desk(&loaded, &wishes, 0.0, None);
    match asked {
        Asked::One(one) => json(&desk.route(&one.query, one.policy)?),
        Asked::Batch(batch) => {
            let decided = batch.into_iter().map(|one| {
                let decision = one.and_then(|one| desk.route(&one.query, one.policy));
                decision.map_or_else(|e| e.body(), |decision| json!(decision))
            });
            let results: Vec<Value> = decided.collect();
            json(&json!({"results": results}))
        }
    }
}

/// The model names that the caller may request.
async fn names(service: &Service<'_>) -> Result<Vec<String>, GatewayError> {
    let loaded = bundle::loaded(service.env, service.config, service.context).await?;
    let wishes = Wishes::default();
    let desk = service.desk(&loaded, &wishes, 0.0, None);
    Ok(models::names(&loaded.manifest, &service.config.upstreams, |name| desk.may_ask(name)))
}

/// Makes a response of an error, in the shape of the client's API.
fn refusal(error: &GatewayError, request: &Request) -> Result<Response, GatewayError> {
    let (status, body) = match request.path() == "/v1/messages" {
        true => anthropic::error_to_anthropic(error.status(), &error.body()),
        false => (error.status(), error.body()),
    };
    let response = Response::from_json(&body).map_err(internal)?.with_status(status);
    let header = match error {
        GatewayError::MethodNotAllowed { allow, .. } => Some(("allow", (*allow).to_owned())),
        GatewayError::UpstreamsResting { seconds, .. } => {
            Some(("retry-after", seconds.to_string()))
        }
        GatewayError::RateLimited => Some(("retry-after", "10".to_owned())),
        _ => None,
    };
    if let Some((name, value)) = header {
        response.headers().set(name, &value).map_err(internal)?;
    }
    Ok(response)
}

fn json(value: &impl serde::Serialize) -> Result<Response, GatewayError> {
    Response::from_json(value).map_err(internal)
}

fn internal(error: impl std::fmt::Display) -> GatewayError {
    pointsman::RouterError::InferenceFailed { detail: error.to_string() }.into()
}
