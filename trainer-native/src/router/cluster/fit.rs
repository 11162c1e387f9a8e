//! Fits the cluster router: its groups, the discriminant between them, their mean scores, and the
//! correction.
//!
//! The formulas are in the module's head.

use nalgebra::{DMatrix, DVector};

use super::head::{ClusterHead, Correction};
use crate::dataset::Prepared;
use crate::encoder::Encoder;
use crate::error::TrainerError;
use crate::linear::direction::unit;
use crate::linear::discriminant::Discriminant;
use crate::linear::groups::numbered;
use crate::linear::k_means;
use crate::linear::ridge_regression::{Features, fit};
use crate::recipe::{ClusterRecipe, Grouping};
use crate::training::context::Context;
use crate::training::embedded::Embedded;
use crate::training::embedder::Embedder;
use crate::training::fit::{Fit, Trained, TrainedHead};

impl Fit for ClusterRecipe {
    fn fit(&self, context: &Context<'_>, encoder: Encoder) -> Result<Trained, TrainerError> {
        let Embedded { mut embedder, columns, .. } = Embedded::new(context, &encoder)?;
        let rows = Rows::of(context.data, &mut embedder, &columns)?;
        for (at, candidate) in context.recipe.candidates.iter().enumerate() {
            if rows.scores.iter().all(|scores| scores[at].is_none()) {
                return Err(TrainerError::NoTrainingData {
                    detail: format!(
                        "candidate {:?} has no outcome; kind \"cluster\" takes no preferences",
                        candidate.id
                    ),
                });
            }
        }
        let groups = rows.groups(self, context.recipe.seed, context.data)?;
        // The head scores the candidates alone, in their order.
        let columns: Vec<usize> = (0..columns.len()).collect();
        let head = rows.head(self, groups, columns.len())?;
        Ok(Trained { encoder, head: TrainedHead::in_graph(head, columns) })
    }
}

/// The queries that were measured on a candidate.
struct Rows {
    /// Directions from the mean embedding, `[W]` each.
    directions: Vec<Vec<f64>>,
    /// Mean embedding, `[W]`.
    centre: Vec<f64>,
    /// Scores of the candidates; `None` where one was not measured.
    scores: Vec<Vec<Option<f64>>>,
    weights: Vec<f64>,
    /// Index of each query in the training table.
    places: Vec<usize>,
}

#[allow(clippy::cast_possible_truncation)]
fn single<'a>(values: impl Iterator<Item = &'a f64>) -> Vec<f32> {
    values.map(|&value| value as f32).collect()
}

impl Rows {
    #[allow(clippy::cast_precision_loss)]
    fn of(
        data: &Prepared,
        embedder: &mut Embedder<'_>,
        columns: &[usize],
    ) -> Result<Self, TrainerError> {
        let train = &data.train;
        let measured =
            |&row: &usize| columns.iter().any(|&column| train.rows[row].score(column).is_some());
        let wanted: Vec<usize> = (0..train.rows.len()).filter(measured).collect();
        let texts = wanted.iter().map(|&row| train.rows[row].query.as_str());
        let found = embedder.rows(texts)?;
        let cache = &embedder.cache;
        let width = cache.width() - 1;
        let (mut places, mut directions) = (Vec::new(), Vec::<Vec<f64>>::new());
        for (&row, embedding) in wanted.iter().zip(found) {
            let Some(embedding) = embedding else { continue };
            let values = cache.read(&[embedding])?;
            places.push(row);
            directions.push(values.iter().take(width).map(|&v| f64::from(v)).collect());
        }
        let mut centre = vec![0.0; width];
        for direction in &directions {
            let share = 1.0 / directions.len() as f64;
            centre.iter_mut().zip(direction).for_each(|(sum, value)| *sum += share * value);
        }
        directions.iter_mut().for_each(|direction| *direction = unit(direction, &centre));
        let of_row = |&row: &usize| -> Vec<Option<f64>> {
            columns.iter().map(|&column| train.rows[row].score(column).map(f64::from)).collect()
        };
        Ok(Self {
            directions,
            centre,
            scores: places.iter().map(of_row).collect(),
            weights: places.iter().map(|&row| f64::from(data.weights[row])).collect(),
            places,
        })
    }

