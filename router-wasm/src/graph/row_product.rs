//! A head's matrix product: one row times constant weights, in float or int8.
//!
//! ```text
//! y[n] = scale[n] * sum_k x[k] w[k, n]          x [1, K], y [1, N]
//! ```
//! Unlike an encoder's, its input stays in float: a single row gains nothing from being quantised.

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;

use super::fused::Computation;

/// Constant weights `[K, N]`, row by row.
pub(super) enum RowProduct {
    /// In float.
    Float { values: Vec<f32>, outputs: usize },
    /// In int8 with one scale per output.
    Int8 { values: Vec<i8>, scales: Vec<f32> },
}

impl RowProduct {
    /// N.
    pub fn outputs(&self) -> usize {
        match self {
            Self::Float { outputs, .. } => *outputs,
            Self::Int8 { scales, .. } => scales.len(),
        }
    }

    fn inputs(&self) -> usize {
        let values = match self {
            Self::Float { values, .. } => values.len(),
            Self::Int8 { values, .. } => values.len(),
        };
        values / self.outputs()
    }
}

impl Computation for RowProduct {
    fn name(&self) -> &'static str {
        "RowProduct"
    }

    fn shape(&self, inputs: &[&ShapeFact]) -> TractResult<TVec<TDim>> {
        let expected = [1.to_dim(), self.inputs().to_dim()];
        let [row] = inputs else { bail!("a product has {} inputs beside weights", inputs.len()) };
        if row.dims() != expected {
            bail!("a product of {:?} with weights of {} rows", row.dims(), self.inputs());
        }
        Ok(tvec!(1.to_dim(), self.outputs().to_dim()))
    }

    fn compute(&self, inputs: &[PlainView<'_>]) -> TractResult<Vec<f32>> {
        let row = inputs[0].as_slice::<f32>()?;
        let mut sums = vec![0.0_f32; self.outputs()];
        match self {
            Self::Float { values, outputs } => {
                for (&x, weights) in row.iter().zip(values.chunks_exact(*outputs)) {
                    for (sum, weight) in sums.iter_mut().zip(weights) {
                        *sum += x * weight;
                    }
                }
            }
            Self::Int8 { values, scales } => {
                for (&x, weights) in row.iter().zip(values.chunks_exact(scales.len())) {
                    for (sum, &weight) in sums.iter_mut().zip(weights) {
                        *sum += x * f32::from(weight);
                    }
                }
                for (sum, scale) in sums.iter_mut().zip(scales) {
                    *sum *= scale;
                }
            }
        }
        Ok(sums)
    }
}
