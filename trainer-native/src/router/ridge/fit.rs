//! Fits a ridge head on gold labels and on the difficulty that other LLMs found.
//!
//! The formulas are in the module's head.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicBool;

use pointsman::Router;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::RidgeHead;
use super::kernel::{Coordinates, Remembered};
use crate::dataset::Prepared;
use crate::encoder::deployed_ids;
use crate::encoder::embeddings::EmbeddingCache;
use crate::error::TrainerError;
use crate::linear::ridge_regression::{Features, LinearFit, fit, fit_dual};
use crate::recipe::{Recipe, RidgeRecipe};

/// Weight of the length, scaled to standard deviation 1, beside an embedding of mean square length
/// 1, in the fit of difficulty.
const LENGTH_WEIGHT: f64 = 0.1;

/// Queries as features of both fits.
struct Encoded {
    /// Tokens and their counts, row by row.
    tokens: Vec<BTreeMap<u32, u32>>,
    /// Embeddings without the length, row by row.
    embeddings: Vec<Vec<f64>>,
    /// Length coordinates.
    lengths: Vec<f64>,
}

/// Fits a head for the strong candidate at column `strong`.
///
/// # Errors
/// [`TrainerError::NoTrainingPair`] where no row has a label; those of the engine.
pub fn train(
    recipe: &Recipe,
    settings: &RidgeRecipe,
    prepared: &Prepared,
    (router, cache): (&Router, &mut EmbeddingCache),
    strong: usize,
    stop: &AtomicBool,
) -> Result<RidgeHead, TrainerError> {
    let vocabulary = match settings.token_weight > 0.0 {
        true => router.encoder().vocabulary(),
        false => 0,
    };
    let width = cache.width() - 1;
    let targets = prepared.pair_targets(recipe);
    let labels: Vec<Option<f64>> = targets.into_iter().map(|t| t.map(f64::from)).collect();
    let difficulty = difficulty(prepared);
    // One pass over the rows that either fit needs.
    let needed: Vec<usize> = (0..labels.len())
        .filter(|&row| labels[row].is_some() || difficulty[row].is_some())
        .collect();
    let queries: Vec<&str> =
        needed.iter().map(|&row| prepared.train.rows[row].query.as_str()).collect();
    let encoded = encode(router, cache, &queries, vocabulary > 0, stop)?;
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
            let weights = source_weights(prepared, &hard_rows, settings.difficulty_rows);
            let found = fit(&features, &targets, &weights, 0, settings.difficulty_penalty)?;
            Some(standardised(found, &features))
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
            let mut rng = ChaCha8Rng::seed_from_u64(recipe.seed);
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
    let weights: Vec<f64> = gold.iter().map(|&row| f64::from(prepared.weights[row])).collect();
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

/// For each training row without a gold label: 1 less the mean score of its source's weaker LLMs
/// (those whose own mean is at most the median), centred and scaled within the source.
#[allow(clippy::cast_precision_loss)]
fn difficulty(prepared: &Prepared) -> Vec<Option<f64>> {
    let train = &prepared.train;
    let mut found: Vec<Option<f64>> = vec![None; train.rows.len()];
    for source in 0..prepared.sources.len() {
        let rows: Vec<usize> = (0..train.rows.len())
            .filter(|&row| prepared.source_of[row] == source && prepared.labels[row].is_none())
            .collect();
        let mut sums: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
        for &row in &rows {
            for &(model, score) in &train.rows[row].scores {
                let sum = sums.entry(model).or_default();
                *sum = (sum.0 + f64::from(score), sum.1 + 1.0);
            }
        }
        let mut means: Vec<(usize, f64)> =
            sums.into_iter().map(|(model, (sum, count))| (model, sum / count)).collect();
        means.sort_by(|a, b| a.1.total_cmp(&b.1));
        let weaker: Vec<usize> =
            means.iter().take(means.len().div_ceil(2)).map(|&(model, _)| model).collect();
        let raw: Vec<(usize, f64)> = rows
            .iter()
            .filter_map(|&row| {
                let scores = weaker.iter().filter_map(|&model| train.rows[row].score(model));
                let scores: Vec<f64> = scores.map(f64::from).collect();
                let mean = scores.iter().sum::<f64>() / scores.len() as f64;
                (!scores.is_empty()).then_some((row, 1.0 - mean))
            })
            .collect();
        let count = raw.len().max(1) as f64;
        let mean = raw.iter().map(|(_, v)| v).sum::<f64>() / count;
        let variance = raw.iter().map(|(_, v)| (v - mean).powi(2)).sum::<f64>() / count;
        if variance > 0.0 {
            for (row, value) in raw {
                found[row] = Some((value - mean) / variance.sqrt());
            }
        }
    }
    found
}

/// Weights of the rows: a source of more than `most` rows weighs as `most` rows do.
#[allow(clippy::cast_precision_loss)]
fn source_weights(prepared: &Prepared, rows: &[usize], most: usize) -> Vec<f64> {
    let mut counts: HashMap<usize, usize> = HashMap::new();
    rows.iter().for_each(|&row| *counts.entry(prepared.source_of[row]).or_default() += 1);
    let weight = |&row: &usize| {
        let count = counts.get(&prepared.source_of[row]).copied().unwrap_or(1);
        f64::from(prepared.weights[row]) * (most as f64 / count.max(most) as f64)
    };
    rows.iter().map(weight).collect()
}

/// Scales the fit so that its values on `rows` have mean 0 and standard deviation 1.
#[allow(clippy::cast_precision_loss)]
fn standardised(mut found: LinearFit, rows: &[Features]) -> LinearFit {
    let values: Vec<f64> = rows.iter().map(|row| found.at(row)).collect();
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let deviation = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt();
    let scale = if deviation > 0.0 { 1.0 / deviation } else { 1.0 };
    found.dense.iter_mut().for_each(|w| *w *= scale);
    found.intercept = (found.intercept - mean) * scale;
    found
}

/// Share of each token among all tokens of the rows.
#[allow(clippy::cast_precision_loss)]
fn token_shares(rows: &[BTreeMap<u32, u32>]) -> HashMap<u32, f64> {
    let mut counts: HashMap<u32, u64> = HashMap::new();
    for (&token, &count) in rows.iter().flatten() {
        *counts.entry(token).or_default() += u64::from(count);
    }
    let total = counts.values().sum::<u64>().max(1) as f64;
    counts.into_iter().map(|(token, count)| (token, count as f64 / total)).collect()
}

/// Mean of embeddings, and the scale that brings them to mean square length 1 about it.
struct Spread {
    mean: Vec<f64>,
    scale: f64,
    /// Mean and standard deviation of the length.
    length: (f64, f64),
}

impl Spread {
    #[allow(clippy::cast_precision_loss)]
    fn of(embeddings: &[Vec<f64>], lengths: &[f64], width: usize) -> Self {
        let count = embeddings.len().max(1) as f64;
        let mut mean = vec![0.0; width];
        for embedding in embeddings {
            mean.iter_mut().zip(embedding).for_each(|(m, v)| *m += v / count);
        }
        let squares: f64 = embeddings
            .iter()
            .map(|e| e.iter().zip(&mean).map(|(v, m)| (v - m).powi(2)).sum::<f64>())
            .sum();
        let scale = (squares / count).sqrt();
        let centre = lengths.iter().sum::<f64>() / count;
        let deviation = (lengths.iter().map(|v| (v - centre).powi(2)).sum::<f64>() / count).sqrt();
        let positive = |value: f64| if value > 0.0 { value } else { 1.0 };
        Self { mean, scale: positive(scale), length: (centre, positive(deviation)) }
    }

    fn centred<'a>(&'a self, embedding: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        embedding.iter().zip(&self.mean).map(|(v, mean)| (v - mean) / self.scale)
    }
}

