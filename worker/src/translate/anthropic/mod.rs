//! Translates between Anthropic's Messages API and OpenAI's chat completions.
//!
//! ```text
//! `upstream`: client (OpenAI)    -> request -> Anthropic upstream -> answer, stream -> client (OpenAI)
//! `client`:   client (Anthropic) -> request -> OpenAI upstream    -> answer, stream -> client (Anthropic)
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

pub(crate) mod client;
mod content;
pub(crate) mod reasoning;
mod schema;
pub(crate) mod signature;
mod stop;
pub(crate) mod thinking;
mod tools;
pub(crate) mod upstream;

#[cfg(test)]
pub(crate) mod tests;
