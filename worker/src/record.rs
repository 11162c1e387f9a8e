//! What is written down of a request: a file for the flywheel, a point for Analytics Engine.
//!
//! ```text
//! decisions/2026-11-22/<request id>.json   the decision, its times, tokens and costs
//! outcomes/2026-11-22_<request id>.jsonl   a row of the trainer's `outcomes-jsonl`, once it has a score
//! ```

use pointsman::{CandidateScore, sha256_hex};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::usage::Usage;

/// The data set that outcome rows name.
const DATASET: &str = "gateway";

/// One request, from its arrival to the end of its answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Its `x-request-id`.
    pub(crate) id: String,
    /// When it came, by ISO 8601 in UTC.
    pub(crate) at: String,
    /// The key's name.
    pub(crate) key: String,
    /// The endpoint.
    pub(crate) endpoint: String,
    /// The answer's status.
    pub(crate) status: u16,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// The bundle.
    pub(crate) router: String,
    /// The model that answered.
    pub(crate) model: String,
    /// Why it was chosen.
    pub(crate) reason: String,
    /// The decision's numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) win_rate: Option<f64>,
    /// Alpha.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) threshold: Option<f64>,
    /// Every candidate's score.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) scores: Vec<CandidateScore>,
    /// Calls made upstream.
    pub(crate) attempts: u32,
    /// Milliseconds until the answer's headers.
    pub(crate) first_ms: f64,
    /// Milliseconds until its end.
    pub(crate) total_ms: f64,
    /// Tokens in, where told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) input_tokens: Option<u64>,
    /// Tokens out, where told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) output_tokens: Option<u64>,
    /// US dollars before the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) estimated_cost: Option<f64>,
    /// US dollars by the upstream's usage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cost: Option<f64>,
    /// What became of the cascade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cascade: Option<CascadeRecord>,
    /// The query, where it may be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) query: Option<String>,
    /// Its SHA-256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) query_sha256: Option<String>,
}

/// What became of the cascade.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CascadeRecord {
    /// `accepted`, `escalated`, or `kept` where the stronger model failed too.
    pub(crate) outcome: String,
    /// The rule that the first answer failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failed_rule: Option<String>,
    /// The model that answered first.
    pub(crate) first_model: String,
    /// Milliseconds that its answer took.
    pub(crate) first_ms: f64,
    /// US dollars that it cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) first_cost: Option<f64>,
}

impl Record {
    /// Notes the query: as text where `content`, else by its hash alone.
    pub(crate) fn set_query(&mut self, turns: &[String], content: bool) {
        let text = turns.join("\n\n");
        self.query_sha256 = Some(sha256_hex(text.as_bytes()));
        self.query = content.then_some(text);
    }

    /// Whether a decision chose its model.
    pub(crate) fn is_routed(&self) -> bool {
        !self.scores.is_empty()
    }

    /// Notes tokens.
    pub(crate) fn set_usage(&mut self, usage: Option<Usage>) {
        self.input_tokens = usage.map(|usage| usage.input_tokens);
        self.output_tokens = usage.map(|usage| usage.output_tokens);
    }

    /// The day it came on, `YYYY-MM-DD`.
    pub(crate) fn day(&self) -> &str {
        self.at.get(..10).unwrap_or_default()
    }

    /// The name of its file.
    pub(crate) fn decision_file(&self) -> String {
        decision_file(self.day(), &self.id)
    }

    /// Its outcome's file and row, for a score in [0, 1]; none where the query was not written.
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

    /// A point for Analytics Engine: index, blobs, doubles.
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
    fn content_is_written_only_where_it_may_be() {
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