impl Encoded {
    fn difficulty_features(&self, at: usize, spread: &Spread) -> Features {
        let mut dense: Vec<f64> = spread.centred(&self.embeddings[at]).collect();
        let (centre, deviation) = spread.length;
        dense.push(LENGTH_WEIGHT.sqrt() * (self.lengths[at] - centre) / deviation);
        Features { tokens: Vec::new(), dense }
    }
}

/// Reads tokens where asked, embedding and length of each query; a query without a token has none
/// of them.
fn encode(
    router: &Router,
    cache: &mut EmbeddingCache,
    queries: &[&str],
    with_tokens: bool,
    stop: &AtomicBool,
) -> Result<Encoded, TrainerError> {
    let rows = cache.rows(router, queries.iter().copied(), stop)?;
    let tokens: Vec<BTreeMap<u32, u32>> = queries
        .par_iter()
        .map(|query| {
            let mut counts = BTreeMap::new();
            let ids = if with_tokens { deployed_ids(router, query)? } else { None };
            for id in ids.into_iter().flatten() {
                *counts.entry(id).or_default() += 1;
            }
            Ok(counts)
        })
        .collect::<Result<_, TrainerError>>()?;
    let width = cache.width();
    let mut encoded =
        Encoded { tokens, embeddings: Vec::with_capacity(rows.len()), lengths: Vec::new() };
    for row in rows {
        let values = match row {
            Some(row) => cache.read(&[row])?.into_iter().map(f64::from).collect(),
            None => vec![0.0; width],
        };
        encoded.lengths.push(values[width - 1]);
        encoded.embeddings.push(values[..width - 1].to_vec());
    }
    Ok(encoded)
}
