//! Fits the demands on a deployed encoder's embeddings, then the candidates' abilities and the pair's
//! correction.
//!
//! Where an encoder has a row for each token, or for each piece and bucket, a demand is fitted on these and on the
//! embedding at once. The demands of a bundle are not fitted again, they are those that its graph computes. A table of pieces is then replaced by what each row adds to each demand (`table.rs`), and a
//! transformer gets a table of what each token adds.

use std::collections::BTreeMap;

use pointsman::Ability;

use super::features::{QueryFeatures, Rows, raw_features};
use super::head::DifficultyHead;
use super::pair::Correction;
use super::targets::{Demand, Target, by_demand, of_items};
use super::{abilities, pair, table};
use crate::data::OutcomeRow;
use crate::encoder::of_bundle::BundleEncoder;
use crate::encoder::{Encoder, Network};
use crate::error::TrainerError;
use crate::linear::ridge_regression::{Features, LinearFit};
use crate::recipe::DifficultyRecipe;
use crate::training::context::Context;
use crate::training::embedder::Embedder;
use crate::training::fit::{Fit, Trained, TrainedHead};

/// Name of the demand that corrects a pair.
const PAIR: &str = "pair";

impl Fit for DifficultyRecipe {
    fn fit(&self, context: &Context<'_>, encoder: Encoder) -> Result<Trained, TrainerError> {
        let found = fit_difficulty(self, context, &encoder)?;
        let (encoder, head) = found.deployed(&encoder);
        let mut trained = TrainedHead::in_graph(head, (0..found.demands.len()).collect());
        trained.stated.demands = Some(found.demands);
        if !found.tiers.is_empty() {
            trained.stated.abilities = Some(found.tiers);
        }
        trained.abilities = Some(found.abilities);
        Ok(Trained { encoder, head: trained })
    }
}

/// Fitted demands and abilities.
pub struct FittedDifficulty {
    rows: Option<Rows>,
    /// One a demand.
    fits: Vec<LinearFit>,
    /// Names of the demands, in the fits' order.
    pub demands: Vec<String>,
    /// One a candidate of the recipe, in their order.
    pub abilities: Vec<Ability>,
    /// Usual abilities of LLMs, by tier.
    pub tiers: BTreeMap<String, Ability>,
}

impl FittedDifficulty {
    /// Demands of each query, `[N, K]`; `embedder` is that of the encoder that they were fitted on.
    ///
    /// # Errors
    /// Those of the engine; [`TrainerError::Interrupted`]; [`TrainerError::File`].
    pub fn demands_of(
        &self,
        queries: &[&str],
        embedder: &mut Embedder<'_>,
    ) -> Result<Vec<Vec<f64>>, TrainerError> {
        values(&self.fits, queries, embedder, self.rows)
    }

    /// The encoder as a bundle holds it, and the head on its embeddings.
    #[must_use]
    pub fn deployed(&self, encoder: &Encoder) -> (Encoder, DifficultyHead) {
        let (network, head) = match &encoder.network {
            Network::Ngrams(own) => {
                let table = table::with_shared(own, &self.fits);
                (Network::Ngrams(table), DifficultyHead::of(&self.fits, false))
            }
            Network::Transformer { weights, pooling, scale, .. } if self.rows.is_some() => {
                let network = Network::Transformer {
                    weights: weights.clone(),
                    pooling: *pooling,
                    scale: *scale,
                    token_rows: Some(table::of(&self.fits)),
                };
                (network, DifficultyHead::of(&self.fits, true))
            }
            Network::Bundle(bundle) => {
                let bundle = bundle.with_rows(table::of(&self.fits));
                (Network::Bundle(Box::new(bundle)), DifficultyHead::of(&self.fits, true))
            }
            other => (other.clone(), DifficultyHead::of(&self.fits, true)),
        };
        (Encoder { network, tokenizer_json: encoder.tokenizer_json.clone() }, head)
    }
}

