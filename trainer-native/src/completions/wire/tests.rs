//! Bodies and answers of both APIs, and what a key depends on.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::completions::models_file::ModelsFile;
use crate::completions::request::Message;
use crate::completions::request_key::RequestKey;
use crate::data::Role;

fn entry(more: &str) -> ModelEntry {
    let text = format!(
        "[[models]]\nid = \"m\"\napi = \"openai\"\nendpoint = \"http://127.0.0.1:1/v1\"\nmax_tokens = 100\n{more}"
    );
    ModelsFile::parse(&text).unwrap().models.remove(0)
}

fn asked() -> CompletionRequest {
    let turn = |role, text: &str| Message::new(role, text);
    CompletionRequest::new(
        vec![
            turn(Role::System, "Be brief."),
            turn(Role::User, "One?"),
            turn(Role::Assistant, "1"),
            turn(Role::User, "Two?"),
        ],
        0,
    )
}

#[test]
fn bodies_state_the_entry_and_the_messages_as_each_api_wants_them() {
    let openai = entry("temperature = 0.5\nmodel = \"m-2026\"\nbody = { seed = 7 }");
    assert_eq!(
        body(&openai, &asked()),
        json!({"model": "m-2026", "max_tokens": 100, "temperature": 0.5, "seed": 7, "messages": [
            {"role": "system", "content": "Be brief."}, {"role": "user", "content": "One?"},
            {"role": "assistant", "content": "1"}, {"role": "user", "content": "Two?"}]})
    );
    let anthropic = ModelEntry { api: Api::Anthropic, ..entry("") };
    let request = CompletionRequest { max_tokens: Some(5), ..asked() };
    assert_eq!(
        body(&anthropic, &request),
        json!({"model": "m", "max_tokens": 5, "system": "Be brief.", "messages": [
            {"role": "user", "content": "One?"}, {"role": "assistant", "content": "1"},
            {"role": "user", "content": "Two?"}]})
    );
}

#[test]
fn a_body_with_max_completion_tokens_is_sent_without_max_tokens() {
    let reasons = entry("body = { max_completion_tokens = 4000 }");
    let request = CompletionRequest { max_tokens: Some(5), ..asked() };
    let sent = body(&reasons, &request);
    assert_eq!((sent.get("max_tokens"), &sent["max_completion_tokens"]), (None, &json!(4000)));
    assert_eq!(request.max_tokens(&reasons), 4000);
}

#[test]
fn answers_of_openai_state_how_they_ended() {
    let of = |message: Value, reason: Value| {
        let body = json!({"choices": [{"message": message, "finish_reason": reason}], "model": "m-1",
            "usage": {"prompt_tokens": 9, "completion_tokens": 3}});
        answer(Api::OpenAi, &body).unwrap()
    };
    let plain = of(json!({"content": "Yes."}), json!("stop"));
    let expected = Answer {
        text: "Yes.".into(),
        finish: Finish::Stop,
        usage: Some((9, 3)),
        answered_by: Some("m-1".into()),
    };
    assert_eq!(plain, expected);
    for (message, reason, text, finish) in [
        (json!({"content": "Ye"}), json!("length"), "Ye", Finish::Length),
        (json!({"content": " "}), json!("length"), " ", Finish::Empty),
        (json!({"content": null}), json!("stop"), "", Finish::Empty),
        (json!({"content": null, "refusal": "No."}), json!("stop"), "No.", Finish::Refusal),
        (json!({"content": "Y", "refusal": null}), Value::Null, "Y", Finish::Stop),
        (json!({"content": ""}), json!("content_filter"), "", Finish::Filtered),
        (
            json!({"content": [{"type": "text", "text": "a"}, {"text": "b"}]}),
            json!("stop"),
            "ab",
            Finish::Stop,
        ),
    ] {
        let found = of(message.clone(), reason);
        assert_eq!((found.text.as_str(), found.finish), (text, finish), "{message}");
    }
}

