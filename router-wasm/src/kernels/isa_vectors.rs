//! The loops over tiles that instruction sets with vectors and byte dot products share.

/// Neighbouring values of K in one dot product of bytes.
pub(super) const GROUP: usize = 4;

/// An [`Isa`](super::isa::Isa) of vectors that hold `lanes` sums each. A panel is `vectors` of them
/// wide, a tile up to `rows` high, so that its sums stay in registers. `dot` adds the products of
/// bytes, four to a sum.
macro_rules! vector_isa {
    (
        $(#[$doc:meta])* $name:ident, $label:literal, $features:literal,
        available: $available:expr,
        rows: $rows:literal [$($row:literal)*], vectors: $vectors:literal, lanes: $lanes:literal,
        input: $input_type:ty, offset: $offset:literal,
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
                mut input: *const $input_type,
                mut weights: *const i8,
                sums: &mut [i32],
            ) {
                let mut totals = [[$zero_i(); $vectors]; R];
                for _ in 0..steps {
                    // SAFETY: the caller's lengths.
                    unsafe {
                        let mut panel = [$load_i(weights.cast()); $vectors];
                        for (vector, values) in panel.iter_mut().enumerate().skip(1) {
                            *values = $load_i(weights.add(vector * $lanes * GROUP).cast());
                        }
                        for (row, totals) in totals.iter_mut().enumerate() {
                            let $input = $splat_i(input.add(row * GROUP).cast::<i32>().read_unaligned());
                            for (total, &$weights) in totals.iter_mut().zip(&panel) {
                                let $sum = *total;
                                *total = $dot;
                            }
                        }
                        input = input.add(R * GROUP);
                        weights = weights.add($vectors * $lanes * GROUP);
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
                let mut totals = [[$zero_f(); $vectors]; R];
                for _ in 0..steps {
                    // SAFETY: the caller's lengths.
                    unsafe {
                        let mut panel = [$load_f(weights); $vectors];
                        for (vector, values) in panel.iter_mut().enumerate().skip(1) {
                            *values = $load_f(weights.add(vector * $lanes));
                        }
                        for (row, totals) in totals.iter_mut().enumerate() {
                            let inputs = $splat_f(*input.add(row));
                            for (total, weights) in totals.iter_mut().zip(&panel) {
                                *total = $madd(inputs, *weights, *total);
                            }
                        }
                        input = input.add(R);
                        weights = weights.add($vectors * $lanes);
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
            const INT8_COLUMNS: usize = $vectors * $lanes;
            const INT8_GROUP: usize = GROUP;
            type Activation = $input_type;
            const INPUT_OFFSET: Option<i32> = Some($offset);
            const WEIGHT_OFFSET: i8 = 0;
            const FLOAT_COLUMNS: usize = $vectors * $lanes;

            #[inline(always)]
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            fn activation(value: i32) -> $input_type {
                value as $input_type
            }

            fn int8_tile(rows: usize, input: &[$input_type], weights: &[i8], sums: &mut [i32]) {
                let steps = weights.len() / ($vectors * $lanes * GROUP);
                assert!(rows <= $rows && input.len() >= steps * rows * GROUP);
                assert!(sums.len() >= rows * $vectors * $lanes);
                // SAFETY: the lengths were checked; this type is used where `available` says so.
                unsafe {
                    match rows {
                        $($row => Self::int8::<$row>(steps, input.as_ptr(), weights.as_ptr(), sums),)*
                        _ => {}
                    }
                }
            }

            fn float_tile(rows: usize, input: &[f32], weights: &[f32], sums: &mut [f32]) {
                let steps = weights.len() / ($vectors * $lanes);
                assert!(rows <= $rows && input.len() >= steps * rows);
                assert!(sums.len() >= rows * $vectors * $lanes);
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

pub(super) use vector_isa;
