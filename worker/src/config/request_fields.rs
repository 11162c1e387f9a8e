//! The settings of an upstream that name fields of its requests.

use serde::Deserialize;

/// The field of a chat or completions request that limits its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OutputLimitField {
    /// OpenAI's, for chat.
    MaxCompletionTokens,
    /// That of older and of most other servers.
    MaxTokens,
}

/// The field of a message in which an upstream takes its own reasoning back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged, expecting = "expected false, reasoning_content or reasoning")]
pub(crate) enum ReasoningField {
    /// None, if false.
    Given(bool),
    /// This one.
    Named(ReasoningName),
}

/// The names under which upstreams state reasoning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReasoningName {
    /// DeepSeek's, Moonshot's and most servers'.
    ReasoningContent,
    /// OpenRouter's, and that of newer servers.
    Reasoning,
}

/// Which reasoning of earlier turns a chat upstream gets, beside the tool calls that followed from it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ReturnedReasoning {
    /// None.
    Never,
    /// The model's own, in the field in which it came.
    #[default]
    Own,
    /// All, in this field, which each message with tool calls has.
    Always(&'static str),
}

impl ReasoningName {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ReasoningContent => "reasoning_content",
            Self::Reasoning => "reasoning",
        }
    }
}
