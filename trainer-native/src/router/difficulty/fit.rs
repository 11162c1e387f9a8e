//! Fits the demands on a deployed encoder's embeddings, then the candidates' abilities and the pair's
//! correction.
//!
//! Where the encoder is a table with a row for each piece and bucket, a demand is fitted on these and on the
//! embedding at once, and the table is replaced by what each row adds to each demand (`table.rs`).

use std::collections::BTreeMap;

use pointsman::Ability;

use super::features::QueryFeatures;
use super::head::DifficultyHead;
use super::targets::{Demand, Target, by_demand, of_items};
use super::{abilities, pair, table};
use crate::data::OutcomeRow;
use crate::encoder::static_table::StaticTable;
use crate::encoder::{Encoder, Network};
use crate::error::TrainerError;
use crate::linear::ridge_regression::LinearFit;
use crate::recipe::DifficultyRecipe;
use crate::training::context::Context;
use crate::training::embedder::Embedder;
use crate::training::fit::{Fit, Trained, TrainedHead};

/// Name of the demand that corrects a pair.
const PAIR: &str = "pair";

impl Fit for DifficultyRecipe {
    fn fit(&self, context: &Context<'_>, encoder: Encoder) -> Result<Trained, TrainerError> {
        let found = fit_difficulty(self, context, &encoder)?;
        let mut trained = TrainedHead::in_graph(found.head, (0..found.demands.len()).collect());
        trained.stated.demands = Some(found.demands);
        if !found.tiers.is_empty() {
            trained.stated.abilities = Some(found.tiers);
        }
        trained.abilities = Some(found.abilities);
        Ok(Trained { encoder: found.encoder, head: trained })
    }
}

/// What a bundle holds of a fit, before it is exported.
pub struct FittedDifficulty {
    /// The encoder, whose table a fit may replace.
    pub encoder: Encoder,
    pub head: DifficultyHead,
    /// Names of the demands, in the head's order.
    pub demands: Vec<String>,
    /// One a candidate of the recipe, in their order.
    pub abilities: Vec<Ability>,
    /// Usual abilities of LLMs, by tier.
    pub tiers: BTreeMap<String, Ability>,
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
    let demands = by_demand(context.data, settings);
    if demands.is_empty() {
        return Err(TrainerError::NoTrainingData {
            detail: "no source holds outcomes, labels of difficulty or needs: add one with \
                     role \"auxiliary\""
                .into(),
        });
    }
    let mut names: Vec<String> = demands.iter().map(|demand| demand.name.to_owned()).collect();
    let mut embedder = Embedder::new(context, encoder)?;
    let rows = table_of(encoder);
    let mut fits = demands
        .iter()
        .map(|demand| general(demand, &mut embedder, rows, settings))
        .collect::<Result<Vec<_>, _>>()?;
    let (mut replaced, mut head) = deployed(encoder, &fits);
    let mut of_replaced =
        replaced.as_ref().map(|encoder| Embedder::new(context, encoder)).transpose()?;
    let of_deployed = of_replaced.as_mut().unwrap_or(&mut embedder);
    let mut found = abilities::of_candidates(settings, context, of_deployed, &head)?;
    let mut usual = settings.abilities.clone();
    let gold = pair::gold(context);
    if let Some((strong, weak)) = pair_places(context).filter(|_| !gold.is_empty()) {
        let queries: Vec<&str> = gold.iter().map(|(query, _)| *query).collect();
        let topics = of_deployed.topics(&queries)?;
        let demands: Vec<Vec<f64>> = topics.iter().map(|topic| head.at(topic)).collect();
        let abilities = (&found[strong], &found[weak]);
        let correction = pair::correction(&gold, &demands, abilities, &mut embedder, rows)?;
        if let Some(fit) = correction {
            fits.push(fit);
            names.push(PAIR.into());
            (replaced, head) = deployed(encoder, &fits);
            for (at, ability) in found.iter_mut().enumerate() {
                let sign = f64::from(i8::from(at == strong) - i8::from(at == weak));
                ability.slopes.push(sign * pair::STRONG_SLOPE);
            }
            usual.values_mut().for_each(|ability| ability.slopes.push(0.0));
        }
    }
    let encoder = replaced.unwrap_or_else(|| encoder.clone());
    Ok(FittedDifficulty { encoder, head, demands: names, abilities: found, tiers: usual })
}

/// Places of the strong and the weak candidate in the recipe, where gold rows measure both.
fn pair_places(context: &Context<'_>) -> Option<(usize, usize)> {
    context.data.pair_columns().and_then(|_| context.recipe.pair_places())
}

/// The encoder with its table replaced by what the fits add, where it has one, and the head on its
/// embeddings.
fn deployed(encoder: &Encoder, fits: &[LinearFit]) -> (Option<Encoder>, DifficultyHead) {
    match table_of(encoder) {
        Some(rows) => {
            let network = Network::Ngrams(table::of(rows, fits));
            let encoder = Encoder { network, tokenizer_json: encoder.tokenizer_json.clone() };
            (Some(encoder), DifficultyHead::of_columns(fits))
        }
        None => (None, DifficultyHead::of(fits)),
    }
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
    let features = QueryFeatures::of(&queries, embedder, table_of(encoder))?;
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

/// The table of an encoder that has a row for each piece and bucket.
fn table_of(encoder: &Encoder) -> Option<&StaticTable> {
    match &encoder.network {
        Network::Ngrams(rows) => Some(rows),
        _ => None,
    }
}

/// One demand as a linear function of the embedding without its length and of the table's rows, of mean 0 and
/// standard deviation 1 over the targets' queries.
fn general(
    demand: &Demand<'_>,
    embedder: &mut Embedder<'_>,
    table: Option<&StaticTable>,
    settings: &DifficultyRecipe,
) -> Result<LinearFit, TrainerError> {
    let queries: Vec<&str> = demand.targets.iter().map(|target| target.query).collect();
    let features = QueryFeatures::of(&queries, embedder, table)?;
    let (values, weights) = Target::values_and_weights(&demand.targets);
    let found = features.fit(&values, &weights, demand.penalty(settings), |_| false)?;
    Ok(features.folded(features.standardised(found)))
}
