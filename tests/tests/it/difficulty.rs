//! Kind `difficulty`, from outcomes, needs and gold labels to a bundle.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use pointsman::{Ability, Kind, Manifest, Query, Router};
use pointsman_tests::{tiny, tiny_encoder};
use pointsman_trainer::TrainerError;
use pointsman_trainer::dataset::prepare;
use pointsman_trainer::device::{DeviceChoice, open};
use pointsman_trainer::encoder::Encoder;
use pointsman_trainer::export::bundle::BundleDraft;
use pointsman_trainer::finish;
use pointsman_trainer::precision::Precision;
use pointsman_trainer::recipe::{HeadRecipe, RecipeFile};
use pointsman_trainer::router;
use pointsman_trainer::router::difficulty::{PairLabel, PairOnBundle, fit_difficulty};
use pointsman_trainer::training::context::Context;
use pointsman_trainer::training::embedder::Embedder;
use pointsman_trainer::training::encoder::encoder;
use serde_json::json;

use crate::training::write_outcomes;

/// A table of pieces and pairs in place of the tiny recipe's token table.
const PIECES: &str = "[encoder]\ntier = \"pieces\"\nsource = \"drawn from a seed\"\nvocabulary = 400\n\
                      components = 8\nbuckets = 4096\ntail_characters = 20\nmax_tokens = 64\n\n[head]";

/// A transformer whose tokens have a weight each in a demand.
const TOKEN_ROWS: &str = "transformer with token rows";

/// The text of the tiny recipe on an encoder.
fn recipe(encoder: &str) -> String {
    let tier = match encoder {
        "pieces" => "static",
        TOKEN_ROWS => "transformer",
        tier => tier,
    };
    let text = tiny::recipe_text(Kind::Difficulty, tier);
    match encoder {
        // The tiny transformer is drawn from a seed: its tokens say more than its layers.
        TOKEN_ROWS => text.replace(
            "penalty = { difficulty = 1.0, need = 1.0 }",
            "penalty = { difficulty = 1000.0, need = 1000.0 }\ntoken_rows = true\n\
             row_penalty = { difficulty = 0.1, need = 0.1 }",
        ),
        "pieces" => {
            let begin = text.find("[encoder]").unwrap();
            let end = text.find("[head]").unwrap();
            [&text[..begin], PIECES, &text[end + "[head]".len()..]].concat()
        }
        _ => text,
    }
}

/// The recipe with needs, and abilities for tiers.
fn of_tiers(encoder: &str) -> String {
    let needs = "[[sources]]\nname = \"needs\"\npath = \"needs.jsonl\"\nformat = \"need-jsonl\"\n\
                 licence = \"MIT OR Apache-2.0\"\nrole = \"auxiliary\"\n\n[encoder]";
    let tiers = "\n[head.abilities]\nsmall = { intercept = 0.0, slopes = [1.0, 1.0] }\n\
                 large = { intercept = 3.0, slopes = [0.5, 0.5] }\n";
    recipe(encoder).replace("[encoder]", needs) + tiers
}

/// A recipe of the tiers `large` and `small` in place of the tiny LLMs, and without its gold source.
fn without_gold(text: &str) -> String {
    let text = text.replace("tiny-strong", "large").replace("tiny-weak", "small");
    let gold = text.find("[[sources]]\nname = \"own outcomes\"").unwrap();
    let rest = gold + text[gold..].find("\n\n[").unwrap() + 2;
    [&text[..gold], &text[rest..]].concat()
}

fn write_needs(data: &Path) {
    let need = |i: usize| {
        let (words, need) = match i % 2 {
            0 => ("summarise the list", 60 + i % 30),
            _ => ("please explain", i % 20),
        };
        json!({"id": format!("n{i}"), "query": format!("{words} {i}"), "dataset": "own", "need": need})
            .to_string()
    };
    let needs: Vec<String> = (0..80).map(need).collect();
    std::fs::write(data.join("needs.jsonl"), needs.join("\n")).unwrap();
}

/// Calls a function on a run of `text` on the files of `folder/data`, and on its encoder, made of `folder/encoder`:
/// the tiny encoder unless a bundle lies there.
fn in_run<T>(
    folder: &Path,
    text: &str,
    of: impl FnOnce(&Context<'_>, Encoder) -> Result<T, TrainerError>,
) -> Result<T, TrainerError> {
    let recipe = RecipeFile::parse(text).unwrap();
    if !folder.join("encoder").exists() {
        tiny_encoder::write(&folder.join("encoder")).unwrap();
    }
    let prepared = prepare(&recipe.recipe, &folder.join("data"), false).unwrap();
    let (device, stop) = (open(DeviceChoice::Cpu).unwrap(), AtomicBool::new(false));
    let context = Context::open(&folder.join("run"), &recipe, &prepared, &device, &stop).unwrap();
    of(&context, encoder(&context, &folder.join("encoder"))?)
}

/// Trains `text` on the files of `folder/data`.
fn finished(folder: &Path, text: &str) -> BundleDraft {
    let run = |context: &Context<'_>, encoder| {
        let trained = router::train(context, encoder)?;
        finish::finish(context, &trained)
    };
    in_run(folder, text, run).unwrap().bundle
}

