//! The gateway's readers: request bodies, answers, streams, configuration. The checks are in
//! `worker/src/fuzz.rs`, beside the modules that only the gateway sees.

use std::sync::LazyLock;

use pointsman::Manifest;
use pointsman_worker::fuzz;

use super::{CASES, Target};
use crate::mutation::Strategy;

const BODY_WORDS: &[&str] = &[
    "model",
    "auto",
    "messages",
    "role",
    "user",
    "assistant",
    "system",
    "developer",
    "tool",
    "function",
    "content",
    "type",
    "text",
    "image_url",
    "url",
    "data:image/png;base64,AAAA",
    "input_text",
    "output_text",
    "input_image",
    "input_audio",
    "file",
    "refusal",
    "tool_calls",
    "id",
    "call_1",
    "name",
    "arguments",
    "{}",
    "tool_call_id",
    "tool_use",
    "tool_result",
    "tool_use_id",
    "input",
    "is_error",
    "thinking",
    "signature",
    "redacted_thinking",
    "data",
    "tools",
    "functions",
    "parameters",
    "input_schema",
    "tool_choice",
    "none",
    "any",
    "required",
    "parallel_tool_calls",
    "disable_parallel_tool_use",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "temperature",
    "top_p",
    "top_k",
    "stop",
    "stop_sequences",
    "n",
    "best_of",
    "stream",
    "stream_options",
    "include_usage",
    "response_format",
    "json_object",
    "json_schema",
    "schema",
    "strict",
    "reasoning_effort",
    "logprobs",
    "top_logprobs",
    "seed",
    "user",
    "metadata",
    "user_id",
    "prompt",
    "suffix",
    "instructions",
    "function_call",
    "function_call_output",
    "call_id",
    "output",
    "service_tier",
    "cache_control",
    "ephemeral",
    "background",
    "budget_tokens",
];
const ANSWER_WORDS: &[&str] = &[
    "id",
    "object",
    "chat.completion",
    "choices",
    "index",
    "message",
    "role",
    "assistant",
    "content",
    "finish_reason",
    "stop",
    "length",
    "tool_calls",
    "content_filter",
    "refusal",
    "usage",
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "prompt_tokens_details",
    "cached_tokens",
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "stop_reason",
    "end_turn",
    "max_tokens",
    "tool_use",
    "type",
    "text",
    "thinking",
    "signature",
    "error",
    "code",
    "param",
    "response",
    "result",
    "success",
    "output",
    "data",
    "embedding",
    "logprobs",
    "delta",
    "reasoning_content",
    "function",
    "name",
    "arguments",
    "{\"a\":1}",
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
    "ping",
    "text_delta",
    "input_json_delta",
    "partial_json",
    "thinking_delta",
    "signature_delta",
    "[DONE]",
    "content_block",
];
const STREAM_WORDS: &[&str] = &[
    "data: ",
    "data:",
    "\n\n",
    "\r\n\r\n",
    "\r",
    "event: error\n",
    "event: ",
    "id: 1\n",
    ":\n",
    ": ping\n\n",
    "data: [DONE]\n\n",
    "\u{feff}",
    "data: {}\n\n",
    "data: null\n\n",
    "retry: 1\n",
    "data: {\"error\":{\"message\":\"x\"}}\n\n",
    "\"type\":\"message_stop\"",
];
const CONFIG_WORDS: &[&str] = &[
    "api",
    "openai",
    "anthropic",
    "workers-ai",
    "baseUrl",
    "https://a.example/v1",
    "model",
    "keySecret",
    "callerKey",
    "headers",
    "fallbacks",
    "contextWindow",
    "inputPrice",
    "outputPrice",
    "cachedInputPrice",
    "tools",
    "vision",
    "retries",
    "timeouts",
    "headersMs",
    "idleMs",
    "most",
    "breaker",
    "policy",
    "threshold",
    "cascade",
    "limits",
    "log",
    "cors",
    "name",
    "sha256",
    "models",
    "budget",
    "usd",
    "period",
    "day",
    "month",
    "id",
    "score",
    "query",
    "queries",
    "bundle",
    "previous",
];

static MANIFEST: LazyLock<Manifest> = LazyLock::new(|| {
    let json = r#"{"format": 1, "name": "test", "kind": "mf", "candidates": [{"id": "small"}, {"id": "large"}],
        "encoder": {"tier": "static", "max_tokens": 8, "truncation_side": "left", "pooling": "mean",
                    "embedding_size": 2, "special_tokens": false},
        "head": {"strong": "large", "weak": "small"}, "files": []}"#;
    Manifest::from_json(json.as_bytes()).unwrap()
});

