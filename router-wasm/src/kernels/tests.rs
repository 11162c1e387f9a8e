//! Tests that every instruction set of this machine gives the same integers and nearly the same floats
//! as plain loops, over shapes and values.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::elementwise::Norm;
use super::isa_portable::Portable;
use super::*;

/// Runs something with every instruction set of this machine.
fn on_each(mut work: impl FnMut(&'static str, &dyn Products)) {
    work(Portable::NAME, &With::<Portable>::default());
    #[cfg(target_arch = "x86_64")]
    {
        use super::isa_x86_64::{Avx2, Avx512Vnni, AvxVnni};
        if Avx2::available() {
            work(Avx2::NAME, &With::<Avx2>::default());
        }
        if AvxVnni::available() {
            work(AvxVnni::NAME, &With::<AvxVnni>::default());
        }
        if Avx512Vnni::available() {
            work(Avx512Vnni::NAME, &With::<Avx512Vnni>::default());
        }
    }
    #[cfg(target_arch = "aarch64")]
    {
        use super::isa_aarch64::{Dotprod, Neon};
        work(Neon::NAME, &With::<Neon>::default());
        if Dotprod::available() {
            work(Dotprod::NAME, &With::<Dotprod>::default());
        }
    }
}

/// The products of one instruction set.
trait Products {
    fn int8(&self, input: &[f32], width: usize, weights: &Case) -> Vec<f32>;
    fn float(&self, input: &[f32], width: usize, weights: &[f32], bias: &[f32]) -> Vec<f32>;
}

#[derive(Default)]
struct With<I>(std::marker::PhantomData<I>);

impl<I: Isa> Products for With<I> {
    fn int8(&self, input: &[f32], width: usize, case: &Case) -> Vec<f32> {
        let weights = Int8Weights::<I>::new(&case.weights, &case.scales, &case.bias).unwrap();
        let mut quantised = Quantised::<I>::default();
        // The memory is reused: a longer earlier input must not change the result.
        quantised.set(&vec![7.0; (input.len() / width + 3) * width], width);
        quantised.set(input, width);
        let mut output = vec![f32::NAN; input.len() / width * case.bias.len()];
        weights.product(&quantised, &mut output);
        output
    }

    fn float(&self, input: &[f32], width: usize, weights: &[f32], bias: &[f32]) -> Vec<f32> {
        let weights = FloatWeights::<I>::new(weights, bias).unwrap();
        let mut tiles = vec![9.0; 5];
        pack_rows::<I>(input, width, width, &mut tiles);
        let mut output = vec![f32::NAN; input.len() / width * bias.len()];
        weights.product(&tiles, &mut output);
        output
    }
}

#[derive(Debug, Clone)]
struct Case {
    rows: usize,
    inputs: Vec<f32>,
    weights: Vec<i8>,
    scales: Vec<f32>,
    bias: Vec<f32>,
}

impl Case {
    fn width(&self) -> usize {
        self.inputs.len() / self.rows
    }

    /// The product as the exported function defines it, in plain loops and f64.
    fn expected(&self) -> Vec<f32> {
        let (width, outputs) = (self.width(), self.bias.len());
        let mut expected = Vec::new();
        for row in self.inputs.chunks_exact(width) {
            let least = row.iter().fold(0.0_f32, |a, &b| a.min(b));
            let most = row.iter().fold(0.0_f32, |a, &b| a.max(b));
            let range = (most - least).max(1e-20);
            let inverse = 255.0 / range;
            let zero = (-least * inverse).round_ties_even();
            let quantised: Vec<i64> = row
                .iter()
                .map(|x| ((x * inverse).round_ties_even() + zero).clamp(0.0, 255.0) as i64)
                .collect();
            for n in 0..outputs {
                let sum: i64 = (0..width)
                    .map(|k| {
                        (quantised[k] - zero as i64) * i64::from(self.weights[k * outputs + n])
                    })
                    .sum();
                let scale = range / 255.0 * self.scales[n];
                expected.push(sum as f32 * scale + self.bias[n]);
            }
        }
        expected
    }
}

fn cases() -> impl Strategy<Value = Case> {
    (1_usize..20, 1_usize..70, 1_usize..70, 0_u64..1 << 40, 0_u8..4).prop_map(
        |(rows, width, outputs, seed, kind)| {
            let mut state = seed.wrapping_mul(2).wrapping_add(1);
            let mut draw = move || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 40) as f32 / (1 << 24) as f32
            };
            let limit = f32::from(LARGEST_WEIGHT);
            let value = |u: f32| match kind {
                // All at an end: the sums are as large as they can be.
                0 => 1.0,
                1 => -1.0,
                _ => u * 2.0 - 1.0,
            };
            let weight = |u: f32| match kind {
                0 => LARGEST_WEIGHT,
                1 => -LARGEST_WEIGHT,
                2 => [LARGEST_WEIGHT, -LARGEST_WEIGHT][usize::from(u < 0.5)],
                _ => ((u * 2.0 - 1.0) * limit).round() as i8,
            };
            Case {
                rows,
                inputs: (0..rows * width).map(|_| value(draw()) * 50.0).collect(),
                weights: (0..width * outputs).map(|_| weight(draw())).collect(),
                scales: (0..outputs).map(|_| draw() + 0.01).collect(),
                bias: (0..outputs).map(|_| draw()).collect(),
            }
        },
    )
}

