//! Writes a whole answer as the stream that its client asked for: some upstreams answer `stream: true` with
//! whole JSON, which a client that waits for events cannot read.
//!
//! | API | events |
//! | --- | --- |
//! | chat, completions | for each choice a chunk with all that was written and one with its end; the usage, if asked for; `[DONE]` |
//! | Messages | `message_start`, each block with one delta of each kind, `message_delta`, `message_stop` |
//! | Responses | `response.created`, each item with one delta for each of its texts, `response.completed` |

mod chat;
mod json;
mod messages;
mod responses;

use super::shared::answer_defaults::AnswerDefaults;
use crate::request::endpoint::Dialect;
use crate::wire::json_tree;

/// Writes the events of an answer in the client's API.
///
/// # Errors
/// What of the answer is no answer of this API.
pub(crate) fn whole_as_stream(
    dialect: Dialect,
    answer: &[u8],
    include_usage: bool,
    defaults: &AnswerDefaults<'_>,
) -> Result<Vec<u8>, String> {
    let text = std::str::from_utf8(answer).map_err(|e| e.to_string())?;
    let read = || json_tree::parse_answer(text);
    let events = match dialect {
        Dialect::Chat => chat::events(read()?, include_usage, defaults, chat::choice)?,
        Dialect::Completions => {
            chat::events(read()?, include_usage, defaults, chat::choice_of_prompt)?
        }
        Dialect::Messages => messages::events(read()?)?,
        Dialect::Responses => responses::events(read()?, text.len())?,
        // They have no streams.
        Dialect::Embeddings => text.to_owned(),
    };
    Ok(events.into_bytes())
}

#[cfg(test)]
mod tests;