    /// Group of each row, and the number of groups; none is empty.
    fn groups(
        &self,
        settings: &ClusterRecipe,
        seed: u64,
        data: &Prepared,
    ) -> Result<(Vec<usize>, usize), TrainerError> {
        let rows = &data.train.rows;
        let found = match settings.groups {
            Grouping::KMeans => {
                return k_means::clusters(&self.directions, settings.count, seed).map(numbered);
            }
            Grouping::DataSet => {
                numbered(self.places.iter().map(|&row| rows[row].dataset.as_str()).collect())
            }
            Grouping::ClusterId => {
                let own: Option<Vec<u32>> =
                    self.places.iter().map(|&row| rows[row].cluster).collect();
                numbered(own.ok_or_else(|| {
                    TrainerError::NoTrainingData {
                        detail: "a training query has no cluster_id: group by \"data-set\" or \
                             \"k-means\""
                            .into(),
                    }
                })?)
            }
        };
        match found.1 {
            0 | 1 => Err(TrainerError::NoTrainingData {
                detail: format!(
                    "the training queries are of {} group, expected at least 2: group by \
                     \"k-means\"",
                    found.1
                ),
            }),
            _ => Ok(found),
        }
    }

    /// The head of these groups of rows.
    fn head(
        &self,
        settings: &ClusterRecipe,
        (group_of, groups): (Vec<usize>, usize),
        candidates: usize,
    ) -> Result<ClusterHead, TrainerError> {
        let (directions, weights) = (&self.directions, &self.weights);
        let (membership, offsets) =
            Discriminant::new(directions, weights, &group_of, groups, settings.sphere)?.logits();
        let means = self.means(&group_of, groups, candidates, settings.shrinkage);
        let correction = match settings.correction_penalty {
            None => None,
            Some(penalty) => Some(self.correction(&membership, &offsets, &means, penalty)?),
        };
        // A matrix is stored column by column, the numbers of a head row by row.
        Ok(ClusterHead {
            centre: single(self.centre.iter()),
            membership: single(membership.transpose().iter()),
            offsets: single(offsets.iter()),
            means: single(means.iter()),
            correction,
        })
    }

    /// Mean scores, `[T, G]`, each shrunk towards the candidate's mean over all rows.
    fn means(
        &self,
        group_of: &[usize],
        groups: usize,
        candidates: usize,
        shrinkage: f64,
    ) -> DMatrix<f64> {
        let mut sums = DMatrix::<f64>::zeros(candidates, groups);
        let mut counts = DMatrix::<f64>::zeros(candidates, groups);
        for ((scores, &group), weight) in self.scores.iter().zip(group_of).zip(&self.weights) {
            for (candidate, score) in scores.iter().enumerate() {
                let Some(score) = score else { continue };
                sums[(candidate, group)] += weight * score;
                counts[(candidate, group)] += weight;
            }
        }
        DMatrix::from_fn(candidates, groups, |candidate, group| {
            let whole = sums.row(candidate).sum() / counts.row(candidate).sum();
            (sums[(candidate, group)] + shrinkage * whole)
                / (counts[(candidate, group)] + shrinkage).max(1e-12)
        })
    }

    /// Ridge regression of what the groups' means leave unexplained.
    fn correction(
        &self,
        membership: &DMatrix<f64>,
        offsets: &[f64],
        means: &DMatrix<f64>,
        penalty: f64,
    ) -> Result<Correction, TrainerError> {
        let expected: Vec<DVector<f64>> = self
            .directions
            .iter()
            .map(|direction| {
                let logits = membership.tr_mul(&DVector::from_column_slice(direction))
                    + DVector::from_column_slice(offsets);
                let shares = logits.add_scalar(-logits.max()).map(f64::exp);
                means * (&shares / shares.sum())
            })
            .collect();
        let (width, candidates) = (self.centre.len(), means.nrows());
        let mut weights = vec![0.0; width * candidates];
        let mut offsets = Vec::with_capacity(candidates);
        for candidate in 0..candidates {
            let (mut features, mut rest, mut own) = (Vec::new(), Vec::new(), Vec::new());
            for (row, scores) in self.scores.iter().enumerate() {
                let Some(score) = scores[candidate] else { continue };
                let dense = self.directions[row].clone();
                features.push(Features { tokens: Vec::new(), dense });
                rest.push(score - expected[row][candidate]);
                own.push(self.weights[row]);
            }
            let found = fit(&features, &rest, &own, 0, penalty)?;
            for (at, value) in found.dense.iter().enumerate() {
                weights[at * candidates + candidate] = *value;
            }
            offsets.push(found.intercept);
        }
        Ok(Correction { weights: single(weights.iter()), offsets: single(offsets.iter()) })
    }
}
