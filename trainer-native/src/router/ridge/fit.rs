//! Fits a ridge head on gold labels and on the difficulty that other LLMs found.
//!
//! The formulas are in the module's head.

use std::collections::HashMap;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::difficulty::{difficulty, source_weights};
use super::encoded::{LENGTH_WEIGHT, Spread, encode, token_shares};
use super::head::RidgeHead;
use super::kernel::{Coordinates, Remembered};
use crate::dataset::Prepared;
use crate::encoder::Encoder;
use crate::error::TrainerError;
use crate::linear::ridge_regression::{Features, LinearFit, fit, fit_dual};
use crate::recipe::RidgeRecipe;
use crate::training::context::Context;
use crate::training::embedded::Embedded;
use crate::training::embedder::Embedder;
use crate::training::fit::{Fit, Trained, TrainedHead};

impl Fit for RidgeRecipe {
    fn fit(&self, context: &Context<'_>, encoder: Encoder) -> Result<Trained, TrainerError> {
        let Embedded { mut embedder, set, columns } = Embedded::new(context, &encoder)?;
        let strong = set.model_index(&context.recipe.pair()?.strong)?;
        let head = head(self, context.data, &mut embedder, context.recipe.seed, strong)?;
        Ok(Trained { encoder, head: TrainedHead::in_graph(head, columns) })
    }
}

/// Fits a head for the strong candidate at column `strong`; the remembered queries are drawn by
/// `seed`.
fn head(
    settings: &RidgeRecipe,
    data: &Prepared,
    embedder: &mut Embedder<'_>,
    seed: u64,
    strong: usize,
) -> Result<RidgeHead, TrainerError> {
    let vocabulary = match settings.token_weight > 0.0 {
        true => embedder.router.encoder().vocabulary(),
        false => 0,
    };
    let width = embedder.cache.width() - 1;
    let labels: Vec<Option<f64>> =
        data.pair_targets().into_iter().map(|target| target.map(f64::from)).collect();
    let difficulty = difficulty(data);
    // One pass over the rows that either fit needs.
    let needed: Vec<usize> = (0..labels.len())
        .filter(|&row| labels[row].is_some() || difficulty[row].is_some())
        .collect();
    let queries: Vec<&str> =
        needed.iter().map(|&row| data.train.rows[row].query.as_str()).collect();
    let encoded = encode(embedder, &queries, vocabulary > 0)?;
    let spread = Spread::of(&encoded.embeddings, &encoded.lengths, width);
    let place: HashMap<usize, usize> =
        needed.iter().enumerate().map(|(at, &row)| (row, at)).collect();
    let rows_with = |values: &[Option<f64>]| -> Vec<usize> {
        needed.iter().copied().filter(|&row| values[row].is_some()).collect()
    };

    let hard_rows = match settings.difficulty_weight > 0.0 {
        true => rows_with(&difficulty),
        false => Vec::new(),
    };
    let hard = match hard_rows.is_empty() {
        true => None,
        false => {
            let features: Vec<Features> = hard_rows
                .iter()
                .map(|row| encoded.difficulty_features(place[row], &spread))
                .collect();
            let targets: Vec<f64> = hard_rows.iter().filter_map(|&row| difficulty[row]).collect();
            let weights = source_weights(data, &hard_rows, settings.difficulty_rows);
            let found = fit(&features, &targets, &weights, 0, settings.difficulty_penalty)?;
            Some(found.standardised(&features))
        }
    };

    let gold = rows_with(&labels);
    let shares = token_shares(&encoded.tokens);
    let own_weight = |token: u32| {
        let share = shares.get(&token).copied().unwrap_or_default();
        let weight = settings.frequency_weight / (settings.frequency_weight + share);
        settings.token_weight.sqrt() * weight
    };
    let g = settings.embedding_weight.sqrt();
    let kernel = match &settings.kernel {
        None => None,
        Some(kernel) => {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut all: Vec<usize> = gold.iter().map(|row| place[row]).collect();
            let (drawn, _) = all.partial_shuffle(&mut rng, kernel.rows);
            drawn.sort_unstable();
            let remembered: Vec<&[f64]> =
                drawn.iter().map(|&at| encoded.embeddings[at].as_slice()).collect();
            let memory = Remembered::new(&remembered, &spread.mean, kernel.temperature);
            let whole = memory.len() == gold.len();
            Some((memory, kernel.weight, whole))
        }
    };
    let prior = |at: usize| {
        let value = hard.as_ref().map_or(0.0, |f| f.at(&encoded.difficulty_features(at, &spread)));
        settings.difficulty_weight * value
    };
    let coordinates = match &kernel {
        Some((memory, weight, false)) => Some((Coordinates::of(memory)?, weight.sqrt())),
        _ => None,
    };
    let features: Vec<Features> = gold
        .par_iter()
        .map(|row| {
            let at = place[row];
            let root = f64::from(encoded.tokens[at].values().sum::<u32>().max(1)).sqrt();
            let bag = encoded.tokens[at].iter();
            let mut dense: Vec<f64> =
                spread.centred(&encoded.embeddings[at]).map(|v| v * g).collect();
            if let Some((coordinates, h)) = &coordinates {
                dense.extend(coordinates.at(&encoded.embeddings[at]).iter().map(|v| v * h));
            }
            let tokens = match vocabulary {
                0 => Vec::new(),
                _ => bag.map(|(&t, &n)| (t, own_weight(t) * f64::from(n) / root)).collect(),
            };
            Features { tokens, dense }
        })
        .collect();
    let targets: Vec<f64> = gold
        .iter()
        .filter_map(|&row| Some(2.0 * labels[row]? - 1.0 - prior(place[&row])))
        .collect();
    let weights: Vec<f64> = gold.iter().map(|&row| f64::from(data.weights[row])).collect();
    let (own, shares) = match &kernel {
        Some((memory, weight, true)) => {
            let kernel = (&memory.likeness(), *weight);
            let found =
                fit_dual(&features, kernel, &targets, &weights, vocabulary, settings.penalty)?;
            (found.linear, found.shares)
        }
        _ => {
            let found = fit(&features, &targets, &weights, vocabulary, settings.penalty)?;
            let own = found.dense.iter().skip(width);
            let shares = coordinates.as_ref().map(|(coordinates, h)| {
                coordinates.shares(&own.map(|w| h * w).collect::<Vec<_>>())
            });
            (found, shares.unwrap_or_default())
        }
    };
    let mut head = folded(&own, hard.as_ref(), settings, &spread, &own_weight, strong);
    head.kernel = kernel.map(|(memory, ..)| {
        memory.head(&shares.iter().map(|share| LOG_ODDS * share).collect::<Vec<_>>())
    });
    Ok(head)
}

