//! Fits the recipe's head on other data, and orders queries by it and by its baselines.

use pointsman::Ability;

use crate::data::{Outcomes, split_rows};
use crate::dataset::Prepared;
use crate::encoder::Encoder;
use crate::error::TrainerError;
use crate::eval::pair::nearest_neighbours::{Neighbour, nearest_neighbours};
use crate::eval::{Entry, Origin};
use crate::recipe::{DifficultyRecipe, HeadRecipe};
use crate::router::difficulty::{by_demand, cross_validated, fit_difficulty};
use crate::training::context::Context;
use crate::training::embedder::Embedder;

/// Neighbours of the kNN baseline.
pub(super) const NEIGHBOURS: usize = 40;
/// Most queries that the kNN baseline remembers; of more, some are drawn by the recipe's seed.
const REMEMBERED: usize = 8000;

/// The recipe's head on the embeddings of its one encoder.
pub(super) struct Ranker<'a> {
    pub context: &'a Context<'a>,
    settings: &'a DifficultyRecipe,
    /// As it is before a fit.
    encoder: &'a Encoder,
    /// Places of the strong and the weak candidate in the recipe.
    pair: (usize, usize),
}

impl<'a> Ranker<'a> {
    pub fn new(context: &'a Context<'a>, encoder: &'a Encoder) -> Result<Self, TrainerError> {
        let recipe = context.recipe;
        let HeadRecipe::Difficulty(settings) = &recipe.head else {
            return Err(TrainerError::BadRecipe {
                path: recipe.name.as_str().into(),
                detail: format!(
                    "found kind {:?}, expected \"difficulty\": only its win rate of one pair says \
                     something of another source's LLMs",
                    recipe.head.kind().name()
                ),
            });
        };
        recipe.pair()?;
        // The recipe's check guarantees both.
        let pair = recipe.pair_places().unwrap_or_default();
        Ok(Self { context, settings, encoder, pair })
    }

    /// The router as an entry of a result.
    pub fn entry(&self) -> Entry {
        let recipe = self.context.recipe;
        Entry {
            tier: Some(recipe.encoder.tier().to_owned()),
            training_seed: Some(recipe.seed),
            ..Entry::new(&recipe.name, recipe.head.kind().name(), Origin::INT8, ())
        }
    }

    /// Opened for each use: a fit opens the same cache.
    fn embedder(&self) -> Result<Embedder<'a>, TrainerError> {
        Embedder::new(self.context, self.encoder)
    }

    /// Embeddings without the length, `[N, D]`.
    pub fn topics(&self, queries: &[&str]) -> Result<Vec<Vec<f32>>, TrainerError> {
        self.embedder()?.topics(queries)
    }

    /// Win rate of the recipe's pair on each query, by a router fitted on `data`.
    pub fn win_rates(&self, data: &Prepared, queries: &[&str]) -> Result<Vec<f64>, TrainerError> {
        let context = self.context.with_data(data);
        let fitted = fit_difficulty(self.settings, &context, self.encoder)?;
        let (Some(strong), Some(weak)) =
            (fitted.abilities.get(self.pair.0), fitted.abilities.get(self.pair.1))
        else {
            return Err(TrainerError::NothingToScore { detail: "the pair has no ability".into() });
        };
        let rate =
            |demands: &Vec<f64>| Ability::win_rate(strong.quality(demands), weak.quality(demands));
        let demands = fitted.demands_of(queries, &mut self.embedder()?)?;
        Ok(demands.iter().map(rate).collect())
    }

    /// Mean difficulty of the nearest queries among those that the head learns difficulty from; `None` where
    /// it learns from needs alone.
    pub fn neighbours(
        &self,
        data: &Prepared,
        topics: &[Vec<f32>],
    ) -> Result<Option<Vec<f64>>, TrainerError> {
        let demands = by_demand(data, self.settings);
        let Some(demand) = demands.iter().find(|demand| demand.is_difficulty()) else {
            return Ok(None);
        };
        let targets = &demand.targets;
        let (kept, _) = split_rows(targets.len(), REMEMBERED, self.context.recipe.seed);
        let targets: Vec<_> = kept.into_iter().filter_map(|at| targets.get(at)).collect();
        let queries: Vec<&str> = targets.iter().map(|target| target.query).collect();
        let labelled: Vec<Neighbour> = self
            .embedder()?
            .topics(&queries)?
            .into_iter()
            .zip(targets)
            .map(|(embedding, target)| Neighbour { embedding, gain: target.value })
            .collect();
        Ok(Some(nearest_neighbours(topics, &labelled, NEIGHBOURS)))
    }

    /// Difficulty of each row by the same head, fitted to the outcomes of the other folds; `None` where a
    /// fold's LLMs found all queries alike.
    pub fn of_source_itself(
        &self,
        outcomes: &Outcomes,
        folds: (&[usize], usize),
    ) -> Result<Option<Vec<f64>>, TrainerError> {
        cross_validated(self.settings, &outcomes.rows, folds, &mut self.embedder()?, self.encoder)
    }
}
