//! Logs in folders, with everything that may be wrong with them.
#![allow(clippy::unwrap_used)]

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

struct Log(TempDir);

impl Log {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn verdict(&self, id: &str, change: impl Fn(&mut Value)) {
        let mut row = json!({"format": 1, "id": id, "at": "2026-11-28T10:00:00.000Z", "key": "team",
            "router": "default", "bundle": {"name": "default", "sha256": "abcd"}, "win_rate": 0.3, "strong": "large",
            "weak": "small", "chosen": "small", "model_a": "large", "model_b": "small", "target": 0.5, "judge": "j",
            "probability": 0.1, "weight": 10.0, "costs": {"large": 0.01, "small": 0.001}, "judge_usd": 0.002,
            "failed": null});
        change(&mut row);
        self.write(&format!("verdicts/2026-11-28/team/{id}.json"), &row.to_string());
    }

    fn decision(&self, id: &str, change: impl Fn(&mut Value)) {
        let mut row = json!({"id": "r", "decision_id": id, "at": "2026-11-28T10:00:00.000Z", "key": "team",
            "router": "default", "bundle": {"name": "default", "sha256": "abcd"}, "model": "small", "chosen": "small",
            "strong": "large", "weak": "small", "win_rate": 0.3, "task": "billing",
            "shadow": {"probability": 0.1, "sampled": true}});
        change(&mut row);
        self.write(&format!("decisions/2026-11-28/team/{id}.json"), &row.to_string());
    }

    fn read(&self, options: &Options) -> Result<ShadowLog, String> {
        read(self.0.path(), options).map_err(|error| error.to_string())
    }
}

fn nothing(_: &mut Value) {}

#[test]
fn verdicts_are_joined_with_decisions_and_the_rest_is_counted() {
    let log = Log::new();
    for id in ["a", "b"] {
        log.verdict(id, nothing);
        log.decision(id, nothing);
    }
    log.verdict("c", |row| {
        (row["key"], row["at"]) = (json!("other"), json!("2026-11-28T09:00:00.000Z"));
    });
    // Failed, bad, twice, of another bundle, without a verdict, not drawn, not rated, not JSON.
    log.verdict("f", |row| {
        (row["target"], row["failed"]) = (Value::Null, json!({"at": "judge", "code": "timeout"}));
    });
    log.decision("f", nothing);
    log.verdict("x", |row| row["probability"] = json!(7));
    log.write(
        "verdicts/2026-11-29/team/a.json",
        &fs::read_to_string(log.0.path().join("verdicts/2026-11-28/team/a.json")).unwrap(),
    );
    log.verdict("o", |row| {
        (row["bundle"]["sha256"], row["at"]) = (json!("ffff"), json!("2026-11-27T10:00:00.000Z"));
    });
    log.decision("o", |row| row["bundle"]["sha256"] = json!("ffff"));
    log.decision("m", |row| row["win_rate"] = json!(0.9));
    log.decision("n", |row| {
        (row["shadow"]["sampled"], row["win_rate"]) = (json!(false), json!(0.7));
    });
    log.decision("r", |row| row["decision_id"] = json!(""));
    log.write("decisions/2026-11-28/team/z.json", "{");
    log.write("decisions/2026-11-28.parquet", "PAR1");
    log.write(
        "outcomes/2026-11-28_a.jsonl",
        "{\"id\": \"a\", \"query\": \"q\", \"scores\": {\"small\": 0.5}}\n",
    );
    log.write("outcomes/2026-11-28_b.jsonl", "{\"id\": \"b\", \"scores\": {\"small\": 1.5}}\n");
    let found = log.read(&Options::default()).unwrap();
    assert_eq!(
        (found.bundle.sha256.as_str(), found.strong.as_str(), found.weak.as_str()),
        ("abcd", "large", "small")
    );
    let counts = &found.counts;
    assert_eq!((counts.verdicts, counts.compared, counts.of_other_groups), (5, 3, 1));
    assert_eq!((counts.duplicate_verdicts, counts.without_decision), (1, 1));
    assert_eq!(counts.failed, [("judge: timeout".to_owned(), 1)].into());
    assert_eq!((counts.decisions, counts.not_rated, counts.of_other_bundles), (6, 1, 1));
    assert_eq!((counts.eligible, counts.drawn, counts.without_verdict), (5, 4, 1));
    assert_eq!((counts.bad.count, counts.other_files.count), (3, 1));
    assert_eq!(counts.bad.rows[0].path, "verdicts/2026-11-28/team/x.json");
    assert!(counts.bad.rows[0].detail.contains("found probability 7"), "{:?}", counts.bad.rows);
    assert_eq!(counts.other_files.paths, ["decisions/2026-11-28.parquet"]);
    // The row of the other key was earlier.
    assert_eq!(found.rows.len(), 3);
    let names = |at: usize| -> Vec<&str> {
        found.rows[at].slices.iter().map(|&slice| found.slices[slice].name.as_str()).collect()
    };
    assert_eq!((names(0), names(1)), (vec!["other"], vec!["team", "billing"]));
    assert_eq!((found.missing.len(), found.win_rates.len()), (2, 5));
    assert_eq!(found.missing.iter().map(|row| row.win_rate).fold(0.0, f64::max), 0.9);
    assert_eq!(found.feedback, [Feedback { model: "small".into(), scores: 1, sum: 0.5 }]);
    assert!((found.judge_usd - 0.008).abs() < 1e-12 && found.judges == ["j"]);
}

#[test]
fn a_bundle_and_days_can_be_asked_for() {
    let log = Log::new();
    log.verdict("a", nothing);
    log.verdict("b", |row| {
        (row["bundle"], row["at"]) =
            (json!({"name": "old", "sha256": "ffff"}), json!("2026-11-27T10:00:00.000Z"));
    });
    let of =
        |bundle: &str| log.read(&Options { bundle: Some(bundle.into()), ..Options::default() });
    assert_eq!([of("old").unwrap().bundle.name, of("ff").unwrap().bundle.name], ["old", "old"]);
    assert_eq!(of("abcd").unwrap().bundle.name, "default");
    let error = of("none").unwrap_err();
    assert!(error.contains("\"none\"") && error.contains("old ffff (large and small)"), "{error}");
    let days = Days { since: day("2026-11-29"), until: None };
    let error = log.read(&Options { days, bundle: None }).unwrap_err();
    assert!(error.contains("found 0 verdicts") && error.contains("--since"), "{error}");
}

#[test]
fn a_folder_without_comparisons_is_an_error_that_says_what_to_do() {
    let log = Log::new();
    let error = log.read(&Options::default()).unwrap_err();
    assert!(error.contains("verdicts is not there") && error.contains("Set shadow"), "{error}");
    log.verdict("a", |row| row["target"] = json!(3));
    let error = log.read(&Options::default()).unwrap_err();
    assert!(error.contains("1 bad rows") && error.contains("a.json:1: found target 3"), "{error}");
}

#[test]
fn what_was_only_observed_is_summed() {
    let log = Log::new();
    log.verdict("a", nothing);
    for (id, cost) in [("a", Some(0.02)), ("b", Some(0.03)), ("c", None)] {
        log.decision(id, |row| {
            (row["mode"], row["model"], row["chosen_cost"]) =
                (json!("observe"), json!("large"), json!(0.001));
            row["cost"] = json!(cost);
        });
    }
    let found = log.read(&Options::default()).unwrap().observed;
    assert_eq!((found.priced, found.unpriced), (2, 1));
    assert!((found.called_usd - 0.05).abs() < 1e-12 && (found.chosen_usd - 0.002).abs() < 1e-12);
}
