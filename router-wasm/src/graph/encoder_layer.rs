//! A whole BERT transformer layer as one operator.
//!
//! ```text
//! q, k, v = dense(h)                                    q is scaled by 1 / sqrt(H / heads)
//! h'  = norm(h + dense(softmax(q k^T + (mask - 1) * 1e9) v))
//! h'' = norm(h' + down(gelu(up(h'))))                   [1, S, H]
//! ```
//! The input is quantised once for query, key and value. Attention runs head by head. From attention
//! on, [`BLOCK`] rows are processed at a time, so that intermediate results stay in the cache and a
//! long query needs little memory.

use std::sync::{Arc, Mutex};

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;

use super::fused::Computation;
use crate::kernels::{
    FloatWeights, Int8Weights, Isa, Norm, Quantised, add, gelu, pack_columns, pack_rows, product,
    softmax,
};

/// Rows processed at a time; a multiple of every kernel's rows.
const BLOCK: usize = 64;

/// Weights of a dense layer.
pub(super) enum Dense<I: Isa> {
    Int8(Int8Weights<I>),
    Float(FloatWeights<I>),
}

impl<I: Isa> Dense<I> {
    /// N.
    pub fn outputs(&self) -> usize {
        match self {
            Self::Int8(weights) => weights.outputs,
            Self::Float(weights) => weights.outputs,
        }
    }

    /// `input [rows, K] weights + bias`, `[rows, N]`.
    fn apply(&self, input: &[f32], width: usize, packed: &mut Packed<I>, output: &mut [f32]) {
        match self {
            Self::Int8(weights) => {
                packed.quantised.set(input, width);
                weights.product(&packed.quantised, output);
            }
            Self::Float(weights) => {
                pack_rows::<I>(input, width, width, &mut packed.floats);
                weights.product(&packed.floats, output);
            }
        }
    }
}

/// A product's input in the kernels' layout.
#[derive(Default)]
struct Packed<I: Isa> {
    quantised: Quantised<I>,
    floats: Vec<f32>,
}

/// Scratch memory of one query in a layer, reused from query to query.
#[derive(Default)]
struct Scratch<I: Isa> {
    packed: Packed<I>,
    /// Query, key and value of every token, [S, 3 H].
    projected: Vec<f32>,
    /// Attention's output, [S, H].
    context: Vec<f32>,
    keys: Vec<f32>,
    values: Vec<f32>,
    rows: Vec<f32>,
    /// One head's attention scores, [BLOCK, S].
    scores: Vec<f32>,
    /// Inner activations of the feed-forward network, [BLOCK, I].
    wide: Vec<f32>,
    bias: Vec<f32>,
}

/// Scratch memory that a graph's layers share: one piece for each query that runs at the same time.
pub(super) struct ScratchPool<I: Isa>(Arc<Mutex<Vec<Scratch<I>>>>);

impl<I: Isa> Clone for ScratchPool<I> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<I: Isa> Default for ScratchPool<I> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<I: Isa> ScratchPool<I> {
    fn with<R>(&self, work: impl FnOnce(&mut Scratch<I>) -> R) -> R {
        let free = self.0.lock().map(|mut pool| pool.pop()).unwrap_or_default();
        let mut scratch = free.unwrap_or_default();
        let result = work(&mut scratch);
        if let Ok(mut pool) = self.0.lock() {
            pool.push(scratch);
        }
        result
    }
}

/// `EncoderLayer`: hidden `[1, S, H]`, mask `[1, S]` to `[1, S, H]`.
pub(super) struct EncoderLayer<I: Isa> {
    pub heads: usize,
    /// Query, key and value side by side, [H, 3 H].
    pub projection: Dense<I>,
    pub output: Dense<I>,
    pub attention_norm: Norm,
    pub up: Dense<I>,
    pub down: Dense<I>,
    pub output_norm: Norm,
    pub scratch: ScratchPool<I>,
}

impl<I: Isa> EncoderLayer<I> {
    /// H.
    fn width(&self) -> usize {
        self.output_norm.gamma.len()
    }

