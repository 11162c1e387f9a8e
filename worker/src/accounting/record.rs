//! The log record of a request: a JSON file in R2 and a data point in Analytics Engine.
//!
//! ```text
//! decisions/2026-11-22/<key's name>/<decision id>.json  the decision, with times, tokens and costs
//! outcomes/2026-11-22_<decision id>.jsonl               a row of the trainer's `outcomes-jsonl`, after feedback
//! ```
//! The decision's id is the gateway's own, so no caller can name, or overwrite, another's file.

use pointsman::{CandidateScore, ThresholdFrom};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::config::Mode;
use crate::wire::usage::Usage;

/// The data set's name in outcome rows.
const DATASET: &str = "gateway";

/// The record of one request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The request's `x-request-id`, which the caller may choose: for correlation alone.
    pub(crate) id: String,
    /// The id that the gateway made for the decision; empty until it is made.
    #[serde(default)]
    pub(crate) decision_id: String,
    /// The answer's `x-pointsman-feedback-id`, if it can be scored.
    #[serde(skip)]
    pub(crate) feedback_id: Option<String>,
    /// When the request arrived, as ISO 8601 in UTC.
    pub(crate) at: String,
    /// The name of the caller's key.
    pub(crate) key: String,
    /// The endpoint's path below `/v1`.
    pub(crate) endpoint: String,
    /// The HTTP status of the answer.
    pub(crate) status: u16,
    /// The error code, if the request failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// The bundle's name.
    pub(crate) router: String,
    /// The bundle that decided; its name is `router` too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bundle: Option<BundleId>,
    /// Whether the model that routing chose was called; absent from records of earlier versions, where it was.
    #[serde(default)]
    pub(crate) mode: Mode,
    /// The model that answered.
    pub(crate) model: String,
    /// The value of `x-pointsman-reason`.
    pub(crate) reason: String,
    /// The model that routing chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) chosen: Option<String>,
    /// Why it chose that model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) chosen_reason: Option<String>,
    /// The strong LLM of the pair between which was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) strong: Option<String>,
    /// The weak LLM of the pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) weak: Option<String>,
    /// The decision's win rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) win_rate: Option<f64>,
    /// The decision's threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) threshold: Option<f64>,
    /// Whether the threshold is the policy's, or of a share by the bundle or by the caller's traffic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) threshold_from: Option<ThresholdFrom>,
    /// Every candidate's score.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) scores: Vec<CandidateScore>,
    /// The number of upstream calls.
    pub(crate) attempts: u32,
    /// Milliseconds until the answer's headers.
    pub(crate) first_ms: f64,
    /// Milliseconds until the answer's end.
    pub(crate) total_ms: f64,
    /// Input tokens, if the upstream reports them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) input_tokens: Option<u64>,
    /// Output tokens, if the upstream reports them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) output_tokens: Option<u64>,
    /// The cost estimated before the answer, in US dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) estimated_cost: Option<f64>,
    /// The cost by the upstreams' usage, in US dollars, of all calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cost: Option<f64>,
    /// The cost of the answer that the client got, without other calls. If absent it is `cost` less the
    /// first answer's of an escalated cascade, or the first answer's if it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) answer_cost: Option<f64>,
    /// With `mode` `observe`, what `chosen` would have cost with this answer's usage, in US dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) chosen_cost: Option<f64>,
    /// The probability with which the policy chose the model, where it is computed: choices by threshold
    /// or score are not drawn.
    #[serde(default)]
    pub(crate) propensity: Option<f64>,
    /// The cascade's outcome, if it was on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cascade: Option<CascadeRecord>,
    /// Which bundle of a rollout decided: `current` or `candidate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) arm: Option<String>,
    /// HMAC of the key or the session that stays with this arm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) session_key: Option<String>,
    /// The draw of a request that could be compared with the other LLM's answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) shadow: Option<Draw>,
    /// Why a request that was planned to be compared could not be: a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) shadow_skipped: Option<String>,
    /// The query's turns, if content is logged for the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) query: Option<String>,
    /// HMAC-SHA-256 of the query's turns under `LOG_SECRET`, in hexadecimal: equal queries have equal ones,
    /// and without the secret no list of likely queries finds them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) query_hmac: Option<String>,
    /// The query's turns until the record is written.
    #[serde(skip)]
    pub(crate) query_text: Option<String>,
}

/// A bundle by its name and the SHA-256 of its `router.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BundleId {
    pub(crate) name: String,
    pub(crate) sha256: String,
}

