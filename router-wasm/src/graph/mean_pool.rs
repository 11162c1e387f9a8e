//! The mean of the unmasked tokens' hidden states: `mask hidden / tokens`, `[1, H]`.

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;

use super::fused::Computation;

/// `MeanPool`: hidden `[1, S, H]`, mask `[1, S]`, tokens `[1, 1]` to `[1, H]`.
pub(super) struct MeanPool;

impl Computation for MeanPool {
    fn name(&self) -> &'static str {
        "MeanPool"
    }

    fn shape(&self, inputs: &[&ShapeFact]) -> TractResult<TVec<TDim>> {
        let [hidden, mask, _] = inputs else { bail!("MeanPool has {} inputs", inputs.len()) };
        if hidden.rank() != 3 || mask.rank() != 2 || hidden[1] != mask[1] {
            bail!("MeanPool of {hidden:?} with the mask {mask:?}");
        }
        Ok(tvec!(1.to_dim(), hidden[2].clone()))
    }

    fn compute(&self, inputs: &[PlainView<'_>]) -> TractResult<Vec<f32>> {
        let (hidden, mask) = (inputs[0].as_slice::<f32>()?, inputs[1].as_slice::<f32>()?);
        let tokens = inputs[2].as_slice::<f32>()?.first().copied().unwrap_or_default();
        let width = hidden.len() / mask.len().max(1);
        let mut pooled = vec![0.0; width];
        for (row, weight) in hidden.chunks_exact(width.max(1)).zip(mask) {
            for (sum, value) in pooled.iter_mut().zip(row) {
                *sum += weight * value;
            }
        }
        for value in &mut pooled {
            *value /= tokens;
        }
        Ok(pooled)
    }
}
