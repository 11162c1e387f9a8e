//! Shares of queries among several candidates.

#![allow(clippy::unwrap_used)]

use serde_json::json;

use super::*;
use crate::policy::{Assessment, Policy, Reason};

/// A bundle of `large` and `small`, whose calibration's win rates are spread evenly over [0, 1].
fn manifest() -> Manifest {
    let json = json!({
        "format": 1, "name": "test", "kind": "ridge",
        "candidates": [
            {"id": "large", "context_window": 10_000}, {"id": "small", "context_window": 1_000},
        ],
        "encoder": {"tier": "static", "max_tokens": 8, "truncation_side": "right",
            "pooling": "mean", "embedding_size": 3, "special_tokens": false},
        "head": {"strong": "large", "weak": "small", "default_strong_share": 0.5},
        "calibration": {"quantiles": [0.0, 0.5, 1.0], "sample": "s", "rows": 1000},
        "metrics": [], "trained_on": [],
        "files": [
            {"name": "model.onnx", "bytes": 1, "sha256": "a".repeat(64)},
            {"name": "tokenizer.json", "bytes": 1, "sha256": "b".repeat(64)},
        ],
    });
    Manifest::from_json(json.to_string().as_bytes()).unwrap()
}

fn rated(win_rate: f64) -> Assessment {
    Assessment { scores: vec![0.5, 0.5], win_rate: Some(win_rate), tokens: 5, rated_tokens: 5 }
}

fn policy(json: &serde_json::Value) -> Policy {
    serde_json::from_value(json.clone()).unwrap()
}

#[test]
fn shares_divide_the_queries_by_win_rate_the_highest_to_the_ablest() {
    let manifest = manifest();
    let policy = policy(&json!({"shares": {"small": 0.7, "large": 0.3}}));
    policy.check(&manifest).unwrap();
    for (win_rate, model, threshold) in [(0.69, "small", 0.7), (0.71, "large", 0.7)] {
        let decision = policy.decide(&manifest, &rated(win_rate)).unwrap();
        assert_eq!((&*decision.model, decision.reason), (model, Reason::ByShare));
        assert!((decision.threshold.unwrap() - threshold).abs() < 1e-9);
        assert_eq!(decision.threshold_from, Some(ThresholdFrom::Bundle));
    }
}

#[test]
fn in_place_of_an_excluded_candidate_the_next_abler_one_answers() {
    let of = |left: &[usize], place| {
        let shares = Shares { candidates: vec![2, 0, 1], by: By::Share(vec![0.6, 0.3, 0.1]) };
        shares.next_left(place, left)
    };
    assert_eq!(of(&[0, 1, 2], 1), 0);
    assert_eq!(of(&[1, 2], 1), 1);
    assert_eq!(of(&[0, 2], 2), 0);
    assert_eq!(of(&[2], 2), 2);
    let manifest = manifest();
    let long = policy(&json!({"shares": {"small": 0.7, "large": 0.3}, "inputTokens": 5_000}));
    let decision = long.decide(&manifest, &rated(0.1)).unwrap();
    assert_eq!((&*decision.model, decision.reason), ("large", Reason::OnlyCandidate));
}

#[test]
fn three_candidates_get_their_shares_of_any_traffic() {
    let mut manifest = manifest();
    manifest
        .candidates
        .push(crate::Candidate { id: "medium".into(), ..manifest.candidates[1].clone() });
    let shares = Shares { candidates: vec![1, 2, 0], by: By::Share(vec![0.6, 0.3, 0.1]) };
    let mut traffic = Traffic::new(&manifest);
    let mut given = [0.0; 3];
    for i in 0..3000 {
        // Multiples of the golden ratio are spread evenly over [0, 1).
        let win_rate = 0.9 + 0.05 * (f64::from(i) * 0.618_033_988_749_895).fract();
        let (place, threshold, _) = shares.pick(&manifest, win_rate, Some(&traffic));
        assert!(place == 0 || win_rate >= threshold);
        let name = manifest.candidates[shares.candidates[place]].id.clone();
        traffic.add(win_rate);
        traffic.owe(shares.named(&manifest), &name);
        if i >= 500 {
            given[place] += 1.0 / 2500.0;
        }
    }
    for (found, expected) in given.into_iter().zip([0.6_f64, 0.3, 0.1]) {
        assert!((found - expected).abs() < 0.01, "{given:?}");
    }
}

#[test]
fn a_share_of_the_traffic_is_stated_as_such_and_a_threshold_stays() {
    let manifest = manifest();
    let mut traffic = Traffic::new(&manifest);
    let share = Policy::strong_share(0.3);
    let decide = |policy: &Policy, traffic: &Traffic, win_rate| {
        policy.decide_among(&manifest, &rated(win_rate), Some(traffic)).unwrap()
    };
    for _ in 0..500 {
        let decision = decide(&share, &traffic, 0.9);
        share.learn(&manifest, &decision, &mut traffic);
    }
    assert!(decide(&share, &traffic, 0.85).model == "small", "it is below all of the traffic");
    let decision = decide(&share, &traffic, 0.95);
    assert_eq!((&*decision.model, decision.reason), ("large", Reason::AboveThreshold));
    assert_eq!(decision.threshold_from, Some(ThresholdFrom::Traffic));
    let decision = decide(&Policy::threshold(0.8), &traffic, 0.85);
    assert_eq!((decision.model.as_str(), decision.threshold), ("large", Some(0.8)));
    assert_eq!(decision.threshold_from, Some(ThresholdFrom::Policy));
    // Without a policy the bundle's own share applies.
    assert_eq!(decide(&Policy::default(), &traffic, 0.85).model, "small");
    assert_eq!(Policy::default().decide(&manifest, &rated(0.85)).unwrap().model, "large");
}

#[test]
fn bad_shares_are_refused_with_what_is_wrong() {
    let manifest = manifest();
    let cases = [
        (json!({"shares": {"small": 0.7, "large": 0.2}}), "policy_out_of_range", "sum"),
        (json!({"shares": {}}), "policy_out_of_range", "sum"),
        (json!({"shares": {"small": 1.5, "large": -0.5}}), "policy_out_of_range", "[0, 1]"),
        (json!({"shares": {"small": 0.5, "huge": 0.5}}), "policy_unknown_model", "huge"),
        (json!({"shares": {"large": 1.0}, "strongShare": 0.5}), "policy_contradiction", "shares"),
        (
            json!({"shares": {"large": 1.0}, "costWeight": 1.0}),
            "policy_contradiction",
            "costWeight",
        ),
    ];
    for (json, code, part) in cases {
        let error = policy(&json).check(&manifest).unwrap_err();
        assert_eq!(error.code(), code);
        assert!(error.to_string().contains(part), "{error}");
    }
    let nearly = json!({"shares": {"small": 0.7, "large": 0.299_999_5}});
    assert!(policy(&nearly).check(&manifest).is_ok());
    let share = json!({"shares": {"large": 1.0}});
    let uncalibrated = Manifest { calibration: None, ..manifest.clone() };
    assert_eq!(policy(&share).check(&uncalibrated).unwrap_err().code(), "policy_unsupported");
}
