//! Small training runs of every kind and tier, from outcomes to a bundle: they learn, resume exactly
//! and stop safely.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use pointsman::{Kind, Router};
use pointsman_tests::{tiny, tiny_encoder};
use pointsman_trainer::assess::embeddings;
use pointsman_trainer::dataset::{Prepared, prepare};
use pointsman_trainer::device::{ChosenDevice, DeviceChoice, open};
use pointsman_trainer::eval::Origin;
use pointsman_trainer::export::bundle;
use pointsman_trainer::finish::{self, Finished};
use pointsman_trainer::linear::t_sne::{Settings, t_sne};
use pointsman_trainer::map::QueryMap;
use pointsman_trainer::recipe::RecipeFile;
use pointsman_trainer::report::figure::runs;
use pointsman_trainer::report::figure::steps::steps;
use pointsman_trainer::report::svg::png::png;
use pointsman_trainer::training::context::Context;
use pointsman_trainer::training::encoder::encoder;
use pointsman_trainer::training::fit::Trained;
use pointsman_trainer::{TrainerError, router, verify};
use serde_json::json;

struct Bench {
    folder: tempfile::TempDir,
    recipe: RecipeFile,
    prepared: Prepared,
    device: ChosenDevice,
}

/// Writes outcomes of three LLMs, each right on the queries of one data set, which have their own words.
/// Every fourth query has no score of the last LLM. The file's order of LLMs is not the recipe's.
pub(super) fn write_outcomes_of_three(path: &Path, numbers: std::ops::Range<usize>) {
    let words = [["prove", "theorem"], ["hello", "translate"], ["capital", "city"]];
    let line = |i: usize| {
        let right = i % 3;
        let [first, second] = words[right];
        let score = |llm: usize| u8::from(llm == right);
        let mut scores = json!({"tiny-strong": score(0), "tiny-weak": score(1)});
        if i % 4 != 3 {
            scores["tiny-third"] = json!(score(2));
        }
        json!({"id": format!("q{i}"), "query": format!("{first} the {second} number {i}"),
               "dataset": format!("set {right}"), "scores": scores})
        .to_string()
    };
    let lines: Vec<String> = numbers.map(line).collect();
    std::fs::write(path, lines.join("\n")).unwrap();
}

/// The tiny recipe with enough epochs to learn.
pub(super) fn longer(text: &str) -> String {
    text.replace("epochs = 4", "epochs = 30").replace("epochs = 6", "epochs = 20")
}

/// The tiny recipe for a router that chooses the best of three, scored on a separate file.
pub(super) fn of_three(text: &str) -> String {
    let pair = "strong = \"tiny-strong\"\nweak = \"tiny-weak\"\ndefault_strong_share = 0.5\n";
    let third = "[[candidates]]\nid = \"tiny-third\"\n\n[[sources]]\n";
    let test = "[[sources]]\nname = \"apart\"\npath = \"test.jsonl\"\nlicence = \"MIT OR \
                Apache-2.0\"\nrole = \"test\"\n";
    assert!(text.contains(pair));
    let text = text.replace(pair, "").replacen("[[sources]]\n", third, 1);
    text.replace("take = 120\n", "").replace("\n[encoder]", &format!("\n{test}\n[encoder]"))
}

