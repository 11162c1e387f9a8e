//! Queries as features of a linear fit: the coordinates of their embeddings, and the rows of a table.
//!
//! ```text
//! z_j(q) = (embedding_j(q) - mean_j) / deviation_j             dense
//! x_r(q) = ln(1 + count of r in q) / |ln(1 + counts)|          sparse, of a table with a row for each r
//! x_r(q) = count of r in q / sqrt(tokens of q)                 sparse, of a transformer with a row a token
//! ```
//! The length of a query is no feature, so that filler does not raise a rating.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use pointsman::{Query, Router};

use crate::assess::on_each;
use crate::encoder::{Encoder, Network, if_any_token};
use crate::error::TrainerError;
use crate::linear::moments;
use crate::linear::ridge_regression::{self, Features, LinearFit};
use crate::training::embedder::Embedder;

/// Penalties on squared coefficients.
#[derive(Debug, Clone, Copy)]
pub(super) struct Penalty {
    /// Of a coordinate of standard deviation 1.
    pub coordinate: f64,
    /// Of a row of the table.
    pub row: f64,
}

impl Penalty {
    /// What the coordinates are multiplied by so that the rows' penalty serves both.
    fn scale(self) -> f64 {
        (self.row / self.coordinate).sqrt()
    }
}

/// Rows that a fit gives a weight each, as the deployed graph sums them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows {
    pub count: usize,
    /// Whether tokens come one after the other, not each once with its count.
    is_sequence: bool,
}

impl Rows {
    /// The rows of an encoder: of a table of pieces always, of a transformer where `token_rows` asks for them, of
    /// a bundle those of its table.
    ///
    /// # Errors
    /// [`TrainerError::BadSetting`] where rows are asked for of another encoder.
    pub(super) fn of(encoder: &Encoder, token_rows: bool) -> Result<Option<Self>, TrainerError> {
        match &encoder.network {
            Network::Ngrams(table) => Ok(Some(Self { count: table.rows, is_sequence: false })),
            Network::Transformer { weights, .. } if token_rows => {
                Ok(Some(Self { count: weights.vocabulary(), is_sequence: true }))
            }
            Network::Bundle(bundle) => Ok(bundle
                .table
                .map(|table| Self { count: table.rows, is_sequence: table.is_sequence })),
            Network::Static(_) if token_rows => Err(TrainerError::BadSetting {
                setting: "head.token_rows".into(),
                detail: "found an encoder of tier \"static\", expected a transformer: a table with a weight \
                         for each token is tier \"pieces\""
                    .into(),
            }),
            _ => Ok(None),
        }
    }
}

/// Each query with its coordinates as they are, and its rows with their weights.
///
/// # Errors
/// Those of the engine; [`TrainerError::Interrupted`]; [`TrainerError::File`].
pub(super) fn raw_features(
    queries: &[&str],
    embedder: &mut Embedder<'_>,
    rows: Option<Rows>,
) -> Result<Vec<Features>, TrainerError> {
    let topics = embedder.topics(queries)?;
    let features = queries.iter().zip(topics).map(|(query, topic)| {
        let tokens = row_weights(&embedder.router, query, rows);
        Ok(Features { tokens: tokens?, dense: topic.into_iter().map(f64::from).collect() })
    });
    features.collect()
}

/// The same by a bundle's router, without a cache of embeddings.
///
/// # Errors
/// Those of the engine; [`TrainerError::Interrupted`].
pub(super) fn raw_features_by(
    router: &Router,
    queries: &[&str],
    rows: Option<Rows>,
    stop: &AtomicBool,
) -> Result<Vec<Features>, TrainerError> {
    let width = router.info().encoder.embedding_size - 1;
    on_each("reading queries", queries, stop, &|query| {
        let embedding = if_any_token(Query::new(query).and_then(|query| router.embed(&query)))?;
        let mut topic = embedding.unwrap_or_default();
        topic.resize(width, 0.0);
        let dense = topic.into_iter().map(f64::from).collect();
        Ok(Features { tokens: row_weights(router, query, rows)?, dense })
    })
}

/// Queries as features.
pub(super) struct QueryFeatures {
    /// Standardised coordinates, and the rows with their weights.
    rows: Vec<Features>,
    mean: Vec<f64>,
    deviation: Vec<f64>,
    /// Number of rows that a fit gives a weight; 0 without any.
    vocabulary: usize,
}

impl QueryFeatures {
    /// The features of `queries` under the embedder's encoder.
    ///
    /// # Errors
    /// Those of [`raw_features`].
    pub(super) fn of(
        queries: &[&str],
        embedder: &mut Embedder<'_>,
        rows: Option<Rows>,
    ) -> Result<Self, TrainerError> {
        Ok(Self::of_raw(raw_features(queries, embedder, rows)?, rows))
    }

