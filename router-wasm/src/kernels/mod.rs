//! The arithmetic of an encoder: integer and float matrix products, and the element-wise operations
//! between them.
//!
//! A product takes weights packed at load, panel by panel, and inputs packed at each call, tile by tile:
//!
//! ```text
//! weights  [K, N] -> panels of COLUMNS columns:  [N / COLUMNS][K / GROUP][COLUMNS][GROUP]
//! inputs   [M, K] -> tiles of up to ROWS rows:   [M / ROWS][K / GROUP][rows][GROUP]
//! ```
//! so that a kernel reads both from beginning to end. GROUP is how many neighbouring values of K one
//! instruction multiplies and adds: 1 in float. Rows and columns beyond the matrix are zeros.
//!
//! An [`Isa`] holds the two kernels of one instruction set. It is chosen at compile time in wasm
//! (simd128 or relaxed-simd) and at load elsewhere; all of them give the same integers.

mod elementwise;
mod float;
mod int8;
mod isa;
#[cfg(target_arch = "aarch64")]
mod isa_aarch64;
#[cfg(any(
    test,
    not(any(target_arch = "aarch64", all(target_family = "wasm", target_feature = "simd128")))
))]
mod isa_portable;
#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
mod isa_vectors;
#[cfg(all(target_family = "wasm", target_feature = "simd128"))]
mod isa_wasm;
#[cfg(target_arch = "x86_64")]
mod isa_x86_64;

pub(crate) use elementwise::{Norm, add, gelu, softmax};
pub(crate) use float::{FloatWeights, pack_columns, pack_rows, product};
pub use int8::LARGEST_WEIGHT;
pub(crate) use int8::{Int8Weights, Quantised};
pub(crate) use isa::{Isa, OnIsa, on_best};
#[cfg(all(target_family = "wasm", target_feature = "simd128"))]
pub(crate) use isa_wasm::multiply_in_pairs;

#[cfg(test)]
mod tests;
