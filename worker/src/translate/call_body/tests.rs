//! Bodies of calls between all pairs of APIs.

#![allow(clippy::unwrap_used)]
use super::*;
use crate::config::{Upstream, manifest};
use crate::wire::outgoing::Piece;

const TERMS: CallTerms<'static> = CallTerms {
    model: "large \"2026\"",
    output_limit: None,
    output_room: None,
    chat_limit_field: "max_tokens",
    renames_limit: false,
    ask_usage: true,
    dropped: &[],
    left_out: &[],
    mistrals_rules: false,
    reasoning: ReturnedReasoning::Own,
    tag: Some("pm0123456789abcdef."),
    history: &[],
};

fn pair(client: Dialect, api: Api) -> ApiPair {
    let upstream = Upstream { api, ..Upstream::default() };
    ApiPair::new(client, &upstream, "m").unwrap()
}

fn request_on(client: Dialect, api: Api, text: &str, terms: &CallTerms<'_>) -> String {
    let parsed = RequestBody::new(client, text, &manifest()).unwrap();
    let apis = pair(client, api);
    let body = match apis.is_plain() {
        true => apis.plain_request(&parsed, terms),
        false => apis.translated_request(text, terms).unwrap().body,
    };
    body.text(text)
}

fn request(client: Dialect, api: Api, text: &str) -> String {
    request_on(client, api, text, &TERMS)
}

