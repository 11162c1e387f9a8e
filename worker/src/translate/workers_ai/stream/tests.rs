//! Translation of Workers AI streams into OpenAI streams.

#![allow(clippy::unwrap_used)]
use super::*;

const MODEL: &str = "@cf/meta/llama-3.1-8b-instruct";

fn event(data: &Value) -> Event {
    Event { name: None, data: data.as_str().map_or_else(|| data.to_string(), str::to_owned) }
}

fn stream(include_usage: bool) -> AnswerStream {
    let defaults = AnswerDefaults { id: "chatcmpl-7", model: MODEL, created: 1_700_000_000 };
    AnswerStream::new(&defaults, include_usage)
}

/// The chunks' JSON, `[DONE]` as text.
fn read(texts: Vec<String>) -> Vec<Value> {
    let mut parser = sse::Parser::default();
    let events = texts.iter().flat_map(|text| parser.push(text.as_bytes()).unwrap());
    events.map(|e| serde_json::from_str(&e.data).unwrap_or_else(|_| json!(e.data))).collect()
}

fn chunks(stream: &mut AnswerStream, events: &[Value]) -> Vec<Value> {
    read(events.iter().flat_map(|data| stream.push(&event(data)).unwrap()).collect())
}

fn usage() -> Value {
    json!({"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5})
}

#[test]
fn a_classic_stream_is_translated() {
    let mut stream = stream(true);
    let chunks = chunks(
        &mut stream,
        &[
            json!({"response": "Hel", "p": "abcd"}),
            json!({"response": "lo"}),
            json!({"response": "", "usage": usage()}),
            json!("[DONE]"),
        ],
    );
    let deltas: Vec<&Value> = chunks[..3].iter().map(|c| &c["choices"][0]["delta"]).collect();
    assert_eq!(deltas[0], &json!({"role": "assistant", "content": "", "refusal": null}));
    assert_eq!(deltas[1..], [&json!({"content": "Hel"}), &json!({"content": "lo"})]);
    assert_eq!(
        chunks[3],
        json!({"id": "chatcmpl-7", "object": "chat.completion.chunk", "usage": null,
               "created": 1_700_000_000, "model": MODEL, "choices":
                   [{"index": 0, "delta": {}, "logprobs": null, "finish_reason": "stop"}]})
    );
    assert_eq!(chunks[4]["choices"], json!([]));
    assert_eq!(chunks[4]["usage"]["total_tokens"], 5);
    assert_eq!(chunks[5], "[DONE]");
    assert_eq!(chunks.len(), 6);
    assert!(stream.finished());
    assert!(stream.push(&event(&json!("[DONE]"))).unwrap().is_empty());
    assert_eq!(stream.end(), Ok(vec![]));
}

#[test]
fn whole_calls_are_translated() {
    let mut stream = stream(false);
    let chunks = chunks(
        &mut stream,
        &[
            json!({"response": null, "tool_calls": [
                {"name": "f", "arguments": {"a": 1}}, {"id": "own", "name": "g"}]}),
            json!("[DONE]"),
        ],
    );
    let call = &chunks[1]["choices"][0]["delta"]["tool_calls"][0];
    assert!(call["id"].as_str().is_some_and(|id| id.starts_with("call_") && id.ends_with("_0")));
    assert_eq!((&call["index"], &call["type"]), (&json!(0), &json!("function")));
    assert_eq!(call["function"], json!({"name": "f", "arguments": "{\"a\":1}"}));
    assert_eq!(
        chunks[2]["choices"][0]["delta"]["tool_calls"],
        json!([{"index": 1, "id": "own", "type": "function",
                "function": {"name": "g", "arguments": "{}"}}])
    );
    assert_eq!(chunks[3]["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(chunks[4], "[DONE]");
}

#[test]
fn calls_in_pieces_are_passed_on_without_their_empty_end() {
    let mut stream = stream(false);
    let piece = |call: Value| json!({"tool_calls": [call]});
    let chunks = chunks(
        &mut stream,
        &[
            piece(json!({"id": "c1", "type": "function", "index": 0, "function": {"name": "f"}})),
            piece(json!({"index": 0, "function": {"arguments": "{\"a\":"}})),
            piece(json!({"index": 0, "function": {"arguments": "1}"}})),
            piece(json!({"index": 0, "id": null, "type": null,
                         "function": {"name": null, "arguments": ""}})),
            json!("[DONE]"),
        ],
    );
    let calls: Vec<&Value> =
        chunks[1..3].iter().map(|c| &c["choices"][0]["delta"]["tool_calls"][0]).collect();
    assert_eq!(calls[0]["function"], json!({"name": "f", "arguments": "{\"a\":"}));
    assert_eq!(calls[1], &json!({"index": 0, "function": {"arguments": "1}"}}));
    assert_eq!(chunks[3]["choices"][0]["finish_reason"], "tool_calls");
}

fn openai_events() -> Vec<Value> {
    vec![
        json!({"id": "own", "object": "chat.completion.chunk", "created": 9, "model": "m", "p": "x",
               "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hi"}}]}),
        json!({"choices": [{"index": 0, "delta": {"tool_calls": [{"id": null}]},
                            "finish_reason": "stop"}], "usage": null}),
        json!({"choices": [], "usage": usage()}),
        json!("[DONE]"),
    ]
}

#[test]
fn openais_chunks_are_passed_on_and_filled_in() {
    let mut stream = stream(true);
    let chunks = chunks(&mut stream, &openai_events());
    assert_eq!(
        chunks[0],
        json!({"id": "own", "object": "chat.completion.chunk", "created": 9, "model": "m",
               "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hi"}}]})
    );
    assert_eq!((&chunks[1]["id"], &chunks[1]["model"]), (&json!("chatcmpl-7"), &json!(MODEL)));
    assert_eq!(chunks[1]["choices"][0]["delta"]["tool_calls"], json!([]));
    assert_eq!(chunks[2]["usage"], usage());
    assert_eq!(chunks[3], "[DONE]");
    assert_eq!(chunks.len(), 4);
}

