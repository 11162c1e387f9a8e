//! Queries as features of a linear fit: the coordinates of their embeddings, and the rows of a table.
//!
//! ```text
//! z_j(q) = (embedding_j(q) - mean_j) / deviation_j             dense
//! x_r(q) = ln(1 + count of r in q) / |ln(1 + counts)|          sparse, of an encoder with a row for each r
//! ```
//! The length of a query is no feature, so that filler does not raise a rating.

use crate::encoder::if_any_token;
use crate::encoder::static_table::StaticTable;
use crate::error::TrainerError;
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

/// Queries as features.
pub(super) struct QueryFeatures {
    /// Standardised coordinates, and the rows with their weights.
    rows: Vec<Features>,
    mean: Vec<f64>,
    deviation: Vec<f64>,
    /// Rows of the table; 0 without one.
    vocabulary: usize,
}

impl QueryFeatures {
    /// The features of `queries` under the embedder's encoder, whose table of rows is `table`.
    ///
    /// # Errors
    /// Those of the engine; [`TrainerError::Interrupted`]; [`TrainerError::File`].
    pub(super) fn of(
        queries: &[&str],
        embedder: &mut Embedder<'_>,
        table: Option<&StaticTable>,
    ) -> Result<Self, TrainerError> {
        let topics = embedder.topics(queries)?;
        let (mean, deviation) = mean_and_deviation(&topics);
        let rows = queries
            .iter()
            .zip(&topics)
            .map(|(query, topic)| {
                let scaled = topic.iter().zip(&mean).zip(&deviation);
                let dense = scaled.map(|((&v, m), d)| (f64::from(v) - m) / d).collect();
                let tokens = match table {
                    Some(_) => row_weights(embedder, query)?,
                    None => Vec::new(),
                };
                Ok(Features { tokens, dense })
            })
            .collect::<Result<_, TrainerError>>()?;
        Ok(Self { rows, mean, deviation, vocabulary: table.map_or(0, |table| table.rows) })
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

#[allow(clippy::cast_precision_loss)]
fn mean_and_deviation(rows: &[Vec<f32>]) -> (Vec<f64>, Vec<f64>) {
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
    (mean, deviation)
}

/// The table's rows of a query with their weights; none for a query without a token.
#[allow(clippy::cast_precision_loss)]
fn row_weights(embedder: &Embedder<'_>, query: &str) -> Result<Vec<(u32, f64)>, TrainerError> {
    let Some(tokens) = if_any_token(embedder.router.encoder().tokenize(query))? else {
        return Ok(Vec::new());
    };
    let weights: Vec<f64> = tokens.counts.iter().map(|&count| (1.0 + count as f64).ln()).collect();
    let length = weights.iter().map(|weight| weight * weight).sum::<f64>().sqrt();
    let ids = tokens.ids.iter().map(|&id| u32::try_from(id).unwrap_or(u32::MAX));
    Ok(ids.zip(weights).map(|(id, weight)| (id, weight / length)).collect())
}
