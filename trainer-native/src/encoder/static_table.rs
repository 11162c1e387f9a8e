//! The *static* tier: distils a token table from a transformer.
//!
//! Each token of the vocabulary passes through the transformer alone, between its special tokens, and
//! its mean-pooled output is that token's vector. Principal components reduce the width; a
//! frequency weight then makes common tokens small (Arora et al. 2017, "A simple but tough-to-beat
//! baseline for sentence embeddings", section 3):
//!
//! ```text
//! t_v   = mean_pool(transformer([CLS] v [SEP]))           [H]
//! r_v   = a / (a + p_v) * P (t_v - mean)                   [D], P: the first D components
//! ```
//! A query's embedding is the pooled sum of its tokens' rows: no attention, no layers.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::{Device, Int, Tensor, TensorData};
use indicatif::ProgressBar;
use nalgebra::DMatrix;

use super::bert::Bert;
use super::vocabulary::TokenCounts;
use crate::error::TrainerError;
use crate::linear::principal;
use crate::tensors::{Checkpoint, NamedTensor, floats};

/// Tokens of one batch through the transformer.
const BATCH: usize = 512;

#[derive(Debug, Clone, PartialEq)]
pub struct StaticTable {
    /// Rows, V.
    pub rows: usize,
    /// Width, D.
    pub width: usize,
    /// Row by row, [V, D].
    pub values: Vec<f32>,
}

impl StaticTable {
    /// Writes the table to a file, replacing an earlier one.
    ///
    /// # Errors
    /// [`TrainerError::File`], [`TrainerError::NotFinite`].
    pub fn write(&self, path: &Path) -> Result<(), TrainerError> {
        let tensor = NamedTensor {
            name: "table".into(),
            shape: vec![self.rows, self.width],
            values: self.values.clone(),
        };
        Checkpoint { tensors: vec![tensor], ..Checkpoint::default() }.write(path)
    }

    /// Reads a file that [`StaticTable::write`] wrote.
    ///
    /// # Errors
    /// [`TrainerError::File`], [`TrainerError::BadCheckpoint`].
    pub fn read(path: &Path) -> Result<Self, TrainerError> {
        let fault = |detail: String| TrainerError::BadCheckpoint { path: path.into(), detail };
        let tensors = Checkpoint::read(path)?.tensors;
        let table = tensors.into_iter().find(|tensor| tensor.name == "table");
        let table = table.ok_or_else(|| fault("no tensor \"table\"".into()))?;
        match table.shape[..] {
            [rows, width] => Ok(Self { rows, width, values: table.values }),
            _ => Err(fault(format!("the table has shape {:?}, expected two axes", table.shape))),
        }
    }
}

/// The ids put around a token before the transformer.
#[derive(Debug, Clone, Copy)]
pub struct Surround {
    pub start: u32,
    pub end: u32,
}

/// Vectors of `tokens`, `[V, H]`: each token passed alone through the transformer, mean-pooled.
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
            return Err(TrainerError::Interrupted { doing: "distilling tokens".into() });
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

/// Reduces the table to `components` principal components and scales each row by its token's
/// frequency weight w = a / (a + p). Mean and components are those of the tokens as queries use
/// them: the mean weighted by p, the covariance by w p. `counts` are over the original ids
/// `tokens`.
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
    let mut centred =
        DMatrix::from_row_iterator(table.rows, width, table.values.iter().map(|&v| f64::from(v)));
    let shares: Vec<f64> = tokens.iter().map(|&token| counts.share(token)).collect();
    let weights: Vec<f64> = shares.iter().map(|p| a / (a + p)).collect();
    let mass: f64 = shares.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    let mut mean = nalgebra::RowDVector::zeros(width);
    for (row, p) in centred.row_iter().zip(&shares) {
        mean += row * (p / mass);
    }
    let mut weighted = DMatrix::zeros(table.rows, width);
    for (index, mut row) in centred.row_iter_mut().enumerate() {
        row -= &mean;
        weighted.set_row(index, &(&row * (weights[index] * shares[index]).sqrt()));
    }
    let kept = components.min(width);
    let basis = principal::directions(weighted.tr_mul(&weighted), kept);
    let projected = centred * basis;
    let mut values = Vec::with_capacity(table.rows * kept);
    for (row, weight) in weights.iter().enumerate() {
        values.extend((0..kept).map(|c| (projected[(row, c)] * weight) as f32));
    }
    StaticTable { rows: table.rows, width: kept, values }
}

/// Spread of the embeddings of queries, which are sums of rows divided by the root of the token
/// count.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spread {
    squares: f64,
    coordinates: usize,
}

impl Spread {
    /// Adds the embedding of a query with these token ids.
    #[allow(clippy::cast_precision_loss)]
    pub fn add(&mut self, table: &StaticTable, ids: &[u32]) {
        if ids.is_empty() {
            return;
        }
        let mut sum = vec![0.0_f64; table.width];
        for &id in ids {
            let row = &table.values[id as usize * table.width..][..table.width];
            sum.iter_mut().zip(row).for_each(|(s, &v)| *s += f64::from(v));
        }
        self.squares += sum.iter().map(|s| s * s).sum::<f64>() / ids.len() as f64;
        self.coordinates += table.width;
    }

    /// Scales the table so that the coordinates of these embeddings have root mean square `scale`:
    /// a head then starts at the same scale whatever the encoder.
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
    pub fn scale_to(&self, table: &mut StaticTable, scale: f64) {
        if self.squares > 0.0 {
            let factor = scale / (self.squares / self.coordinates as f64).sqrt();
            table.values.iter_mut().for_each(|v| *v = (f64::from(*v) * factor) as f32);
        }
    }
}
