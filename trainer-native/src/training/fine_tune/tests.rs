//! Resuming, stopping and clipping of the loop, on a line fitted to points.

#![allow(clippy::unwrap_used)]

use std::cell::Cell;

use burn::nn::Linear;
use burn::tensor::{Device, TensorData};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::encoder::bert_weights::Dense;
use crate::training::optimiser::Schedule;

/// `y = x_0 - 2 x_1`, from points drawn anew at each step.
struct Line<'a> {
    rows: usize,
    validation: Option<fn(f64) -> f64>,
    /// Loss calls after which `stop` is set.
    stop_after: Option<(usize, &'a AtomicBool)>,
    /// Loss calls after which the loss is NaN.
    nan_after: Option<usize>,
    calls: Cell<usize>,
}

impl Line<'_> {
    fn new() -> Self {
        Self { rows: 24, validation: None, stop_after: None, nan_after: None, calls: Cell::new(0) }
    }

    fn error(network: &Linear, points: Vec<f32>) -> Tensor<1> {
        let device = network.weight.device();
        let count = points.len() / 2;
        let expected = points.chunks_exact(2).map(|x| x[0] - 2.0 * x[1]).collect();
        let points = Tensor::<2>::from_data(TensorData::new(points, [count, 2]), &device);
        let expected: Vec<f32> = expected;
        let expected = Tensor::<2>::from_data(TensorData::new(expected, [count, 1]), &device);
        (network.forward(points) - expected).square().mean()
    }
}

impl Objective<Linear> for Line<'_> {
    fn lengths(&self) -> Vec<usize> {
        (0..self.rows).map(|row| 1 + row % 5).collect()
    }

    fn loss(&self, network: &Linear, rows: &[usize], draw: &mut RandomStream) -> Option<Loss> {
        self.calls.set(self.calls.get() + 1);
        if let Some((_, stop)) = self.stop_after.filter(|(after, _)| self.calls.get() == *after) {
            stop.store(true, Ordering::Relaxed);
        }
        let mut mean = Self::error(network, draw.normal(rows.len() * 2, 1.0));
        if self.nan_after.is_some_and(|after| self.calls.get() > after) {
            mean = mean * f32::NAN;
        }
        let tokens = rows.iter().map(|row| 1 + row % 5).sum();
        #[allow(clippy::cast_precision_loss)]
        Some(Loss { mean, weight: rows.len() as f64, tokens })
    }

    fn validate(&self, network: &Linear) -> Result<Option<f64>, TrainerError> {
        let points = RandomStream::new(9, 9).normal(20, 1.0);
        let found = f64::from(Self::error(network, points).into_scalar::<f32>());
        Ok(self.validation.map(|of| of(found)))
    }
}

fn line() -> Linear {
    let dense = Dense { input: 2, output: 1, weight: vec![0.3, 0.1], bias: vec![0.2] };
    dense.linear(&Device::flex().autodiff())
}

fn settings() -> Settings {
    Settings {
        seed: 5,
        epochs: 6,
        max_steps: None,
        micro_batch: 4,
        accumulate: 2,
        warm_up: 0.2,
        clip: Some(1.0),
        rules: Rules::adamw(0.1, 0.01),
        check_steps: 4,
        patience: None,
    }
}

fn train(
    objective: &Line<'_>,
    settings: &Settings,
    folder: &TempDir,
    stop: &AtomicBool,
) -> Result<FineTuned<Linear>, TrainerError> {
    let place = Place { folder: folder.path(), identity: "line" };
    fine_tune(line(), objective, settings, &place, &ProgressBar::hidden(), stop)
}

fn weights(network: &Linear) -> Vec<f32> {
    let dense = Dense::of(network, "line").unwrap();
    [dense.weight, dense.bias].concat()
}

#[test]
fn a_resumed_run_ends_exactly_where_an_uninterrupted_one_does() {
    let (whole_folder, go) = (TempDir::new().unwrap(), AtomicBool::new(false));
    let whole = train(&Line::new(), &settings(), &whole_folder, &go).unwrap();
    let checks = history::read(whole_folder.path()).unwrap();
    // 24 rows are 6 micro-batches, 3 steps an epoch, 18 in all: stop in each of them.
    for calls in 1..=35 {
        let (folder, stop) = (TempDir::new().unwrap(), AtomicBool::new(false));
        let objective = Line { stop_after: Some((calls, &stop)), ..Line::new() };
        // Stopped in the last step, after calls 35 and 36, nothing is left to do.
        let error = train(&objective, &settings(), &folder, &stop).err();
        assert_eq!(error.map(|e| e.code()), (calls < 35).then_some("interrupted"));
        let resumed = train(&Line::new(), &settings(), &folder, &go).unwrap();
        assert_eq!(weights(&resumed.network), weights(&whole.network), "after {calls} calls");
        assert_eq!(history::read(folder.path()).unwrap(), checks, "after {calls} calls");
    }
}

