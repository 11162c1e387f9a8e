//! Trains a network end to end, whatever its encoder and its loss.
//!
//! An [`Objective`] holds the rows and computes the loss of some of them; the loop does the rest:
//! batches of similar length, gradients accumulated over micro-batches, clipping, a learning rate
//! that rises and falls, validation, checkpoints, resuming and stopping.
//!
//! ```text
//! rate(t) = (t + 1) / warm_up          t < warm_up, counted from 0
//!         = (T - t) / (T - warm_up)    then, down to nearly 0 at t = T - 1
//! ```
//! Every random draw comes from the seed and the step's number, never from the device's generator,
//! so a resumed run takes exactly the steps of an uninterrupted one.
//! [`router::bert`](crate::router::bert) is an example of an objective.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use burn::module::Module;
use burn::tensor::Tensor;
use indicatif::ProgressBar;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::history::{self, Check};
use super::optimiser::{Optimiser, Rules};
use crate::error::TrainerError;
use crate::random::RandomStream;
use crate::tensors::Checkpoint;

/// The loss on some rows.
pub struct Loss {
    /// Its weighted mean over the rows, a scalar.
    pub mean: Tensor<1>,
    /// The sum of their weights, above 0.
    pub weight: f64,
    /// Number of tokens that passed through the encoder, without padding.
    pub tokens: usize,
}

/// Training objective of a network.
pub trait Objective<M> {
    /// Number of tokens of each training row: rows of similar length share a batch.
    fn lengths(&self) -> Vec<usize>;

    /// Loss on the training rows at `rows`; `None` where they give no loss. Random draws come from
    /// `draw`.
    fn loss(&self, network: &M, rows: &[usize], draw: &mut RandomStream) -> Option<Loss>;

    /// Loss on the validation rows, lower is better; `None` where there are none. `network` has no
    /// autodiff.
    ///
    /// # Errors
    /// [`TrainerError::NotFinite`].
    fn validate(&self, network: &M) -> Result<Option<f64>, TrainerError>;
}

/// Draws `share` of the rows, in [0, 1], for validation; the others are for training.
#[must_use]
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn split<Q>(mut rows: Vec<Q>, share: f64, seed: u64) -> (Vec<Q>, Vec<Q>) {
    rows.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let kept = (rows.len() as f64 * share.clamp(0.0, 1.0)).round() as usize;
    let validation = rows.split_off(rows.len() - kept);
    (rows, validation)
}

#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    pub seed: u64,
    /// Passes over the training rows.
    pub epochs: usize,
    /// Most steps; RouteLLM's BERT takes 2,000.
    pub max_steps: Option<usize>,
    /// Rows of a micro-batch, which pass through the network together.
    pub micro_batch: usize,
    pub accumulate: usize,
    /// Share of the steps, in [0, 1], over which the learning rate rises.
    pub warm_up: f64,
    /// Largest norm of the gradient.
    pub clip: Option<f64>,
    pub rules: Rules,
    /// Steps between checks; a check validates and writes the checkpoint.
    pub check_steps: usize,
    /// Number of checks without a better validation loss after which training stops.
    pub patience: Option<usize>,
}

/// Folder of a run's checkpoint, and the identity of the run.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    /// A folder; the loop writes `fine_tune.safetensors`, `fine_tune_best.safetensors` and
    /// [`history::FILE`] there.
    pub folder: &'a Path,
    /// Identifies recipe, data and encoder: a checkpoint with another identity is refused.
    pub identity: &'a str,
}

pub struct FineTuned<M> {
    /// The network of the best check, or of the end where nothing is validated; without autodiff.
    pub network: M,
    /// Step that the network was taken at.
    pub step: usize,
    /// Tokens a second since the run was started or resumed, validation not counted.
    pub tokens_per_second: f64,
}

/// Contents of the checkpoint's note.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Progress {
    step: usize,
    checks: Vec<Check>,
    /// Step and validation loss of the best check.
    best: Option<(usize, f64)>,
    /// Number of checks since the best one.
    stale: usize,
    /// Sum of training loss times weight since the last check, and the sum of weights.
    loss: f64,
    weight: f64,
}

impl Progress {
    /// Whether too many checks passed without a better validation loss.
    fn is_stale(&self, settings: &Settings) -> bool {
        settings.patience.is_some_and(|patience| self.best.is_some() && self.stale >= patience)
    }
}

