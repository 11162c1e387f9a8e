//! A student learns its teacher's answers instead of its own labels.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use pointsman::{DEFAULT_TURN_DECAY, Kind, Query, Router};
use pointsman_tests::{tiny, tiny_encoder};
use pointsman_trainer::TrainerError;
use pointsman_trainer::dataset::{Prepared, prepare};
use pointsman_trainer::device::{DeviceChoice, open};
use pointsman_trainer::export::bundle;
use pointsman_trainer::finish::{self, Finished};
use pointsman_trainer::precision::Precision;
use pointsman_trainer::recipe::RecipeFile;
use pointsman_trainer::router;
use pointsman_trainer::teacher::{Comparison, Teacher};
use pointsman_trainer::training::context::Context;
use pointsman_trainer::training::encoder::encoder;
use serde_json::json;

use super::training::{longer, of_three, parsed, write_outcomes, write_outcomes_of_three};

static GO: AtomicBool = AtomicBool::new(false);

/// A corpus, and battles of other LLMs: queries that only the teacher can label.
const UNLABELLED: &str = r#"
[[sources]]
name = "corpus"
path = "corpus.jsonl"
licence = "MIT OR Apache-2.0"
role = "corpus"
weight = 0.5

[[sources]]
name = "battles"
path = "battles.jsonl"
licence = "MIT OR Apache-2.0"
role = "auxiliary"

[encoder]"#;

fn write_lines(path: &Path, lines: impl Iterator<Item = serde_json::Value>) {
    let lines: Vec<String> = lines.map(|line| line.to_string()).collect();
    std::fs::write(path, lines.join("\n")).unwrap();
}

/// Trains and exports a router, with a teacher if given.
fn train(
    folder: &Path,
    recipe: &RecipeFile,
    mut prepared: Prepared,
    teacher: Option<&Teacher>,
) -> Result<Finished, TrainerError> {
    let device = open(DeviceChoice::Cpu).unwrap();
    if let Some(teacher) = teacher {
        prepared.sha256 = teacher.identity(&prepared);
    }
    let folder_of_run = folder.join(&recipe.recipe.name);
    let context = Context::open(&folder_of_run, recipe, &prepared, &device, &GO)?;
    let encoder = encoder(&context, &folder.join("encoder"))?;
    let relabelled = teacher.map(|teacher| teacher.teach(&context)).transpose()?;
    let labelled = relabelled.as_ref().unwrap_or(&prepared);
    let trained = router::train(&context.with_data(labelled), encoder)?;
    finish::finish(&context, &trained)
}

/// Compares a student with its teacher.
fn compared(
    folder: &Path,
    recipe: &RecipeFile,
    prepared: &Prepared,
    teacher: &Teacher,
    student: &Router,
) -> Comparison {
    let device = open(DeviceChoice::Cpu).unwrap();
    let place = folder.join(format!("{} compared", recipe.recipe.name));
    let context = Context::open(&place, recipe, prepared, &device, &GO).unwrap();
    teacher.compare(&context, student).unwrap()
}

fn win_rate(router: &Router, query: &str) -> f64 {
    router.assess(&Query::new(query).unwrap(), DEFAULT_TURN_DECAY).unwrap().win_rate.unwrap()
}

