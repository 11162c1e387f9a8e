//! The gateway's errors, each with its HTTP status and an OpenAI-shaped body.
//!
//! ```json
//! {"error": {"message": "...", "type": "invalid_request_error", "param": null, "code": "body_not_json"}}
//! ```
//! An Anthropic client gets Anthropic's shape instead (`crate::translate::shared::error_body`).
//!
//! A `code` is stable; the engine's codes are passed on unchanged. No message holds a key: a secret
//! is named by its binding, never by its value. What a message repeats of a request, of an upstream or
//! of the configuration is shortened (`quoted`, `bounded`). An error that only the operator can mend has
//! its full message in the log; the client gets the code alone ([`GatewayError::public_message`]).

use pointsman::{RouterError, bounded, quoted};
use serde_json::{Value, json};

mod untranslatable;

pub(crate) use untranslatable::{Untranslatable, shown};

/// An error of the gateway. Messages say what was found, what was expected and what to do.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum GatewayError {
    /// The engine refused the query, the policy or the bundle.
    #[error(transparent)]
    Router(#[from] RouterError),
    /// A request field that the upstream's API has no equivalent for.
    #[error(transparent)]
    Untranslatable(#[from] Untranslatable),
    /// The request's body is longer than the gateway accepts.
    #[error("request body is longer than {limit} bytes. Send a shorter conversation")]
    BodyTooLarge { limit: usize },
    /// The request's body could not be read to its end.
    #[error("request body could not be read: {detail}. Send it again", detail = bounded(.detail))]
    BodyUnreadable { detail: String },
    /// The request's body is compressed in a way that the runtime cannot undo.
    #[error("request body has the content-encoding {found}: expected gzip, deflate or none. Send it uncompressed", found = quoted(.found))]
    EncodingUnsupported { found: String },
    /// The request's body is not what its `content-encoding` says.
    #[error("request body is not valid {encoding}: {detail}. Expected what its content-encoding says. Send it uncompressed", detail = bounded(.detail))]
    BodyNotDecompressed { encoding: &'static str, detail: String },
    /// The request's body is not UTF-8.
    #[error("request body is not UTF-8: first bad byte at {at}. Send JSON in UTF-8")]
    BodyNotUtf8 { at: usize },
    /// The request's body is not a JSON object.
    #[error("request body cannot be read: {detail}. Expected a JSON object", detail = bounded(.detail))]
    BodyNotJson { detail: String },
    /// The request's body is not the form that its `content-type` says.
    #[error("request body cannot be read as a form: {detail}. Expected multipart/form-data with its boundary", detail = bounded(.detail))]
    BodyNotForm { detail: String },
    /// The request's body has more values, levels or fields than the gateway reads.
    #[error("request body is not read: {detail}. Send fewer and flatter values", detail = bounded(.detail))]
    BodyTooComplex { detail: String },
    /// A field that is spelled as some upstreams would not read it.
    #[error("the field {found} is misspelled: expected {expected:?}. Correct the request", found = quoted(.found))]
    FieldSpelling { found: String, expected: &'static str },
    /// A field or a kind of tool that changes model, price or state at the upstream.
    #[error(
        "{field} is not passed on to the upstream of {candidate} for this key: it can change the model, the price or stored state. Remove it, or have the operator set \"refuse\" of this upstream", field = quoted(.field), candidate = quoted(.candidate)
    )]
    FieldRefused { field: String, candidate: String },
    /// The request names no model.
    #[error("\"model\" is missing: expected {expected}", expected = bounded(.expected))]
    ModelMissing { expected: String },
    /// The request names a model that the gateway does not serve.
    #[error("model {found} is not served here: expected {expected}", found = quoted(.found), expected = bounded(.expected))]
    ModelNotFound { found: String, expected: String },
    /// A `router-<kind>-<threshold>` model whose threshold is not a number.
    #[error(
        "model {found} has no valid threshold: expected a number in [0, 1], as in {example}", found = quoted(.found), example = quoted(.example)
    )]
    ModelThreshold { found: String, example: String },
    /// A parameter of the URL that cannot be read.
    #[error("query parameter {name:?} is {found}: expected {expected}", found = quoted(.found))]
    ParameterIllFormed { name: &'static str, found: String, expected: &'static str },
    /// A policy header that is not a number.
    #[error("header {header:?} is {found}: expected a number in [0, 1]", found = quoted(.found))]
    HeaderNotANumber { header: &'static str, found: String },
    /// A `model` with an unknown or malformed option.
    #[error(
        "model {found} has an option that cannot be read: expected :share:, :threshold:, :max-cost: or :cost-weight: and a number, as in \"auto:share:0.5\"", found = quoted(.found)
    )]
    ModelOption { found: String },
    /// A header whose value is neither `on` nor `off`.
    #[error("header {header:?} is {found}: expected \"on\" or \"off\"", found = quoted(.found))]
    HeaderNotOnOrOff { header: &'static str, found: String },
    /// A header that names a model that is not served.
    #[error("header {header:?} names {found}, which is not served here: see GET /v1/models", found = quoted(.found))]
    HeaderUnknownModel { header: &'static str, found: String },
    /// A model that this caller may not use.
    #[error("model {model} is not allowed: {why}", model = quoted(.model), why = bounded(.why))]
    ModelNotAllowed { model: String, why: String },
    /// A reference to what a model that is not served any more has stored.
    #[error("{field} is {found}, of a model that is not served here any more: expected what a served model has stored. Send the whole conversation in \"input\" instead", field = quoted(.field), found = bounded(.found))]
    ResponseNotFound { field: String, found: String },
    /// A conversation that Anthropic's API is to keep.
    #[error("\"thread\" is {found}, expected none: a thread is kept by one upstream, and routing may choose another. Send the whole conversation without it", found = bounded(.found))]
    ThreadUnsupported { found: String },
    /// A request that has no equivalent in the upstream's API.
    #[error("{detail}", detail = bounded(.detail))]
    NotTranslatable { detail: String },
    /// Malformed feedback.
    #[error(
        "feedback cannot be read: {detail}. Expected {{\"feedback_id\": \"...\", \"score\": a number in [0, 1]}}", detail = bounded(.detail)
    )]
    FeedbackIllFormed { detail: String },
    /// Feedback on an answer that was not recorded, failed, or is another key's.
    #[error(
        "no recorded answer of this key has that feedback id: expected the x-pointsman-feedback-id of a routed answer of the last {days} days"
    )]
    RequestNotFound { days: u32 },
    /// A second score for an answer.
    #[error("this answer has a score already: the first one stands")]
    AlreadyScored,
    /// A key that may not score answers.
    #[error("the key {key:?} may not give feedback: its entry in KEYS has feedback: false")]
    FeedbackNotAllowed { key: String },
    /// A malformed session id.
    #[error(
        "header \"x-pointsman-session\" is not a session's id: expected 1 to 128 of A-Z a-z 0-9 . _ : -"
    )]
    SessionIllFormed,
    /// A session of a caller without a key.
    #[error("sessions need a key of the gateway: send one, or leave x-pointsman-session out")]
    SessionNotAllowed,
    /// A malformed list of the caller's own keys. The message repeats nothing of it.
    #[error(
        "header \"x-pointsman-upstream-key\" {detail}. Expected one key, or group=key pairs separated by commas"
    )]
    UpstreamKeysIllFormed { detail: &'static str },
    /// The request does not carry a key of the gateway.
    #[error(
        "the gateway's key is missing or wrong: send it as \"Authorization: Bearer <key>\" or \"x-api-key: <key>\""
    )]
    Unauthorised,
    /// A browser page, or a caller without a key, of an origin that is not allowed.
    #[error(
        "pages of {origin} may not call this gateway: add the origin to GATEWAY.cors.origins. A program that is no page is served with a key, whatever its origin", origin = quoted(.origin)
    )]
    OriginNotAllowed { origin: String },
    /// More requests than the rate limit allows.
    #[error("too many requests: try again in 10 s")]
    RateLimited,
    /// The key's budget is spent.
    #[error(
        "the key's budget of {usd} US dollars is spent, or reserved by requests in flight: this request may cost up to {needed:.6} US dollars, and {left:.6} are left. Lower its output limit, wait for other requests or until {ends_at}, or ask for a larger budget", ends_at = bounded(.ends_at)
    )]
    BudgetExhausted { usd: f64, needed: f64, left: f64, ends_at: String },
    /// The key has as many calls outstanding as its ledger keeps.
    #[error("the key has too many requests in flight. Wait until some of them have ended")]
    LedgerFull,
    /// There is no endpoint of that path.
    #[error(
        "no endpoint {path}: expected one of {expected}. The base URL is {openais} for OpenAI's clients, {anthropics} for Anthropic's", path = quoted(.path), openais = quoted(&format!("{origin}/v1")), anthropics = quoted(.origin)
    )]
    NotFound { path: String, expected: &'static str, origin: String },
    /// An endpoint called with another method.
    #[error("{path} takes {allow}, not {found}", path = bounded(.path), found = bounded(.found))]
    MethodNotAllowed { path: String, found: String, allow: &'static str },
    /// A variable of the Worker's configuration is wrong.
    #[error("{variable} is wrong: {detail}. Correct the Worker's configuration", detail = bounded(.detail))]
    ConfigInvalid { variable: &'static str, detail: String },
    /// The configuration has no keys and does not set `open`.
    #[error(
        "the gateway has no keys and is not open: make a key with worker/js/new-key.mjs and put it into the secret KEYS, or set GATEWAY.open"
    )]
    KeysMissing,
    /// A binding that this request needs is missing.
    #[error("the binding {binding} is missing: {why}. Add it to wrangler.toml")]
    BindingMissing { binding: &'static str, why: &'static str },
    /// A binding failed.
    #[error("the binding {binding} failed: {detail}. Try again", detail = bounded(.detail))]
    BindingFailed { binding: &'static str, detail: String },
    /// A key has a budget, and a model's prices are unknown.
    #[error(
        "the key has a budget, and the prices of {model} are unknown. Set inputPrice and outputPrice in UPSTREAMS", model = quoted(.model)
    )]
    PriceUnknown { model: String },
    /// A key has a budget, and what an endpoint costs is not known.
    #[error(
        "the key has a budget, and what a request of {path} costs is not known. Use a key without a budget, send your own key for the upstream, or have the operator set inputPrice and outputPrice of the model to 0 if it is free", path = quoted(&format!("/v1/{path}"))
    )]
    EndpointUnpriced { path: String },
    /// A bundle file could not be read from the Worker's assets or the bucket.
    #[error(
        "bundle file {name} could not be read from the binding {from}: {detail}. Deploy the Worker with a bundle's folder as its assets, or upload the folder to the bucket", name = quoted(.name), detail = bounded(.detail)
    )]
    BundleUnreadable { name: String, from: &'static str, detail: String },
    /// The file that names the bucket's bundle is wrong.
    #[error("current.json is wrong: {detail}. Upload it again", detail = bounded(.detail))]
    CurrentBundleInvalid { detail: String },
    /// The chosen candidate has no upstream.
    #[error(
        "candidate {candidate} has no upstream. Add it to UPSTREAMS in the Worker's configuration", candidate = quoted(.candidate)
    )]
    UpstreamNotConfigured { candidate: String },
    /// The upstream's key is not bound.
    #[error(
        "candidate {candidate} needs the secret {secret:?}, which is not set. Run: wrangler secret put {secret}", candidate = quoted(.candidate)
    )]
    UpstreamKeyMissing { candidate: String, secret: String },
    /// The upstream could not be reached.
    #[error("the upstream of {candidate} could not be reached: {detail}. Try again", candidate = quoted(.candidate), detail = bounded(.detail))]
    UpstreamUnreachable { candidate: String, detail: String },
    /// The upstream answered with a redirect, which is not followed since it would take the key to
    /// another host, or with an invalid status.
    #[error(
        "the upstream of {candidate} answered with status {status}: expected 200 to 299 or 400 to 599. Correct its baseUrl", candidate = quoted(.candidate)
    )]
    UpstreamBadStatus { candidate: String, status: u16 },
    /// The upstream exceeded a time limit.
    #[error("the upstream of {candidate} sent nothing for {ms} ms {stage}. Try again", candidate = quoted(.candidate))]
    UpstreamTimeout { candidate: String, stage: &'static str, ms: u32 },
    /// The upstream's answer has a status of success and cannot be used.
    #[error("the upstream of {candidate} gave no usable answer: {detail}. Try again", candidate = quoted(.candidate), detail = bounded(.detail))]
    UpstreamBadAnswer { candidate: String, detail: String },
    /// The upstream refused the gateway's own key. Its text is for the log alone.
    #[error(
        "the upstream of {candidate} refused the gateway's own request with status {status}. The operator finds its answer in the log", candidate = quoted(.candidate)
    )]
    UpstreamRefused { candidate: String, status: u16 },
    /// The request's time in all is over.
    #[error("the request took longer than {ms} ms in all. Ask for a shorter answer")]
    TotalTimeout { ms: u32 },
    /// The upstream's error is not JSON.
    #[error("the upstream of {candidate} answered with status {status} and {detail}", candidate = quoted(.candidate), detail = bounded(.detail))]
    UpstreamError { candidate: String, status: u16, detail: String },
    /// The circuit breakers of all possible upstreams are open.
    #[error(
        "the upstream of {candidate} failed several times in a row and is not called for now. Try again in {seconds} s", candidate = quoted(.candidate)
    )]
    UpstreamsResting { candidate: String, seconds: u32 },
    /// A stream that began and ended too early.
    #[error("the answer of {candidate} broke off: {detail}. Try again", candidate = quoted(.candidate), detail = bounded(.detail))]
    UpstreamBrokeOff { candidate: String, detail: String },
}

