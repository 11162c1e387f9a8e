//! A host's own LLMs on a bundle of kind `difficulty`, and renamed candidates of another kind.
//!
//! The bundle is `tests/fixtures/tiny`, whose two scores are read as two demands.

#![allow(clippy::unwrap_used, clippy::panic)]

use pointsman::{
    Ability, AbilityPrior, Candidate, Candidates, Manifest, Outcome, OwnCandidate, Policy, Query,
    Reason, Router, RouterError, Traffic,
};
use serde_json::{Value, json};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/tiny");
const QUERIES: [&str; 5] = [
    "Hello",
    "What is the capital of Italy?",
    "Prove that every even number is a sum.",
    "Write a function that sums a list in Python, please.",
    "Why?",
];

fn with_manifest(change: impl FnOnce(&mut Value)) -> Router {
    let read = |name: &str| std::fs::read(format!("{FOLDER}/{name}")).unwrap();
    let mut manifest: Value = serde_json::from_slice(&read("router.json")).unwrap();
    change(&mut manifest);
    let files = ["model.onnx", "tokenizer.json"].map(|name| (name, read(name)));
    let manifest = ("router.json", manifest.to_string().into_bytes());
    Router::from_files(&files.into_iter().chain([manifest]).collect::<Vec<_>>()).unwrap()
}

/// A bundle of kind `difficulty` with the candidates `small` and `large`.
fn difficulty() -> Router {
    with_manifest(|manifest| {
        manifest["kind"] = "difficulty".into();
        manifest["curves"] = json!([]);
        manifest["candidates"] = json!([
            {"id": "small", "ability": {"intercept": -0.5, "slopes": [1.5, 0.0]}},
            {"id": "large", "ability": {"intercept": 1.5, "slopes": [0.5, 0.0]}}
        ]);
        manifest["head"] = json!({
            "strong": "large", "weak": "small", "default_strong_share": 0.5,
            "demands": ["difficulty", "pair"],
            "abilities": {
                "small": {"intercept": -0.5, "slopes": [1.5, 0.0]},
                "medium": {"intercept": 0.5, "slopes": [1.0, 0.0]},
                "large": {"intercept": 1.5, "slopes": [0.5, 0.0]}
            }
        });
        let demands: Vec<[f64; 2]> = (0..41).map(|i| [f64::from(i) / 10.0 - 2.0, 0.0]).collect();
        manifest["calibration"]["demands"] = json!(demands);
    })
}

fn query(text: &str) -> Query {
    Query::new(text).unwrap()
}

fn own(candidates: &Value) -> Result<Router, RouterError> {
    difficulty().with_candidates(&Candidates::from_json(&candidates.to_string())?)
}

fn fault(candidates: &Value) -> (&'static str, String) {
    match own(candidates) {
        Ok(_) => panic!("{candidates} was accepted"),
        Err(error) => (error.code(), error.to_string()),
    }
}

fn quality(ability: &Ability, router: &Router, text: &str) -> f64 {
    ability.quality(&router.demands(&query(text)).unwrap())
}

#[test]
fn qualities_and_win_rate_follow_from_demands_and_abilities() {
    let router = difficulty();
    for text in QUERIES {
        let demands = router.demands(&query(text)).unwrap();
        let scores =
            router.encoder().run(&router.encoder().tokenize(text).unwrap()).unwrap().scores;
        assert_eq!(demands, scores.iter().map(|&d| f64::from(d)).collect::<Vec<_>>());
        let found = router.assess(&query(text), 0.3).unwrap();
        let small = 1.0 / (1.0 + (0.5 + 1.5 * demands[0]).exp());
        let large = 1.0 / (1.0 + (-1.5 + 0.5 * demands[0]).exp());
        assert!((found.scores[0] - small).abs() < 1e-12 && (found.scores[1] - large).abs() < 1e-12);
        assert!((found.win_rate.unwrap() - f64::midpoint(1.0, large - small)).abs() < 1e-12);
    }
}

