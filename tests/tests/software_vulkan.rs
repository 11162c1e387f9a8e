//! Compares burn on Vulkan with burn on the CPU: the same small model must give the same numbers.
//!
//! Without a GPU, a software driver is used (`cargo xtask setup test` installs one). The test has its own
//! binary, since a crash of the driver ends the process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::sync::atomic::AtomicBool;

use burn::module::Param;
use burn::tensor::{Int, Tensor, TensorData};
use pointsman::Kind;
use pointsman_tests::{tiny, tiny_encoder};
use pointsman_trainer::device::{ChosenDevice, DeviceChoice, open};
use pointsman_trainer::encoder::embeddings::EmbeddingCache;
use pointsman_trainer::encoder::hugging_face;
use pointsman_trainer::precision::Precision;
use pointsman_trainer::recipe::HeadRecipe;
use pointsman_trainer::router::mf::MfHead;
use pointsman_trainer::training::head::HeadTraining;
use pointsman_trainer::training::preferences::TrainingQuery;

fn assert_near(name: &str, cpu: &[f32], gpu: &[f32], tolerance: f32) {
    assert_eq!(cpu.len(), gpu.len(), "{name}");
    for (a, b) in cpu.iter().zip(gpu) {
        assert!((a - b).abs() <= tolerance * a.abs().max(1.0), "{name}: {a} on CPU, {b} on Vulkan");
    }
}

/// The mean-pooled output of the tiny transformer for two sequences of different length.
fn transformer(chosen: &ChosenDevice) -> Vec<f32> {
    let folder = tempfile::tempdir().unwrap();
    tiny_encoder::write(folder.path()).unwrap();
    let bert = hugging_face::read(folder.path(), &chosen.device).unwrap().bert;
    let ids = TensorData::new(vec![2_i64, 40, 41, 42, 3, 2, 50, 3, 0, 0], [2, 5]);
    let mask = TensorData::new(vec![1.0_f32, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0], [2, 5]);
    let ids = Tensor::<2, Int>::from_data(ids, &chosen.device);
    let mask = Tensor::<2>::from_data(mask, &chosen.device);
    bert.mean_pooled(ids, mask).into_data().try_to_vec::<f32>().unwrap()
}

/// A head's parameters after some epochs on generated embeddings.
fn trained(chosen: &ChosenDevice) -> Vec<Vec<f32>> {
    let file = tiny::recipe_file(Kind::Mf, "static").unwrap();
    let HeadRecipe::Mf(settings) = &file.recipe.head else { panic!("no mf recipe") };
    let training = file.recipe.training.as_ref().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let draft = tiny::bundle_of(Kind::Random, "static", Precision::Float).unwrap();
    let router = draft.router().unwrap();
    let width = router.info().encoder.embedding_size;
    let mut embeddings = EmbeddingCache::open(folder.path(), "vulkan", width).unwrap();
    let texts: Vec<String> = (0..24).map(|i| format!("prove the number {i} is even")).collect();
    let stop = AtomicBool::new(false);
    let rows = embeddings.rows(&router, texts.iter().map(String::as_str), &stop).unwrap();
    let queries: Vec<TrainingQuery> = (0..24_usize)
        .map(|i| TrainingQuery {
            embedding: rows[i].unwrap(),
            scores: vec![(0, (i % 2) as f32), (1, ((i + 1) % 2) as f32), (2, 0.5)],
            weight: 1.0,
            label: None,
        })
        .collect();
    let device = chosen.device.clone().autodiff();
    let head = MfHead::new(settings, (width, 3), file.recipe.seed, &device);
    let values =
        |parameter: &Param<Tensor<2>>| parameter.val().into_data().try_to_vec::<f32>().unwrap();
    let before = values(&head.projection);
    let head = HeadTraining {
        queries: &queries,
        embeddings: &embeddings,
        settings: training,
        seed: file.recipe.seed,
        device: &device,
        checkpoint: &folder.path().join("checkpoint.safetensors"),
        identity: "vulkan",
    }
    .run(head, &stop)
    .unwrap();
    let after = values(&head.projection);
    assert_ne!(before, after, "training changed no parameter");
    vec![after, values(&head.models)]
}

#[test]
fn a_transformer_and_training_steps_agree_with_the_cpu() {
    let cpu = open(DeviceChoice::Cpu).unwrap();
    let vulkan = open(DeviceChoice::Vulkan).unwrap_or_else(|error| panic!("{error}"));
    println!("comparing {} with {}", cpu.description, vulkan.description);
    assert_near("transformer", &transformer(&cpu), &transformer(&vulkan), 1e-4);
    for (cpu, vulkan) in trained(&cpu).iter().zip(&trained(&vulkan)) {
        assert_near("weights", cpu, vulkan, 1e-3);
    }
}