#[test]
fn usage_is_always_known_and_sent_only_if_asked_for() {
    let mut stream = stream(false);
    let chunks = chunks(&mut stream, &openai_events());
    assert!(chunks.iter().all(|chunk| chunk.get("usage").is_none()));
    assert_eq!(chunks.len(), 3);
    let total = Usage { input_tokens: 3, output_tokens: 2, ..Usage::default() };
    assert_eq!(stream.usage(), Some(total));
}

#[test]
fn a_body_that_ends_without_done_is_complete_after_its_finish_reason() {
    let mut early = stream(false);
    chunks(&mut early, &[json!({"response": "x"})]);
    assert!(matches!(early.end(), Err(StreamError::Cut { .. })));
    assert!(!early.finished());
    let mut whole = stream(false);
    chunks(&mut whole, &openai_events()[..2]);
    assert_eq!(whole.end().unwrap(), [DONE]);
    assert!(whole.finished());
}

#[test]
fn an_error_object_is_the_streams_error() {
    for error in [
        json!({"error": {"message": "Out of capacity", "code": 429}}),
        json!({"errors": [{"message": "Out of capacity", "code": 429}], "success": false}),
    ] {
        let error = stream(false).push(&event(&error)).unwrap_err();
        assert_eq!(error.status(), 429);
        assert!(error.to_string().contains("Out of capacity"));
    }
}

#[test]
fn unexpected_choices_do_not_fail_the_stream() {
    for choices in [json!([1]), json!([{}]), json!([null, {"delta": 3}]), json!([{"delta": null}])]
    {
        let sent = stream(false).push(&event(&json!({"choices": choices}))).unwrap();
        assert_eq!(read(sent)[0]["choices"], choices);
    }
}

