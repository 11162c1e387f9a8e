//! Translation of OpenAI streams into Anthropic streams.

#![allow(clippy::unwrap_used)]
use super::*;
use crate::wire::sse;

const DEFAULTS: AnswerDefaults<'static> =
    AnswerDefaults { id: "msg_7", model: "asked", created: 7 };

fn new_stream() -> ChunkStream {
    ChunkStream::new(&DEFAULTS, None)
}

fn event(data: &Value) -> Event {
    Event { name: None, data: data.as_str().map_or_else(|| data.to_string(), str::to_owned) }
}

fn chunk(delta: Value) -> Value {
    json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 5, "model": "small-1",
           "choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn finish(reason: &str) -> Value {
    json!({"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

fn call(call: Value) -> Value {
    chunk(json!({"tool_calls": [call]}))
}

fn done() -> Value {
    json!("[DONE]")
}

/// Parses the events in `texts`, and checks that each is named after its type.
fn read(texts: Vec<String>) -> Vec<Value> {
    let mut parser = sse::Parser::default();
    let mut events = Vec::new();
    for text in texts {
        let read = parser.push(text.as_bytes()).unwrap();
        assert_eq!(read.len(), 1, "{text:?} is one whole event");
        let data: Value = serde_json::from_str(&read[0].data).unwrap();
        assert_eq!(data["type"].as_str(), read[0].name.as_deref());
        events.push(data);
    }
    events
}

fn events(stream: &mut ChunkStream, chunks: &[Value]) -> Vec<Value> {
    read(chunks.iter().flat_map(|chunk| stream.push(&event(chunk)).unwrap()).collect())
}

fn kinds(events: &[Value]) -> Vec<String> {
    let kind = |event: &Value| {
        let of = &event["content_block"]["type"];
        let of = of.as_str().or(event["delta"]["type"].as_str()).unwrap_or_default();
        format!("{} {of}", event["type"].as_str().unwrap()).trim().to_owned()
    };
    events.iter().map(kind).collect()
}

#[test]
fn a_text_is_passed_on_piece_by_piece() {
    let mut stream = new_stream();
    let usage = json!({"id": "chatcmpl-1", "choices": [], "usage":
        {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}}});
    let events = events(
        &mut stream,
        &[
            chunk(json!({"role": "assistant", "content": ""})),
            chunk(json!({"content": "Hel"})),
            chunk(json!({"content": "lo", "tool_calls": null, "refusal": null})),
            finish("length"),
            usage,
            done(),
        ],
    );
    let zero = json!({"input_tokens": 0, "cache_creation_input_tokens": 0,
                      "cache_read_input_tokens": 0, "output_tokens": 0});
    assert_eq!(
        json!(events),
        json!([
            {"type": "message_start", "message": {"id": "chatcmpl-1", "type": "message",
                "role": "assistant", "model": "small-1", "content": [], "stop_reason": null,
                "stop_sequence": null, "usage": zero}},
            {"type": "content_block_start", "index": 0,
             "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0,
             "delta": {"type": "text_delta", "text": "Hel"}},
            {"type": "content_block_delta", "index": 0,
             "delta": {"type": "text_delta", "text": "lo"}},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta",
             "delta": {"stop_reason": "max_tokens", "stop_sequence": null},
             "usage": {"input_tokens": 5, "cache_creation_input_tokens": 0,
                       "cache_read_input_tokens": 4, "output_tokens": 2}},
            {"type": "message_stop"},
        ])
    );
    assert!(stream.push(&event(&done())).unwrap().is_empty());
    assert_eq!(stream.end(), Ok(vec![]));
}

#[test]
fn reasoning_text_and_calls_follow_one_another() {
    let mut stream = new_stream();
    let events = events(
        &mut stream,
        &[
            chunk(json!({"reasoning_content": "Hm."})),
            chunk(json!({"content": "Look."})),
            call(json!({"index": 0, "id": "c1", "type": "function",
                        "function": {"name": "f", "arguments": ""}})),
            call(json!({"index": 0, "function": {"arguments": "{\"a\":"}})),
            call(json!({"index": 0, "id": "", "function": {"arguments": "1}"}})),
            call(json!({"index": 1, "id": "c2", "function": {"name": "g", "arguments": "{}"}})),
            call(json!({"index": 0, "id": null, "function": {"name": null, "arguments": ""}})),
            finish("tool_calls"),
            done(),
        ],
    );
    assert_eq!(
        kinds(&events),
        [
            "message_start",
            "content_block_start thinking",
            "content_block_delta thinking_delta",
            "content_block_stop",
            "content_block_start text",
            "content_block_delta text_delta",
            "content_block_stop",
            "content_block_start tool_use",
            "content_block_delta input_json_delta",
            "content_block_delta input_json_delta",
            "content_block_stop",
            "content_block_start tool_use",
            "content_block_delta input_json_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    assert_eq!(
        events[7]["content_block"],
        json!({"type": "tool_use", "id": "c1", "name": "f", "input": {}})
    );
    assert_eq!(events[11]["index"], 3);
    assert_eq!(events[14]["delta"]["stop_reason"], "tool_use");
}

#[test]
fn calls_with_one_index_are_distinguished_by_their_ids() {
    for index in [json!(0), Value::Null] {
        let whole = |id: &str| {
            call(json!({"index": index, "id": id, "function": {"name": "f", "arguments": "{}"}}))
        };
        let mut stream = new_stream();
        let events = events(&mut stream, &[whole("c1"), whole("c2"), finish("stop"), done()]);
        let starts: Vec<&Value> =
            events.iter().filter(|e| e["type"] == "content_block_start").collect();
        assert_eq!(starts.len(), 2);
        assert_eq!(starts[1]["content_block"]["id"], "c2");
        assert_eq!(events[events.len() - 2]["delta"]["stop_reason"], "tool_use");
    }
}

#[test]
fn a_call_without_an_id_gets_one() {
    let mut stream = new_stream();
    let nameless = json!({"index": 0, "function": {"name": "f", "arguments": {"a": 1}}});
    let events = events(&mut stream, &[call(nameless)]);
    let id = events[1]["content_block"]["id"].as_str();
    assert!(id.is_some_and(|id| id.starts_with("toolu_") && id.ends_with("_0") && id.len() == 24));
    assert_eq!(events[2]["delta"]["partial_json"], "{\"a\":1}");
}

#[test]
fn a_refusal_is_a_text_and_a_reason() {
    let mut stream = new_stream();
    let events = events(&mut stream, &[chunk(json!({"refusal": "No."})), finish("stop"), done()]);
    assert_eq!(events[2]["delta"]["text"], "No.");
    assert_eq!(events[4]["delta"]["stop_reason"], "refusal");
}

#[test]
fn other_choices_are_skipped() {
    let mut stream = new_stream();
    let other = json!({"choices": [{"index": 1, "delta": {"content": "x"}}]});
    let preface = json!({"id": "", "model": "", "choices": []});
    assert!(events(&mut stream, &[other, preface]).is_empty());
}

#[test]
fn a_body_that_ends_without_done_is_complete_after_its_finish_reason() {
    let mut stream = new_stream();
    events(&mut stream, &[chunk(json!({"content": "x"}))]);
    let early = stream.end().unwrap_err();
    assert!(matches!(early, StreamError::Cut { .. }) && early.status() == 502);
    events(&mut stream, &[finish("stop")]);
    let tail = read(stream.end().unwrap());
    assert_eq!(kinds(&tail), ["content_block_stop", "message_delta", "message_stop"]);
    assert!(new_stream().end().is_err());
}

#[test]
fn an_error_object_is_the_streams_error() {
    let mut stream = new_stream();
    let error = json!({"error": {"message": "Busy", "type": "server_error", "code": 503}});
    let error = stream.push(&event(&error)).unwrap_err();
    assert!(matches!(&error, StreamError::Upstream { status: 503, error }
        if error.kind.as_deref() == Some("server_error")));
}

#[test]
fn a_malformed_chunk_is_an_error() {
    let nameless = [call(json!({"index": 0, "function": {"arguments": "{"}}))];
    let cases = [
        (&[][..], json!("{\"choices\"")),
        (&[], json!("7")),
        (&[], done()),
        (&[], chunk(json!({"content": 4}))),
        (&nameless, done()),
    ];
    for (before, data) in cases {
        let mut stream = new_stream();
        events(&mut stream, before);
        let error = stream.push(&event(&data)).unwrap_err();
        assert!(matches!(error, StreamError::Malformed { .. }), "{data}");
    }
}

/// Each block's type and its text, put together as a client does.
fn blocks(events: &[Value]) -> Vec<(String, String)> {
    let mut blocks: Vec<(String, String)> = Vec::new();
    for event in events {
        let index = usize::try_from(event["index"].as_u64().unwrap_or(0)).unwrap();
        let delta = &event["delta"];
        match event["type"].as_str().unwrap() {
            "content_block_start" => {
                assert_eq!(index, blocks.len());
                let kind = event["content_block"]["type"].as_str().unwrap();
                blocks.push((kind.to_owned(), String::new()));
            }
            "content_block_delta" => {
                assert_eq!(index + 1, blocks.len(), "blocks do not overlap");
                let fields = ["text", "thinking", "partial_json", "signature"];
                let text = fields.iter().find_map(|field| delta[*field].as_str()).unwrap();
                blocks[index].1.push_str(text);
            }
            _ => {}
        }
    }
    blocks
}

fn block(kind: &str, text: &str) -> (String, String) {
    (kind.to_owned(), text.to_owned())
}

#[test]
fn an_empty_finish_reason_ends_nothing() {
    let mut stream = new_stream();
    let open = |delta: Value| {
        let mut chunk = chunk(delta);
        chunk["choices"][0]["finish_reason"] = json!("");
        chunk
    };
    let sent = events(
        &mut stream,
        &[
            open(json!({"role": "assistant", "content": ""})),
            open(json!({"content": "One "})),
            open(json!({"content": "two"})),
        ],
    );
    assert_eq!(blocks(&sent), [block("text", "One two")]);
    assert!(matches!(stream.end(), Err(StreamError::Cut { .. })));
}

#[test]
fn calls_by_turns_become_one_block_after_the_other() {
    let piece = |index: u64, id: &str, arguments: &str| {
        let name = if id.is_empty() { Value::Null } else { json!("look") };
        json!({"index": index, "id": id, "function": {"name": name, "arguments": arguments}})
    };
    let mut stream = new_stream();
    let sent = events(
        &mut stream,
        &[
            chunk(
                json!({"content": "Look.", "tool_calls": [piece(0, "c0", ""), piece(1, "c1", "")]}),
            ),
            call(piece(0, "", "{\"q\":")),
            call(piece(1, "", "{\"q\":")),
            chunk(json!({"content": "Between."})),
            call(piece(0, "", "\"a\"}")),
            call(piece(1, "", "\"b\"}")),
            chunk(json!({"reasoning": "After."})),
            finish("tool_calls"),
            done(),
        ],
    );
    assert_eq!(
        blocks(&sent),
        [
            block("text", "Look."),
            block("tool_use", "{\"q\":\"a\"}"),
            block("tool_use", "{\"q\":\"b\"}"),
            block("text", "Between."),
            block("thinking", "After."),
        ]
    );
    let stops = sent.iter().filter(|event| event["type"] == "content_block_stop").count();
    assert_eq!((stops, &sent[sent.len() - 2]["delta"]["stop_reason"]), (5, &json!("tool_use")));
}

#[test]
fn what_stands_behind_a_call_without_an_end_is_bounded() {
    let long = [chunk(json!({"content": "x".repeat(900_000)}))];
    let many = [chunk(json!({"content": "x"})), chunk(json!({"reasoning": "x"}))];
    for chunks in [&long[..], &many] {
        let mut stream = new_stream();
        let call = call(json!({"id": "c", "function": {"name": "f", "arguments": "{"}}));
        events(&mut stream, &[call]);
        let mut pushed = chunks.iter().cycle().take(20_000).map(|chunk| stream.push(&event(chunk)));
        let failed = pushed.find_map(Result::err).unwrap();
        assert!(failed.to_string().contains("behind a call without an end"), "{failed}");
    }
}

#[test]
fn parts_of_content_are_text_and_thinking() {
    let mut stream = new_stream();
    let sent = events(
        &mut stream,
        &[
            chunk(
                json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]}),
            ),
            chunk(json!({"content": [{"type": "text", "text": "Hel"}, {"type": "reference"}]})),
            chunk(json!({"content": [{"type": "output_text", "text": "lo."}]})),
            finish("stop"),
            done(),
        ],
    );
    assert_eq!(blocks(&sent), [block("thinking", "Hm."), block("text", "Hello.")]);
}