    fn run(&self, hidden: &[f32], mask: &[f32], scratch: &mut Scratch<I>) -> TractResult<Vec<f32>> {
        let (width, count) = (self.width(), mask.len());
        scratch.bias.clear();
        scratch.bias.extend(mask.iter().map(|present| (present - 1.0) * 1e9));
        scratch.projected.resize(count * 3 * width, 0.0);
        self.projection.apply(hidden, width, &mut scratch.packed, &mut scratch.projected);
        scratch.context.resize(count * width, 0.0);
        for head in 0..self.heads {
            self.attend(head, count, scratch);
        }
        let mut result = vec![0.0; count * width];
        let blocks = result.chunks_mut(BLOCK * width).zip(hidden.chunks(BLOCK * width));
        for (at, (rows, hidden)) in blocks.enumerate() {
            let context = &scratch.context[at * BLOCK * width..][..rows.len()];
            self.output.apply(context, width, &mut scratch.packed, rows);
            self.add_and_norm(&self.attention_norm, rows, hidden)?;
            let inner = self.up.outputs();
            scratch.wide.resize(rows.len() / width * inner, 0.0);
            self.up.apply(rows, width, &mut scratch.packed, &mut scratch.wide);
            I::vectorised(
                #[inline(always)]
                || gelu(&mut scratch.wide),
            );
            // The residual connection adds the feed-forward network's input to its output.
            let residual = &mut scratch.rows;
            residual.clear();
            residual.extend_from_slice(rows);
            self.down.apply(&scratch.wide, inner, &mut scratch.packed, rows);
            self.add_and_norm(&self.output_norm, rows, residual)?;
        }
        Ok(result)
    }

    fn add_and_norm(&self, norm: &Norm, rows: &mut [f32], residual: &[f32]) -> TractResult<()> {
        let finite = I::vectorised(
            #[inline(always)]
            || {
                add(rows, residual);
                rows.chunks_exact_mut(self.width()).all(|row| norm.apply(row))
            },
        );
        if !finite {
            bail!("a hidden state is not finite");
        }
        Ok(())
    }

    /// Writes one head's part of the context.
    fn attend(&self, head: usize, count: usize, scratch: &mut Scratch<I>) {
        let width = self.width();
        let (size, stride) = (width / self.heads, 3 * width);
        let first = head * size;
        let projected = &scratch.projected;
        pack_transposed::<I>(&projected[width + first..], size, stride, &mut scratch.keys);
        pack_columns::<I>(&projected[2 * width + first..], size, stride, &mut scratch.values);
        for start in (0..count).step_by(BLOCK) {
            let rows = BLOCK.min(count - start);
            let queries = &projected[start * stride + first..];
            let queries = &queries[..(rows - 1) * stride + size];
            pack_rows::<I>(queries, size, stride, &mut scratch.rows);
            scratch.scores.resize(rows * count, 0.0);
            product::<I>(&scratch.rows, size, &scratch.keys, count, count, &mut scratch.scores);
            I::vectorised(
                #[inline(always)]
                || {
                    for row in scratch.scores.chunks_exact_mut(count) {
                        softmax(row, &scratch.bias);
                    }
                },
            );
            pack_rows::<I>(&scratch.scores, count, count, &mut scratch.rows);
            let context = &mut scratch.context[start * width + first..];
            product::<I>(&scratch.rows, count, &scratch.values, size, width, context);
        }
    }
}

/// Packs the transpose of rows of `size` values, which begin `stride` apart, into panels: each row
/// becomes a column.
fn pack_transposed<I: Isa>(values: &[f32], size: usize, stride: usize, panels: &mut Vec<f32>) {
    let columns = I::FLOAT_COLUMNS;
    let count = values.len().div_ceil(stride);
    panels.clear();
    panels.resize(count.div_ceil(columns) * size * columns, 0.0);
    for (at, row) in values.chunks(stride).enumerate() {
        let panel = &mut panels[at / columns * size * columns..][..size * columns];
        for (place, &value) in panel.chunks_exact_mut(columns).zip(&row[..size]) {
            place[at % columns] = value;
        }
    }
}

impl<I: Isa> Computation for EncoderLayer<I> {
    fn name(&self) -> &'static str {
        "EncoderLayer"
    }

    fn shape(&self, inputs: &[&ShapeFact]) -> TractResult<TVec<TDim>> {
        let [hidden, mask] = inputs else { bail!("EncoderLayer has {} inputs", inputs.len()) };
        if hidden.rank() != 3
            || hidden[0] != 1.to_dim()
            || hidden[2] != self.width().to_dim()
            || mask.dims() != &hidden.dims()[..2]
        {
            bail!("an encoder layer of width {} was given {hidden:?}, {mask:?}", self.width());
        }
        Ok(hidden.iter().cloned().collect())
    }

    fn compute(&self, inputs: &[PlainView<'_>]) -> TractResult<Vec<f32>> {
        let (hidden, mask) = (inputs[0].as_slice::<f32>()?, inputs[1].as_slice::<f32>()?);
        if mask.is_empty() {
            bail!("an encoder layer was given no token");
        }
        self.scratch.with(|scratch| self.run(hidden, mask, scratch))
    }
}
