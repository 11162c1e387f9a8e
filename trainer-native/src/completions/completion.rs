//! An LLM's answer, with what it used, cost and took.

use serde::{Deserialize, Serialize};

use super::finish::Finish;
use super::request_key::RequestKey;

/// An answer as the store keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    /// Not part of the JSON.
    #[serde(skip)]
    pub key: RequestKey,
    /// The `id` of the entry that was asked.
    pub model: String,
    /// The upstream's name of the LLM that answered, where it states one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<String>,
    pub text: String,
    pub finish: Finish,
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// Whether the upstream stated the tokens; estimated from the texts' lengths where not.
    pub usage_stated: bool,
    /// Tokens times the entry's prices when it was asked; `None` where they were unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// From the request that was answered to its answer, waits and earlier attempts left out.
    pub latency_ms: u64,
    /// Seconds since 1970, by the machine's clock.
    pub unix_time: u64,
}
