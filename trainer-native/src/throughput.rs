//! Measures how fast this machine trains: the real training loops on made-up data.
//!
//! Shapes are the papers' where a paper states one, and are printed with the figures.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use burn::tensor::Device;
use serde::Serialize;

use crate::encoder::bert::Pooling;
use crate::encoder::bert_weights::{BertWeights, Dense, LayerWeights, Norm};
use crate::encoder::embeddings::EmbeddingCache;
use crate::encoder::trainable::{TrainableEncoder, TransformerEncoder};
use crate::error::TrainerError;
use crate::progress::bar;
use crate::random::RandomStream;
use crate::recipe::{MfRecipe, TrainingRecipe};
use crate::router::bert::{Classifier, ClassifierTask, LabelledQuery};
use crate::router::mf::MfHead;
use crate::training::fine_tune::{self, Place, Settings};
use crate::training::head::HeadTraining;
use crate::training::optimiser::Rules;
use crate::training::preferences::TrainingQuery;

/// Sizes for matrix factorisation: RouteLLM's d_m and batch.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct MfShape {
    pub queries: usize,
    pub epochs: usize,
    pub batch: usize,
    pub width: usize,
    /// d_m.
    pub dimension: usize,
    pub models: usize,
}

impl Default for MfShape {
    fn default() -> Self {
        Self { queries: 8192, epochs: 2, batch: 64, width: 385, dimension: 128, models: 64 }
    }
}

/// Sizes of a classifier: MiniLM's widths.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ClassifierShape {
    pub steps: usize,
    pub batch: usize,
    pub tokens: usize,
    pub hidden: usize,
    pub intermediate: usize,
    pub heads: usize,
    pub layers: usize,
    pub vocabulary: usize,
}

impl ClassifierShape {
    /// MiniLM's widths with so many layers.
    #[must_use]
    pub fn with_layers(layers: usize) -> Self {
        Self {
            steps: 4,
            batch: 16,
            tokens: 64,
            hidden: 384,
            intermediate: 1536,
            heads: 12,
            layers: layers.max(1),
            vocabulary: 30_522,
        }
    }
}

/// Measures matrix factorisation, in queries a second; `folder` is for its scratch files.
///
/// # Errors
/// Those of the training loop.
pub fn mf(
    shape: MfShape,
    device: &Device,
    folder: &Path,
    stop: &AtomicBool,
) -> Result<f64, TrainerError> {
    let mut draw = RandomStream::new(1, 0);
    let mut embeddings = EmbeddingCache::open(folder, "throughput", shape.width)?;
    let values = draw.normal(shape.queries * shape.width, 1.0);
    let rows = embeddings.append(values.chunks_exact(shape.width))?;
    let queries: Vec<TrainingQuery> = rows
        .map(|row| TrainingQuery {
            embedding: row,
            scores: vec![(0, (row % 2) as f32), (1, ((row + 1) % 2) as f32)],
            weight: 1.0,
            label: None,
        })
        .collect();
    let recipe = TrainingRecipe {
        epochs: shape.epochs,
        batch: shape.batch,
        learning_rate: 3e-4,
        weight_decay: 1e-5,
        preferences: 1,
        ties: false,
    };
    let device = device.clone().autodiff();
    let settings = MfRecipe { dimension: shape.dimension, noise: 0.0 };
    let head = MfHead::new(&settings, (shape.width, shape.models), 1, &device);
    let started = Instant::now();
    HeadTraining {
        queries: &queries,
        embeddings: &embeddings,
        settings: &recipe,
        seed: 1,
        device: &device,
        checkpoint: &folder.join("checkpoint.safetensors"),
        identity: "throughput",
    }
    .run(head, stop)?;
    #[allow(clippy::cast_precision_loss)]
    let done = (shape.queries * shape.epochs) as f64;
    Ok(done / started.elapsed().as_secs_f64())
}

/// Measures the fine-tuning of a classifier, in tokens a second; `folder` is for its scratch files.
///
/// # Errors
/// Those of the training loop.
pub fn classifier(
    shape: ClassifierShape,
    device: &Device,
    folder: &Path,
    stop: &AtomicBool,
) -> Result<f64, TrainerError> {
    std::fs::create_dir_all(folder).map_err(TrainerError::file(folder))?;
    let device = device.clone().autodiff();
    let bert = random_weights(shape).bert(&device);
    let encoder = TransformerEncoder { bert, pooling: Pooling::Mean };
    let rows = (0..shape.steps * shape.batch)
        .map(|row| LabelledQuery {
            ids: (0..shape.tokens)
                .map(|at| ((row * 7919 + at * 104_729) % shape.vocabulary) as u32)
                .collect(),
            target: (row % 3) as f32 / 2.0,
            weight: 1.0,
        })
        .collect();
    let task = ClassifierTask::new(rows, Vec::new(), encoder.limits(), &device)?;
    let network = Classifier::new(encoder, 1, &device);
    let settings = Settings {
        seed: 1,
        epochs: 1,
        max_steps: None,
        micro_batch: shape.batch,
        accumulate: 1,
        warm_up: 0.0,
        clip: Some(1.0),
        rules: Rules::adamw(1e-5, 0.01),
        check_steps: shape.steps,
        patience: None,
    };
    let place = Place { folder, identity: "throughput" };
    let progress = bar("fine-tuning");
    Ok(fine_tune::fine_tune(network, &task, &settings, &place, &progress, stop)?.tokens_per_second)
}

fn random_weights(shape: ClassifierShape) -> BertWeights {
    let (width, inner) = (shape.hidden, shape.intermediate);
    let mut draw = RandomStream::new(2, 0);
    let norm = || Norm { gamma: vec![1.0; width], beta: vec![0.0; width] };
    let mut dense = |input: usize, output: usize| Dense {
        input,
        output,
        weight: draw.normal(input * output, 0.02),
        bias: vec![0.0; output],
    };
    let layers = (0..shape.layers)
        .map(|_| LayerWeights {
            query: dense(width, width),
            key: dense(width, width),
            value: dense(width, width),
            output: dense(width, width),
            attention_norm: norm(),
            up: dense(width, inner),
            down: dense(inner, width),
            output_norm: norm(),
        })
        .collect();
    BertWeights {
        width,
        heads: shape.heads,
        epsilon: 1e-12,
        words: draw.normal(shape.vocabulary * width, 0.02),
        word_factors: None,
        positions: draw.normal(shape.tokens * width, 0.02),
        types: draw.normal(2 * width, 0.02),
        norm: norm(),
        layers,
    }
}
