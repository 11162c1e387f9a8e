//! What the translations to and from every API share: OpenAI's chunks, streamed calls, what an answer lacks,
//! the fields that no translated upstream supports, and errors.

pub(crate) mod answer_defaults;
pub(crate) mod call_pieces;
pub(crate) mod chunk;
pub(crate) mod error_body;
pub(crate) mod event_json;
pub(crate) mod stream_error;
pub(crate) mod unsupported;
