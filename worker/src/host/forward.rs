//! A planned request to its upstream, and the answer back to the client.
//!
//! The answer's body is handed over as the runtime's own stream: its bytes, server-sent events
//! among them, reach the client as they come and never pass through wasm.

use worker::{Env, Fetch, Headers, Method, Request, RequestInit, RequestRedirect, Response};

use crate::chat::Plan;
use crate::error::GatewayError;
use crate::upstream::{REQUEST_HEADERS, check_status, passes_on};

/// Sends the plan and answers with what comes back.
///
/// # Errors
/// [`GatewayError::UpstreamKeyMissing`], [`GatewayError::UpstreamUnreachable`],
/// [`GatewayError::UpstreamBadStatus`]. An upstream's own error is an answer and passed on.
pub(super) async fn send(
    plan: &Plan<'_>,
    request: &Request,
    env: &Env,
) -> Result<Response, GatewayError> {
    let unreachable = |e: worker::Error| GatewayError::UpstreamUnreachable {
        candidate: plan.candidate.clone(),
        detail: e.to_string(),
    };
    let outgoing = outgoing(plan, &headers(plan, request, env)?).map_err(unreachable)?;
    let answer = Fetch::Request(outgoing).send().await.map_err(unreachable)?;
    check_status(&plan.candidate, answer.status_code())?;
    let headers = answer_headers(plan, answer.headers()).map_err(unreachable)?;
    let (status, (_, body)) = (answer.status_code(), answer.into_parts());
    let answer = Response::from_body(body).map_err(unreachable)?;
    Ok(answer.with_status(status).with_headers(headers))
}

fn outgoing(plan: &Plan<'_>, headers: &[(String, String)]) -> worker::Result<Request> {
    let fields = Headers::new();
    for (name, value) in headers {
        fields.set(name, value)?;
    }
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_redirect(RequestRedirect::Manual)
        .with_headers(fields)
        .with_body(Some(plan.body.as_str().into()));
    Request::new_with_init(&plan.upstream.chat_url(), &init)
}

fn headers(
    plan: &Plan<'_>,
    request: &Request,
    env: &Env,
) -> Result<Vec<(String, String)>, GatewayError> {
    let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    for name in REQUEST_HEADERS {
        if let Some(value) = super::header(request, name) {
            headers.push((name.to_owned(), value));
        }
    }
    if let Some(name) = &plan.upstream.key_secret {
        let key = super::secret(env, name).ok_or_else(|| GatewayError::UpstreamKeyMissing {
            candidate: plan.candidate.clone(),
            secret: name.clone(),
        })?;
        headers.push(("authorization".to_owned(), format!("Bearer {key}")));
    }
    Ok(headers)
}

fn answer_headers(plan: &Plan<'_>, upstream: &Headers) -> worker::Result<Headers> {
    let headers = Headers::new();
    for (name, value) in upstream.entries().filter(|(name, _)| passes_on(name)) {
        headers.set(&name, &value)?;
    }
    for (name, value) in plan.headers() {
        headers.set(name, &value)?;
    }
    Ok(headers)
}
