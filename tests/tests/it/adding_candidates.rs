//! Adding an LLM to a trained router, which keeps its decisions among the other LLMs.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use pointsman::{Candidate, DEFAULT_TURN_DECAY, Kind, Query, Router, Source};
use pointsman_tests::{tiny, tiny_encoder};
use pointsman_trainer::TrainerError;
use pointsman_trainer::add_candidate::{Extended, KnownRun, NewCandidate};
use pointsman_trainer::data::{self, ReadOptions};
use pointsman_trainer::dataset::prepare;
use pointsman_trainer::device::{DeviceChoice, open};
use pointsman_trainer::eval::Origin;
use pointsman_trainer::training::context::Context;
use pointsman_trainer::training::encoder::encoder;
use pointsman_trainer::{finish, router, verify};
use serde_json::json;

use super::training::{longer, of_three, parsed, write_outcomes_of_three};

static GO: AtomicBool = AtomicBool::new(false);
const KNOWN: [&str; 3] = ["tiny-strong", "tiny-weak", "tiny-third"];

/// Makes a finished run of three LLMs in `folder/run`.
pub(super) fn train(folder: &Path, kind: Kind, tier: &str) {
    train_on(folder, &of_three(&longer(&tiny::recipe_text(kind, tier))));
}

/// Makes a finished run of a recipe in `folder/run`.
pub(super) fn train_on(folder: &Path, recipe: &str) {
    let data = folder.join("data");
    std::fs::create_dir(&data).unwrap();
    write_outcomes_of_three(&data.join("gold.jsonl"), 0..240);
    write_outcomes_of_three(&data.join("test.jsonl"), 240..330);
    tiny_encoder::write(&folder.join("encoder")).unwrap();
    let recipe = parsed(recipe).unwrap();
    let prepared = prepare(&recipe.recipe, &data, false).unwrap();
    let device = open(DeviceChoice::Cpu).unwrap();
    let context = Context::open(&folder.join("run"), &recipe, &prepared, &device, &GO).unwrap();
    let encoder = encoder(&context, &folder.join("encoder")).unwrap();
    let trained = router::train(&context, encoder).unwrap();
    let finished = finish::finish(&context, &trained).unwrap();
    finished.bundle.write(&context.file("bundle")).unwrap();
    finished.float.write(&context.file("bundle-float")).unwrap();
}

/// Outcomes of the three LLMs and of a new one, which alone is right on questions of code; every fifth
/// row has a score of only one of the three.
fn new_rows(rows: usize) -> Vec<serde_json::Value> {
    let words =
        [["prove", "theorem"], ["hello", "translate"], ["capital", "city"], ["rust", "code"]];
    (0..rows)
        .map(|i| {
            let right = i % 4;
            let [first, second] = words[right];
            let mut scores = json!({"tiny-new": u8::from(right == 3)});
            for (llm, id) in KNOWN.iter().enumerate() {
                if !i.is_multiple_of(5) || llm == 0 {
                    scores[*id] = json!(u8::from(llm == right));
                }
            }
            json!({"id": format!("n{i}"), "query": format!("{first} a {second} number {}", 900 + i),
                   "dataset": format!("set {right}"), "scores": scores})
        })
        .collect()
}

fn new_candidate(folder: &Path, model: &str, rows: usize) -> NewCandidate {
    let path = folder.join("new.jsonl");
    let lines: Vec<String> = new_rows(rows).iter().map(ToString::to_string).collect();
    std::fs::write(&path, lines.join("\n")).unwrap();
    let loaded = data::read(&path, None, &ReadOptions { skip_bad: false }).unwrap();
    NewCandidate {
        candidate: Candidate {
            id: model.into(),
            input_price: Some(0.25),
            output_price: Some(1.0),
            prices_as_of: None,
            context_window: Some(4096),
            ability: None,
        },
        outcomes: loaded.outcomes,
        format: loaded.format,
        source: Source {
            name: "new.jsonl".into(),
            rows: 0,
            licence: "MIT OR Apache-2.0".into(),
            sha256: Some(loaded.sha256),
            removed_as_leaks: 0,
        },
        test: None,
        test_share: 0.25,
    }
}