/// P = sigmoid(2 z): where z is small, 1/2 + z/2.
const LOG_ODDS: f64 = 2.0;

/// Folds both fits into one coefficient for each token and each coordinate, on the scale of log
/// odds.
#[allow(clippy::cast_possible_truncation)]
fn folded(
    own: &LinearFit,
    hard: Option<&LinearFit>,
    settings: &RidgeRecipe,
    spread: &Spread,
    own_weight: &impl Fn(u32) -> f64,
    strong: usize,
) -> RidgeHead {
    let (c, g) = (settings.difficulty_weight, settings.embedding_weight.sqrt());
    let width = spread.mean.len();
    let hard_at = |at: usize| hard.and_then(|f| f.dense.get(at)).copied().unwrap_or_default();
    let mut embedding: Vec<f64> = (0..width)
        .map(|at| {
            (g * own.dense.get(at).copied().unwrap_or_default() + c * hard_at(at)) / spread.scale
        })
        .collect();
    // Centring is folded into the constant.
    let (centre, deviation) = spread.length;
    let length = c * LENGTH_WEIGHT.sqrt() * hard_at(width) / deviation;
    let shift: f64 =
        embedding.iter().zip(&spread.mean).map(|(w, mean)| w * mean).sum::<f64>() + length * centre;
    let intercept = own.intercept + c * hard.map_or(0.0, |f| f.intercept) - shift;
    embedding.push(length);
    let tokens = own.tokens.iter().enumerate().map(|(token, w)| {
        let token = u32::try_from(token).unwrap_or(u32::MAX);
        (LOG_ODDS * w * own_weight(token)) as f32
    });
    RidgeHead {
        tokens: tokens.collect(),
        embedding: embedding.iter().map(|v| (LOG_ODDS * v) as f32).collect(),
        kernel: None,
        intercept: (LOG_ODDS * intercept) as f32,
        strong,
    }
}
