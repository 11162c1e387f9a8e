//! Probing an LLM for a router of each kind: what is asked, what is learnt, and what is refused before it costs.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use pointsman::{Candidate, Kind, Source};
use pointsman_tests::tiny;
use pointsman_trainer::TrainerError;
use pointsman_trainer::completions::{ModelEntry, ModelsFile};
use pointsman_trainer::data::{OutcomeRow, Outcomes};
use pointsman_trainer::export::bundle;
use pointsman_trainer::probe::{Beginning, Graded, ProbeSet, Target};
use serde_json::json;

use super::adding_candidates::{train, train_on};
use super::training::longer;

static GO: AtomicBool = AtomicBool::new(false);

/// 90 questions with gold answers, worded as the training data are; their numbers are from `first` on.
fn set(folder: &Path, first: usize) -> ProbeSet {
    let words = [["prove", "theorem"], ["hello", "translate"], ["capital", "city"]];
    let line = |i: usize| {
        let [verb, noun] = words[i % 3];
        json!({"id": format!("p{i}"), "query": format!("{verb} the {noun} number {i}"), "gold": {"numeric": i}})
            .to_string()
    };
    let lines: Vec<String> = (first..first + 90).map(line).collect();
    let path = folder.join("own-probe.jsonl");
    std::fs::write(&path, lines.join("\n")).unwrap();
    ProbeSet::read(&path, None).unwrap()
}

fn models(ids: &[&str]) -> ModelsFile {
    let entry = |id: &&str| {
        format!(
            "[[models]]\nid = \"{id}\"\napi = \"openai\"\nendpoint = \"http://127.0.0.1:9/v1\"\nmax_tokens = 9\n"
        )
    };
    ModelsFile::parse(&ids.iter().map(entry).collect::<String>()).unwrap()
}

/// What each LLM is asked and would have answered: each is right on the questions of one wording.
fn graded(set: &ProbeSet, asked: &[ModelEntry]) -> Graded {
    let row = |item: &pointsman_trainer::probe::ProbeItem| {
        let number: usize = item.id[1..].parse().unwrap();
        let score = |llm: usize| (llm, f32::from(u8::from(number % 3 == llm)));
        OutcomeRow {
            id: item.id.clone(),
            query: item.query.clone(),
            dataset: item.skill.clone(),
            category: None,
            cluster: None,
            scores: (0..asked.len()).map(score).collect(),
            costs: Vec::new(),
        }
    };
    let models = asked.iter().map(|entry| entry.id.clone()).collect();
    let rows = set.items.iter().map(row).collect();
    Graded { models: Vec::new(), outcomes: Outcomes { models, rows, score_scale: 1.0 } }
}

fn source() -> Source {
    Source {
        name: "own-probe.jsonl".into(),
        rows: 0,
        licence: "MIT OR Apache-2.0".into(),
        sha256: Some("0".repeat(64)),
        removed_as_leaks: 0,
    }
}

fn open(folder: &Path) -> Result<Target, TrainerError> {
    Target::open(folder, "tiny-new", Beginning::default())
}

fn refused<T>(found: Result<T, TrainerError>, code: &str, part: &str) {
    let error = found.err().unwrap();
    assert_eq!(error.code(), code, "{error}");
    assert!(error.to_string().contains(part), "{error}");
}

#[test]
fn a_kind_that_learns_an_llm_beside_others_asks_those_that_the_models_file_lists() {
    for kind in [Kind::Cluster, Kind::RouterDc] {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path();
        train(place, kind, "static");
        let target = open(&place.join("run")).unwrap();
        let alone = models(&["tiny-new", "elsewhere"]);
        refused(
            target.asked(&alone.models[0], &alone),
            "bad_candidate",
            "lists none of its candidates, tiny-strong, tiny-weak, tiny-third",
        );
        let file = models(&["tiny-weak", "elsewhere", "tiny-new"]);
        let asked = target.asked(&file.models[2], &file).unwrap();
        let ids: Vec<&str> = asked.iter().map(|entry| entry.id.as_str()).collect();
        assert_eq!(ids, ["tiny-new", "tiny-weak"]);
        let set = set(place, 900);
        target.check(&set, &asked, &GO).unwrap();
        let candidate = Candidate { id: "tiny-new".into(), ..Candidate::default() };
        let more = place.join("more");
        let added = target.add(candidate, &graded(&set, &asked), source(), &more, &GO).unwrap();
        assert_eq!((added.rows, added.learnt), (90, None));
        let router = added.bundle.router().unwrap();
        assert_eq!(router.info().candidates.len(), 4);
        assert_eq!(added.float.unwrap().router().unwrap().info().candidates[3].id, "tiny-new");
        // The run's folder and that of its bundle say the same.
        assert!(open(&place.join("run/bundle")).is_ok());
    }
}

#[test]
fn questions_that_a_kind_cannot_learn_from_are_refused_before_they_are_asked() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    train(place, Kind::Knn, "transformer");
    let target = open(&place.join("run")).unwrap();
    let file = models(&["tiny-new", "tiny-strong"]);
    let asked = target.asked(&file.models[0], &file).unwrap();
    refused(
        target.check(&set(place, 900), &asked, &GO),
        "bad_candidate",
        "remembers 0 of the 90 questions",
    );
    target.check(&set(place, 0), &asked, &GO).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    train_on(place, &longer(&tiny::recipe_text(Kind::Ridge, "static")));
    let target = open(&place.join("run")).unwrap();
    let file = models(&["tiny-new", "tiny-weak"]);
    let asked = target.asked(&file.models[0], &file).unwrap();
    target.check(&set(place, 900), &asked, &GO).unwrap();
}

#[test]
fn a_bundle_without_its_run_and_a_kind_without_a_place_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    train(place, Kind::Cluster, "static");
    let alone = place.join("alone");
    std::fs::create_dir(&alone).unwrap();
    for (name, bytes) in bundle::read_files(&place.join("run/bundle")).unwrap() {
        std::fs::write(alone.join(name), bytes).unwrap();
    }
    refused(open(&alone), "bad_run", "expected its run folder, with recipe.toml");
    let tier = Beginning { tier: Some("large"), role: None };
    let run = place.join("run");
    refused(Target::open(&run, "tiny-new", tier), "bad_setting", "knows no abilities");
    refused(
        Target::open(&run, "tiny-weak", Beginning::default()),
        "bad_candidate",
        "the router has it already",
    );

    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    train_on(place, &tiny::recipe_text(Kind::Mf, "static"));
    refused(open(&place.join("run")), "bad_candidate", "or train kind \"difficulty\"");
}
