//! The log record of a request: a JSON file in R2 and a data point in Analytics Engine.
//!
//! ```text
//! decisions/2026-11-22/<request id>.json   the decision, with times, tokens and costs
//! outcomes/2026-11-22_<request id>.jsonl   a row of the trainer's `outcomes-jsonl`, after feedback
//! ```

use pointsman::{CandidateScore, sha256_hex};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::wire::usage::Usage;

/// The data set's name in outcome rows.
const DATASET: &str = "gateway";

/// The record of one request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The request's `x-request-id`.
    pub(crate) id: String,
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
    /// The model that answered.
    pub(crate) model: String,
    /// The value of `x-pointsman-reason`.
    pub(crate) reason: String,
    /// The decision's win rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) win_rate: Option<f64>,
    /// The decision's threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) threshold: Option<f64>,
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
    /// The cost by the upstream's usage, in US dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cost: Option<f64>,
    /// The cascade's outcome, if it was on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cascade: Option<CascadeRecord>,
    /// The query's turns, if `log.content` is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) query: Option<String>,
    /// The query's SHA-256, if `log.content` is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) query_sha256: Option<String>,
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
    /// Sets the query: its text if `content`, else only its hash.
    pub(crate) fn set_query(&mut self, turns: &[String], content: bool) {
        let text = turns.join("\n\n");
        self.query_sha256 = Some(sha256_hex(text.as_bytes()));
        self.query = content.then_some(text);
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
        decision_file(self.day(), &self.id)
    }

    /// The file and row of the outcome, for a score in [0, 1]; none if only the query's hash is known.
    pub(crate) fn outcome(&self, score: f64) -> Option<(String, String)> {
        let query = self.query.as_ref()?;
        let mut row = json!({
            "id": self.id, "query": query, "dataset": DATASET,
            "scores": {self.model.clone(): score},
        });
        if let Some(cost) = self.cost.or(self.estimated_cost) {
            row["costs"] = json!({self.model.clone(): cost});
        }
        Some((format!("outcomes/{}_{}.jsonl", self.day(), self.id), format!("{row}\n")))
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
pub(crate) fn decision_file(day: &str, id: &str) -> String {
    format!("decisions/{day}/{id}.json")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn record() -> Record {
        Record {
            id: "r-1".into(),
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
        assert!(!text.contains("Prove") && hashed.query_sha256.as_ref().unwrap().len() == 64);
        assert_eq!(hashed.outcome(1.0), None);
        let mut plain = record();
        plain.set_query(&turns, true);
        assert_eq!(plain.query.as_deref(), Some("Prove it.\n\nYes."));
        assert_eq!(plain.query_sha256, hashed.query_sha256);
    }

    #[test]
    fn a_score_makes_a_row_of_the_trainers() {
        let mut record = record();
        record.set_query(&["Prove it.".to_owned()], true);
        let (file, row) = record.outcome(0.5).unwrap();
        assert_eq!(file, "outcomes/2026-11-22_r-1.jsonl");
        assert!(row.ends_with("}\n"));
        let row: Value = serde_json::from_str(&row).unwrap();
        let expected = json!({"id": "r-1", "query": "Prove it.", "dataset": "gateway",
                              "scores": {"small": 0.5}, "costs": {"small": 0.25}});
        assert_eq!(row, expected);
    }

    #[test]
    fn a_record_is_read_back_and_has_a_point() {
        let record = record();
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
        assert_eq!(record.decision_file(), "decisions/2026-11-22/r-1.json");
        let point = record.point();
        assert_eq!(point["indexes"], json!(["team"]));
        assert_eq!(point["blobs"], json!(["small", "", "", "200", ""]));
        assert_eq!(point["doubles"][6], 0.25);
    }
}
