//! `verdicts/YYYY-MM-DD/<key>/<decision id>.json`: what a judge said of the two answers to a drawn request.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::clock;
use super::files::Place;

/// Version of the row.
const FORMAT: u32 = 1;

#[derive(Deserialize)]
struct Wire {
    format: u32,
    id: String,
    at: String,
    #[serde(default)]
    key: String,
    query: Option<String>,
    #[serde(default)]
    router: String,
    bundle: Option<BundleName>,
    win_rate: f64,
    strong: String,
    weak: String,
    chosen: String,
    model_a: String,
    model_b: String,
    target: Option<f64>,
    #[serde(default)]
    judge: String,
    probability: f64,
    weight: Option<f64>,
    #[serde(default)]
    costs: BTreeMap<String, Option<f64>>,
    judge_usd: Option<f64>,
    failed: Option<Failed>,
}

/// A bundle by its name and the hash of its manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BundleName {
    pub name: String,
    #[serde(default)]
    pub sha256: String,
}

#[derive(Deserialize)]
struct Failed {
    #[serde(default)]
    at: String,
    #[serde(default)]
    code: String,
}

/// A verdict that passed every check.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The decision's id.
    pub id: String,
    /// Milliseconds from 1970.
    pub at: i64,
    /// Day of the decision.
    pub day: i64,
    /// Name of the caller's key.
    pub key: String,
    /// The query, where the log holds it.
    pub query: Option<String>,
    pub bundle: BundleName,
    pub win_rate: f64,
    pub strong: String,
    pub weak: String,
    /// Whether the router chose the weak LLM.
    pub is_weak_chosen: bool,
    /// What was said: 1 where the strong answer is better, 0 where the weak one is, 1/2 for a tie; or why nothing was.
    pub target: Result<f64, String>,
    /// Name of the judge.
    pub judge: String,
    pub probability: f64,
    /// USD of the strong and the weak answer, where both are known.
    pub costs: Option<[f64; 2]>,
    /// USD of the judge's answers.
    pub judge_usd: f64,
}