#[test]
fn routers_of_three_candidates_learn_to_choose_and_are_compared_with_the_baselines() {
    let kinds = [Kind::RouterDc, Kind::Cluster, Kind::Mlp, Kind::Mf, Kind::Knn, Kind::Random];
    for kind in kinds {
        for tier in tiny::TIERS {
            let name = format!("{}-{tier}", kind.name());
            // The data sets determine which LLM is right; k-means is tested on pairs.
            let text = tiny::recipe_text(kind, tier);
            let text = text.replace("groups = \"k-means\"", "groups = \"data-set\"");
            let bench = bench_of_three(&text, write_outcomes_of_three);
            assert_eq!(bench.prepared.sources[0].removed_as_leaks, 30, "{name}");
            assert_eq!(bench.prepared.test.rows.len(), 90, "{name}");
            let finished = bench.finish("run").unwrap_or_else(|e| panic!("{name}: {e}"));
            let result = finished.result.unwrap().pools.remove(0);
            let own = &result.routers[0];
            let least = match (kind, tier) {
                (Kind::Random, _) => 0.0,
                // A random transformer distinguishes words poorly, unless the kind trains it.
                (Kind::RouterDc, "transformer") => 0.8,
                // Neighbours in a random table are only sometimes similar; chance level is a third.
                (Kind::Knn, _) | (_, "transformer") => 0.35,
                _ => 0.6,
            };
            assert!(own.metrics.mean.unwrap() > least, "{name}: {:?}", own.metrics.mean);
            assert_eq!(own.metrics.datasets.len(), 3, "{name}");
            let means = finished.bundle.manifest.curves[0].means.unwrap();
            assert!((means.router - own.metrics.mean.unwrap()).abs() < 1e-4, "{name}");
            let folder = bench.folder.path().join("bundle");
            finished.bundle.write(&folder).unwrap();
            let router = Router::from_files(&bundle::read_files(&folder).unwrap()).unwrap();
            let query = pointsman::Query::new("prove the theorem number 999").unwrap();
            let decision = router.route(&query, &pointsman::Policy::default()).unwrap();
            assert_eq!(decision.scores.len(), 3, "{name}");
            let map = std::fs::read(folder.join("map.json")).unwrap();
            let map: QueryMap = serde_json::from_slice(&map).unwrap();
            if kind == Kind::Cluster {
                let names: Vec<&str> = map.clusters.iter().map(|c| c.name.as_str()).collect();
                assert!(
                    ["set 0", "set 1", "set 2"].iter().all(|set| names.contains(set)),
                    "{name}"
                );
            }
            assert_eq!(decision.win_rate, None, "{name}: without a pair");
            if kind == Kind::RouterDc {
                assert_eq!(decision.model, "tiny-strong", "{name}");
            }
        }
    }
}

/// A bench of a recipe, changed to three candidates.
fn bench_of_three(text: &str, write: impl Fn(&Path, std::ops::Range<usize>)) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    write(&data.join("gold.jsonl"), 0..240);
    // The first 30 are also in the training file.
    write(&data.join("test.jsonl"), 210..300);
    tiny_encoder::write(&folder.path().join("encoder")).unwrap();
    let recipe = parsed(&of_three(&longer(text))).unwrap();
    let prepared = prepare(&recipe.recipe, &data, false).unwrap();
    Bench { folder, recipe, prepared, device: open(DeviceChoice::Cpu).unwrap() }
}

#[test]
fn the_sample_sample_loss_has_the_clusters_of_the_map() {
    let text = tiny::recipe_text(Kind::RouterDc, "static");
    let text = text.replace("negatives = 2", "negatives = 2\nclusters = 3");
    let bench = bench_of_three(&text, write_outcomes_of_three);
    let result = bench.finish("run").unwrap().result.unwrap().pools.remove(0);
    assert!(result.routers[0].metrics.mean.unwrap() > 0.6, "{:?}", result.routers[0].metrics.mean);
    let many = text.replace("clusters = 3", "clusters = 500");
    let error = bench_of_three(&many, write_outcomes_of_three).finish("run").err().unwrap();
    assert!(error.to_string().contains("queries for 500 clusters: ask for fewer"), "{error}");
}

#[test]
fn costs_are_subtracted_if_the_recipe_has_a_cost_weight() {
    let text = tiny::recipe_text(Kind::RouterDc, "static");
    let dear = text.replace("negatives = 2", "loss = \"cosine-classifier\"\ncost_weight = 2.0");
    let with_costs = |path: &Path, numbers| {
        write_outcomes_of_three(path, numbers);
        let text = std::fs::read_to_string(path).unwrap();
        let costs = json!({"tiny-strong": 0.9, "tiny-weak": 0.1, "tiny-third": 0.1});
        let line = |line: &str| {
            let mut row: serde_json::Value = serde_json::from_str(line).unwrap();
            row["costs"] = costs.clone();
            row.to_string()
        };
        std::fs::write(path, text.lines().map(line).collect::<Vec<_>>().join("\n")).unwrap();
    };
    let picked = |text: &str| {
        let finished = bench_of_three(text, with_costs).finish("run").unwrap();
        let folder = tempfile::tempdir().unwrap();
        finished.bundle.write(folder.path()).unwrap();
        let router = Router::from_files(&bundle::read_files(folder.path()).unwrap()).unwrap();
        let query = pointsman::Query::new("prove the theorem number 999").unwrap();
        router.route(&query, &pointsman::Policy::default()).unwrap().model
    };
    let free = dear.replace("cost_weight = 2.0", "");
    assert_eq!(picked(&free), "tiny-strong");
    assert_ne!(picked(&dear), "tiny-strong");
    let error = bench_of_three(&dear, write_outcomes_of_three).finish("run").err().unwrap();
    assert!(error.to_string().contains("head.cost_weight needs costs"), "{error}");
}

