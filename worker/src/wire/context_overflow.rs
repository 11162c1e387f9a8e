//! Recognises the error of a request that is longer than a model's context window, by its code or words.
//!
//! Clients shorten their conversation when they see it: OpenAI's by the code [`OPENAI_CODE`], Anthropic's by
//! the words [`ANTHROPIC_WORDS`].

use super::upstream_error::UpstreamError;

/// OpenAI's code of this error.
pub(crate) const OPENAI_CODE: &str = "context_length_exceeded";
/// The words with which Anthropic's API begins it.
pub(crate) const ANTHROPIC_WORDS: &str = "prompt is too long";

/// Codes and types that say it.
const CODES: [&str; 5] = [
    OPENAI_CODE,
    "context_window_exceeded",
    "exceed_context_size_error",
    "input_too_long",
    "model_max_prompt_tokens_exceeded",
];
/// What an upstream says, in lower case: each text, or all texts of a group.
const WORDS: [&[&str]; 27] = [
    // Anthropic.
    &[ANTHROPIC_WORDS],
    &["exceed context limit"],
    // OpenAI, vLLM, DeepSeek, OpenRouter, Mistral, SGLang, Groq, xAI.
    &["maximum context length"],
    &["context_length_exceeded"],
    &["exceeds the context window"],
    &["maximum prompt length"],
    &["reduce the length of the messages"],
    &["reduce the length of the input"],
    &["longer than the model's context length"],
    &["maximum model length"],
    // Google.
    &["input token count", "exceeds the maximum"],
    // Amazon Bedrock.
    &["input is too long"],
    &["too many input tokens"],
    // Text Generation Inference, Together.
    &["inputs` tokens + `max_new_tokens` must be"],
    &["`inputs` must have less than", "tokens"],
    // Workers AI.
    &["context window limit"],
    // llama.cpp, LM Studio, Ollama.
    &["exceeds the available context size"],
    &["exceeds the context length"],
    &["context length of only"],
    &["context the overflows"],
    &["exceeded max context length"],
    // Cohere, Copilot, Moonshot, Zhipu, MiniMax, Alibaba.
    &["too many tokens", "must be less than"],
    &["prompt token count", "exceeds the limit"],
    &["exceeded model token limit"],
    &["prompt exceeds max length"],
    &["context window exceeds limit"],
    &["range of input length should be"],
];

/// Whether an error says that the request is longer than the model's context window.
pub(crate) fn is_context_overflow(error: &UpstreamError) -> bool {
    let codes = [&error.code, &error.kind];
    if codes.into_iter().flatten().any(|code| CODES.contains(&code.as_str())) {
        return true;
    }
    let message = error.message.to_lowercase();
    WORDS.iter().any(|words| words.iter().all(|part| message.contains(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(message: &str) -> bool {
        is_context_overflow(&UpstreamError { message: message.into(), ..UpstreamError::default() })
    }

    #[test]
    fn the_words_of_the_providers_are_recognised() {
        for message in [
            "prompt is too long: 210000 tokens > 200000 maximum",
            "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
            "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens.",
            "Your input exceeds the context window of this model. Please adjust your input.",
            "Please reduce the length of the messages or completion.",
            "Prompt contains 40000 tokens, too large for model with 32768 maximum context length",
            "This model's maximum prompt length is 131072 but the request contains 140000 tokens.",
            "The input (9000 tokens) is longer than the model's context length (8192 tokens).",
            "The decoder prompt is longer than the maximum model length of 4096",
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
            "Input is too long for requested model.",
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000",
            "5021: This model's maximum context length is 8192 tokens",
            "The estimated number of input and maximum output tokens (9000) exceeded this model context window limit (8192).",
            "the request exceeds the available context size, try increasing it",
            "the input length exceeds the context length",
            "too many tokens: total number of tokens in the prompt must be less than 4096",
            "prompt token count of 140000 exceeds the limit of 128000",
            "Your request exceeded model token limit: 8192",
            "Range of input length should be [1, 30720]",
        ] {
            assert!(says(message), "{message}");
        }
        let coded = UpstreamError { code: Some(OPENAI_CODE.into()), ..UpstreamError::default() };
        assert!(is_context_overflow(&coded));
    }

    #[test]
    fn other_limits_are_not_an_overflow() {
        for message in [
            "",
            "max_tokens is too large: 100000. This model supports at most 4096 completion tokens",
            "Rate limit reached: too many tokens per minute. Limit 6000, requested 9000",
            "Too many tokens per day, please wait before trying again.",
            "temperature must be less than 2",
            "The image exceeds the limit of 5 MB",
        ] {
            assert!(!says(message), "{message}");
        }
    }
}
