//! Translation of Anthropic streams into OpenAI streams.

#![allow(clippy::unwrap_used)]
use super::*;

fn new_stream(include_usage: bool) -> MessageStream {
    let defaults = AnswerDefaults { id: "chatcmpl-7", model: "asked", created: 1_700_000_000 };
    MessageStream::new(&defaults, include_usage)
}

/// Makes an event as Anthropic sends it, named after its type.
fn event(data: Value) -> Event {
    Event { name: data["type"].as_str().map(str::to_owned), data: data.to_string() }
}

fn message_start() -> Value {
    json!({"type": "message_start", "message": {
        "id": "msg_01", "type": "message", "role": "assistant", "model": "claude-opus-4-6",
        "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 30, "output_tokens": 1}}})
}

fn start(index: u64, block: Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn delta(index: u64, delta: Value) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": delta})
}

fn stop(index: u64) -> Value {
    json!({"type": "content_block_stop", "index": index})
}

fn ending(reason: &str) -> [Value; 2] {
    [
        json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null},
               "usage": {"output_tokens": 7}}),
        json!({"type": "message_stop"}),
    ]
}

/// Pushes all events and returns the chunks as JSON, `[DONE]` as text.
fn chunks(stream: &mut MessageStream, events: Vec<Value>) -> Vec<Value> {
    let mut parser = crate::wire::sse::Parser::default();
    let mut chunks = Vec::new();
    for data in events {
        for text in stream.push(&event(data)).unwrap() {
            let read = parser.push(text.as_bytes()).unwrap();
            if text == PING {
                assert!(read.is_empty() && !parser.pending());
                continue;
            }
            assert_eq!(read.len(), 1, "{text:?} is one whole event");
            let data = &read[0].data;
            chunks.push(serde_json::from_str(data).unwrap_or_else(|_| json!(data)));
        }
    }
    chunks
}

fn deltas(chunks: &[Value]) -> Vec<Value> {
    let delta = |chunk: &Value| chunk["choices"][0]["delta"].clone();
    chunks.iter().map(delta).filter(|d| d.as_object().is_some_and(|d| !d.is_empty())).collect()
}

#[test]
fn a_text_is_passed_on_piece_by_piece() {
    let mut stream = new_stream(true);
    let [end, last] = ending("end_turn");
    let chunks = chunks(
        &mut stream,
        vec![
            message_start(),
            start(0, json!({"type": "text", "text": ""})),
            json!({"type": "ping"}),
            delta(0, json!({"type": "text_delta", "text": "Hel"})),
            delta(0, json!({"type": "text_delta", "text": "lo"})),
            delta(0, json!({"type": "citations_delta", "citation": {}})),
            stop(0),
            json!({"type": "an_event_of_tomorrow"}),
            end,
            last,
        ],
    );
    assert_eq!(
        deltas(&chunks),
        [
            json!({"role": "assistant", "content": "", "refusal": null}),
            json!({"content": "Hel"}),
            json!({"content": "lo"}),
        ]
    );
    let finish = json!({"id": "msg_01", "object": "chat.completion.chunk", "usage": null,
        "created": 1_700_000_000, "model": "claude-opus-4-6",
        "choices": [{"index": 0, "delta": {}, "logprobs": null, "finish_reason": "stop"}]});
    assert_eq!(chunks[3], finish);
    assert_eq!(chunks[4]["choices"], json!([]));
    assert_eq!(chunks[4]["usage"]["prompt_tokens"], 40);
    assert_eq!(chunks[4]["usage"]["completion_tokens"], 7);
    assert_eq!(chunks[5], "[DONE]");
    assert_eq!(chunks.len(), 6);
    assert!(stream.finished());
    assert_eq!(stream.push(&event(json!({"type": "ping"}))), Ok(vec![]), "it is over");
    let mut stream = new_stream(false);
    for event in [json!({"type": "ping"}), message_start(), json!({"type": "ping"})].map(event) {
        let ping = event.name.as_deref() == Some("ping");
        assert_eq!(stream.push(&event).unwrap() == [": ping\n\n"], ping);
    }
}

#[test]
fn usage_is_sent_only_if_asked_for_and_known_during_the_stream() {
    let mut stream = new_stream(false);
    assert_eq!(stream.usage(), None);
    let first = chunks(&mut stream, vec![message_start()]);
    assert!(first[0].get("usage").is_none());
    let so_far =
        Usage { input_tokens: 40, cached_tokens: 30, output_tokens: 1, ..Usage::default() };
    assert_eq!(stream.usage(), Some(so_far));
    let rest = chunks(&mut stream, ending("max_tokens").into());
    assert_eq!(rest.len(), 2);
    assert_eq!(rest[0]["choices"][0]["finish_reason"], "length");
    assert_eq!(stream.usage(), Some(Usage { output_tokens: 7, ..so_far }));
}