#[test]
fn cloudflares_number_gives_the_status() {
    for (error, status) in [
        (json!({"error": {"message": "3040: Capacity temporarily exceeded"}}), 429),
        (json!({"error": "AiError: 5006: Error: oneOf at '/' not met"}), 400),
        (json!({"errors": [{"message": "Invalid input", "code": 5006}]}), 400),
        (json!({"errors": [{"message": "5006: Invalid input", "code": 1}]}), 400),
        (json!({"error": {"message": "internal error"}}), 502),
    ] {
        let found = stream(false).push(&event(&error)).unwrap_err();
        assert_eq!(found.status(), status, "{error}");
    }
}

#[test]
fn a_malformed_event_is_an_error() {
    for data in [
        json!("{\"response\""),
        json!("[]"),
        json!("[DONE]"),
        json!({"choices": 1}),
        json!({"tool_calls": 1}),
    ] {
        let error = stream(false).push(&event(&data)).unwrap_err();
        assert!(matches!(error, StreamError::Malformed { .. }), "{data}");
    }
}

#[test]
fn arguments_without_a_call_are_an_error() {
    let mut stream = stream(false);
    chunks(&mut stream, &[json!({"tool_calls": [{"function": {"arguments": "{}"}}]})]);
    let error = stream.push(&event(&json!("[DONE]"))).unwrap_err();
    assert!(matches!(error, StreamError::Malformed { .. }));
}

#[test]
fn openais_chunks_become_what_clients_understand() {
    let open =
        |delta: Value| json!({"choices": [{"index": 0, "delta": delta, "finish_reason": ""}]});
    let call = |id: &str, arguments: Value| {
        open(
            json!({"tool_calls": [{"index": 0, "id": id, "function": {"name": "f", "arguments": arguments}}]}),
        )
    };
    let mut stream = stream(false);
    let sent = chunks(
        &mut stream,
        &[
            open(json!({"content": [{"type": "thinking", "thinking": "Hm."}]})),
            open(json!({"content": [{"type": "text", "text": "Hello."}]})),
            call("c1", json!({"a": 1})),
            call("c2", json!("")),
            json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
            json!("[DONE]"),
        ],
    );
    let delta = |at: usize| &sent[at]["choices"][0]["delta"];
    let first = json!({"role": "assistant", "content": "", "reasoning_content": "Hm."});
    assert_eq!(delta(0), &first);
    assert_eq!(delta(1), &json!({"content": "Hello."}));
    assert_eq!(sent[1]["choices"][0]["finish_reason"], Value::Null);
    let function = |at: usize| &delta(at)["tool_calls"][0]["function"];
    assert_eq!(function(2), &json!({"name": "f", "arguments": "{\"a\":1}"}));
    assert_eq!(delta(4)["tool_calls"][0]["index"], 1);
    assert_eq!(function(4), &json!({"name": "f", "arguments": "{}"}));
    assert_eq!(sent[4]["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!((sent.len(), &sent[5]), (6, &json!("[DONE]")));
}

#[test]
fn halves_of_a_character_are_joined() {
    for (shape, end) in [
        (r#"{"response": "TEXT"}"#, json!({"response": ""})),
        (
            r#"{"choices": [{"index": 0, "delta": {"content": "TEXT"}}]}"#,
            json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
        ),
    ] {
        let mut stream = stream(false);
        let mut sent = Vec::new();
        for text in [r"a\ud83d", r"\ude00b", r"\ud83d"] {
            let data = shape.replace("TEXT", text);
            sent.extend(stream.push(&Event { name: None, data }).unwrap());
        }
        sent.extend(stream.push(&event(&end)).unwrap());
        sent.extend(stream.push(&event(&json!("[DONE]"))).unwrap());
        let content = |chunk: &Value| {
            chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default().to_owned()
        };
        let text: String = read(sent).iter().map(content).collect();
        assert_eq!(text, "a😀b\u{fffd}", "{shape}");
    }
}
