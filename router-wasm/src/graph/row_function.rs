//! Functions of one row that heads use: sum, maximum, length, softmax, exponential, logarithm.
//!
//! tract's own operators for these look up their kernels in a registry that the wasm modules are linked
//! without.

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;

use super::fused::Computation;
use crate::kernels::softmax;

/// A function of the last axis of `[1, N]`.
#[derive(Debug, Clone, Copy)]
pub(super) enum RowFunction {
    /// `[1, 1]`.
    Sum,
    /// `[1, 1]`.
    Max,
    /// Euclidean, `[1, 1]`.
    Length,
    /// `[1, N]`.
    Softmax,
    /// Of each value, `[1, N]`.
    Exp,
    /// Of each value, natural, `[1, N]`.
    Log,
}

impl Computation for RowFunction {
    fn name(&self) -> &'static str {
        match self {
            Self::Sum => "RowSum",
            Self::Max => "RowMax",
            Self::Length => "RowLength",
            Self::Softmax => "RowSoftmax",
            Self::Exp => "RowExp",
            Self::Log => "RowLog",
        }
    }

    fn shape(&self, inputs: &[&ShapeFact]) -> TractResult<TVec<TDim>> {
        let [row] = inputs else { bail!("{} has {} inputs", self.name(), inputs.len()) };
        if row.rank() != 2 || row[0] != 1.to_dim() {
            bail!("{} of {row:?}, expected one row", self.name());
        }
        match self {
            Self::Sum | Self::Max | Self::Length => Ok(tvec!(1.to_dim(), 1.to_dim())),
            Self::Softmax | Self::Exp | Self::Log => Ok(row.iter().cloned().collect()),
        }
    }

    fn compute(&self, inputs: &[PlainView<'_>]) -> TractResult<Vec<f32>> {
        let row = inputs[0].as_slice::<f32>()?;
        Ok(match self {
            Self::Sum => vec![row.iter().sum()],
            Self::Max => vec![row.iter().copied().fold(f32::NEG_INFINITY, f32::max)],
            Self::Length => vec![row.iter().map(|x| x * x).sum::<f32>().sqrt()],
            Self::Softmax => {
                let mut shares = row.to_vec();
                softmax(&mut shares, &vec![0.0; row.len()]);
                shares
            }
            Self::Exp => row.iter().map(|x| x.exp()).collect(),
            Self::Log => row.iter().map(|x| x.ln()).collect(),
        })
    }
}