#[test]
fn answers_of_anthropic_state_how_they_ended() {
    let of = |blocks: Value, reason: &str| {
        let body = json!({"content": blocks, "stop_reason": reason, "model": "c-1",
            "usage": {"input_tokens": 4, "cache_read_input_tokens": 6, "output_tokens": 2}});
        answer(Api::Anthropic, &body).unwrap()
    };
    let text = json!([{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Yes."}]);
    let found = of(text.clone(), "end_turn");
    assert_eq!(
        (found.text.as_str(), found.finish, found.usage),
        ("Yes.", Finish::Stop, Some((10, 2)))
    );
    assert_eq!(of(text.clone(), "max_tokens").finish, Finish::Length);
    assert_eq!(of(text, "refusal").finish, Finish::Refusal);
    assert_eq!(of(json!([]), "end_turn").finish, Finish::Empty);
}

#[test]
fn usage_that_is_absent_or_half_is_none() {
    for usage in [
        json!(null),
        json!({}),
        json!({"prompt_tokens": 3}),
        json!({"prompt_tokens": -1, "completion_tokens": 2}),
    ] {
        let body = json!({"choices": [{"message": {"content": "a"}}], "usage": usage});
        assert_eq!(answer(Api::OpenAi, &body).unwrap().usage, None, "{usage}");
    }
}

#[test]
fn what_is_no_answer_is_said() {
    for (api, body, part) in [
        (Api::OpenAi, json!({"error": {"message": "overloaded"}}), "overloaded"),
        (Api::OpenAi, json!({"choices": []}), "no choices"),
        (Api::OpenAi, json!([]), "no choices"),
        (Api::OpenAi, json!({"choices": [{}]}), "without a message"),
        (Api::Anthropic, json!({"content": "x"}), "no content"),
    ] {
        let error = answer(api, &body).unwrap_err();
        assert!(error.contains(part), "{body}: {error}");
    }
}

#[test]
fn a_key_names_what_was_asked_and_nothing_else() {
    let key = RequestKey::of(&entry(""), &asked());
    assert_eq!(RequestKey::parse(&key.to_string()), Some(key));
    for same in [
        "input_price = 1\noutput_price = 2",
        "concurrency = 3",
        "requests_per_minute = 9",
        "key_env = \"K\"",
    ] {
        assert_eq!(RequestKey::of(&entry(same), &asked()), key, "{same}");
    }
    assert_eq!(
        RequestKey::of(
            &ModelEntry { id: "other".into(), model: Some("m".into()), ..entry("") },
            &asked()
        ),
        key
    );
    let others = [
        RequestKey::of(&entry("temperature = 0"), &asked()),
        RequestKey::of(&entry("body = { seed = 1 }"), &asked()),
        RequestKey::of(&entry("model = \"n\""), &asked()),
        RequestKey::of(&ModelEntry { api: Api::Anthropic, ..entry("") }, &asked()),
        RequestKey::of(&entry(""), &CompletionRequest { sample: 1, ..asked() }),
        RequestKey::of(&entry(""), &CompletionRequest { max_tokens: Some(1), ..asked() }),
        RequestKey::of(&entry(""), &CompletionRequest::new(vec![Message::user("Two?")], 0)),
    ];
    for (at, other) in others.iter().enumerate() {
        assert_ne!(*other, key, "{at}");
    }
}

const NAMES: [&str; 13] = [
    "choices",
    "message",
    "content",
    "text",
    "usage",
    "prompt_tokens",
    "completion_tokens",
    "error",
    "finish_reason",
    "stop_reason",
    "refusal",
    "type",
    "model",
];

/// JSON of any shape, with the names that answers have.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z ]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(prop::sample::select(NAMES.to_vec()), inner, 0..6)
                .prop_map(|map| {
                    map.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
                }),
        ]
    })
}

proptest! {
    #[test]
    fn json_of_any_shape_is_an_answer_or_says_why_not(body in any_json()) {
        for api in [Api::OpenAi, Api::Anthropic] {
            match answer(api, &body) {
                Ok(answer) => {
                    let blank = answer.text.trim().is_empty();
                    prop_assert!(!blank || !matches!(answer.finish, Finish::Stop | Finish::Length));
                }
                Err(reason) => prop_assert!(reason.starts_with("found "), "{}", reason),
            }
        }
    }
}