/// Trains `network`, which has autodiff, resuming from its checkpoint where there is one.
///
/// # Errors
/// [`TrainerError::NonFiniteLoss`] with the last checkpoint kept; [`TrainerError::Interrupted`]
/// when `stop` is set, with a checkpoint of the last whole step; [`TrainerError::BadCheckpoint`]
/// where the checkpoint is another run's; [`TrainerError::NoTrainingData`] without rows;
/// [`TrainerError::File`].
pub fn fine_tune<M: Module, O: Objective<M>>(
    network: M,
    objective: &O,
    settings: &Settings,
    place: &Place<'_>,
    progress: &ProgressBar,
    stop: &AtomicBool,
) -> Result<FineTuned<M>, TrainerError> {
    let lengths = objective.lengths();
    if lengths.is_empty() {
        return Err(TrainerError::NoTrainingData { detail: "there is no training row".into() });
    }
    let micro_batch = settings.micro_batch.max(1);
    let per_epoch = lengths.len().div_ceil(micro_batch).div_ceil(settings.accumulate.max(1));
    let steps = settings.max_steps.unwrap_or(usize::MAX).min(per_epoch * settings.epochs);
    let (optimiser, network) = Optimiser::new(network, &settings.rules);
    let mut run = Run { optimiser, state: Progress::default(), settings, place, per_epoch, steps };
    let mut network = run.resume(network)?;
    progress.set_length(steps as u64);
    progress.set_position(run.state.step as u64);
    let (started, mut tokens) = (Clock::default(), 0);
    let mut clock = started;
    let mut batches: (usize, Vec<Vec<usize>>) = (usize::MAX, Vec::new());
    while run.state.step < steps && !run.state.is_stale(settings) {
        if stop.load(Ordering::Relaxed) {
            progress.finish_and_clear();
            run.save(&network)?;
            let doing = format!("fine-tuning, with step {} of {steps} on disk", run.state.step);
            return Err(TrainerError::Interrupted { doing });
        }
        let (epoch, within) = (run.state.step / per_epoch, run.state.step % per_epoch);
        if batches.0 != epoch {
            batches =
                (epoch, RandomStream::new(settings.seed, epoch).batches(&lengths, micro_batch));
        }
        let accumulate = settings.accumulate.max(1);
        let end = ((within + 1) * accumulate).min(batches.1.len());
        clock.start();
        let (next, seen) =
            run.step(network, objective, &batches.1[within * accumulate..end], within)?;
        network = next;
        clock.stop();
        tokens += seen;
        let rate = clock.per_second(tokens);
        let mean = run.state.loss / run.state.weight.max(f64::MIN_POSITIVE);
        progress.set_message(format!("fine-tuning: loss {mean:.4}, {rate:.0} tokens/s"));
        progress.inc(1);
        let last = run.state.step == steps;
        if last || run.state.step.is_multiple_of(settings.check_steps.max(1)) {
            let check = run.check(&network, objective)?;
            let validation = check.validation.map(|v| format!(", validation {v:.4}"));
            let validation = validation.unwrap_or_default();
            progress.suspend(|| {
                let Check { step, loss, .. } = check;
                eprintln!(
                    "step {step:>5} of {steps}: loss {loss:.4}{validation}, {rate:.0} tokens/s"
                );
            });
        }
    }
    progress.finish_and_clear();
    run.finish(network, clock.per_second(tokens))
}

/// Measures the time spent in steps.
#[derive(Debug, Clone, Copy, Default)]
struct Clock {
    seconds: f64,
    since: Option<Instant>,
}

impl Clock {
    fn start(&mut self) {
        self.since = Some(Instant::now());
    }

    fn stop(&mut self) {
        self.seconds += self.since.take().map_or(0.0, |since| since.elapsed().as_secs_f64());
    }

    #[allow(clippy::cast_precision_loss)]
    fn per_second(&self, count: usize) -> f64 {
        if self.seconds > 0.0 { count as f64 / self.seconds } else { 0.0 }
    }
}

struct Run<'a> {
    optimiser: Optimiser,
    state: Progress,
    settings: &'a Settings,
    place: &'a Place<'a>,
    per_epoch: usize,
    steps: usize,
}

