//! Products of floats.

use super::isa::{Isa, LARGEST_TILE};

/// Float weights `[K, N]`, packed in panels.
#[derive(Debug)]
pub(crate) struct FloatWeights<I: Isa> {
    panels: Vec<f32>,
    /// Inputs K.
    inputs: usize,
    /// Outputs N.
    pub outputs: usize,
    bias: Vec<f32>,
    isa: std::marker::PhantomData<I>,
}

impl<I: Isa> FloatWeights<I> {
    /// Packs weights `[K, N]`, row by row, with a bias for each of the N outputs. `None` where the
    /// lengths do not agree.
    pub fn new(values: &[f32], bias: &[f32]) -> Option<Self> {
        let outputs = bias.len();
        if outputs == 0 || !values.len().is_multiple_of(outputs) {
            return None;
        }
        let inputs = values.len() / outputs;
        let mut panels = Vec::new();
        pack_columns::<I>(values, outputs, outputs, &mut panels);
        Some(Self { panels, inputs, outputs, bias: bias.to_vec(), isa: std::marker::PhantomData })
    }

    /// The product of `[rows, K]`, given as [`pack_rows`] packs it: `output` is `[rows, N]`.
    pub fn product(&self, tiles: &[f32], output: &mut [f32]) {
        product::<I>(tiles, self.inputs, &self.panels, self.outputs, self.outputs, output);
        I::vectorised(
            #[inline(always)]
            || {
                for row in output.chunks_exact_mut(self.outputs) {
                    for (y, bias) in row.iter_mut().zip(&self.bias) {
                        *y += bias;
                    }
                }
            },
        );
    }
}

/// Packs `[K, width]`, whose rows begin `stride` apart, into panels of columns.
pub(crate) fn pack_columns<I: Isa>(
    values: &[f32],
    width: usize,
    stride: usize,
    panels: &mut Vec<f32>,
) {
    let columns = I::FLOAT_COLUMNS;
    let depth = values.len().div_ceil(stride);
    panels.clear();
    panels.resize(width.div_ceil(columns) * depth * columns, 0.0);
    for (panel, part) in panels.chunks_exact_mut(depth * columns).enumerate() {
        let first = panel * columns;
        let count = columns.min(width - first);
        for (row, place) in values.chunks(stride).zip(part.chunks_exact_mut(columns)) {
            place[..count].copy_from_slice(&row[first..first + count]);
        }
    }
}

/// Packs rows of `width` values, which begin `stride` apart, into tiles.
pub(crate) fn pack_rows<I: Isa>(values: &[f32], width: usize, stride: usize, tiles: &mut Vec<f32>) {
    let count = values.len().div_ceil(stride);
    tiles.resize(count * width, 0.0);
    for (block, tile) in values.chunks(I::ROWS * stride).zip(tiles.chunks_mut(I::ROWS * width)) {
        let rows = tile.len() / width;
        for (at, row) in block.chunks(stride).enumerate() {
            for (place, &value) in tile.chunks_exact_mut(rows).zip(&row[..width]) {
                place[at] = value;
            }
        }
    }
}

/// `output[m, n] = sum_k tiles[m, k] panels[k, n]` for packed operands of `depth` values of K;
/// `width` columns are written, to rows that begin `stride` apart.
pub(crate) fn product<I: Isa>(
    tiles: &[f32],
    depth: usize,
    panels: &[f32],
    width: usize,
    stride: usize,
    output: &mut [f32],
) {
    let columns = I::FLOAT_COLUMNS;
    let mut sums = [0.0_f32; LARGEST_TILE];
    for (panel, weights) in panels.chunks_exact(depth * columns).enumerate() {
        let first = panel * columns;
        let count = columns.min(width - first);
        for (tile, inputs) in tiles.chunks(I::ROWS * depth).enumerate() {
            let rows = inputs.len() / depth;
            I::float_tile(rows, inputs, weights, &mut sums);
            for row in 0..rows {
                let place = (tile * I::ROWS + row) * stride + first;
                output[place..place + count]
                    .copy_from_slice(&sums[row * columns..row * columns + count]);
            }
        }
    }
}