#[test]
fn halves_of_a_character_are_joined_in_each_block() {
    let raw = |delta: &str| Event {
        name: None,
        data: format!(r#"{{"choices": [{{"index": 0, "delta": {delta}}}]}}"#),
    };
    let mut stream = new_stream();
    let mut sent = Vec::new();
    for delta in [
        r#"{"reasoning": "a\ud83d"}"#,
        r#"{"content": "b\ud83d"}"#,
        r#"{"content": "\ude00c\ud83d"}"#,
        r#"{"content": "d"}"#,
        r#"{"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{\"q\":\"\ud83d"}}]}"#,
        r#"{"tool_calls": [{"index": 0, "function": {"arguments": "\ude00\"}"}}]}"#,
    ] {
        sent.extend(stream.push(&raw(delta)).unwrap());
    }
    let mut sent = read(sent);
    sent.extend(events(&mut stream, &[finish("stop"), done()]));
    assert_eq!(
        blocks(&sent),
        [
            block("thinking", "a\u{fffd}"),
            block("text", "b😀c\u{fffd}d"),
            block("tool_use", "{\"q\":\"😀\"}"),
        ]
    );
}

#[test]
fn what_the_upstream_leaves_out_is_made() {
    let bare = |delta: Value| json!({"choices": [{"delta": delta}]});
    let call = bare(json!({"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}));
    let ids = |defaults: &AnswerDefaults<'_>| {
        let sent = events(&mut ChunkStream::new(defaults, None), &[call.clone(), done()]);
        let message = &sent[0]["message"];
        assert_eq!((&message["id"], &message["model"]), (&json!(defaults.id), &json!("asked")));
        sent[1]["content_block"]["id"].clone()
    };
    let first = ids(&DEFAULTS);
    assert_ne!(first, ids(&AnswerDefaults { id: "msg_8", ..DEFAULTS }));
    assert_ne!(first, ids(&AnswerDefaults { created: 8, ..DEFAULTS }));
}

#[test]
fn reasoning_is_signed_with_the_tag_and_its_field() {
    let mut stream = ChunkStream::new(&DEFAULTS, Some("pm1."));
    let sent = events(
        &mut stream,
        &[
            chunk(json!({"reasoning": "Hm."})),
            chunk(json!({"content": "x"})),
            finish("stop"),
            done(),
        ],
    );
    assert_eq!(blocks(&sent), [block("thinking", "Hm.pm1.reasoning"), block("text", "x")]);
}

#[test]
fn a_stop_sequence_is_told_where_the_upstream_tells_it() {
    let mut last = finish("stop");
    last["choices"][0]["stop_reason"] = json!("END");
    let sent = events(&mut new_stream(), &[chunk(json!({"content": "x"})), last, done()]);
    let delta = json!({"stop_reason": "stop_sequence", "stop_sequence": "END"});
    assert_eq!(sent[sent.len() - 2]["delta"], delta);
}
