//! Plans of requests, each with one difference from a plain one.

#![allow(clippy::unwrap_used)]
use pointsman::Assessment;

use super::*;
use crate::config::{Keys, Settings, Upstreams, manifest};
use crate::request::endpoint::Dialect;
use crate::routing::decision::tests::Letters;
use crate::routing::permissions::{RequestOptions, listed};

mod abilities;
mod observe;
mod permissions;
mod responses;

const UPSTREAMS: &str = r#"{
    "large": {"baseUrl": "https://strong.example/v1", "fallbacks": ["other", "small"]},
    "small": {"baseUrl": "https://weak.example/v1", "tools": false, "vision": false,
              "contextWindow": 1000},
    "other": {"baseUrl": "https://other.example/v1"}
}"#;
const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

/// The difference from a plain request.
#[derive(Default)]
struct With<'a> {
    settings: &'a str,
    key_models: Option<&'a str>,
    options: RequestOptions,
    open_circuits: &'a [&'a str],
    budget_used: f64,
    pinned: Option<&'a str>,
    mode: Mode,
}

fn plan(body: &str, with: &With<'_>) -> Result<Plan, String> {
    let upstreams = Upstreams::from_json(Some(UPSTREAMS)).unwrap();
    let manifest = upstreams.amended(&manifest());
    let serves = |name: &str| upstreams.get(name).is_some();
    let json = (!with.settings.is_empty()).then_some(with.settings);
    let settings = Settings::from_json(json).unwrap();
    settings.check_models(serves).unwrap();
    let keys = with.key_models.map(|models| {
        let json = format!(r#"[{{"name": "a", "sha256": "{HASH}", "models": {models}}}]"#);
        Keys::from_json(Some(&json)).unwrap()
    });
    let planner = Planner {
        permissions: Permissions {
            manifest: &manifest,
            upstreams: &upstreams,
            settings: &settings,
            has_keys: keys.is_some(),
            key: keys.as_ref().and_then(|keys| keys.with_hash(HASH)),
            options: &with.options,
        },
        caller: CallerId::Open(""),
        engine: &Letters(with.open_circuits),
        budget_used: with.budget_used,
        pinned: with.pinned,
        mode: with.mode,
    };
    let request =
        RequestBody::new(Dialect::Chat, body, &manifest).map_err(|e| e.code().to_owned())?;
    planner.plan(&request, body).map_err(|e| e.code().to_owned())
}

fn body(model: &str, text: &str, more: &str) -> String {
    format!(
        r#"{{"model": "{model}"{more}, "messages": [{{"role": "user", "content": "{text}"}}]}}"#
    )
}

const HARD: &str = "Prove it rigorously.";
const EASY: &str = "Hello";
const HALF: &str = "router-mf-0.5";

fn first(body: &str, with: &With<'_>) -> (String, &'static str) {
    let plan = plan(body, with).unwrap();
    (plan.chain[0].clone(), plan.reason)
}

#[test]
fn the_chosen_model_comes_first_then_its_fallbacks() {
    let found = plan(&body(HALF, HARD, ""), &With::default()).unwrap();
    assert_eq!(found.chain, ["large", "other", "small"]);
    let framed = HARD.len() + 4;
    assert_eq!((found.reason, found.input_tokens), ("above_threshold", framed));
    assert_eq!(first(&body(HALF, EASY, ""), &With::default()), ("small".into(), "below_threshold"));
    let named = plan(&body("other", EASY, ""), &With::default()).unwrap();
    assert_eq!((named.chain, named.reason), (vec!["other".to_owned()], "requested"));
}

#[test]
fn a_named_model_is_forwarded_whatever_the_messages_hold() {
    let found = plan(r#"{"model": "small", "messages": "no list"}"#, &With::default()).unwrap();
    assert_eq!((found.chain, found.query), (vec!["small".to_owned()], None));
}

#[test]
fn candidates_that_lack_what_a_request_needs_are_left_out() {
    let tools = body(HALF, EASY, r#", "tools": [{}]"#);
    assert_eq!(first(&tools, &With::default()), ("large".into(), "only_candidate"));
    let long = body(HALF, &format!("{EASY} {}", "a".repeat(800)), "");
    assert_eq!(first(&long, &With::default()), ("large".into(), "only_candidate"));
    let short = body(HALF, EASY, r#", "max_tokens": 2000"#);
    assert_eq!(first(&short, &With::default()), ("small".into(), "below_threshold"));
    let tools = body(HALF, HARD, r#", "tools": [{}]"#);
    assert_eq!(plan(&tools, &With::default()).unwrap().chain, ["large", "other"]);
    let image = r#"{"model": "router-mf-0.5", "messages": [{"role": "user", "content": [
        {"type": "text", "text": "this?"}, {"type": "image_url", "image_url": {"url": "x:"}}]}]}"#;
    assert_eq!(first(image, &With::default()).0, "large");
}

#[test]
fn lists_exclude_models() {
    let easy = body(HALF, EASY, "");
    let denied = With { settings: r#"{"models": {"deny": ["small"]}}"#, ..With::default() };
    assert_eq!(first(&easy, &denied).0, "large");
    let allowed = With { settings: r#"{"models": {"allow": ["large"]}}"#, ..With::default() };
    assert_eq!(plan(&easy, &allowed).unwrap().chain, ["large"]);
    let exclude = With {
        options: RequestOptions { exclude: listed("small, other"), ..RequestOptions::default() },
        ..With::default()
    };
    assert_eq!(plan(&easy, &exclude).unwrap().chain, ["large"]);
    assert_eq!(plan(&body("other", EASY, ""), &exclude).unwrap_err(), "model_not_allowed");
    let only = RequestOptions { models: Some(listed("small")), ..RequestOptions::default() };
    let only = With { options: only, ..With::default() };
    assert_eq!(first(&body(HALF, HARD, ""), &only), ("small".into(), "only_candidate"));
    let none = RequestOptions { models: Some(listed("other")), ..RequestOptions::default() };
    let none = With { options: none, ..With::default() };
    assert_eq!(plan(&easy, &none).unwrap_err(), "no_candidate");
    let unknown = RequestOptions { exclude: listed("gpt-x"), ..RequestOptions::default() };
    let unknown = With { options: unknown, ..With::default() };
    assert_eq!(plan(&easy, &unknown).unwrap_err(), "header_unknown_model");
}

#[test]
fn a_keys_models_limit_requests_and_routing() {
    let with = |models| With { key_models: Some(models), ..With::default() };
    let (auto, hard) = (with(r#"["auto"]"#), body(HALF, HARD, ""));
    assert_eq!(first(&hard, &auto).0, "large");
    assert_eq!(plan(&body("large", EASY, ""), &auto).unwrap_err(), "model_not_allowed");
    let both = with(r#"["auto", "small"]"#);
    assert_eq!(plan(&hard, &both).unwrap().chain, ["small"]);
    assert_eq!(first(&body("small", EASY, ""), &both).0, "small");
    let one = with(r#"["small"]"#);
    assert_eq!(plan(&hard, &one).unwrap_err(), "model_not_allowed");
}

#[test]
fn a_model_with_an_open_circuit_is_skipped_while_another_is_left() {
    let hard = body(HALF, HARD, "");
    let one = With { open_circuits: &["large"], ..With::default() };
    assert_eq!(first(&hard, &one), ("small".into(), "only_candidate"));
    let both = With { open_circuits: &["large", "small"], ..With::default() };
    assert_eq!(first(&hard, &both), ("large".into(), "above_threshold"));
}

#[test]
fn a_nearly_spent_budget_raises_the_threshold() {
    let hard = body(HALF, HARD, "");
    let at = |budget_used| {
        let found = plan(&hard, &With { budget_used, ..With::default() }).unwrap();
        (found.chain[0].clone(), found.decision.unwrap().threshold.unwrap())
    };
    assert_eq!(at(0.8), ("large".into(), 0.5));
    assert_eq!(at(1.0), ("small".into(), 1.0));
    let (model, threshold) = at(0.95);
    assert_eq!(model, "small");
    assert!((threshold - 0.875).abs() < 1e-9);
}

#[test]
fn a_session_keeps_its_model_until_a_stronger_one_is_needed() {
    let with = |pinned| With { pinned: Some(pinned), ..With::default() };
    let (easy, hard) = (body(HALF, EASY, ""), body(HALF, HARD, ""));
    assert_eq!(first(&easy, &with("large")), ("large".into(), "pinned"));
    assert_eq!(first(&hard, &with("small")), ("large".into(), "above_threshold"));
    assert_eq!(first(&easy, &with("small")), ("small".into(), "below_threshold"));
    assert_eq!(first(&easy, &with("other")), ("small".into(), "below_threshold"));
    let excluded = RequestOptions { exclude: listed("large"), ..RequestOptions::default() };
    let excluded = With { options: excluded, ..with("large") };
    assert_eq!(first(&easy, &excluded), ("small".into(), "only_candidate"));
}

#[test]
fn only_requests_routed_to_a_model_of_the_cascade_escalate() {
    let settings = r#"{"cascade": {"from": ["small"], "to": "other"}}"#;
    let to = |body: &str, cascade| {
        let options = RequestOptions { cascade, ..RequestOptions::default() };
        plan(body, &With { settings, options, ..With::default() }).unwrap().escalate_to
    };
    assert_eq!(to(&body(HALF, EASY, ""), None), Some("other".into()));
    assert_eq!(to(&body(HALF, EASY, ""), Some(false)), None);
    assert_eq!(to(&body(HALF, HARD, ""), None), None);
    assert_eq!(to(&body("small", EASY, ""), None), None);
}

#[test]
fn policies_and_models_are_checked() {
    for (model, code) in [
        ("router-mf-2", "policy_out_of_range"),
        ("auto:share:0.5", "policy_unsupported"),
        ("gpt-x", "model_not_found"),
    ] {
        assert_eq!(plan(&body(model, EASY, ""), &With::default()).unwrap_err(), code, "{model}");
    }
}
