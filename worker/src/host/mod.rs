//! Connects the gateway to the Workers runtime: reads requests and bindings, calls upstreams, writes
//! responses. Decisions are made by the modules outside this folder.

mod after_response;
mod answer_end;
mod attempts;
mod auth;
mod bundle;
mod call_failure;
mod chunks;
mod count_tokens;
mod decompression;
mod drift;
mod handler;
mod hmac;
mod isolate;
mod js;
mod judge;
mod ledger;
mod log;
mod own_calls;
mod passed_bytes;
mod passthrough;
mod request_body;
mod request_context;
mod respond;
mod response;
mod rollout;
mod shadow;
mod stream_body;
mod upstream_answer;
mod upstream_body;
mod upstream_call;

use serde_json::{Value, json};
use worker::{Context, Env, Request, Response};

use self::js::{header, now, random_id};
use self::request_context::RequestContext;
use self::response::{internal, json, response_of};
use self::rollout::Metric;
use crate::error::GatewayError;
use crate::request::endpoint::Endpoint;
use crate::request::feedback::{self, Feedback};
use crate::request::request_id::is_request_id;
use crate::request::route::{self, RouteBody, parse_route_body};
use crate::routing::model_list::{self, ModelLimits, PageRequest};
use crate::routing::models;
use crate::routing::permissions::RequestOptions;