#[test]
fn usage_is_final_only_if_the_end_tells_the_output() {
    let mut told = new_stream(false);
    chunks(&mut told, vec![message_start()]);
    assert!(!told.usage_is_final());
    chunks(&mut told, ending("end_turn").into());
    assert!(told.usage_is_final());
    let mut untold = new_stream(false);
    let [mut end, stop] = ending("end_turn");
    end["usage"] = json!(null);
    chunks(&mut untold, vec![message_start(), end, stop]);
    assert!(untold.finished() && !untold.usage_is_final());
}

#[test]
fn thinking_and_calls_are_passed_on() {
    let mut stream = new_stream(false);
    let chunks = chunks(
        &mut stream,
        vec![
            message_start(),
            start(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
            delta(0, json!({"type": "thinking_delta", "thinking": "Hm."})),
            delta(0, json!({"type": "signature_delta", "signature": "c2ln"})),
            stop(0),
            start(1, json!({"type": "tool_use", "id": "t1", "name": "weather", "input": {}})),
            delta(1, json!({"type": "input_json_delta", "partial_json": ""})),
            delta(1, json!({"type": "input_json_delta", "partial_json": "{\"a\":"})),
            delta(1, json!({"type": "input_json_delta", "partial_json": "1}"})),
            stop(1),
            start(2, json!({"type": "tool_use", "id": "t2", "name": "now", "input": {}})),
            stop(2),
            start(3, json!({"type": "tool_use", "id": "t3", "name": "f", "input": {"b": 2}})),
            stop(3),
            start(4, json!({"type": "server_tool_use", "id": "s", "name": "web"})),
            delta(4, json!({"type": "input_json_delta", "partial_json": "{}"})),
            stop(4),
        ],
    );
    let opened = |index: u64, id: &str, name: &str| {
        json!({"tool_calls": [{"index": index, "id": id, "type": "function",
                               "function": {"name": name, "arguments": ""}}]})
    };
    assert_eq!(
        deltas(&chunks)[1..],
        [
            json!({"reasoning_content": "Hm."}),
            opened(0, "t1", "weather"),
            arguments(0, "{\"a\":"),
            arguments(0, "1}"),
            opened(1, "t2", "now"),
            arguments(1, "{}"),
            opened(2, "t3", "f"),
            arguments(2, "{\"b\":2}"),
        ]
    );
    assert!(!stream.finished());
}

#[test]
fn an_error_event_is_the_streams_error() {
    let mut stream = new_stream(true);
    chunks(&mut stream, vec![message_start()]);
    let error = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Busy"}});
    let error = stream.push(&event(error)).unwrap_err();
    assert!(matches!(&error, StreamError::Upstream { status: 503, error }
        if error.kind.as_deref() == Some("overloaded_error") && error.message == "Busy"));
    assert!(!stream.finished());
}

#[test]
fn a_malformed_event_is_an_error() {
    let cases = [
        (false, json!({"type": "message_stop"})),
        (false, json!({"type": "message_start"})),
        (false, json!({"type": "message_start", "message": "m"})),
        (true, message_start()),
        (true, json!({"type": "content_block_start", "content_block": {"type": "text"}})),
        (true, start(0, json!({}))),
        (true, start(0, json!({"type": "tool_use", "id": "t"}))),
        (true, delta(0, json!({"type": "input_json_delta", "partial_json": "{"}))),
    ];
    for (started, data) in cases {
        let mut stream = new_stream(false);
        if started {
            chunks(&mut stream, vec![message_start()]);
        }
        let error = stream.push(&event(data.clone())).unwrap_err();
        assert!(matches!(error, StreamError::Malformed { .. }), "{data}");
    }
    for data in ["", "[]", "{\"type\": "] {
        let broken = Event { name: Some("ping".into()), data: data.into() };
        assert!(new_stream(false).push(&broken).is_err(), "{data:?}");
    }
}

#[test]
fn events_that_only_frame_others_may_be_missing() {
    let mut stream = new_stream(false);
    let mut events = vec![
        delta(0, json!({"type": "text_delta", "text": "Hi."})),
        start(1, json!({"type": "tool_use", "id": "t", "name": "f", "input": {}})),
        start(1, json!({"type": "tool_use", "id": "t", "name": "g", "input": {}})),
        delta(1, json!({"type": "input_json_delta", "partial_json": "{\"a\":1}"})),
        stop(0),
        stop(7),
    ];
    events.extend(ending("end_turn"));
    let sent = chunks(&mut stream, events);
    let found = deltas(&sent);
    assert_eq!(found[1], json!({"content": "Hi."}));
    let call = |at: usize| &found[at]["tool_calls"][0];
    assert_eq!((&call(2)["id"], &call(3)["function"]["arguments"]), (&json!("t"), &json!("{}")));
    assert_ne!(call(4)["id"], "t", "ids differ");
    assert_eq!(call(5)["function"]["arguments"], "{\"a\":1}");
    assert_eq!(sent[sent.len() - 2]["choices"][0]["finish_reason"], "tool_calls");
}

#[test]
fn calls_are_bounded_and_texts_are_texts() {
    let mut stream = new_stream(false);
    chunks(&mut stream, vec![message_start()]);
    assert!(stream.push(&event(delta(0, json!({"type": "text_delta"})))).is_err());
    let call = json!({"type": "tool_use", "id": "t", "name": "f", "input": {}});
    let failed =
        (0..=300).map(|at| stream.push(&event(start(at, call.clone())))).find_map(Result::err);
    assert!(failed.is_some_and(|error| error.to_string().contains("more than 256")));
    let mut stream = new_stream(false);
    let mut call = call;
    call["input"] = json!({"q": "x".repeat(900_000)});
    let failed =
        (0..9).map(|at| stream.push(&event(start(at, call.clone())))).find_map(Result::err);
    assert!(failed.is_some_and(|error| error.to_string().contains("bytes of input")));
}

#[test]
fn halves_of_a_character_are_joined_in_each_block() {
    let mut stream = new_stream(false);
    let start = [message_start(), start(0, json!({"type": "text", "text": ""}))];
    chunks(&mut stream, start.into());
    let mut sent = Vec::new();
    for text in [r"a\ud83d", r"\ude00b", r"\ud83d"] {
        let data = format!(
            r#"{{"type": "content_block_delta", "index": 0, "delta": {{"type": "text_delta", "text": "{text}"}}}}"#
        );
        sent.extend(stream.push(&Event { name: None, data }).unwrap());
    }
    sent.extend(stream.push(&event(stop(0))).unwrap());
    let pieces = crate::wire::sse::Parser::default().push(sent.concat().as_bytes()).unwrap();
    let content = |event: &Event| {
        let chunk: Value = serde_json::from_str(&event.data).unwrap();
        chunk["choices"][0]["delta"]["content"].as_str().unwrap().to_owned()
    };
    let pieces: Vec<String> = pieces.iter().map(content).collect();
    assert_eq!(pieces, ["a", "😀b", "\u{fffd}"]);
}

#[test]
fn what_the_upstream_leaves_out_is_made() {
    let mut stream = new_stream(false);
    let sent = chunks(
        &mut stream,
        vec![
            json!({"type": "message_start", "message": {}}),
            start(0, json!({"type": "tool_use", "name": "f"})),
            stop(0),
        ],
    );
    assert_eq!((&sent[0]["id"], &sent[0]["model"]), (&json!("chatcmpl-7"), &json!("asked")));
    let id = sent[1]["choices"][0]["delta"]["tool_calls"][0]["id"].as_str().unwrap();
    assert!(id.starts_with("call_") && id.ends_with("_0"), "{id}");
}

#[test]
fn a_refusal_keeps_its_words() {
    let mut stream = new_stream(false);
    let [mut end, last] = ending("refusal");
    end["delta"]["stop_details"] = json!({"type": "refusal", "explanation": "Not this."});
    let sent = chunks(&mut stream, vec![message_start(), end, last]);
    assert_eq!(sent[1]["choices"][0]["delta"], json!({"refusal": "Not this."}));
    assert_eq!(sent[2]["choices"][0]["finish_reason"], "content_filter");
}

#[test]
fn a_calls_input_keeps_its_bytes() {
    let mut stream = new_stream(false);
    let data = r#"{"type": "content_block_start", "index": 0, "content_block":
        {"type": "tool_use", "id": "t", "name": "f", "input": {"z": 1.0, "a": 12345678901234567890123}}}"#;
    chunks(&mut stream, vec![message_start()]);
    stream.push(&Event { name: None, data: data.replace('\n', "") }).unwrap();
    let sent = stream.push(&event(stop(0))).unwrap().concat();
    assert!(sent.contains(r#"{\"z\": 1.0, \"a\": 12345678901234567890123}"#), "{sent}");
}
