//! What an LLM is asked.

use serde::{Deserialize, Serialize};

use super::models_file::ModelEntry;
use crate::data::Role;

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    pub role: Role,
    pub content: String,
}

impl Message {
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into() }
    }

    pub fn user(content: impl Into<String>) -> Self {
        Self::new(Role::User, content)
    }
}

/// What an LLM is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct CompletionRequest {
    pub messages: Vec<Message>,
    /// Which of several answers to the same messages, from 0.
    pub sample: u32,
    /// The entry's where absent. An entry whose body states `max_completion_tokens` keeps that.
    pub max_tokens: Option<u32>,
    /// The entry's where absent.
    pub temperature: Option<f64>,
}

impl CompletionRequest {
    /// A request with the entry's own settings.
    #[must_use]
    pub fn new(messages: Vec<Message>, sample: u32) -> Self {
        Self { messages, sample, max_tokens: None, temperature: None }
    }

    /// Most tokens that an answer of this LLM may have.
    #[must_use]
    pub fn max_tokens(&self, model: &ModelEntry) -> u32 {
        model.max_completion_tokens().or(self.max_tokens).unwrap_or(model.max_tokens)
    }
}
