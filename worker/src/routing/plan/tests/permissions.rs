//! What keys, sessions and `/v1/route` may use.

use std::cell::RefCell;
use std::rc::Rc;

use pointsman::{Manifest, Traffic};

use super::*;

/// Both candidates, with prices.
const PRICED: &str = r#"{
    "large": {"baseUrl": "https://strong.example/v1", "inputPrice": 0, "outputPrice": 30},
    "small": {"baseUrl": "https://weak.example/v1", "inputPrice": 0, "outputPrice": 1}
}"#;

/// Calls `with` on a planner over [`PRICED`] with these differences.
fn planner<T>(with: &With<'_>, act: impl FnOnce(&Planner<'_>) -> T) -> T {
    let upstreams = Upstreams::from_json(Some(PRICED)).unwrap();
    let manifest = upstreams.amended(&manifest());
    let json = (!with.settings.is_empty()).then_some(with.settings);
    let settings = Settings::from_json(json).unwrap();
    let keys = with.key_models.map(|models| {
        let json = format!(r#"[{{"name": "a", "sha256": "{HASH}", "models": {models}}}]"#);
        Keys::from_json(Some(&json)).unwrap()
    });
    act(&Planner {
        permissions: Permissions {
            manifest: &manifest,
            upstreams: &upstreams,
            settings: &settings,
            has_keys: false,
            key: keys.as_ref().and_then(|keys| keys.with_hash(HASH)),
            options: &with.options,
        },
        caller: CallerId::Open(""),
        engine: &Letters(with.open_circuits),
        budget_used: with.budget_used,
        pinned: with.pinned,
        mode: with.mode,
    })
}

/// The model and the reason of a decision at a threshold of 0.5.
fn decided(text: &str, policy: Policy, with: &With<'_>) -> (String, &'static str) {
    let query = Query::new(text).unwrap();
    let policy = Policy { threshold: policy.cost_weight.is_none().then_some(0.5), ..policy };
    planner(with, |it| decided_by(it, &query, policy))
}

fn decided_by(planner: &Planner<'_>, query: &Query, policy: Policy) -> (String, &'static str) {
    let candidates = planner.candidates(&policy, &|_| None, &|_| false).unwrap();
    let (decision, reason) = planner.decider().decide(query, policy, &candidates).unwrap();
    (decision.model, reason)
}

#[test]
fn a_name_that_is_not_served_matches_nothing_and_still_limits_a_key() {
    let with = |models| With { key_models: Some(models), ..With::default() };
    let (easy, hard) = (body(HALF, EASY, ""), body(HALF, HARD, ""));
    for models in [r#"["auto", "small-v1"]"#, r#"["auto", "Small"]"#, r#"["auto", "old-bundle"]"#] {
        assert_eq!(plan(&hard, &with(models)).unwrap_err(), "no_candidate", "{models}");
        assert_eq!(plan(&easy, &with(models)).unwrap_err(), "no_candidate", "{models}");
    }
    let beside = with(r#"["auto", "small", "large-v1"]"#);
    assert_eq!(plan(&hard, &beside).unwrap().chain, ["small"]);
    assert_eq!(plan(&hard, &with("[]")).unwrap_err(), "model_not_allowed");
}

#[test]
fn a_list_of_routing_names_alone_leaves_every_model_to_routing() {
    let with = |models| With { key_models: Some(models), ..With::default() };
    for models in [
        r#"["auto"]"#,
        r#"["auto", "test"]"#,
        r#"["auto", "router-old-0.5"]"#,
        r#"["router-mf-0.5", "auto:share:0.5"]"#,
    ] {
        let found = plan(&body(HALF, HARD, ""), &with(models)).unwrap();
        assert_eq!(found.chain, ["large", "other", "small"], "{models}");
    }
}

#[test]
fn fallbacks_and_the_cascade_follow_a_list_with_an_unknown_name() {
    let with = |models| With { key_models: Some(models), ..With::default() };
    let found = plan(&body("large", HARD, ""), &with(r#"["large", "gone"]"#)).unwrap();
    assert_eq!(found.chain, ["large"]);
    let settings = r#"{"cascade": {"from": ["small"], "to": "large"}}"#;
    let cascade = With { settings, ..with(r#"["auto", "small", "gone"]"#) };
    assert_eq!(plan(&body(HALF, EASY, ""), &cascade).unwrap().escalate_to, None);
}

#[test]
fn a_route_needs_the_permission_to_route_and_tells_only_the_keys_candidates() {
    let route = |models: Option<&str>, settings: &str, policy: Policy| {
        let with = With { key_models: models, settings, ..With::default() };
        let query = Query::new(HARD).unwrap();
        planner(&with, |it| it.route(&query, policy)).map_err(|e| e.code().to_owned())
    };
    let threshold = || Policy::threshold(0.5);
    for models in [r#"["small"]"#, r#"["large", "small"]"#, r#"["router-mf-0.5"]"#, "[]"] {
        let found = route(Some(models), "", threshold());
        assert_eq!(found.unwrap_err(), "model_not_allowed", "{models}");
    }
    for models in [None, Some(r#"["auto"]"#), Some(r#"["test"]"#)] {
        let found = route(models, "", threshold()).unwrap();
        assert_eq!((found.model.as_str(), found.scores.len()), ("large", 2));
    }
    let limited = route(Some(r#"["auto", "small"]"#), "", threshold()).unwrap();
    let denied = route(None, r#"{"models": {"deny": ["large"]}}"#, threshold()).unwrap();
    for found in [limited, denied] {
        let told = serde_json::to_string(&found).unwrap();
        assert!(found.model == "small" && !told.contains("large"), "{told}");
    }
    let only = Policy { candidates: Some(vec!["large".into()]), ..threshold() };
    assert_eq!(route(Some(r#"["auto", "small"]"#), "", only).unwrap_err(), "no_candidate");
}

#[test]
fn a_pin_does_not_override_a_fading_budget() {
    let at = |budget_used| {
        let with = With { pinned: Some("large"), budget_used, ..With::default() };
        decided(EASY, Policy::default(), &with)
    };
    assert_eq!(at(0.8), ("large".into(), "pinned"));
    assert_eq!(at(0.9), ("small".into(), "below_threshold"));
}

#[test]
fn a_pin_among_best_scores_counts_the_weighted_cost() {
    let weighing = |cost_weight, budget_used| {
        let with = With { pinned: Some("large"), budget_used, ..With::default() };
        decided(HARD, Policy { cost_weight: Some(cost_weight), ..Policy::default() }, &with)
    };
    // The scores are 0.75 (large) and 0.25, the costs 0.00768 and 0.000256 US dollars.
    assert_eq!(weighing(65.0, 0.0), ("large".into(), "best_score"));
    assert_eq!(weighing(70.0, 0.0), ("large".into(), "pinned"));
    assert_eq!(weighing(80.0, 0.0), ("small".into(), "best_score"));
    assert_eq!(weighing(70.0, 0.95), ("small".into(), "best_score"));
}

/// Three candidates of nearly equal scores; `large` costs thirty times as much.
struct Close;

impl Engine for Close {
    fn assess(&self, _: &Query, _: f64) -> Result<Assessment, RouterError> {
        Ok(Assessment { scores: vec![0.5, 0.6, 0.59], win_rate: None, tokens: 5, rated_tokens: 5 })
    }

    fn count(&self, text: &str) -> usize {
        text.len()
    }

    fn traffic(&self, caller: CallerId<'_>) -> Rc<RefCell<Traffic>> {
        Letters(&[]).traffic(caller)
    }

    fn circuit_is_open(&self, _: &str, _: CallerId<'_>) -> bool {
        false
    }
}

#[test]
fn a_pin_is_not_kept_above_max_cost_or_beyond_its_context_window() {
    let json = r#"{
        "format": 1, "name": "three", "kind": "routerdc",
        "candidates": [{"id": "small", "input_price": 0, "output_price": 1},
                       {"id": "middle", "input_price": 0, "output_price": 1},
                       {"id": "large", "input_price": 0, "output_price": 30,
                        "context_window": 400}],
        "encoder": {"tier": "static", "max_tokens": 8, "truncation_side": "left",
                    "pooling": "mean", "embedding_size": 2, "special_tokens": false},
        "head": {}, "files": []
    }"#;
    let planner = Planner {
        permissions: Permissions {
            manifest: &Manifest::from_json(json.as_bytes()).unwrap(),
            upstreams: &Upstreams::default(),
            settings: &Settings::default(),
            has_keys: false,
            key: None,
            options: &RequestOptions::default(),
        },
        caller: CallerId::Open(""),
        engine: &Close,
        budget_used: 0.0,
        pinned: Some("large"),
        mode: Mode::On,
    };
    let with = |policy: Policy| {
        let query = Query::new(EASY).unwrap();
        decided_by(&planner, &query, policy)
    };
    assert_eq!(with(Policy::default()), ("large".into(), "pinned"));
    let cheap = Policy { max_cost: Some(0.001), ..Policy::default() };
    assert_eq!(with(cheap), ("middle".into(), "best_score"));
    let long = Policy { input_tokens: Some(500), ..Policy::default() };
    assert_eq!(with(long), ("middle".into(), "best_score"));
}

#[test]
fn an_alias_needs_the_permission_for_what_it_means() {
    let settings = r#"{"aliases": {"claude-opus-*": "large", "claude-*": "auto"}}"#;
    let with = |key_models| With { settings, key_models, ..With::default() };
    let named = |key_models| plan(&body("claude-opus-4-1", EASY, ""), &with(key_models));
    let routed = |key_models| plan(&body("claude-sonnet-4-5", EASY, ""), &with(key_models));
    let found = named(None).unwrap();
    assert_eq!((found.chain[0].as_str(), found.reason), ("large", "requested"));
    assert!(routed(None).unwrap().decision.is_some());
    assert!(named(Some(r#"["large"]"#)).is_ok() && routed(Some(r#"["auto"]"#)).is_ok());
    for refused in [
        named(Some(r#"["auto"]"#)),
        named(Some(r#"["claude-opus-4-1"]"#)),
        routed(Some(r#"["large"]"#)),
    ] {
        assert_eq!(refused.map(drop), Err("model_not_allowed".to_owned()));
    }
    let unknown = plan(&body("gpt-5", EASY, ""), &with(None));
    assert_eq!(unknown.map(drop), Err("model_not_found".to_owned()));
}