fn add(folder: &Path, model: &str, rows: usize) -> Result<Extended, TrainerError> {
    let known = KnownRun::read(&folder.join("run"), model)?;
    known.with_candidate(new_candidate(folder, model, rows), &folder.join("more"), &GO)
}

fn scores(router: &Router, query: &str) -> Vec<f32> {
    let tokens = router.encoder().tokenize(query).unwrap();
    router.encoder().run(&tokens).unwrap().scores
}

fn order(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    order
}

#[test]
fn a_new_llm_is_chosen_where_it_is_right_and_the_others_keep_their_order() {
    for tier in tiny::TIERS {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path();
        train(place, Kind::RouterDc, tier);
        let before = KnownRun::read(&place.join("run"), "tiny-new").unwrap();
        let extended = add(place, "tiny-new", 320).unwrap();
        assert_eq!(extended.rows, 240, "a quarter of the rows is held out");
        assert!(extended.disagreement.mean <= verify::LIMIT, "{tier}");
        let ids: Vec<&str> =
            extended.bundle.manifest.candidates.iter().map(|c| c.id.as_str()).collect();
        assert_eq!(ids, ["tiny-strong", "tiny-weak", "tiny-third", "tiny-new"]);
        assert_eq!(extended.bundle.manifest.trained_on.last().unwrap().rows, 240);
        let manifest = &extended.bundle.manifest;
        assert!(
            manifest.metrics.is_empty() && manifest.curves.is_empty(),
            "metrics and curves were of three candidates"
        );
        assert!(
            before.info().map.is_some() && manifest.map.is_none(),
            "the map shows the best of three candidates"
        );

        let result = extended.result.unwrap().pools.remove(0);
        let name = before.info().name.clone();
        let after = result.router(&name, Origin::INT8).unwrap();
        let three = result.router(&format!("{name}, 3 LLMs"), Origin::INT8).unwrap();
        assert!(after.on("set 3").unwrap() > 0.8, "{tier}: {after:?}");
        assert_eq!(three.on("set 3"), Some(0.0), "{tier}");
        assert!(
            after.metrics.mean.unwrap() > three.metrics.mean.unwrap(),
            "{tier}: {after:?} {three:?}"
        );

        let old = pointsman_trainer::export::bundle::read_files(&place.join("run/bundle")).unwrap();
        let (old, new) = (Router::from_files(&old).unwrap(), extended.bundle.router().unwrap());
        for query in new_rows(60).iter().map(|row| row["query"].as_str().unwrap().to_owned()) {
            let (was, is) = (scores(&old, &query), scores(&new, &query));
            for (was, is) in was.iter().zip(&is) {
                assert!((was - is).abs() < 1e-5, "{tier}: {was} is {is}");
            }
            let query = Query::new(query).unwrap();
            let was = old.assess(&query, DEFAULT_TURN_DECAY).unwrap().scores;
            let is = new.assess(&query, DEFAULT_TURN_DECAY).unwrap().scores;
            assert_eq!(order(&was), order(&is[..3]), "{tier}");
        }

        // The result is a run to which another LLM can be added, in its own folder.
        extended.bundle.write(&place.join("more/bundle")).unwrap();
        extended.float.write(&place.join("more/bundle-float")).unwrap();
        let more = KnownRun::read(&place.join("more"), "tiny-new").unwrap();
        assert_eq!(more.info().candidates.len(), 4);
        assert_eq!(add(place, "tiny-new", 324).err().unwrap().code(), "bad_checkpoint");
    }
}

#[test]
fn a_candidate_that_cannot_be_added_is_named_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    train(place, Kind::RouterDc, "static");
    for (model, rows, part) in [
        (
            "tiny-weak",
            320,
            "the router has it already; its candidates are tiny-strong, tiny-weak, tiny-third",
        ),
        ("tiny-unknown", 320, "the data has no such model; it has"),
        ("tiny-new", 30, "22 rows to learn from score both it and a known LLM"),
    ] {
        let error = add(place, model, rows).err().unwrap();
        assert_eq!(error.code(), "bad_candidate");
        assert!(error.to_string().contains(part), "{error}");
        assert!(error.to_string().contains(model), "{error}");
    }
}