/// Value of each fit at each query, `[N, K]`.
fn values(
    fits: &[LinearFit],
    queries: &[&str],
    embedder: &mut Embedder<'_>,
    rows: Option<Rows>,
) -> Result<Vec<Vec<f64>>, TrainerError> {
    let features = raw_features(queries, embedder, rows)?;
    Ok(features.iter().map(|row| at(fits, row)).collect())
}

/// Value of each fit at a query, `[K]`.
pub(super) fn at(fits: &[LinearFit], row: &Features) -> Vec<f64> {
    fits.iter().map(|fit| fit.at(row)).collect()
}

fn report(labels: usize, correction: Option<&Correction>) {
    match correction {
        None => eprintln!(
            "pair: {labels} gold labels do not improve on the general demands, they are left as they are"
        ),
        Some(Correction { error, error_without, .. }) => eprintln!(
            "pair: corrected by {labels} gold labels, squared error of the win rate on queries left out \
             {error:.4}, {error_without:.4} without"
        ),
    }
}

/// Fits the demands that the context's data teaches, the candidates' abilities, and the pair's correction
/// where there are gold labels.
///
/// # Errors
/// [`TrainerError::NoTrainingData`] where no source teaches a demand, and for a candidate with neither
/// outcomes nor a tier; those of the engine; [`TrainerError::Interrupted`].
pub fn fit_difficulty(
    settings: &DifficultyRecipe,
    context: &Context<'_>,
    encoder: &Encoder,
) -> Result<FittedDifficulty, TrainerError> {
    let mut embedder = Embedder::new(context, encoder)?;
    let rows = Rows::of(encoder, settings.token_rows)?;
    let (mut names, mut fits) = match &encoder.network {
        Network::Bundle(bundle) => (bundle.demands.clone(), of_bundle(bundle)),
        _ => learnt(settings, context, &mut embedder, rows)?,
    };
    let mut usual = settings.abilities.clone();
    if let Network::Bundle(bundle) = &encoder.network {
        for (tier, ability) in &bundle.tiers {
            usual.entry(tier.clone()).or_insert_with(|| ability.clone());
        }
    }
    let mut found = abilities::of_candidates(settings, &usual, context, &mut |queries| {
        values(&fits, queries, &mut embedder, rows)
    })?;
    let (queries, gold) = pair::gold(context);
    if let Some((strong, weak)) = pair_places(context).filter(|_| !gold.is_empty()) {
        let features = raw_features(&queries, &mut embedder, rows)?;
        let demands: Vec<Vec<f64>> = features.iter().map(|row| at(&fits, row)).collect();
        let features = QueryFeatures::of_raw(features, rows);
        let abilities = (&found[strong], &found[weak]);
        let correction = pair::correction(&gold, &demands, abilities, &features)?;
        report(gold.len(), correction.as_ref());
        if let Some(correction) = correction {
            fits.push(correction.fit);
            names.push(unused(&names));
            for (at, ability) in found.iter_mut().enumerate() {
                let sign = f64::from(i8::from(at == strong) - i8::from(at == weak));
                ability.slopes.push(sign * pair::STRONG_SLOPE);
            }
            usual.values_mut().for_each(|ability| ability.slopes.push(0.0));
        }
    }
    Ok(FittedDifficulty { rows, fits, demands: names, abilities: found, tiers: usual })
}

/// A name for the pair's correction; a bundle may have corrected another pair before.
fn unused(names: &[String]) -> String {
    let numbered = (2..).map(|at| format!("{PAIR}-{at}"));
    let mut free = std::iter::once(PAIR.to_owned()).chain(numbered);
    free.find(|name| !names.contains(name)).unwrap_or_else(|| PAIR.into())
}

