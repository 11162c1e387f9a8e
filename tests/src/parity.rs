//! The cases of the parity suite, for which every host must give the same answer: queries, policies and
//! expected answers.

use std::collections::BTreeMap;

use pointsman::{DEFAULT_TURN_DECAY, Decision, Query, RouteRequest, Router, RouterError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// `tests/fixtures/parity.json`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Parity {
    /// Absolute tolerance of win rates and scores, since hosts add floats in different orders.
    pub tolerance: f64,
    /// The cases.
    pub cases: Vec<Case>,
}

/// One request and its answer.
#[derive(Debug, Serialize, Deserialize)]
pub struct Case {
    /// The case's title.
    pub name: String,
    /// The request, as `RouteRequest` reads it: `query` or `messages`, and `policy`.
    #[serde(flatten)]
    pub request: Map<String, Value>,
    /// The decision, or `{"code": ...}`.
    pub expect: Value,
}

/// Makes a request with these user turns and the fields of `more`.
fn conversation(turns: &[&str], mut more: Value) -> Value {
    let messages = turns.iter().map(|text| json!({"role": "user", "content": text}));
    more["messages"] = messages.collect();
    more
}

/// The requests of the parity suite.
#[must_use]
pub fn requests() -> Vec<(&'static str, Map<String, Value>)> {
    let long = "prove that the sum of every even number and an odd number is odd. ".repeat(40);
    let requests = [
        ("plain English", json!({"query": "What is the capital city of the country?"})),
        (
            "a harder one",
            json!({"query": "Prove that there exists a prime number between n and 2n."}),
        ),
        ("code", json!({"query": "def sum(a, b):\n    return a + b  # why?"})),
        ("Chinese", json!({"query": "请证明:世界和平是好的。为什么?"})),
        ("Chinese and English", json!({"query": "大语言模型 routing 是什么? Explain the 模型."})),
        ("emoji", json!({"query": "hello 🙂🚦 which model? 👩‍🔬"})),
        ("accents and case", json!({"query": "ÉCRIS une fonction, S'IL TE PLAÎT; naïve café"})),
        ("combining marks", json!({"query": "e\u{301}crire cafe\u{301}"})),
        ("right to left", json!({"query": "ما هي عاصمة البلد؟ hello"})),
        ("unknown script only", json!({"query": "ქართული"})),
        ("white space around", json!({"query": "  \n\t how to route a query?  \n"})),
        ("a tab, a soft hyphen, a zero-width space", json!({"query": "co\u{ad}de\t\u{200b}list"})),
        ("a long word", json!({"query": "supercalifragilisticexpialidociousness"})),
        ("a word past WordPiece's limit", json!({"query": format!("{} ok", "x".repeat(101))})),
        ("past the longest sequence", json!({"query": long})),
        ("numbers", json!({"query": "3.14159 * 2 = ? 1,000,000"})),
        ("threshold 0: always strong", json!({"query": "hello", "policy": {"threshold": 0.0}})),
        ("threshold 1: always weak", json!({"query": "hello", "policy": {"threshold": 1.0}})),
        ("a share", json!({"query": "explain the theorem", "policy": {"strongShare": 0.25}})),
        ("share 1", json!({"query": "explain the theorem", "policy": {"strongShare": 1.0}})),
        ("no money for strong", json!({"query": "prove it", "policy": {"maxCost": 0.001}})),
        ("score less cost", json!({"query": "prove it", "policy": {"costWeight": 20.0}})),
        ("one candidate allowed", json!({"query": "hi", "policy": {"candidates": ["tiny-weak"]}})),
        ("weak's window is too small", json!({"query": "hi", "policy": {"inputTokens": 1800}})),
        (
            "a limit on the output above weak's window",
            json!({"query": "hi", "policy": {"outputTokens": 4000, "threshold": 1.0}}),
        ),
        (
            "a conversation",
            json!({"messages": [
                {"role": "system", "content": "Answer in one line."},
                {"role": "user", "content": "Prove the theorem."},
                {"role": "assistant", "content": "Shall I?"},
                {"role": "user", "content": [{"type": "text", "text": "yes, please"},
                                             {"type": "image_url", "image_url": {"url": "x:"}}]}
            ]}),
        ),
        ("an easy turn after a hard one", conversation(&["prove the theorem", "hi"], json!({}))),
        (
            "an easy turn alone counts",
            conversation(&["prove the theorem", "hi"], json!({"policy": {"turnDecay": 1.0}})),
        ),
        (
            "a hard turn after easy ones",
            conversation(&["hi", "hi", "prove the theorem"], json!({})),
        ),
        (
            "more turns than count",
            conversation(&["prove the theorem", "a", "b", "c", "d", "e", "f", "g", "h"], json!({})),
        ),
        (
            "stated input tokens",
            json!({"query": "hi", "policy": {"inputTokens": 3000, "outputTokens": 10}}),
        ),
        ("turnDecay out of range", json!({"query": "hi", "policy": {"turnDecay": -0.1}})),
        ("empty", json!({"query": ""})),
        ("white space only", json!({"query": " \n "})),
        ("NUL", json!({"query": "a\u{0}b"})),
        ("no user text", json!({"messages": [{"role": "assistant", "content": "hi"}]})),
        ("no messages", json!({"messages": []})),
        ("unknown policy field", json!({"query": "hi", "policy": {"treshold": 0.5}})),
        ("threshold out of range", json!({"query": "hi", "policy": {"threshold": 1.5}})),
        (
            "threshold and share",
            json!({"query": "hi", "policy": {"threshold": 0.5, "strongShare": 0.5}}),
        ),
        ("unknown candidate", json!({"query": "hi", "policy": {"candidates": ["gpt-9"]}})),
        ("no candidate affordable", json!({"query": "hi", "policy": {"maxCost": 0.0}})),
        ("no candidate allowed", json!({"query": "hi", "policy": {"candidates": []}})),
    ];
    let object = |value: Value| value.as_object().cloned().unwrap_or_default();
    requests.into_iter().map(|(name, request)| (name, object(request))).collect()
}

