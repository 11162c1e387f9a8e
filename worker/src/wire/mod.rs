//! Reads and writes the formats of the APIs: server-sent events, token usage, answers, JSON bodies.

pub(crate) mod answer;
pub(crate) mod beginning;
pub(crate) mod context_overflow;
pub(crate) mod fields;
pub(crate) mod json_bounds;
pub(crate) mod json_tree;
pub(crate) mod long_strings;
pub(crate) mod outgoing;
pub(crate) mod output_text;
pub(crate) mod places;
pub(crate) mod reported_error;
pub(crate) mod scalars;
pub(crate) mod sse;
pub(crate) mod surrogates;
pub(crate) mod upstream_error;
pub(crate) mod usage;
pub(crate) mod written;
