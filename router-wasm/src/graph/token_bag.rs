//! The static tier's encoder: the weighted sum of the table's rows of a query's tokens.
//!
//! ```text
//! pooled[d] = sum_s mask[s] scale[ids[s]] table[ids[s], d] / sqrt(tokens)          [1, D]
//! ```

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;

use super::fused::Computation;
use super::table::Table;

/// `TokenBag`: ids `[1, S]`, mask `[1, S]`, tokens `[1, 1]` to `[1, D]`.
pub(super) struct TokenBag {
    pub table: Table,
}

impl Computation for TokenBag {
    fn name(&self) -> &'static str {
        "TokenBag"
    }

    fn shape(&self, inputs: &[&ShapeFact]) -> TractResult<TVec<TDim>> {
        let [ids, mask, _] = inputs else { bail!("TokenBag has {} inputs", inputs.len()) };
        if ids.rank() != 2 || ids.dims() != mask.dims() {
            bail!("TokenBag of the ids {ids:?} with the mask {mask:?}");
        }
        Ok(tvec!(1.to_dim(), self.table.width.to_dim()))
    }

    fn compute(&self, inputs: &[PlainView<'_>]) -> TractResult<Vec<f32>> {
        let [ids, mask, tokens] = inputs else {
            bail!("TokenBag has {} inputs, expected 3", inputs.len())
        };
        let (ids, mask) = (ids.as_slice::<i64>()?, mask.as_slice::<f32>()?);
        let tokens = tokens.as_slice::<f32>()?.first().copied().unwrap_or_default();
        let mut pooled = vec![0.0; self.table.width];
        for (&id, &weight) in ids.iter().zip(mask) {
            self.table.add(id, weight, &mut pooled)?;
        }
        let root = tokens.sqrt();
        for value in &mut pooled {
            *value /= root;
        }
        Ok(pooled)
    }
}
