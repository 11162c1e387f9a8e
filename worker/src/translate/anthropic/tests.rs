//! Properties of every translation, for any input.

use super::client::answer::completion_to_message;
use super::client::request::request_to_chat;
use super::client::stream::ChunkStream;
use super::upstream::answer::message_to_completion;
use super::upstream::request::request_to_messages;
use super::upstream::stream::MessageStream;
use crate::request::endpoint::Dialect;
use crate::translate::shared::answer_defaults::AnswerDefaults;
use crate::translate::shared::chunk::DONE;
use crate::translate::shared::error_body::{error_in_stream, error_to_anthropic, error_to_openai};
use crate::wire::sse::Event;
use crate::wire::upstream_error::UpstreamError;
use serde_json::{Value, json};

pub(crate) const DEFAULTS: AnswerDefaults<'static> =
    AnswerDefaults { id: "id", model: "m", created: 7 };

/// Variants of `value`: each replaces one of its parts by one of a few odd values.
pub(crate) fn distorted(value: &Value) -> Vec<Value> {
    let odd = [json!(null), json!(-1), json!(1e300), json!("x"), json!([]), json!({}), json!([{}])];
    let mut all = odd.to_vec();
    match value {
        Value::Array(list) => {
            for at in 0..list.len() {
                all.extend(distorted(&list[at]).into_iter().map(|part| {
                    let mut list = list.clone();
                    list[at] = part;
                    Value::Array(list)
                }));
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                all.extend(distorted(field).into_iter().map(|part| {
                    let mut fields = fields.clone();
                    fields.insert(name.clone(), part);
                    Value::Object(fields)
                }));
            }
        }
        _ => {}
    }
    all
}

fn event(data: &Value) -> Event {
    Event { name: data["type"].as_str().map(str::to_owned), data: data.to_string() }
}

pub(crate) fn chat() -> Value {
    json!({
        "model": "auto", "max_tokens": 9, "temperature": 0.5, "stop": ["END"], "stream": true,
        "messages": [
            {"role": "system", "content": "Brief."},
            {"role": "user", "content": [
                {"type": "text", "text": "What?", "cache_control": {"type": "ephemeral"}},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
                {"type": "file", "file": {"filename": "a", "file_data": "data:application/pdf;base64,AA"}}]},
            {"role": "assistant", "content": "So.", "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c", "content": "Done"},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "response_format": {"type": "json_schema", "json_schema": {"schema": {}}},
        "reasoning_effort": "low", "thinking": null, "user": "ann", "n": 1,
    })
}

fn completion() -> Value {
    json!({"id": "c", "model": "m", "choices": [{"index": 0, "finish_reason": "stop", "message":
        {"content": "Hi", "reasoning": "Hm", "refusal": null, "tool_calls": [
            {"id": "c", "function": {"name": "f", "arguments": "{\"a\": 1}"}}]}}],
        "usage": {"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": 1}}})
}