/// Answers a request with the native engine.
///
/// # Errors
/// Errors of the engine.
pub fn answer(router: &Router, request: &Map<String, Value>) -> Result<Decision, RouterError> {
    let request = RouteRequest::from_json(&Value::Object(request.clone()).to_string())?;
    router.route(&request.query, &request.policy)
}

/// Absolute tolerance of the other kinds' win rates and scores. A transformer quantises activations at
/// run time, so another order of a sum of floats can move one by a quantisation step.
pub const KINDS_TOLERANCE: f64 = 5e-3;

/// `tests/fixtures/kinds.json`: the answers of each kind and tier for a few queries.
#[derive(Debug, Serialize, Deserialize)]
pub struct KindCases {
    /// Absolute tolerance of win rates and scores.
    pub tolerance: f64,
    /// Answers by the bundle's folder in `tests/fixtures/kinds`.
    pub bundles: BTreeMap<String, Vec<KindCase>>,
}

/// A query and a bundle's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KindCase {
    /// The query.
    pub query: String,
    /// P(strong beats weak).
    pub win_rate: f64,
    /// Quality of each candidate.
    pub scores: Vec<f64>,
}

/// The queries for every kind and tier.
#[must_use]
pub fn kind_requests() -> [&'static str; 5] {
    [
        "hi",
        "What is the capital city of the country?",
        "Prove that there exists a prime number between n and 2n.",
        "请证明:世界和平是好的。为什么?",
        "def sum(a, b):\n    return a + b  # why?",
    ]
}

/// Answers a query with a bundle.
///
/// # Errors
/// Errors of the engine.
pub fn kind_answer(router: &Router, query: &str) -> Result<KindCase, RouterError> {
    let found = router.assess(&Query::new(query)?, DEFAULT_TURN_DECAY)?;
    let win_rate = found.win_rate.unwrap_or(f64::NAN);
    Ok(KindCase { query: query.into(), win_rate, scores: found.scores })
}
