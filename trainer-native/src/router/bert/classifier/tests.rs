//! The classifier learns on either encoder, and refuses rows that it cannot learn from.

#![allow(clippy::unwrap_used)]

use std::sync::atomic::AtomicBool;

use burn::tensor::activation::softmax;
use indicatif::ProgressBar;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use super::*;
use crate::encoder::bert::Pooling;
use crate::encoder::bert_weights::BertWeights;
use crate::encoder::bert_weights::tests::tiny;
use crate::encoder::static_table::StaticTable;
use crate::encoder::trainable::{Frozen, StaticEncoder, TransformerEncoder};
use crate::tensors::floats;
use crate::training::fine_tune::{Place, Settings, fine_tune, split};
use crate::training::history;
use crate::training::history::Check;
use crate::training::optimiser::Rules;
use crate::training::optimiser::Schedule;

/// Queries of random words with one that decides: 5 for strong, 6 for a tie, 7 for weak.
fn rows(count: usize, seed: u64) -> Vec<LabelledQuery> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..count)
        .map(|row| {
            let length = random.random_range(3..12_usize);
            let mut ids: Vec<u32> = (0..length).map(|_| random.random_range(8..64)).collect();
            let (id, target) = [(5, 1.0), (6, 0.5), (7, 0.0)][row % 3];
            ids[random.random_range(0..length)] = id;
            LabelledQuery { ids, target, weight: 1.0 }
        })
        .collect()
}

fn device() -> Device {
    Device::flex().autodiff()
}

fn bert() -> TransformerEncoder {
    TransformerEncoder { bert: tiny(21).bert(&device()), pooling: Pooling::Mean }
}

fn settings(rules: Rules) -> Settings {
    Settings {
        seed: 3,
        epochs: 12,
        max_steps: None,
        micro_batch: 8,
        accumulate: 2,
        warm_up: 0.1,
        clip: Some(1.0),
        rules,
        check_steps: 15,
        patience: Some(4),
    }
}

fn train<E: TrainableEncoder>(
    encoder: E,
    rows: Vec<LabelledQuery>,
    settings: &Settings,
) -> (Classifier<E>, Vec<Check>) {
    let (train, validation) = split(rows, 0.2, 1);
    let task = ClassifierTask::new(train, validation, encoder.limits(), &device()).unwrap();
    let network = Classifier::new(encoder, 4, &device());
    let folder = TempDir::new().unwrap();
    let place = Place { folder: folder.path(), identity: "toy" };
    let (bar, go) = (ProgressBar::hidden(), AtomicBool::new(false));
    let trained = fine_tune(network, &task, settings, &place, &bar, &go).unwrap();
    (trained.network, history::read(folder.path()).unwrap())
}

/// P(strong wins) of each query.
fn assess<E: TrainableEncoder>(network: &Classifier<E>, queries: &[Vec<u32>]) -> Vec<f32> {
    let rows: Vec<&[u32]> = queries.iter().map(Vec::as_slice).collect();
    let found = floats(softmax(network.logits(&rows), 1).into_data()).unwrap();
    found.chunks_exact(LABELS).map(|labels| labels[0]).collect()
}

/// Share of fresh queries on which the win rate says what the target says; ties are left out.
fn accuracy<E: TrainableEncoder>(network: &Classifier<E>) -> f64 {
    let fresh: Vec<LabelledQuery> = rows(90, 77).into_iter().filter(|r| r.target != 0.5).collect();
    let ids: Vec<Vec<u32>> = fresh.iter().map(|row| row.ids.clone()).collect();
    let shares = assess(network, &ids);
    let right =
        fresh.iter().zip(&shares).filter(|(row, share)| (row.target > 0.5) == (**share > 0.5));
    right.count() as f64 / fresh.len() as f64
}

#[test]
fn a_tiny_bert_learns_which_word_decides() {
    let (network, checks) = train(bert(), rows(240, 1), &settings(Rules::adamw(3e-3, 0.01)));
    let right = accuracy(&network);
    assert!(right >= 0.9, "{right}, checks {checks:?}");
    let best = checks.iter().filter_map(|c| c.validation).fold(f64::MAX, f64::min);
    assert!(best < 0.6 && best < checks[0].validation.unwrap(), "{checks:?}");
}

#[test]
fn a_static_encoder_learns_in_the_same_loop() {
    let values = RandomStream::new(8, 0).normal(64 * 16, 0.3);
    let table = StaticTable { rows: 64, width: 16, values };
    let encoder = StaticEncoder::new(&table, &device());
    let rules =
        Rules::adamw(2e-2, 0.01).with("encoder.table", Schedule::Sgd { learning_rate: 3.0 });
    let (network, checks) =
        train(encoder, rows(240, 1), &Settings { epochs: 25, ..settings(rules) });
    let right = accuracy(&network);
    assert!(right >= 0.9, "{right}, checks {checks:?}");
}

