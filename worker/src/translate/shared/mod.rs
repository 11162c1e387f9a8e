//! What the translations to and from every API share: OpenAI's chunks, the fields that no translated
//! upstream supports, and errors.

pub(crate) mod chunk;
pub(crate) mod error_body;
pub(crate) mod stream_error;
pub(crate) mod unsupported;
