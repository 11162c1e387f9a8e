//! The comparison of both LLMs' answers to a request: a JSON file in R2, written once.
//!
//! ```text
//! verdicts/2026-11-22/<key's name>/<decision id>.json
//! ```
//! With a query its fields are a row of the trainer's `preferences-jsonl`: `model_a` is the strong LLM, `target`
//! 1 where its answer is better. `weight` is the inverse of the probability of being drawn (Horvitz and
//! Thompson, 1952).

use std::collections::BTreeMap;

use pointsman::judge::{Place, target, without_reasoning};
use serde::Serialize;

use super::record::{BundleId, Draw, Record};
use crate::wire::answer::AnswerContent;

/// The format of the file.
const FORMAT: u32 = 1;
/// The data set's name in rows of the trainer's.
const DATASET: &str = "shadow";

/// What a comparison came to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Comparison {
    /// The judge named these places, with the strong LLM's answer first, then second.
    Judged([Place; 2]),
    /// No judge was asked: the share of the strong LLM.
    WithoutJudge(f32),
    /// A call failed.
    Failed(Failed),
}

/// Which call failed, by the code of its error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Failed {
    /// `model` or `judge`.
    pub(crate) at: &'static str,
    pub(crate) code: String,
}

/// The file of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Verdict {
    format: u32,
    id: String,
    at: String,
    key: String,
    endpoint: String,
    dataset: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_hmac: Option<String>,
    router: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle: Option<BundleId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arm: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    win_rate: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
    strong: String,
    weak: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    chosen: Option<String>,
    model_a: String,
    model_b: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    orders: Option<[Place; 2]>,
    judge: String,
    judge_prompt: String,
    probability: f64,
    weight: f64,
    costs: BTreeMap<String, f64>,
    judge_usd: f64,
    latency_ms: BTreeMap<String, f64>,
    failed: Option<Failed>,
}

/// What a comparison states beside the decision's record.
pub(crate) struct Compared {
    pub(crate) comparison: Comparison,
    pub(crate) judge: String,
    pub(crate) judge_prompt: String,
    pub(crate) draw: Draw,
    /// The LLM that was asked beside the one that answered, its cost in US dollars, and how long it took.
    pub(crate) other: (String, Option<f64>, f64),
    pub(crate) judge_usd: f64,
}

impl Verdict {
    /// The file of a comparison; none if the record names no pair.
    pub(crate) fn new(record: &Record, compared: Compared) -> Option<Self> {
        let (strong, weak) = (record.strong.clone()?, record.weak.clone()?);
        let (share, orders, failed) = match compared.comparison {
            Comparison::Judged([forward, backward]) => {
                (Some(target(forward, backward)), Some([forward, backward]), None)
            }
            Comparison::WithoutJudge(share) => (Some(share), None, None),
            Comparison::Failed(failed) => (None, None, Some(failed)),
        };
        let (other, usd, ms) = compared.other;
        let costs = [(record.model.clone(), record.answer_cost), (other.clone(), usd)];
        let costs = costs.into_iter().filter_map(|(model, usd)| Some((model, usd?))).collect();
        Some(Self {
            format: FORMAT,
            id: record.decision_id.clone(),
            at: record.at.clone(),
            key: record.key.clone(),
            endpoint: record.endpoint.clone(),
            dataset: DATASET,
            query: record.query.clone(),
            query_hmac: record.query_hmac.clone(),
            router: record.router.clone(),
            bundle: record.bundle.clone(),
            arm: record.arm.clone(),
            win_rate: record.win_rate,
            threshold: record.threshold,
            model_a: strong.clone(),
            model_b: weak.clone(),
            strong,
            weak,
            chosen: record.chosen.clone(),
            target: share,
            orders,
            judge: compared.judge,
            judge_prompt: compared.judge_prompt,
            probability: compared.draw.probability,
            weight: 1.0 / compared.draw.probability,
            costs,
            judge_usd: compared.judge_usd,
            latency_ms: [(record.model.clone(), record.total_ms), (other, ms)].into(),
            failed,
        })
    }

    /// The file's name.
    pub(crate) fn file(&self) -> String {
        let day = self.at.get(..10).unwrap_or_default();
        format!("verdicts/{day}/{}/{}.json", self.key, self.id)
    }

    /// The share by which the answer of the LLM that routing chose wins; none where the comparison failed.
    pub(crate) fn of_chosen(&self) -> Option<f64> {
        let share = f64::from(self.target?);
        match self.chosen.as_ref()? {
            chosen if *chosen == self.strong => Some(share),
            chosen if *chosen == self.weak => Some(1.0 - share),
            _ => None,
        }
    }

    /// The file without the query, for the Worker's own log.
    pub(crate) fn without_query(mut self) -> Self {
        self.query = None;
        self
    }
}