/// A draw with which a request is chosen for a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Draw {
    /// The probability of being drawn, in (0, 1].
    pub(crate) probability: f64,
    /// Whether it was drawn.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) sampled: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(value: &bool) -> bool {
    !*value
}

/// The outcome of a cascade.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CascadeRecord {
    /// `accepted`, `escalated`, or `kept` if the stronger model failed too.
    pub(crate) outcome: String,
    /// The rule that the first answer failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failed_rule: Option<String>,
    /// The model that answered first.
    pub(crate) first_model: String,
    /// Milliseconds until its answer was complete.
    pub(crate) first_ms: f64,
    /// The cost of its answer, in US dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) first_cost: Option<f64>,
}

impl Record {
    /// Sets the query: its text is recorded if `content`, else only its HMAC once it is written.
    pub(crate) fn set_query(&mut self, turns: &[String], content: bool) {
        let text = turns.join("\n\n");
        self.query = content.then(|| text.clone());
        self.query_text = Some(text);
    }

    /// Whether the model was chosen by routing.
    pub(crate) fn is_routed(&self) -> bool {
        !self.scores.is_empty()
    }

    /// Sets the token counts.
    pub(crate) fn set_usage(&mut self, usage: Option<Usage>) {
        self.input_tokens = usage.map(|usage| usage.input_tokens);
        self.output_tokens = usage.map(|usage| usage.output_tokens);
    }

    /// The day on which the request arrived, `YYYY-MM-DD`.
    pub(crate) fn day(&self) -> &str {
        self.at.get(..10).unwrap_or_default()
    }

    /// The name of the decision's file.
    pub(crate) fn decision_file(&self) -> String {
        decision_file(self.day(), &self.key, &self.decision_id)
    }

    /// Whether the answer can be scored: an error's cannot.
    pub(crate) fn is_scorable(&self) -> bool {
        self.is_routed() && (200..400).contains(&self.status) && self.error.is_none()
    }

    /// Returns each model's cost: that of the answer, and that of a cascade's first answer. Leaves estimates
    /// out, since they may be another model's.
    fn costs(&self) -> Map<String, Value> {
        let mut costs = Map::new();
        let of = |outcome: &str| self.cascade.as_ref().filter(|cascade| cascade.outcome == outcome);
        let first = of("escalated");
        let first = first.and_then(|cascade| Some((&cascade.first_model, cascade.first_cost?)));
        let before = first.map_or(0.0, |(_, cost)| cost);
        let own = match (self.answer_cost, of("kept")) {
            (Some(cost), _) => Some(cost),
            (None, Some(kept)) => kept.first_cost,
            (None, None) => self.cost.map(|cost| (cost - before).max(0.0)),
        };
        for (model, cost) in first.into_iter().chain(own.map(|cost| (&self.model, cost))) {
            costs.insert(model.clone(), cost.into());
        }
        costs
    }

    /// The file and row of the outcome, for a score in [0, 1]; none if only the query's HMAC is known. The
    /// trainer ignores the fields after `costs`: they tell whose rows to leave out.
    pub(crate) fn outcome(&self, score: f64) -> Option<(String, String)> {
        let query = self.query.as_ref()?;
        let mut row = json!({
            "id": self.decision_id, "query": query, "dataset": DATASET,
            "scores": {self.model.clone(): score},
            "key": self.key, "router": self.router, "reason": self.reason,
            "propensity": self.propensity, "request_id": self.id,
        });
        let costs = self.costs();
        if !costs.is_empty() {
            row["costs"] = costs.into();
        }
        let file = format!("outcomes/{}_{}.jsonl", self.day(), self.decision_id);
        Some((file, format!("{row}\n")))
    }

    /// The data point for Analytics Engine: index, blobs, doubles.
    #[allow(clippy::cast_precision_loss)]
    pub(crate) fn point(&self) -> Value {
        let number = |value: Option<f64>| value.unwrap_or(-1.0);
        let count = |value: Option<u64>| number(value.map(|count| count as f64));
        json!({
            "indexes": [self.key],
            "blobs": [self.model, self.reason, self.endpoint, self.status.to_string(),
                      self.error.as_deref().unwrap_or_default()],
            "doubles": [number(self.win_rate), number(self.threshold), f64::from(self.attempts),
                        self.total_ms, count(self.input_tokens), count(self.output_tokens),
                        number(self.cost)],
        })
    }
}

