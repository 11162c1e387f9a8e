//! The losses are the paper's, the network learns on either encoder, and edge cases are defined.

#![allow(clippy::unwrap_used)]

use std::sync::atomic::AtomicBool;

use indicatif::ProgressBar;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::encoder::bert::Pooling;
use crate::encoder::bert_weights::tests::tiny;
use crate::encoder::static_table::StaticTable;
use crate::encoder::trainable::{StaticEncoder, TransformerEncoder};
use crate::router::routerdc::network::LlmEmbeddings;
use crate::router::routerdc::queries::balanced;
use crate::training::fine_tune::{Place, Settings, fine_tune};
use crate::training::optimiser::Rules;

fn device() -> Device {
    Device::flex().autodiff()
}

fn settings(loss: RouterDcLoss) -> RouterDcRecipe {
    RouterDcRecipe {
        loss,
        positives: 2,
        worst: 2,
        negatives: 2,
        lambda: 0.0,
        clusters: None,
        cost_weight: 0.0,
        temperature: 1.0,
        target_temperature: 0.5,
        samples: None,
        freeze_tokens: false,
        freeze_layers: 0,
    }
}

fn query(scores: &[Option<f32>], cluster: u32, dataset: usize) -> ScoredQuery {
    ScoredQuery { ids: vec![1], scores: scores.to_vec(), cluster, dataset, weight: 1.0 }
}

fn task(rows: Vec<ScoredQuery>, settings: &RouterDcRecipe) -> Result<RouterDcTask, TrainerError> {
    let limits = Limits { vocabulary: 64, longest: None };
    RouterDcTask::new(rows, Vec::new(), settings, limits, &device())
}

/// The loss of rows of one batch, given directions and cosines.
fn loss(task: &RouterDcTask, directions: &[[f32; 2]], cosines: &[Vec<f32>]) -> Option<(f64, f64)> {
    let device = device();
    let rows = directions.len();
    let flat: Vec<f32> = directions.iter().flatten().copied().collect();
    let directions = Tensor::from_data(TensorData::new(flat, [rows, 2]), &device);
    let flat: Vec<f32> = cosines.iter().flatten().copied().collect();
    let cosines = Tensor::from_data(TensorData::new(flat, [rows, cosines[0].len()]), &device);
    let mut draw = RandomStream::new(1, 0);
    let (mean, weight) =
        task.batch_loss(directions, cosines, task.train.iter().collect(), &mut draw)?;
    Some((f64::from(mean.into_scalar::<f32>()), weight))
}

#[test]
fn the_sample_llm_loss_is_equation_4() {
    let task = task(
        vec![query(&[Some(1.0), Some(0.2), Some(0.0), Some(0.9), None], 0, 0)],
        &settings(RouterDcLoss::DualContrastive),
    )
    .unwrap();
    let (found, weight) = loss(&task, &[[1.0, 0.0]], &[vec![0.5, -0.2, 0.1, 0.3, 0.9]]).unwrap();
    // Positives 0 and 3, negatives 1 and 2; the last was not measured.
    let others = (-0.2_f64).exp() + 0.1_f64.exp();
    let term = |s: f64| -(s.exp() / (s.exp() + others)).ln();
    assert!((found - f64::midpoint(term(0.5), term(0.3))).abs() < 1e-6, "{found}");
    assert!((weight - 1.0).abs() < 1e-12);
}

#[test]
fn the_sample_sample_loss_is_equation_5() {
    let mut how = settings(RouterDcLoss::DualContrastive);
    how.lambda = 2.0;
    // One query alike and one unlike: every draw is forced.
    let scores = [Some(1.0), Some(0.0)];
    let rows = vec![query(&scores, 0, 0), query(&scores, 0, 0), query(&scores, 1, 0)];
    let task = task(rows, &how).unwrap();
    let directions = [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]];
    let (found, _) = loss(&task, &directions, &vec![vec![0.0, 0.0]; 3]).unwrap();
    let cos = |a: usize, b: usize| {
        f64::from(directions[a][0] * directions[b][0] + directions[a][1] * directions[b][1])
    };
    let term = |q: usize, alike: usize, unlike: usize| {
        let (p, n) = (cos(q, alike).exp(), cos(q, unlike).exp());
        -(p / (p + n)).ln()
    };
    // The third query has none alike: it has no such loss.
    let expected = 2.0_f64.ln() + 2.0 * f64::midpoint(term(0, 1, 2), term(1, 0, 2));
    assert!((found - expected).abs() < 1e-6, "{found}, expected {expected}");
}

