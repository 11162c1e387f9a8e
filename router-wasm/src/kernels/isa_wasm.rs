//! WebAssembly's vectors of 128 bits: simd128, and relaxed-simd where this module is compiled with
//! it.
//!
//! simd128 multiplies pairs of 16 bits (`i32x4.dot_i16x8_s`): inputs are stored in 16 bits, less their
//! zero point, and weights are widened as they are loaded. relaxed-simd multiplies groups of four
//! bytes (`i32x4.relaxed_dot_i8x16_i7x16_add_s`); all machines agree only where the second operand is
//! in 0..=127, so the weights are of seven bits, plus 64. JavaScript engines that compile this to
//! several instructions are faster with pairs of 16 bits: see [`multiply_in_pairs`].

#![allow(unsafe_code)]

use core::arch::wasm32::*;
#[cfg(feature = "relaxed-simd")]
use core::sync::atomic::{AtomicBool, Ordering};

use super::isa::Isa;

const ROWS: usize = 4;
const COLUMNS: usize = 8;

/// The vectors that this module was compiled for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wasm;

#[cfg(feature = "relaxed-simd")]
static IN_PAIRS: AtomicBool = AtomicBool::new(false);

/// Makes relaxed-simd multiply into pairs of 16 bits from now on, which is faster in V8 before 13:
/// it compiles a product into 32 bits to five instructions. The sums are the same.
pub(crate) fn multiply_in_pairs() {
    #[cfg(feature = "relaxed-simd")]
    IN_PAIRS.store(true, Ordering::Relaxed);
}

/// Calls `$tile::<R>` for the number of rows at run time.
macro_rules! by_rows {
    ($rows:expr, $tile:ident, $($argument:expr),*) => {
        match $rows {
            1 => $tile::<1>($($argument),*),
            2 => $tile::<2>($($argument),*),
            3 => $tile::<3>($($argument),*),
            _ => $tile::<4>($($argument),*),
        }
    };
}

impl Isa for Wasm {
    const ROWS: usize = ROWS;
    const INT8_COLUMNS: usize = COLUMNS;
    const FLOAT_COLUMNS: usize = COLUMNS;

    #[cfg(feature = "relaxed-simd")]
    const NAME: &'static str = "relaxed-simd";
    #[cfg(feature = "relaxed-simd")]
    const INT8_GROUP: usize = 4;
    #[cfg(feature = "relaxed-simd")]
    const INPUT_OFFSET: Option<i32> = Some(128);
    #[cfg(feature = "relaxed-simd")]
    const WEIGHT_OFFSET: i8 = 64;
    #[cfg(feature = "relaxed-simd")]
    type Activation = i8;

    #[cfg(not(feature = "relaxed-simd"))]
    const NAME: &'static str = "simd128";
    #[cfg(not(feature = "relaxed-simd"))]
    const INT8_GROUP: usize = 2;
    #[cfg(not(feature = "relaxed-simd"))]
    const INPUT_OFFSET: Option<i32> = None;
    #[cfg(not(feature = "relaxed-simd"))]
    const WEIGHT_OFFSET: i8 = 0;
    #[cfg(not(feature = "relaxed-simd"))]
    type Activation = i16;

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)]
    fn activation(value: i32) -> Self::Activation {
        value as Self::Activation
    }

    #[inline]
    fn int8_tile(rows: usize, input: &[Self::Activation], weights: &[i8], sums: &mut [i32]) {
        let steps = weights.len() / (COLUMNS * Self::INT8_GROUP);
        assert!(input.len() >= steps * rows * Self::INT8_GROUP && sums.len() >= rows * COLUMNS);
        let (input, weights) = (input.as_ptr(), weights.as_ptr());
        // SAFETY: the lengths were checked, and a machine that instantiated this module has its
        // instructions.
        unsafe {
            #[cfg(feature = "relaxed-simd")]
            if IN_PAIRS.load(Ordering::Relaxed) {
                by_rows!(rows, int8_tile_in_pairs, steps, input, weights, sums);
                return;
            }
            by_rows!(rows, int8_tile, steps, input, weights, sums);
        }
    }

    #[inline]
    fn float_tile(rows: usize, input: &[f32], weights: &[f32], sums: &mut [f32]) {
        let steps = weights.len() / COLUMNS;
        assert!(input.len() >= steps * rows && sums.len() >= rows * COLUMNS);
        // SAFETY: as above.
        unsafe { by_rows!(rows, float_tile, steps, input.as_ptr(), weights.as_ptr(), sums) }
    }

    #[inline(always)]
    fn vectorised<R>(work: impl FnOnce() -> R) -> R {
        work()
    }
}

