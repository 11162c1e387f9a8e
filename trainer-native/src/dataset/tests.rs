//! Sources of labels: what is kept of them, and on which scale.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::fs;

use tempfile::TempDir;

use super::*;
use crate::recipe::RecipeFile;

const RECIPE: &str = r#"
name = "own"
kind = "random"
seed = 7
licence = "MIT"
strong = "large"
weak = "small"
default_strong_share = 0.5

[[candidates]]
id = "large"

[[candidates]]
id = "small"

[encoder]
tier = "static"
source = "none"
vocabulary = 10
components = 4
frequency_weight = 0.001
max_tokens = 64
scale = 0.3

[head]

[[sources]]
name = "gold"
path = "gold.jsonl"
licence = "MIT"
role = "gold"
take = 4
calibration_share = 0.1
"#;

fn with_source(recipe: &str, path: &str, role: &str, more: &str) -> String {
    format!(
        "{recipe}\n[[sources]]\nname = \"{path}\"\npath = \"{path}\"\nlicence = \"MIT\"\nrole = \"{role}\"\n{more}\n"
    )
}

fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let mut gold = String::new();
    for at in 0..8 {
        let row = format!(
            "{{\"id\": \"{at}\", \"query\": \"Gold question {at}?\", \"dataset\": \"own\", \"scores\": {{\"small\": 0, \"large\": 1}}}}"
        );
        writeln!(gold, "{row}").unwrap();
    }
    fs::write(folder.path().join("gold.jsonl"), gold).unwrap();
    folder
}

/// Writes a file of labels, each a query and its label.
fn write(folder: &TempDir, name: &str, label: &str, rows: &[(&str, f64)]) {
    let mut text = String::new();
    for (at, (query, value)) in rows.iter().enumerate() {
        let row = format!(
            "{{\"id\": \"{at}\", \"query\": \"{query}\", \"dataset\": \"set {}\", {}, \"lang\": \"en\"}}",
            at % 2,
            label.replace('#', &value.to_string())
        );
        writeln!(text, "{row}").unwrap();
    }
    fs::write(folder.path().join(name), text).unwrap();
}

const LEVEL: &str = "\"difficulty\": #, \"scale\": \"level\"";
const NEED: &str = "\"need\": #";

fn prepared(folder: &TempDir, recipe: &str) -> Result<Prepared, TrainerError> {
    prepare(&RecipeFile::parse(recipe).unwrap().recipe, folder.path(), false)
}

fn queries(prepared: &Prepared, source: usize) -> Vec<&str> {
    let of = prepared.difficulty_labels.iter().filter(|row| row.source == source);
    of.map(|row| row.query.as_str()).collect()
}

#[test]
fn each_source_is_scaled_by_itself_and_holds_no_question_of_another() {
    let folder = folder();
    let levels =
        [("Add one.", 1.0), ("Gold question 6?", 9.0), ("Prove it.", 5.0), ("add one", 3.0)];
    write(&folder, "levels.jsonl", LEVEL, &levels);
    write(&folder, "needs.jsonl", NEED, &[("Hello.", 2.0), ("Prove it!", 80.0), ("Why?", 40.0)]);
    write(&folder, "kept.jsonl", NEED, &[("Why?", 1.0), ("Who?", 2.0)]);
    let recipe = with_source(RECIPE, "levels.jsonl", "auxiliary", "weight = 0.5");
    let recipe = with_source(&recipe, "needs.jsonl", "auxiliary", "");
    let found = prepared(&folder, &recipe).unwrap();
    // "Gold question 6?" is a gold question, "add one" and "Prove it!" are asked before.
    assert_eq!(queries(&found, 1), ["Add one.", "Prove it."]);
    assert_eq!(queries(&found, 2), ["Hello.", "Why?"]);
    let values: Vec<f64> = found.difficulty_labels.iter().map(|row| row.value).collect();
    assert_eq!(values, [-1.0, 1.0, -1.0, 1.0]);
    let weights: Vec<f32> = found.difficulty_labels.iter().map(|row| row.weight).collect();
    assert_eq!(weights, [0.5, 0.5, 1.0, 1.0]);
    assert_eq!(found.difficulty_labels[0].lang.as_deref(), Some("en"));
    let counts = found.sources.iter().map(|source| (source.rows, source.removed_as_leaks));
    assert_eq!(counts.skip(1).collect::<Vec<_>>(), [(2, 1), (2, 1)]);
    let mut texts = Vec::new();
    found
        .for_each_query(&mut |query| {
            texts.push(query.to_owned());
            Ok(())
        })
        .unwrap();
    assert!(texts.iter().any(|text| text == "Hello."), "{texts:?}");

    // A held source keeps its questions out, and changes the run's identity.
    let held = prepared(&folder, &with_source(&recipe, "kept.jsonl", "held", "")).unwrap_err();
    assert_eq!(held.code(), "labels_constant");
    assert!(held.to_string().starts_with("needs.jsonl, without questions"), "{held}");
}

#[test]
fn a_corpus_takes_the_queries_of_labels_and_calibration_its_share() {
    let folder = folder();
    let rows: Vec<(String, f64)> = (0..10).map(|at| (format!("Query {at}."), at.into())).collect();
    let rows: Vec<(&str, f64)> = rows.iter().map(|(query, at)| (query.as_str(), *at)).collect();
    write(&folder, "needs.jsonl", NEED, &rows);
    let share = "calibration_share = 0.3\nweight = 2.0\nwithout = [\"set 1\"]";
    let corpus = prepared(&folder, &with_source(RECIPE, "needs.jsonl", "corpus", share)).unwrap();
    assert_eq!((corpus.corpus.rows.len(), corpus.difficulty_labels.len()), (3, 0));
    assert_eq!(corpus.corpus_weights, [2.0; 3]);
    assert!(corpus.corpus.rows.iter().all(|row| row.scores.is_empty()));
    let found = prepared(&folder, &with_source(RECIPE, "needs.jsonl", "auxiliary", share)).unwrap();
    assert_eq!(found.difficulty_labels.len(), 3);
    assert_eq!(corpus.calibration, found.calibration);
    assert!(found.calibration.iter().filter(|query| query.starts_with("Query")).count() == 2);
    let value: f64 = found.difficulty_labels.iter().map(|row| row.value).sum();
    assert!(value.abs() < 1e-12, "scaled over the rows to train on: {value}");
}

#[test]
fn labels_cannot_be_gold() {
    let folder = folder();
    write(&folder, "gold.jsonl", NEED, &[("Hello.", 2.0), ("Prove it!", 80.0)]);
    let error = prepared(&folder, RECIPE).unwrap_err();
    assert_eq!(error.code(), "wrong_table");
    assert!(error.to_string().contains("found labels"), "{error}");
}