#[test]
fn roles_and_tiers_route_between_a_hosts_own_models() {
    let router = own(&json!({"candidates": [
        {"id": "gpt", "role": "large", "inputPrice": 2.0, "outputPrice": 8.0, "contextWindow": 9000},
        {"id": "between", "tier": "medium"},
        {"id": "tiny-llm", "role": "small", "inputPrice": 0.1, "outputPrice": 0.2}
    ]}))
    .unwrap();
    let info = router.info();
    assert_eq!(
        (info.head.strong.as_deref(), info.head.weak.as_deref()),
        (Some("gpt"), Some("tiny-llm"))
    );
    assert_eq!(info.candidates[0].context_window, Some(9000));
    assert!(info.metrics.is_empty() && info.curves.is_empty() && info.map.is_none());
    for text in QUERIES {
        let bundles = difficulty().assess(&query(text), 0.3).unwrap();
        let found = router.assess(&query(text), 0.3).unwrap();
        assert_eq!(found.win_rate, bundles.win_rate);
        assert_eq!(found.scores[0], bundles.scores[1]);
        let decision = router.route(&query(text), &Policy::threshold(0.0)).unwrap();
        assert_eq!((decision.model.as_str(), decision.reason), ("gpt", Reason::AboveThreshold));
        let cheap = Policy { cost_weight: Some(1e9), ..Policy::default() };
        let allowed = Some(vec!["gpt".to_owned(), "tiny-llm".to_owned()]);
        let cheap = Policy { candidates: allowed, ..cheap };
        assert_eq!(router.route(&query(text), &cheap).unwrap().model, "tiny-llm");
    }
    // Shares divide the queries among all three, the easiest for the least able.
    let shares = [("gpt", 0.3), ("between", 0.4), ("tiny-llm", 0.3)];
    let shares = Some(shares.map(|(name, share)| (name.to_owned(), share)).into());
    let shares = Policy { shares, ..Policy::default() };
    let mut by_rate: Vec<(f64, String)> = (0..60)
        .map(|i| router.route(&query(&"a b c 1 2 , prove why ".repeat(9)[i..]), &shares).unwrap())
        .map(|decision| (decision.win_rate.unwrap(), decision.model))
        .collect();
    by_rate.sort_by(|a, b| a.0.total_cmp(&b.0));
    let place = |model: &String| ["tiny-llm", "between", "gpt"].iter().position(|m| m == model);
    assert!(by_rate.iter().map(|(_, model)| place(model).unwrap()).is_sorted(), "{by_rate:?}");
    // The pair is as able as the bundle's, whose quantiles hold.
    assert_eq!(
        info.calibration.as_ref().unwrap().quantiles,
        difficulty().info().calibration.as_ref().unwrap().quantiles
    );
}

#[test]
fn mean_qualities_are_computed_once_and_anew_for_a_changed_clone() {
    let list = json!({"candidates": [
        {"id": "gpt", "role": "large"}, {"id": "between", "tier": "medium"},
        {"id": "tiny-llm", "role": "small"}
    ]});
    let router = own(&list).unwrap();
    let info = router.info();
    let expected = |info: &Manifest, demands: &[Vec<f64>]| -> Vec<f64> {
        let ability = |candidate: &Candidate| candidate.ability.clone().unwrap();
        let of = |a: Ability| demands.iter().map(|d| a.quality(d)).sum::<f64>();
        info.candidates.iter().map(|c| of(ability(c)) / demands.len() as f64).collect()
    };
    let demands = info.calibration.as_ref().unwrap().demands.as_ref().unwrap();
    let demands: Vec<Vec<f64>> =
        demands.iter().map(|row| row.iter().map(|&d| f64::from(d)).collect()).collect();
    let means = info.mean_qualities().unwrap();
    assert_eq!(means, expected(info, &demands));
    assert!(std::ptr::eq(means, info.mean_qualities().unwrap()), "they are computed once");
    // Decisions are those of a manifest that was never asked, to the last bit.
    let shares = [("gpt", 0.3), ("between", 0.4), ("tiny-llm", 0.3)];
    let shares = Some(shares.map(|(name, share)| (name.to_owned(), share)).into());
    let policy = Policy { shares, ..Policy::default() };
    for text in QUERIES {
        let rated = router.assess(&query(text), 0.3).unwrap();
        assert_eq!(policy.decide(info, &rated), policy.decide(&info.clone(), &rated));
    }
    let without = Manifest { calibration: None, ..info.clone() };
    assert_eq!(without.mean_qualities().unwrap(), expected(info, &[vec![0.0, 0.0]]));
    // A lone candidate has no pair and loses the calibration: the mean is that of what is left.
    let lone = own(&json!({"candidates": [{"id": "gpt", "role": "large"}]})).unwrap();
    let lone = lone.info();
    assert!(lone.calibration.is_none());
    assert_eq!(lone.mean_qualities().unwrap(), expected(lone, &[vec![0.0, 0.0]]));
}

