//! Every way the gateway can refuse or fail, as HTTP status and OpenAI-shaped body.
//!
//! ```json
//! {"error": {"message": "...", "type": "invalid_request_error", "param": null, "code": "body_not_json"}}
//! ```
//! A `code` is stable; the engine's own codes are passed through. No message holds a key: the
//! gateway names a secret by its binding, never by its value.

use serde_json::{Value, json};
use switchyard_router::RouterError;

/// What went wrong, what was found, what was expected, and what to do about it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum GatewayError {
    /// The engine refuses the query, the policy or the bundle.
    #[error(transparent)]
    Router(#[from] RouterError),
    /// The request's body is longer than the gateway accepts.
    #[error("request body is longer than {limit} bytes. Send a shorter conversation")]
    BodyTooLarge { limit: usize },
    /// The request's body could not be read to its end.
    #[error("request body could not be read: {detail}. Send it again")]
    BodyUnreadable { detail: String },
    /// The request's body is not UTF-8.
    #[error("request body is not UTF-8: first bad byte at {at}. Send JSON in UTF-8")]
    BodyNotUtf8 { at: usize },
    /// The request's body is not a JSON object.
    #[error("request body cannot be read: {detail}. Expected a JSON object")]
    BodyNotJson { detail: String },
    /// The request names no model.
    #[error("\"model\" is missing: expected {expected}")]
    ModelMissing { expected: String },
    /// The request names a model that the gateway does not serve.
    #[error("model {found:?} is not served here: expected {expected}")]
    ModelNotFound { found: String, expected: String },
    /// A `router-<kind>-<threshold>` model whose threshold is no number.
    #[error("model {found:?} ends in no threshold: expected a number in [0, 1], as in {example:?}")]
    ModelThreshold { found: String, example: String },
    /// A policy header that is no number.
    #[error("header {header:?} is {found:?}: expected a number in [0, 1]")]
    HeaderNotANumber { header: &'static str, found: String },
    /// The gateway has a key of its own and the request does not carry it.
    #[error("the gateway's key is missing or wrong: send it as \"Authorization: Bearer <key>\"")]
    Unauthorised,
    /// No endpoint of that path.
    #[error("no endpoint {path:?}: expected one of {expected}")]
    NotFound { path: String, expected: &'static str },
    /// An endpoint called with another method.
    #[error("{path} takes {allow}, not {found}")]
    MethodNotAllowed { path: String, found: String, allow: &'static str },
    /// The `UPSTREAMS` variable is wrong.
    #[error("UPSTREAMS is wrong: {detail}. Correct the Worker's configuration")]
    ConfigInvalid { detail: String },
    /// A bundle file could not be read from the Worker's assets.
    #[error(
        "bundle file {name:?} could not be read from the ASSETS binding: {detail}. Deploy the Worker with a bundle's folder as its assets"
    )]
    BundleUnreadable { name: String, detail: String },
    /// The chosen candidate has no upstream.
    #[error(
        "candidate {candidate:?} has no upstream. Add it to UPSTREAMS in the Worker's configuration"
    )]
    UpstreamNotConfigured { candidate: String },
    /// The upstream's key is not bound.
    #[error(
        "candidate {candidate:?} needs the secret {secret:?}, which is not set. Run: wrangler secret put {secret}"
    )]
    UpstreamKeyMissing { candidate: String, secret: String },
    /// The upstream could not be reached.
    #[error("the upstream of {candidate:?} could not be reached: {detail}. Try again")]
    UpstreamUnreachable { candidate: String, detail: String },
    /// The upstream answered with a redirect, which would carry the key elsewhere, or with a
    /// status that HTTP does not know.
    #[error(
        "the upstream of {candidate:?} answered with status {status}: expected 200 to 299 or 400 to 599. Correct its baseUrl"
    )]
    UpstreamBadStatus { candidate: String, status: u16 },
}

