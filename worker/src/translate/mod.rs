//! Translates requests, answers and streams between the client's API and the upstream's.
//!
//! `call_body`, `call` and `stream` choose the translation for a pair of APIs. OpenAI's chat completions are the
//! form between any two others.

pub(crate) mod anthropic;
pub(crate) mod call;
pub(crate) mod call_body;
mod chat_rules;
mod left_out;
mod plain_stream;
pub(crate) mod response_ids;
pub(crate) mod shared;
pub(crate) mod stream;
pub(crate) mod tool_names;
pub(crate) mod whole_as_stream;
pub(crate) mod workers_ai;