#[test]
fn the_quantiles_of_another_pair_follow_from_the_calibrations_demands() {
    let router = own(&json!({"candidates": [
        {"id": "a", "tier": "medium"}, {"id": "b", "tier": "large"}
    ]}))
    .unwrap();
    let info = router.info();
    assert_eq!((info.head.strong.as_deref(), info.head.weak.as_deref()), (Some("b"), Some("a")));
    let calibration = info.calibration.clone().unwrap();
    let abilities: Vec<&Ability> =
        info.candidates.iter().map(|c| c.ability.as_ref().unwrap()).collect();
    let rates: Vec<f64> = (0..41)
        .map(|i| [(i as f64 / 10.0 - 2.0), 0.0])
        .map(|demands| {
            f64::midpoint(1.0, abilities[1].quality(&demands) - abilities[0].quality(&demands))
        })
        .collect();
    for share in [0.1, 0.3, 0.5, 0.9] {
        let threshold = calibration.threshold_at_share(share);
        let strong = rates.iter().filter(|rate| **rate >= threshold).count();
        assert!((strong as f64 / 41.0 - share).abs() <= 0.03, "{share}: {strong} of 41");
    }
}

#[test]
fn a_pair_that_is_stated_is_kept_and_a_lone_candidate_has_none() {
    let candidates = json!([
        {"id": "a", "tier": "small"}, {"id": "b", "tier": "medium"}, {"id": "c", "tier": "large"}
    ]);
    let pair = |stated: Value| {
        let mut all = stated;
        all["candidates"] = candidates.clone();
        let head = own(&all).unwrap().info().head.clone();
        (head.strong.unwrap(), head.weak.unwrap())
    };
    let expected = |strong: &str, weak: &str| (strong.to_owned(), weak.to_owned());
    assert_eq!(pair(json!({})), expected("c", "a"));
    assert_eq!(pair(json!({"weak": "b"})), expected("c", "b"));
    assert_eq!(pair(json!({"strong": "b"})), expected("b", "a"));
    assert_eq!(pair(json!({"strong": "a"})), expected("a", "b"));
    assert_eq!(pair(json!({"strong": "a", "weak": "c"})), expected("a", "c"));
    let equal = json!({"candidates": [{"id": "x", "tier": "large"}, {"id": "y", "tier": "large"}]});
    let head = own(&equal).unwrap().info().head.clone();
    assert_eq!((head.strong.as_deref(), head.weak.as_deref()), (Some("x"), Some("y")));
    let lone = own(&json!({"candidates": [{"id": "a", "tier": "small"}]})).unwrap();
    assert!(lone.info().pair().is_none() && lone.info().calibration.is_none());
    let decision = lone.route(&query("Hello"), &Policy::default()).unwrap();
    assert_eq!((decision.model.as_str(), decision.reason), ("a", Reason::OnlyCandidate));
}

#[test]
fn outcomes_give_an_ability_at_once_and_the_same_as_fitted_before() {
    let router = difficulty();
    let outcomes: Vec<Outcome> = (0..60)
        .map(|i| Outcome { query: format!("{} {i}", QUERIES[i % 5]), score: (i % 3) as f64 / 2.0 })
        .collect();
    let large = AbilityPrior { tier: Some("large".into()), ..AbilityPrior::default() };
    let ability = router.fit_ability(&outcomes, &large).unwrap();
    let by = |own: Value| own_ability(&json!({"candidates": [own, {"id": "small"}]}));
    assert_eq!(by(json!({"id": "new", "tier": "large", "outcomes": outcomes})), ability);
    assert_eq!(by(json!({"id": "new", "ability": ability})), ability);
    let unknown = router.fit_ability(&outcomes, &AbilityPrior::default()).unwrap();
    assert_eq!(by(json!({"id": "new", "outcomes": outcomes})), unknown);
    // Right answers alone make it abler than its tier, wrong ones alone less able.
    let all = |score: f64| {
        let rows: Vec<Outcome> =
            outcomes.iter().map(|o| Outcome { query: o.query.clone(), score }).collect();
        router.fit_ability(&rows, &large).unwrap()
    };
    let text = QUERIES[1];
    let tier = quality(&router.info().head.abilities.as_ref().unwrap()["large"], &router, text);
    assert!(quality(&all(1.0), &router, text) > tier && tier > quality(&all(0.0), &router, text));
}

