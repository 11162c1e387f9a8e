//! One constant number for each token: `numbers[ids]`, `[1, S]`.

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;

use super::fused::Computation;
use super::table::Table;

/// ONNX's `Gather` of a constant `[V]` on axis 0: ids `[1, S]` to `[1, S]`.
pub(super) struct TokenNumbers {
    /// `[V, 1]`.
    pub numbers: Table,
}

impl Computation for TokenNumbers {
    fn name(&self) -> &'static str {
        "TokenNumbers"
    }

    fn shape(&self, inputs: &[&ShapeFact]) -> TractResult<TVec<TDim>> {
        let [ids] = inputs else { bail!("numbers of {} inputs", inputs.len()) };
        if ids.rank() != 2 {
            bail!("numbers of {ids:?}, expected ids [1, S]");
        }
        Ok(ids.iter().cloned().collect())
    }

    fn compute(&self, inputs: &[PlainView<'_>]) -> TractResult<Vec<f32>> {
        let ids = inputs[0].as_slice::<i64>()?;
        let mut found = vec![0.0; ids.len()];
        for (&id, number) in ids.iter().zip(found.chunks_exact_mut(1)) {
            self.numbers.add(id, 1.0, number)?;
        }
        Ok(found)
    }
}
