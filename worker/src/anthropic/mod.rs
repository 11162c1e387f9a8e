//! Translates between Anthropic's Messages API and OpenAI's chat completions.
//!
//! ```text
//! client (OpenAI)    -> request_to_messages -> Anthropic upstream -> message_to_completion, MessageStream
//! client (Anthropic) -> request_to_chat     -> OpenAI upstream    -> completion_to_message, ChunkStream
//! ```
//! For example:
//! ```text
//! {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}], "stop": "END"}
//! -> {"model": "claude-...", "max_tokens": 8192, "system": [{"type": "text", "text": "Be brief."}],
//!     "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}], "stop_sequences": ["END"]}
//! ```
//! A table at the head of each file says what becomes of each field. A field without an equivalent is
//! refused by name if the answer would lack something that was asked for, and dropped if it is only a
//! hint; nothing else is lost.

mod chunk;
mod content;
mod errors;
mod from_chunks;
mod from_completion;
mod from_message;
mod from_stream;
mod from_turns;
mod refused;
mod stop;
mod thinking;
mod to_chat;
mod to_messages;
mod to_turns;
mod tools;
mod untranslatable;

pub(crate) use chunk::{ChunkWriter, DONE};
pub(crate) use errors::{error_in_stream, error_to_anthropic, error_to_openai};
pub(crate) use from_chunks::ChunkStream;
pub(crate) use from_completion::completion_to_message;
pub(crate) use from_message::message_to_completion;
pub(crate) use from_stream::MessageStream;
pub(crate) use refused::refuse_extras;
pub(crate) use to_chat::request_to_chat;
pub(crate) use to_messages::request_to_messages;
pub(crate) use untranslatable::{StreamError, Untranslatable, event_json, shown};

#[cfg(test)]
pub(crate) mod tests;
