//! Products of inputs quantised at run time and int8 weights.
//!
//! ```text
//! each input row:   least = min(0, min x), most = max(0, max x), inverse = 255 / (most - least)
//!                   zero = round(-least * inverse)          q = clip(round(x * inverse) + zero, 0, 255)
//! each product:     y[m, n] = (sum_k q[m, k] w[k, n] - zero[m] sum_k w[k, n]) * (step[m] * scale[n]) + bias[n]
//! ```
//! with `step = (most - least) / 255`. One scale per row (token), not one per tensor: a token with
//! large values does not reduce the precision of the others, and a query's answer does not depend on
//! the blocks of rows. All sums are exact integers, so every instruction set gives the same product.

use super::elementwise::{range, round};
use super::isa::{Isa, LARGEST_TILE};

/// Steps between the least and the most of a row.
const STEPS: f32 = 255.0;
/// Smallest range of a row, so that a row of zeros has a scale too.
const LEAST_RANGE: f32 = 1e-20;
/// Largest magnitude of an int8 weight that is multiplied with quantised inputs: seven bits.
pub const LARGEST_WEIGHT: i8 = 63;

/// int8 weights `[K, N]`, packed in panels.
#[derive(Debug)]
pub(crate) struct Int8Weights<I: Isa> {
    panels: Vec<i8>,
    /// Inputs K.
    inputs: usize,
    /// Outputs N.
    pub outputs: usize,
    /// Sum of each column, [N].
    sums: Vec<i32>,
    scales: Vec<f32>,
    bias: Vec<f32>,
    isa: std::marker::PhantomData<I>,
}

impl<I: Isa> Int8Weights<I> {
    /// Packs weights `[K, N]`, row by row, of magnitudes up to [`LARGEST_WEIGHT`], with a scale and a
    /// bias for each of the N outputs. `None` where the lengths do not agree or a weight is larger.
    pub fn new(values: &[i8], scales: &[f32], bias: &[f32]) -> Option<Self> {
        let outputs = scales.len();
        let fits = outputs > 0
            && bias.len() == outputs
            && values.len().is_multiple_of(outputs)
            && values.iter().all(|v| v.unsigned_abs() <= LARGEST_WEIGHT.unsigned_abs());
        if !fits {
            return None;
        }
        let inputs = values.len() / outputs;
        let mut sums = vec![0_i32; outputs];
        for row in values.chunks_exact(outputs) {
            for (sum, &value) in sums.iter_mut().zip(row) {
                *sum += i32::from(value);
            }
        }
        let (columns, group) = (I::INT8_COLUMNS, I::INT8_GROUP);
        let depth = inputs.next_multiple_of(group);
        let panel = depth * columns;
        let mut panels = vec![I::WEIGHT_OFFSET; outputs.div_ceil(columns) * panel];
        for (k, row) in values.chunks_exact(outputs).enumerate() {
            let within = k / group * columns * group + k % group;
            for (part, row) in panels.chunks_exact_mut(panel).zip(row.chunks(columns)) {
                for (column, &value) in row.iter().enumerate() {
                    part[within + column * group] = value + I::WEIGHT_OFFSET;
                }
            }
        }
        let (scales, bias) = (scales.to_vec(), bias.to_vec());
        Some(Self { panels, inputs, outputs, sums, scales, bias, isa: std::marker::PhantomData })
    }

    /// The product of the input's rows: `output` is `[rows, N]`.
    pub fn product(&self, input: &Quantised<I>, output: &mut [f32]) {
        debug_assert_eq!(input.width, self.inputs);
        let (columns, depth) = (I::INT8_COLUMNS, self.inputs.next_multiple_of(I::INT8_GROUP));
        let mut sums = [0_i32; LARGEST_TILE];
        for (panel, weights) in self.panels.chunks_exact(depth * columns).enumerate() {
            let first = panel * columns;
            let width = columns.min(self.outputs - first);
            let column_sums = &self.sums[first..first + width];
            let (scales, bias) = (&self.scales[first..][..width], &self.bias[first..][..width]);
            for (tile, rows) in input.rows.chunks(I::ROWS).enumerate() {
                let inputs = &input.values[tile * I::ROWS * depth..][..rows.len() * depth];
                I::int8_tile(rows.len(), inputs, weights, &mut sums);
                let finish = Finish { sums: &sums, rows, column_sums, scales, bias };
                let place = tile * I::ROWS * self.outputs + first;
                let output = &mut output[place..];
                // The width of a whole panel is known to the compiler.
                if width == columns {
                    finish.write::<I>(output, I::INT8_COLUMNS, self.outputs);
                } else {
                    finish.write::<I>(output, width, self.outputs);
                }
            }
        }
    }
}