impl GatewayError {
    /// The HTTP status.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Router(error) => router_status(error.code()),
            Self::Untranslatable(error) => error.status(),
            Self::BodyUnreadable { .. }
            | Self::BodyNotDecompressed { .. }
            | Self::BodyNotForm { .. }
            | Self::EndpointUnpriced { .. }
            | Self::BodyNotUtf8 { .. }
            | Self::BodyNotJson { .. }
            | Self::ModelMissing { .. }
            | Self::ModelThreshold { .. }
            | Self::ModelOption { .. }
            | Self::ParameterIllFormed { .. }
            | Self::HeaderNotANumber { .. }
            | Self::HeaderNotOnOrOff { .. }
            | Self::HeaderUnknownModel { .. }
            | Self::ThreadUnsupported { .. }
            | Self::NotTranslatable { .. }
            | Self::BodyTooComplex { .. }
            | Self::FieldSpelling { .. }
            | Self::FieldRefused { .. }
            | Self::SessionIllFormed
            | Self::UpstreamKeysIllFormed { .. }
            | Self::FeedbackIllFormed { .. } => 400,
            Self::Unauthorised => 401,
            Self::ModelNotAllowed { .. }
            | Self::FeedbackNotAllowed { .. }
            | Self::SessionNotAllowed
            | Self::OriginNotAllowed { .. } => 403,
            Self::ModelNotFound { .. }
            | Self::ResponseNotFound { .. }
            | Self::NotFound { .. }
            | Self::RequestNotFound { .. } => 404,
            Self::MethodNotAllowed { .. } => 405,
            Self::AlreadyScored => 409,
            Self::BodyTooLarge { .. } => 413,
            Self::EncodingUnsupported { .. } => 415,
            Self::RateLimited | Self::BudgetExhausted { .. } | Self::LedgerFull => 429,
            Self::ConfigInvalid { .. }
            | Self::KeysMissing
            | Self::BindingMissing { .. }
            | Self::BindingFailed { .. }
            | Self::PriceUnknown { .. }
            | Self::BundleUnreadable { .. }
            | Self::CurrentBundleInvalid { .. }
            | Self::UpstreamNotConfigured { .. }
            | Self::UpstreamKeyMissing { .. } => 500,
            Self::UpstreamUnreachable { .. }
            | Self::UpstreamBadStatus { .. }
            | Self::UpstreamRefused { .. }
            | Self::UpstreamBadAnswer { .. }
            | Self::UpstreamBrokeOff { .. } => 502,
            Self::UpstreamError { status, .. } => *status,
            Self::UpstreamsResting { .. } => 503,
            Self::UpstreamTimeout { .. } | Self::TotalTimeout { .. } => 504,
        }
    }

    /// The stable code: `snake_case`, never reworded.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Router(error) => error.code(),
            Self::Untranslatable(error) => error.code(),
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::BodyUnreadable { .. } => "body_unreadable",
            Self::EncodingUnsupported { .. } => "encoding_unsupported",
            Self::BodyNotDecompressed { .. } => "body_not_decompressed",
            Self::BodyNotForm { .. } => "body_not_form",
            Self::EndpointUnpriced { .. } => "endpoint_unpriced",
            Self::BodyNotUtf8 { .. } => "body_not_utf8",
            Self::BodyNotJson { .. } => "body_not_json",
            Self::BodyTooComplex { .. } => "body_too_complex",
            Self::FieldSpelling { .. } => "field_spelling",
            Self::FieldRefused { .. } => "field_refused",
            Self::ModelMissing { .. } => "model_missing",
            Self::ModelNotFound { .. } => "model_not_found",
            Self::ModelThreshold { .. } => "model_threshold",
            Self::ParameterIllFormed { .. } => "parameter_ill_formed",
            Self::HeaderNotANumber { .. } => "header_not_a_number",
            Self::ModelOption { .. } => "model_option",
            Self::HeaderNotOnOrOff { .. } => "header_not_on_or_off",
            Self::HeaderUnknownModel { .. } => "header_unknown_model",
            Self::ModelNotAllowed { .. } => "model_not_allowed",
            Self::ResponseNotFound { .. } => "response_not_found",
            Self::ThreadUnsupported { .. } => "thread_unsupported",
            Self::NotTranslatable { .. } => "not_translatable",
            Self::FeedbackIllFormed { .. } => "feedback_ill_formed",
            Self::RequestNotFound { .. } => "request_not_found",
            Self::AlreadyScored => "already_scored",
            Self::FeedbackNotAllowed { .. } => "feedback_not_allowed",
            Self::SessionIllFormed => "session_ill_formed",
            Self::SessionNotAllowed => "session_not_allowed",
            Self::UpstreamKeysIllFormed { .. } => "upstream_keys_ill_formed",
            Self::Unauthorised => "invalid_api_key",
            Self::OriginNotAllowed { .. } => "origin_not_allowed",
            Self::RateLimited => "rate_limited",
            Self::BudgetExhausted { .. } => "budget_exhausted",
            Self::LedgerFull => "ledger_full",
            Self::KeysMissing => "keys_missing",
            Self::BindingMissing { .. } => "binding_missing",
            Self::BindingFailed { .. } => "binding_failed",
            Self::PriceUnknown { .. } => "price_unknown",
            Self::NotFound { .. } => "not_found",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::ConfigInvalid { .. } => "config_invalid",
            Self::BundleUnreadable { .. } => "bundle_unreadable",
            Self::CurrentBundleInvalid { .. } => "current_bundle_invalid",
            Self::UpstreamNotConfigured { .. } => "upstream_not_configured",
            Self::UpstreamKeyMissing { .. } => "upstream_key_missing",
            Self::UpstreamUnreachable { .. } => "upstream_unreachable",
            Self::UpstreamBadStatus { .. } => "upstream_bad_status",
            Self::UpstreamTimeout { .. } => "upstream_timeout",
            Self::UpstreamRefused { .. } => "upstream_refused",
            Self::TotalTimeout { .. } => "total_timeout",
            Self::UpstreamBadAnswer { .. } => "upstream_bad_answer",
            Self::UpstreamError { .. } => "upstream_error",
            Self::UpstreamsResting { .. } => "upstreams_resting",
            Self::UpstreamBrokeOff { .. } => "upstream_broke_off",
        }
    }

    /// The `type` that OpenAI's clients look at.
    pub(crate) fn kind(&self) -> &'static str {
        match (self, self.status()) {
            (Self::BudgetExhausted { .. }, _) => "insufficient_quota",
            (Self::UpstreamError { .. }, _) => "upstream_error",
            (_, 401) => "authentication_error",
            (_, 403) => "permission_error",
            (_, 429) => "rate_limit_error",
            (_, 500) => "server_error",
            (_, 502..=504) => "upstream_error",
            _ => "invalid_request_error",
        }
    }

    /// Whether only the gateway's operator can mend the error. Its message may name variables, secrets,
    /// files and what was found in them.
    pub(crate) fn is_operators(&self) -> bool {
        self.status() == 500 && !matches!(self, Self::UpstreamError { .. })
    }

    /// The message for the client, with a key or without: of an operator's error only the code, and
    /// nothing that the runtime said of an upstream's address or headers.
    pub(crate) fn public_message(&self) -> String {
        match self {
            Self::UpstreamUnreachable { candidate, .. } => {
                format!("the upstream of {} could not be reached. Try again", quoted(candidate))
            }
            _ if self.is_operators() => format!(
                "the gateway cannot answer because of its configuration or a fault of its own \
                 ({}). Its operator finds the reason in the Worker's log",
                self.code()
            ),
            _ => self.to_string(),
        }
    }

    /// The OpenAI-shaped body.
    pub(crate) fn body(&self) -> Value {
        let param = match self {
            Self::Untranslatable(error) => Some(bounded(error.field())),
            Self::ResponseNotFound { field, .. } => Some(bounded(field)),
            Self::ThreadUnsupported { .. } => Some("thread".into()),
            _ => None,
        };
        json!({"error": {
            "message": self.public_message(),
            "type": self.kind(),
            "param": param,
            "code": self.code(),
        }})
    }

    /// The `details` of the error in Anthropic's shape, by which its libraries choose what to do next: without
    /// threads they send the whole conversation.
    pub(crate) fn anthropic_details(&self) -> Option<Value> {
        matches!(self, Self::ThreadUnsupported { .. })
            .then(|| json!({"error_code": "thread_unsupported_request", "unsupported": ["thread"]}))
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
    fn an_operators_error_tells_the_client_its_code_alone() {
        let secret = || "sk-hunter2".to_owned();
        let cases = [
            GatewayError::ConfigInvalid { variable: "KEYS", detail: secret() },
            GatewayError::KeysMissing,
            GatewayError::BindingMissing { binding: "LEDGER", why: "sk-hunter2" },
            GatewayError::BindingFailed { binding: "LOG", detail: secret() },
            GatewayError::PriceUnknown { model: secret() },
            GatewayError::BundleUnreadable { name: secret(), from: "LOG", detail: secret() },
            GatewayError::CurrentBundleInvalid { detail: secret() },
            GatewayError::UpstreamNotConfigured { candidate: secret() },
            GatewayError::UpstreamKeyMissing { candidate: "x".into(), secret: secret() },
            RouterError::InferenceFailed { detail: secret() }.into(),
            RouterError::BundleBadManifest { detail: secret() }.into(),
        ];
        for error in cases {
            let text = error.body().to_string();
            assert!(text.contains(error.code()) && text.contains("Worker's log"), "{text}");
            for told in ["hunter2", "KEYS", "LEDGER", "LOG", "UPSTREAMS"] {
                assert!(!text.contains(told), "{text}");
            }
        }
        let unreachable =
            GatewayError::UpstreamUnreachable { candidate: "large".into(), detail: secret() };
        let text = unreachable.body().to_string();
        assert!(text.contains("large") && !text.contains("hunter2"), "{text}");
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

    /// Every variant that holds a text, with this one.
    fn with_texts(text: &str) -> Vec<GatewayError> {
        use GatewayError as E;
        let text = || text.to_owned();
        let router = |make: fn(String) -> RouterError| E::Router(make(text()));
        let answer = Untranslatable::answer(text(), &Value::from(text()), "a string");
        vec![
            router(|detail| RouterError::RequestIllFormed { detail }),
            router(|detail| RouterError::MessagesWithoutText { detail }),
            router(|detail| RouterError::NoCandidate { detail }),
            E::Untranslatable(answer),
            E::BodyUnreadable { detail: text() },
            E::EncodingUnsupported { found: text() },
            E::BodyNotDecompressed { encoding: "gzip", detail: text() },
            E::BodyNotForm { detail: text() },
            E::EndpointUnpriced { path: text() },
            E::BodyNotJson { detail: text() },
            E::ModelMissing { expected: text() },
            E::ModelNotFound { found: text(), expected: text() },
            E::ModelThreshold { found: text(), example: text() },
            E::ParameterIllFormed { name: "x", found: text(), expected: "x" },
            E::HeaderNotANumber { header: "x", found: text() },
            E::ModelOption { found: text() },
            E::HeaderNotOnOrOff { header: "x", found: text() },
            E::HeaderUnknownModel { header: "x", found: text() },
            E::ModelNotAllowed { model: text(), why: text() },
            E::ResponseNotFound { field: text(), found: text() },
            E::ThreadUnsupported { found: text() },
            E::NotTranslatable { detail: text() },
            E::FeedbackIllFormed { detail: text() },
            E::OriginNotAllowed { origin: text() },
            E::NotFound { path: text(), expected: "x", origin: text() },
            E::MethodNotAllowed { path: text(), found: text(), allow: "x" },
            E::ConfigInvalid { variable: "x", detail: text() },
            E::BindingFailed { binding: "x", detail: text() },
            E::PriceUnknown { model: text() },
            E::BundleUnreadable { name: text(), from: "ASSETS", detail: text() },
            E::CurrentBundleInvalid { detail: text() },
            E::UpstreamNotConfigured { candidate: text() },
            E::UpstreamUnreachable { candidate: text(), detail: text() },
            E::UpstreamBadStatus { candidate: text(), status: 302 },
            E::UpstreamTimeout { candidate: text(), stage: "x", ms: 1 },
            E::UpstreamBadAnswer { candidate: text(), detail: text() },
            E::UpstreamError { candidate: text(), status: 500, detail: text() },
            E::UpstreamsResting { candidate: text(), seconds: 1 },
            E::UpstreamBrokeOff { candidate: text(), detail: text() },
        ]
    }

    #[test]
    fn no_error_repeats_a_long_text_whole() {
        for error in with_texts(&"é".repeat(1 << 20)) {
            let body = error.body().to_string();
            assert!(body.len() < 8192, "{} has {} bytes", error.code(), body.len());
        }
    }

    #[test]
    fn no_error_repeats_a_control_character() {
        for error in with_texts("a\r\nb\u{1b}[2J") {
            let message = error.to_string();
            assert!(!message.chars().any(char::is_control), "{}", error.code());
        }
    }
}
