//! Counts of every API, part by part.

#![allow(clippy::unwrap_used)]
use serde_json::{Value, json};

use super::*;
use crate::config::manifest;

const WORDS: &str = "some words that a model reads, whoever wrote them";

/// Counts a token for each byte.
fn tokens(dialect: Dialect, body: &Value) -> u64 {
    counted(dialect, &body.to_string(), &str::len)
}

fn counted(dialect: Dialect, body: &str, count: &dyn Fn(&str) -> usize) -> u64 {
    let request = RequestBody::new(dialect, body, &manifest()).unwrap();
    input_tokens(&request, body, count) as u64
}

fn body(more: Value) -> Value {
    let mut body = json!({"model": "m"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// Whether `place`, with the words at `WORDS`, counts about as much more than without them.
fn counts(dialect: Dialect, place: &Value) -> bool {
    let text = place.to_string();
    assert!(text.contains("WORDS"), "{text}");
    let with: Value = serde_json::from_str(&text.replace("WORDS", WORDS)).unwrap();
    let without: Value = serde_json::from_str(&text.replace("WORDS", "")).unwrap();
    let more = tokens(dialect, &body(with)) - tokens(dialect, &body(without));
    let words = WORDS.len() as u64;
    (words..=words + 4).contains(&more)
}

#[test]
fn every_text_that_a_model_reads_counts_wherever_it_stands() {
    let blocks = |blocks: Value| json!({"messages": [{"role": "user", "content": blocks}]});
    let result = |content: Value| {
        blocks(json!([{"type": "tool_result", "tool_use_id": "t", "content": content}]))
    };
    for place in [
        json!({"system": "WORDS"}),
        json!({"system": [{"type": "text", "text": "WORDS", "cache_control": {"type": "ephemeral"}}]}),
        json!({"messages": [{"role": "user", "content": "WORDS"}]}),
        blocks(json!([{"type": "text", "text": "WORDS"}])),
        result(json!("WORDS")),
        result(json!([{"type": "text", "text": "WORDS"}])),
        result(json!([{"type": "search_result", "source": "x", "title": "y",
            "content": [{"type": "text", "text": "WORDS"}]}])),
        blocks(
            json!([{"type": "tool_use", "id": "t", "name": "f", "input": {"a": [{"b": "WORDS"}]}}]),
        ),
        blocks(json!([{"type": "tool_use", "id": "t", "name": "f", "input": {"WORDS": true}}])),
        blocks(json!([{"type": "tool_use", "id": "t", "name": "WORDS", "input": {}}])),
        blocks(
            json!([{"type": "server_tool_use", "id": "t", "name": "f", "input": {"query": "WORDS"}}]),
        ),
        blocks(json!([{"type": "code_execution_tool_result", "tool_use_id": "t",
            "content": {"type": "code_execution_result", "stdout": "WORDS", "return_code": 0}}])),
        blocks(json!([{"type": "thinking", "thinking": "WORDS", "signature": "x"}])),
        blocks(json!([{"type": "document", "source": {"type": "text", "data": "WORDS"}}])),
        blocks(json!([{"type": "document", "source": {"data": "WORDS", "type": "text"}}])),
        blocks(
            json!([{"type": "document", "title": "WORDS", "source": {"type": "url", "url": "https://x"}}]),
        ),
        blocks(
            json!([{"source": {"type": "content", "content": [{"type": "text", "text": "WORDS"}]},
            "type": "document"}]),
        ),
        json!({"tools": [{"name": "f", "description": "WORDS", "input_schema": {"type": "object"}}]}),
        json!({"tools": [{"name": "f", "input_schema": {"properties": {"WORDS": {"type": "string"}}}}]}),
        json!({"output_config": {"format": {"type": "json_schema", "schema": {"title": "WORDS"}}}}),
        json!({"output_format": {"type": "json_schema", "schema": {"title": "WORDS"}}}),
    ] {
        assert!(counts(Dialect::Messages, &place), "{place}");
    }
    for place in [
        json!({"messages": [{"role": "tool", "tool_call_id": "c", "content": "WORDS"}]}),
        json!({"messages": [{"role": "user", "name": "WORDS", "content": "x"}]}),
        json!({"messages": [{"role": "assistant", "content": null, "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"a\": \"WORDS\"}"}}]}]}),
        json!({"messages": [{"role": "assistant", "content": null, "tool_calls": [
            {"id": "c", "type": "custom", "custom": {"name": "f", "input": "WORDS"}}]}]}),
        json!({"messages": [{"role": "assistant", "function_call": {"name": "f", "arguments": "WORDS"}}]}),
        json!({"messages": [{"role": "assistant", "content": "x", "reasoning_content": "WORDS"}]}),
        json!({"messages": [{"role": "assistant", "refusal": "WORDS"}]}),
        json!({"messages": [{"role": "user", "content": [
            {"type": "file", "file": {"filename": "WORDS", "file_data": "data:application/pdf;base64,AAAA"}}]}]}),
        json!({"tools": [{"type": "function", "function": {"name": "f", "description": "WORDS"}}]}),
        json!({"functions": [{"name": "f", "description": "WORDS"}]}),
        json!({"response_format": {"type": "json_schema", "json_schema": {"schema": {"title": "WORDS"}}}}),
        json!({"prediction": {"type": "content", "content": [{"type": "text", "text": "WORDS"}]}}),
    ] {
        assert!(counts(Dialect::Chat, &place), "{place}");
    }
    let item = |item: Value| json!({"input": [item]});
    for place in [
        json!({"input": "WORDS"}),
        json!({"instructions": "WORDS"}),
        json!({"prompt": {"id": "p", "variables": {"a": "WORDS"}}}),
        json!({"text": {"format": {"type": "json_schema", "name": "x", "schema": {"title": "WORDS"}}}}),
        item(json!({"role": "user", "content": [{"type": "input_text", "text": "WORDS"}]})),
        item(json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": "WORDS"})),
        item(json!({"type": "function_call_output", "call_id": "c", "output": "WORDS"})),
        item(json!({"type": "function_call_output", "call_id": "c",
            "output": [{"type": "input_text", "text": "WORDS"}]})),
        item(json!({"type": "custom_tool_call", "call_id": "c", "name": "f", "input": "WORDS"})),
        item(json!({"type": "custom_tool_call_output", "call_id": "c", "output": "WORDS"})),
        item(json!({"type": "reasoning", "summary": [{"type": "summary_text", "text": "WORDS"}]})),
        item(json!({"type": "local_shell_call", "call_id": "c", "action": {"command": ["WORDS"]}})),
        item(json!({"type": "mcp_list_tools", "tools": [{"name": "f", "description": "WORDS"}]})),
        item(json!({"type": "code_interpreter_call", "code": "WORDS", "outputs": []})),
    ] {
        assert!(counts(Dialect::Responses, &place), "{place}");
    }
    assert!(counts(Dialect::Completions, &json!({"prompt": ["a", "WORDS"]})));
    assert!(counts(Dialect::Completions, &json!({"prompt": "a", "suffix": "WORDS"})));
    assert!(counts(Dialect::Embeddings, &json!({"input": "WORDS"})));
}

#[test]
fn what_no_model_reads_does_not_count() {
    let one = json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]});
    let expected = tokens(Dialect::Messages, &body(one));
    assert_eq!(expected, 1 + MESSAGE_TOKENS);
    let more = json!({"messages": [{"role": "user", "id": "msg_1", "status": "completed", "content": [
        {"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"},
         "citations": [{"cited_text": WORDS}]}]}],
        "metadata": {"user_id": WORDS}, "stop_sequences": [WORDS]});
    assert_eq!(tokens(Dialect::Messages, &body(more)), expected);
}

