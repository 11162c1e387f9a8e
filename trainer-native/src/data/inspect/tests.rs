//! Counts and warnings of an inspection.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;

use super::*;

fn look(name: &str, text: &str) -> Inspection {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join(name), text).unwrap();
    inspect(&folder.path().join(name), None, &ReadOptions { skip_bad: true }).unwrap()
}

fn outcome(id: u32, query: &str, scores: &str) -> String {
    format!(
        "{{\"id\": \"{id}\", \"query\": \"{query}\", \"dataset\": \"own\", \"category\": \"c{}\", \"scores\": {{{scores}}}}}\n",
        id % 2
    )
}

fn battle(id: u32, a: &str, b: &str, winner: &str) -> String {
    format!(
        "{{\"id\": \"{id}\", \"query\": \"q {id}\", \"dataset\": \"own\", \"model_a\": \"{a}\", \"model_b\": \"{b}\", \"winner\": \"{winner}\"}}\n"
    )
}

fn says(found: &Inspection, text: &str) -> bool {
    found.warnings.iter().any(|warning| warning.contains(text))
}

#[test]
fn outcomes_are_counted() {
    let found = look(
        "own.jsonl",
        &[
            outcome(1, "One?", "\"small\": 0, \"large\": 1, \"huge\": 1"),
            outcome(2, "one", "\"small\": 1, \"large\": 1"),
            outcome(3, "Two?", "\"small\": 0, \"large\": 0.5"),
            outcome(4, "Three?", "\"large\": 0.5"),
            outcome(4, "Three?", "\"large\": 0.5"),
            "{}\n".to_owned(),
        ]
        .concat(),
    );
    assert_eq!((found.rows, found.bad_count, found.duplicates), (4, 2, 1));
    assert_eq!(found.bad_codes, BTreeMap::from([("duplicate_id", 1), ("missing_field", 1)]));
    assert_eq!(found.categories, BTreeMap::from([("c0".to_owned(), 2), ("c1".to_owned(), 2)]));
    assert_eq!((found.ties, found.tie_share), (1, 1.0 / 3.0));
    assert_eq!(found.density, 8.0 / 12.0);
    let large = found.models.iter().find(|model| model.name == "large").unwrap();
    assert_eq!((large.rows, large.wins, large.losses, large.ties), (4, 1, 0, 2));
    assert_eq!(large.mean_score, 0.75);
    assert!(says(&found, "2 bad rows"));
    let text = found.to_string();
    for part in ["outcomes-jsonl (outcomes)", "66.7 % of (row, model)", "1 duplicate_id", "large"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(json["format"], "outcomes-jsonl");
    assert_eq!((&json["table"], &json["models"][0]["name"]), (&"outcomes".into(), &"small".into()));
}

#[test]
fn costs_are_averaged_over_the_rows_that_state_them() {
    let header = "sample_id,prompt,eval_name,small,large,small|total_cost,large|total_cost";
    let found = look("b.csv", &format!("{header}\n1,One?,e,0,1,0.25,\n2,Two?,e,1,1,0.75,2\n"));
    let costs: Vec<_> = found.models.iter().map(|model| model.mean_cost).collect();
    assert_eq!(costs, [Some(0.5), Some(2.0)]);
    assert!(found.to_string().contains("mean USD"));
    assert!(says(&found, "large scores 1 in every row"));
}

#[test]
fn battles_are_counted_with_their_matrix() {
    let found = look(
        "own.jsonl",
        &[
            battle(1, "small", "large", "model_b"),
            battle(2, "large", "small", "model_b"),
            battle(3, "small", "tiny", "tie"),
        ]
        .concat(),
    );
    assert_eq!((found.rows, found.ties, found.density), (3, 1, 2.0 / 3.0));
    let small = &found.models[0];
    assert_eq!((small.rows, small.wins, small.losses, small.ties), (3, 1, 1, 1));
    assert_eq!(small.mean_score, 0.5);
    assert_eq!(found.pairs[0].battles, 2);
    let text = found.to_string();
    assert!(text.contains("battles between models") && text.contains("66.7 % of model pairs"));
    assert!(found.warnings.is_empty(), "{:?}", found.warnings);
}

#[test]
fn data_that_teaches_nothing_is_warned_of() {
    let ties = [battle(1, "a", "b", "tie"), battle(2, "b", "a", "tie")].concat();
    assert!(says(&look("own.jsonl", &ties), "every row is a tie"));
    let single = [battle(1, "a", "b", "model_a"), battle(2, "b", "a", "model_b")].concat();
    assert!(says(&look("own.jsonl", &single), "single class: a wins"));
    let sorted = [battle(1, "a", "b", "model_a"), battle(2, "b", "c", "model_a")].concat();
    assert!(says(&look("own.jsonl", &sorted), "won by model_a"));
    let apart = [battle(1, "a", "b", "model_a"), battle(2, "x", "y", "model_b")].concat();
    assert!(says(&look("own.jsonl", &apart), "2 groups"));
    let alone = outcome(1, "One?", "\"only\": 0.5");
    assert!(says(&look("own.jsonl", &alone), "one model only (only)"));
    let none = look("own.jsonl", "{\"id\": 1}\n");
    assert!(none.rows == 0 && says(&none, "no usable row"));
    let extra = "Input,a/score,b/score,note\nOne?,1,0,x\n";
    assert!(says(&look("own.csv", extra), "columns not read: \"note\""));
}

#[test]
fn a_bad_row_stops_a_strict_inspection() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("own.jsonl");
    std::fs::write(&path, "{\"id\": 1}\n").unwrap();
    let error = inspect(&path, None, &ReadOptions::default()).unwrap_err();
    assert_eq!(error.code(), "wrong_type");
}

#[test]
fn long_lists_of_names_are_shortened() {
    let mut text = String::new();
    for id in 0..30 {
        let row = outcome(id, &format!("q {id}"), "\"a\": 1, \"b\": 0");
        write!(text, "{}", row.replace("\"own\"", &format!("\"set {id}\""))).unwrap();
    }
    assert!(look("own.jsonl", &text).to_string().contains("10 in 10 more"));
}
