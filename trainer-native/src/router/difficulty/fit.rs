//! Fits the demands on a deployed encoder's embeddings, then the candidates' abilities.

use super::abilities;
use super::head::DifficultyHead;
use super::targets::{Target, by_demand};
use crate::encoder::Encoder;
use crate::error::TrainerError;
use crate::linear::ridge_regression::{Features, LinearFit, fit};
use crate::recipe::DifficultyRecipe;
use crate::training::context::Context;
use crate::training::embedder::Embedder;
use crate::training::fit::{Fit, Trained, TrainedHead};

impl Fit for DifficultyRecipe {
    fn fit(&self, context: &Context<'_>, encoder: Encoder) -> Result<Trained, TrainerError> {
        let mut embedder = Embedder::new(context, &encoder)?;
        let demands = by_demand(context.data, self);
        if demands.is_empty() {
            return Err(TrainerError::NoTrainingData {
                detail: "no source holds outcomes, labels of difficulty or needs: add one with \
                         role \"auxiliary\""
                    .into(),
            });
        }
        let fits = demands
            .iter()
            .map(|(_, targets)| demand(targets, &mut embedder, self.penalty))
            .collect::<Result<Vec<_>, _>>()?;
        let head = DifficultyHead::of(&fits);
        let abilities = abilities::of_candidates(self, context, &mut embedder, &head)?;
        let mut trained = TrainedHead::in_graph(head, (0..demands.len()).collect());
        trained.stated.demands = Some(demands.iter().map(|(name, _)| (*name).to_owned()).collect());
        if !self.abilities.is_empty() {
            trained.stated.abilities = Some(self.abilities.clone());
        }
        trained.abilities = Some(abilities);
        Ok(Trained { encoder, head: trained })
    }
}

/// One demand as a linear function of the embedding without its length, of mean 0 and standard deviation 1
/// over the targets' queries.
fn demand(
    targets: &[Target<'_>],
    embedder: &mut Embedder<'_>,
    penalty: f64,
) -> Result<LinearFit, TrainerError> {
    let queries: Vec<&str> = targets.iter().map(|target| target.query).collect();
    let topics = embedder.topics(&queries)?;
    let columns = Columns::of(&topics);
    let rows: Vec<Features> = topics
        .iter()
        .map(|topic| Features { tokens: Vec::new(), dense: columns.standardised(topic) })
        .collect();
    let values: Vec<f64> = targets.iter().map(|target| target.value).collect();
    let weights: Vec<f64> = targets.iter().map(|target| target.weight).collect();
    let found = fit(&rows, &values, &weights, 0, penalty)?.standardised(&rows);
    Ok(columns.folded(found))
}

/// Means and standard deviations of the coordinates of embeddings.
struct Columns {
    mean: Vec<f64>,
    deviation: Vec<f64>,
}

impl Columns {
    #[allow(clippy::cast_precision_loss)]
    fn of(rows: &[Vec<f32>]) -> Self {
        let width = rows.first().map_or(0, Vec::len);
        let count = rows.len().max(1) as f64;
        let mut mean = vec![0.0; width];
        for row in rows {
            mean.iter_mut().zip(row).for_each(|(m, &v)| *m += f64::from(v) / count);
        }
        let mut deviation = vec![0.0; width];
        for row in rows {
            let squares = row.iter().zip(&mean).map(|(&v, m)| (f64::from(v) - m).powi(2));
            deviation.iter_mut().zip(squares).for_each(|(d, square)| *d += square / count);
        }
        // A coordinate that does not vary says nothing: it is 0 for every query.
        deviation.iter_mut().for_each(|d| *d = if *d > 1e-12 { d.sqrt() } else { f64::INFINITY });
        Self { mean, deviation }
    }

    fn standardised(&self, row: &[f32]) -> Vec<f64> {
        let scaled = row.iter().zip(&self.mean).zip(&self.deviation);
        scaled.map(|((&v, mean), deviation)| (f64::from(v) - mean) / deviation).collect()
    }

    /// The fit as a function of the coordinates as they are.
    fn folded(&self, mut found: LinearFit) -> LinearFit {
        found.dense.iter_mut().zip(&self.deviation).for_each(|(w, deviation)| *w /= deviation);
        found.intercept -= found.dense.iter().zip(&self.mean).map(|(w, m)| w * m).sum::<f64>();
        found
    }
}