/// The name of a decision's file.
pub(crate) fn decision_file(day: &str, key: &str, decision_id: &str) -> String {
    format!("decisions/{day}/{key}/{decision_id}.json")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn record() -> Record {
        Record {
            id: "r-1".into(),
            decision_id: "d-1".into(),
            at: "2026-11-22T10:00:00.000Z".into(),
            key: "team".into(),
            model: "small".into(),
            status: 200,
            cost: Some(0.25),
            ..Record::default()
        }
    }

    #[test]
    fn content_is_logged_only_if_configured() {
        let turns = ["Prove it.".to_owned(), "Yes.".to_owned()];
        let mut hashed = record();
        hashed.set_query(&turns, false);
        let text = serde_json::to_string(&hashed).unwrap();
        assert!(!text.contains("Prove"), "{text}");
        assert_eq!(hashed.query_text.as_deref(), Some("Prove it.\n\nYes."));
        assert_eq!(hashed.outcome(1.0), None);
        let mut plain = record();
        plain.set_query(&turns, true);
        assert_eq!(plain.query.as_deref(), Some("Prove it.\n\nYes."));
    }

    #[test]
    fn a_score_makes_a_row_of_the_trainers() {
        let mut record = record();
        record.set_query(&["Prove it.".to_owned()], true);
        (record.router, record.reason) = ("mf".into(), "below_threshold".into());
        let (file, row) = record.outcome(0.5).unwrap();
        assert_eq!(file, "outcomes/2026-11-22_d-1.jsonl");
        assert!(row.ends_with("}\n"));
        let row: Value = serde_json::from_str(&row).unwrap();
        let expected = json!({"id": "d-1", "query": "Prove it.", "dataset": "gateway",
                              "scores": {"small": 0.5}, "costs": {"small": 0.25}, "key": "team",
                              "router": "mf", "reason": "below_threshold", "propensity": null,
                              "request_id": "r-1"});
        assert_eq!(row, expected);
    }

    #[test]
    fn a_row_states_each_models_own_cost_and_no_estimate() {
        let costs = |change: &dyn Fn(&mut Record)| {
            let mut record = record();
            record.set_query(&["Prove it.".to_owned()], true);
            change(&mut record);
            let (_, row) = record.outcome(1.0).unwrap();
            serde_json::from_str::<Value>(&row).unwrap()["costs"].clone()
        };
        let cascade = |outcome: &str, first_cost| CascadeRecord {
            outcome: outcome.into(),
            failed_rule: None,
            first_model: "tiny".into(),
            first_ms: 1.0,
            first_cost,
        };
        let escalated = |record: &mut Record| {
            record.cascade = Some(cascade("escalated", Some(0.125)));
        };
        assert_eq!(costs(&escalated), json!({"tiny": 0.125, "small": 0.125}));
        let unknown = |record: &mut Record| record.cascade = Some(cascade("escalated", None));
        assert_eq!(costs(&unknown), json!({"small": 0.25}));
        let accepted = |record: &mut Record| {
            record.cascade = Some(CascadeRecord {
                first_model: "small".into(),
                ..cascade("accepted", Some(0.25))
            });
        };
        assert_eq!(costs(&accepted), json!({"small": 0.25}));
        let kept = |record: &mut Record| {
            record.cascade =
                Some(CascadeRecord { first_model: "small".into(), ..cascade("kept", Some(0.125)) });
        };
        assert_eq!(costs(&kept), json!({"small": 0.125}));
        assert_eq!(costs(&|record| record.answer_cost = Some(0.0625)), json!({"small": 0.0625}));
        let estimated = |record: &mut Record| {
            (record.cost, record.estimated_cost) = (None, Some(9.0));
        };
        assert_eq!(costs(&estimated), Value::Null);
    }

    #[test]
    fn only_a_routed_answer_without_an_error_can_be_scored() {
        let scores =
            || vec![CandidateScore { model: "small".into(), score: 0.5, estimated_cost: None }];
        let of = |status, error: Option<&str>, scores| {
            Record { status, error: error.map(str::to_owned), scores, ..record() }.is_scorable()
        };
        assert!(of(200, None, scores()));
        assert!(!of(422, None, scores()) && !of(0, None, scores()) && !of(200, None, vec![]));
        assert!(!of(200, Some("upstream_broke_off"), scores()));
    }

    #[test]
    fn a_record_is_read_back_and_has_a_point() {
        let record = record();
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
        assert_eq!(record.decision_file(), "decisions/2026-11-22/team/d-1.json");
        let point = record.point();
        assert_eq!(point["indexes"], json!(["team"]));
        assert_eq!(point["blobs"], json!(["small", "", "", "200", ""]));
        assert_eq!(point["doubles"][6], 0.25);
    }
}