#[test]
fn a_kind_that_takes_no_further_llm_is_refused_with_the_kind_that_does() {
    for (kind, part) in [
        (Kind::Mf, "or train kind \"difficulty\", where `pointsman fit-model` fits"),
        (Kind::Length, "or train kind \"difficulty\", where `pointsman fit-model` fits"),
        (Kind::Difficulty, "takes any LLM without training: fit its ability"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let recipe = tiny::recipe_text(kind, "static");
        std::fs::write(folder.path().join("recipe.toml"), recipe).unwrap();
        let error = KnownRun::read(folder.path(), "tiny-new").err().unwrap();
        assert_eq!(error.code(), "bad_candidate");
        let (error, kind) = (error.to_string(), kind.name());
        let kinds = "\"routerdc\", \"cluster\", \"ridge\", \"knn\", \"sw-ranking\"";
        let found = format!("is a run of kind {kind:?}, expected one of {kinds}");
        assert!(error.contains(&found) && error.contains(part), "{error}");
    }
}

fn bundle_before(folder: &Path) -> Router {
    let files = pointsman_trainer::export::bundle::read_files(&folder.join("run/bundle")).unwrap();
    Router::from_files(&files).unwrap()
}

/// Writes an extended run, to which a further LLM can be added.
fn write(extended: &Extended, folder: &Path) {
    extended.bundle.write(&folder.join("bundle")).unwrap();
    extended.float.write(&folder.join("bundle-float")).unwrap();
}

fn rated(router: &Router, query: &str) -> pointsman::Assessment {
    router.assess(&Query::new(query).unwrap(), DEFAULT_TURN_DECAY).unwrap()
}

/// Outcomes of the queries that [`train`] is given, and of 60 others; the new LLM alone is right on
/// translations.
fn remembered(folder: &Path) -> NewCandidate {
    let path = folder.join("known.jsonl");
    write_outcomes_of_three(&path, 0..300);
    let text = std::fs::read_to_string(&path).unwrap();
    let rows = text.lines().map(|line| {
        let mut row: serde_json::Value = serde_json::from_str(line).unwrap();
        let right = row["query"].as_str().unwrap().starts_with("hello");
        row["scores"]["tiny-new"] = json!(u8::from(right));
        row["scores"]["tiny-weak"] = json!(0);
        row.to_string()
    });
    std::fs::write(&path, rows.collect::<Vec<_>>().join("\n")).unwrap();
    let outcomes = data::read(&path, None, &ReadOptions { skip_bad: false }).unwrap().outcomes;
    NewCandidate { outcomes, ..new_candidate(folder, "tiny-new", 320) }
}

#[test]
fn a_knn_router_gets_labels_of_the_queries_that_it_remembers() {
    for tier in tiny::TIERS {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path();
        train(place, Kind::Knn, tier);
        let known = KnownRun::read(&place.join("run"), "tiny-new").unwrap();
        let more = place.join("more");
        let extended = known.with_candidate(remembered(place), &more, &GO).unwrap();
        let scored = extended.result.as_ref().unwrap().pools[0].rows;
        // 24 of the 240 are the calibration's. A table of tokens does not tell 12 from 21.
        let exact = tier != "static";
        assert!(extended.rows == 216 || !exact && extended.rows > 216, "{}", extended.rows);
        assert_eq!(extended.rows + scored, 300, "{tier}: what is not remembered is scored");
        let (old, new) = (bundle_before(place), extended.bundle.router().unwrap());
        let (mut right, mut wrong) = (Vec::new(), Vec::new());
        for i in 0..120 {
            let topic = ["prove the theorem", "hello the translate"][i % 2];
            let query = format!("{topic} number {i}");
            let (was, is) = (rated(&old, &query).scores, rated(&new, &query).scores);
            // The memory's own labels of tiny-weak stay too, whatever the new file says.
            assert_eq!(was[..], is[..3], "{tier}: to the last bit");
            let side = if i % 2 == 1 { &mut right } else { &mut wrong };
            side.push(is[3]);
        }
        let mean = |scores: &[f64]| scores.iter().sum::<f64>() / scores.len() as f64;
        assert!(mean(&right) > mean(&wrong) + 0.3, "{tier}: {right:?} {wrong:?}");
        write(&extended, &more);
        let again = KnownRun::read(&more, "tiny-other").unwrap();
        assert_eq!(again.info().candidates.len(), 4);
        let error = add(place, "tiny-new", 320).err().unwrap();
        let part = "the run remembers 0 of the 320 questions that it was measured on, expected";
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn rows_that_a_knn_router_remembers_are_not_scored() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    train(place, Kind::Knn, "static");
    let mut new = remembered(place);
    let some: Vec<usize> = (0..40).chain(290..300).collect();
    new.test = Some(new.outcomes.select(&some));
    let known = KnownRun::read(&place.join("run"), "tiny-new").unwrap();
    let extended = known.with_candidate(new, &place.join("more"), &GO).unwrap();
    assert_eq!(extended.bundle.manifest.trained_on.last().unwrap().removed_as_leaks, 50);
    assert!(extended.rows < 216, "rows that ask a question of the test are not learnt from");
    let scored = extended.result.unwrap().pools[0].rows;
    assert!((1..20).contains(&scored), "most of the fifty are remembered: {scored}");
}

#[test]
fn an_sw_ranking_router_gets_an_elo_group_and_keeps_its_battles() {
    for tier in tiny::TIERS {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path();
        train_on(place, &longer(&tiny::recipe_text(Kind::SwRanking, tier)));
        let old = bundle_before(place);
        let groups = old.info().head.tiers.clone().unwrap();
        let last = *groups.iter().max().unwrap();
        for (name, right, expected) in [("right", true, 0), ("wrong", false, last)] {
            let extended = match right {
                true => add_scored(place, name, |_| true),
                false => add_scored(place, name, |_| false),
            };
            let tiers = extended.bundle.manifest.head.tiers.clone().unwrap();
            assert_eq!(tiers[..2], groups[..], "{tier}");
            assert!(if right { tiers[2] == 0 } else { tiers[2] >= expected }, "{tier}: {tiers:?}");
            let new = extended.bundle.router().unwrap();
            assert_eq!(new.info().calibration, old.info().calibration);
            for row in new_rows(40) {
                let query = row["query"].as_str().unwrap();
                let (was, is) = (rated(&old, query), rated(&new, query));
                assert_eq!(was.win_rate, is.win_rate, "{tier}: to the last bit");
                assert_eq!(is.scores.len(), 3);
            }
        }
    }
}

#[test]
fn a_ridge_router_gets_a_linear_score_and_keeps_the_pairs() {
    for tier in tiny::TIERS {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path();
        train_on(place, &longer(&tiny::recipe_text(Kind::Ridge, tier)));
        let old = bundle_before(place);
        let extended = add_scored(place, "more", |query| query.starts_with("prove"));
        assert_eq!((extended.rows, extended.bundle.manifest.candidates.len()), (240, 3));
        assert!(extended.disagreement.mean <= verify::LIMIT, "{tier}");
        write(&extended, &place.join("more"));
        // A further one is one more column of the constants that the first has added.
        let mut other = new_candidate(place, "tiny-other", 320);
        let column = other.outcomes.model_index("tiny-new").unwrap();
        other.outcomes.models[column] = "tiny-other".into();
        let known = KnownRun::read(&place.join("more"), "tiny-other").unwrap();
        let again = known.with_candidate(other, &place.join("again"), &GO).unwrap();
        let (new, again) = (extended.bundle.router().unwrap(), again.bundle.router().unwrap());
        let (mut proofs, mut others) = (Vec::new(), Vec::new());
        for query in new_rows(80).iter().map(|row| row["query"].as_str().unwrap().to_owned()) {
            let (was, is, both) =
                (scores(&old, &query), scores(&new, &query), scores(&again, &query));
            assert_eq!((was.len(), is.len(), both.len()), (2, 3, 4));
            assert_eq!((&is[..2], &both[..3]), (&was[..], &is[..]), "{tier}: to the last bit");
            assert_eq!(rated(&old, &query).win_rate, rated(&again, &query).win_rate);
            let side = if query.starts_with("prove") { &mut proofs } else { &mut others };
            side.push(f64::from(is[2]));
        }
        let mean = |scores: &[f64]| scores.iter().sum::<f64>() / scores.len() as f64;
        assert!(mean(&proofs) > mean(&others), "{tier}: {proofs:?} {others:?}");
    }
}

/// Adds `tiny-new` with the scores that `right` gives to its queries.
fn add_scored(folder: &Path, place: &str, right: fn(&str) -> bool) -> Extended {
    let mut new = new_candidate(folder, "tiny-new", 320);
    let column = new.outcomes.model_index("tiny-new").unwrap();
    for row in &mut new.outcomes.rows {
        let score = f32::from(u8::from(right(&row.query)));
        row.scores.iter_mut().filter(|(llm, _)| *llm == column).for_each(|(_, old)| *old = score);
    }
    let known = KnownRun::read(&folder.join("run"), "tiny-new").unwrap();
    known.with_candidate(new, &folder.join(place), &GO).unwrap()
}

#[test]
fn a_cluster_router_gets_a_column_of_means_and_keeps_the_others() {
    for tier in tiny::TIERS {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path();
        train(place, Kind::Cluster, tier);
        let old = pointsman_trainer::export::bundle::read_files(&place.join("run/bundle")).unwrap();
        let old = Router::from_files(&old).unwrap();
        let extended = add_scored(place, "more", |query| query.starts_with("prove"));
        assert_eq!((extended.rows, extended.bundle.manifest.candidates.len()), (240, 4));
        assert!(extended.disagreement.mean <= verify::LIMIT, "{tier}");
        assert!(extended.result.unwrap().pools[0].rows > 0, "{tier}");
        let new = extended.bundle.router().unwrap();
        let (mut proofs, mut others) = (Vec::new(), Vec::new());
        for query in new_rows(80).iter().map(|row| row["query"].as_str().unwrap().to_owned()) {
            let (was, is) = (scores(&old, &query), scores(&new, &query));
            assert_eq!((was.len(), is.len()), (3, 4));
            for (was, is) in was.iter().zip(&is) {
                assert!((was - is).abs() < 1e-5, "{tier}: {was} is {is}");
            }
            let side = if query.starts_with("prove") { &mut proofs } else { &mut others };
            side.push(f64::from(is[3]));
        }
        let mean = |scores: &[f64]| scores.iter().sum::<f64>() / scores.len() as f64;
        assert!(mean(&proofs) > mean(&others), "{tier}: {proofs:?} {others:?}");

        for (name, right) in [("right", true), ("wrong", false)] {
            let all = match right {
                true => add_scored(place, name, |_| true),
                false => add_scored(place, name, |_| false),
            };
            let router = all.bundle.router().unwrap();
            let score = scores(&router, "prove a theorem")[3];
            assert!((0.0..1.0).contains(&score) && (score > 0.9) == right, "{tier}: {score}");
        }
    }
}

#[test]
fn rows_with_a_scored_question_are_not_trained_on() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    train(place, Kind::RouterDc, "static");
    let mut new = new_candidate(place, "tiny-new", 320);
    let some: Vec<usize> = (0..40).collect();
    new.test = Some(new.outcomes.select(&some));
    let known = KnownRun::read(&place.join("run"), "tiny-new").unwrap();
    let extended = known.with_candidate(new, &place.join("more"), &GO).unwrap();
    assert_eq!(extended.rows, 280);
    assert_eq!(extended.bundle.manifest.trained_on.last().unwrap().removed_as_leaks, 40);
    assert_eq!(extended.result.unwrap().pools[0].rows, 40);
}

#[test]
fn the_map_of_a_pair_is_kept_with_its_win_rates() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    train_on(place, &longer(&tiny::recipe_text(Kind::RouterDc, "static")));
    let before = KnownRun::read(&place.join("run"), "tiny-new").unwrap();
    let extended = add(place, "tiny-new", 320).unwrap();
    assert!(before.info().map.is_some());
    assert_eq!(extended.bundle.manifest.map, before.info().map);
    extended.bundle.write(&place.join("more/bundle")).unwrap();
    let read = |folder: &str| std::fs::read(place.join(folder).join("map.json")).unwrap();
    assert_eq!(read("more/bundle"), read("run/bundle"));
}