#[worker::event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    let id =
        header(&request, "x-request-id").filter(|id| is_request_id(id)).unwrap_or_else(random_id);
    let origin = header(&request, "origin");
    let response = match answer(&request, &env, &context, &id).await {
        Ok(response) => response,
        Err(error) => {
            request_body::drain(&request).await;
            if error.status() >= 500 {
                worker::console_error!("{id} {}: {error}", error.code());
            }
            response_of(&error, &request, &id).or_else(|e| Response::error(e.to_string(), 500))?
        }
    };
    // Anthropic's clients read the second one.
    for name in ["x-request-id", "request-id"] {
        response.headers().set(name, &id)?;
    }
    if let Some(origin) = origin {
        let config = isolate::config(&env);
        if config.is_ok_and(|config| auth::allows_origin(&config, &origin)) {
            auth::set_cors_headers(response.headers(), &origin)?;
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
    let config = isolate::config(env)?;
    let origin = header(request, "origin");
    if let Some(origin) = origin.as_ref().filter(|_| method == "OPTIONS") {
        auth::check_origin(request, &config, origin)?;
        return auth::preflight(request).map_err(internal);
    }
    let own = request.url().map_err(internal)?.origin().ascii_serialization();
    let endpoint = Endpoint::new(&method, &request.path(), &own)?;
    let caller = match endpoint {
        Endpoint::Health => auth::admit_to_health(request, env).await?,
        _ => auth::admit(request, env, &config).await?,
    };
    let address = match caller.key {
        Some(_) => String::new(),
        None => {
            // Any page in a visitor's browser could call; one with a key was given it.
            if let Some(origin) = origin {
                auth::check_origin(request, &config, &origin)?;
            }
            auth::network(request)
        }
    };
    let request_context = RequestContext {
        env,
        context,
        config: &config,
        caller: &caller,
        request,
        id,
        address: &address,
        started,
    };
    match endpoint {
        Endpoint::Upstream(dialect) => {
            request_context.logged(dialect.path(), request_context.plan_and_call(dialect)).await
        }
        Endpoint::CountTokens => request_context.count_tokens().await,
        Endpoint::Passthrough(path) => {
            request_context.logged(path, request_context.pass_through(path)).await
        }
        Endpoint::Route => answer_route(&request_context).await,
        Endpoint::Feedback => {
            let limit = config.settings.max_body_bytes.min(feedback::MAX_BODY_BYTES);
            let feedback = Feedback::from_json(&request_body::read_text(request, limit).await?)?;
            let key = (caller.name, caller.key);
            let (written, record) = log::record_feedback(env, key, &feedback).await?;
            let (env, config, score) = (env.clone(), config.clone(), feedback.score);
            context.wait_until(async move {
                rollout::observe(&env, &config, &record, Metric::Feedback, score).await;
            });
            json(&json!({"feedback_id": feedback.feedback_id, "written": written}))
        }
        Endpoint::Models | Endpoint::Model(_) => answer_models(&request_context, &endpoint).await,
        Endpoint::Health => {
            let loaded = bundle::loaded(env, &config, context).await?;
            let unknown = (!loaded.known_key_names).then_some("key_models_unknown");
            let rollout = rollout::health(env, &config).await;
            let returned = rollout.as_ref().is_some_and(|found| found["state"] == "returned");
            let returned = returned.then_some("rollout_returned");
            let warnings = log::warning(env).into_iter().chain(unknown).chain(returned);
            let warnings = warnings.chain(drift::warning());
            let warnings: Vec<&str> = warnings.collect();
            let newer_failed = bundle::newer_failed();
            let mut found =
                models::health(&loaded.manifest, loaded.source(), newer_failed, &warnings);
            if let Some(code) = bundle::candidate_failed() {
                found["candidate_bundle"] = code.into();
            }
            if let Some(rollout) = rollout {
                found["rollout"] = rollout;
            }
            json(&found)
        }
    }
}

/// Answers `POST /v1/route`.
async fn answer_route(request_context: &RequestContext<'_>) -> Result<Response, GatewayError> {
    let RequestContext { env, context, config, request, .. } = request_context;
    let limit = config.settings.max_body_bytes.min(route::MAX_BODY_BYTES);
    let body = parse_route_body(&request_body::read_text(request, limit).await?)?;
    let loaded = bundle::loaded(env, config, context).await?;
    let options = request_context.options()?;
    let planner = request_context.planner(&loaded, &options, 0.0, None);
    match body {
        RouteBody::One(one) => json(&planner.route(&one.query, one.policy)?),
        RouteBody::Batch(batch) => {
            let decided = batch.into_iter().map(|one| {
                let decision = one.and_then(|one| planner.route(&one.query, one.policy));
                decision.map_or_else(|e| e.body(), |decision| json!(decision))
            });
            let results: Vec<Value> = decided.collect();
            json(&json!({"results": results}))
        }
    }
}

/// Answers `GET /v1/models` and `GET /v1/models/{id}` with the models that the caller may request.
async fn answer_models(
    request_context: &RequestContext<'_>,
    endpoint: &Endpoint,
) -> Result<Response, GatewayError> {
    let RequestContext { env, context, config, request, .. } = request_context;
    let loaded = bundle::loaded(env, config, context).await?;
    let (manifest, upstreams) = (&loaded.manifest, &config.upstreams);
    let options = RequestOptions::default();
    let planner = request_context.planner(&loaded, &options, 0.0, None);
    let permissions = &planner.permissions;
    let aliases = &config.settings.aliases;
    let names = models::names(manifest, upstreams, aliases, |name| permissions.may_request(name));
    let limits = |name: &str| {
        let may_answer = |candidate: &str| permissions.may_answer(candidate);
        ModelLimits::of(permissions.meant(name), manifest, upstreams, may_answer)
    };
    let has_alias = |name: &str| {
        let meant = permissions.meant(name);
        meant != name && permissions.may_request(meant)
    };
    match endpoint {
        Endpoint::Model(found) if names.contains(found) || has_alias(found) => {
            json(&model_list::model(found, limits(found)))
        }
        Endpoint::Model(found) => Err(GatewayError::ModelNotFound {
            found: found.clone(),
            expected: "a name listed by GET /v1/models".into(),
        }),
        _ => {
            let asked = PageRequest::new(request.url().map_err(internal)?.query_pairs())?;
            json(&model_list::page(&names, &asked, limits)?)
        }
    }
}
