//! `trainer probe`, against LLMs of known ability.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pointsman::{Ability, Query, Router};
use pointsman_trainer::export::bundle;
use serde_json::{Value, json};

use crate::stand_in::{Reply, StandIn};

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn router(folder: &Path) -> Router {
    Router::from_files(&bundle::read_files(folder).unwrap()).unwrap()
}

fn default_bundle() -> PathBuf {
    repository("bundles/default")
}

/// Items of the shipped set whose right answer is a text that can be given.
fn items() -> Vec<Value> {
    let lines = std::fs::read_to_string(repository("trainer-native/probe/items.jsonl")).unwrap();
    let items = lines.lines().map(|line| serde_json::from_str(line).unwrap());
    items.filter(|item: &Value| item["gold"].get("regex").is_none()).collect()
}

fn right_answer(gold: &Value) -> String {
    match gold.as_object().unwrap().iter().find(|(kind, _)| *kind != "tolerance").unwrap().1 {
        Value::String(text) => text.clone(),
        Value::Array(texts) if gold.get("exact").is_some() => texts[0].as_str().unwrap().to_owned(),
        other => other.to_string(),
    }
}

/// A number in [0, 1) that a text determines.
fn draw(text: &str, seed: u64) -> f64 {
    let mixed = text.bytes().fold(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15), |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((mixed ^ (mixed >> 29)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// A server whose LLMs, by their upstream names, answer as often right as their abilities say.
fn able(abilities: &[(&'static str, Ability)]) -> StandIn {
    let router = router(&default_bundle());
    let known: HashMap<String, (String, Vec<f64>)> = items()
        .iter()
        .map(|item| {
            let query = item["query"].as_str().unwrap();
            let demands = router.demands(&Query::new(query).unwrap()).unwrap();
            (query.to_owned(), (right_answer(&item["gold"]), demands))
        })
        .collect();
    let abilities: HashMap<String, Ability> =
        abilities.iter().map(|(name, ability)| ((*name).to_owned(), ability.clone())).collect();
    StandIn::start(move |seen| {
        let model = seen.body["model"].as_str().unwrap();
        let Some((right, demands)) = known.get(seen.query()) else {
            return Reply::openai("I do not know.", 10, 10);
        };
        let is_right =
            draw(&format!("{model} {}", seen.query()), 5) < abilities[model].quality(demands);
        Reply::openai(if is_right { right } else { "Answer: -987654" }, 10, 10)
    })
}

fn models_toml(folder: &Path, server: &StandIn, ids: &[&str]) -> PathBuf {
    let path = folder.join("models.toml");
    let entry = |id: &&str| {
        format!(
            "[[models]]\nid = \"{id}\"\napi = \"openai\"\nendpoint = \"{}\"\ninput_price = 2.0\n\
             output_price = 8.0\nprices_as_of = \"2026-11\"\nmax_tokens = 100\n",
            server.url()
        )
    };
    std::fs::write(&path, ids.iter().map(entry).collect::<String>()).unwrap();
    path
}

/// Items that can be answered, as a probe of one's own.
fn own_probe(folder: &Path) -> PathBuf {
    let path = folder.join("own.jsonl");
    let line = |item: &Value| {
        format!("{}\n", json!({"id": item["id"], "query": item["query"], "gold": item["gold"]}))
    };
    std::fs::write(&path, items().iter().map(line).collect::<String>()).unwrap();
    path
}

fn trainer(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trainer")).args(arguments).output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn report(out: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(out.join("probe.json")).unwrap()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn llms_of_known_ability_end_within_their_own_intervals() {
    let abilities = [
        ("able", Ability { intercept: 3.0, slopes: vec![0.3, 0.4] }),
        ("middling", Ability { intercept: 1.0, slopes: vec![0.4, 0.6] }),
        ("weak", Ability { intercept: -0.6, slopes: vec![0.5, 0.5] }),
    ];
    let server = able(&abilities);
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let models = models_toml(place, &server, &["able", "middling", "weak"]);
    let (probe, bundle) = (own_probe(place), default_bundle());
    let before = router(&bundle);
    let usual = before.info().calibration.as_ref().unwrap().demands.as_ref().unwrap();
    let mut found = Vec::new();
    for (id, ability) in &abilities {
        let out = place.join(id);
        let output = trainer(&[
            "probe",
            "--model",
            id,
            "--models",
            text(&models),
            "--bundle",
            text(&bundle),
            "--out",
            text(&out),
            "--probe",
            text(&probe),
            "--max-usd",
            "1",
        ]);
        assert!(output.status.success(), "{}", stderr(&output));
        let report = report(&out);
        assert_eq!(report["models"][0]["answered"], items().len());
        let mean = &report["learnt"]["mean_quality"];
        let qualities = usual.iter().map(|row| {
            let row: Vec<f64> = row.iter().map(|&demand| f64::from(demand)).collect();
            ability.quality(&row)
        });
        let truth = qualities.sum::<f64>() / usual.len() as f64;
        let (low, high) = (mean["low"].as_f64().unwrap(), mean["high"].as_f64().unwrap());
        assert!((low..=high).contains(&truth), "{id}: {truth} and {mean}");
        assert!(high - low < 0.2, "{mean}");
        found.push(mean["value"].as_f64().unwrap());
        assert!(out.join("outcomes.jsonl").is_file() && out.join("answers.jsonl").is_file());
    }
    assert!(found[0] > found[1] && found[1] > found[2], "{found:?}");
    assert_eq!(server.count(), 3 * items().len());
}

#[test]
fn the_new_bundle_has_the_candidate_and_its_pair_decides_as_before() {
    let ability = Ability { intercept: 1.0, slopes: vec![0.4, 0.6] };
    let server = able(&[("middling", ability)]);
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let models = models_toml(place, &server, &["middling"]);
    let (out, bundle) = (place.join("new"), default_bundle());
    let output = trainer(&[
        "probe",
        "--model",
        "middling",
        "--models",
        text(&models),
        "--bundle",
        text(&bundle),
        "--out",
        text(&out),
        "--items",
        "60",
        "--max-usd",
        "1",
        "--context-window",
        "32000",
    ]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(server.count(), 60);
    let (before, after) = (router(&bundle), router(&out.join("bundle")));
    let (old, new) = (before.info(), after.info());
    assert_eq!(new.candidates.len(), old.candidates.len() + 1);
    let added = new.candidates.last().unwrap();
    assert_eq!(
        (added.id.as_str(), added.input_price, added.output_price),
        ("middling", Some(2.0), Some(8.0))
    );
    assert_eq!(
        (added.prices_as_of.as_deref(), added.context_window),
        (Some("2026-11"), Some(32_000))
    );
    let source = new.trained_on.last().unwrap();
    assert_eq!((source.rows, source.licence.as_str()), (60, "MIT OR Apache-2.0"));
    // Fitted as `pointsman fit-model` does.
    let outcomes = std::fs::read_to_string(out.join("outcomes.jsonl")).unwrap();
    let outcomes: Vec<pointsman::Outcome> = outcomes
        .lines()
        .map(|line| {
            let row: Value = serde_json::from_str(line).unwrap();
            let score = row["scores"]["middling"].as_f64().unwrap();
            pointsman::Outcome { query: row["query"].as_str().unwrap().to_owned(), score }
        })
        .collect();
    let fitted = before.fit_ability(&outcomes, &pointsman::AbilityPrior::default()).unwrap();
    let stated = added.ability.as_ref().unwrap();
    assert!((fitted.intercept - stated.intercept).abs() < 1e-9);
    assert!(fitted.slopes.iter().zip(&stated.slopes).all(|(a, b)| (a - b).abs() < 1e-9));
    assert_eq!((&new.head.strong, &new.head.weak), (&old.head.strong, &old.head.weak));
    assert_eq!(new.calibration, old.calibration);
    for query in ["Hello!", "Prove that the square root of 2 is irrational."] {
        let rate =
            |router: &Router| router.assess(&Query::new(query).unwrap(), 0.5).unwrap().win_rate;
        assert_eq!(rate(&before), rate(&after));
    }
}

#[test]
fn a_cap_ends_the_probe_and_the_next_call_asks_only_what_is_missing() {
    let server = able(&[("weak", Ability { intercept: -0.6, slopes: vec![0.5, 0.5] })]);
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let (models, bundle) = (models_toml(place, &server, &["weak"]), default_bundle());
    let out = place.join("new");
    let probe = |max_usd: &str| {
        trainer(&[
            "probe",
            "--model",
            "weak",
            "--models",
            text(&models),
            "--bundle",
            text(&bundle),
            "--out",
            text(&out),
            "--items",
            "40",
            "--max-usd",
            max_usd,
        ])
    };
    let capped = probe("0.004");
    assert!(!capped.status.success());
    let asked = server.count();
    assert!(asked > 0 && asked < 40, "{asked}: {}", stderr(&capped));
    assert!(!out.join("bundle").exists());
    let whole = probe("1");
    assert!(whole.status.success(), "{}", stderr(&whole));
    assert_eq!(server.count(), 40);
    let again = probe("1");
    assert!(again.status.success(), "{}", stderr(&again));
    assert_eq!(server.count(), 40);
}

#[test]
fn what_cannot_be_added_is_refused_before_anything_is_asked() {
    let server = able(&[("weak", Ability { intercept: -0.6, slopes: vec![0.5, 0.5] })]);
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let (models, bundle) = (models_toml(place, &server, &["weak", "large"]), default_bundle());
    let (out, empty) = (place.join("new"), place.join("empty"));
    std::fs::create_dir(&empty).unwrap();
    let without_gold = place.join("questions.jsonl");
    std::fs::write(&without_gold, "{\"id\": \"q\", \"query\": \"Why?\"}\n").unwrap();
    let (models, bundle, out) = (text(&models), text(&bundle), text(&out));
    for (model, more, code, part) in [
        ("other", &["--bundle", bundle][..], "bad_models", "expected one of weak, large"),
        ("large", &["--bundle", bundle], "bad_candidate", "the router has it already"),
        ("weak", &["--bundle", text(&empty)], "bad_run", "expected the folder of a bundle"),
        ("weak", &["--bundle", bundle, "--items", "5000"], "bad_setting", "expected 1 to 260"),
        (
            "weak",
            &["--bundle", bundle, "--tier", "giant"],
            "bad_setting",
            "expected one of large, medium, small",
        ),
        (
            "weak",
            &["--bundle", bundle, "--probe", text(&without_gold)],
            "bad_rows",
            "found no \"gold\"",
        ),
    ] {
        let fixed = ["probe", "--model", model, "--models", models, "--out", out, "--max-usd", "1"];
        let output = trainer(&[&fixed[..], more].concat());
        assert!(!output.status.success(), "{more:?}");
        assert!(stderr(&output).contains(part), "{more:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(code), "{more:?}: {}", stderr(&output));
    }
    assert_eq!(server.count(), 0);
}

#[test]
fn how_far_answers_carry_is_measured_on_a_pool() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("outcomes.jsonl");
    let abilities = [("a", 2.0), ("b", 0.8), ("c", -0.2), ("d", -1.4)];
    let router = router(&default_bundle());
    let line = |at: usize| {
        let item = &items()[at % items().len()];
        let query = format!("{} ({at})", item["query"].as_str().unwrap());
        let demands = router.demands(&Query::new(&query).unwrap()).unwrap();
        let score = |(name, intercept): &(&str, f64)| {
            let ability = Ability { intercept: *intercept, slopes: vec![0.4, 0.6] };
            let right = draw(&format!("{name} {query}"), 5) < ability.quality(&demands);
            ((*name).to_owned(), json!(u8::from(right)))
        };
        let scores: serde_json::Map<String, Value> = abilities.iter().map(score).collect();
        format!(
            "{}\n",
            json!({"id": at.to_string(), "query": query, "dataset": "own", "scores": scores})
        )
    };
    std::fs::write(&data, (0..240).map(line).collect::<String>()).unwrap();
    let out = folder.path().join("out");
    let (bundle, data) = (default_bundle(), text(&data).to_owned());
    let evaluate = |answers: &str| {
        trainer(&[
            "probe",
            "--evaluate",
            "--bundle",
            text(&bundle),
            "--data",
            &data,
            "--answers",
            answers,
            "--draws",
            "4",
            "--out",
            text(&out),
        ])
    };
    let output = evaluate("20,80");
    assert!(output.status.success(), "{}", stderr(&output));
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        table.contains("4 LLMs on 240 rows, 4 draws each") && table.contains("| 80 answers |"),
        "{table}"
    );
    let found: Value =
        serde_json::from_slice(&std::fs::read(out.join("left-out.json")).unwrap()).unwrap();
    let error = |basis: Value| {
        let lines = found["lines"].as_array().unwrap();
        lines.iter().find(|line| line["basis"] == basis).unwrap()["mean_error"].as_f64().unwrap()
    };
    assert!(error(json!({"answers": 80})) < error(json!("prior")), "{found}");
    let too_many = evaluate("500");
    assert!(stderr(&too_many).contains("nothing_to_score"), "{}", stderr(&too_many));
}