proptest! {
    #[test]
    fn every_int8_product_is_the_one_defined(case in cases()) {
        let expected = case.expected();
        let mut failures = Vec::new();
        on_each(|name, products| {
            let found = products.int8(&case.inputs, case.width(), &case);
            // The sums are exact; a compiler may not contract the rest.
            if found != expected {
                failures.push(format!("{name}: {found:?}\nexpected {expected:?}"));
            }
        });
        prop_assert!(failures.is_empty(), "{}", failures.join("\n"));
    }

    #[test]
    fn every_float_product_is_near_the_exact_one(case in cases()) {
        let (width, outputs) = (case.width(), case.bias.len());
        let weights: Vec<f32> = case.weights.iter().map(|&w| f32::from(w) / 63.0).collect();
        let mut failures = Vec::new();
        on_each(|name, products| {
            let found = products.float(&case.inputs, width, &weights, &case.bias);
            for (m, row) in case.inputs.chunks_exact(width).enumerate() {
                for n in 0..outputs {
                    let exact: f64 = (0..width)
                        .map(|k| f64::from(row[k]) * f64::from(weights[k * outputs + n]))
                        .sum::<f64>() + f64::from(case.bias[n]);
                    let found = f64::from(found[m * outputs + n]);
                    let size = 50.0 * width as f64;
                    let near = (found - exact).abs() <= size * 1e-6;
                    if !near {
                        failures.push(format!("{name}: {found} and {exact}"));
                    }
                }
            }
        });
        prop_assert!(failures.is_empty(), "{}", failures.join("\n"));
    }

    #[test]
    fn softmax_is_a_distribution_in_the_right_proportions(
        row in prop::collection::vec(-60.0_f32..60.0, 1..70),
    ) {
        let mut found = row.clone();
        softmax(&mut found, &vec![0.5; row.len()]);
        let largest = row.iter().copied().fold(f32::MIN, f32::max);
        let exact: Vec<f64> = row.iter().map(|x| f64::from(x - largest).exp()).collect();
        let total: f64 = exact.iter().sum();
        for (found, exact) in found.iter().zip(exact) {
            prop_assert!((f64::from(*found) - exact / total).abs() < 1e-6);
        }
    }

    #[test]
    fn a_normalised_row_has_mean_0_and_variance_1(
        row in prop::collection::vec(-60.0_f32..60.0, 2..70),
    ) {
        let spread = row.iter().any(|x| (x - row[0]).abs() > 1.0);
        let count = row.len() as f32;
        let norm = Norm {
            gamma: vec![1.0; row.len()], beta: vec![0.0; row.len()], epsilon: 1e-12,
        };
        let mut row = row;
        prop_assert!(norm.apply(&mut row));
        prop_assert!((row.iter().sum::<f32>() / count).abs() < 1e-3);
        let variance = row.iter().map(|x| x * x).sum::<f32>() / count;
        prop_assert!(!spread || (variance - 1.0).abs() < 1e-2, "{variance}");
    }
}

#[test]
fn gelu_is_within_a_millionth_everywhere() {
    // erf by its series in f64: 60 terms suffice below 6.
    let erf = |z: f64| {
        let mut term = z;
        let mut sum = z;
        for n in 1..200 {
            term *= -z * z / n as f64;
            sum += term / (2 * n + 1) as f64;
        }
        (sum * 2.0 / std::f64::consts::PI.sqrt()).clamp(-1.0, 1.0)
    };
    for step in -6000..=6000 {
        let x = step as f32 / 1000.0;
        let mut found = [x];
        gelu(&mut found);
        let z = f64::from(x) / std::f64::consts::SQRT_2;
        let exact = f64::from(x) / 2.0 * (1.0 + erf(z));
        assert!((f64::from(found[0]) - exact).abs() < 1e-6, "{x}: {} and {exact}", found[0]);
    }
    let mut far = [-1e30_f32, 1e30, 0.0, -0.0];
    gelu(&mut far);
    assert_eq!(far, [0.0, 1e30, 0.0, 0.0]);
}

#[test]
fn a_row_of_zeros_has_the_bias_for_a_product_and_a_row_that_is_not_finite_is_seen() {
    let case = Case {
        rows: 1,
        inputs: vec![0.0; 5],
        weights: vec![63; 10],
        scales: vec![1.0; 2],
        bias: vec![0.25, -0.5],
    };
    on_each(|name, products| {
        assert_eq!(products.int8(&case.inputs, 5, &case), [0.25, -0.5], "{name}");
    });
    let norm = Norm { gamma: vec![1.0; 9], beta: vec![0.0; 9], epsilon: 1e-12 };
    for bad in [f32::NAN, f32::INFINITY] {
        let mut row = [1.0; 9];
        row[3] = bad;
        assert!(!norm.apply(&mut row));
    }
}

#[test]
fn weights_of_eight_bits_or_of_another_shape_are_refused() {
    let new = Int8Weights::<Portable>::new;
    assert!(new(&[63, -63], &[1.0], &[0.0]).is_some());
    assert!(new(&[64, 0], &[1.0], &[0.0]).is_none());
    assert!(new(&[-128, 0], &[1.0], &[0.0]).is_none());
    assert!(new(&[1, 2, 3], &[1.0, 1.0], &[0.0, 0.0]).is_none());
    assert!(new(&[1, 2], &[1.0, 1.0], &[0.0]).is_none());
    assert!(FloatWeights::<Portable>::new(&[1.0; 3], &[0.0; 2]).is_none());
}