fn own_ability(candidates: &Value) -> Ability {
    own(candidates).unwrap().info().candidates[0].ability.clone().unwrap()
}

#[test]
fn traffic_seen_with_another_pair_is_refused() {
    let learnt = |router: &Router| {
        let mut traffic = Traffic::new(router.info());
        router.route_learning(&query("Hello"), &Policy::strong_share(0.5), &mut traffic).unwrap();
        traffic.to_json()
    };
    let renamed = own(&json!({"candidates": [
        {"id": "a", "role": "small"}, {"id": "b", "role": "large"}
    ]}))
    .unwrap();
    let abler = own(&json!({"candidates": [{"id": "small", "tier": "medium"}, {"id": "large"}]}));
    assert!(Traffic::from_json(&learnt(&difficulty()), renamed.info()).is_ok());
    let refused = Traffic::from_json(&learnt(&difficulty()), abler.unwrap().info()).unwrap_err();
    assert_eq!(refused.code(), "traffic_bad_state");
    assert!(refused.to_string().contains("another pair"), "{refused}");
}

#[test]
fn the_cache_forgets_the_bundles_candidates() {
    let router = difficulty();
    router.set_cache_capacity(8);
    let before = router.assess(&query("Hello"), 0.3).unwrap();
    let all = r#"{"candidates": [{"id": "a", "tier": "medium"}, {"id": "b", "tier": "large"}]}"#;
    let router = router.with_candidates(&Candidates::from_json(all).unwrap()).unwrap();
    assert_ne!(router.assess(&query("Hello"), 0.3).unwrap().scores, before.scores);
}

#[test]
fn a_candidates_unknown_field_is_named_with_all_that_are_known() {
    let whole = json!({
        "id": "x", "role": "small", "tier": "large", "ability": {"intercept": 0.5, "slopes": [1.0, 2.0]},
        "outcomes": [{"query": "Hi", "score": 1.0}], "inputPrice": 1.0, "outputPrice": 2.0,
        "contextWindow": 4096
    });
    let read: OwnCandidate = serde_json::from_value(whole.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), whole);
    let (_, message) = fault(&json!({"candidates": [{"id": "x", "teir": "small"}]}));
    let (_, expected) = message.split_once(": expected ").unwrap();
    let mut expected: Vec<&str> = expected.split(", ").collect();
    expected.sort_unstable();
    assert_eq!(expected, whole.as_object().unwrap().keys().collect::<Vec<_>>(), "{message}");
}

