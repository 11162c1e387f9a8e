//! Maps methods and paths to endpoints.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::config::Api;
use crate::error::GatewayError;

/// An endpoint of the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// An API whose requests are forwarded to an upstream.
    Upstream(Dialect),
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

const ALL: &str = "POST /v1/chat/completions, /v1/responses, /v1/completions, /v1/embeddings, \
                   /v1/messages, /v1/route, /v1/feedback; GET /v1/models, /healthz";

impl Endpoint {
    /// Finds the endpoint of a method and a path.
    ///
    /// # Errors
    /// [`GatewayError::NotFound`], [`GatewayError::MethodNotAllowed`].
    pub(crate) fn new(method: &str, path: &str) -> Result<Self, GatewayError> {
        let endpoint = match path {
            "/v1/chat/completions" => Self::Upstream(Dialect::Chat),
            "/v1/responses" => Self::Upstream(Dialect::Responses),
            "/v1/completions" => Self::Upstream(Dialect::Completions),
            "/v1/embeddings" => Self::Upstream(Dialect::Embeddings),
            "/v1/messages" => Self::Upstream(Dialect::Messages),
            "/v1/route" => Self::Route,
            "/v1/feedback" => Self::Feedback,
            "/v1/models" => Self::Models,
            "/healthz" => Self::Health,
            _ => match path.strip_prefix("/v1/models/").filter(|id| !id.is_empty()) {
                Some(id) => Self::Model(percent_decoded(id)),
                None => {
                    return Err(GatewayError::NotFound { path: path.to_owned(), expected: ALL });
                }
            },
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

impl Dialect {
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
    use super::*;

    fn code(method: &str, path: &str) -> &'static str {
        Endpoint::new(method, path).map_or_else(|e| e.code(), |_| "served")
    }

    #[test]
    fn each_path_has_its_method() {
        for path in ["chat/completions", "responses", "completions", "embeddings", "messages"] {
            let path = format!("/v1/{path}");
            assert_eq!(code("POST", &path), "served");
            assert_eq!(code("GET", &path), "method_not_allowed");
        }
        assert_eq!(code("GET", "/v1/models"), "served");
        assert_eq!(code("HEAD", "/healthz"), "served");
        assert_eq!(code("POST", "/healthz"), "method_not_allowed");
        for path in ["/", "/v1", "/v1/models/", "/v1/chat", "/v1/chat/completions/"] {
            assert_eq!(code("GET", path), "not_found", "{path}");
        }
    }

    #[test]
    fn a_models_name_may_have_any_characters() {
        let id = |path: &str| Endpoint::new("GET", &format!("/v1/models/{path}"));
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