/// The manifest and the router of that bundle.
fn trained(folder: &Path, text: &str) -> (Manifest, Router) {
    let bundle = finished(folder, text);
    (bundle.manifest.clone(), bundle.router().unwrap())
}

fn demands(router: &Router, text: &str) -> Vec<f64> {
    router.demands(&Query::new(text).unwrap()).unwrap()
}

fn win_rate(router: &Router, text: &str) -> f64 {
    router.assess(&Query::new(text).unwrap(), 0.5).unwrap().win_rate.unwrap()
}

#[test]
fn demands_are_learnt_from_outcomes_and_needs_on_each_encoder() {
    for encoder in ["static", "pieces", TOKEN_ROWS] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        write_outcomes(&data.join("gold.jsonl"));
        write_needs(&data);
        let (manifest, router) = trained(folder.path(), &of_tiers(encoder));
        let names = manifest.head.demands.as_deref().unwrap();
        assert_eq!(names[..2], ["difficulty", "need"], "{encoder}");
        // Each sample of demands stands for a step of the win rate.
        let sample = manifest.calibration.as_ref().unwrap().demands.as_ref().unwrap();
        assert!(sample.len() > 10 && sample.iter().all(|row| row.len() == names.len()));
        // Fitted to outcomes: the strong LLM is right everywhere, the weak one only on the easy half.
        let quality = |at: usize, difficulty: f64| {
            let mut demands = vec![0.0; names.len()];
            demands[0] = difficulty;
            manifest.candidates[at].ability.as_ref().unwrap().quality(&demands)
        };
        assert!(quality(0, 1.0) > 0.8, "{encoder}");
        assert!(quality(1, -1.0) > 0.7 && quality(1, 1.0) < 0.3, "{encoder}");

        let of = |text: &str| demands(&router, text);
        let gap = of("prove the matrix number 7")[0] - of("hello the city number 7")[0];
        assert!(gap > 0.7, "{encoder}: {gap}");
        let gap = of("summarise the list 500")[1] - of("please explain 501")[1];
        assert!(gap > 0.7, "{encoder}: {gap}");
    }
}

#[test]
fn the_bundle_states_the_demands_that_were_fitted() {
    for encoder in ["static", "pieces", TOKEN_ROWS] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        write_outcomes(&data.join("gold.jsonl"));
        write_needs(&data);
        let text = of_tiers(encoder);
        let asked =
            ["prove the matrix number 7", "hello hello hello hello", "summarise the list 500"];
        let fitted = in_run(folder.path(), &text, |context, encoder| {
            let HeadRecipe::Difficulty(settings) = &context.recipe.head else { unreachable!() };
            let fitted = fit_difficulty(settings, context, &encoder)?;
            fitted.demands_of(&asked, &mut Embedder::new(context, &encoder)?)
        });
        let (_, router) = trained(folder.path(), &text);
        for (text, fitted) in asked.iter().zip(fitted.unwrap()) {
            for (found, fitted) in demands(&router, text).iter().zip(&fitted) {
                assert!((found - fitted).abs() < 0.05, "{encoder}, {text}: {found} and {fitted}");
            }
        }
    }
}

#[test]
fn token_rows_of_a_static_table_are_refused_with_the_tier_that_has_them() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    write_outcomes(&data.join("gold.jsonl"));
    let text = recipe("static").replace("[head]", "[head]\ntoken_rows = true");
    let error = in_run(folder.path(), &text, router::train);
    let error = error.err().unwrap().to_string();
    assert!(error.contains("head.token_rows") && error.contains("\"pieces\""), "{error}");
}

