//! Tags of answers and streams, and what becomes of them in requests.

#![allow(clippy::unwrap_used)]
use super::*;
use crate::config::manifest;
use crate::wire::outgoing::Outgoing;
use serde_json::{Value, json};

fn tag(json: &str, name: &str) -> String {
    response_tag(&serde_json::from_str(json).unwrap(), name)
}

const AT: &str = r#"{"baseUrl": "https://a.example/v1", "keySecret": "A", "model": "one"}"#;

fn read(body: &Value) -> (References, String) {
    let text = body.to_string();
    let request = RequestBody::new(Dialect::Responses, &text, &manifest()).unwrap();
    (References::read(&request, &text), text)
}

/// What the model with this tag is sent of a request's input.
fn sent(input: &Value, tag: &str) -> Value {
    let (references, text) = read(&json!({"model": "auto", "input": input}));
    let sent = Outgoing::edited(text.len(), references.edits(tag)).text(&text);
    serde_json::from_str::<Value>(&sent).unwrap()["input"].clone()
}

#[test]
fn a_tag_tells_the_account_and_the_model() {
    let one = tag(AT, "x");
    assert_eq!(one.len(), TAG_BYTES);
    assert_eq!(tag(AT, "another name"), one);
    let other_model = tag(&AT.replace("\"one\"", "\"two\""), "x");
    assert!(other_model != one && same_account(&other_model, &one));
    for (part, with) in [("a.example", "b.example"), ("\"A\"", "\"B\"")] {
        assert!(!same_account(&tag(&AT.replace(part, with), "x"), &one), "{with}");
    }
}

fn answer() -> Value {
    json!({"id": "resp_1", "object": "response", "previous_response_id": "resp_0", "model": "m",
        "conversation": {"id": "conv_1"}, "output": [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gA_x=="},
        {"type": "reasoning", "id": "", "encrypted_content": null},
        {"type": "message", "id": "7f3a_b", "role": "assistant", "content": [
            {"type": "output_text", "text": "\"id\":\"resp_9\"", "annotations": []}]},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "arguments": "{}"}]})
}

#[test]
fn every_id_of_an_answer_gets_the_tag_and_nothing_else_changes() {
    let (t, text) = (tag(AT, "x"), answer().to_string());
    let tagged: Value = serde_json::from_str(&tagged_answer(&text, &t)).unwrap();
    let mut expected = answer();
    expected["id"] = format!("resp_{t}1").into();
    expected["previous_response_id"] = format!("resp_{t}0").into();
    expected["output"][0]["id"] = format!("rs_{t}1").into();
    expected["output"][0]["encrypted_content"] = format!("{t}gA_x==").into();
    expected["output"][2]["id"] = format!("{t}7f3a_b").into();
    expected["output"][3]["id"] = format!("fc_{t}1").into();
    assert_eq!(tagged, expected);
    for odd in ["{", "[]", r#"{"id": 7, "output": {}}"#, r#"{"error": {"message": "x"}}"#] {
        assert_eq!(tagged_answer(odd, &t), odd);
    }
}

#[test]
fn the_events_of_a_stream_get_the_same_tags() {
    let t = tag(AT, "x");
    let event = |event: Value| tagged_event(&event.to_string(), &t);
    let value = |data: Option<String>| -> Value { serde_json::from_str(&data.unwrap()).unwrap() };
    let created = value(event(json!({"type": "response.created", "response": answer()})));
    assert_eq!(created["response"]["id"], format!("resp_{t}1"));
    assert_eq!(created["response"]["output"][0]["id"], format!("rs_{t}1"));
    let item = json!({"type": "reasoning", "id": "rs_1", "encrypted_content": "g"});
    let done = value(event(json!({"type": "response.output_item.done", "item": item})));
    assert_eq!(done["item"]["encrypted_content"], format!("{t}g"));
    let delta = json!({"type": "response.output_text.delta", "item_id": "msg_1", "delta": "x"});
    assert_eq!(value(event(delta))["item_id"], format!("msg_{t}1"));
    let named = value(event(json!({"type": "x", "response_id": "resp_1"})));
    assert_eq!(named["response_id"], format!("resp_{t}1"));
    assert_eq!(event(json!({"type": "error", "message": "x"})), None);
    assert_eq!(tagged_event("[DONE]", &t), None);
}

#[test]
fn what_comes_back_is_freed_of_its_tags() {
    let t = tag(AT, "x");
    let tagged: Value = serde_json::from_str(&tagged_answer(&answer().to_string(), &t)).unwrap();
    assert_eq!(sent(&tagged["output"], &t), answer()["output"]);
    let same_account = tag(&AT.replace("\"one\"", "\"two\""), "x");
    assert_eq!(sent(&tagged["output"], &same_account), answer()["output"]);
    let previous = json!({"model": "auto", "input": "x", "previous_response_id": tagged["id"]});
    let (references, text) = read(&previous);
    assert_eq!(references.kept().unwrap().tag.as_deref(), Some(&*t));
    for whose in [&t, "pm000000000000_"] {
        let sent = Outgoing::edited(text.len(), references.edits(whose)).text(&text);
        assert!(sent.contains("\"resp_1\""), "{sent}");
    }
}