#[test]
fn bad_candidates_are_named() {
    for (candidates, words) in [
        (json!({"candidates": []}), "found no candidate"),
        (json!({}), "missing field `candidates`"),
        (json!({"candidates": [{"id": "x", "teir": "small"}]}), "unknown field `teir`"),
        (
            json!({"candidates": [{"id": "x", "ability": {"intercept": 1, "slope": [1]}}]}),
            "unknown field `slope`, expected `intercept` or `slopes`",
        ),
        (json!({"candidates": [{"id": "x", "role": 1}]}), "expected a string"),
        (json!({"candidates": [{"id": "x"}]}), "\"x\": nothing says how able it is"),
        (json!({"candidates": [{"id": "x", "role": "big"}]}), "expected one of small, large"),
        (
            json!({"candidates": [{"id": "x", "tier": "huge"}]}),
            "tier is \"huge\": expected large, medium, small",
        ),
        (
            json!({"candidates": [{"id": "x", "tier": "large", "role": "large"}]}),
            "expected one of them",
        ),
        (
            json!({"candidates": [{"id": "x", "ability": {"intercept": 1, "slopes": [1]}}]}),
            "has 1 slopes: expected 2",
        ),
        (json!({"candidates": [{"id": "small"}, {"id": "small"}]}), "\"small\" is listed twice"),
        (json!({"candidates": [{"id": "näme", "tier": "large"}]}), "printable ASCII"),
        (json!({"candidates": [{"id": "small", "inputPrice": -1}]}), "input_price"),
        (
            json!({"candidates": [{"id": "small"}, {"id": "large"}], "strong": "x"}),
            "strong is \"x\": expected one of small, large",
        ),
        (
            json!({"candidates": [{"id": "small"}, {"id": "large"}], "strong": "small", "weak": "small"}),
            "the same candidate",
        ),
    ] {
        let (code, message) = fault(&candidates);
        assert_eq!(code, "candidates_invalid", "{message}");
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn bad_outcomes_are_named_with_their_candidate() {
    for (outcomes, words) in [
        (json!([]), "\"x\": found no outcome"),
        (
            json!([{"query": "Hi", "score": 1}, {"query": "Hi", "score": 1.5}]),
            "\"x\": score 1 is 1.5",
        ),
        (json!([{"query": " ", "score": 1}]), "\"x\": outcome 0: query is empty"),
        (json!([{"query": "a\u{0}", "score": 1}]), "\"x\": outcome 0: query is not"),
    ] {
        let (code, message) = fault(&json!({"candidates": [{"id": "x", "outcomes": outcomes}]}));
        assert_eq!(code, "outcomes_invalid", "{message}");
        assert!(message.contains(words), "{message}");
    }
    let prior = AbilityPrior { tier: Some("x".into()), ..AbilityPrior::default() };
    let row = Outcome { query: "Hi".into(), score: 1.0 };
    assert_eq!(difficulty().fit_ability(&[row], &prior).unwrap_err().code(), "candidates_invalid");
}

#[test]
fn a_role_renames_a_candidate_of_another_kind() {
    let bundle = || with_manifest(|_| ());
    let own = |json: Value| bundle().with_candidates(&Candidates::from_json(&json.to_string())?);
    let router = own(json!({"candidates": [
        {"id": "mine", "role": "tiny-strong", "inputPrice": 1, "outputPrice": 2}
    ]}))
    .unwrap();
    let info: &Manifest = router.info();
    assert_eq!(info.candidate_names(), "mine, tiny-weak");
    assert_eq!(
        (info.head.strong.as_deref(), info.candidates[0].context_window),
        (Some("mine"), None)
    );
    let before = bundle();
    assert_eq!(
        (&info.calibration, &info.metrics),
        (&before.info().calibration, &before.info().metrics)
    );
    assert_eq!(info.curves.len(), before.info().curves.len());
    for text in QUERIES {
        assert_eq!(router.assess(&query(text), 0.3), before.assess(&query(text), 0.3));
    }
    // Names may be exchanged.
    let swapped = own(json!({"candidates": [
        {"id": "tiny-weak", "role": "tiny-strong"}, {"id": "tiny-strong", "role": "tiny-weak"}
    ]}))
    .unwrap();
    assert_eq!(swapped.info().pair(), Some((0, 1)));
    assert_eq!(swapped.info().candidate_names(), "tiny-weak, tiny-strong");
    let code = |json: Value| own(json).map(|_| ()).unwrap_err().code();
    assert_eq!(code(json!({"candidates": [{"id": "x", "tier": "large"}]})), "demands_unsupported");
    assert_eq!(code(json!({"candidates": [{"id": "x", "outcomes": []}]})), "demands_unsupported");
    assert_eq!(code(json!({"candidates": [{"id": "x"}]})), "candidates_invalid");
    let twice = json!({"candidates": [
        {"id": "x", "role": "tiny-weak"}, {"id": "y", "role": "tiny-weak"}
    ]});
    assert_eq!(code(twice), "candidates_invalid");
    let pair = json!({"candidates": [{"id": "tiny-weak"}], "strong": "tiny-weak"});
    assert_eq!(code(pair), "candidates_invalid");
    assert_eq!(before.demands(&query("Hi")).unwrap_err().code(), "demands_unsupported");
    let prior = AbilityPrior::default();
    assert_eq!(before.fit_ability(&[], &prior).unwrap_err().code(), "demands_unsupported");
}
