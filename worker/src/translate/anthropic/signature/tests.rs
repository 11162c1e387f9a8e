//! Signatures and ids of a conversation whose turns are answered by different models.

#![allow(clippy::unwrap_used)]
use super::*;
use serde_json::json;

const ROOT: &str = "https://api.anthropic.example/v1";

fn tag() -> String {
    model_tag(ROOT, "claude-a")
}

/// The body that the model with this tag is sent.
fn request_for(body: &str, tag: &str) -> String {
    let mut edits = History::read(body).edits(tag);
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    assert!(edits.windows(2).all(|two| two[0].range.end <= two[1].range.start), "{edits:?}");
    let mut sent = body.to_owned();
    edits.iter().rev().for_each(|edit| sent.replace_range(edit.range.clone(), &edit.text));
    sent
}

fn other() -> String {
    model_tag(ROOT, "claude-b")
}

/// The messages that the model with this tag is sent.
fn sent(messages: &Value, tag: &str) -> Value {
    let body = json!({"model": "auto", "messages": messages, "max_tokens": 9}).to_string();
    let sent: Value = serde_json::from_str(&request_for(&body, tag)).unwrap();
    assert_eq!(sent["max_tokens"], 9);
    sent["messages"].clone()
}

fn thinking(signature: &str) -> Value {
    json!({"type": "thinking", "thinking": "Hm.", "signature": signature})
}

fn assistant(blocks: Value) -> Value {
    json!([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": blocks},
           {"role": "user", "content": "And?"}])
}

#[test]
fn a_tag_is_the_origins_and_the_models() {
    let tag = tag();
    assert!(tag.starts_with("pm") && tag.ends_with('.') && tag.len() == 19, "{tag}");
    assert_eq!(tag, model_tag("https://API.anthropic.example/other", "claude-a"));
    assert_ne!(tag, other());
    assert_ne!(tag, model_tag("https://proxy.example/v1", "claude-a"));
}

#[test]
fn the_same_model_gets_its_signatures_and_another_one_none() {
    let text = json!({"type": "text", "text": "Yes."});
    let redacted = |data: &str| json!({"type": "redacted_thinking", "data": data});
    let tagged = |text: &str| format!("{}{text}", tag());
    let history = assistant(json!([thinking(&tagged("c2ln")), redacted(&tagged("eA==")), text]));
    let own = assistant(json!([thinking("c2ln"), redacted("eA=="), text]));
    assert_eq!(sent(&history, &tag()), own);
    assert_eq!(sent(&history, &other()), assistant(json!([text])));
}

#[test]
fn empty_and_foreign_signatures_are_left_out() {
    let text = json!({"type": "text", "text": "Yes."});
    let bare = json!({"type": "thinking", "thinking": "Hm."});
    for block in [thinking(""), thinking("Zm9yZWlnbg=="), thinking(&tag()), bare] {
        assert_eq!(sent(&assistant(json!([block, text])), &tag()), assistant(json!([text])));
    }
}

#[test]
fn a_turn_of_nothing_else_is_left_out() {
    let turns = sent(&assistant(json!([thinking("")])), &tag());
    let expected = json!([{"role": "user", "content": "Hi"}, {"role": "user", "content": "And?"}]);
    assert_eq!(turns, expected);
}

#[test]
fn what_needs_no_change_keeps_its_bytes() {
    for body in [
        r#"{ "model":"a","messages" : [ {"role":"user","content":"x"} , {"role":"assistant","content":[{"type":"text","text":"y"}]}], "x": 1.10 }"#,
        r#"{"messages": 7}"#,
        r#"{"messages": [7, {"role": "user"}, {"role": "user", "content": [1, {"type": 2}]}]}"#,
        "[]",
        "",
    ] {
        assert_eq!(History::read(body).edits(&tag()), [], "{body}");
    }
}

