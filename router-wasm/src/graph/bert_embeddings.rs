//! A BERT encoder's embedding layer: `norm(words[ids] + positions[0..S])`, `[1, S, H]`.
//!
//! Factorised words are `[V, R]` with R below H, times a basis `[R, H]`.
//!
//! The exporter has added the embedding of token type 0 to the positions.

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;

use super::fused::Computation;
use super::table::Table;
use crate::kernels::Norm;

/// `BertEmbeddings`: ids `[1, S]` to `[1, S, H]`.
pub(super) struct BertEmbeddings {
    pub words: Table,
    /// `[R, H]`, row by row, where the words are factorised.
    pub basis: Option<Vec<f32>>,
    pub positions: Table,
    pub norm: Norm,
}

impl Computation for BertEmbeddings {
    fn name(&self) -> &'static str {
        "BertEmbeddings"
    }

    fn shape(&self, inputs: &[&ShapeFact]) -> TractResult<TVec<TDim>> {
        let [ids] = inputs else { bail!("BertEmbeddings takes the ids alone") };
        if ids.rank() != 2 {
            bail!("BertEmbeddings of {ids:?}, expected ids [1, S]");
        }
        Ok(tvec!(1.to_dim(), ids[1].clone(), self.positions.width.to_dim()))
    }

    fn compute(&self, inputs: &[PlainView<'_>]) -> TractResult<Vec<f32>> {
        let ids = inputs[0].as_slice::<i64>()?;
        let width = self.positions.width;
        let mut code = vec![0.0; self.words.width];
        let mut hidden = vec![0.0; ids.len() * width];
        for (position, (row, &id)) in (0_i64..).zip(hidden.chunks_exact_mut(width).zip(ids)) {
            match &self.basis {
                None => self.words.add(id, 1.0, row)?,
                Some(basis) => {
                    code.fill(0.0);
                    self.words.add(id, 1.0, &mut code)?;
                    for (&weight, direction) in code.iter().zip(basis.chunks_exact(width)) {
                        row.iter_mut().zip(direction).for_each(|(sum, &v)| *sum += weight * v);
                    }
                }
            }
            self.positions.add(position, 1.0, row)?;
            if !self.norm.apply(row) {
                bail!("the embedding of token {id} is not finite");
            }
        }
        Ok(hidden)
    }
}
