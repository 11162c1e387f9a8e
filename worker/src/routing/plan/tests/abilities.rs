//! Candidates that cannot be asked, and requests without text.

use super::*;
use crate::config::manifest;

/// Plans for a chat request over two candidates with these upstreams, `large` and `small`.
fn plan_on(large: &str, small: &str, body: &str, with: &With<'_>) -> Result<Plan, GatewayError> {
    let json = format!(
        r#"{{"large": {{"baseUrl": "https://large.example", {large}}},
             "small": {{"baseUrl": "https://small.example", {small}}},
             "other": {{"baseUrl": "https://other.example/v1"}}}}"#
    );
    let upstreams = Upstreams::from_json(Some(&json)).unwrap();
    let manifest = upstreams.amended(&manifest());
    let settings = Settings::from_json(Some(with.settings).filter(|s| !s.is_empty())).unwrap();
    let planner = Planner {
        permissions: Permissions {
            manifest: &manifest,
            upstreams: &upstreams,
            settings: &settings,
            has_keys: false,
            key: None,
            options: &with.options,
        },
        caller: CallerId::Open(""),
        engine: &Letters(with.open_circuits),
        budget_used: with.budget_used,
        pinned: with.pinned,
        mode: with.mode,
    };
    planner.plan(&RequestBody::new(Dialect::Chat, body, &manifest).unwrap(), body)
}

const ANTHROPIC: &str = r#""api": "anthropic""#;
const OPENAI: &str = r#""api": "openai""#;

fn chosen(large: &str, small: &str, body: &str, with: &With<'_>) -> (Vec<String>, &'static str) {
    let plan = plan_on(large, small, body, with).unwrap();
    (plan.chain, plan.reason)
}

fn only(model: &str) -> (Vec<String>, &'static str) {
    (vec![model.to_owned()], "only_candidate")
}