/// Outcomes of other LLMs, which fail at "prove", and gold rows of the pair, whose weak LLM fails at "capital"
/// as often as at all else.
fn write_pair(data: &Path, weak_fails: fn(usize) -> bool) {
    let words = ["prove", "hello", "capital", "translate"];
    let row = |i: usize, name: &str, scores: serde_json::Value| {
        let query =
            format!("{} the {} number {name} {i}", words[i % 4], ["city", "list"][i / 4 % 2]);
        json!({"id": format!("{name}-{i}"), "query": query, "dataset": "own", "scores": scores})
            .to_string()
    };
    let gold = |i: usize| {
        let weak = u8::from(!weak_fails(i));
        row(i, "a", json!({"tiny-strong": 1, "tiny-weak": weak}))
    };
    let others = |i: usize| {
        let right = u8::from(!i.is_multiple_of(4));
        row(i, "b", json!({"one": right, "two": right, "three": 1}))
    };
    let lines = |of: &dyn Fn(usize) -> String| (0..400).map(of).collect::<Vec<_>>().join("\n");
    std::fs::write(data.join("gold.jsonl"), lines(&gold)).unwrap();
    std::fs::write(data.join("others.jsonl"), lines(&others)).unwrap();
}

#[test]
fn gold_labels_correct_the_pair_where_they_help_and_are_left_out_where_they_do_not() {
    let others = "[[sources]]\nname = \"others\"\npath = \"others.jsonl\"\nlicence = \"MIT OR Apache-2.0\"\n\
                  role = \"auxiliary\"\nweight = 30.0\n\n[encoder]";
    for encoder in ["static", "pieces", TOKEN_ROWS] {
        let text = recipe(encoder).replace("[encoder]", others).replace("take = 120", "take = 200");
        let run = |weak_fails| {
            let folder = tempfile::tempdir().unwrap();
            let data = folder.path().join("data");
            std::fs::create_dir(&data).unwrap();
            write_pair(&data, weak_fails);
            trained(folder.path(), &text)
        };
        let (manifest, router) = run(|i| i % 4 == 2);
        assert_eq!(manifest.head.demands.as_deref().unwrap(), ["difficulty", "pair"], "{encoder}");
        let of = |text: &str| win_rate(&router, text);
        let gap = of("capital the city number a 900") - of("hello the city number a 901");
        assert!(gap > 0.05, "{encoder}: {gap}");
        let slopes = |at: usize| manifest.candidates[at].ability.as_ref().unwrap().slopes[1];
        assert!(slopes(0) < 0.0 && slopes(1) > 0.0, "{encoder}");

        // Failures that no word foretells correct nothing.
        let (manifest, _) = run(|i| (i.wrapping_mul(2_654_435_761) >> 13) % 5 == 0);
        assert_eq!(manifest.head.demands.as_deref().unwrap(), ["difficulty"], "{encoder}");
    }
}

/// The recipe of a kind that starts from a bundle.
fn on_bundle(kind: Kind) -> String {
    let text = tiny::recipe_text(kind, "static");
    let (begin, end) = (text.find("[encoder]").unwrap(), text.find("[head]").unwrap());
    let text = [&text[..begin], "[encoder]\ntier = \"bundle\"\n\n", &text[end..]].concat();
    text.replace("take = 120", "take = 200")
}

/// A bundle of tiers, and a folder that has it as `encoder` and labels of a pair of one's own as `data`.
fn own_pair_on_bundle(folder: &Path, encoder: &str) -> (BundleDraft, PathBuf) {
    let base = folder.join("base");
    std::fs::create_dir_all(base.join("data")).unwrap();
    write_outcomes(&base.join("data/gold.jsonl"));
    write_needs(&base.join("data"));
    let bundle = finished(&base, &of_tiers(encoder));
    let own = folder.join("own");
    std::fs::create_dir_all(own.join("data")).unwrap();
    bundle.write(&own.join("encoder")).unwrap();
    // The weak LLM fails at one word that is no harder than others to the LLMs that the bundle knows.
    write_pair(&own.join("data"), |i| i % 4 == 2);
    (bundle, own)
}

#[test]
fn gold_labels_correct_a_pair_on_top_of_a_bundle_whose_demands_stay_as_they_are() {
    for encoder in ["static", "pieces", "transformer", TOKEN_ROWS] {
        let folder = tempfile::tempdir().unwrap();
        let (bundle, own) = own_pair_on_bundle(folder.path(), encoder);
        let (manifest, router) = trained(&own, &on_bundle(Kind::Difficulty));
        let names = manifest.head.demands.as_deref().unwrap();
        let known = bundle.manifest.head.demands.as_deref().unwrap();
        // The bundle may have corrected a pair before.
        let own_name = if known.iter().any(|name| name == "pair") { "pair-2" } else { "pair" };
        assert_eq!(names[..known.len()], *known, "{encoder}");
        assert_eq!(names[known.len()..], [own_name], "{encoder}");
        let base = bundle.router().unwrap();
        for text in ["capital the city number a 900", "hello there", "prove the matrix"] {
            let (found, expected) = (demands(&router, text), demands(&base, text));
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-4, "{encoder}: {found} and {expected}");
            }
        }
        let of = |text: &str| win_rate(&router, text);
        let gap = of("capital the city number a 900") - of("hello the city number a 901");
        assert!(gap > 0.05, "{encoder}: {gap}");
        // The bundle's tiers stay, with no slope of the pair's own demand.
        let tiers = manifest.head.abilities.as_ref().unwrap();
        assert_eq!(tiers["large"].slopes[..2], [0.5, 0.5]);
        assert!(tiers["large"].slopes[2..].iter().all(|&slope| slope == 0.0));
        assert_eq!(manifest.encoder.tier, bundle.manifest.encoder.tier);
    }
}

