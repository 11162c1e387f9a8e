//! A fused operator of tract's graph: computes several ONNX nodes at once, with float output.
//!
//! A [`Computation`] is what an operator computes; this file implements tract's traits for it.

use std::fmt;
use std::sync::Arc;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;

/// The computation of a fused operator.
pub(super) trait Computation: Send + Sync + 'static {
    /// Name of the exported graph's function that it replaces.
    fn name(&self) -> &'static str;

    /// The output's shape, from the inputs' shapes.
    ///
    /// # Errors
    /// Where the inputs do not fit.
    fn shape(&self, inputs: &[&ShapeFact]) -> TractResult<TVec<TDim>>;

    /// The output's values, row by row, from the inputs.
    ///
    /// # Errors
    /// Where a value is out of range.
    fn compute(&self, inputs: &[PlainView<'_>]) -> TractResult<Vec<f32>>;
}

/// A [`Computation`] as an operator.
#[derive(Clone)]
pub(super) struct Fused(Arc<dyn Computation>);

impl Fused {
    pub(super) fn new(computation: impl Computation) -> Self {
        Self(Arc::new(computation))
    }
}

impl fmt::Debug for Fused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl PartialEq for Fused {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Fused {}

impl Op for Fused {
    fn name(&self) -> StaticName {
        self.0.name().into()
    }

    op_as_typed_op!();
}

impl EvalOp for Fused {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let shapes: TVec<ShapeFact> =
            inputs.iter().map(|input| ShapeFact::from_dims(input.shape())).collect();
        let shape = self.0.shape(&shapes.iter().collect::<TVec<_>>())?;
        let size = |dim: &TDim| Ok(dim.to_usize()?);
        let shape = shape.iter().map(size).collect::<TractResult<TVec<usize>>>()?;
        let views = inputs
            .iter()
            .map(|input| input.try_as_plain_ram())
            .collect::<TractResult<TVec<_>>>()?;
        let values = self.0.compute(&views)?;
        Ok(tvec!(Tensor::from_shape(&shape, &values)?.into_tvalue()))
    }
}

impl TypedOp for Fused {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let shapes: TVec<&ShapeFact> = inputs.iter().map(|input| &input.shape).collect();
        Ok(tvec!(f32::fact(self.0.shape(&shapes)?)))
    }

    as_op!();
}
