//! Translation of chat requests for Anthropic.

#![allow(clippy::unwrap_used)]
use super::*;

const MODEL: &str = "claude-opus-4-6";

/// Makes a request of one user message with further fields.
fn chat(fields: Value) -> Value {
    let mut chat = fields;
    chat["messages"] = json!([{"role": "user", "content": "Hi"}]);
    chat
}

fn translated(fields: Value) -> Value {
    request_to_messages(&chat(fields), MODEL).unwrap()
}

#[test]
fn a_whole_request_is_translated() {
    let request = json!({
        "model": "auto",
        "messages": [
            {"role": "system", "content": "Answer in rhyme."},
            {"role": "user", "content": [
                {"type": "text", "text": "Where is it?"},
                {"type": "image_url", "image_url": {"url": "https://a.example/b.png",
                                                    "detail": "low"}}]},
        ],
        "max_completion_tokens": 300, "max_tokens": 7, "temperature": 0.5, "top_p": 0.9, "top_k": 5,
        "stop": ["\n\n", "END"], "stream": true, "stream_options": {"include_usage": true},
        "user": "ann", "n": 1, "seed": 3, "logit_bias": {"5": 1}, "presence_penalty": 0.1,
        "metadata": {"a": "b"}, "store": false, "logprobs": false, "modalities": ["text"],
        "tools": [{"type": "function", "function": {"name": "now"}}],
        "tool_choice": "required", "parallel_tool_calls": false,
        "response_format": {"type": "text"},
    });
    assert_eq!(
        request_to_messages(&request, MODEL).unwrap(),
        json!({
            "model": MODEL,
            "system": [{"type": "text", "text": "Answer in rhyme."}],
            "messages": [{"role": "user", "content": [
                {"type": "text", "text": "Where is it?"},
                {"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}}]}],
            "max_tokens": 300, "temperature": 0.5, "top_k": 5,
            "stop_sequences": ["END"], "stream": true, "metadata": {"user_id": "ann"},
            "tools": [{"name": "now", "input_schema": {"type": "object", "properties": {}}}],
            "tool_choice": {"type": "any", "disable_parallel_tool_use": true},
        })
    );
}

#[test]
fn a_limit_is_always_sent() {
    assert_eq!(translated(json!({}))["max_tokens"], DEFAULT_MAX_TOKENS);
    assert_eq!(translated(json!({"max_tokens": 7}))["max_tokens"], 7);
    let reasoning = translated(json!({"reasoning_effort": "low"}));
    assert_eq!(reasoning["max_tokens"], DEFAULT_MAX_TOKENS_WITH_REASONING);
    let none = translated(json!({"reasoning_effort": "none"}));
    assert_eq!(none["max_tokens"], DEFAULT_MAX_TOKENS);
}

#[test]
fn sampling_at_its_default_is_not_sent() {
    for (given, sent) in [
        (json!({"temperature": 0}), json!({"temperature": 0})),
        (json!({"temperature": 1}), json!({})),
        (json!({"temperature": 1.7, "top_p": 1}), json!({})),
        (json!({"temperature": 1.0, "top_p": 0.9}), json!({"top_p": 0.9})),
        (json!({"temperature": 0.2, "top_p": 0.9}), json!({"temperature": 0.2})),
    ] {
        let mut request = translated(given);
        if let Some(request) = request.as_object_mut() {
            request.retain(|name, _| ["temperature", "top_p"].contains(&name.as_str()));
        }
        assert_eq!(request, sent);
    }
}

#[test]
fn effort_becomes_thinking_and_drops_sampling() {
    let request = translated(json!({"reasoning_effort": "high", "temperature": 0.2, "top_k": 3}));
    assert_eq!(request["thinking"], json!({"type": "adaptive"}));
    assert_eq!(request["output_config"], json!({"effort": "high"}));
    assert!(request.get("temperature").is_none() && request.get("top_k").is_none());
    let off = translated(json!({"reasoning_effort": "none", "temperature": 0.2}));
    assert_eq!((&off["thinking"]["type"], &off["temperature"]), (&json!("disabled"), &json!(0.2)));
}

#[test]
fn anthropics_own_thinking_field_wins() {
    let own = json!({"type": "enabled", "budget_tokens": 2000});
    let request = translated(json!({"thinking": own, "reasoning_effort": "low"}));
    assert_eq!(request["thinking"], own);
    assert!(request.get("output_config").is_none());
}

#[test]
fn a_schema_is_kept_and_json_without_one_refused() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let format = json!({"type": "json_schema",
                        "json_schema": {"name": "answer", "strict": true, "schema": schema}});
    assert_eq!(
        translated(json!({"response_format": format}))["output_config"],
        json!({"format": {"type": "json_schema", "schema": schema}})
    );
    let request = chat(json!({"response_format": {"type": "json_object"}}));
    let error = request_to_messages(&request, MODEL).unwrap_err();
    assert!(matches!(error, Untranslatable::Unsupported { .. }));
    assert_eq!(error.field(), "response_format.type");
}

#[test]
fn unsupported_fields_are_refused_by_name() {
    let cases = [
        (json!({"n": 2}), "n"),
        (json!({"max_tokens": 0}), "max_tokens"),
        (json!({"max_tokens": "many"}), "max_tokens"),
        (json!({"temperature": "hot"}), "temperature"),
        (json!({"stream": "yes"}), "stream"),
        (json!({"stop": [1]}), "stop"),
        (json!({"thinking": true}), "thinking"),
        (json!({"tools": 1}), "tools"),
        (json!({"response_format": {"type": "json_schema"}}), "response_format.json_schema.schema"),
        (json!({"response_format": "json"}), "response_format.type"),
    ];
    for (fields, field) in cases {
        let error = request_to_messages(&chat(fields.clone()), MODEL).unwrap_err();
        assert_eq!(error.field(), field, "{fields}");
        assert_eq!(error.status(), 400);
    }
    assert_eq!(request_to_messages(&json!([]), MODEL).unwrap_err().field(), "body");
}

#[test]
fn tools_of_the_history_are_defined_and_not_called() {
    let call = |name: &str| json!({"id": "c", "type": "function", "function": {"name": name}});
    let mut chat = json!({"messages": [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "tool_calls": [call("look"), call("find"), call("look")]},
        {"role": "tool", "tool_call_id": "c", "content": "sun"},
        {"role": "user", "content": "Sum up"}]});
    let sent = request_to_messages(&chat, MODEL).unwrap();
    let schema = json!({"type": "object", "properties": {}});
    let tool = |name: &str| json!({"name": name, "input_schema": schema});
    assert_eq!(sent["tools"], json!([tool("find"), tool("look")]));
    assert_eq!(sent["tool_choice"], json!({"type": "none"}));
    chat["tools"] = json!([{"type": "function", "function": {"name": "other"}}]);
    let sent = request_to_messages(&chat, MODEL).unwrap();
    assert_eq!((&sent["tools"], sent.get("tool_choice")), (&json!([tool("other")]), None));
    assert_eq!(translated(json!({})).get("tools"), None);
}
