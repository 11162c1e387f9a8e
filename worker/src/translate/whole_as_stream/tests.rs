//! Whole answers that become streams.

#![allow(clippy::unwrap_used)]
use serde_json::{Value, json};

use super::*;
use crate::request::endpoint::Dialect::{Chat, Completions, Messages, Responses};
use crate::wire::sse;

const DEFAULTS: AnswerDefaults<'static> =
    AnswerDefaults { id: "chatcmpl-7", model: "asked", created: 7 };

/// The events' data, `[DONE]` as text. Each event of Messages and Responses is named after its type.
fn events_of(dialect: Dialect, answer: &str, include_usage: bool) -> Vec<Value> {
    let bytes = whole_as_stream(dialect, answer.as_bytes(), include_usage, &DEFAULTS).unwrap();
    let mut parser = sse::Parser::with_limit(sse::RESPONSES_EVENT_LIMIT);
    let events = parser.push(&bytes).unwrap();
    assert!(!parser.pending());
    let read = |event: &sse::Event| {
        let data = serde_json::from_str(&event.data).unwrap_or_else(|_| json!(event.data));
        assert_eq!(data["type"].as_str(), event.name.as_deref());
        data
    };
    events.iter().map(read).collect()
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

#[test]
fn a_completion_becomes_chunks() {
    let answer = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "system_fingerprint": "f", "choices": [{"index": 0, "logprobs": {"content": []},
            "finish_reason": "tool_calls", "stop_reason": null, "message": {"role": "assistant",
            "content": [{"type": "text", "text": "Look."}], "tool_calls": [
                {"id": "t", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "u", "type": "function", "function": {"name": "g", "arguments": "{}"}}]}}],
        "usage": {"prompt_tokens": 1}});
    let events = events_of(Chat, &answer.to_string(), true);
    let delta = &events[0]["choices"][0]["delta"];
    assert_eq!((&delta["content"], &delta["role"]), (&json!("Look."), &json!("assistant")));
    assert_eq!(delta["tool_calls"][1]["index"], 1);
    assert_eq!((&events[0]["usage"], &events[0]["id"]), (&Value::Null, &json!("c")));
    assert_eq!(events[0]["object"], "chat.completion.chunk");
    assert_eq!(events[0]["choices"][0]["finish_reason"], Value::Null);
    assert_eq!(events[1]["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(events[1]["choices"][0]["delta"], json!({}));
    assert_eq!(
        (&events[2]["choices"], &events[2]["usage"]["prompt_tokens"]),
        (&json!([]), &json!(1))
    );
    assert_eq!((events.len(), &events[3]), (4, &json!("[DONE]")));
    let bare = r#"{"choices": [{"message": {"content": "Hi"}}], "usage": {"prompt_tokens": 1}}"#;
    let events = events_of(Chat, bare, false);
    assert_eq!((&events[0]["id"], &events[0]["model"]), (&json!("chatcmpl-7"), &json!("asked")));
    assert_eq!(events[1]["choices"][0]["finish_reason"], "stop");
    assert_eq!((events.len(), events[0].get("usage")), (3, None));
}

#[test]
fn a_completion_of_a_prompt_becomes_chunks() {
    let answer =
        r#"{"id": "c", "choices": [{"index": 0, "text": "Hi", "finish_reason": "length"}]}"#;
    let events = events_of(Completions, answer, false);
    assert_eq!(events[0]["object"], "text_completion");
    assert_eq!((&events[0]["choices"][0]["text"], &events[1]), (&json!("Hi"), &json!("[DONE]")));
}

#[test]
fn a_message_becomes_blocks_with_their_bytes() {
    let answer = r#"{"id": "m", "type": "message", "role": "assistant", "model": "c", "content": [
        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
        {"type": "text", "text": "Hi.", "citations": [{"type": "char_location"}]},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"z": 1.0, "a": 12345678901234567890}},
        {"type": "tool_use", "id": "u", "name": "g", "input": {}},
        {"type": "redacted_thinking", "data": "eA=="}],
        "stop_reason": "stop_sequence", "stop_sequence": "END", "usage": {"output_tokens": 5}}"#;
    let events = events_of(Messages, answer, false);
    let start = &events[0]["message"];
    assert_eq!((&start["content"], &start["stop_reason"]), (&json!([]), &Value::Null));
    let deltas: Vec<&Value> = events
        .iter()
        .filter(|event| event["type"] == "content_block_delta")
        .map(|event| &event["delta"])
        .collect();
    assert_eq!(
        deltas,
        [
            &json!({"type": "thinking_delta", "thinking": "Hm."}),
            &json!({"type": "signature_delta", "signature": "c2ln"}),
            &json!({"type": "text_delta", "text": "Hi."}),
            &json!({"type": "citations_delta", "citation": {"type": "char_location"}}),
            &json!({"type": "input_json_delta",
                    "partial_json": "{\"z\": 1.0, \"a\": 12345678901234567890}"}),
        ]
    );
    let starts: Vec<&Value> = events
        .iter()
        .filter(|event| event["type"] == "content_block_start")
        .map(|event| &event["content_block"])
        .collect();
    assert_eq!(starts[0], &json!({"type": "thinking", "thinking": "", "signature": ""}));
    assert_eq!(starts[1], &json!({"type": "text", "text": ""}));
    assert_eq!(starts[2], &json!({"type": "tool_use", "id": "t", "name": "f", "input": {}}));
    assert_eq!((starts.len(), &starts[4]["data"]), (5, &json!("eA==")));
    let end = &events[events.len() - 2];
    assert_eq!(end["delta"], json!({"stop_reason": "stop_sequence", "stop_sequence": "END"}));
    assert_eq!(end["usage"], json!({"output_tokens": 5}));
    assert_eq!(events[events.len() - 1]["type"], "message_stop");
}

