//! Parses what clients send: paths, bodies, model names, policies and feedback.

pub(crate) mod body;
pub(crate) mod caller_keys;
pub(crate) mod client_network;
pub(crate) mod content_encoding;
pub(crate) mod conversation;
pub(crate) mod endpoint;
pub(crate) mod feedback;
pub(crate) mod form;
pub(crate) mod input_tokens;
pub(crate) mod json;
mod judged;
pub(crate) mod media;
pub(crate) mod model_name;
pub(crate) mod request_id;
pub(crate) mod route;
pub(crate) mod session_id;
pub(crate) mod thinking_budget;
pub(crate) mod tools;