#[test]
fn another_account_gets_no_reasoning_and_no_ids_that_it_can_do_without() {
    let t = tag(AT, "x");
    let tagged: Value = serde_json::from_str(&tagged_answer(&answer().to_string(), &t)).unwrap();
    let other = "pm000000000000_";
    let mut expected = answer()["output"].clone();
    expected.as_array_mut().unwrap().remove(0);
    expected[1].as_object_mut().unwrap().remove("id");
    expected[2].as_object_mut().unwrap().remove("id");
    assert_eq!(sent(&tagged["output"], other), expected);
    let reasoning = tagged["output"][0].clone();
    let user = json!({"role": "user", "content": "Hi"});
    for (input, expected) in [
        (json!([reasoning, reasoning]), json!([])),
        (json!([reasoning, user]), json!([user])),
        (json!([user, reasoning]), json!([user])),
        (json!([user, reasoning, reasoning, user, reasoning]), json!([user, user])),
    ] {
        assert_eq!(sent(&input, other), expected, "{input}");
    }
    let approval = json!([{"type": "mcp_approval_response", "approve": true,
                           "approval_request_id": format!("mcpr_{t}1")}]);
    assert_eq!(sent(&approval, other)[0]["approval_request_id"], "mcpr_1");
}

#[test]
fn an_id_leaves_its_object_with_one_comma() {
    let t = tag(AT, "x");
    for (item, expected) in [
        (r#"{"id": "msg_T1", "type": "message"}"#, r#"{"type": "message"}"#),
        (r#"{"type": "message" , "id" : "msg_T1"}"#, r#"{"type": "message"}"#),
        (r#"{"type":"message","id":"msg_T1","x":1}"#, r#"{"type":"message","x":1}"#),
        (r#"{"type":"message","\u0069d":"msg_T1"}"#, r#"{"type":"message"}"#),
    ] {
        let body = format!(r#"{{"model":"auto","input":[{}]}}"#, item.replace('T', &t));
        let request = RequestBody::new(Dialect::Responses, &body, &manifest()).unwrap();
        let edits = References::read(&request, &body).edits("pm000000000000_");
        let sent = Outgoing::edited(body.len(), edits).text(&body);
        assert_eq!(sent, format!(r#"{{"model":"auto","input":[{expected}]}}"#));
    }
}

#[test]
fn what_is_stored_at_one_upstream_is_found() {
    let t = tag(AT, "x");
    let stored = |more: Value| {
        let mut body = json!({"model": "auto", "input": "x"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let found = read(&body).0;
        (found.needs_stored(), found.kept().map(|kept| kept.field.clone()))
    };
    let kept = |field: &str| (true, Some(field.to_owned()));
    assert_eq!(stored(json!({})), (false, None));
    assert_eq!(stored(json!({"previous_response_id": null})), (false, None));
    assert_eq!(stored(json!({"previous_response_id": "resp_1"})), (true, None));
    assert_eq!(stored(json!({"conversation": {"id": "conv_1"}})), (true, None));
    let previous = json!({"previous_response_id": format!("resp_{t}1")});
    assert_eq!(stored(previous), kept("previous_response_id"));
    let references = json!({"input": [{"type": "item_reference", "id": "msg_1"},
                                      {"type": "item_reference", "id": format!("rs_{t}1")}]});
    assert_eq!(stored(references), kept("input[1].id"));
    let compacted =
        json!({"input": [{"type": "compaction", "encrypted_content": format!("{t}g")}]});
    assert_eq!(stored(compacted), kept("input[0].encrypted_content"));
    let reasoning = json!({"input": [{"type": "reasoning", "encrypted_content": format!("{t}g")}]});
    assert_eq!(stored(reasoning), (false, None));
    for odd in
        [json!({"input": 7}), json!({"input": [7, "x", null]}), json!({"previous_response_id": 7})]
    {
        assert_eq!(stored(odd).1, None);
    }
}

#[test]
fn only_whole_tags_are_taken_for_tags() {
    for id in
        ["resp_pm0123_1", "resp_pm0123456789AB_1", "pm0123456789ab_", "resp_pm0123456789ab_", ""]
    {
        let (references, _) =
            read(&json!({"model": "auto", "input": "x", "previous_response_id": id}));
        assert_eq!((references.kept(), references.tags.len()), (None, 0), "{id}");
    }
}
