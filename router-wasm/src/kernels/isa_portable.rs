//! Plain loops, for machines without kernels of their own: the compiler vectorises them.

use super::isa::Isa;

const ROWS: usize = 4;
const COLUMNS: usize = 8;
const GROUP: usize = 4;

/// Any machine.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Portable;

impl Isa for Portable {
    const NAME: &'static str = "portable";
    const ROWS: usize = ROWS;
    const INT8_COLUMNS: usize = COLUMNS;
    const INT8_GROUP: usize = GROUP;
    type Activation = u8;
    const INPUT_OFFSET: Option<i32> = Some(0);
    const WEIGHT_OFFSET: i8 = 0;
    const FLOAT_COLUMNS: usize = COLUMNS;

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn activation(value: i32) -> u8 {
        value as u8
    }

    fn int8_tile(rows: usize, input: &[u8], weights: &[i8], sums: &mut [i32]) {
        for (row, sums) in sums.chunks_exact_mut(COLUMNS).enumerate().take(rows) {
            let mut totals = [0_i32; COLUMNS];
            let groups = input.chunks_exact(rows * GROUP);
            for (inputs, weights) in groups.zip(weights.chunks_exact(COLUMNS * GROUP)) {
                let input = &inputs[row * GROUP..][..GROUP];
                for (total, weights) in totals.iter_mut().zip(weights.chunks_exact(GROUP)) {
                    for (&a, &w) in input.iter().zip(weights) {
                        *total += i32::from(a) * i32::from(w);
                    }
                }
            }
            sums.copy_from_slice(&totals);
        }
    }

    fn float_tile(rows: usize, input: &[f32], weights: &[f32], sums: &mut [f32]) {
        for (row, sums) in sums.chunks_exact_mut(COLUMNS).enumerate().take(rows) {
            let mut totals = [0.0_f32; COLUMNS];
            let inputs = input.chunks_exact(rows);
            for (inputs, weights) in inputs.zip(weights.chunks_exact(COLUMNS)) {
                for (total, &w) in totals.iter_mut().zip(weights) {
                    *total += inputs[row] * w;
                }
            }
            sums.copy_from_slice(&totals);
        }
    }

    #[inline(always)]
    fn vectorised<R>(work: impl FnOnce() -> R) -> R {
        work()
    }
}
