//! The hidden state of one token, such as `[CLS]`: `hidden[:, place]`, `[1, H]`.

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;

use super::fused::Computation;

/// ONNX's `Gather` of one constant place on axis 1: hidden `[1, S, H]` to `[1, H]`.
pub(super) struct TokenState {
    /// The token's place in the query.
    pub place: usize,
}

impl Computation for TokenState {
    fn name(&self) -> &'static str {
        "TokenState"
    }

    fn shape(&self, inputs: &[&ShapeFact]) -> TractResult<TVec<TDim>> {
        let [hidden] = inputs else { bail!("a token of {} inputs", inputs.len()) };
        if hidden.rank() != 3 || hidden[0] != 1.to_dim() {
            bail!("a token of {hidden:?}, expected hidden states [1, S, H]");
        }
        Ok(tvec!(1.to_dim(), hidden[2].clone()))
    }

    fn compute(&self, inputs: &[PlainView<'_>]) -> TractResult<Vec<f32>> {
        let (hidden, shape) = (inputs[0].as_slice::<f32>()?, inputs[0].shape());
        let width = shape[2];
        let state =
            self.place.checked_mul(width).and_then(|start| hidden.get(start..)?.get(..width));
        match state {
            Some(state) => Ok(state.to_vec()),
            None => bail!("token {} of {}", self.place, shape[1]),
        }
    }
}
