//! The input of a decision: a text, or the turns of a conversation.
//!
//! A conversation's turns are the texts of its *user* messages, the last [`MAX_TURNS`] that have
//! any. System, assistant and tool messages are ignored, and so are images. The router rates each turn
//! by itself, as it was trained on single texts, and [`Assessment::then`] combines the ratings, so that
//! a short "yes, do it" is routed like the request before it. Beyond [`MAX_QUERY_BYTES`] in all, the
//! oldest text is dropped.
//!
//! [`Assessment::then`]: crate::Assessment::then
//!
//! ```
//! use pointsman::{Message, Query};
//! let messages: Vec<Message> = serde_json::from_str(
//!     r#"[{"role": "system", "content": "Be brief."},
//!         {"role": "user", "content": [{"type": "text", "text": "Prove it."}]},
//!         {"role": "assistant", "content": "By induction?"},
//!         {"role": "user", "content": "Yes."}]"#,
//! )
//! .unwrap();
//! assert_eq!(Query::from_messages(&messages).unwrap().turns(), ["Prove it.", "Yes."]);
//! ```

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::error::{RouterError, quoted};

/// Longest query in bytes of UTF-8: a Worker tokenizes it well within its CPU time.
pub const MAX_QUERY_BYTES: usize = 256 << 10;
/// Most turns of a conversation that are rated: the last ones.
pub const MAX_TURNS: usize = 8;

/// One turn or several, oldest first: well-formed, non-empty texts of at most [`MAX_QUERY_BYTES`]
/// in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query(Vec<String>);

impl Query {
    /// Makes a query from plain text.
    ///
    /// # Errors
    /// [`RouterError::QueryEmpty`], [`RouterError::QueryTooLong`],
    /// [`RouterError::QueryIllFormed`] for a NUL character.
    pub fn new(text: impl Into<String>) -> Result<Self, RouterError> {
        let text = text.into();
        if text.len() > MAX_QUERY_BYTES {
            return Err(RouterError::QueryTooLong { bytes: text.len(), limit: MAX_QUERY_BYTES });
        }
        check_nul(&text)?;
        match text.trim().is_empty() {
            true => Err(RouterError::QueryEmpty),
            false => Ok(Self(vec![text])),
        }
    }

    /// Makes a query from a conversation's user messages.
    ///
    /// # Errors
    /// [`RouterError::MessagesWithoutText`], [`RouterError::QueryIllFormed`] for a NUL character.
    pub fn from_messages(messages: &[Message]) -> Result<Self, RouterError> {
        Self::from_roles_and_texts(
            messages
                .iter()
                .map(|message| (message.role.as_str(), || Cow::Owned(message.content.text()))),
        )
    }

    /// Makes a query from the roles and texts of a conversation's messages, oldest first; a text is
    /// only asked for where it may be rated.
    ///
    /// # Errors
    /// Those of [`Query::from_messages`].
    pub fn from_roles_and_texts<'m, F: FnOnce() -> Cow<'m, str>>(
        messages: impl DoubleEndedIterator<Item = (&'m str, F)> + Clone,
    ) -> Result<Self, RouterError> {
        let users = messages.clone().filter(|(role, _)| *role == "user");
        let mut left = MAX_QUERY_BYTES;
        let mut turns: Vec<String> = Vec::new();
        for text in users.rev().map(|(_, text)| text()) {
            if text.trim().is_empty() {
                continue;
            }
            check_nul(&text)?;
            let start = text.ceil_char_boundary(text.len().saturating_sub(left));
            left -= text.len() - start;
            if !text[start..].trim().is_empty() {
                turns.push(text[start..].to_owned());
            }
            if left == 0 || turns.len() == MAX_TURNS {
                break;
            }
        }
        if turns.is_empty() {
            return Err(RouterError::MessagesWithoutText {
                detail: without_text(messages.map(|(role, _)| role)),
            });
        }
        turns.reverse();
        Ok(Self(turns))
    }

    /// The turns, oldest first; at least one.
    #[must_use]
    pub fn turns(&self) -> &[String] {
        &self.0
    }

    /// The last turn.
    #[must_use]
    pub fn newest(&self) -> &str {
        self.0.last().map_or("", String::as_str)
    }
}

/// Describes messages that hold no text, by the roles of the first few.
fn without_text<'m>(roles: impl Iterator<Item = &'m str> + Clone) -> String {
    let first = roles.clone().take(MAX_TURNS).map(|role| match role {
        plain @ ("system" | "developer" | "user" | "assistant" | "tool") => plain.to_owned(),
        other => quoted(other),
    });
    let shown = first.collect::<Vec<_>>().join(", ");
    match roles.count() {
        0 => "the list is empty".into(),
        found if found > MAX_TURNS => {
            format!("the first roles of {found} are {shown}, no user message has text")
        }
        _ => format!("roles are {shown}, no user message has text"),
    }
}

fn check_nul(text: &str) -> Result<(), RouterError> {
    match text.find('\0') {
        Some(at) => {
            Err(RouterError::QueryIllFormed { detail: format!("NUL character at byte {at}") })
        }
        None => Ok(()),
    }
}

/// A message of a conversation, as OpenAI's chat format has it; other fields are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// `system`, `developer`, `user`, `assistant` or `tool`.
    pub role: String,
    /// The message's content.
    #[serde(default)]
    pub content: Content,
}

/// A message's content: a string, a list of parts, or nothing (a tool call).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// Parts; those without text are ignored.
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
    /// Its text, parts joined by a line break.
    #[must_use]
    pub fn text(&self) -> String {
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
