//! The input of a decision: a text, or the turns of a conversation.
//!
//! A conversation's turns are the texts of its *user* messages, the last [`MAX_TURNS`] that have
//! any. System, assistant and tool messages are ignored, and so are images. The router rates each turn
//! by itself, as it was trained on single texts, and [`Assessment::then`] combines the ratings, so that
//! a short "yes, do it" is routed like the request before it.
//!
//! At most [`MAX_RATED_BYTES`] are rated, newest turns first. Of a longer text, plain or of a message, the
//! beginning and the end are: a quarter and three quarters. All of its bytes count as tokens
//! ([`estimated_tokens`]).
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

/// Longest query in bytes of UTF-8: longer than any LLM's context window.
pub const MAX_QUERY_BYTES: usize = 16 << 20;
/// Most bytes of a query that are rated: a Worker tokenizes them well within its CPU time.
pub const MAX_RATED_BYTES: usize = 256 << 10;
/// Most bytes of text that a token stands for, on average over a text. A bundle's tokenizer may take a word
/// that it does not know, however long, for one token; those of LLMs do not: English has about 4.5 bytes
/// in a token, code 3 to 4, Chinese, Japanese and Korean 2 to 4, Cyrillic 4 to 8, random letters 2.
const MOST_BYTES_PER_TOKEN: u64 = 8;
/// Most turns of a conversation that are rated: the last ones.
pub const MAX_TURNS: usize = 8;

/// One turn or several, oldest first: well-formed, non-empty texts of at most [`MAX_RATED_BYTES`]
/// in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    turns: Vec<String>,
    bytes: usize,
}

/// Estimates an LLM's tokens of a text of `bytes`, of which `counted_bytes` are `counted` tokens by some
/// tokenizer: in proportion, and at least one token in eight bytes.
#[must_use]
pub fn estimated_tokens(counted: u64, counted_bytes: u64, bytes: u64) -> u64 {
    let in_proportion = counted.saturating_mul(bytes) / counted_bytes.max(1);
    in_proportion.max(bytes / MOST_BYTES_PER_TOKEN)
}

impl Query {
    /// Makes a query from plain text.
    ///
    /// # Errors
    /// [`RouterError::QueryEmpty`], [`RouterError::QueryTooLong`] beyond [`MAX_QUERY_BYTES`],
    /// [`RouterError::QueryIllFormed`] for a NUL character.
    pub fn new(text: impl Into<String>) -> Result<Self, RouterError> {
        let text = text.into();
        let bytes = text.len();
        check_length(bytes)?;
        check_nul(&text)?;
        if text.trim().is_empty() {
            return Err(RouterError::QueryEmpty);
        }
        let text = match bytes > MAX_RATED_BYTES {
            true => both_ends(&text, MAX_RATED_BYTES),
            false => text,
        };
        Ok(Self { turns: vec![text], bytes })
    }

    /// Makes a query from a conversation's user messages.
    ///
    /// # Errors
    /// [`RouterError::MessagesWithoutText`], [`RouterError::QueryTooLong`] where the turns have more than
    /// [`MAX_QUERY_BYTES`], [`RouterError::QueryIllFormed`] for a NUL character.
    pub fn from_messages(messages: &[Message]) -> Result<Self, RouterError> {
        Self::from_roles_and_texts(
            messages
                .iter()
                .map(|message| (message.role.as_str(), || Cow::Owned(message.content.text()))),
        )
    }