#[test]
fn what_a_history_says_beyond_its_checkpoint_is_dropped_on_resuming() {
    let (folder, stop) = (TempDir::new().unwrap(), AtomicBool::new(false));
    // The check is at step 4, after 8 calls; the run stops after step 6.
    let objective = Line { stop_after: Some((12, &stop)), ..Line::new() };
    train(&objective, &settings(), &folder, &stop).err().unwrap();
    let written = history::read(folder.path()).unwrap();
    assert_eq!(written.iter().map(|check| check.step).collect::<Vec<_>>(), [4]);
    // As a machine that lost its newest checkpoint would leave it.
    let lost = [8, 12].map(|step| Check { step, loss: 9.0, validation: None });
    history::write(folder.path(), &[&written[..], &lost].concat()).unwrap();
    let stopped = AtomicBool::new(true);
    train(&Line::new(), &settings(), &folder, &stopped).err().unwrap();
    assert_eq!(history::read(folder.path()).unwrap(), written);
    let go = AtomicBool::new(false);
    train(&Line::new(), &settings(), &folder, &go).unwrap();
    let whole = TempDir::new().unwrap();
    train(&Line::new(), &settings(), &whole, &go).unwrap();
    assert_eq!(history::read(folder.path()).unwrap(), history::read(whole.path()).unwrap());
    // Without its checkpoint a run begins anew, and so does its history.
    std::fs::remove_file(folder.path().join("fine_tune.safetensors")).unwrap();
    train(&Line::new(), &settings(), &folder, &stopped).err().unwrap();
    assert_eq!(history::read(folder.path()).unwrap_err().code(), "bad_run");
}

#[test]
fn training_fits_the_line() {
    let settings = Settings { epochs: 60, ..settings() };
    let (folder, go) = (TempDir::new().unwrap(), AtomicBool::new(false));
    let trained = train(&Line::new(), &settings, &folder, &go).unwrap();
    for (found, expected) in weights(&trained.network).iter().zip([1.0, -2.0, 0.0]) {
        assert!((found - expected).abs() < 0.05, "{found}, expected {expected}");
    }
    let checks = history::read(folder.path()).unwrap();
    let last = checks.last().unwrap();
    assert!(last.loss < checks[0].loss / 10.0);
    assert_eq!(last.step, 180, "60 epochs of 3 steps");
    assert!(trained.tokens_per_second > 0.0);
}

#[test]
fn a_flag_set_beforehand_stops_before_the_first_step_and_leaves_a_checkpoint() {
    let (folder, stop) = (TempDir::new().unwrap(), AtomicBool::new(true));
    let objective = Line::new();
    let error = train(&objective, &settings(), &folder, &stop).err().unwrap();
    assert_eq!(error.code(), "interrupted");
    assert_eq!(objective.calls.get(), 0);
    assert!(folder.path().join("fine_tune.safetensors").exists());
}

#[test]
fn a_loss_that_is_not_finite_stops_with_the_last_checkpoint_kept() {
    let (folder, go) = (TempDir::new().unwrap(), AtomicBool::new(false));
    // The check is at step 4, after 8 calls; the loss of step 5 is NaN.
    let objective = Line { nan_after: Some(9), ..Line::new() };
    let error = train(&objective, &settings(), &folder, &go).err().unwrap();
    let TrainerError::NonFiniteLoss { loss, epoch, step, kept } = error else {
        unreachable!("{error}")
    };
    assert!(loss.is_nan());
    assert_eq!((epoch, step, kept), (2, 2, 1));
    let resumed = train(&Line::new(), &settings(), &folder, &go).unwrap();
    let whole = train(&Line::new(), &settings(), &TempDir::new().unwrap(), &go).unwrap();
    assert_eq!(weights(&resumed.network), weights(&whole.network));
}

