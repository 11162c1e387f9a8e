//! What a request may ask of a model that its upstream may lack without its API telling it: `lacks`.

use serde::Deserialize;

/// A feature that `lacks` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Feature {
    /// OpenAI's chat completions, and so Anthropic's Messages too.
    Chat,
    /// OpenAI's Responses.
    Responses,
    /// OpenAI's completions of a prompt.
    Completions,
    /// JSON without a schema.
    JsonObject,
    /// JSON by a schema.
    JsonSchema,
    /// More than one answer to a prompt.
    N,
    /// Log probabilities of tokens.
    Logprobs,
    /// A bias for tokens.
    LogitBias,
    /// Files, such as PDFs.
    Documents,
    /// Sound or film, in the request or as the answer.
    Audio,
    /// Images that the request names by an address or an id.
    ImageUrls,
    /// Tools that the upstream runs.
    ServerTools,
    /// Tools whose input is any text.
    CustomTools,
    /// The field that allows or forbids several calls at once.
    ParallelToolCalls,
    /// Answers as a stream.
    Streaming,
    /// Going on from a stored response, conversation or item.
    StoredResponses,
}

impl Feature {
    /// Its name in the configuration.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Responses => "responses",
            Self::Completions => "completions",
            Self::JsonObject => "json_object",
            Self::JsonSchema => "json_schema",
            Self::N => "n",
            Self::Logprobs => "logprobs",
            Self::LogitBias => "logit_bias",
            Self::Documents => "documents",
            Self::Audio => "audio",
            Self::ImageUrls => "image_urls",
            Self::ServerTools => "server_tools",
            Self::CustomTools => "custom_tools",
            Self::ParallelToolCalls => "parallel_tool_calls",
            Self::Streaming => "streaming",
            Self::StoredResponses => "stored_responses",
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn each_feature_is_named_as_it_is_configured() {
        for name in [
            "chat",
            "responses",
            "completions",
            "json_object",
            "json_schema",
            "n",
            "logprobs",
            "logit_bias",
            "documents",
            "audio",
            "image_urls",
            "server_tools",
            "custom_tools",
            "parallel_tool_calls",
            "streaming",
            "stored_responses",
        ] {
            let found: Feature = serde_json::from_value(name.into()).unwrap();
            assert_eq!(found.name(), name);
        }
        let error = serde_json::from_value::<Feature>("sight".into()).unwrap_err().to_string();
        assert!(error.contains("sight") && error.contains("json_object"), "{error}");
    }
}
