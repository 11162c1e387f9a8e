//! x86-64: AVX2, which machines of the last ten years have, and byte dot products (VNNI) in vectors of
//! 256 or 512 bits where the machine has them.
//!
//! Weights have seven bits: in AVX2, two products of an unsigned byte and such a weight stay
//! within 16 bits (2 * 255 * 63 = 32,130), so `vpmaddubsw` does not saturate.

#![allow(unsafe_code)]

use core::arch::x86_64::*;

use super::isa::Isa;
use super::isa_vectors::{GROUP, vector_isa};

vector_isa!(
    /// Vectors of 256 bits, products of 16 bits.
    Avx2, "avx2", "avx2,fma",
    available: is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
    rows: 4 [1 2 3 4], vectors: 2, lanes: 8,
    input: u8, offset: 0,
    int: (_mm256_setzero_si256, _mm256_loadu_si256, _mm256_set1_epi32, _mm256_storeu_si256),
    float: (_mm256_setzero_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_storeu_ps),
    dot: |sum, input, weights| {
        let pairs = _mm256_maddubs_epi16(input, weights);
        _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
    }
);

vector_isa!(
    /// Vectors of 256 bits with byte dot products.
    AvxVnni, "avx-vnni", "avx2,fma,avxvnni",
    available: Avx2::available() && is_x86_feature_detected!("avxvnni"),
    rows: 4 [1 2 3 4], vectors: 2, lanes: 8,
    input: u8, offset: 0,
    int: (_mm256_setzero_si256, _mm256_loadu_si256, _mm256_set1_epi32, _mm256_storeu_si256),
    float: (_mm256_setzero_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_storeu_ps),
    dot: |sum, input, weights| _mm256_dpbusd_avx_epi32(sum, input, weights)
);

vector_isa!(
    /// Vectors of 512 bits with byte dot products.
    Avx512Vnni, "avx512-vnni", "avx512f,avx512vnni",
    available: is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni"),
    rows: 8 [1 2 3 4 5 6 7 8], vectors: 2, lanes: 16,
    input: u8, offset: 0,
    int: (_mm512_setzero_si512, _mm512_loadu_si512, _mm512_set1_epi32, _mm512_storeu_si512),
    float: (_mm512_setzero_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_storeu_ps),
    dot: |sum, input, weights| _mm512_dpbusd_epi32(sum, input, weights)
);
