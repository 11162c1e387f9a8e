//! burn on Vulkan against the CPU device: the same small model, the same numbers.
//!
//! Where there is no GPU, a software driver serves (`cargo xtask setup test` installs one). In a
//! binary of its own, since a driver that crashes takes its process along.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use burn::tensor::{Int, Tensor, TensorData};
use switchyard_tests::{tiny, tiny_encoder};
use switchyard_trainer::device::{ChosenDevice, DeviceChoice, open};
use switchyard_trainer::encoder::hugging_face;
use switchyard_trainer::encoder::static_table::StaticTable;
use switchyard_trainer::router::mf::MfRouter;
use switchyard_trainer::training::preferences::{EpochDraw, TrainingQuery};

fn assert_near(name: &str, cpu: &[f32], gpu: &[f32], tolerance: f32) {
    assert_eq!(cpu.len(), gpu.len(), "{name}");
    for (a, b) in cpu.iter().zip(gpu) {
        assert!((a - b).abs() <= tolerance * a.abs().max(1.0), "{name}: {a} on CPU, {b} on Vulkan");
    }
}

/// Mean-pooled output of the tiny transformer for two sequences of different length.
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

/// Losses of some training steps, and the parameters after them.
fn trained(chosen: &ChosenDevice) -> (Vec<f32>, Vec<f32>) {
    let recipe = tiny::recipe().unwrap();
    let table =
        StaticTable { rows: 60, width: 15, values: EpochDraw::new(1, 0).normal(60 * 15, 1.0) };
    let mut router = MfRouter::new(&recipe, &table, 3, &chosen.device.clone().autodiff());
    let queries: Vec<TrainingQuery> = (0..24_u32)
        .map(|i| TrainingQuery {
            ids: (0..=i % 7).map(|j| (i * 5 + j * 11) % 60).collect(),
            scores: vec![(0, (i % 2) as f32), (1, ((i + 1) % 2) as f32), (2, 0.5)],
            weight: 1.0,
            label: None,
        })
        .collect();
    let rows: Vec<&TrainingQuery> = queries.iter().collect();
    let mut losses = Vec::new();
    for epoch in 0..8 {
        let mut draw = EpochDraw::new(recipe.seed, epoch);
        let loss = router.loss(router.batch(&rows, &recipe, &mut draw).unwrap());
        losses.push(loss.clone().inner().into_scalar::<f32>());
        router.parameters.step(&loss.backward(), 1.0);
    }
    (losses, router.parameters.values("projection").unwrap())
}

#[test]
fn a_transformer_and_training_steps_agree_with_the_cpu() {
    let cpu = open(DeviceChoice::Cpu).unwrap();
    let vulkan = open(DeviceChoice::Vulkan).unwrap_or_else(|error| panic!("{error}"));
    println!("comparing {} with {}", cpu.description, vulkan.description);
    assert_near("transformer", &transformer(&cpu), &transformer(&vulkan), 1e-4);
    let ((cpu_losses, cpu_weights), (losses, weights)) = (trained(&cpu), trained(&vulkan));
    assert!(cpu_losses.last().unwrap() < cpu_losses.first().unwrap(), "{cpu_losses:?}");
    assert_near("losses", &cpu_losses, &losses, 1e-4);
    assert_near("weights", &cpu_weights, &weights, 1e-3);
}