#[test]
fn cosine_classifier_and_zooter_are_cross_entropies() {
    let rows = || vec![query(&[Some(1.0), Some(1.0), Some(0.5), None], 0, 0)];
    let logits = [0.4_f64, -0.1, 0.2, 0.9];
    let cosines = vec![logits.iter().map(|&v| v as f32).collect::<Vec<f32>>()];
    let total = logits[..3].iter().map(|v| v.exp()).sum::<f64>().ln();
    let classifier = task(rows(), &settings(RouterDcLoss::CosineClassifier)).unwrap();
    let (found, _) = loss(&classifier, &[[1.0, 0.0]], &cosines).unwrap();
    assert!((found - (total - f64::midpoint(0.4, -0.1))).abs() < 1e-5, "{found}");
    let zooter = task(rows(), &settings(RouterDcLoss::Zooter)).unwrap();
    let (found, _) = loss(&zooter, &[[1.0, 0.0]], &cosines).unwrap();
    let third = (-1.0_f64).exp();
    let mass = 2.0 + third;
    let expected = total - (0.4 - 0.1 + third * 0.2) / mass;
    assert!((found - expected).abs() < 1e-5, "{found}, expected {expected}");
}

#[test]
fn queries_that_tell_nothing_apart_have_no_loss_and_all_of_them_are_an_error() {
    let how = settings(RouterDcLoss::DualContrastive);
    let rows = vec![
        query(&[Some(1.0), Some(1.0), Some(1.0)], 0, 0),
        query(&[Some(0.0), Some(0.0), Some(0.0)], 0, 0),
    ];
    assert_eq!(task(rows.clone(), &how).unwrap_err().code(), "no_training_data");
    let mut with_one = rows;
    with_one.push(query(&[Some(0.0), Some(1.0), Some(0.0)], 0, 0));
    let task = task(with_one, &how).unwrap();
    let (_, weight) = loss(&task, &[[1.0, 0.0]; 3], &vec![vec![0.1, 0.2, 0.3]; 3]).unwrap();
    assert!((weight - 1.0).abs() < 1e-12, "one row of three counts");
}

proptest! {
    #[test]
    fn best_and_worst_are_apart_and_within_their_scores(
        scores in prop::collection::vec(prop::option::of(0.0_f32..=1.0), 1..8),
        positives in 1_usize..9,
        worst in 1_usize..9,
    ) {
        let how = RouterDcRecipe { positives, worst, ..settings(RouterDcLoss::DualContrastive) };
        let (best, low) = contrast(&scores, &how, &|llm| llm as u64);
        prop_assert!(best.len() <= positives && low.len() <= worst);
        prop_assert!(best.iter().all(|llm| scores[*llm].is_some_and(|s| s > 0.0)));
        prop_assert!(low.iter().all(|llm| scores[*llm].is_some_and(|s| s <= 0.5)));
        prop_assert!(low.iter().all(|llm| !best.contains(llm)));
        // No LLM outside the best is better than one of them.
        let least = best.iter().filter_map(|&llm| scores[llm]).fold(2.0, f32::min);
        if best.len() == positives {
            let outside = (0..scores.len()).filter(|llm| !best.contains(llm));
            prop_assert!(outside.filter_map(|llm| scores[llm]).all(|score| score <= least));
        }
    }
}

#[test]
fn drawn_ties_favour_no_place_in_the_list() {
    let how = RouterDcRecipe { positives: 1, worst: 1, ..settings(RouterDcLoss::DualContrastive) };
    let rows: Vec<ScoredQuery> = (0..64)
        .map(|at| ScoredQuery {
            ids: vec![at],
            ..query(&[Some(1.0), Some(1.0), Some(0.0), Some(0.0)], 0, 0)
        })
        .collect();
    let in_order = task(rows.clone(), &how).unwrap();
    assert!(rows.iter().all(|row| in_order.contrast(row) == (vec![0], vec![3])));
    let drawn = in_order.with_ties(Ties::Drawn(7));
    let firsts = rows.iter().filter(|row| drawn.contrast(row).0 == [0]).count();
    let lasts = rows.iter().filter(|row| drawn.contrast(row).1 == [3]).count();
    assert!((16..48).contains(&firsts) && (16..48).contains(&lasts), "{firsts} {lasts}");
    assert!(rows.iter().all(|row| drawn.contrast(row) == drawn.contrast(&row.clone())));
}

