//! Fits a pair of LLMs on top of a bundle, again and again, on labels of some of the same queries.
//!
//! A fit is the one of a recipe that starts from the bundle with these labels as its gold source (`fit.rs`); the
//! queries are read once for all fits.

use std::sync::atomic::AtomicBool;

use pointsman::{Ability, Router};

use super::features::{QueryFeatures, Rows, raw_features_by};
use super::{abilities, fit, pair};
use crate::encoder::{Encoder, Network};
use crate::error::TrainerError;
use crate::linear::ridge_regression::{Features, LinearFit};

/// Scores in [0, 1] of both LLMs on a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairLabel {
    /// Place of the query.
    pub query: usize,
    pub strong: f64,
    pub weak: f64,
}

/// The abilities of two LLMs, and the correction of the pair where labels taught one.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedPair {
    strong: Ability,
    weak: Ability,
    correction: Option<LinearFit>,
}

impl FittedPair {
    /// Whether labels taught a correction.
    #[must_use]
    pub fn is_corrected(&self) -> bool {
        self.correction.is_some()
    }
}

/// Queries as a bundle sees them, for fits of one pair.
pub struct PairOnBundle {
    features: Vec<Features>,
    /// General demands, `[N, K]`.
    demands: Vec<Vec<f64>>,
    rows: Option<Rows>,
    untrained: FittedPair,
}

impl PairOnBundle {
    /// Reads `queries` by a bundle, given as encoder and as router. A fit starts from the abilities of `strong` and
    /// `weak`, those of tiers.
    ///
    /// # Errors
    /// [`TrainerError::BadRows`] for an encoder that is no bundle's; those of the engine;
    /// [`TrainerError::Interrupted`].
    pub fn new(
        encoder: &Encoder,
        router: &Router,
        queries: &[&str],
        (strong, weak): (Ability, Ability),
        stop: &AtomicBool,
    ) -> Result<Self, TrainerError> {
        let Network::Bundle(bundle) = &encoder.network else {
            return Err(TrainerError::BadRows {
                what: "labels on top of a bundle".into(),
                detail: "found an encoder without demands, expected that of a bundle of kind \"difficulty\"".into(),
            });
        };
        let general = fit::of_bundle(bundle);
        let rows = Rows::of(encoder, false)?;
        let features = raw_features_by(router, queries, rows, stop)?;
        let demands = features.iter().map(|row| fit::at(&general, row)).collect();
        Ok(Self {
            features,
            demands,
            rows,
            untrained: FittedPair { strong, weak, correction: None },
        })
    }

    /// The pair without labels.
    #[must_use]
    pub fn untrained(&self) -> &FittedPair {
        &self.untrained
    }

    /// The queries as sparse rows of the encoder's table, and its coordinates.
    #[must_use]
    pub fn features(&self) -> &[Features] {
        &self.features
    }

    /// Fits the pair to labels, whose order decides the folds of the correction's cross-validation.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn fit(&self, labels: &[PairLabel]) -> Result<FittedPair, TrainerError> {
        let demands: Vec<Vec<f64>> =
            labels.iter().map(|label| self.demands[label.query].clone()).collect();
        let ability = |of: fn(&PairLabel) -> f64, tier: &Ability| {
            let scores: Vec<f64> = labels.iter().map(of).collect();
            Ok::<_, TrainerError>(
                abilities::fitted(&demands, &scores, Some(tier))?.unwrap_or_else(|| tier.clone()),
            )
        };
        let mut found = FittedPair {
            strong: ability(|label| label.strong, &self.untrained.strong)?,
            weak: ability(|label| label.weak, &self.untrained.weak)?,
            correction: None,
        };
        if labels.len() >= pair::FEWEST {
            let gold: Vec<f64> =
                labels.iter().map(|label| f64::midpoint(1.0, label.strong - label.weak)).collect();
            let features = labels.iter().map(|label| self.features[label.query].clone()).collect();
            let features = QueryFeatures::of_raw(features, self.rows);
            let abilities = (&found.strong, &found.weak);
            let correction = pair::correction(&gold, &demands, abilities, &features)?;
            found.correction = correction.map(|correction| correction.fit);
        }
        Ok(found)
    }

    /// Win rate of a fitted pair on a query.
    #[must_use]
    pub fn win_rate(&self, fitted: &FittedPair, query: usize) -> f64 {
        let (demands, FittedPair { strong, weak, correction }) = (&self.demands[query], fitted);
        match correction {
            None => Ability::win_rate(strong.quality(demands), weak.quality(demands)),
            Some(fit) => pair::win_rate((strong, weak), demands, fit.at(&self.features[query])),
        }
    }
}