#[test]
fn a_student_of_three_candidates_learns_from_the_teacher_and_not_from_its_labels() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    tiny_encoder::write(&place.join("encoder")).unwrap();
    let (truth, lies) = (place.join("truth"), place.join("lies"));
    for path in [&truth, &lies] {
        std::fs::create_dir(path).unwrap();
    }
    write_outcomes_of_three(&truth.join("gold.jsonl"), 0..240);
    write_outcomes_of_three(&truth.join("test.jsonl"), 240..330);
    std::fs::copy(truth.join("test.jsonl"), lies.join("test.jsonl")).unwrap();
    // The student's file has each LLM's scores inverted.
    let text = std::fs::read_to_string(truth.join("gold.jsonl")).unwrap();
    let lie = |line: &str| {
        let mut row: serde_json::Value = serde_json::from_str(line).unwrap();
        for score in row["scores"].as_object_mut().unwrap().values_mut() {
            *score = json!(1 - score.as_u64().unwrap());
        }
        row
    };
    write_lines(&lies.join("gold.jsonl"), text.lines().map(lie));

    let teacher = parsed(&of_three(&longer(&tiny::recipe_text(Kind::RouterDc, "static")))).unwrap();
    let prepared = prepare(&teacher.recipe, &truth, false).unwrap();
    let finished = train(place, &teacher, prepared, None).unwrap();
    let bundle = place.join("teacher");
    finished.bundle.write(&bundle).unwrap();

    let zooter = tiny::recipe_text(Kind::RouterDc, "static").replace(
        "temperature = 0.1",
        "temperature = 0.1\nloss = \"zooter\"\ntarget_temperature = 0.2",
    );
    for (name, text) in [
        ("zooter", zooter),
        ("mlp", tiny::recipe_text(Kind::Mlp, "static")),
        ("transformer", tiny::recipe_text(Kind::RouterDc, "transformer")),
    ] {
        let text = of_three(&longer(&text));
        let mut recipe = parsed(&text).unwrap();
        recipe.recipe.name = name.into();
        let prepared = prepare(&recipe.recipe, &lies, false).unwrap();
        let teacher = Teacher::read(&bundle, &recipe.recipe).unwrap();
        let finished = train(place, &recipe, prepared.clone(), Some(&teacher)).unwrap();
        let student = finished.bundle.router().unwrap();
        let comparison = compared(place, &recipe, &prepared, &teacher, &student);
        let mean = &comparison.figures[0];
        assert_eq!((comparison.rows, comparison.queries, mean.name), (90, 90, "mean score, %"));
        let (teacher_score, student_score) = (mean.teacher.unwrap(), mean.student.unwrap());
        let least = if name == "mlp" { 60.0 } else { 80.0 };
        assert!(teacher_score > 80.0 && student_score > least, "{name}: {comparison}");
        assert!(comparison.agreement > 0.6, "{name}: {comparison}");
        assert!(comparison.student_bytes > 0 && comparison.teacher_bytes > 0);
        let mut manifest = finished.bundle.manifest;
        teacher.sign(&mut manifest);
        let signed = manifest.provenance.unwrap().teacher.unwrap();
        assert!(signed.starts_with("tiny-routerdc-static "), "{signed}");
    }
}

#[test]
fn every_query_of_outcomes_corpus_and_battles_has_the_teachers_win_rate() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    write_outcomes(&data.join("gold.jsonl"));
    write_lines(
        &data.join("corpus.jsonl"),
        (0..10).map(|i| {
            json!({"id": format!("c{i}"), "query": format!("code the function {i}"),
                   "dataset": "corpus", "scores": {"one": 0.5, "other": 0.5}})
        }),
    );
    // Each text in two battles.
    write_lines(
        &data.join("battles.jsonl"),
        (0..12).map(|i| {
            json!({"id": format!("b{i}"), "query": format!("translate the text {}", i / 2),
                   "dataset": "battles", "model_a": "one", "model_b": "other", "winner": "tie"})
        }),
    );
    let text = tiny::recipe_text(Kind::Mf, "static").replace("\n[encoder]", UNLABELLED);
    let recipe = parsed(&text).unwrap();
    let prepared = prepare(&recipe.recipe, data, false).unwrap();
    let bundle = data.join("teacher");
    tiny::bundle_of(Kind::Ridge, "static", Precision::Int8).unwrap().write(&bundle).unwrap();
    let teacher = Teacher::read(&bundle, &recipe.recipe).unwrap();
    let device = open(DeviceChoice::Cpu).unwrap();
    let context = Context::open(&data.join("run"), &recipe, &prepared, &device, &GO).unwrap();
    let relabelled = teacher.teach(&context).unwrap();

    assert_eq!(relabelled.train.rows.len(), prepared.train.rows.len() + 10 + 6);
    assert_eq!(relabelled.weights[prepared.train.rows.len()], 0.5, "the weight of a corpus row");
    let router = Router::from_files(&bundle::read_files(&bundle).unwrap()).unwrap();
    for (row, target) in relabelled.train.rows.iter().zip(relabelled.pair_targets()) {
        let expected = win_rate(&router, &row.query);
        assert!((f64::from(target.unwrap()) - expected).abs() < 1e-6, "{}", row.query);
        // For two candidates, the difference of qualities gives the same preference.
        let scores = [0, 1].map(|llm| f64::from(row.score(llm).unwrap()));
        assert!((f64::midpoint(1.0, scores[0] - scores[1]) - expected).abs() < 1e-6);
    }
    let mut unlabelled = 0;
    relabelled
        .for_each_preference(&mut |_| {
            unlabelled += 1;
            Ok(())
        })
        .unwrap();
    assert_eq!((unlabelled, relabelled.corpus.rows.len()), (0, 0), "no row is used twice");
    assert_eq!(relabelled.test, prepared.test, "the scored rows keep their labels");

    let again = teacher.teach(&context).unwrap();
    assert_eq!((again.train, again.labels), (relabelled.train, relabelled.labels), "read back");
    let mut other = prepared.clone();
    other.sha256 = "other".into();
    let error = teacher.teach(&context.with_data(&other)).unwrap_err();
    assert_eq!(error.code(), "bad_checkpoint");
}

