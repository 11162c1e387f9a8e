//! Translates between OpenAI's API and the Workers AI binding, `env.AI.run(model, inputs)`.
//!
//! ```text
//! chat request -> request_to_inputs -> env.AI.run -> answer_to_completion, AnswerStream
//! ```
//! For example:
//! ```text
//! {"messages": [{"role": "developer", "content": "Be brief."}, ...], "max_completion_tokens": 9, "user": "ann"}
//! -> {"messages": [{"role": "system", "content": "Be brief."}, ...], "max_tokens": 9}
//! ```
//! Older models answer with `{"response", "tool_calls", "usage"}`, newer ones as OpenAI's API does;
//! only the answer itself shows which, so both are read.

mod answer;
mod error;
mod inputs;
mod stream;

pub(crate) use answer::answer_to_completion;
pub(crate) use error::error_status;
pub(crate) use inputs::request_to_inputs;
pub(crate) use stream::AnswerStream;

#[cfg(test)]
mod tests;