fn message() -> Value {
    json!({"id": "m", "model": "m", "stop_reason": "end_turn", "content": [
        {"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "Hi"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}],
        "stop_details": {"explanation": "x"}, "usage": {"input_tokens": 1, "output_tokens": 2}})
}

#[test]
fn no_request_and_no_answer_makes_a_translation_panic() {
    for chat in distorted(&chat()) {
        let there = request_to_messages(&chat, "claude-opus-4-6");
        let Ok(there) = there.and_then(|_| request_to_messages(&chat, "claude-opus-4-5")) else {
            continue;
        };
        assert!(there["max_tokens"].is_u64() && there["messages"].is_array(), "{chat}");
    }
    let messages = request_to_messages(&chat(), "claude-opus-4-6");
    for messages in distorted(&messages.unwrap_or_default()) {
        let _ = request_to_chat(&messages, "m");
    }
    for message in distorted(&message()) {
        let _ = message_to_completion(&message, &DEFAULTS);
    }
    for completion in distorted(&completion()) {
        let _ = completion_to_message(&completion, &DEFAULTS);
    }
}

#[test]
fn no_event_makes_a_stream_panic() {
    let events = [
        json!({"type": "message_start", "message":
            {"id": "m", "model": "m", "usage": {"input_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block":
            {"type": "tool_use", "id": "t", "name": "f", "input": {}}}),
        json!({"type": "content_block_delta", "index": 0, "delta":
            {"type": "input_json_delta", "partial_json": "{}"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"},
               "usage": {"output_tokens": 1}}),
        json!({"type": "message_stop"}),
    ];
    for at in 0..events.len() {
        for odd in distorted(&events[at]) {
            let mut stream = MessageStream::new(&DEFAULTS, true);
            let passed = events[..at].iter().chain([&odd]).chain(&events[at + 1..]);
            let _ = passed.map(|data| stream.push(&event(data))).collect::<Vec<_>>();
            let _ = stream.usage();
        }
    }
}

#[test]
fn no_chunk_makes_a_stream_panic() {
    let call = json!({"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}});
    let chunk = json!({"id": "c", "model": "m", "choices": [{"index": 0, "finish_reason": "stop",
        "delta": {"content": "x", "refusal": null, "reasoning": "Hm", "tool_calls": [call]}}],
        "usage": {"prompt_tokens": 1}, "error": null});
    for odd in distorted(&chunk) {
        let mut stream = ChunkStream::new(&DEFAULTS, None);
        let _ = [&chunk, &odd, &chunk].map(|data| stream.push(&event(data)));
        let _ = stream.end();
    }
    for body in distorted(&json!({"error": {"type": "a", "code": "b", "message": "c"}})) {
        let error = UpstreamError::of(&body);
        for status in [0, 400, 529, 999] {
            for upstream in [Dialect::Messages, Dialect::Chat] {
                let (_, openai) = error_to_openai(status, &error, upstream);
                assert!(openai["error"]["message"].is_string());
            }
            assert!(error_to_anthropic(status, &error).1["error"]["message"].is_string());
        }
        let _ = error_in_stream(&body);
    }
}

/// The same answer, complete and streamed, translated there and back.
#[test]
fn a_streamed_answer_comes_back_as_it_was() {
    let chunks = [
        json!({"id": "c1", "model": "m", "choices": [{"index": 0, "delta":
            {"role": "assistant", "content": "", "reasoning_content": "Hm."}}]}),
        json!({"id": "c1", "choices": [{"index": 0, "delta": {"content": "Grüße 世界"}}]}),
        json!({"id": "c1", "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0,
            "id": "t1", "type": "function", "function": {"name": "f", "arguments": ""}}]}}]}),
        json!({"id": "c1", "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0,
            "function": {"arguments": "{\"a\":1}"}}]}}]}),
        json!({"id": "c1", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}),
        json!({"id": "c1", "choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}),
    ];
    let mut there = ChunkStream::new(&DEFAULTS, None);
    let mut back = MessageStream::new(&DEFAULTS, true);
    let mut parser = crate::wire::sse::Parser::default();
    let mut text = String::new();
    let done = Event { name: None, data: "[DONE]".into() };
    for data in chunks.iter().map(event).chain([done]) {
        for sent in there.push(&data).unwrap_or_default() {
            for event in parser.push(sent.as_bytes()).unwrap_or_default() {
                text.extend(back.push(&event).unwrap_or_default());
            }
        }
    }
    assert!(back.finished() && !parser.pending());
    assert!(text.ends_with(DONE));
    for piece in [
        r#"{"reasoning_content":"Hm."}"#,
        r#"{"content":"Grüße 世界"}"#,
        r#""id":"t1","index":0"#,
        r#"{"arguments":"{\"a\":1}"}"#,
        r#""finish_reason":"tool_calls""#,
        r#""total_tokens":7"#,
    ] {
        assert_eq!(text.matches(piece).count(), 1, "{piece} in {text}");
    }
}