#[test]
fn the_rest_of_a_changed_request_keeps_its_bytes() {
    let body = format!(
        r#"{{"big": 12345678901234567890123, "messages": [{{"role":"user","content":"x",  "n":1.10}}, {{"content": [{{"type":"thinking","thinking":"a\u00e9","signature":"{}c2ln"}}, {{"type": "text", "text": "\u00e9"}}], "role":"assistant"}}] ,"top":1}}"#,
        tag()
    );
    assert_eq!(
        request_for(&body, &tag()),
        r#"{"big": 12345678901234567890123, "messages": [{"role":"user","content":"x",  "n":1.10}, {"content": [{"type":"thinking","thinking":"a\u00e9","signature":"c2ln"}, {"type": "text", "text": "\u00e9"}], "role":"assistant"}] ,"top":1}"#
    );
}

/// A request in the middle of tool calls, whose thinking has this signature.
fn within_calls(signature: &str, mode: Value) -> Value {
    json!({"thinking": mode, "messages": [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [thinking(signature),
            {"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t"}]},
    ]})
}

#[test]
fn tool_calls_keep_their_thinking_or_thinking_is_disabled() {
    let enabled = json!({"type": "enabled", "budget_tokens": 2048});
    let mode = |request: &Value, tag: &str| {
        let sent: Value = serde_json::from_str(&request_for(&request.to_string(), tag)).unwrap();
        (sent["thinking"].clone(), sent["messages"][1]["content"][0]["type"].clone())
    };
    let request = within_calls(&format!("{}c2ln", tag()), enabled.clone());
    assert_eq!(mode(&request, &tag()), (enabled.clone(), json!("thinking")));
    let disabled = json!({"type": "disabled"});
    assert_eq!(mode(&request, &other()), (disabled, json!("tool_use")));
    let adaptive = json!({"type": "adaptive"});
    let request = within_calls("", adaptive.clone());
    assert_eq!(mode(&request, &tag()), (adaptive, json!("tool_use")));
    // After the next message of the user the earlier calls need no thinking.
    let mut request = within_calls("", enabled.clone());
    let messages = request["messages"].as_array_mut().unwrap();
    messages.push(json!({"role": "assistant", "content": "Done."}));
    messages.push(json!({"role": "user", "content": "And?"}));
    assert_eq!(mode(&request, &tag()), (enabled.clone(), json!("tool_use")));
    let messages = request["messages"].as_array_mut().unwrap();
    messages.pop();
    messages.push(json!({"role": "user", "content": [{"type": "text", "text": "And?"}]}));
    assert_eq!(mode(&request, &tag()), (enabled, json!("tool_use")));
}

#[test]
fn any_blocks_and_turns_may_be_left_out() {
    let (text, gone) = (json!({"type": "text", "text": "x"}), thinking(""));
    let own = thinking(&format!("{}c2ln", tag()));
    for pattern in 0..4_u32.pow(4) {
        let kinds: Vec<u32> = (0..4).map(|at| pattern / 4_u32.pow(at) % 4).collect();
        let block = |kind: &u32| [&text, &gone, &own, &gone][*kind as usize].clone();
        let blocks: Vec<Value> = kinds.iter().map(block).collect();
        let kept = |blocks: &[Value]| -> Vec<Value> {
            let own = blocks.iter().filter(|block| **block != gone);
            own.map(|block| if *block == text { text.clone() } else { thinking("c2ln") }).collect()
        };
        let expected = json!([{"role": "assistant", "content": kept(&blocks)}]);
        let expected = if kept(&blocks).is_empty() { json!([]) } else { expected };
        let found = sent(&json!([{"role": "assistant", "content": blocks}]), &tag());
        assert_eq!(found, expected, "{kinds:?}");
        let turn = |block: &Value| json!({"role": "assistant", "content": [block]});
        let turns: Vec<Value> = blocks.iter().map(turn).collect();
        let expected: Vec<Value> = kept(&blocks).iter().map(turn).collect();
        assert_eq!(sent(&json!(turns), &tag()), json!(expected), "{kinds:?}");
    }
}

