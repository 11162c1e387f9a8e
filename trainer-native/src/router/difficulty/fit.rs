//! Fits the demands on a deployed encoder's embeddings, then the candidates' abilities and the pair's
//! correction.
//!
//! Where the encoder is a table with a row for each piece and bucket, a demand is fitted on these and on the
//! embedding at once, and the table is replaced by what each row adds to each demand (`table.rs`).

use super::features::QueryFeatures;
use super::head::DifficultyHead;
use super::targets::{Demand, Target, by_demand};
use super::{abilities, pair, table};
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
        let demands = by_demand(context.data, self);
        if demands.is_empty() {
            return Err(TrainerError::NoTrainingData {
                detail: "no source holds outcomes, labels of difficulty or needs: add one with \
                         role \"auxiliary\""
                    .into(),
            });
        }
        let mut names: Vec<String> = demands.iter().map(|demand| demand.name.to_owned()).collect();
        let mut embedder = Embedder::new(context, &encoder)?;
        let rows = match &encoder.network {
            Network::Ngrams(rows) => Some(rows),
            _ => None,
        };
        let mut fits = demands
            .iter()
            .map(|demand| general(demand, &mut embedder, rows, self))
            .collect::<Result<Vec<_>, _>>()?;
        let (mut deployed, mut head) = deployed(&encoder, &fits);
        let mut of_deployed = Embedder::new(context, &deployed)?;
        let mut found = abilities::of_candidates(self, context, &mut of_deployed, &head)?;
        let mut usual = self.abilities.clone();
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
                (deployed, head) = self::deployed(&encoder, &fits);
                for (at, ability) in found.iter_mut().enumerate() {
                    // The logit is what the slope takes away.
                    let slope = f64::from(i8::from(at == weak) - i8::from(at == strong));
                    ability.slopes.push(slope);
                }
                usual.values_mut().for_each(|ability| ability.slopes.push(0.0));
            }
        }
        let mut trained = TrainedHead::in_graph(head, (0..names.len()).collect());
        trained.stated.demands = Some(names);
        if !usual.is_empty() {
            trained.stated.abilities = Some(usual);
        }
        trained.abilities = Some(found);
        Ok(Trained { encoder: deployed, head: trained })
    }
}

/// Places of the strong and the weak candidate in the recipe, where gold rows measure both.
fn pair_places(context: &Context<'_>) -> Option<(usize, usize)> {
    context.data.pair_columns()?;
    let pair = context.recipe.pair.as_ref()?;
    let place = |id: &str| context.recipe.candidates.iter().position(|c| c.id == id);
    place(&pair.strong).zip(place(&pair.weak))
}

/// What a bundle holds of the fits: the encoder, and the head on its embeddings.
fn deployed(encoder: &Encoder, fits: &[LinearFit]) -> (Encoder, DifficultyHead) {
    match &encoder.network {
        Network::Ngrams(rows) => {
            let network = Network::Ngrams(table::of(rows, fits));
            let encoder = Encoder { network, tokenizer_json: encoder.tokenizer_json.clone() };
            (encoder, DifficultyHead::of_columns(fits))
        }
        _ => (encoder.clone(), DifficultyHead::of(fits)),
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