/// The names and fits of the demands that the context's data teaches.
fn learnt(
    settings: &DifficultyRecipe,
    context: &Context<'_>,
    embedder: &mut Embedder<'_>,
    rows: Option<Rows>,
) -> Result<(Vec<String>, Vec<LinearFit>), TrainerError> {
    let demands = by_demand(context.data, settings);
    if demands.is_empty() {
        return Err(TrainerError::NoTrainingData {
            detail: "no source holds outcomes, labels of difficulty or needs: add one with \
                     role \"auxiliary\""
                .into(),
        });
    }
    let mut fits = Vec::new();
    for demand in &demands {
        fits.push(general(demand, embedder, rows, settings)?);
    }
    Ok((demands.iter().map(|demand| demand.name.to_owned()).collect(), fits))
}

/// The demands of a bundle as functions of its embedding without the length.
pub(super) fn of_bundle(bundle: &BundleEncoder) -> Vec<LinearFit> {
    let count = bundle.demands.len();
    let width = bundle.info.embedding_size - 1;
    let column = |at: usize| bundle.weights.iter().skip(at).step_by(count).take(width);
    let fit = |(at, offset): (usize, &f32)| LinearFit {
        tokens: Vec::new(),
        dense: column(at).map(|&w| f64::from(w)).collect(),
        intercept: f64::from(*offset),
    };
    bundle.offsets.iter().enumerate().map(fit).collect()
}

/// Places of the strong and the weak candidate in the recipe, where gold rows measure both.
fn pair_places(context: &Context<'_>) -> Option<(usize, usize)> {
    context.data.pair_columns().and_then(|_| context.recipe.pair_places())
}

/// Difficulty of each row, by fits on the outcomes of these rows alone: `fold_of` states each row's fold, of
/// `folds`, and a row's difficulty is from the fit on the other folds. `None` where a fold's LLMs found all
/// queries alike.
///
/// # Errors
/// Those of the engine; [`TrainerError::Interrupted`].
pub fn cross_validated(
    settings: &DifficultyRecipe,
    rows: &[OutcomeRow],
    (fold_of, folds): (&[usize], usize),
    embedder: &mut Embedder<'_>,
    encoder: &Encoder,
) -> Result<Option<Vec<f64>>, TrainerError> {
    let queries: Vec<&str> = rows.iter().map(|row| row.query.as_str()).collect();
    let rows_of = Rows::of(encoder, settings.token_rows)?;
    let features = QueryFeatures::of(&queries, embedder, rows_of)?;
    let weights = vec![1.0; rows.len()];
    let mut found = vec![0.0; rows.len()];
    for fold in 0..folds {
        let (kept, others): (Vec<usize>, Vec<&OutcomeRow>) =
            rows.iter().enumerate().filter(|(at, _)| fold_of[*at] != fold).unzip();
        let Some(difficulties) = of_items(&others, settings.difficulty_spread) else {
            return Ok(None);
        };
        let mut targets = vec![0.0; rows.len()];
        kept.iter().zip(difficulties).for_each(|(&at, value)| targets[at] = value);
        let demand = Demand::difficulty(Vec::new());
        let left_out = |at: usize| fold_of[at] == fold;
        let fit = features.fit(&targets, &weights, demand.penalty(settings), left_out)?;
        let values = features.values(&features.standardised(fit));
        (0..rows.len()).filter(|&at| left_out(at)).for_each(|at| found[at] = values[at]);
    }
    Ok(Some(found))
}

/// One demand as a linear function of the embedding without its length and of the rows, of mean 0 and standard
/// deviation 1 over the targets' queries.
fn general(
    demand: &Demand<'_>,
    embedder: &mut Embedder<'_>,
    rows: Option<Rows>,
    settings: &DifficultyRecipe,
) -> Result<LinearFit, TrainerError> {
    let queries: Vec<&str> = demand.targets.iter().map(|target| target.query).collect();
    let features = QueryFeatures::of(&queries, embedder, rows)?;
    let (values, weights) = Target::values_and_weights(&demand.targets);
    let found = features.fit(&values, &weights, demand.penalty(settings), |_| false)?;
    Ok(features.folded(features.standardised(found)))
}