#[test]
fn a_response_becomes_numbered_events() {
    let answer = json!({"id": "r", "object": "response", "status": "completed", "output": [
        {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {"type": "message", "id": "msg", "status": "completed", "role": "assistant", "content": [
            {"type": "output_text", "text": "Hi.", "annotations": [{"type": "url_citation"}]}]},
        {"type": "function_call", "id": "fc", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "web_search_call", "id": "ws"}],
        "usage": {"input_tokens": 1}});
    let events = events_of(Responses, &answer.to_string(), false);
    assert_eq!(
        types(&events),
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.reasoning_summary_part.added",
            "response.reasoning_summary_text.delta",
            "response.reasoning_summary_text.done",
            "response.reasoning_summary_part.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.annotation.added",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.output_item.done",
            "response.completed",
        ]
    );
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number);
    }
    assert_eq!(events[0]["response"]["output"], json!([]));
    assert_eq!(events[8]["item"]["content"], json!([]));
    assert_eq!((&events[10]["delta"], &events[10]["item_id"]), (&json!("Hi."), &json!("msg")));
    assert_eq!(events[15]["item"]["arguments"], "");
    assert_eq!(events[21]["response"], answer);
    for (status, last) in [("incomplete", "response.incomplete"), ("failed", "response.failed")] {
        let answer = json!({"status": status, "output": []}).to_string();
        assert_eq!(types(&events_of(Responses, &answer, false)).last(), Some(&last));
    }
    let mut long = answer;
    long["output"][1]["content"][0]["text"] = "x".repeat(2 << 20).into();
    assert_eq!(events_of(Responses, &long.to_string(), false).len(), 11);
}

#[test]
fn what_is_no_answer_is_an_error() {
    for (dialect, answer) in [
        (Chat, "[]"),
        (Chat, r#"{"choices": 1}"#),
        (Chat, r#"{"choices": [{}]}"#),
        (Chat, r#"{"choices": [{"message": {"content": 7}}]}"#),
        (Completions, r#"{"choices": [{"message": {}}]}"#),
        (Messages, r#"{"content": "Hi"}"#),
        (Responses, "{}"),
        (Responses, "not JSON"),
    ] {
        assert!(whole_as_stream(dialect, answer.as_bytes(), true, &DEFAULTS).is_err(), "{answer}");
    }
    for dialect in [Chat, Completions, Messages, Responses] {
        for odd in crate::translate::anthropic::tests::distorted(&json!({
            "choices": [{"index": 0, "message": {"tool_calls": [{"id": "t"}]}, "text": "x"}],
            "content": [{"type": "tool_use", "input": {}}, {"type": "text", "text": "x"}],
            "output": [{"type": "message", "content": [{"type": "output_text", "text": "x"}]}]}))
        {
            let _ = whole_as_stream(dialect, odd.to_string().as_bytes(), true, &DEFAULTS);
        }
    }
}
