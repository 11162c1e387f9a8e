//! The interface of an instruction set's kernels, and the choice of the fastest.

use std::fmt::Debug;

/// Largest number of values that a tile of either kernel holds.
pub(crate) const LARGEST_TILE: usize = 256;

/// The kernels of one instruction set.
pub(crate) trait Isa: Copy + Debug + Default + Send + Sync + 'static {
    /// Its name.
    const NAME: &'static str;
    /// Rows of a tile at most; at least 1.
    const ROWS: usize;

    /// Columns of a panel of int8 weights.
    const INT8_COLUMNS: usize;
    /// Neighbouring values of K in an int8 panel or tile.
    const INT8_GROUP: usize;
    /// How a quantised input is kept.
    type Activation: Copy + Default + Debug + Into<i32> + Send + Sync + 'static;
    /// Subtracted from a quantised value in 0..=255 before it is stored; where `None`, the row's zero
    /// point is subtracted.
    const INPUT_OFFSET: Option<i32>;
    /// Converts a quantised value, which fits, to its stored form.
    fn activation(value: i32) -> Self::Activation;
    /// Added to each weight before it is packed.
    const WEIGHT_OFFSET: i8;
    /// `sums[r][c] = sum_k input[r][k] * weight[k][c]`, `[rows, INT8_COLUMNS]` row by row.
    fn int8_tile(rows: usize, input: &[Self::Activation], weights: &[i8], sums: &mut [i32]);

    /// Columns of a panel of float weights.
    const FLOAT_COLUMNS: usize;
    /// `sums[r][c] = sum_k input[r][k] * weight[k][c]`, `[rows, FLOAT_COLUMNS]` row by row.
    fn float_tile(rows: usize, input: &[f32], weights: &[f32], sums: &mut [f32]);

    /// Runs `work` compiled for this instruction set, so that its plain loops use it.
    fn vectorised<R>(work: impl FnOnce() -> R) -> R;
}

/// Work that is generic over the instruction set.
pub(crate) trait OnIsa {
    /// The result.
    type Output;
    /// Does the work with the kernels of `I`.
    fn run<I: Isa>(self) -> Self::Output;
}

/// Does `work` with the plain loops.
#[cfg(not(any(
    target_arch = "aarch64",
    target_arch = "x86_64",
    all(target_family = "wasm", target_feature = "simd128")
)))]
pub(crate) fn on_best<W: OnIsa>(work: W) -> W::Output {
    work.run::<super::isa_portable::Portable>()
}

/// Does `work` with the fastest kernels that this module was compiled with.
#[cfg(all(target_family = "wasm", target_feature = "simd128"))]
pub(crate) fn on_best<W: OnIsa>(work: W) -> W::Output {
    work.run::<super::isa_wasm::Wasm>()
}

/// Does `work` with the fastest kernels of this machine.
#[cfg(target_arch = "x86_64")]
pub(crate) fn on_best<W: OnIsa>(work: W) -> W::Output {
    use super::isa_x86_64::{Avx2, Avx512Vnni, AvxVnni};
    if Avx512Vnni::available() {
        work.run::<Avx512Vnni>()
    } else if AvxVnni::available() {
        work.run::<AvxVnni>()
    } else if Avx2::available() {
        work.run::<Avx2>()
    } else {
        work.run::<super::isa_portable::Portable>()
    }
}

/// Does `work` with the fastest kernels of this machine.
#[cfg(target_arch = "aarch64")]
pub(crate) fn on_best<W: OnIsa>(work: W) -> W::Output {
    use super::isa_aarch64::{Dotprod, Neon};
    if Dotprod::available() { work.run::<Dotprod>() } else { work.run::<Neon>() }
}
