//! How an answer ended.

use serde::{Deserialize, Serialize};

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Finish {
    /// The LLM ended it.
    Stop,
    /// It was cut at the most tokens.
    Length,
    /// The LLM refused, as the API states it. A refusal in prose is a `Stop`.
    Refusal,
    /// The upstream's content filter cut it.
    Filtered,
    /// It has no text, for whatever reason: an LLM that reasons may spend all tokens on that.
    Empty,
}

impl Finish {
    pub const ALL: [Self; 5] =
        [Self::Stop, Self::Length, Self::Refusal, Self::Filtered, Self::Empty];

    /// The name in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::Refusal => "refusal",
            Self::Filtered => "filtered",
            Self::Empty => "empty",
        }
    }
}
