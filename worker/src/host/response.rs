//! Makes the client's responses.

use worker::{Headers, Request, Response};

use super::js::header;
use crate::error::GatewayError;
use crate::request::endpoint::reads_anthropics_errors;
use crate::translate::shared::error_body::error_to_anthropic;
use crate::wire::upstream_error::UpstreamError;

/// A response's body.
pub(super) enum Body {
    /// Complete bytes.
    Whole(Vec<u8>),
    /// A response whose body is a stream.
    Stream(Response),
}

/// Makes a response of an upstream's headers and the gateway's own.
///
/// # Errors
/// `inference_failed` if the runtime refuses a header.
pub(super) fn build(
    status: u16,
    upstream: Vec<(String, String)>,
    own: Vec<(&'static str, String)>,
    body: Body,
) -> Result<Response, GatewayError> {
    let headers = Headers::new();
    for (name, value) in upstream {
        headers.set(&name, &value).map_err(internal)?;
    }
    for (name, value) in own {
        headers.set(name, &value).map_err(internal)?;
    }
    let response = match body {
        Body::Whole(bytes) => Response::from_bytes(bytes).map_err(internal)?,
        Body::Stream(stream) => stream,
    };
    Ok(response.with_status(status).with_headers(headers))
}

/// Logs an error that the client is told only in part, and makes its response.
pub(super) fn error_response(
    error: &GatewayError,
    request: &Request,
    id: &str,
) -> Result<Response, GatewayError> {
    if error.status() >= 500 {
        worker::console_error!("{}: {error}", error.code());
    }
    response_of(error, request, id)
}

/// Makes a response of an error, in the shape of the client's API. `id` is the request's.
pub(super) fn response_of(
    error: &GatewayError,
    request: &Request,
    id: &str,
) -> Result<Response, GatewayError> {
    let states_version = header(request, "anthropic-version").is_some();
    let (status, body) = match reads_anthropics_errors(&request.path(), states_version) {
        true => {
            let (status, mut body) =
                error_to_anthropic(error.status(), &UpstreamError::of(&error.body()));
            body["request_id"] = id.into();
            if let Some(details) = error.anthropic_details() {
                body["error"]["details"] = details;
            }
            (status, body)
        }
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

pub(super) fn json(value: &impl serde::Serialize) -> Result<Response, GatewayError> {
    Response::from_json(value).map_err(internal)
}

pub(super) fn internal(error: impl std::fmt::Display) -> GatewayError {
    pointsman::RouterError::InferenceFailed { detail: error.to_string() }.into()
}
