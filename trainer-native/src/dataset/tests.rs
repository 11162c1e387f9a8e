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

#[test]
fn prompts_are_a_corpus_or_kept_out_and_teach_nothing() {
    let folder = folder();
    let prompts = "{\"query\": \"Hello.\"}\n{\"query\": \"Gold question 6?\"}\n{\"messages\": [{\"role\": \"user\", \"content\": \"Who?\"}, {\"role\": \"assistant\", \"content\": \"I.\"}, {\"role\": \"user\", \"content\": \"Why?\"}]}\n{\"query\": \"why\"}\n";
    fs::write(folder.path().join("prompts.jsonl"), prompts).unwrap();
    let corpus = prepared(&folder, &with_source(RECIPE, "prompts.jsonl", "corpus", "")).unwrap();
    let queries: Vec<&str> = corpus.corpus.rows.iter().map(|row| row.query.as_str()).collect();
    assert_eq!(queries, ["Hello.", "Why?"]);
    assert_eq!((corpus.sources[1].rows, corpus.sources[1].removed_as_leaks), (2, 1));
    write(&folder, "needs.jsonl", NEED, &[("Why?", 1.0), ("Prove it.", 80.0), ("Hi.", 3.0)]);
    let held = with_source(RECIPE, "prompts.jsonl", "held", "");
    let held = prepared(&folder, &with_source(&held, "needs.jsonl", "auxiliary", "")).unwrap();
    let kept: Vec<&str> = held.difficulty_labels.iter().map(|row| row.query.as_str()).collect();
    assert_eq!(kept, ["Prove it.", "Hi."]);
    let auxiliary = prepared(&folder, &with_source(RECIPE, "prompts.jsonl", "auxiliary", ""));
    let error = auxiliary.unwrap_err();
    assert!(error.to_string().contains("give it role \"corpus\""), "{error}");
    let gold = RECIPE.replace("gold.jsonl", "prompts.jsonl");
    let test = with_source(&RECIPE.replace("take = 4\n", ""), "prompts.jsonl", "test", "");
    for recipe in [gold, test] {
        assert_eq!(prepared(&folder, &recipe).unwrap_err().code(), "wrong_table", "{recipe}");
    }
}

#[test]
fn evaluations_of_other_programs_are_sources_as_they_are() {
    let folder = folder();
    fs::create_dir(folder.path().join("logs")).unwrap();
    for (model, value) in [("large", "C"), ("small", "I")] {
        let log = format!(
            "{{\"status\": \"success\", \"eval\": {{\"task\": \"metals\", \"model\": \"maker/{model}\"}}, \"samples\": [{{\"id\": 1, \"epoch\": 1, \"input\": \"Softest metal?\", \"scores\": {{\"match\": {{\"value\": \"{value}\"}}}}}}]}}"
        );
        fs::write(folder.path().join(format!("logs/{model}.json")), log).unwrap();
    }
    for format in ["", "format = \"inspect-ai\"\n"] {
        let more = format!(
            "{format}aliases = {{ \"maker/large\" = \"large\", \"maker/small\" = \"small\" }}"
        );
        let found = prepared(&folder, &with_source(RECIPE, "logs", "auxiliary", &more)).unwrap();
        let row = found.train.rows.last().unwrap();
        let (strong, weak) = found.pair_columns().unwrap();
        assert_eq!(
            (row.query.as_str(), row.score(strong), row.score(weak)),
            ("Softest metal?", Some(1.0), Some(0.0))
        );
    }
}

/// Graded answers of one LLM.
fn write_graded(folder: &TempDir, name: &str) {
    let row = |at: usize| {
        format!(
            "{{\"id\": \"{at}\", \"query\": \"Graded question {at}?\", \"dataset\": \"own\", \
             \"scores\": {{\"one\": {}}}}}",
            at as f64 / 4.0
        )
    };
    let lines: Vec<String> = (0..5).map(row).collect();
    fs::write(folder.path().join(name), lines.join("\n")).unwrap();
}

#[test]
fn outcomes_of_one_llm_are_read_where_no_two_are_compared() {
    let folder = folder();
    write_graded(&folder, "graded.jsonl");
    let penalty = "[head]\npenalty = { difficulty = 1.0, need = 1.0 }\n";
    let difficulty =
        RECIPE.replace("kind = \"random\"", "kind = \"difficulty\"").replace("[head]\n", penalty);
    let read = |recipe: &str, role: &str| {
        prepared(&folder, &with_source(recipe, "graded.jsonl", role, ""))
    };
    let found = read(&difficulty, "auxiliary").unwrap();
    let one = found.train.model_index("one").unwrap();
    let scores: Vec<f32> = found.train.rows.iter().filter_map(|row| row.score(one)).collect();
    assert_eq!(scores, [0.0, 0.25, 0.5, 0.75, 1.0]);
    assert_eq!(read(RECIPE, "corpus").unwrap().corpus.rows.len(), 5);
    assert_eq!(read(RECIPE, "held").unwrap().sources.len(), 1);

    let pairs_alone = read(RECIPE, "auxiliary").unwrap_err();
    let test = read(&difficulty.replace("take = 4\n", ""), "test").unwrap_err();
    write_graded(&folder, "gold.jsonl");
    for error in [pairs_alone, test, prepared(&folder, &difficulty).unwrap_err()] {
        assert_eq!(error.code(), "bad_file", "{error}");
        let text = error.to_string();
        assert!(text.contains("found scores of one model only (one), expected at least two"));
        assert!(text.contains("add the scores of another model to the same rows"), "{text}");
        assert!(text.contains("kind \"difficulty\" learns from them"), "{text}");
    }
}