impl Run<'_> {
    fn step<M: Module, O: Objective<M>>(
        &mut self,
        network: M,
        objective: &O,
        batches: &[Vec<usize>],
        within: usize,
    ) -> Result<(M, usize), TrainerError> {
        let step = self.state.step;
        // Random streams of steps have numbers above those of epochs.
        let mut draw = RandomStream::new(self.settings.seed, (1 << 32) + step);
        let (mut total, mut weight, mut tokens) = (0.0, 0.0, 0);
        for rows in batches {
            let Some(loss) = objective.loss(&network, rows, &mut draw) else { continue };
            total += f64::from(loss.mean.clone().inner().into_scalar::<f32>()) * loss.weight;
            if !f64::is_finite(total) {
                return Err(self.non_finite(total, within));
            }
            weight += loss.weight;
            tokens += loss.tokens;
            let gradients = (loss.mean * loss.weight).backward();
            self.optimiser.gather(&network, gradients, loss.weight);
        }
        self.state.step += 1;
        if weight <= 0.0 {
            return Ok((network, tokens));
        }
        let norm = self.optimiser.gradient_norm();
        if !norm.is_finite() {
            return Err(self.non_finite(norm, within));
        }
        let factor = self.settings.clip.map_or(1.0, |clip| (clip / norm).min(1.0));
        let scale = self.rate(step);
        self.state.loss += total;
        self.state.weight += weight;
        Ok((self.optimiser.step(network, scale, factor), tokens))
    }

    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn rate(&self, step: usize) -> f64 {
        let warm_up = (self.steps as f64 * self.settings.warm_up.clamp(0.0, 1.0)).round() as usize;
        match step < warm_up {
            true => (step + 1) as f64 / warm_up as f64,
            false => (self.steps - step) as f64 / (self.steps - warm_up) as f64,
        }
    }

    fn non_finite(&self, loss: f64, within: usize) -> TrainerError {
        let epoch = |step: usize| step / self.per_epoch;
        let kept = self.state.checks.last().map_or(0, |check| epoch(check.step));
        let epoch = epoch(self.state.step) + 1;
        TrainerError::NonFiniteLoss { loss, epoch, step: within + 1, kept }
    }

    fn check<M: Module, O: Objective<M>>(
        &mut self,
        network: &M,
        objective: &O,
    ) -> Result<Check, TrainerError> {
        let validation = objective.validate(&network.valid())?;
        let state = &mut self.state;
        let loss = state.loss / state.weight.max(f64::MIN_POSITIVE);
        (state.loss, state.weight) = (0.0, 0.0);
        let check = Check { step: state.step, loss, validation };
        state.checks.push(check);
        if let Some(found) = validation {
            if !found.is_finite() {
                let detail = format!("{found} after step {}: lower the rate", check.step);
                return Err(TrainerError::NotFinite { what: "the validation loss", detail });
            }
            if state.best.is_none_or(|(_, best)| found < best) {
                (state.best, state.stale) = (Some((check.step, found)), 0);
                let tensors = self.optimiser.weights(network)?;
                Checkpoint { tensors, note: self.owner() }.write(&self.best_path())?;
            } else {
                state.stale += 1;
            }
        }
        self.save(network)?;
        Ok(check)
    }

    fn finish<M: Module>(
        mut self,
        network: M,
        tokens_per_second: f64,
    ) -> Result<FineTuned<M>, TrainerError> {
        let (step, network) = match self.state.best {
            None => (self.state.step, network),
            Some((step, _)) => {
                let path = self.best_path();
                let mut best = Checkpoint::read(&path)?;
                self.own(&best, &path)?;
                (step, self.optimiser.load(network, &mut best, false, &path)?)
            }
        };
        Ok(FineTuned { network: network.valid(), step, tokens_per_second })
    }

    fn path(&self) -> PathBuf {
        self.place.folder.join("fine_tune.safetensors")
    }

    fn best_path(&self) -> PathBuf {
        self.place.folder.join("fine_tune_best.safetensors")
    }

    fn owner(&self) -> HashMap<String, String> {
        HashMap::from([("identity".to_owned(), self.place.identity.to_owned())])
    }

    fn own(&self, checkpoint: &Checkpoint, path: &Path) -> Result<(), TrainerError> {
        match checkpoint.note.get("identity").map(String::as_str) == Some(self.place.identity) {
            true => Ok(()),
            false => Err(TrainerError::BadCheckpoint {
                path: path.to_owned(),
                detail: "it belongs to another recipe, encoder or data".into(),
            }),
        }
    }

    fn save<M: Module>(&self, network: &M) -> Result<(), TrainerError> {
        let path = self.path();
        let mut checkpoint = Checkpoint { tensors: Vec::new(), note: self.owner() };
        let state = serde_json::to_string(&self.state).map_err(|e| {
            TrainerError::BadCheckpoint { path: path.clone(), detail: format!("its note: {e}") }
        })?;
        checkpoint.note.insert("progress".into(), state);
        self.optimiser.save(network, &mut checkpoint)?;
        checkpoint.write(&path)?;
        self.record()
    }

    /// Writes the history: the checks so far, as the checkpoint on disk states them.
    fn record(&self) -> Result<(), TrainerError> {
        history::write(self.place.folder, &self.state.checks)
    }

    fn resume<M: Module>(&mut self, network: M) -> Result<M, TrainerError> {
        let path = self.path();
        if !path.exists() {
            self.record()?;
            return Ok(network);
        }
        let mut checkpoint = Checkpoint::read(&path)?;
        self.own(&checkpoint, &path)?;
        let note = checkpoint.note.get("progress").map(String::as_str).unwrap_or_default();
        self.state = serde_json::from_str(note).map_err(|e| TrainerError::BadCheckpoint {
            path: path.clone(),
            detail: format!("its note: {e}"),
        })?;
        eprintln!("resuming after step {} of {}", self.state.step, self.steps);
        self.record()?;
        self.optimiser.load(network, &mut checkpoint, true, &path)
    }
}

#[cfg(test)]
mod tests;