/// A kernel: a step takes one group of each row and column. `$load` makes a vector of four columns'
/// weights, `$multiply(inputs, weights, total)` adds their products with a row's inputs to four totals.
macro_rules! tile {
    ($name:ident, $input:ty, $weight:ty, $sum:ty, $group:literal, $load:ident, $multiply:ident) => {
        /// # Safety
        /// `input` holds `steps * R` groups, `weights` `steps * COLUMNS`, `sums` `R * COLUMNS`
        /// numbers.
        #[cfg_attr(feature = "relaxed-simd", target_feature(enable = "relaxed-simd"))]
        #[cfg_attr(not(feature = "relaxed-simd"), inline)]
        unsafe fn $name<const R: usize>(
            steps: usize,
            mut input: *const $input,
            mut weights: *const $weight,
            sums: &mut [$sum],
        ) {
            let mut totals = [[u32x4_splat(0); 2]; R];
            for _ in 0..steps {
                // SAFETY: the caller's lengths.
                unsafe {
                    let left = $load(weights.cast());
                    let right = $load(weights.add(COLUMNS / 2 * $group).cast());
                    for (row, totals) in totals.iter_mut().enumerate() {
                        let inputs = v128_load32_splat(input.add(row * $group).cast());
                        totals[0] = $multiply(inputs, left, totals[0]);
                        totals[1] = $multiply(inputs, right, totals[1]);
                    }
                    input = input.add(R * $group);
                    weights = weights.add(COLUMNS * $group);
                }
            }
            for (place, totals) in sums.chunks_exact_mut(COLUMNS).zip(&totals) {
                let place: *mut v128 = place.as_mut_ptr().cast();
                // SAFETY: a place holds two vectors.
                unsafe {
                    v128_store(place, totals[0]);
                    v128_store(place.add(1), totals[1]);
                }
            }
        }
    };
}

#[cfg(feature = "relaxed-simd")]
tile!(int8_tile, i8, i8, i32, 4, v128_load, i32x4_relaxed_dot_i8x16_i7x16_add);
#[cfg(feature = "relaxed-simd")]
tile!(int8_tile_in_pairs, i8, i8, i32, 4, v128_load, dot_in_pairs);
#[cfg(not(feature = "relaxed-simd"))]
tile!(int8_tile, i16, i8, i32, 2, i16x8_load_extend_i8x8, dot_widened);
tile!(float_tile, f32, f32, f32, 1, v128_load, multiply_add);

#[cfg(feature = "relaxed-simd")]
#[inline]
#[target_feature(enable = "relaxed-simd")]
fn dot_in_pairs(inputs: v128, weights: v128, total: v128) -> v128 {
    // Two products of a byte and seven bits stay within 16 bits.
    let pairs = i16x8_relaxed_dot_i8x16_i7x16(inputs, weights);
    i32x4_add(total, i32x4_dot_i16x8(pairs, i16x8_splat(1)))
}

#[cfg(not(feature = "relaxed-simd"))]
#[inline]
fn dot_widened(inputs: v128, weights: v128, total: v128) -> v128 {
    i32x4_add(total, i32x4_dot_i16x8(inputs, weights))
}

#[cfg(feature = "relaxed-simd")]
#[inline]
#[target_feature(enable = "relaxed-simd")]
fn multiply_add(a: v128, b: v128, c: v128) -> v128 {
    f32x4_relaxed_madd(a, b, c)
}

#[cfg(not(feature = "relaxed-simd"))]
#[inline]
fn multiply_add(a: v128, b: v128, c: v128) -> v128 {
    f32x4_add(f32x4_mul(a, b), c)
}