#[test]
fn a_kind_for_two_candidates_requires_the_pair() {
    for kind in [Kind::Ridge, Kind::Bert, Kind::Length, Kind::SwRanking] {
        let error = parsed(&of_three(&tiny::recipe_text(kind, "static"))).unwrap_err();
        assert!(error.contains("needs strong, weak"), "{error}");
    }
    let half = mf().replace("weak = \"tiny-weak\"\n", "");
    assert!(parsed(&half).unwrap_err().contains("belong together"));
    let both = of_three(&mf()).replace("role = \"gold\"\n", "role = \"gold\"\ntake = 5\n");
    assert!(parsed(&both).unwrap_err().contains("remove \"take\""));
}

/// Writes outcomes with a rule that depends only on words: proofs need the strong candidate.
pub(super) fn write_outcomes(path: &Path) {
    let hard = ["prove", "theorem", "integral", "derivative", "matrix"];
    let easy = ["hello", "thank", "capital", "city", "translate"];
    let mut lines = String::new();
    for i in 0..240_usize {
        let is_hard = i % 2 == 0;
        let words = if is_hard { &hard } else { &easy };
        let query = format!("{} the {} number {i}", words[i / 2 % 5], words[i / 10 % 5]);
        let weak = if is_hard { 0 } else { 1 };
        lines += &json!({
            "id": format!("own-{i}"), "query": query, "dataset": "own",
            "scores": {"tiny-strong": 1, "tiny-weak": weak}
        })
        .to_string();
        lines.push('\n');
    }
    std::fs::write(path, lines).unwrap();
}

pub(super) fn parsed(text: &str) -> Result<RecipeFile, String> {
    RecipeFile::parse(text)
}

fn bench(recipe: &str) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    write_outcomes(&folder.path().join("data/gold.jsonl"));
    tiny_encoder::write(&folder.path().join("encoder")).unwrap();
    let recipe = parsed(recipe).unwrap();
    let prepared = prepare(&recipe.recipe, &folder.path().join("data"), false).unwrap();
    Bench { folder, recipe, prepared, device: open(DeviceChoice::Cpu).unwrap() }
}

impl Bench {
    fn open<'a>(&'a self, name: &str, stop: &'a AtomicBool) -> Result<Context<'a>, TrainerError> {
        let folder = self.folder.path().join(name);
        Context::open(&folder, &self.recipe, &self.prepared, &self.device, stop)
    }

    fn train(&self, name: &str, stop: &AtomicBool) -> Result<Trained, TrainerError> {
        let context = self.open(name, stop)?;
        let encoder = encoder(&context, &self.folder.path().join("encoder"))?;
        router::train(&context, encoder)
    }

    fn finish(&self, name: &str) -> Result<Finished, TrainerError> {
        let stop = AtomicBool::new(false);
        let trained = self.train(name, &stop)?;
        finish::finish(&self.open(name, &stop)?, &trained)
    }

    /// The model file of a trained router; files are equal if all weights are.
    fn model(&self, trained: &Trained) -> Vec<u8> {
        let float = pointsman_trainer::precision::Precision::Float;
        let RecipeFile { recipe, sha256, .. } = &self.recipe;
        let draft = finish::draft(recipe, sha256, Vec::new(), trained, "cpu", float).unwrap();
        let folder = self.folder.path().join("compared");
        draft.write(&folder).unwrap();
        std::fs::read(folder.join("model.onnx")).unwrap()
    }
}

fn mf() -> String {
    tiny::recipe_text(Kind::Mf, "static")
}

