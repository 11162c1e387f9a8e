//! Translates for a client that speaks Anthropic's Messages API, whose upstream speaks OpenAI's.

pub(crate) mod answer;
mod blocks;
pub(crate) mod request;
pub(crate) mod stream;
mod system_turns;
mod turns;