/// The text of an answer that a judge is shown; empty for one that was filtered.
pub(crate) fn judged_text(answer: &AnswerContent) -> &str {
    match answer.finish_reason.as_deref() {
        Some("content_filter" | "refusal") => "",
        _ => without_reasoning(&answer.text).trim(),
    }
}

/// The share of the strong LLM where no judge is needed: an answer without text loses, two of them tie, and so do
/// equal ones, as where the trainer judges.
pub(crate) fn without_judge(strong: &str, weak: &str) -> Option<f32> {
    match (strong.is_empty(), weak.is_empty()) {
        (true, false) => Some(0.0),
        (false, true) => Some(1.0),
        _ => (strong == weak).then_some(0.5),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;

    fn record() -> Record {
        Record {
            decision_id: "d-1".into(),
            at: "2026-11-29T10:00:00.000Z".into(),
            key: "team".into(),
            endpoint: "chat/completions".into(),
            router: "default".into(),
            model: "small".into(),
            chosen: Some("small".into()),
            strong: Some("large".into()),
            weak: Some("small".into()),
            win_rate: Some(0.25),
            threshold: Some(0.5),
            answer_cost: Some(0.0625),
            total_ms: 300.0,
            query: Some("Prove it.".into()),
            ..Record::default()
        }
    }

    fn verdict(comparison: Comparison) -> (String, Value) {
        let compared = Compared {
            comparison,
            judge: "judge".into(),
            judge_prompt: "pairwise-1a2b3c4d".into(),
            draw: Draw { probability: 0.25, sampled: true },
            other: ("large".into(), Some(0.5), 900.0),
            judge_usd: 0.125,
        };
        let verdict = Verdict::new(&record(), compared).unwrap();
        (verdict.file(), serde_json::to_value(&verdict).unwrap())
    }

    #[test]
    fn a_verdict_is_a_row_of_the_trainers_with_its_weight() {
        let (file, row) = verdict(Comparison::Judged([Place::First, Place::Second]));
        assert_eq!(file, "verdicts/2026-11-29/team/d-1.json");
        let expected = json!({
            "format": 1, "id": "d-1", "at": "2026-11-29T10:00:00.000Z", "key": "team",
            "endpoint": "chat/completions", "dataset": "shadow", "query": "Prove it.",
            "router": "default", "win_rate": 0.25, "threshold": 0.5, "strong": "large",
            "weak": "small", "chosen": "small", "model_a": "large", "model_b": "small",
            "target": 1.0, "orders": ["first", "second"], "judge": "judge",
            "judge_prompt": "pairwise-1a2b3c4d", "probability": 0.25, "weight": 4.0,
            "costs": {"large": 0.5, "small": 0.0625}, "judge_usd": 0.125,
            "latency_ms": {"large": 900.0, "small": 300.0}, "failed": null});
        assert_eq!(row, expected);
    }

    #[test]
    fn a_comparison_without_a_judge_has_no_orders_and_a_failed_one_no_target() {
        let (_, row) = verdict(Comparison::WithoutJudge(0.5));
        assert_eq!((&row["target"], row.get("orders")), (&json!(0.5), None));
        let failed = Failed { at: "judge", code: "judge_unreadable".into() };
        let (_, row) = verdict(Comparison::Failed(failed));
        assert_eq!((row.get("target"), row.get("orders")), (None, None));
        assert_eq!(row["failed"], json!({"at": "judge", "code": "judge_unreadable"}));
        assert_eq!(row["costs"], json!({"large": 0.5, "small": 0.0625}));
    }

    #[test]
    fn a_decision_without_a_pair_has_no_verdict() {
        let compared = Compared {
            comparison: Comparison::WithoutJudge(0.5),
            judge: String::new(),
            judge_prompt: String::new(),
            draw: Draw { probability: 1.0, sampled: true },
            other: (String::new(), None, 0.0),
            judge_usd: 0.0,
        };
        assert_eq!(Verdict::new(&Record { weak: None, ..record() }, compared), None);
    }

    #[test]
    fn an_answer_without_text_loses_and_equal_ones_tie() {
        for (strong, weak, expected) in [
            ("", "so", Some(0.0)),
            ("so", "", Some(1.0)),
            ("", "", Some(0.5)),
            ("so", "so", Some(0.5)),
            ("so", "no", None),
        ] {
            assert_eq!(without_judge(strong, weak), expected, "{strong} {weak}");
        }
        let answer = |text: &str, reason: &str| AnswerContent {
            text: text.into(),
            finish_reason: Some(reason.into()),
            ..AnswerContent::default()
        };
        assert_eq!(judged_text(&answer("<think>2?</think>\n4\n", "stop")), "4");
        assert_eq!(judged_text(&answer("I will not", "content_filter")), "");
    }
}