    /// Makes a query from the roles and texts of a conversation's messages, oldest first; only the texts
    /// of its turns are asked for.
    ///
    /// # Errors
    /// Those of [`Query::from_messages`].
    pub fn from_roles_and_texts<'m, F: FnOnce() -> Cow<'m, str>>(
        messages: impl DoubleEndedIterator<Item = (&'m str, F)> + Clone,
    ) -> Result<Self, RouterError> {
        let users = messages.clone().filter(|(role, _)| *role == "user");
        let (mut bytes, mut found, mut left) = (0_usize, 0, MAX_RATED_BYTES);
        let mut turns: Vec<String> = Vec::new();
        for text in users.rev().map(|(_, text)| text()) {
            if text.trim().is_empty() {
                continue;
            }
            bytes = bytes.saturating_add(text.len());
            check_length(bytes)?;
            check_nul(&text)?;
            let rated = match text.len() > left {
                true => both_ends(&text, left),
                false => text.into_owned(),
            };
            left -= rated.len();
            if !rated.trim().is_empty() {
                turns.push(rated);
            }
            found += 1;
            if found == MAX_TURNS {
                break;
            }
        }
        if turns.is_empty() {
            return Err(RouterError::MessagesWithoutText {
                detail: without_text(messages.map(|(role, _)| role)),
            });
        }
        turns.reverse();
        Ok(Self { turns, bytes })
    }

    /// The turns as they are rated, oldest first; at least one.
    #[must_use]
    pub fn turns(&self) -> &[String] {
        &self.turns
    }

    /// The last turn, as it is rated.
    #[must_use]
    pub fn newest(&self) -> &str {
        self.turns.last().map_or("", String::as_str)
    }

    /// Bytes of UTF-8 of the turns' whole text, also of what is not rated.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Estimated tokens of the turns' whole text, of whose rated part a tokenizer counts `counted`.
    #[must_use]
    pub(crate) fn tokens(&self, counted: usize) -> usize {
        let rated: usize = self.turns.iter().map(String::len).sum();
        let tokens = estimated_tokens(counted as u64, rated as u64, self.bytes as u64);
        usize::try_from(tokens).unwrap_or(usize::MAX)
    }
}

/// The beginning and the end of a text that has more than `limit` bytes: a quarter of the limit and three
/// quarters, on lines of their own.
fn both_ends(text: &str, limit: usize) -> String {
    let first = limit / 4;
    let last = (limit - first).saturating_sub(1);
    let beginning = &text[..text.floor_char_boundary(first)];
    let end = &text[text.ceil_char_boundary(text.len() - last)..];
    match limit {
        0 => String::new(),
        _ => format!("{beginning}\n{end}"),
    }
}

fn check_length(bytes: usize) -> Result<(), RouterError> {
    match bytes > MAX_QUERY_BYTES {
        true => Err(RouterError::QueryTooLong { bytes, limit: MAX_QUERY_BYTES }),
        false => Ok(()),
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn user(text: &str) -> Message {
        Message { role: "user".into(), content: Content::Text(text.into()) }
    }

    #[test]
    fn a_long_text_is_rated_by_its_ends_plain_or_as_a_message() {
        let text = format!("begin {} end", "界".repeat(MAX_RATED_BYTES));
        let query = Query::new(text.clone()).unwrap();
        assert_eq!(query, Query::from_messages(&[user(&text)]).unwrap());
        let rated = query.newest();
        assert!(rated.starts_with("begin 界") && rated.ends_with("界 end"));
        assert!((MAX_RATED_BYTES - 8..=MAX_RATED_BYTES).contains(&rated.len()), "{}", rated.len());
        let at = rated.find('\n').unwrap();
        assert!((MAX_RATED_BYTES / 4 - 4..=MAX_RATED_BYTES / 4).contains(&at), "{at}");
        assert_eq!(query.bytes(), text.len());
    }

    #[test]
    fn text_that_is_not_rated_counts_as_tokens() {
        let old = "x".repeat(MAX_RATED_BYTES);
        let query = Query::from_messages(&[user(&old), user(&old), user("new")]).unwrap();
        assert_eq!(query.turns().len(), 2);
        assert_eq!(query.bytes(), 2 * MAX_RATED_BYTES + 3);
        // The rated half has 100,000 tokens.
        assert!((200_000..=200_010).contains(&query.tokens(100_000)));
        assert_eq!(query.tokens(1), (2 * MAX_RATED_BYTES + 3) / 8);
    }

    #[test]
    fn a_token_stands_for_eight_bytes_at_most() {
        assert_eq!(estimated_tokens(1, 200_000, 200_000), 25_000);
        assert_eq!(estimated_tokens(30, 100, 100), 30);
        assert_eq!(estimated_tokens(30, 100, 1000), 300);
        assert_eq!(estimated_tokens(0, 0, 7), 0);
        assert_eq!(estimated_tokens(u64::MAX, 1, u64::MAX), u64::MAX);
    }

    #[test]
    fn beyond_the_limit_text_and_messages_are_too_long() {
        let text = "x".repeat(MAX_QUERY_BYTES);
        assert!(Query::new(text.clone()).is_ok());
        assert!(Query::from_messages(&[user(&text)]).is_ok());
        let more = [user("y"), user(&text)];
        assert_eq!(Query::from_messages(&more).unwrap_err().code(), "query_too_long");
        assert_eq!(Query::new(text + "y").unwrap_err().code(), "query_too_long");
    }

    #[test]
    fn a_cut_keeps_whole_characters_at_every_limit() {
        let text = "aé界🙂".repeat(40);
        for limit in 0..200 {
            let cut = both_ends(&text, limit);
            assert!(cut.len() <= limit, "{limit}");
            let Some((first, last)) = cut.split_once('\n') else {
                assert!(cut.is_empty());
                continue;
            };
            assert!(text.starts_with(first) && text.ends_with(last), "{limit}");
        }
    }
}
