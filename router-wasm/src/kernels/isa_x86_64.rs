//! x86-64: AVX2 everywhere of the last ten years, and byte dot products (VNNI) in vectors of 256 or
//! 512 bits where the machine has them.
//!
//! Weights are of seven bits: in AVX2, two products of an unsigned byte and such a weight stay
//! within 16 bits (2 * 255 * 63 = 32,130), so `vpmaddubsw` does not saturate.

#![allow(unsafe_code)]

use core::arch::x86_64::*;

use super::isa::Isa;

const GROUP: usize = 4;

/// An instruction set: its vectors, its dot product, its tile.
macro_rules! isa {
    (
        $(#[$doc:meta])* $name:ident, $label:literal, $features:literal,
        available: $available:expr, rows: $rows:literal [$($row:literal)*], lanes: $lanes:literal,
        int: ($zero_i:ident, $load_i:ident, $splat_i:ident, $store_i:ident),
        float: ($zero_f:ident, $load_f:ident, $splat_f:ident, $madd:ident, $store_f:ident),
        dot: |$sum:ident, $input:ident, $weights:ident| $dot:expr
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default)]
        pub(crate) struct $name;

        impl $name {
            /// Whether this machine has it.
            pub(crate) fn available() -> bool {
                $available
            }

            #[target_feature(enable = $features)]
            unsafe fn int8<const R: usize>(
                steps: usize,
                mut input: *const u8,
                mut weights: *const i8,
                sums: &mut [i32],
            ) {
                let mut totals = [[$zero_i(); 2]; R];
                for _ in 0..steps {
                    // SAFETY: the caller's lengths.
                    unsafe {
                        let left = $load_i(weights.cast());
                        let right = $load_i(weights.add($lanes * GROUP).cast());
                        for (row, totals) in totals.iter_mut().enumerate() {
                            let $input = $splat_i(input.add(row * GROUP).cast::<i32>().read_unaligned());
                            let ($sum, $weights) = (totals[0], left);
                            totals[0] = $dot;
                            let ($sum, $weights) = (totals[1], right);
                            totals[1] = $dot;
                        }
                        input = input.add(R * GROUP);
                        weights = weights.add(2 * $lanes * GROUP);
                    }
                }
                for (place, total) in sums.chunks_exact_mut($lanes).zip(totals.as_flattened()) {
                    // SAFETY: the place holds one vector.
                    unsafe { $store_i(place.as_mut_ptr().cast(), *total) }
                }
            }

            #[target_feature(enable = $features)]
            unsafe fn float<const R: usize>(
                steps: usize,
                mut input: *const f32,
                mut weights: *const f32,
                sums: &mut [f32],
            ) {
                let mut totals = [[$zero_f(); 2]; R];
                for _ in 0..steps {
                    // SAFETY: the caller's lengths.
                    unsafe {
                        let left = $load_f(weights);
                        let right = $load_f(weights.add($lanes));
                        for (row, totals) in totals.iter_mut().enumerate() {
                            let inputs = $splat_f(*input.add(row));
                            totals[0] = $madd(inputs, left, totals[0]);
                            totals[1] = $madd(inputs, right, totals[1]);
                        }
                        input = input.add(R);
                        weights = weights.add(2 * $lanes);
                    }
                }
                for (place, total) in sums.chunks_exact_mut($lanes).zip(totals.as_flattened()) {
                    // SAFETY: the place holds one vector.
                    unsafe { $store_f(place.as_mut_ptr(), *total) }
                }
            }

            #[target_feature(enable = $features)]
            unsafe fn inside<R>(work: impl FnOnce() -> R) -> R {
                work()
            }
        }

        impl Isa for $name {
            const NAME: &'static str = $label;
            const ROWS: usize = $rows;
            const INT8_COLUMNS: usize = 2 * $lanes;
            const INT8_GROUP: usize = GROUP;
            type Activation = u8;
            const INPUT_OFFSET: Option<i32> = Some(0);
            const WEIGHT_OFFSET: i8 = 0;
            const FLOAT_COLUMNS: usize = 2 * $lanes;

            #[inline(always)]
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            fn activation(value: i32) -> u8 {
                value as u8
            }


            fn int8_tile(rows: usize, input: &[u8], weights: &[i8], sums: &mut [i32]) {
                let steps = weights.len() / (2 * $lanes * GROUP);
                assert!(rows <= $rows && input.len() >= steps * rows * GROUP);
                assert!(sums.len() >= rows * 2 * $lanes);
                // SAFETY: the lengths were checked; this type is used where `available` says so.
                unsafe {
                    match rows {
                        $($row => Self::int8::<$row>(steps, input.as_ptr(), weights.as_ptr(), sums),)*
                        _ => {}
                    }
                }
            }

            fn float_tile(rows: usize, input: &[f32], weights: &[f32], sums: &mut [f32]) {
                let steps = weights.len() / (2 * $lanes);
                assert!(rows <= $rows && input.len() >= steps * rows);
                assert!(sums.len() >= rows * 2 * $lanes);
                // SAFETY: as above.
                unsafe {
                    match rows {
                        $($row => Self::float::<$row>(steps, input.as_ptr(), weights.as_ptr(), sums),)*
                        _ => {}
                    }
                }
            }

            #[inline(always)]
            fn vectorised<R>(work: impl FnOnce() -> R) -> R {
                // SAFETY: this type is used where `available` says so.
                unsafe { Self::inside(work) }
            }
        }
    };
}

isa!(
    /// Vectors of 256 bits, products of 16 bits.
    Avx2, "avx2", "avx2,fma",
    available: is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
    rows: 4 [1 2 3 4], lanes: 8,
    int: (_mm256_setzero_si256, _mm256_loadu_si256, _mm256_set1_epi32, _mm256_storeu_si256),
    float: (_mm256_setzero_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_storeu_ps),
    dot: |sum, input, weights| {
        let pairs = _mm256_maddubs_epi16(input, weights);
        _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
    }
);

isa!(
    /// Vectors of 256 bits with byte dot products.
    AvxVnni, "avx-vnni", "avx2,fma,avxvnni",
    available: Avx2::available() && is_x86_feature_detected!("avxvnni"),
    rows: 4 [1 2 3 4], lanes: 8,
    int: (_mm256_setzero_si256, _mm256_loadu_si256, _mm256_set1_epi32, _mm256_storeu_si256),
    float: (_mm256_setzero_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_storeu_ps),
    dot: |sum, input, weights| _mm256_dpbusd_avx_epi32(sum, input, weights)
);

isa!(
    /// Vectors of 512 bits with byte dot products.
    Avx512Vnni, "avx512-vnni", "avx512f,avx512vnni",
    available: is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni"),
    rows: 8 [1 2 3 4 5 6 7 8], lanes: 16,
    int: (_mm512_setzero_si512, _mm512_loadu_si512, _mm512_set1_epi32, _mm512_storeu_si512),
    float: (_mm512_setzero_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_storeu_ps),
    dot: |sum, input, weights| _mm512_dpbusd_epi32(sum, input, weights)
);
