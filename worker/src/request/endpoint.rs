//! Maps methods and paths to endpoints.
//!
//! Clients append different paths to a base URL. So `/v1` may be absent or stand twice, slashes may be
//! doubled or stand at the end, and a prefix by which other gateways tell the APIs apart is ignored:
//!
//! ```text
//! /v1/messages  <-  /v1/v1/messages  /messages  //v1/messages/  /anthropic/v1/messages
//! ```

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::config::Api;
use crate::error::GatewayError;

/// An endpoint of the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// An API whose requests are forwarded to an upstream.
    Upstream(Dialect),
    /// `POST /v1/messages/count_tokens`.
    CountTokens,
    /// An API of OpenAI's whose requests are passed on to a named model, with its path below `/v1`.
    Passthrough(&'static str),
    /// `POST /v1/route`.
    Route,
    /// `POST /v1/feedback`.
    Feedback,
    /// `GET /v1/models`.
    Models,
    /// `GET /v1/models/{id}`.
    Model(String),
    /// `GET /healthz`.
    Health,
}

/// The API whose shape a request and its answer have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// OpenAI's chat completions.
    Chat,
    /// OpenAI's Responses.
    Responses,
    /// OpenAI's (legacy) completions of a prompt.
    Completions,
    /// OpenAI's embeddings.
    Embeddings,
    /// Anthropic's Messages.
    Messages,
}

/// The path of Anthropic's endpoint that counts tokens, below the API's root.
pub(crate) const COUNT_TOKENS: &str = "messages/count_tokens";

const ALL: &str = "POST /v1/chat/completions, /v1/responses, /v1/completions, /v1/embeddings, \
                   /v1/messages, /v1/messages/count_tokens, /v1/audio/..., /v1/images/..., \
                   /v1/moderations, /v1/rerank, /v1/route, /v1/feedback; GET /v1/models, /healthz";

/// The paths of [`Endpoint::Passthrough`].
const PASSTHROUGH: [&str; 8] = [
    "audio/speech",
    "audio/transcriptions",
    "audio/translations",
    "images/edits",
    "images/generations",
    "images/variations",
    "moderations",
    "rerank",
];

impl Endpoint {
    /// Finds the endpoint of a method and a path. `origin` is that of the request's URL, for the error.
    ///
    /// # Errors
    /// [`GatewayError::NotFound`], [`GatewayError::MethodNotAllowed`].
    pub(crate) fn new(method: &str, path: &str, origin: &str) -> Result<Self, GatewayError> {
        let endpoint = match below_root(path) {
            "route" => Self::Route,
            "feedback" => Self::Feedback,
            "models" => Self::Models,
            "healthz" => Self::Health,
            COUNT_TOKENS => Self::CountTokens,
            below => {
                let passed = PASSTHROUGH.into_iter().find(|path| *path == below);
                let unknown = || {
                    let (path, origin) = (path.to_owned(), origin.to_owned());
                    GatewayError::NotFound { path, expected: ALL, origin }
                };
                let model = below.strip_prefix("models/");
                Dialect::of_path(below)
                    .map(Self::Upstream)
                    .or(passed.map(Self::Passthrough))
                    .or_else(|| model.map(|id| Self::Model(percent_decoded(id))))
                    .ok_or_else(unknown)?
            }
        };
        let allow = match endpoint {
            Self::Models | Self::Model(_) | Self::Health => "GET",
            _ => "POST",
        };
        match method == allow || (allow == "GET" && method == "HEAD") {
            true => Ok(endpoint),
            false => Err(GatewayError::MethodNotAllowed {
                path: path.to_owned(),
                found: method.to_owned(),
                allow,
            }),
        }
    }
}

/// The prefixes by which other gateways tell the APIs apart.
const API_PREFIXES: [&str; 2] = ["openai", "anthropic"];

