//! Trains a head on embeddings, by steps.
//!
//! ```text
//! P(a beats b | q) = sigmoid(s(a, q) - s(b, q))
//! loss             = weighted mean of the cross-entropy of P and the preference's target
//! ```
//! The encoder is fixed, so an epoch over ten thousand queries takes a second. After each epoch
//! parameters and optimiser state are on disk, and a resumed run takes the same steps as an
//! uninterrupted one.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use burn::module::Module;
use burn::tensor::activation::log_sigmoid;
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::context::Context;
use super::embedded::Embedded;
use super::fit::TrainedHead;
use super::optimiser::{Optimiser, Rules};
use super::preferences::TrainingQuery;
use crate::encoder::embeddings::EmbeddingCache;
use crate::error::TrainerError;
use crate::export::router_graph::GraphHead;
use crate::progress::bar;
use crate::random::RandomStream;
use crate::recipe::TrainingRecipe;
use crate::tensors::Checkpoint;

/// A head trained by steps on embeddings.
pub trait TrainableHead: Module {
    /// Scores `[B, M]` of embeddings `[B, D]`; noise and dropout act only in `training`.
    fn scores(&self, embedding: Tensor<2>, training: bool) -> Tensor<2>;

    /// How each parameter is trained.
    fn rules(&self, settings: &TrainingRecipe) -> Rules;
}

/// Trains the head that `head` makes for the size of an embedding and the number of models, on a
/// device with autodiff.
///
/// # Errors
/// Those of [`HeadTraining::run`].
pub fn by_steps<H: TrainableHead + GraphHead + 'static>(
    context: &Context<'_>,
    embedded: Embedded<'_>,
    head: impl Fn((usize, usize), &Device) -> H,
) -> Result<TrainedHead, TrainerError> {
    let device = context.autodiff();
    let training = HeadTraining {
        queries: &embedded.set.queries,
        embeddings: &embedded.embedder.cache,
        settings: context.training()?,
        seed: context.recipe.seed,
        device: &device,
        checkpoint: &context.file("checkpoint.safetensors"),
        identity: &context.identity,
    };
    let head = training.run(head(embedded.size(), &device), context.stop)?;
    Ok(TrainedHead::in_graph(head, embedded.columns))
}

struct Batch {
    /// Embeddings, [B, D].
    embedding: Tensor<2>,
    /// Indices of the first model of each preference, [B, preferences].
    first: Tensor<2, Int>,
    second: Tensor<2, Int>,
    /// Targets in [0, 1], [B, preferences].
    target: Tensor<2>,
    /// Weights, [B, preferences]; 0 for padding where a query has fewer preferences than others.
    weight: Tensor<2>,
}

/// Training data and settings of a head.
pub struct HeadTraining<'a> {
    pub queries: &'a [TrainingQuery],
    pub embeddings: &'a EmbeddingCache,
    pub settings: &'a TrainingRecipe,
    pub seed: u64,
    /// A device with autodiff.
    pub device: &'a Device,
    /// Path of the checkpoint.
    pub checkpoint: &'a Path,
    /// Identity of recipe and data that the checkpoint belongs to.
    pub identity: &'a str,
}