impl GatewayError {
    /// The HTTP status.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Router(error) => router_status(error.code()),
            Self::BodyUnreadable { .. }
            | Self::BodyNotUtf8 { .. }
            | Self::BodyNotJson { .. }
            | Self::ModelMissing { .. }
            | Self::ModelThreshold { .. }
            | Self::HeaderNotANumber { .. } => 400,
            Self::Unauthorised => 401,
            Self::ModelNotFound { .. } | Self::NotFound { .. } => 404,
            Self::MethodNotAllowed { .. } => 405,
            Self::BodyTooLarge { .. } => 413,
            Self::ConfigInvalid { .. }
            | Self::BundleUnreadable { .. }
            | Self::UpstreamNotConfigured { .. }
            | Self::UpstreamKeyMissing { .. } => 500,
            Self::UpstreamUnreachable { .. } | Self::UpstreamBadStatus { .. } => 502,
        }
    }

    /// The stable code: `snake_case`, never reworded.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Router(error) => error.code(),
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::BodyUnreadable { .. } => "body_unreadable",
            Self::BodyNotUtf8 { .. } => "body_not_utf8",
            Self::BodyNotJson { .. } => "body_not_json",
            Self::ModelMissing { .. } => "model_missing",
            Self::ModelNotFound { .. } => "model_not_found",
            Self::ModelThreshold { .. } => "model_threshold",
            Self::HeaderNotANumber { .. } => "header_not_a_number",
            Self::Unauthorised => "invalid_api_key",
            Self::NotFound { .. } => "not_found",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::ConfigInvalid { .. } => "config_invalid",
            Self::BundleUnreadable { .. } => "bundle_unreadable",
            Self::UpstreamNotConfigured { .. } => "upstream_not_configured",
            Self::UpstreamKeyMissing { .. } => "upstream_key_missing",
            Self::UpstreamUnreachable { .. } => "upstream_unreachable",
            Self::UpstreamBadStatus { .. } => "upstream_bad_status",
        }
    }

    /// The `type` that OpenAI's clients look at.
    pub(crate) fn kind(&self) -> &'static str {
        match self.status() {
            401 => "authentication_error",
            500 => "server_error",
            502 => "upstream_error",
            _ => "invalid_request_error",
        }
    }

    /// The OpenAI-shaped body.
    pub(crate) fn body(&self) -> Value {
        json!({"error": {
            "message": self.to_string(),
            "type": self.kind(),
            "param": null,
            "code": self.code(),
        }})
    }
}

fn router_status(code: &str) -> u16 {
    match code {
        "query_too_long" => 413,
        "inference_failed" | "not_finite" => 500,
        _ if code.starts_with("bundle_") => 500,
        _ => 400,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_faults_are_4xx_and_the_bundles_are_500() {
        let cases = [
            (RouterError::QueryEmpty, 400, "query_empty"),
            (RouterError::QueryTooLong { bytes: 9, limit: 1 }, 413, "query_too_long"),
            (RouterError::NoCandidate { detail: "none".into() }, 400, "no_candidate"),
            (RouterError::InferenceFailed { detail: "x".into() }, 500, "inference_failed"),
            (RouterError::BundleBadModel { detail: "x".into() }, 500, "bundle_bad_model"),
        ];
        for (error, status, code) in cases {
            let error = GatewayError::from(error);
            assert_eq!((error.status(), error.code()), (status, code));
        }
    }

    #[test]
    fn the_body_has_openais_shape() {
        let error = GatewayError::ModelNotFound { found: "gpt-x".into(), expected: "auto".into() };
        let body = error.body();
        assert_eq!(body["error"]["code"], "model_not_found");
        assert_eq!(body["error"]["type"], "invalid_request_error");
        assert!(body["error"]["message"].as_str().is_some_and(|m| m.contains("gpt-x")));
        assert_eq!(error.status(), 404);
    }

    #[test]
    fn a_missing_key_is_named_by_its_binding() {
        let error = GatewayError::UpstreamKeyMissing {
            candidate: "large".into(),
            secret: "LARGE_KEY".into(),
        };
        assert_eq!((error.status(), error.kind()), (500, "server_error"));
        assert!(error.to_string().contains("wrangler secret put LARGE_KEY"));
    }
}