#[test]
fn between_equal_apis_only_the_model_changes() {
    let body = "{\"seed\": 12345678901234567890123,  \"model\" :\"auto\",\n\
                \"messages\":[{\"role\":\"user\",\"content\":\"Prove it.\"}],\
                \"x\": 1.10, \"tools\": [{\"model\": \"auto\"}]}";
    let expected = body.replacen("\"auto\"", r#""large \"2026\"""#, 1);
    assert_eq!(request(Dialect::Chat, Api::Openai, body), expected);
    assert_eq!(request(Dialect::Messages, Api::Anthropic, body), expected);
}

#[test]
fn an_enforced_limit_is_written_where_the_upstream_reads_it() {
    let limited = |field| CallTerms { output_limit: Some(7), chat_limit_field: field, ..TERMS };
    let sent = |client, api, more: &str, field| -> Value {
        let text = format!(
            r#"{{"model": "auto", "messages": [{{"role": "user", "content": "Hi"}}]{more}}}"#
        );
        serde_json::from_str(&request_on(client, api, &text, &limited(field))).unwrap()
    };
    let (chat, openai) = (Dialect::Chat, Api::Openai);
    let (old, new) = ("max_tokens", "max_completion_tokens");
    assert_eq!(sent(chat, openai, "", old)[old], 7);
    assert_eq!(sent(chat, openai, "", new)[new], 7);
    assert_eq!(sent(chat, openai, "", new)[old], Value::Null);
    assert_eq!(sent(chat, openai, r#", "max_tokens": null"#, old)[old], 7);
    // One name alone, whichever the caller used: servers that know both refuse both.
    for (given, field, other) in
        [(old, new, old), (new, old, new), (old, old, new), (new, new, old)]
    {
        for null in ["".to_owned(), format!(r#", "{field}": null"#)] {
            let null = if given == field { String::new() } else { null };
            let one = sent(chat, openai, &format!(r#"{null}, "{given}": 9"#), field);
            assert_eq!((&one[field], one.get(other)), (&7.into(), None), "{given} {field}");
        }
    }
    let both = sent(chat, openai, r#", "max_completion_tokens": 9, "max_tokens": 8"#, old);
    assert_eq!((&both[old], &both[new]), (&7.into(), &7.into()));
    let foreign = sent(chat, openai, r#", "max_output_tokens": 1, "max_tokens": 99"#, old);
    assert_eq!(foreign[old], 7);
    for api in [Api::Openai, Api::Anthropic] {
        assert_eq!(sent(Dialect::Messages, api, r#", "max_tokens": 99"#, old)[old], 7);
    }
    for api in [Api::Anthropic, Api::WorkersAi] {
        assert_eq!(sent(chat, api, r#", "max_completion_tokens": 99"#, old)[old], 7);
        assert_eq!(sent(chat, api, "", new)[old], 7);
    }
    let input = r#"{"model": "auto", "input": "Hi"}"#;
    let sent = request_on(Dialect::Responses, openai, input, &limited(old));
    assert_eq!(sent, r#"{"max_output_tokens":7,"model": "large \"2026\"", "input": "Hi"}"#);
    assert!(!request_on(Dialect::Embeddings, openai, input, &limited(old)).contains('7'));
}

#[test]
fn a_lowered_limit_leaves_room_beside_the_budget_of_thinking() {
    let sent = |client, api, more: &str, terms: &CallTerms<'_>| -> Value {
        let text = format!(
            r#"{{"model": "auto", "messages": [{{"role": "user", "content": "Hi"}}]{more}}}"#
        );
        serde_json::from_str(&request_on(client, api, &text, terms)).unwrap()
    };
    let (messages, chat, anthropic) = (Dialect::Messages, Dialect::Chat, Api::Anthropic);
    let limited = |limit| CallTerms { output_limit: Some(limit), ..TERMS };
    let asked = r#", "max_tokens": 32000, "thinking": {"type": "enabled", "budget_tokens": 31999}"#;
    for client in [messages, chat] {
        let found = sent(client, anthropic, asked, &limited(9_000));
        assert_eq!(
            (&found["max_tokens"], &found["thinking"]["budget_tokens"]),
            (&9_000.into(), &4_500.into())
        );
        let found = sent(client, anthropic, asked, &limited(500));
        assert_eq!(
            (&found["max_tokens"], &found["thinking"]["type"]),
            (&500.into(), &"disabled".into())
        );
    }
    let unchanged = sent(messages, anthropic, asked, &limited(32_000));
    assert_eq!(unchanged["thinking"]["budget_tokens"], 31_999);
    let removed = Edit { range: 79..122, text: "null".into() };
    let with_history = CallTerms { history: &[removed], ..limited(500) };
    let thinking = r#", "thinking": {"type": "enabled", "budget_tokens": 31999}"#;
    assert_eq!(sent(messages, anthropic, thinking, &with_history)["thinking"], Value::Null);
    let room = CallTerms { output_room: Some(3_000), ..TERMS };
    assert_eq!(sent(chat, anthropic, "", &room)["max_tokens"], 3_000);
    let reasoning =
        sent(chat, anthropic, r#", "thinking": {"type": "enabled", "budget_tokens": 8000}"#, &room);
    assert_eq!(
        (&reasoning["max_tokens"], &reasoning["thinking"]["budget_tokens"]),
        (&3_000.into(), &1_500.into())
    );
    let wide = CallTerms { output_room: Some(100_000), ..TERMS };
    assert_eq!(sent(chat, anthropic, "", &wide)["max_tokens"], 8_192);
    assert_eq!(sent(chat, Api::Openai, "", &room)["max_tokens"], Value::Null);
}

#[test]
fn a_stream_is_asked_for_its_usage() {
    let options = |more: &str, terms: &CallTerms<'_>| -> Value {
        let text = format!(r#"{{"model": "auto", "messages": []{more}}}"#);
        let sent = request_on(Dialect::Chat, Api::Openai, &text, terms);
        serde_json::from_str::<Value>(&sent).unwrap()["stream_options"].clone()
    };
    let with = serde_json::json!({"include_usage": true});
    assert_eq!(options(r#", "stream": true"#, &TERMS), with);
    let off = r#", "stream": true, "stream_options": {"include_usage": false}"#;
    assert_eq!(options(off, &TERMS), with);
    assert_eq!(options(r#", "stream": true, "stream_options": null"#, &TERMS), with);
    let more = r#", "stream": true, "stream_options": {"include_obfuscation": false}"#;
    assert_eq!(options(more, &TERMS)["include_obfuscation"], false);
    assert_eq!(options("", &TERMS), Value::Null);
    let never = CallTerms { ask_usage: false, ..TERMS };
    assert_eq!(options(r#", "stream": true"#, &never), Value::Null);
}

#[test]
fn a_long_image_is_translated_without_a_copy() {
    let image = "A".repeat(5000);
    let text = format!(
        r#"{{"model": "auto", "max_tokens": 9, "messages": [{{"role": "user", "content": [
            {{"type": "image_url", "image_url": {{"url": "data:image/png;base64,{image}"}}}}]}}]}}"#
    );
    let body = pair(Dialect::Chat, Api::Anthropic).translated_request(&text, &TERMS).unwrap().body;
    let copied = |piece: &Piece| matches!(piece, Piece::Text(text) if text.len() > 4000);
    assert!(!body.0.iter().any(copied));
    let sent: Value = serde_json::from_str(&body.text(&text)).unwrap();
    let source = &sent["messages"][0]["content"][0]["source"];
    assert_eq!(
        (source["media_type"].as_str(), source["data"].as_str()),
        (Some("image/png"), Some(&*image))
    );
}

#[test]
fn requests_for_another_api_are_translated() {
    let body =
        r#"{"model": "auto", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}"#;
    for (client, api) in [(Dialect::Chat, Api::Anthropic), (Dialect::Messages, Api::Openai)] {
        let sent: Value = serde_json::from_str(&request(client, api, body)).unwrap();
        assert_eq!(sent["model"], "large \"2026\"");
        assert!(sent["messages"].is_array());
    }
    let sent: Value = serde_json::from_str(&request(Dialect::Chat, Api::WorkersAi, body)).unwrap();
    assert_eq!((&sent["model"], &sent["max_tokens"]), (&Value::Null, &Value::from(9)));
}

#[test]
fn dropped_fields_are_not_sent() {
    let terms = CallTerms { dropped: &["seed", "stream_options", "user"], ..TERMS };
    let never = CallTerms { ask_usage: false, ..terms };
    let text = r#"{"SEED": 1, "model": "auto", "stream": true, "user" : {"a": [1]},
        "stream_options": {"include_usage": true}, "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}],
        "seed2": 1}"#;
    let sent = request_on(Dialect::Chat, Api::Openai, text, &never);
    let expected = r#"{"model": "large \"2026\"", "stream": true, "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}],
        "seed2": 1}"#;
    assert_eq!(sent, expected);
    for (client, api) in [(Dialect::Messages, Api::Openai), (Dialect::Chat, Api::WorkersAi)] {
        let sent: Value = serde_json::from_str(&request_on(client, api, text, &never)).unwrap();
        assert!(sent["messages"].is_array() && sent.get("stream_options").is_none(), "{sent}");
    }
    // What the gateway inserts stays, whatever is dropped beside it.
    let limited = CallTerms { output_limit: Some(7), dropped: &["seed", "thinking"], ..TERMS };
    let sent = request_on(
        Dialect::Chat,
        Api::Openai,
        r#"{"seed": 1, "model": "auto", "messages": []}"#,
        &limited,
    );
    assert_eq!(sent, r#"{"max_tokens":7,"model": "large \"2026\"", "messages": []}"#);
    let body = r#"{"model": "auto", "thinking": {"type": "enabled"}, "messages": []}"#;
    let at = body.find(r#"{"type"#).unwrap();
    let history = [Edit { range: at..at + 19, text: "x".to_owned() }];
    let sent = request_on(
        Dialect::Messages,
        Api::Anthropic,
        body,
        &CallTerms { history: &history, ..limited },
    );
    assert_eq!(sent, r#"{"max_tokens":7,"model": "large \"2026\"", "messages": []}"#);
}

#[test]
fn a_limit_has_the_name_that_the_upstream_knows() {
    let named = |field| CallTerms { chat_limit_field: field, renames_limit: true, ..TERMS };
    let (old, new) = ("max_tokens", "max_completion_tokens");
    let chat = |limit: &str| format!(r#"{{"model": "auto", {limit}, "messages": []}}"#);
    for (field, other) in [(old, new), (new, old)] {
        let given = chat(&format!(r#""{other}" : 1e1"#));
        let sent = request_on(Dialect::Chat, Api::Openai, &given, &named(field));
        assert_eq!(
            sent,
            chat(&format!(r#""{field}" : 1e1"#)).replace("\"auto\"", &quoted(TERMS.model))
        );
        let unknown = CallTerms { renames_limit: false, ..named(field) };
        assert!(request_on(Dialect::Chat, Api::Openai, &given, &unknown).contains(other));
        let limited = CallTerms { output_limit: Some(7), ..named(field) };
        let sent = request_on(Dialect::Chat, Api::Openai, &given, &limited);
        let sent: Value = serde_json::from_str(&sent).unwrap();
        assert_eq!((&sent[field], sent.get(other)), (&7.into(), None));
        let both = chat(&format!(r#""{field}": 3, "{other}": 4"#));
        assert!(request_on(Dialect::Chat, Api::Openai, &both, &named(field)).contains(other));
        let messages = r#"{"model": "auto", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}"#;
        let sent = request_on(Dialect::Messages, Api::Openai, messages, &named(field));
        let sent: Value = serde_json::from_str(&sent).unwrap();
        assert_eq!((&sent[field], sent.get(other)), (&9.into(), None));
    }
}

#[test]
fn reasoning_goes_back_to_its_model_beside_tool_calls() {
    let blocks = |signature: &str| {
        serde_json::json!({"model": "auto", "max_tokens": 9, "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "I should look.", "signature": signature},
                {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1"}]}]})
        .to_string()
    };
    let sent = |signature: &str, terms: &CallTerms<'_>| -> Value {
        let text = blocks(signature);
        serde_json::from_str(&request_on(Dialect::Messages, Api::Openai, &text, terms)).unwrap()
    };
    let own = sent("pm0123456789abcdef.reasoning", &TERMS)["messages"][1].clone();
    assert_eq!(own["reasoning"], "I should look.");
    assert_eq!(own.get("reasoning_content"), None);
    let other = sent("pm0000000000000000.reasoning", &TERMS)["messages"][1].clone();
    assert_eq!((other.get("reasoning"), other.get("reasoning_content")), (None, None));
    let always = ReturnedReasoning::Always("reasoning_content");
    let always = CallTerms { reasoning: always, ..TERMS };
    assert_eq!(sent("", &always)["messages"][1]["reasoning_content"], "I should look.");
    let never = CallTerms { reasoning: ReturnedReasoning::Never, tag: None, ..TERMS };
    assert_eq!(sent("reasoning", &never)["messages"][1].get("reasoning_content"), None);
    let short = sent("", &CallTerms { mistrals_rules: true, ..TERMS });
    let id = short["messages"][1]["tool_calls"][0]["id"].as_str().unwrap();
    assert_eq!((id.len(), &short["messages"][2]["tool_call_id"]), (9, &id.into()));
}

#[test]
fn long_names_of_tools_are_shortened_for_another_api_alone() {
    let name = "n".repeat(80);
    let text = serde_json::json!({"model": "auto", "max_tokens": 9, "tools": [{"name": name}],
                                  "messages": [{"role": "user", "content": "Hi"}]})
    .to_string();
    let apis = pair(Dialect::Messages, Api::Openai);
    let made = apis.translated_request(&text, &TERMS).unwrap();
    let sent: Value = serde_json::from_str(&made.body.text(&text)).unwrap();
    let sent = sent["tools"][0]["function"]["name"].as_str().unwrap();
    let mut answer = serde_json::json!({"name": sent});
    made.tool_names.restore(&mut answer);
    assert_eq!((sent.len(), &answer["name"]), (64, &name.as_str().into()));
    assert!(request(Dialect::Messages, Api::Anthropic, &text).contains(&name));
}