#[test]
fn frozen_parts_stay_and_the_rest_moves() {
    let frozen = TransformerEncoder::frozen_paths("encoder", Frozen { words: true, layers: 1 });
    let rules = Rules::adamw(3e-3, 0.01).frozen(frozen);
    let (network, _) = train(bert(), rows(48, 2), &Settings { epochs: 2, ..settings(rules) });
    let (after, before) = (BertWeights::of(&network.encoder.bert).unwrap(), tiny(21));
    assert_eq!(after.words, before.words);
    assert_eq!(after.norm, before.norm);
    assert_eq!(after.layers[0], before.layers[0]);
    assert_ne!(after.layers[1].query.weight, before.layers[1].query.weight);
    assert_ne!(after.layers[1].output_norm, before.layers[1].output_norm);
}

#[test]
fn gathering_two_micro_batches_is_one_batch_of_both() {
    let step = |micro_batch, accumulate| {
        let mut rows = rows(20, 3);
        rows.iter_mut().zip([0.5, 1.0, 2.0, 3.0].iter().cycle()).for_each(|(r, w)| r.weight = *w);
        let rules = Rules { rules: Vec::new(), default: Schedule::Sgd { learning_rate: 0.5 } };
        let once = Settings { micro_batch, accumulate, max_steps: Some(1), ..settings(rules) };
        BertWeights::of(&train(bert(), rows, &once).0.encoder.bert).unwrap()
    };
    let (together, apart) = (step(16, 1), step(4, 4));
    let near = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4);
    assert!(near(&together.layers[0].up.weight, &apart.layers[0].up.weight));
    assert!(near(&together.words, &apart.words));
    assert_ne!(together.words, tiny(21).words);
}

#[test]
fn win_rates_do_not_depend_on_what_else_is_in_the_batch() {
    let network = Classifier::new(bert(), 4, &device());
    let queries: Vec<Vec<u32>> = rows(40, 6).into_iter().map(|row| row.ids).collect();
    let together = assess(&network, &queries);
    for (query, share) in queries.iter().zip(together) {
        let alone = assess(&network, std::slice::from_ref(query))[0];
        assert!((alone - share).abs() < 1e-5, "{alone} and {share}");
    }
}

#[test]
fn rows_that_give_no_loss_are_named() {
    let good = || LabelledQuery { ids: vec![1], target: 1.0, weight: 1.0 };
    let refusal = |bad: LabelledQuery| {
        let error =
            ClassifierTask::new(vec![good(), bad], vec![], bert().limits(), &device()).unwrap_err();
        assert_eq!(error.code(), "bad_rows");
        error.to_string()
    };
    let found = |bad, expected: &str| {
        let message = refusal(bad);
        assert!(message.contains("training row 1") && message.contains(expected), "{message}");
    };
    found(LabelledQuery { target: 1.5, ..good() }, "target 1.5, expected a number in [0, 1]");
    found(LabelledQuery { target: f32::NAN, ..good() }, "target NaN");
    found(LabelledQuery { weight: 0.0, ..good() }, "weight 0");
    found(LabelledQuery { weight: f32::INFINITY, ..good() }, "weight inf");
    found(LabelledQuery { ids: vec![], ..good() }, "no token");
    found(LabelledQuery { ids: vec![64], ..good() }, "token 64, the encoder has 64");
    found(LabelledQuery { ids: vec![1; 49], ..good() }, "49 tokens, the encoder takes at most 48");
    let none = ClassifierTask::new(vec![], vec![good()], bert().limits(), &device()).unwrap_err();
    assert_eq!(none.code(), "no_training_data");
}

#[test]
fn a_split_keeps_every_row_once_and_repeats() {
    let (train, validation) = split(rows(50, 9), 0.2, 7);
    assert_eq!((train.len(), validation.len()), (40, 10));
    assert_eq!(split(rows(50, 9), 0.2, 7), (train.clone(), validation.clone()));
    let mut all: Vec<Vec<u32>> = train.into_iter().chain(validation).map(|r| r.ids).collect();
    let mut expected: Vec<Vec<u32>> = rows(50, 9).into_iter().map(|r| r.ids).collect();
    all.sort();
    expected.sort();
    assert_eq!(all, expected);
}

proptest! {
    #[test]
    fn a_targets_shares_are_a_distribution_whose_mean_is_the_target(target in 0.0_f32..=1.0) {
        let [strong, tie, weak] = shares(target);
        prop_assert!([strong, tie, weak].iter().all(|share| (0.0..=1.0).contains(share)));
        prop_assert!((strong + tie + weak - 1.0).abs() < 1e-6);
        prop_assert!((strong + tie / 2.0 - target).abs() < 1e-6);
    }
}
