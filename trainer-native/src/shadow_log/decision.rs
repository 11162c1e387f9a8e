//! `decisions/YYYY-MM-DD/<key>/<decision id>.json`: what the router chose, and whether the request was drawn.

use serde::Deserialize;
use serde_json::Value;

use super::verdict::BundleName;

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    decision_id: String,
    #[serde(default)]
    router: String,
    bundle: Option<BundleName>,
    #[serde(default)]
    model: String,
    mode: Option<String>,
    chosen: Option<String>,
    strong: Option<String>,
    weak: Option<String>,
    win_rate: Option<f64>,
    chosen_cost: Option<f64>,
    cost: Option<f64>,
    answer_cost: Option<f64>,
    task: Option<Value>,
    shadow: Option<Drawn>,
}

/// Whether a request was drawn for comparison.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct Drawn {
    pub probability: f64,
    #[serde(default)]
    pub sampled: bool,
}

/// A decision that passed every check.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    pub id: String,
    pub bundle: BundleName,
    /// The strong and the weak LLM, where it was decided between two.
    pub pair: Option<[String; 2]>,
    pub is_weak_chosen: bool,
    pub win_rate: Option<f64>,
    /// Cluster or name of the task.
    pub task: Option<String>,
    /// `None` where the request could not be drawn.
    pub drawn: Option<Drawn>,
    /// USD of what was called and of what would have been called, where the router only observed and both are known;
    /// `Some(None)` where it observed and one is not known.
    pub observed: Option<Option<[f64; 2]>>,
}

/// Reads a row; `None` for a request that failed before it was rated.
///
/// # Errors
/// What was found, and what was expected.
pub(super) fn parse(text: &str) -> Result<Option<Decision>, String> {
    let wire: Wire =
        serde_json::from_str(text).map_err(|error| format!("{error}, expected a decision"))?;
    if wire.decision_id.is_empty() {
        return Ok(None);
    }
    let fault = |what: &str, found: &dyn std::fmt::Debug, expected: &str| {
        Err(format!("found {what} {found:?}, expected {expected}"))
    };
    if let Some(bad) = wire.win_rate.filter(|win_rate| !(0.0..=1.0).contains(win_rate)) {
        return fault("win_rate", &bad, "a number in [0, 1]");
    }
    if let Some(bad) =
        wire.shadow.filter(|drawn| !(drawn.probability > 0.0 && drawn.probability <= 1.0))
    {
        return fault(
            "the probability of shadow",
            &bad.probability,
            "a number above 0 and up to 1",
        );
    }
    let is_observed = match wire.mode.as_deref() {
        None | Some("on") => false,
        Some("observe") => true,
        Some(other) => return fault("mode", &other, "\"on\" or \"observe\""),
    };
    let task = match wire.task {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => Some(name),
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(other) => return fault("task", &other, "a number or a name"),
    };
    let chosen = wire.chosen.as_ref().unwrap_or(&wire.model);
    let called = wire.answer_cost.or(wire.cost);
    // What is chosen and called is one answer, whatever the estimate says.
    let of_chosen = if *chosen == wire.model { called } else { wire.chosen_cost };
    let costs = called.zip(of_chosen).filter(|(a, b)| *a >= 0.0 && *b >= 0.0);
    Ok(Some(Decision {
        is_weak_chosen: wire.weak.as_ref() == Some(chosen),
        pair: wire.strong.zip(wire.weak).map(|(strong, weak)| [strong, weak]),
        bundle: wire.bundle.unwrap_or(BundleName { name: wire.router, sha256: String::new() }),
        id: wire.decision_id,
        win_rate: wire.win_rate,
        task,
        drawn: wire.shadow,
        observed: is_observed.then(|| costs.map(|(called, chosen)| [called, chosen])),
    }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn decisions_are_read_whether_drawn_or_not_and_what_was_not_rated_is_passed_over() {
        let text = r#"{"decision_id": "d", "router": "default", "bundle": {"name": "default", "sha256": "ab"},
            "model": "large", "mode": "observe", "chosen": "small", "strong": "large", "weak": "small", "win_rate": 0.2,
            "cost": 0.02, "chosen_cost": 0.001, "task": 7, "shadow": {"probability": 0.1, "sampled": true}, "new": 1}"#;
        let found = parse(text).unwrap().unwrap();
        assert_eq!((found.is_weak_chosen, found.task.as_deref()), (true, Some("7")));
        assert_eq!(found.drawn, Some(Drawn { probability: 0.1, sampled: true }));
        assert_eq!(found.observed, Some(Some([0.02, 0.001])));
        let same = text.replace("\"chosen\": \"small\"", "\"chosen\": \"large\"");
        assert_eq!(parse(&same).unwrap().unwrap().observed, Some(Some([0.02, 0.02])));
        let unknown = text.replace("\"chosen_cost\": 0.001,", "");
        assert_eq!(parse(&unknown).unwrap().unwrap().observed, Some(None));
        let old = r#"{"decision_id": "d", "router": "default", "model": "small", "win_rate": 0.2, "cost": 0.1}"#;
        let found = parse(old).unwrap().unwrap();
        assert_eq!((found.pair, found.drawn, found.observed), (None, None, None));
        assert_eq!(parse(r#"{"id": "r", "decision_id": ""}"#).unwrap(), None);
        for bad in [
            text.replace("0.1,", "0.0,"),
            text.replace("\"win_rate\": 0.2", "\"win_rate\": 2"),
            text.replace("observe", "off"),
            text.replace("\"task\": 7", "\"task\": [7]"),
            "[]".into(),
        ] {
            assert!(parse(&bad).unwrap_err().contains("expected"), "{bad}");
        }
    }
}