#[test]
fn a_run_of_every_kind_and_tier_learns_exports_and_verifies() {
    for kind in Kind::ALL {
        for tier in tiny::TIERS {
            let name = format!("{}-{tier}", kind.name());
            let text = longer(&tiny::recipe_text(kind, tier));
            let bench = bench(&text);
            let finished = bench.finish("run").unwrap_or_else(|e| panic!("{name}: {e}"));
            let result = finished.result.unwrap().pairs.remove(0);
            let row = result.routers.iter().find(|r| r.origin == Origin::INT8).unwrap();
            let least = match kind {
                // Queries that both LLMs answer give no contrast, so only one of two LLMs ever loses.
                Kind::RouterDc => 0.0,
                // `length` and `random` do not see the words that decide.
                Kind::Length | Kind::Random => 0.0,
                // A random transformer distinguishes words poorly, unless the kind trains it.
                Kind::Mf | Kind::Mlp | Kind::Knn | Kind::SwRanking | Kind::Cluster
                    if tier == "transformer" =>
                {
                    0.5
                }
                // Neighbours in a random table are only sometimes similar; at the paper's gamma of 10
                // every remembered query has some weight.
                Kind::SwRanking | Kind::Knn | Kind::Cluster => 0.6,
                _ => 0.7,
            };
            assert!(row.metrics.apgr.unwrap() > least, "{name}: APGR {:?}", row.metrics.apgr);
            assert!(finished.disagreement.mean <= verify::LIMIT, "{name}");
            for baseline in ["random", "query length", "oracle", "always strong"] {
                assert!(result.routers.iter().any(|r| r.name == baseline), "no row {baseline:?}");
            }
            let folder = bench.folder.path().join("run/bundle");
            finished.bundle.write(&folder).unwrap();
            finished.bundle.write(&folder).unwrap();
            let router = Router::from_files(&bundle::read_files(&folder).unwrap()).unwrap();
            assert_eq!((router.kind(), router.info().encoder.tier.as_str()), (kind, tier));
            assert!(!router.info().metrics.is_empty(), "{name}");
            assert_eq!(router.info().curves[0].router.len(), 51, "{name}");
            let map = std::fs::read(folder.join("map.json")).unwrap();
            assert!(serde_json::from_slice::<QueryMap>(&map).unwrap().points.len() >= 100);
        }
    }
}

#[test]
fn a_resumed_run_equals_an_uninterrupted_one() {
    let bench = bench(&mf());
    let whole = bench.train("whole", &AtomicBool::new(false)).unwrap();

    let stopped = bench.train("parts", &AtomicBool::new(true)).err().unwrap();
    assert_eq!(stopped.code(), "interrupted");
    let halfway = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let checkpoint = bench.folder.path().join("parts/checkpoint.safetensors");
            while !checkpoint.exists() {
                std::thread::yield_now();
            }
            halfway.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        match bench.train("parts", &halfway) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.code(), "interrupted"),
        }
    });
    let resumed = bench.train("parts", &AtomicBool::new(false)).unwrap();
    assert_eq!(bench.model(&whole), bench.model(&resumed));
}

#[test]
fn the_figures_of_fine_tuning_are_drawn_from_stored_runs() {
    for kind in [Kind::Bert, Kind::RouterDc] {
        let bench = bench(&longer(&tiny::recipe_text(kind, "static")));
        let finished = bench.finish("run").unwrap();
        let traces = runs::traces(&[bench.folder.path().join("run")]).unwrap();
        // 108 or 120 queries without the held-out tenth, 16 per step, 20 epochs, a check every 10 steps.
        assert!(traces[0].checks.len() > 10, "{}: {}", kind.name(), traces[0].checks.len());
        let text = steps(&traces).unwrap().svg("steps");
        assert!(text.contains(">run</text>") && png(&text).unwrap().starts_with(b"\x89PNG"));
        let queries: Vec<&str> =
            bench.prepared.test.rows.iter().map(|row| row.query.as_str()).take(40).collect();
        let router = finished.bundle.router().unwrap();
        let found = embeddings(&router, &queries, &AtomicBool::new(false)).unwrap();
        let found: Vec<Vec<f32>> = found.into_iter().flatten().collect();
        assert_eq!((found.len(), found[0].len() + 1), (40, router.info().encoder.embedding_size));
        let quick = Settings { epochs: 50, ..Settings::default() };
        assert_eq!(t_sne(&found, &quick).unwrap().len(), 40);
    }
}

#[test]
fn a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_checkpoint() {
    let bench = bench(&mf().replace("learning_rate = 0.01", "learning_rate = 1e36"));
    let error = bench.train("run", &AtomicBool::new(false)).err().unwrap();
    assert!(matches!(error.code(), "non_finite_loss" | "not_finite"), "{error}");
}

#[test]
fn a_folder_of_another_recipe_or_seed_is_refused() {
    let mut bench = bench(&mf());
    bench.train("run", &AtomicBool::new(false)).unwrap();
    bench.recipe.recipe.seed = 8;
    assert_eq!(bench.open("run", &AtomicBool::new(false)).unwrap_err().code(), "bad_checkpoint");
    bench.recipe = parsed(&mf().replace("dimension = 8", "dimension = 9")).unwrap();
    assert_eq!(bench.open("run", &AtomicBool::new(false)).unwrap_err().code(), "bad_checkpoint");
}

