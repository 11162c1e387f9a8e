//! A small training run, from outcomes to a bundle: it learns, resumes exactly, and stops safely.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use serde_json::json;
use switchyard_tests::{tiny, tiny_encoder};
use switchyard_trainer::device::{ChosenDevice, DeviceChoice, open};
use switchyard_trainer::prepare::{Prepared, prepare};
use switchyard_trainer::recipe::RecipeFile;
use switchyard_trainer::run::{Run, Trained};
use switchyard_trainer::{TrainerError, finish, verify};

struct Bench {
    folder: tempfile::TempDir,
    recipe: RecipeFile,
    prepared: Prepared,
    device: ChosenDevice,
}

/// Outcomes with a rule that words alone reveal: proofs need the strong candidate.
fn write_outcomes(path: &Path) {
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

fn bench(recipe: &str) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    write_outcomes(&folder.path().join("data/gold.jsonl"));
    tiny_encoder::write(&folder.path().join("encoder")).unwrap();
    let recipe = tiny::toml_recipe(recipe).unwrap();
    let prepared = prepare(&recipe.recipe, &folder.path().join("data"), false).unwrap();
    Bench { folder, recipe, prepared, device: open(DeviceChoice::Cpu).unwrap() }
}

impl Bench {
    fn train(&self, name: &str, stop: &AtomicBool) -> Result<Trained, TrainerError> {
        let run = Run::open(&self.folder.path().join(name), &self.recipe, &self.prepared)?;
        let encoder = run.static_encoder(
            &self.recipe,
            &self.prepared,
            &self.folder.path().join("encoder"),
            &self.device,
            stop,
        )?;
        run.train(&self.recipe, &self.prepared, encoder, &self.device, stop)
    }

    fn parameters(&self, trained: &Trained) -> Vec<Vec<f32>> {
        let names = ["table", "projection", "bias", "models", "weights"];
        names.iter().map(|name| trained.router.parameters.values(name).unwrap()).collect()
    }
}

#[test]
fn a_run_learns_exports_verifies_and_beats_chance() {
    let bench = bench(&tiny::RECIPE.replace("epochs = 4", "epochs = 30"));
    let trained = bench.train("run", &AtomicBool::new(false)).unwrap();
    let finished = finish::finish(&bench.recipe, &bench.prepared, &trained, &bench.device).unwrap();
    assert!(finished.evaluation.apgr > 0.7, "APGR {}", finished.evaluation.apgr);
    assert!(finished.disagreement.mean <= verify::LIMIT);
    assert_eq!(finished.disagreement.tokenised_apart, 0);
    let folder = bench.folder.path().join("run/bundle");
    finished.bundle.write(&folder).unwrap();
    finished.bundle.write(&folder).unwrap();
    let files = switchyard_trainer::export::bundle::read_files(&folder).unwrap();
    let router = switchyard_router::Router::from_files(&files).unwrap();
    assert!(!router.info().metrics.is_empty());
    let report = finish::report(&bench.recipe, &bench.prepared, &finished);
    for row in ["random", "query length", "kNN", "oracle", "always strong"] {
        assert!(report.contains(row), "no row {row:?}");
    }
}

#[test]
fn a_run_resumed_after_an_interruption_ends_as_one_that_never_stopped() {
    let bench = bench(tiny::RECIPE);
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
    assert_eq!(bench.parameters(&whole), bench.parameters(&resumed));
}

#[test]
fn a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_checkpoint() {
    let bench = bench(&tiny::RECIPE.replace("learning_rate = 0.01", "learning_rate = 1e36"));
    let error = bench.train("run", &AtomicBool::new(false)).err().unwrap();
    assert!(matches!(error.code(), "non_finite_loss" | "not_finite"), "{error}");
}

#[test]
fn a_folder_of_another_recipe_is_refused() {
    let bench = bench(tiny::RECIPE);
    bench.train("run", &AtomicBool::new(false)).unwrap();
    let other = tiny::toml_recipe(&tiny::RECIPE.replace("seed = 7", "seed = 8")).unwrap();
    let error = Run::open(&bench.folder.path().join("run"), &other, &bench.prepared).unwrap_err();
    assert_eq!(error.code(), "bad_checkpoint");
}

#[test]
fn a_damaged_checkpoint_is_refused() {
    let bench = bench(tiny::RECIPE);
    bench.train("run", &AtomicBool::new(false)).unwrap();
    let path = bench.folder.path().join("run/checkpoint.safetensors");
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let error = bench.train("run", &AtomicBool::new(false)).err().unwrap();
    assert_eq!(error.code(), "bad_checkpoint");
}

#[test]
fn a_recipe_with_a_misspelt_or_impossible_setting_is_refused() {
    for (from, to) in [
        ("epochs = 4", "epochs = 0"),
        ("epochs = 4", "epoch = 4"),
        ("kind = \"mf\"", "kind = \"oracle\""),
        ("strong = \"tiny-strong\"", "strong = \"gpt-9\""),
        ("take = 120", ""),
        ("token_dropout = 0.1", "token_dropout = 1.5"),
    ] {
        let error = tiny::toml_recipe(&tiny::RECIPE.replace(from, to)).unwrap_err();
        let error = error.downcast::<TrainerError>().unwrap();
        assert_eq!(error.code(), "bad_recipe", "{to}");
    }
}