#[test]
fn a_student_of_a_pair_follows_its_teacher() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    tiny_encoder::write(&place.join("encoder")).unwrap();
    write_outcomes(&place.join("gold.jsonl"));
    let teacher = parsed(&longer(&tiny::recipe_text(Kind::Ridge, "static"))).unwrap();
    let prepared = prepare(&teacher.recipe, place, false).unwrap();
    let finished = train(place, &teacher, prepared, None).unwrap();
    let bundle = place.join("teacher");
    finished.bundle.write(&bundle).unwrap();
    let recipe = parsed(&longer(&tiny::recipe_text(Kind::Mf, "static"))).unwrap();
    let prepared = prepare(&recipe.recipe, place, false).unwrap();
    let teacher = Teacher::read(&bundle, &recipe.recipe).unwrap();
    let finished = train(place, &recipe, prepared.clone(), Some(&teacher)).unwrap();
    let student = finished.bundle.router().unwrap();
    let comparison = compared(place, &recipe, &prepared, &teacher, &student);
    let names: Vec<&str> = comparison.figures.iter().map(|figure| figure.name).collect();
    assert_eq!(names, ["APGR", "CPT(50), %"]);
    assert!(comparison.agreement > 0.7, "{comparison}");
    assert!(comparison.figures[0].student.unwrap() > 0.7, "{comparison}");
}

#[test]
fn a_teacher_of_other_candidates_or_of_another_pair_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("teacher");
    tiny::bundle_of(Kind::Mf, "static", Precision::Int8).unwrap().write(&bundle).unwrap();
    let text = tiny::recipe_text(Kind::Mf, "static");
    let refused = |text: &str, part: &str| {
        let error = Teacher::read(&bundle, &parsed(text).unwrap().recipe).err().unwrap();
        assert_eq!(error.code(), "bad_teacher");
        assert!(error.to_string().contains(part), "{error}");
    };
    refused(&text.replace("tiny-weak", "tiny-other"), "no candidate \"tiny-other\"");
    refused(&of_three(&text), "no candidate \"tiny-third\"");
    let swapped = text.replace(
        "strong = \"tiny-strong\"\nweak = \"tiny-weak\"",
        "strong = \"tiny-weak\"\nweak = \"tiny-strong\"",
    );
    refused(&swapped, "is of \"tiny-strong\" over \"tiny-weak\"");

    let mut draft = tiny::bundle_of(Kind::Mf, "static", Precision::Int8).unwrap();
    (draft.manifest.head.strong, draft.manifest.head.weak) = (None, None);
    draft.write(&bundle).unwrap();
    refused(&text, "has no win rate");
}

#[test]
fn a_folder_of_another_teacher_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    write_outcomes(&data.join("gold.jsonl"));
    let recipe = parsed(&tiny::recipe_text(Kind::Mf, "static")).unwrap();
    let prepared = prepare(&recipe.recipe, data, false).unwrap();
    let taught_by = |kind: Kind| {
        let bundle = data.join(kind.name());
        tiny::bundle_of(kind, "static", Precision::Int8).unwrap().write(&bundle).unwrap();
        let teacher = Teacher::read(&bundle, &recipe.recipe).unwrap();
        let mut relabelled = prepared.clone();
        relabelled.sha256 = teacher.identity(&prepared);
        relabelled
    };
    let device = open(DeviceChoice::Cpu).unwrap();
    let open = |prepared: &Prepared| {
        Context::open(&data.join("run"), &recipe, prepared, &device, &GO).map(drop)
    };
    let (ridge, mlp) = (taught_by(Kind::Ridge), taught_by(Kind::Mlp));
    open(&ridge).unwrap();
    open(&ridge).unwrap();
    assert_eq!(open(&mlp).unwrap_err().code(), "bad_checkpoint");
    assert_eq!(open(&prepared).unwrap_err().code(), "bad_checkpoint", "a run without a teacher");
}
