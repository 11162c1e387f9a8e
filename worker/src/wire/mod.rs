//! Reads and writes the formats of the APIs: server-sent events, token usage, answers, JSON bodies.

pub(crate) mod answer;
pub(crate) mod json_span;
pub(crate) mod sse;
pub(crate) mod usage;