#[test]
fn images_and_files_count_by_figures_and_not_by_their_data() {
    let data = "A".repeat(60_000);
    let with = |parts: Value| {
        let messages = json!({"messages": [{"role": "user", "content": parts}]});
        tokens(Dialect::Messages, &body(messages)) - MESSAGE_TOKENS
    };
    let nested = |part: Value| json!([{"type": "tool_result", "content": [part]}]);
    let image =
        json!({"type": "image", "source": {"type": "base64", "media_type": "x", "data": data}});
    assert_eq!(with(json!([image])), 1_000);
    assert_eq!(with(nested(image)), 1_000);
    for image in [
        json!({"type": "image_url", "image_url": {"url": data}}),
        json!({"image_url": {"url": data}, "type": "image_url"}),
        json!({"type": "input_image", "image_url": data}),
    ] {
        assert_eq!(with(json!([image])), 1_000);
    }
    let file = json!({"type": "document", "source": {"type": "base64", "data": data}});
    assert_eq!(with(json!([file])), 1_500 + 1_200);
    let url =
        json!({"type": "document", "source": {"type": "url", "url": "https://x.example/a.pdf"}});
    assert_eq!(with(json!([url])), 1_500);
    let sound = json!({"type": "input_audio", "input_audio": {"data": data}});
    assert_eq!(with(json!([sound])), 120);
    let long = "A".repeat(20 << 20);
    let scan = json!({"type": "document", "source": {"type": "base64", "data": long}});
    assert_eq!(with(json!([scan])), 101_500);
    let thought = json!({"type": "redacted_thinking", "data": data});
    assert_eq!(with(json!([thought])), 10_000);
    let reasoning =
        json!({"input": [{"type": "reasoning", "encrypted_content": "A".repeat(5_998)}]});
    assert_eq!(tokens(Dialect::Responses, &body(reasoning)), 1_000 + MESSAGE_TOKENS);
    let csv = format!("data:text/csv;base64,{}", "A".repeat(5_979));
    let csv = json!({"type": "file", "file": {"file_data": csv}});
    assert_eq!(with(json!([csv])), 1_500 + 120 + 1_000);
}