fn numbered(texts: &[(u8, &str)]) -> Vec<Vec<u8>> {
    texts.iter().map(|(first, text)| [&[*first], text.as_bytes()].concat()).collect()
}

pub const BODY: Target = Target {
    name: "body",
    // 0 chat, 1 Messages, 2 Responses, 3 completions, 4 embeddings.
    corpus: || {
        numbered(&[
            (
                0,
                r#"{"model": "auto", "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is 2 + 2?"}], "max_tokens": 9, "temperature": 0.5, "stop": ["x"], "stream": true, "stream_options": {"include_usage": true}}"#,
            ),
            (
                0,
                r#"{"model": "large", "messages": [{"role": "user", "content": [{"type": "text", "text": "See:"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]}, {"role": "assistant", "content": null, "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "now", "arguments": "{\"zone\":\"UTC\"}"}}]}, {"role": "tool", "tool_call_id": "call_1", "content": "noon"}], "tools": [{"type": "function", "function": {"name": "now", "description": "the time", "parameters": {"type": "object", "properties": {"zone": {"type": "string"}}}}}], "tool_choice": "auto", "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}}, "max_completion_tokens": 30, "reasoning_effort": "low"}"#,
            ),
            (
                1,
                r#"{"model": "auto", "max_tokens": 64, "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}], "messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": "abc"}, {"type": "text", "text": "Hi."}, {"type": "tool_use", "id": "toolu_1", "name": "now", "input": {"zone": "UTC"}}]}, {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "noon"}]}, {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}]}], "tools": [{"name": "now", "input_schema": {"type": "object"}}], "tool_choice": {"type": "any"}, "stop_sequences": ["x"], "thinking": {"type": "enabled", "budget_tokens": 1024}, "metadata": {"user_id": "u"}}"#,
            ),
            (
                2,
                r#"{"model": "auto", "instructions": "Be brief.", "input": [{"role": "user", "content": [{"type": "input_text", "text": "Hello"}]}, {"type": "function_call_output", "call_id": "c", "output": "noon"}], "max_output_tokens": 9, "text": {"format": {"type": "json_object"}}, "tools": [{"type": "function", "name": "now", "parameters": {}}]}"#,
            ),
            (2, r#"{"model": "auto", "input": "Hello"}"#),
            (
                3,
                r#"{"model": "small", "prompt": ["One", "Two"], "max_tokens": 5, "n": 2, "best_of": 2}"#,
            ),
            (3, r#"{"model": "small", "prompt": [1, 2, 3]}"#),
            (4, r#"{"model": "small", "input": ["One", "Two"], "dimensions": 8}"#),
        ])
    },
    strategies: &[Strategy::Json(BODY_WORDS)],
    head: 1,
    cases: CASES,
    bytes_held: 400,
    check: |input| fuzz::body(&MANIFEST, input),
};

const COMPLETION: &str = r#"{"id": "c", "object": "chat.completion", "model": "m", "created": 1, "choices": [{"index": 0, "message": {"role": "assistant", "content": "Four.", "reasoning_content": "hm", "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "now", "arguments": "{\"zone\":\"UTC\"}"}}]}, "logprobs": {"content": [{"token": "F", "logprob": -0.5}]}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7, "prompt_tokens_details": {"cached_tokens": 1}}}"#;
const MESSAGE: &str = r#"{"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [{"type": "thinking", "thinking": "hm", "signature": "abc"}, {"type": "text", "text": "Four."}, {"type": "tool_use", "id": "toolu_1", "name": "now", "input": {"zone": "UTC"}}], "stop_reason": "end_turn", "usage": {"input_tokens": 5, "output_tokens": 2, "cache_read_input_tokens": 1}}"#;
const OPENAI_ERROR: &str = r#"{"error": {"message": "slow down", "type": "rate_limit_error", "code": "x", "param": null}}"#;
const ANTHROPIC_ERROR: &str =
    r#"{"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}"#;

pub const ANSWER: Target = Target {
    name: "answer",
    // The pairs of `worker/src/fuzz.rs`.
    corpus: || {
        let mut all = Vec::new();
        for pair in 0..9 {
            let texts = match pair {
                1 | 4 => [MESSAGE, ANTHROPIC_ERROR, MESSAGE],
                2 | 5 => [
                    r#"{"response": "Four.", "tool_calls": [{"name": "now", "arguments": {"zone": "UTC"}}], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}"#,
                    COMPLETION,
                    r#"{"result": {"response": "Four."}, "success": true}"#,
                ],
                6 => [
                    r#"{"id": "r", "output": [{"type": "message", "content": [{"type": "output_text", "text": "Four."}]}, {"type": "function_call", "name": "now"}], "incomplete_details": {"reason": "max_output_tokens"}, "usage": {"input_tokens": 5, "output_tokens": 2}}"#,
                    OPENAI_ERROR,
                    COMPLETION,
                ],
                8 => [
                    r#"{"data": [{"embedding": [0.5, 1], "index": 0}], "usage": {"prompt_tokens": 5, "total_tokens": 5}}"#,
                    OPENAI_ERROR,
                    COMPLETION,
                ],
                _ => [COMPLETION, OPENAI_ERROR, COMPLETION],
            };
            all.extend(numbered(&texts.map(|text| (pair, text))));
        }
        all
    },
    strategies: &[Strategy::Json(ANSWER_WORDS)],
    head: 1,
    cases: CASES,
    bytes_held: 400,
    check: fuzz::answer,
};

const CHUNKS: &str = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"日本\"}}]}\n\n: a comment\r\n\r\ndata: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"function\":{\"name\":\"now\",\"arguments\":\"{\\\"a\\\"\"}}]}}]}\n\ndata: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\":1}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n";
const MESSAGES: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"usage\":{\"input_tokens\":5,\"output_tokens\":1}}}\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"日本 🚀\"}}\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"now\",\"input\":{}}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{}\"}}\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{\"output_tokens\":2}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
const RESPONSES: &str = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"日本\"}\n\nevent: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"error\":null,\"usage\":{\"input_tokens\":5,\"output_tokens\":2}}}\n\n";
const WORKERS_AI: &str = "data: {\"response\":\"日本\"}\n\ndata: {\"response\":\"\",\"tool_calls\":[{\"name\":\"now\",\"arguments\":{}}]}\n\ndata: {\"response\":\" 🚀\",\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n";

fn streams() -> Vec<Vec<u8>> {
    numbered(&[
        (0, CHUNKS),
        (1, MESSAGES),
        (2, WORKERS_AI),
        (2, CHUNKS),
        (3, CHUNKS),
        (4, MESSAGES),
        (5, WORKERS_AI),
        (5, CHUNKS),
        (6, RESPONSES),
        (7, CHUNKS),
    ])
}

pub const STREAM: Target = Target {
    name: "stream",
    corpus: streams,
    strategies: &[Strategy::Lines(ANSWER_WORDS), Strategy::Bytes(STREAM_WORDS)],
    head: 1,
    cases: CASES,
    bytes_held: 400,
    check: fuzz::stream,
};

pub const EVENTS: Target = Target {
    name: "events",
    corpus: || streams().into_iter().map(|stream| stream[1..].to_vec()).collect(),
    strategies: &[Strategy::Bytes(STREAM_WORDS), Strategy::Lines(STREAM_WORDS)],
    head: 0,
    cases: CASES,
    bytes_held: 200,
    check: fuzz::events,
};

pub const CONFIG: Target = Target {
    name: "config",
    // 0 UPSTREAMS, 1 GATEWAY, 2 KEYS, 3 feedback, 4 /v1/route, 5 current.json.
    corpus: || {
        numbered(&[
            (
                0,
                r#"{"large": {"baseUrl": "https://a.example/v1/", "model": "l", "keySecret": "K", "fallbacks": ["other"], "headers": {"x-a": "b"}, "inputPrice": 1, "outputPrice": 2.5}, "other": {"api": "workers-ai", "model": "@cf/x"}, "claude": {"api": "anthropic", "baseUrl": "https://b.example/v1", "vision": false}}"#,
            ),
            (
                1,
                r#"{"retries": {"most": 2}, "timeouts": {"headersMs": 1000, "idleMs": 300}, "policy": {"threshold": 0.5}}"#,
            ),
            (1, "{}"),
            (
                2,
                r#"{"ann": {"sha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "models": ["auto"], "budget": {"usd": 1, "period": "month"}}}"#,
            ),
            (3, r#"{"feedback_id": "2026-11-28_5f8e_aa", "score": 0.5}"#),
            (4, r#"{"query": "Hello", "policy": {"threshold": 0.5}}"#),
            (
                4,
                r#"{"messages": [{"role": "user", "content": "One"}], "policy": {"strongShare": 0.1}}"#,
            ),
            (
                5,
                r#"{"bundle": "name", "sha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}"#,
            ),
        ])
    },
    strategies: &[Strategy::Json(CONFIG_WORDS)],
    head: 1,
    cases: CASES,
    bytes_held: 400,
    check: fuzz::config,
};