/// Reads a row.
///
/// # Errors
/// What was found, and what was expected.
pub(super) fn parse(place: Place<'_>, text: &str) -> Result<Verdict, String> {
    let wire: Wire =
        serde_json::from_str(text).map_err(|error| format!("{error}, expected a verdict"))?;
    let fault = |what: &str, found: &dyn std::fmt::Debug, expected: &str| {
        Err(format!("found {what} {found:?}, expected {expected}"))
    };
    if wire.format != FORMAT {
        return fault(
            "format",
            &wire.format,
            "1: read it with the trainer of its gateway's version",
        );
    }
    if wire.id.is_empty() {
        return fault("id", &wire.id, "the decision's id");
    }
    let Some(at) = clock::instant(&wire.at) else {
        return fault("at", &wire.at, "an instant such as 2026-11-29T10:00:00.000Z");
    };
    if wire.strong == wire.weak {
        return fault("strong and weak", &wire.strong, "two LLMs");
    }
    if (&wire.model_a, &wire.model_b) != (&wire.strong, &wire.weak) {
        let found = (&wire.model_a, &wire.model_b);
        return fault("model_a and model_b", &found, "the strong and the weak LLM");
    }
    if wire.chosen != wire.strong && wire.chosen != wire.weak {
        return fault("chosen", &wire.chosen, "the strong or the weak LLM");
    }
    if !(0.0..=1.0).contains(&wire.win_rate) {
        return fault("win_rate", &wire.win_rate, "a number in [0, 1]");
    }
    if !(wire.probability > 0.0 && wire.probability <= 1.0) {
        return fault("probability", &wire.probability, "a number above 0 and up to 1");
    }
    if let Some(weight) =
        wire.weight.filter(|weight| (weight * wire.probability - 1.0).abs() > 1e-6)
    {
        return fault("weight", &weight, &format!("1 / {}", wire.probability));
    }
    let mut money = wire.costs.values().flatten().chain(&wire.judge_usd);
    if let Some(bad) = money.find(|usd| !(usd.is_finite() && **usd >= 0.0)) {
        return fault("the cost", bad, "USD from 0 up");
    }
    let target = match (wire.target, wire.failed) {
        (None, Some(failed)) => Err(format!("{}: {}", failed.at, failed.code)),
        (Some(target), None) if (0.0..=1.0).contains(&target) => Ok(target),
        (Some(target), None) => return fault("target", &target, "a number in [0, 1]"),
        (Some(_), Some(failed)) => {
            return fault("target beside failed", &failed.code, "one of them");
        }
        (None, None) => return Err("found neither target nor failed, expected one of them".into()),
    };
    let cost = |model: &String| wire.costs.get(model).copied().flatten();
    Ok(Verdict {
        day: place.day.unwrap_or_else(|| clock::day_of(at)),
        costs: cost(&wire.strong).zip(cost(&wire.weak)).map(|(strong, weak)| [strong, weak]),
        is_weak_chosen: wire.chosen == wire.weak,
        bundle: wire.bundle.unwrap_or(BundleName { name: wire.router, sha256: String::new() }),
        judge_usd: wire.judge_usd.unwrap_or(0.0),
        id: wire.id,
        at,
        key: wire.key,
        query: wire.query,
        win_rate: wire.win_rate,
        strong: wire.strong,
        weak: wire.weak,
        target,
        judge: wire.judge,
        probability: wire.probability,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};

    use super::*;

    fn row() -> Value {
        json!({"format": 1, "id": "d-1", "at": "2026-11-29T10:00:00.000Z", "key": "team", "endpoint": "chat/completions",
               "dataset": "shadow", "query": "Why?", "router": "default", "bundle": {"name": "default", "sha256": "ab"},
               "win_rate": 0.62, "threshold": 0.41, "strong": "large", "weak": "small", "chosen": "small",
               "model_a": "large", "model_b": "small", "target": 0.5, "orders": ["first", "first"], "judge": "j",
               "judge_prompt": "p", "probability": 0.05, "weight": 20.0, "costs": {"large": 0.0123, "small": 0.0004},
               "judge_usd": 0.002, "latency_ms": {"large": 900.0}, "failed": null})
    }

    fn read(row: &Value) -> Result<Verdict, String> {
        parse(Place { path: Path::new("x.json"), line: 1, day: None }, &row.to_string())
    }

    #[test]
    fn a_verdict_is_read_with_its_probability_and_both_costs() {
        let found = read(&row()).unwrap();
        assert_eq!(
            (found.target.clone(), found.probability, found.costs),
            (Ok(0.5), 0.05, Some([0.0123, 0.0004]))
        );
        assert_eq!((clock::name(found.day), found.is_weak_chosen), ("2026-11-29".into(), true));
        let mut one = row();
        one["costs"] = json!({"large": 0.1, "small": null});
        assert_eq!(read(&one).unwrap().costs, None);
        let mut failed = row();
        (failed["target"], failed["failed"]) =
            (Value::Null, json!({"at": "judge", "code": "timeout"}));
        assert_eq!(read(&failed).unwrap().target, Err("judge: timeout".into()));
        let mut bare = row();
        bare.as_object_mut().unwrap().remove("bundle");
        assert_eq!(read(&bare).unwrap().bundle.name, "default");
    }

    #[test]
    fn a_bad_row_is_told_with_what_was_expected() {
        for (field, value, expected) in [
            ("format", json!(2), "found format 2"),
            ("id", json!(""), "found id"),
            ("at", json!("yesterday"), "such as 2026"),
            ("probability", json!(0.0), "above 0 and up to 1"),
            ("probability", json!(1.5), "above 0 and up to 1"),
            ("probability", Value::Null, "expected f64"),
            ("weight", json!(21.0), "1 / 0.05"),
            ("win_rate", json!(1.5), "in [0, 1]"),
            ("target", json!(1.01), "in [0, 1]"),
            ("target", Value::Null, "neither target nor failed"),
            ("failed", json!({"at": "model", "code": "x"}), "one of them"),
            ("model_a", json!("small"), "the strong and the weak LLM"),
            ("chosen", json!("other"), "the strong or the weak LLM"),
            ("weak", json!("large"), "two LLMs"),
            ("costs", json!({"large": -1.0}), "USD from 0 up"),
            ("judge_usd", json!(-0.1), "USD from 0 up"),
        ] {
            let mut bad = row();
            bad[field] = value;
            let error = read(&bad).unwrap_err();
            assert!(error.contains(expected), "{field}: {error}");
        }
        assert!(parse(Place { path: Path::new("x"), line: 1, day: None }, "{").is_err());
    }
}
