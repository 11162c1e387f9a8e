//! The text a decision rests on, from a plain string or a conversation.
//!
//! A conversation becomes a query by one rule: the text of its *user* messages, in order, joined
//! by a blank line. So a short "yes, do it" is routed with the request it answers. System,
//! assistant and tool messages are not part of it, nor are images. When the whole is longer than
//! [`MAX_QUERY_BYTES`], the oldest text is dropped.
//!
//! ```
//! use switchyard_router::{Message, Query};
//! let messages: Vec<Message> = serde_json::from_str(
//!     r#"[{"role": "system", "content": "Be brief."},
//!         {"role": "user", "content": [{"type": "text", "text": "Prove it."}]}]"#,
//! )
//! .unwrap();
//! assert_eq!(Query::from_messages(&messages).unwrap().text(), "Prove it.");
//! ```

use serde::{Deserialize, Serialize};

use crate::error::RouterError;

/// Longest query in bytes of UTF-8: a Worker tokenizes it well within its time.
pub const MAX_QUERY_BYTES: usize = 256 << 10;

/// Well-formed, non-empty text of at most [`MAX_QUERY_BYTES`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query(String);

impl Query {
    /// A query from plain text.
    ///
    /// # Errors
    /// [`RouterError::QueryEmpty`], [`RouterError::QueryTooLong`],
    /// [`RouterError::QueryIllFormed`] for a NUL character.
    pub fn new(text: impl Into<String>) -> Result<Self, RouterError> {
        let text = text.into();
        if text.len() > MAX_QUERY_BYTES {
            return Err(RouterError::QueryTooLong { bytes: text.len(), limit: MAX_QUERY_BYTES });
        }
        if let Some(at) = text.find('\0') {
            return Err(RouterError::QueryIllFormed {
                detail: format!("NUL character at byte {at}"),
            });
        }
        match text.trim().is_empty() {
            true => Err(RouterError::QueryEmpty),
            false => Ok(Self(text)),
        }
    }

    /// A query from a conversation, by the module's rule.
    ///
    /// # Errors
    /// [`RouterError::MessagesWithoutText`] and those of [`Query::new`].
    pub fn from_messages(messages: &[Message]) -> Result<Self, RouterError> {
        let texts: Vec<String> = messages
            .iter()
            .filter(|message| message.role == "user")
            .map(|message| message.content.text())
            .filter(|text| !text.trim().is_empty())
            .collect();
        if texts.is_empty() {
            let roles: Vec<&str> = messages.iter().map(|m| m.role.as_str()).collect();
            return Err(RouterError::MessagesWithoutText {
                detail: match roles.is_empty() {
                    true => "the list is empty".into(),
                    false => format!("roles are {}, no user message has text", roles.join(", ")),
                },
            });
        }
        let text = texts.join("\n\n");
        let excess = text.len().saturating_sub(MAX_QUERY_BYTES);
        let start = (excess..text.len()).find(|&i| text.is_char_boundary(i)).unwrap_or(0);
        Self::new(&text[start..])
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// A message of a conversation, as OpenAI's chat format has it; other fields are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// `system`, `developer`, `user`, `assistant` or `tool`.
    pub role: String,
    /// What was said.
    #[serde(default)]
    pub content: Content,
}

/// A message's content: a string, a list of parts, or nothing (a tool call).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// Parts; only those with text count.
    Parts(Vec<ContentPart>),
    /// No content.
    #[default]
    None,
}

/// A part of a message's content: text, or something with no text to route (an image, audio).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContentPart {
    /// The text of a part of type `text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Content {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Parts(parts) => {
                let texts: Vec<&str> = parts.iter().filter_map(|p| p.text.as_deref()).collect();
                texts.join("\n")
            }
            Self::None => String::new(),
        }
    }
}
