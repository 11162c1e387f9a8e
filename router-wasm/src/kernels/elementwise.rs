//! Element-wise operations: rounding, softmax, layer normalisation, GELU.
//!
//! Written as loops over arrays of eight without branches, which compilers vectorise on every target.
//! Sums are taken in eight lanes, so that they are the same for every vector width.

const LANES: usize = 8;
/// Added to a number below 2^22, it leaves no bits for a fraction: the sum is rounded, halves to even,
/// and holds the whole number in its low bits.
const SHIFT: f32 = 12_582_912.0;

/// Rounds to the nearest whole number, halves to even, for magnitudes below 2^22.
#[inline(always)]
pub(super) fn round(x: f32) -> f32 {
    (x + SHIFT) - SHIFT
}

/// Minimum and maximum of the values and 0.
#[inline(always)]
pub(super) fn range(values: &[f32]) -> (f32, f32) {
    let (mut least, mut most) = ([0.0_f32; LANES], [0.0_f32; LANES]);
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            least[lane] = if chunk[lane] < least[lane] { chunk[lane] } else { least[lane] };
            most[lane] = if chunk[lane] > most[lane] { chunk[lane] } else { most[lane] };
        }
    }
    let ends = least.iter().chain(&most).chain(rest);
    ends.fold((0.0, 0.0), |(least, most), &v| (least.min(v), most.max(v)))
}

#[inline(always)]
fn sum(values: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let mut totals = [0.0_f32; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            totals[lane] += term(chunk[lane]);
        }
    }
    for (total, &value) in totals.iter_mut().zip(rest) {
        *total += term(value);
    }
    totals.iter().sum()
}

/// e^x for x <= 0; 0 below -87.
#[inline(always)]
fn exp_of_negative(x: f32) -> f32 {
    // x = n ln 2 + r with |r| <= ln 2 / 2; n stands in the low bits of the shifted sum.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let inside = if x < -87.0 { -87.0 } else { x };
    let shifted = inside * std::f32::consts::LOG2_E + SHIFT;
    let n = shifted - SHIFT;
    let r = inside - n * LN_2_HIGH - n * LN_2_LOW;
    // Taylor's series to the sixth power: below 2e-7 of the value.
    let series = 1.0 / 720.0;
    let series = series * r + 1.0 / 120.0;
    let series = series * r + 1.0 / 24.0;
    let series = series * r + 1.0 / 6.0;
    let series = series * r + 0.5;
    let series = series * r + 1.0;
    let series = series * r + 1.0;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
    if x < -87.0 { 0.0 } else { series * power }
}

/// Softmax of a row to which `bias` is added first.
#[inline(always)]
pub(crate) fn softmax(row: &mut [f32], bias: &[f32]) {
    let mut tops = [f32::NEG_INFINITY; LANES];
    for (x, bias) in row.iter_mut().zip(bias) {
        *x += bias;
    }
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            tops[lane] = if chunk[lane] > tops[lane] { chunk[lane] } else { tops[lane] };
        }
    }
    let largest = tops.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max);
    for x in row.iter_mut() {
        *x = exp_of_negative(*x - largest);
    }
    let total = 1.0 / sum(row, |x| x);
    for x in row.iter_mut() {
        *x *= total;
    }
}

/// `x / 2 * (1 + erf(x / sqrt 2))`, in place.
///
/// Through the complementary error function by Abramowitz and Stegun's approximation 7.1.26, whose
/// error is below 1.5e-7: `gelu(x) = max(x, 0) - |x| / 2 * erfc(|x| / sqrt 2)`.
#[inline(always)]
pub(crate) fn gelu(values: &mut [f32]) {
    for x in values.iter_mut() {
        let size = x.abs();
        let z = size * std::f32::consts::FRAC_1_SQRT_2;
        let t = 1.0 / (1.0 + 0.327_591_1 * z);
        let series = 1.061_405_4_f32;
        let series = series * t - 1.453_152_1;
        let series = series * t + 1.421_413_8;
        let series = series * t - 0.284_496_72;
        let series = (series * t + 0.254_829_6) * t;
        let half_erfc = 0.5 * series * exp_of_negative(-z * z);
        let above = if *x > 0.0 { *x } else { 0.0 };
        *x = above - size * half_erfc;
    }
}

/// `a += b`.
#[inline(always)]
pub(crate) fn add(a: &mut [f32], b: &[f32]) {
    for (a, b) in a.iter_mut().zip(b) {
        *a += b;
    }
}

/// Layer normalisation: `(x - mean) / sqrt(variance + epsilon) * gamma + beta`.
#[derive(Debug, Clone)]
pub(crate) struct Norm {
    /// Factors, [H].
    pub gamma: Vec<f32>,
    /// Terms, [H].
    pub beta: Vec<f32>,
    /// Added to the variance.
    pub epsilon: f32,
}

impl Norm {
    /// Normalises a row in place. `false` where its values are not finite.
    #[inline(always)]
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn apply(&self, row: &mut [f32]) -> bool {
        let count = row.len() as f32;
        let mean = sum(row, |x| x) / count;
        let variance = sum(row, |x| (x - mean) * (x - mean)) / count;
        let factor = 1.0 / (variance + self.epsilon).sqrt();
        for ((x, gamma), beta) in row.iter_mut().zip(&self.gamma).zip(&self.beta) {
            *x = (*x - mean) * factor * gamma + beta;
        }
        variance.is_finite()
    }
}