#[test]
fn a_damaged_checkpoint_is_refused() {
    let bench = bench(&mf());
    bench.train("run", &AtomicBool::new(false)).unwrap();
    let path = bench.folder.path().join("run/checkpoint.safetensors");
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let error = bench.train("run", &AtomicBool::new(false)).err().unwrap();
    assert_eq!(error.code(), "bad_checkpoint");
}

#[test]
fn training_reads_preferences_from_their_file() {
    for kind in [Kind::Mf, Kind::SwRanking, Kind::Bert, Kind::Length] {
        let battles = "\n[[sources]]\nname = \"battles\"\npath = \"battles.jsonl\"\n\
                       licence = \"MIT OR Apache-2.0\"\nrole = \"auxiliary\"\nweight = 2.0\n";
        let text = tiny::recipe_text(kind, "static")
            .replace("take = 120", "take = 0")
            .replace("calibration_share = 0.1\n", &format!("\n{battles}calibration_share = 0.1\n"));
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        write_outcomes(&folder.path().join("data/gold.jsonl"));
        let line = |i: usize| {
            let hard = i.is_multiple_of(2);
            let word = if hard { "matrix" } else { "hello" };
            let winner = if hard { "model_a" } else { "model_b" };
            json!({"id": format!("b{i}"), "query": format!("{word} {word} of the {i}"),
                   "dataset": "own", "model_a": "tiny-strong", "model_b": "tiny-weak",
                   "winner": winner})
            .to_string()
        };
        let lines: Vec<String> = (0..300).map(line).collect();
        std::fs::write(folder.path().join("data/battles.jsonl"), lines.join("\n")).unwrap();
        tiny_encoder::write(&folder.path().join("encoder")).unwrap();
        let recipe = parsed(&text).unwrap();
        let prepared = prepare(&recipe.recipe, &folder.path().join("data"), false).unwrap();
        assert_eq!(prepared.sources[1].rows + prepared.calibration.len() as u64, 300);
        let bench = Bench { folder, recipe, prepared, device: open(DeviceChoice::Cpu).unwrap() };
        let result = bench.finish("run").unwrap().result.unwrap().pairs.remove(0);
        assert!(result.routers[0].metrics.apgr.is_some(), "{}", kind.name());
    }
}

#[test]
fn a_recipe_with_a_misspelt_or_impossible_setting_is_refused() {
    for (from, to) in [
        ("epochs = 4", "epochs = 0"),
        ("epochs = 4", "epoch = 4"),
        ("kind = \"mf\"", "kind = \"oracle\""),
        ("kind = \"mf\"", "kind = \"knn\""),
        ("strong = \"tiny-strong\"", "strong = \"gpt-9\""),
        ("weak = \"tiny-weak\"", "weak = \"tiny-strong\""),
        ("take = 120", ""),
        ("tier = \"static\"", "tier = \"huge\""),
        ("dimension = 8", "dimension = 0"),
        ("[training]", "[fine_tuning]"),
    ] {
        let text = mf();
        assert!(text.contains(from), "{from}");
        assert!(parsed(&text.replace(from, to)).is_err(), "{to} was taken");
    }
}

#[test]
fn a_gold_source_without_the_pair_names_the_columns_it_has() {
    let folder = tempfile::tempdir().unwrap();
    write_outcomes(&folder.path().join("gold.jsonl"));
    let text = mf().replace("tiny-weak", "tiny-other");
    let error = prepare(&parsed(&text).unwrap().recipe, folder.path(), false).unwrap_err();
    assert_eq!(error.code(), "no_training_data");
    assert!(error.to_string().contains("tiny-weak"), "{error}");
}

#[test]
fn every_recipe_parses_and_every_kind_has_one_on_each_tier() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../trainer-native/recipes");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let file = pointsman_trainer::recipe::read(&path).unwrap_or_else(|e| panic!("{e}"));
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert_eq!(file.recipe.name, stem, "a recipe has its file's name");
        found.push((file.recipe.head.kind(), file.recipe.encoder.tier()));
    }
    for kind in Kind::ALL {
        for tier in tiny::TIERS {
            assert!(found.contains(&(kind, tier)), "no recipe of {} on {tier}", kind.name());
        }
    }
}