#[test]
fn fits_of_own_labels_are_those_of_a_run_that_starts_from_the_bundle() {
    for encoder in ["pieces", TOKEN_ROWS] {
        let folder = tempfile::tempdir().unwrap();
        let (bundle, own) = own_pair_on_bundle(folder.path(), encoder);
        let tiers = "\n[head.tiers]\ntiny-strong = \"large\"\ntiny-weak = \"small\"\n";
        let text = on_bundle(Kind::Difficulty) + tiers;
        let (router, stop) = (bundle.router().unwrap(), AtomicBool::new(false));
        let usual = bundle.manifest.head.abilities.as_ref().unwrap();
        let compared = in_run(&own, &text, |context, encoder| {
            let HeadRecipe::Difficulty(settings) = &context.recipe.head else { unreachable!() };
            let fitted = fit_difficulty(settings, context, &encoder)?;
            let train = &context.data.train;
            let queries: Vec<&str> = train.rows.iter().map(|row| row.query.as_str()).collect();
            let demands = fitted.demands_of(&queries, &mut Embedder::new(context, &encoder)?)?;
            let (strong, weak) = context.data.pair_columns().unwrap();
            let tiers = (usual["large"].clone(), usual["small"].clone());
            let pair = PairOnBundle::new(&encoder, &router, &queries, tiers, &stop)?;
            let score = |query: usize, llm| f64::from(train.rows[query].score(llm).unwrap());
            let label =
                |query| PairLabel { query, strong: score(query, strong), weak: score(query, weak) };
            let own = pair.fit(&(0..queries.len()).map(label).collect::<Vec<_>>())?;
            assert!(own.is_corrected(), "{encoder:?}");
            let rate = |demands: &Vec<f64>| {
                let [strong, weak] = [0, 1].map(|at| fitted.abilities[at].quality(demands));
                Ability::win_rate(strong, weak)
            };
            let of_run: Vec<f64> = demands.iter().map(rate).collect();
            let of_labels: Vec<f64> =
                (0..queries.len()).map(|at| pair.win_rate(&own, at)).collect();
            Ok((of_run, of_labels))
        });
        let (of_run, of_labels) = compared.unwrap();
        assert!(of_run.len() > 150 && of_run.iter().any(|rate| (rate - of_run[0]).abs() > 0.05));
        for (run, own) in of_run.iter().zip(&of_labels) {
            assert!((run - own).abs() < 1e-6, "{encoder}: {run} and {own}");
        }
    }
}

#[test]
fn other_kinds_start_from_a_bundle_unless_they_train_the_encoder() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    write_outcomes(&data.join("gold.jsonl"));
    write_needs(&data);
    let bundle = finished(folder.path(), &of_tiers("static"));
    let run = |kind: Kind| {
        let own = tempfile::tempdir().unwrap();
        std::fs::create_dir(own.path().join("data")).unwrap();
        write_outcomes(&own.path().join("data/gold.jsonl"));
        bundle.write(&own.path().join("encoder")).unwrap();
        in_run(own.path(), &on_bundle(kind), |context, encoder| {
            let trained = router::train(context, encoder)?;
            let router = finish::finish(context, &trained)?.bundle.router()?;
            Ok(win_rate(&router, "prove the matrix 7") - win_rate(&router, "hello the city 7"))
        })
    };
    for kind in [Kind::Ridge, Kind::Mf, Kind::Mlp, Kind::Knn] {
        assert!(run(kind).unwrap() > 0.0, "{kind:?}");
    }
    for kind in [Kind::Bert, Kind::RouterDc] {
        let error = run(kind).unwrap_err().to_string();
        assert!(error.contains("encoder of a bundle"), "{kind:?}: {error}");
    }
}