/// The part of a path below `/v1`.
fn below_root(path: &str) -> &str {
    let mut rest = path.trim_start_matches('/');
    let api = API_PREFIXES.iter().find_map(|prefix| without_segment(rest, prefix));
    rest = api.unwrap_or(rest);
    for _ in 0..2 {
        rest = without_segment(rest, "v1").unwrap_or(rest);
    }
    rest.trim_end_matches('/')
}

/// The rest of a path that begins with this segment.
fn without_segment<'p>(path: &'p str, segment: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(segment)?;
    (rest.is_empty() || rest.starts_with('/')).then(|| rest.trim_start_matches('/'))
}

/// Whether the caller of a path reads errors in Anthropic's shape: on the paths of its API, and with its
/// header (`states_version`) wherever no API of OpenAI's is.
pub(crate) fn reads_anthropics_errors(path: &str, states_version: bool) -> bool {
    let below = below_root(path);
    let messages = without_segment(below, "messages").is_some();
    let prefixed = without_segment(path.trim_start_matches('/'), "anthropic").is_some();
    let openais = Dialect::of_path(below).is_some() || PASSTHROUGH.contains(&below);
    messages || prefixed || (states_version && !openais)
}

impl Dialect {
    const ALL: [Self; 5] =
        [Self::Chat, Self::Responses, Self::Completions, Self::Embeddings, Self::Messages];

    /// The API at a path below an API's root.
    fn of_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.path() == path)
    }

    /// The path below an API's root.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Chat => "chat/completions",
            Self::Responses => "responses",
            Self::Completions => "completions",
            Self::Embeddings => "embeddings",
            Self::Messages => "messages",
        }
    }

    /// The API in which an upstream of `api` is called for a request of this one.
    ///
    /// # Errors
    /// [`GatewayError::NotTranslatable`] if `api` has no equivalent.
    pub(crate) fn upstream_dialect(self, api: Api, model: &str) -> Result<Self, GatewayError> {
        match (self, api) {
            (Self::Chat | Self::Messages, Api::Anthropic) => Ok(Self::Messages),
            (Self::Chat | Self::Messages, Api::Openai | Api::WorkersAi) => Ok(Self::Chat),
            (dialect, Api::Openai) => Ok(dialect),
            (dialect, Api::Anthropic | Api::WorkersAi) => Err(GatewayError::NotTranslatable {
                detail: format!(
                    "the upstream of {model:?} has an API without an equivalent of /v1/{}",
                    dialect.path()
                ),
            }),
        }
    }
}