/// Turns a tile's integer sums into outputs.
struct Finish<'a> {
    sums: &'a [i32],
    rows: &'a [Row],
    column_sums: &'a [i32],
    scales: &'a [f32],
    bias: &'a [f32],
}

impl Finish<'_> {
    /// Writes `width` columns to rows that begin `stride` apart.
    #[inline(always)]
    #[allow(clippy::cast_precision_loss)]
    fn write<I: Isa>(&self, output: &mut [f32], width: usize, stride: usize) {
        I::vectorised(
            #[inline(always)]
            || {
                let (scales, bias) = (&self.scales[..width], &self.bias[..width]);
                let column_sums = &self.column_sums[..width];
                for (r, row) in self.rows.iter().enumerate() {
                    let sums = &self.sums[r * I::INT8_COLUMNS..][..width];
                    let output = &mut output[r * stride..][..width];
                    for c in 0..width {
                        let sum = match I::INPUT_OFFSET {
                            // The zero point was subtracted from the inputs.
                            None => sums[c],
                            Some(_) => sums[c] + row.by_column * column_sums[c] + row.constant,
                        };
                        output[c] = sum as f32 * (row.step * scales[c]) + bias[c];
                    }
                }
            },
        );
    }
}

/// Scale and corrections of a row's product.
#[derive(Debug, Clone, Copy, Default)]
struct Row {
    step: f32,
    /// Factor of the column's sum of weights.
    by_column: i32,
    constant: i32,
}

/// Rows quantised at run time, packed in tiles; the memory is reused.
#[derive(Debug, Default)]
pub(crate) struct Quantised<I: Isa> {
    values: Vec<I::Activation>,
    rows: Vec<Row>,
    width: usize,
    /// One row before it is spread over its tile.
    row: Vec<I::Activation>,
}

impl<I: Isa> Quantised<I> {
    /// Quantises `[rows, width]`, row by row.
    pub fn set(&mut self, input: &[f32], width: usize) {
        let (group, depth) = (I::INT8_GROUP, width.next_multiple_of(I::INT8_GROUP));
        let count = input.len() / width;
        self.width = width;
        self.rows.clear();
        self.values.resize(count * depth, I::Activation::default());
        self.row.clear();
        self.row.resize(depth, I::Activation::default());
        for (at, row) in input.chunks_exact(width).enumerate() {
            let found = quantise::<I>(row, &mut self.row[..width]);
            self.rows.push(found);
            let tile = at / I::ROWS;
            let rows = I::ROWS.min(count - tile * I::ROWS);
            let start = tile * I::ROWS * depth + at % I::ROWS * group;
            let places = self.values[start..].chunks_mut(rows * group);
            for (place, values) in places.zip(self.row.chunks_exact(group)) {
                place[..group].copy_from_slice(values);
            }
        }
    }
}

/// Quantises one row.
#[allow(clippy::cast_possible_truncation)]
fn quantise<I: Isa>(row: &[f32], values: &mut [I::Activation]) -> Row {
    I::vectorised(
        #[inline(always)]
        || {
            let (least, most) = range(row);
            let range = (most - least).max(LEAST_RANGE);
            let inverse = STEPS / range;
            let origin = round(-least * inverse);
            let zero = origin as i32;
            let offset = I::INPUT_OFFSET.unwrap_or(zero);
            for (value, &x) in values.iter_mut().zip(row) {
                let q = (round(x * inverse) + origin).clamp(0.0, STEPS);
                *value = I::activation(q as i32 - offset);
            }
            let mut sum = 0_i32;
            if I::WEIGHT_OFFSET != 0 {
                for &value in values.iter() {
                    sum += value.into();
                }
            }
            Row {
                step: range / STEPS,
                by_column: offset - zero,
                constant: -i32::from(I::WEIGHT_OFFSET) * sum,
            }
        },
    )
}