impl HeadTraining<'_> {
    /// Trains, resuming after the last finished epoch.
    ///
    /// # Errors
    /// [`TrainerError::NonFiniteLoss`] and [`TrainerError::Interrupted`], both with the last
    /// finished epoch kept on disk; [`TrainerError::NoTrainingData`].
    pub fn run<H: TrainableHead>(&self, head: H, stop: &AtomicBool) -> Result<H, TrainerError> {
        let epochs = self.settings.epochs;
        let rules = head.rules(self.settings);
        let (mut optimiser, head) = Optimiser::new(head, &rules);
        let (mut head, mut done) = self.resume(head, &mut optimiser)?;
        while done < epochs {
            let mut draw = RandomStream::new(self.seed, done);
            seed_device(self.device, self.seed, done);
            let batches = draw.batches(&vec![1; self.queries.len()], self.settings.batch);
            let progress = bar(&format!("epoch {} of {epochs}", done + 1));
            progress.set_length(batches.len() as u64);
            let (mut total, mut steps) = (0.0, 0_u32);
            for (step, batch) in batches.iter().enumerate() {
                if stop.load(Ordering::Relaxed) {
                    progress.finish_and_clear();
                    let doing = format!("training, with epoch {done} of {epochs} on disk");
                    return Err(TrainerError::Interrupted { doing });
                }
                progress.inc(1);
                let Some(batch) = self.batch(batch, &mut draw)? else { continue };
                let loss = loss(&head, batch);
                let value = f64::from(loss.clone().inner().into_scalar::<f32>());
                if !value.is_finite() {
                    progress.finish_and_clear();
                    return Err(TrainerError::NonFiniteLoss {
                        loss: value,
                        epoch: done + 1,
                        step: step + 1,
                        kept: done,
                    });
                }
                #[allow(clippy::cast_precision_loss)]
                let past = (done as f64 + step as f64 / batches.len() as f64) / epochs as f64;
                optimiser.gather(&head, loss.backward(), 1.0);
                head = optimiser.step(head, 1.0 - past, 1.0);
                total += value;
                steps += 1;
            }
            progress.finish_and_clear();
            if steps == 0 {
                return Err(TrainerError::NoTrainingData {
                    detail: "no query gives a preference; where all are ties, allow them with \
                             training.ties = true"
                        .into(),
                });
            }
            done += 1;
            self.keep(&head, &optimiser, done)?;
            eprintln!("epoch {done:>3} of {epochs}: loss {:.4}", total / f64::from(steps));
        }
        Ok(head)
    }

    fn batch(
        &self,
        indices: &[usize],
        draw: &mut RandomStream,
    ) -> Result<Option<Batch>, TrainerError> {
        let count = self.settings.preferences;
        let mut rows = Vec::new();
        let (mut first, mut second) = (Vec::new(), Vec::new());
        let (mut target, mut weight) = (Vec::new(), Vec::new());
        for query in indices.iter().map(|&i| &self.queries[i]) {
            let drawn = query.preferences(count, self.settings.ties, draw);
            if drawn.is_empty() {
                continue;
            }
            rows.push(query.embedding);
            #[allow(clippy::cast_precision_loss)]
            let share = query.weight / drawn.len() as f32;
            for slot in 0..count {
                let preference = drawn.get(slot);
                first.push(preference.map_or(0, |p| p.a as i64));
                second.push(preference.map_or(0, |p| p.b as i64));
                target.push(preference.map_or(0.5, |p| p.target));
                weight.push(preference.map_or(0.0, |_| share));
            }
        }
        if rows.is_empty() {
            return Ok(None);
        }
        let device = self.device;
        let shape = [rows.len(), count];
        let int = |values| Tensor::from_data(TensorData::new(values, shape), device);
        let float = |values: Vec<f32>, shape| {
            Tensor::<2>::from_data(TensorData::new(values, shape), device)
        };
        Ok(Some(Batch {
            embedding: float(self.embeddings.read(&rows)?, [rows.len(), self.embeddings.width()]),
            first: int(first),
            second: int(second),
            target: float(target, shape),
            weight: float(weight, shape),
        }))
    }

    fn keep<H: TrainableHead>(
        &self,
        head: &H,
        optimiser: &Optimiser,
        done: usize,
    ) -> Result<(), TrainerError> {
        let note = HashMap::from([
            ("epoch".to_owned(), done.to_string()),
            ("identity".to_owned(), self.identity.to_owned()),
        ]);
        let mut checkpoint = Checkpoint { tensors: Vec::new(), note };
        optimiser.save(head, &mut checkpoint)?;
        checkpoint.write(self.checkpoint)
    }

    /// Loads the last finished epoch and returns its number; without a checkpoint, `head` and 0.
    fn resume<H: TrainableHead>(
        &self,
        head: H,
        optimiser: &mut Optimiser,
    ) -> Result<(H, usize), TrainerError> {
        if !self.checkpoint.exists() {
            return Ok((head, 0));
        }
        let mut checkpoint = Checkpoint::read(self.checkpoint)?;
        let fault = |detail: &str| TrainerError::BadCheckpoint {
            path: self.checkpoint.to_owned(),
            detail: detail.into(),
        };
        let note = &checkpoint.note;
        if note.get("identity").map(String::as_str) != Some(self.identity) {
            return Err(fault("it belongs to another recipe or to other data"));
        }
        let done: usize = note
            .get("epoch")
            .and_then(|epoch| epoch.parse().ok())
            .ok_or_else(|| fault("it does not state its epoch"))?;
        eprintln!("resuming after epoch {done}");
        Ok((optimiser.load(head, &mut checkpoint, true, self.checkpoint)?, done))
    }
}

/// Loss of a batch, `[1]`.
fn loss<H: TrainableHead>(head: &H, batch: Batch) -> Tensor<1> {
    let scores = head.scores(batch.embedding, true);
    let logit = scores.clone().gather(1, batch.first) - scores.gather(1, batch.second);
    let cross_entropy = log_sigmoid(logit.clone()) * batch.target.clone()
        + log_sigmoid(-logit) * (-batch.target + 1.0);
    let total = batch.weight.clone().sum();
    -(cross_entropy * batch.weight).sum() / total
}

pub(crate) fn seed_device(device: &Device, seed: u64, epoch: usize) {
    device.seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(epoch as u64));
}