/// Decodes percent escapes; keeps malformed ones, and the whole text if the result is not UTF-8.
fn percent_decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8().map_or_else(|_| text.to_owned(), Cow::into_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn found(method: &str, path: &str) -> Result<Endpoint, GatewayError> {
        Endpoint::new(method, path, "https://gateway.example")
    }

    fn code(method: &str, path: &str) -> &'static str {
        found(method, path).map_or_else(|e| e.code(), |_| "served")
    }

    #[test]
    fn each_path_has_its_method() {
        for path in ["chat/completions", "responses", "completions", "embeddings", "messages"] {
            let path = format!("/v1/{path}");
            assert_eq!(code("POST", &path), "served");
            assert_eq!(code("GET", &path), "method_not_allowed");
        }
        assert_eq!(code("POST", "/v1/messages/count_tokens"), "served");
        assert_eq!(code("GET", "/v1/messages/count_tokens"), "method_not_allowed");
        assert_eq!(code("GET", "/v1/models"), "served");
        assert_eq!(code("HEAD", "/healthz"), "served");
        assert_eq!(code("POST", "/healthz"), "method_not_allowed");
    }

    #[test]
    fn what_is_passed_on_has_a_path_of_a_closed_list() {
        for path in PASSTHROUGH {
            assert_eq!(found("POST", &format!("/v1/{path}/")), Ok(Endpoint::Passthrough(path)));
            assert_eq!(code("GET", &format!("/v1/{path}")), "method_not_allowed");
            assert!(!reads_anthropics_errors(&format!("/v1/{path}"), true));
        }
        for path in ["/v1/audio", "/v1/audio/voices", "/v1/images/", "/v1/moderations/x"] {
            assert_eq!(code("POST", path), "not_found", "{path}");
        }
    }

    #[test]
    fn a_base_url_may_have_the_version_or_not() {
        let chat = Ok(Endpoint::Upstream(Dialect::Chat));
        for path in [
            "/chat/completions",
            "/v1/chat/completions/",
            "/v1/v1/chat/completions",
            "//v1//chat/completions",
            "/openai/v1/chat/completions",
            "/openai/chat/completions",
        ] {
            assert_eq!(found("POST", path), chat, "{path}");
        }
        let messages = Ok(Endpoint::Upstream(Dialect::Messages));
        for path in ["/messages", "/v1/v1/messages", "/anthropic/v1/messages", "/v1//messages//"] {
            assert_eq!(found("POST", path), messages, "{path}");
        }
        assert_eq!(found("GET", "/v1/models/"), Ok(Endpoint::Models));
        assert_eq!(found("GET", "/models/v1/x"), Ok(Endpoint::Model("v1/x".into())));
    }

    #[test]
    fn another_path_is_told_the_base_url() {
        for path in [
            "/",
            "/v1",
            "/v1/v1/v1/messages",
            "/v1/chat",
            "/v1/chat/completions/x",
            "/v1x/messages",
            "/v2/messages",
            "/openai/anthropic/v1/messages",
            "/chat/v1/completions",
            "/v1/files",
        ] {
            let error = found("POST", path).map_err(|e| e.to_string()).unwrap_err();
            assert!(error.contains(&format!("{path:?}")), "{error}");
            assert!(error.contains("\"https://gateway.example/v1\""), "{error}");
        }
    }

    #[test]
    fn errors_have_the_shape_of_the_callers_api() {
        for path in [
            "/v1/messages",
            "/messages/",
            "/v1/v1/messages",
            "/v1/messages/count_tokens",
            "/v1/messages/batches/x",
            "/anthropic/v1/models",
        ] {
            assert!(reads_anthropics_errors(path, false), "{path}");
        }
        for path in ["/v1/models", "/v1/models/x", "/v1/files", "/", "/healthz"] {
            assert!(reads_anthropics_errors(path, true), "{path}");
            assert!(!reads_anthropics_errors(path, false), "{path}");
        }
        for path in ["/v1/chat/completions", "/embeddings", "/v1/responses/"] {
            assert!(!reads_anthropics_errors(path, true), "{path}");
        }
        assert!(!reads_anthropics_errors("/v1/messagesx", false));
    }

    #[test]
    fn a_models_name_may_have_any_characters() {
        let id = |path: &str| found("GET", &format!("/v1/models/{path}"));
        assert_eq!(id("a/b"), Ok(Endpoint::Model("a/b".into())));
        assert_eq!(id("%40cf%2Fx"), Ok(Endpoint::Model("@cf/x".into())));
        assert_eq!(id("50%"), Ok(Endpoint::Model("50%".into())));
        assert_eq!(id("%ff"), Ok(Endpoint::Model("%ff".into())));
    }

    #[test]
    fn only_conversations_are_translated() {
        assert_eq!(Dialect::Chat.upstream_dialect(Api::Anthropic, "m"), Ok(Dialect::Messages));
        assert_eq!(Dialect::Messages.upstream_dialect(Api::Openai, "m"), Ok(Dialect::Chat));
        assert_eq!(Dialect::Embeddings.upstream_dialect(Api::Openai, "m"), Ok(Dialect::Embeddings));
        let error = Dialect::Embeddings.upstream_dialect(Api::Anthropic, "m").map_err(|e| e.code());
        assert_eq!(error, Err("not_translatable"));
    }
}
