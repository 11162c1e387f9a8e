//! aarch64: vectors of 128 bits everywhere, and byte dot products where the machine has them (Armv8.4,
//! many of 8.2: servers since Neoverse N1, phones since Cortex-A75, every Apple M).

#![allow(unsafe_code)]

use core::arch::aarch64::*;
use core::arch::asm;
use std::arch::is_aarch64_feature_detected;

use super::isa::Isa;
use super::isa_vectors::{GROUP, vector_isa};

vector_isa!(
    /// Products of 16 bits, two added before they are widened: with weights of seven bits they stay
    /// within 2 * 128 * 63 = 16,128.
    Neon, "neon", "neon",
    available: true,
    rows: 6 [1 2 3 4 5 6], vectors: 4, lanes: 4,
    input: i8, offset: 128,
    int: (no_sums, vld1q_s8, four_bytes, vst1q_s32),
    float: (no_products, vld1q_f32, vdupq_n_f32, multiply_add, vst1q_f32),
    dot: |sum, input, weights| {
        let first = vmull_s8(vget_low_s8(input), vget_low_s8(weights));
        let second = vmull_high_s8(input, weights);
        vpadalq_s16(sum, vpaddq_s16(first, second))
    }
);

vector_isa!(
    /// Byte dot products.
    Dotprod, "neon-dotprod", "neon,dotprod",
    available: is_aarch64_feature_detected!("dotprod"),
    rows: 6 [1 2 3 4 5 6], vectors: 4, lanes: 4,
    input: i8, offset: 128,
    int: (no_sums, vld1q_s8, four_bytes, vst1q_s32),
    float: (no_products, vld1q_f32, vdupq_n_f32, multiply_add, vst1q_f32),
    dot: |sum, input, weights| dot(sum, input, weights)
);

#[inline]
#[target_feature(enable = "neon")]
fn no_sums() -> int32x4_t {
    vdupq_n_s32(0)
}

#[inline]
#[target_feature(enable = "neon")]
fn no_products() -> float32x4_t {
    vdupq_n_f32(0.0)
}

/// A row's four bytes, for each of four columns.
#[inline]
#[target_feature(enable = "neon")]
fn four_bytes(word: i32) -> int8x16_t {
    vreinterpretq_s8_s32(vdupq_n_s32(word))
}

#[inline]
#[target_feature(enable = "neon")]
fn multiply_add(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
    vfmaq_f32(c, a, b)
}

/// The instruction itself: its intrinsic is not in stable Rust.
#[inline]
#[target_feature(enable = "dotprod")]
fn dot(sum: int32x4_t, input: int8x16_t, weights: int8x16_t) -> int32x4_t {
    let mut total = sum;
    // SAFETY: it reads and writes these registers only.
    unsafe {
        asm!(
            "sdot {total:v}.4s, {input:v}.16b, {weights:v}.16b",
            total = inout(vreg) total, input = in(vreg) input, weights = in(vreg) weights,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    total
}
