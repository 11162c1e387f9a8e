//! Translates for an upstream that speaks Anthropic's Messages API, whose client speaks OpenAI's.

pub(crate) mod answer;
pub(crate) mod request;
pub(crate) mod stream;
mod turns;