#[test]
fn a_candidate_whose_api_cannot_express_the_request_is_left_out() {
    let plain = With::default;
    for more in [
        r#", "n": 2"#,
        r#", "logprobs": true"#,
        r#", "response_format": {"type": "json_object"}"#,
        r#", "tools": [{"type": "web_search"}]"#,
        r#", "modalities": ["text", "audio"], "audio": {"voice": "x", "format": "wav"}"#,
    ] {
        let hard = body(HALF, HARD, more);
        assert_eq!(chosen(ANTHROPIC, OPENAI, &hard, &plain()), only("small"), "{more}");
        let circuit = With { open_circuits: &["small"], ..plain() };
        assert_eq!(chosen(ANTHROPIC, OPENAI, &hard, &circuit), only("small"), "{more}");
    }
    let hard = body(HALF, HARD, r#", "n": 1, "response_format": {"type": "text"}"#);
    let found = chosen(ANTHROPIC, OPENAI, &hard, &plain());
    assert_eq!(found, (vec!["large".to_owned()], "above_threshold"));
}

#[test]
fn fallbacks_and_the_cascade_follow_what_a_model_can_be_asked() {
    let large = r#""fallbacks": ["small", "other"]"#;
    let hard = body(HALF, HARD, r#", "n": 2"#);
    let (chain, _) = chosen(large, ANTHROPIC, &hard, &With::default());
    assert_eq!(chain, ["large", "other"]);
    let settings = r#"{"cascade": {"from": ["small"], "to": "large"}}"#;
    let cascade = With { settings, ..With::default() };
    let easy = body(HALF, EASY, r#", "n": 2"#);
    assert_eq!(plan_on(ANTHROPIC, OPENAI, &easy, &cascade).unwrap().escalate_to, None);
    let easy = body(HALF, EASY, "");
    let found = plan_on(ANTHROPIC, OPENAI, &easy, &cascade).unwrap();
    assert_eq!(found.escalate_to.as_deref(), Some("large"));
}

#[test]
fn a_fallback_answers_for_a_candidate_that_cannot_and_a_named_model_comes_first_all_the_same() {
    let large = r#""api": "anthropic", "fallbacks": ["other"]"#;
    let asks = |model: &str| body(model, HARD, r#", "n": 2"#);
    assert_eq!(chosen(large, ANTHROPIC, &asks(HALF), &With::default()), only("other"));
    let (chain, reason) = chosen(large, ANTHROPIC, &asks("large"), &With::default());
    assert_eq!((chain, reason), (vec!["large".to_owned(), "other".to_owned()], "requested"));
}

#[test]
fn if_no_candidate_can_the_refusal_names_the_field_and_each_candidates_reason() {
    let body = body(HALF, HARD, r#", "n": 2, "tools": [{"type": "function"}]"#);
    let alike = plan_on(ANTHROPIC, ANTHROPIC, &body, &With::default()).unwrap_err();
    assert_eq!(alike.code(), "field_unsupported");
    assert_eq!(alike.body()["error"]["param"], "n");
    let mixed = plan_on(ANTHROPIC, r#""tools": false"#, &body, &With::default()).unwrap_err();
    assert_eq!(mixed.code(), "no_candidate");
    let text = mixed.to_string();
    assert!(text.contains(r#"large: "n" is 2, expected 1"#), "{text}");
    assert!(text.contains("small: does not take tools"), "{text}");
}

#[test]
fn a_body_that_is_too_complex_to_translate_goes_where_its_bytes_pass() {
    let values = format!(r#", "x": [{}0]"#, "0,".repeat(60_000));
    let hard = body(HALF, HARD, &values);
    assert_eq!(chosen(ANTHROPIC, OPENAI, &hard, &With::default()), only("small"));
    let none = plan_on(ANTHROPIC, ANTHROPIC, &hard, &With::default()).unwrap_err();
    assert_eq!(none.code(), "body_too_complex");
}

#[test]
fn the_reasons_of_excluded_candidates_stand_beside_those_of_the_windows() {
    let body = body(HALF, HARD, r#", "n": 2"#);
    let small = r#""contextWindow": 5"#;
    let text = plan_on(ANTHROPIC, small, &body, &With::default()).unwrap_err().to_string();
    assert!(text.contains(r#"large: "n" is 2"#) && text.contains("small takes 5 tokens"), "{text}");
}

#[test]
fn a_resting_model_is_called_if_no_other_one_fits() {
    let hard = body(HALF, HARD, "");
    let resting = With { open_circuits: &["large"], ..With::default() };
    let small = r#""contextWindow": 5"#;
    assert_eq!(chosen(OPENAI, small, &hard, &resting), only("large"));
}

const PICTURE: &str = r#"{"model": "router-mf-0.5", "messages": [{"role": "user", "content": [
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]}]}"#;

#[test]
fn a_message_without_text_is_routed_by_the_default() {
    let first = |large: &str, with: &With<'_>| {
        let found = plan_on(large, OPENAI, PICTURE, with).unwrap();
        assert!(found.decision.is_none() && found.query.is_none());
        (found.chain[0].clone(), found.reason)
    };
    let plain = With::default;
    assert_eq!(first(OPENAI, &plain()), ("large".into(), "no_text"));
    assert_eq!(first(r#""vision": false"#, &plain()), ("small".into(), "no_text"));
    let window = r#""contextWindow": 9"#;
    assert_eq!(first(window, &plain()), ("small".into(), "no_text"));
    let rests = With { open_circuits: &["large"], ..plain() };
    assert_eq!(first(OPENAI, &rests), ("small".into(), "no_text"));
    let spent = With { budget_used: 0.9, ..plain() };
    assert_eq!(first(OPENAI, &spent), ("small".into(), "no_text"));
    let session = With { pinned: Some("small"), ..plain() };
    assert_eq!(first(OPENAI, &session), ("small".into(), "pinned"));
    let excluded = RequestOptions { exclude: listed("large"), ..RequestOptions::default() };
    assert_eq!(first(OPENAI, &With { options: excluded, ..plain() }), ("small".into(), "no_text"));
    let settings = r#"{"routing": {"default": "other"}}"#;
    assert_eq!(first(OPENAI, &With { settings, ..plain() }), ("other".into(), "no_text"));
    let none = plan_on(window, r#""vision": false"#, PICTURE, &plain()).unwrap_err();
    assert_eq!(none.code(), "no_candidate");
    assert!(none.to_string().contains("does not take images"), "{none}");
}

#[test]
fn what_the_configuration_says_that_a_model_lacks_is_asked_of_others() {
    let json =
        body(HALF, HARD, r#", "response_format": {"type": "json_schema", "json_schema": {}}"#);
    let large = r#""lacks": ["n", "json_schema"]"#;
    assert_eq!(chosen(large, OPENAI, &json, &With::default()), only("small"));
    let plain = body(HALF, HARD, r#", "n": 1"#);
    assert_eq!(chosen(large, OPENAI, &plain, &With::default()).0, ["large"]);
    let none = plan_on(large, r#""lacks": ["streaming", "json_schema"]"#, &json, &With::default());
    let text = none.unwrap_err().to_string();
    assert!(text.contains("small: lacks json_schema; large: lacks json_schema"), "{text}");
}
