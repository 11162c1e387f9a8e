//! The *static* tier: a token table distilled from a transformer.
//!
//! Every token of the vocabulary goes through the transformer alone, as `[CLS] token [SEP]`, and
//! its mean-pooled output is that token's vector. Principal components cut the width down; a
//! frequency weight then makes common tokens small (Arora et al. 2017, "A simple but
//! tough-to-beat baseline for sentence embeddings", section 3):
//!
//! ```text
//! t_v   = mean_pool(transformer([CLS] v [SEP]))           [H]
//! r_v   = a / (a + p_v) * P (t_v - mean)                   [D], P: the first D components
//! ```
//! A query's embedding is then a pooled sum of rows: no attention, no layers.

use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::{Device, Int, Tensor, TensorData};
use indicatif::ProgressBar;
use nalgebra::DMatrix;

use super::bert::Bert;
use super::vocabulary::TokenCounts;
use crate::error::TrainerError;

/// Tokens of one batch through the transformer.
const BATCH: usize = 512;

/// A token table.
#[derive(Debug, Clone, PartialEq)]
pub struct StaticTable {
    /// Rows, V.
    pub rows: usize,
    /// Width, D.
    pub width: usize,
    /// Row by row, [V, D].
    pub values: Vec<f32>,
}

/// The ids that surround a token on its way through the transformer.
#[derive(Debug, Clone, Copy)]
pub struct Surround {
    /// `[CLS]`.
    pub start: u32,
    /// `[SEP]`.
    pub end: u32,
}

/// Vectors of `tokens`, `[V, H]`: each token alone through the transformer, mean-pooled.
///
/// # Errors
/// [`TrainerError::Interrupted`] when `stop` is set; [`TrainerError::NotFinite`].
pub fn token_vectors(
    bert: &Bert,
    tokens: &[u32],
    surround: Surround,
    device: &Device,
    progress: &ProgressBar,
    stop: &AtomicBool,
) -> Result<StaticTable, TrainerError> {
    let mut values = Vec::new();
    progress.set_length(tokens.len() as u64);
    for batch in tokens.chunks(BATCH) {
        if stop.load(Ordering::Relaxed) {
            return Err(TrainerError::Interrupted { epoch: 0, epochs: 0 });
        }
        let ids: Vec<i64> = batch
            .iter()
            .flat_map(|&token| [surround.start, token, surround.end].map(i64::from))
            .collect();
        let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, [batch.len(), 3]), device);
        let mask = Tensor::<2>::ones([batch.len(), 3], device);
        values.extend(floats(bert.mean_pooled(ids, mask).into_data())?);
        progress.inc(batch.len() as u64);
    }
    progress.finish_and_clear();
    if let Some(at) = values.iter().position(|v| !v.is_finite()) {
        return Err(TrainerError::NotFinite {
            what: "a token vector",
            detail: format!("{} at {at}: the encoder's weights are damaged", values[at]),
        });
    }
    let width = values.len() / tokens.len().max(1);
    Ok(StaticTable { rows: tokens.len(), width, values })
}

/// Cuts the table to `components` principal components and scales each row by its token's
/// frequency weight a / (a + p). `counts` are over the original ids `tokens`.
#[must_use]
#[allow(clippy::cast_possible_truncation)]
pub fn compress(
    table: &StaticTable,
    tokens: &[u32],
    counts: &TokenCounts,
    components: usize,
    a: f64,
) -> StaticTable {
    let width = table.width;
    let matrix =
        DMatrix::from_row_iterator(table.rows, width, table.values.iter().map(|&v| f64::from(v)));
    let mean = matrix.row_mean();
    let mut centred = matrix;
    for mut row in centred.row_iter_mut() {
        row -= &mean;
    }
    let eigen = (centred.transpose() * &centred).symmetric_eigen();
    let mut order: Vec<usize> = (0..width).collect();
    order.sort_by(|&i, &j| eigen.eigenvalues[j].total_cmp(&eigen.eigenvalues[i]));
    let kept = components.min(width);
    let basis = DMatrix::from_fn(width, kept, |r, c| {
        // An eigenvector's sign is arbitrary: fix it, so that runs agree.
        let column = eigen.eigenvectors.column(order[c]);
        let sign = column[column.icamax()].signum();
        column[r] * sign
    });
    let projected = centred * basis;
    let mut values = Vec::with_capacity(table.rows * kept);
    for (row, &token) in tokens.iter().enumerate() {
        let weight = a / (a + counts.share(token));
        values.extend((0..kept).map(|c| (projected[(row, c)] * weight) as f32));
    }
    StaticTable { rows: table.rows, width: kept, values }
}

/// Scales the whole table so that its rows, weighted by token frequency, have mean square 1: the
/// head then starts at the same scale whatever the encoder.
#[allow(clippy::cast_possible_truncation)]
pub fn to_unit_variance(table: &mut StaticTable, tokens: &[u32], counts: &TokenCounts) {
    let mut mean_square = 0.0_f64;
    for (row, &token) in table.values.chunks_exact(table.width).zip(tokens) {
        let square: f64 = row.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
        mean_square += counts.share(token) * square;
    }
    if mean_square > 0.0 {
        let scale = mean_square.sqrt().recip() as f32;
        table.values.iter_mut().for_each(|v| *v *= scale);
    }
}

/// The floats of a tensor.
pub(crate) fn floats(data: TensorData) -> Result<Vec<f32>, TrainerError> {
    data.to_vec::<f32>().map_err(|e| TrainerError::NotFinite {
        what: "a tensor",
        detail: format!("it cannot be read as f32: {e:?}"),
    })
}