#[test]
fn a_bundle_of_another_kind_is_no_encoder() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    write_outcomes(&data.join("gold.jsonl"));
    let bundle = tiny::bundle_of(Kind::Mf, "static", Precision::Int8).unwrap();
    bundle.write(&folder.path().join("encoder")).unwrap();
    let text = on_bundle(Kind::Difficulty);
    let error = in_run(folder.path(), &text, |_, _| Ok(())).unwrap_err().to_string();
    assert!(error.contains("\"mf\"") && error.contains("bundles/default"), "{error}");
}

#[test]
fn without_gold_labels_a_pair_of_tiers_is_trained_and_scored_on_a_source_apart() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    write_outcomes(&data.join("gold.jsonl"));
    write_needs(&data);
    std::fs::rename(data.join("gold.jsonl"), data.join("apart.jsonl")).unwrap();
    std::fs::write(
        data.join("others.jsonl"),
        std::fs::read_to_string(data.join("apart.jsonl"))
            .unwrap()
            .replace("number", "other number")
            .replace("own-", "other-")
            .replace("tiny-", "theirs-"),
    )
    .unwrap();
    let sources = "[[sources]]\nname = \"apart\"\npath = \"apart.jsonl\"\nlicence = \"MIT\"\nrole = \"test\"\n\
                   aliases = { \"tiny-strong\" = \"large\", \"tiny-weak\" = \"small\" }\n\n[[sources]]\n\
                   name = \"others\"\npath = \"others.jsonl\"\nlicence = \"MIT\"\nrole = \"auxiliary\"\n\
                   calibration_share = 0.2\n\n[encoder]";
    let text = without_gold(&of_tiers("pieces")).replace("[encoder]", sources);
    let (manifest, router) = trained(folder.path(), &text);
    // No outcome of the pair was trained on: its abilities are the tiers'.
    let usual = manifest.head.abilities.as_ref().unwrap();
    assert_eq!(manifest.candidates[0].ability.as_ref(), usual.get("large"));
    assert!(win_rate(&router, "prove the matrix number 7") > win_rate(&router, "hello the city 7"));
    let apgr = manifest.metrics.iter().find(|metric| metric.metric == "apgr").unwrap();
    assert!(apgr.dataset == "apart" && apgr.value > 0.7 && apgr.held_out, "{apgr:?}");
}

/// Graded answers of one LLM: the better the answer, the easier the query; every seventh grade is off.
fn write_graded(data: &Path) {
    let hard = ["prove", "theorem", "integral", "derivative", "matrix"];
    let easy = ["hello", "thank", "capital", "city", "translate"];
    let row = |i: usize| {
        let (words, grade) = match i % 2 {
            0 => (hard, i / 2 % 5),
            _ => (easy, 10 - i / 2 % 5),
        };
        let grade = if i.is_multiple_of(7) { 5 } else { grade };
        let query = format!("{} the {} graded {i}", words[i / 2 % 5], words[i / 10 % 5]);
        json!({"id": format!("g{i}"), "query": query, "dataset": "own",
               "scores": {"only": grade as f64 / 10.0}})
        .to_string()
    };
    let rows: Vec<String> = (0..200).map(row).collect();
    std::fs::write(data.join("graded.jsonl"), rows.join("\n")).unwrap();
}

#[test]
fn graded_answers_of_one_llm_teach_difficulty() {
    let sources = "[[sources]]\nname = \"apart\"\npath = \"apart.jsonl\"\nlicence = \"MIT\"\nrole = \"test\"\n\
                   aliases = { \"tiny-strong\" = \"large\", \"tiny-weak\" = \"small\" }\n\n[[sources]]\n\
                   name = \"graded\"\npath = \"graded.jsonl\"\nlicence = \"MIT\"\nrole = \"auxiliary\"\n\
                   calibration_share = 0.2\n\n[encoder]";
    let tiers = "\n[head.abilities]\nsmall = { intercept = 0.0, slopes = [1.0] }\n\
                 large = { intercept = 3.0, slopes = [0.5] }\n";
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    write_outcomes(&data.join("apart.jsonl"));
    write_graded(&data);
    let text = without_gold(&(recipe("pieces") + tiers)).replace("[encoder]", sources);
    let (manifest, router) = trained(folder.path(), &text);
    assert_eq!(manifest.head.demands.as_deref().unwrap(), ["difficulty"]);
    let of = |text: &str| demands(&router, text)[0];
    let gap = of("prove the matrix number 7") - of("hello the city number 7");
    assert!(gap > 0.5, "{gap}");
    let apgr = manifest.metrics.iter().find(|metric| metric.metric == "apgr").unwrap();
    assert!(apgr.dataset == "apart" && apgr.value > 0.55, "{apgr:?}");
}
