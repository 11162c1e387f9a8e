//! Requests that go on from what one upstream has stored.

use super::*;
use crate::config::manifest;

const UPSTREAMS: &str = r#"{
    "large": {"baseUrl": "https://a.example/v1", "keySecret": "A", "fallbacks": ["other", "twin"]},
    "small": {"baseUrl": "https://b.example/v1"},
    "other": {"baseUrl": "https://c.example/v1"},
    "twin": {"baseUrl": "https://a.example/v1", "keySecret": "A", "model": "mini"}
}"#;

fn plan(body: &str, options: RequestOptions) -> Result<Plan, GatewayError> {
    plan_in(None, body, options)
}

/// Plans in a session with this model's last answer.
fn plan_in(
    pinned: Option<&str>,
    body: &str,
    options: RequestOptions,
) -> Result<Plan, GatewayError> {
    let upstreams = Upstreams::from_json(Some(UPSTREAMS)).unwrap();
    let manifest = upstreams.amended(&manifest());
    let planner = Planner {
        permissions: Permissions {
            manifest: &manifest,
            upstreams: &upstreams,
            settings: &Settings::default(),
            has_keys: false,
            key: None,
            options: &options,
        },
        caller: CallerId::Open(""),
        engine: &Letters(&[]),
        budget_used: 0.0,
        pinned,
        mode: Mode::On,
    };
    planner.plan(&RequestBody::new(Dialect::Responses, body, &manifest).unwrap(), body)
}

/// A request that goes on from a response of a model.
fn after(model: &str, more: &str) -> String {
    let upstreams = Upstreams::from_json(Some(UPSTREAMS)).unwrap();
    let tag = upstreams.get(model).map(|upstream| response_tag(upstream, model));
    let tag = tag.unwrap_or("pm000000000000_".to_owned());
    format!(r#"{{"model": "router-mf-0.5", "previous_response_id": "resp_{tag}1", {more}}}"#)
}

fn chosen(body: &str) -> (Vec<String>, &'static str) {
    let found = plan(body, RequestOptions::default()).unwrap();
    (found.chain, found.reason)
}

#[test]
fn what_goes_on_from_a_response_goes_to_its_model() {
    let hard = format!(r#""input": "{HARD}""#);
    assert_eq!(chosen(&after("small", &hard)), (vec!["small".into()], "pinned"));
    let output = r#""input": [{"type": "function_call_output", "call_id": "c", "output": "7"}]"#;
    assert_eq!(chosen(&after("small", output)), (vec!["small".into()], "pinned"));
    // The twin shares the account, and so the response.
    let both = vec!["large".to_owned(), "twin".to_owned()];
    assert_eq!(chosen(&after("large", &hard)), (both.clone(), "pinned"));
    let unknown =
        format!(r#"{{"model": "router-mf-0.5", "previous_response_id": "resp_1", {hard}}}"#);
    assert_eq!(chosen(&unknown), (both, "above_threshold"));
    let fresh = format!(r#"{{"model": "router-mf-0.5", {hard}}}"#);
    assert_eq!(chosen(&fresh).0, ["large", "other", "twin"]);
}

#[test]
fn a_model_that_is_gone_or_not_allowed_is_named_in_the_refusal() {
    let input = r#""input": "x""#;
    let gone = plan(&after("gone", input), RequestOptions::default()).unwrap_err();
    assert_eq!((gone.status(), gone.code()), (404, "response_not_found"));
    assert_eq!(gone.body()["error"]["param"], "previous_response_id");
    let exclude = RequestOptions { exclude: listed("small"), ..RequestOptions::default() };
    assert_eq!(plan(&after("small", input), exclude).unwrap_err().code(), "model_not_allowed");
}

#[test]
fn what_no_id_tells_stays_with_the_sessions_model() {
    let body =
        format!(r#"{{"model": "router-mf-0.5", "conversation": "conv_1", "input": "{HARD}"}}"#);
    let of = |pinned| {
        let found = plan_in(pinned, &body, RequestOptions::default()).unwrap();
        (found.chain[0].clone(), found.reason)
    };
    assert_eq!(of(Some("small")), ("small".into(), "pinned"));
    assert_eq!(of(None), ("large".into(), "above_threshold"));
}
