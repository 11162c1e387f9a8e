//! A gateway's log of made-up traffic whose truth is known.
//!
//! Every request is drawn with a stated probability, that of its key. Where it is drawn, both LLMs answered, and the
//! judge prefers the one that is right where the other is not.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::world;

/// Probability with which a request of a key is drawn.
pub fn probability(key: &str) -> f64 {
    if key == "team" { 0.2 } else { 0.4 }
}

/// USD of an answer of the strong and of the weak LLM.
pub const COSTS: [f64; 2] = [0.01, 0.001];

/// A request.
pub struct Request {
    pub number: usize,
    pub query: String,
    pub key: &'static str,
    /// Win rate of the router that decided: 1/2 is the threshold.
    pub win_rate: f64,
}

pub fn request(number: usize) -> Request {
    let query = world::prompt(number);
    let key = if number.is_multiple_of(2) { "team" } else { "other" };
    Request { number, query, key, win_rate: world::unit(&(number, "win rate")) }
}

impl Request {
    pub fn id(&self) -> String {
        format!("d-{}", self.number)
    }

    pub fn is_weak_chosen(&self) -> bool {
        self.win_rate < 0.5
    }

    pub fn is_drawn(&self) -> bool {
        world::unit(&(self.number, "drawn")) < probability(self.key)
    }

    /// P(the strong LLM is right), P(the weak one is). The router that decided knows nothing of the query, so that easy
    /// requests are those of a low win rate.
    pub fn abilities(&self) -> [f64; 2] {
        [world::ability("large", &self.query), world::ability("small", &self.query)]
    }

    /// 1 where the strong LLM alone is right, 0 where the weak one alone is, else 1/2.
    pub fn target(&self) -> f64 {
        let [strong, weak] = self.abilities();
        let is_right = |model: &str, p: f64| world::unit(&(self.number, model, "right")) < p;
        match (is_right("large", strong), is_right("small", weak)) {
            (true, false) => 1.0,
            (false, true) => 0.0,
            _ => 0.5,
        }
    }

    fn chosen(&self) -> &'static str {
        if self.is_weak_chosen() { "small" } else { "large" }
    }

    /// The rows of the log: the decision, and the verdict where the request is drawn.
    pub fn write(&self, log: &Path) {
        // Four days.
        let day = format!("2026-11-{:02}", 25 + self.number % 4);
        let at = format!("{day}T{:02}:{:02}:00.000Z", self.number / 60 % 24, self.number % 60);
        let (id, key, probability) = (self.id(), self.key, probability(self.key));
        let bundle = json!({"name": "present", "sha256": "ab".repeat(32)});
        let task = if self.query.contains("invoice") { "billing" } else { "general" };
        let decision = json!({
            "id": "r", "decision_id": id, "at": at, "key": key, "endpoint": "chat/completions", "status": 200,
            "router": "present", "bundle": bundle, "model": "large", "mode": "observe", "chosen": self.chosen(),
            "strong": "large", "weak": "small", "win_rate": self.win_rate, "threshold": 0.5, "cost": COSTS[0],
            "chosen_cost": if self.is_weak_chosen() { COSTS[1] } else { COSTS[0] }, "task": task,
            "shadow": {"probability": probability, "sampled": self.is_drawn()},
        });
        write(log, &format!("decisions/{day}/{key}/{id}.json"), &decision);
        if self.is_drawn() {
            let verdict = json!({
                "format": 1, "id": id, "at": at, "key": key, "endpoint": "chat/completions", "dataset": "shadow",
                "query": self.query, "router": "present", "bundle": bundle, "win_rate": self.win_rate, "threshold": 0.5,
                "strong": "large", "weak": "small", "chosen": self.chosen(), "model_a": "large", "model_b": "small",
                "target": self.target(), "orders": ["first", "second"], "judge": "judge", "judge_prompt": "pairwise-1",
                "probability": probability, "weight": 1.0 / probability,
                "costs": {"large": COSTS[0], "small": COSTS[1]}, "judge_usd": 0.002,
                "latency_ms": {"large": 900.0, "small": 300.0}, "failed": null,
            });
            write(log, &format!("verdicts/{day}/{key}/{id}.json"), &verdict);
        }
    }
}

pub fn write(log: &Path, name: &str, row: &Value) {
    let path = log.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, row.to_string()).unwrap();
}

/// Quality kept and money saved on all requests if the weak LLM is called where `is_weak` says so.
pub fn truth(numbers: std::ops::Range<usize>, is_weak: impl Fn(&Request) -> bool) -> (f64, f64) {
    let all = numbers.len() as f64;
    let (mut lost, mut weak) = (0.0, 0.0);
    for request in numbers.map(request).filter(is_weak) {
        let [of_strong, of_weak] = request.abilities();
        lost += of_strong - of_weak;
        weak += 1.0;
    }
    (1.0 - lost / all, weak / all * (1.0 - COSTS[1] / COSTS[0]))
}
