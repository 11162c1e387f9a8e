//! Bounds and estimates of tokens, without a tokenizer: each upstream has its own.

use super::models_file::ModelEntry;
use super::request::CompletionRequest;

/// Tokens of a message beside its text, in any chat template.
const MESSAGE: u64 = 16;
/// Tokens of a request beside its messages.
const REQUEST: u64 = 64;

/// A number of input tokens that a request does not pass: tokenizers of bytes or characters have at most
/// one token a byte. Further fields of the body count as text, since tools and schemas are read by the LLM.
pub fn most_input(model: &ModelEntry, request: &CompletionRequest) -> u64 {
    let texts: u64 =
        request.messages.iter().map(|message| MESSAGE + message.content.len() as u64).sum();
    let body = model.body.as_ref().map_or(0, |body| body.to_string().len() as u64);
    REQUEST + texts + body
}

/// The usual number of tokens of a text, one for four bytes.
pub fn usual(text: &str) -> u64 {
    text.len().div_ceil(4) as u64
}

/// The usual number of input tokens of a request.
pub fn usual_input(request: &CompletionRequest) -> u64 {
    request.messages.iter().map(|message| usual(&message.content)).sum()
}