#[test]
fn data_in_front_of_a_text_leaves_the_sample_to_the_text() {
    let data = "A".repeat(COUNTED_BYTES * 2);
    let parts =
        json!([{"image_url": {"url": data}, "type": "image_url"}, {"type": "text", "text": WORDS}]);
    let body = body(json!({"messages": [{"role": "user", "content": parts}]})).to_string();
    let sample = std::cell::RefCell::new(String::new());
    let count = |text: &str| {
        sample.replace(text.to_owned());
        9
    };
    assert_eq!(counted(Dialect::Chat, &body, &count), 9 + 1_000 + MESSAGE_TOKENS);
    assert_eq!(sample.take().trim(), WORDS);
}

#[test]
fn a_long_text_is_sampled_and_the_rest_estimated_in_proportion() {
    let bytes = 8 << 20;
    let body = json!({"model": "m", "prompt": "é".repeat(bytes / 2)}).to_string();
    let longest = std::cell::Cell::new(0);
    let count = |text: &str| {
        longest.set(longest.get().max(text.len()));
        text.len() / 4
    };
    assert_eq!(counted(Dialect::Completions, &body, &count), bytes as u64 / 4);
    assert_eq!(longest.get(), COUNTED_BYTES);
}

#[test]
fn a_word_that_the_tokenizer_does_not_know_counts_by_its_bytes() {
    let word = "x".repeat(200_000);
    let body = json!({"model": "m", "messages": [{"role": "user", "content": word}]}).to_string();
    assert_eq!(counted(Dialect::Chat, &body, &|_| 1), 25_000 + MESSAGE_TOKENS);
    assert_eq!(counted(Dialect::Chat, &body, &|_| 0), 25_000 + MESSAGE_TOKENS);
}

#[test]
fn token_ids_count_one_each_and_messages_have_a_frame() {
    let ids = json!({"model": "m", "input": [[1, 2, 3], [4]]});
    assert_eq!(tokens(Dialect::Embeddings, &ids), 4);
    let mixed = json!({"model": "m", "prompt": [1, 2, 3]});
    assert_eq!(tokens(Dialect::Completions, &mixed), 3);
    let messages: Vec<Value> = (0..100).map(|_| json!({"role": "user", "content": "a"})).collect();
    let many = json!({"model": "m", "messages": messages}).to_string();
    assert_eq!(counted(Dialect::Chat, &many, &|text| text.split_whitespace().count()), 500);
}

#[test]
fn a_malformed_conversation_counts_what_can_be_read() {
    for messages in [json!(null), json!(7), json!({"a": 1}), json!([7, null, [["x"]]])] {
        let body = json!({"model": "m", "messages": messages});
        assert!(tokens(Dialect::Chat, &body) < 20, "{body}");
    }
}