#[test]
fn data_sets_are_brought_to_one_size() {
    let rows: Vec<ScoredQuery> = (0..13)
        .map(|at| query(&[Some(at as f32 / 13.0), Some(0.0)], 0, usize::from(at >= 10)))
        .collect();
    let resampled = || balanced(rows.clone(), 7, 3);
    let balanced = resampled();
    let of = |dataset: usize| balanced.iter().filter(move |row| row.dataset == dataset);
    assert_eq!((of(0).count(), of(1).count()), (7, 7));
    for row in &rows[10..] {
        let times = of(1).filter(|found| *found == row).count();
        assert!((2..=3).contains(&times), "{times}");
    }
    assert_eq!(resampled(), balanced);
}

/// Queries of random words; the word 5 + d says which of three LLMs is right.
fn rows(count: usize, seed: u64) -> Vec<ScoredQuery> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..count)
        .map(|row| {
            let length = random.random_range(3..9_usize);
            let mut ids: Vec<u32> = (0..length).map(|_| random.random_range(8..64)).collect();
            let right = row % 3;
            ids[random.random_range(0..length)] = 5 + right as u32;
            let scores = (0..3).map(|llm| Some(f32::from(u8::from(llm == right)))).collect();
            ScoredQuery { ids, scores, cluster: right as u32, dataset: 0, weight: 1.0 }
        })
        .collect()
}

/// Trains, and gives the share of fresh queries whose picked LLM is right.
fn accuracy<E: TrainableEncoder>(encoder: E, how: &RouterDcRecipe) -> f64 {
    let (train, fresh) = (rows(180, 1), rows(60, 2));
    let limits = encoder.limits();
    let task = RouterDcTask::new(train, rows(45, 3), how, limits, &device()).unwrap();
    let network = WithHead { head: LlmEmbeddings::new(3, encoder.width(), 4, &device()), encoder };
    let place = tempfile::tempdir().unwrap();
    let place = Place { folder: place.path(), identity: "test" };
    let settings = Settings {
        seed: 3,
        epochs: 25,
        max_steps: None,
        micro_batch: 12,
        accumulate: 1,
        warm_up: 0.1,
        clip: Some(1.0),
        rules: Rules::adamw(0.02, 0.0),
        check_steps: 60,
        patience: None,
    };
    let stop = AtomicBool::new(false);
    let tuned =
        fine_tune(network, &task, &settings, &place, &ProgressBar::hidden(), &stop).unwrap();
    let check = RouterDcTask { validation: fresh, ..task };
    1.0 - check.validate(&tuned.network).unwrap().unwrap()
}

#[test]
fn every_loss_teaches_either_encoder() {
    let device = device();
    for loss in
        [RouterDcLoss::DualContrastive, RouterDcLoss::CosineClassifier, RouterDcLoss::Zooter]
    {
        let how = RouterDcRecipe { lambda: 1.0, temperature: 0.2, ..settings(loss) };
        let values = RandomStream::new(5, 0).normal(64 * 6, 0.5);
        let table = StaticTable { rows: 64, width: 6, values };
        let found = accuracy(StaticEncoder::new(&table, &device), &how);
        assert!(found > 0.8, "{loss:?} on the static tier: {found}");
    }
    let how = RouterDcRecipe { lambda: 1.0, ..settings(RouterDcLoss::DualContrastive) };
    let bert = TransformerEncoder { bert: tiny(21).bert(&device), pooling: Pooling::Mean };
    let found = accuracy(bert, &how);
    assert!(found > 0.8, "on the transformer tier: {found}");
}

#[test]
fn rows_that_cannot_be_learnt_from_are_named() {
    let how = settings(RouterDcLoss::DualContrastive);
    let good = || query(&[Some(1.0), Some(0.0)], 0, 0);
    let bad = [
        (query(&[Some(1.0)], 0, 0), "1 scores, expected 2"),
        (query(&[Some(1.5), Some(0.0)], 0, 0), "score 1.5"),
        (query(&[None, None], 0, 0), "no candidate"),
        (ScoredQuery { weight: 0.0, ..good() }, "weight 0"),
        (ScoredQuery { ids: vec![], ..good() }, "no token"),
        (ScoredQuery { ids: vec![64], ..good() }, "token 64"),
    ];
    for (row, part) in bad {
        let error = task(vec![good(), row], &how).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
        assert!(error.to_string().contains('1'), "names the row: {error}");
    }
    assert_eq!(task(vec![], &how).unwrap_err().code(), "no_training_data");
}