#[test]
fn training_stops_when_validation_no_longer_improves_and_the_best_network_is_kept() {
    let (folder, go) = (TempDir::new().unwrap(), AtomicBool::new(false));
    // The better the fit, the worse the validation: the first check is the best.
    let objective = Line { validation: Some(|error| 10.0 - error), ..Line::new() };
    let settings = Settings { patience: Some(2), epochs: 60, ..settings() };
    let trained = train(&objective, &settings, &folder, &go).unwrap();
    let checks = history::read(folder.path()).unwrap();
    assert_eq!((trained.step, checks.len()), (4, 3), "of 180 steps");
    let found = objective.validate(&trained.network).unwrap().unwrap();
    assert_eq!(Some(found), checks[0].validation);
    // Run again, it has nothing left to do and answers the same.
    let again = train(&objective, &settings, &folder, &go).unwrap();
    assert_eq!(weights(&again.network), weights(&trained.network));
}

#[test]
fn a_checkpoint_of_another_run_is_refused() {
    let (folder, stop) = (TempDir::new().unwrap(), AtomicBool::new(true));
    train(&Line::new(), &settings(), &folder, &stop).err().unwrap();
    let place = Place { folder: folder.path(), identity: "another" };
    let bar = ProgressBar::hidden();
    let error = fine_tune(line(), &Line::new(), &settings(), &place, &bar, &stop).err().unwrap();
    assert_eq!(error.code(), "bad_checkpoint");
    assert!(error.to_string().contains("another recipe, encoder or data"), "{error}");
}

#[test]
fn no_rows_are_an_error() {
    let objective = Line { rows: 0, ..Line::new() };
    let go = AtomicBool::new(false);
    let error = train(&objective, &settings(), &TempDir::new().unwrap(), &go).err().unwrap();
    assert_eq!(error.code(), "no_training_data");
}

#[test]
fn the_gradient_is_clipped_to_its_norm() {
    let moved = |clip| {
        let schedule = Schedule::Sgd { learning_rate: 1.0 };
        let rules = Rules { rules: Vec::new(), default: schedule };
        let settings = Settings { rules, clip, max_steps: Some(1), warm_up: 0.0, ..settings() };
        let go = AtomicBool::new(false);
        let trained = train(&Line::new(), &settings, &TempDir::new().unwrap(), &go).unwrap();
        let moves = weights(&trained.network).into_iter().zip(weights(&line()));
        moves.map(|(after, before)| (after - before).powi(2)).sum::<f32>().sqrt()
    };
    let free = moved(None);
    assert!(free > 0.5, "{free}");
    assert!((moved(Some(0.25)) - 0.25).abs() < 1e-5);
    assert!((moved(Some(1e6)) - free).abs() < 1e-5);
}

#[test]
fn a_rule_covers_what_lies_below_its_path_and_frozen_parameters_stay() {
    let trained = |frozen: &str| -> Vec<String> {
        let rules = Rules::adamw(0.1, 0.0).frozen([frozen.to_owned()]);
        let (optimiser, network) = Optimiser::new(line(), &rules);
        let weights = optimiser.weights(&network).unwrap();
        weights.into_iter().map(|tensor| tensor.name).collect()
    };
    assert_eq!(trained("weight"), ["bias"]);
    // "bia" is no part of the path.
    assert_eq!(trained("bia"), ["weight", "bias"]);
    let go = AtomicBool::new(false);
    let settings =
        Settings { rules: Rules::adamw(0.1, 0.0).frozen(["weight".to_owned()]), ..settings() };
    let trained = train(&Line::new(), &settings, &TempDir::new().unwrap(), &go).unwrap();
    assert_eq!(weights(&trained.network)[..2], [0.3, 0.1]);
    assert_ne!(weights(&trained.network)[2], 0.2);
}

proptest! {
    #[test]
    fn the_learning_rate_rises_then_falls_and_stays_within_0_and_1(
        steps in 1..400_usize,
        warm_up in 0.0..=1.0_f64,
    ) {
        let settings = Settings { warm_up, ..settings() };
        let place = Place { folder: Path::new(""), identity: "" };
        let (optimiser, _) = Optimiser::new(line(), &settings.rules);
        let state = Progress::default();
        let run =
            Run { optimiser, state, settings: &settings, place: &place, per_epoch: 1, steps };
        let rates: Vec<f64> = (0..steps).map(|step| run.rate(step)).collect();
        prop_assert!(rates.iter().all(|rate| *rate > 0.0 && *rate <= 1.0));
        let top = rates.iter().position(|rate| *rate >= 1.0 - 1e-12).unwrap();
        prop_assert!(rates[..=top].is_sorted());
        prop_assert!(rates[top..].iter().rev().is_sorted());
    }
}