    /// The features of queries with their coordinates as they are.
    pub(super) fn of_raw(mut features: Vec<Features>, rows: Option<Rows>) -> Self {
        let (mean, deviation) = mean_and_deviation(&features);
        for row in &mut features {
            let scaled = row.dense.iter_mut().zip(&mean).zip(&deviation);
            scaled.for_each(|((v, m), d)| *v = (*v - m) / d);
        }
        Self { rows: features, mean, deviation, vocabulary: rows.map_or(0, |rows| rows.count) }
    }

    /// A linear function of these features that is near `targets`; at `left_out` queries they are not
    /// looked at.
    ///
    /// # Errors
    /// [`TrainerError::NoTrainingData`] without queries, or where all weights are 0.
    pub(super) fn fit(
        &self,
        targets: &[f64],
        weights: &[f64],
        penalty: Penalty,
        left_out: impl Fn(usize) -> bool,
    ) -> Result<LinearFit, TrainerError> {
        let scale = penalty.scale();
        let kept: Vec<usize> = (0..self.rows.len()).filter(|&at| !left_out(at)).collect();
        let scaled = |at: &usize| {
            let Features { tokens, dense } = &self.rows[*at];
            let dense = dense.iter().map(|v| v * scale).collect();
            Features { tokens: tokens.clone(), dense }
        };
        let rows: Vec<Features> = kept.iter().map(scaled).collect();
        let of = |values: &[f64]| kept.iter().map(|&at| values[at]).collect::<Vec<f64>>();
        let (targets, weights) = (of(targets), of(weights));
        let mut found =
            ridge_regression::fit(&rows, &targets, &weights, self.vocabulary, penalty.row)?;
        found.dense.iter_mut().for_each(|w| *w *= scale);
        Ok(found)
    }

    /// Value of a fit at each query.
    pub(super) fn values(&self, fit: &LinearFit) -> Vec<f64> {
        self.rows.iter().map(|row| fit.at(row)).collect()
    }

    /// The fit shifted and scaled to mean 0 and standard deviation 1 over these queries.
    pub(super) fn standardised(&self, fit: LinearFit) -> LinearFit {
        fit.standardised(&self.rows)
    }

    /// The fit as a function of an embedding's coordinates as they are.
    pub(super) fn folded(&self, mut fit: LinearFit) -> LinearFit {
        fit.dense.iter_mut().zip(&self.deviation).for_each(|(w, deviation)| *w /= deviation);
        fit.intercept -= fit.dense.iter().zip(&self.mean).map(|(w, m)| w * m).sum::<f64>();
        fit
    }
}

/// Of each dense coordinate. One that does not vary says nothing: its deviation is infinite, so that it is 0 for
/// every query.
fn mean_and_deviation(rows: &[Features]) -> (Vec<f64>, Vec<f64>) {
    let width = rows.first().map_or(0, |row| row.dense.len());
    let column = |at: usize| rows.iter().map(|row| row.dense[at]).collect::<Vec<f64>>();
    let of = |at: usize| {
        let values = column(at);
        let deviation = moments::deviation(&values);
        let varies = deviation * deviation > 1e-12;
        (moments::mean(&values), if varies { deviation } else { f64::INFINITY })
    };
    (0..width).map(of).unzip()
}

/// The rows of a query with their weights; none for a query without a token, and without a table.
#[allow(clippy::cast_precision_loss)]
fn row_weights(
    router: &Router,
    query: &str,
    rows: Option<Rows>,
) -> Result<Vec<(u32, f64)>, TrainerError> {
    let Some(rows) = rows else { return Ok(Vec::new()) };
    let Some(tokens) = if_any_token(router.encoder().tokenize(query))? else {
        return Ok(Vec::new());
    };
    let ids = tokens.ids.iter().map(|&id| u32::try_from(id).unwrap_or(u32::MAX));
    if rows.is_sequence {
        let share = (tokens.ids.len() as f64).sqrt().recip();
        let mut found = BTreeMap::new();
        ids.for_each(|id| *found.entry(id).or_insert(0.0) += share);
        return Ok(found.into_iter().collect());
    }
    let weights: Vec<f64> = tokens.counts.iter().map(|&count| (1.0 + count as f64).ln()).collect();
    let length = weights.iter().map(|weight| weight * weight).sum::<f64>().sqrt();
    Ok(ids.zip(weights).map(|(id, weight)| (id, weight / length)).collect())
}