#[test]
fn ids_of_calls_are_anthropics_and_differ() {
    let call = json!({"type": "tool_use", "id": "functions.now:0", "name": "now", "input": {}});
    let result = json!({"type": "tool_result", "tool_use_id": "functions.now:0"});
    let turns = json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [call]}, {"role": "user", "content": [result]},
        {"role": "assistant", "content": [call, call]}, {"role": "user", "content": [result, result]},
    ]);
    let sent = sent(&turns, &tag());
    let ids = |turn: usize, field: &str| -> Vec<String> {
        let blocks = sent[turn]["content"].as_array().unwrap();
        blocks.iter().map(|block| block[field].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(1, "id"), ["functions_2e_now_3a_0"]);
    assert_eq!(ids(2, "tool_use_id"), ids(1, "id"));
    assert_eq!(ids(3, "id"), ["functions_2e_now_3a_0_2", "functions_2e_now_3a_0_3"]);
    assert_eq!(ids(4, "tool_use_id"), ids(3, "id"));
}

#[test]
fn answers_are_tagged_and_come_back_as_they_were() {
    let answer = json!({"id": "m", "content": [
        thinking("c2ln"), thinking(""), {"type": "redacted_thinking", "data": "eA=="},
        {"type": "text", "text": "signature"}], "usage": {"input_tokens": 1}});
    let text = answer.to_string();
    let tagged: Value = serde_json::from_str(&tagged_answer(&text, &tag())).unwrap();
    assert_eq!(tagged["content"][0]["signature"], format!("{}c2ln", tag()));
    assert_eq!(tagged["content"][1]["signature"], "");
    assert_eq!(tagged["content"][2]["data"], format!("{}eA==", tag()));
    assert_eq!(
        (&tagged["usage"], &tagged["content"][3]),
        (&answer["usage"], &answer["content"][3])
    );
    let back = sent(&assistant(tagged["content"].clone()), &tag());
    let expected = json!([thinking("c2ln"), answer["content"][2], answer["content"][3]]);
    assert_eq!(back[1]["content"], expected);
    for same in [r#"{"content": [{"type": "text", "text": "x"}]}"#, "{}", "<html>"] {
        assert!(matches!(tagged_answer(same, &tag()), Cow::Borrowed(_)));
    }
}

#[test]
fn events_are_tagged() {
    let event = |data: Value| {
        tagged_event(&data.to_string(), &tag()).map(|text| serde_json::from_str(&text).unwrap())
    };
    let delta = |signature: &str| {
        json!({"type": "content_block_delta", "index": 0,
               "delta": {"type": "signature_delta", "signature": signature}})
    };
    assert_eq!(event(delta("c2ln")), Some(delta(&format!("{}c2ln", tag()))));
    let start = |block: Value| json!({"type": "content_block_start", "content_block": block});
    let redacted = |data: String| start(json!({"type": "redacted_thinking", "data": data}));
    assert_eq!(event(redacted("eA==".into())), Some(redacted(format!("{}eA==", tag()))));
    assert_eq!(event(start(thinking(""))), None);
    assert_eq!(event(delta("")), None);
    let text = json!({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "signature"}});
    assert_eq!(event(text), None);
    assert_eq!(tagged_event("not JSON, a signature", &tag()), None);
}

#[test]
fn no_body_makes_a_panic() {
    let request = within_calls(&format!("{}c2ln", tag()), json!({"type": "enabled"}));
    for odd in crate::translate::anthropic::tests::distorted(&request) {
        let text = odd.to_string();
        assert!(serde_json::from_str::<Value>(&request_for(&text, &tag())).is_ok(), "{text}");
        assert!(serde_json::from_str::<Value>(&tagged_answer(&text, &tag())).is_ok(), "{text}");
        let _ = tagged_event(&text, &tag());
    }
}
