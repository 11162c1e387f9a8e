//! The encoder of hashed n-grams: the weighted mean of the table's rows of a query's buckets.
//!
//! ```text
//! weight[s] = ln(1 + counts[s])                                                    [1, S]
//! pooled[d] = scales[d] sum_s weight[s] table[ids[s], d] / |weight|                [1, D]
//! ```
//! A bucket that occurs often counts little more than one that occurs once: filler does not change a
//! rating in proportion.

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;

use super::fused::Computation;

/// `NgramBag`: ids `[1, S]`, counts `[1, S]` to `[1, D]`.
pub(super) struct NgramBag {
    /// `[V, D]`, row by row.
    pub values: Values,
    /// D.
    pub width: usize,
}

/// The values of a table.
pub(super) enum Values {
    Float(Vec<f32>),
    /// With one scale for each column.
    Int8 {
        values: Vec<i8>,
        scales: Vec<f32>,
    },
}

impl NgramBag {
    /// A table of `width` columns.
    ///
    /// # Errors
    /// Where the lengths do not agree.
    pub fn new(values: Values, width: usize) -> TractResult<Self> {
        let (count, scales) = match &values {
            Values::Float(values) => (values.len(), width),
            Values::Int8 { values, scales } => (values.len(), scales.len()),
        };
        if width == 0 || scales != width || !count.is_multiple_of(width) {
            bail!("a table of {count} values has {scales} scales, width {width}");
        }
        Ok(Self { values, width })
    }

    /// Adds `weight` times the row of each id to the sums.
    fn add_rows<T: Copy + Into<f32>>(
        &self,
        values: &[T],
        weighted: impl Iterator<Item = (i64, f32)>,
        sums: &mut [f32],
    ) -> TractResult<()> {
        let rows = values.len() / self.width;
        for (id, weight) in weighted {
            let Some(row) = usize::try_from(id).ok().filter(|&row| row < rows) else {
                bail!("id {id} is beyond a table of {rows} rows");
            };
            for (sum, &value) in sums.iter_mut().zip(&values[row * self.width..]) {
                *sum += weight * value.into();
            }
        }
        Ok(())
    }
}

impl Computation for NgramBag {
    fn name(&self) -> &'static str {
        "NgramBag"
    }

    fn shape(&self, inputs: &[&ShapeFact]) -> TractResult<TVec<TDim>> {
        let [ids, counts] = inputs else { bail!("NgramBag has {} inputs", inputs.len()) };
        if ids.rank() != 2 || ids.dims() != counts.dims() {
            bail!("NgramBag of the ids {ids:?} with the counts {counts:?}");
        }
        Ok(tvec!(1.to_dim(), self.width.to_dim()))
    }

    fn compute(&self, inputs: &[PlainView<'_>]) -> TractResult<Vec<f32>> {
        let [ids, counts] = inputs else {
            bail!("NgramBag has {} inputs, expected 2", inputs.len())
        };
        let (ids, counts) = (ids.as_slice::<i64>()?, counts.as_slice::<f32>()?);
        let weights: Vec<f32> = counts.iter().map(|count| (1.0 + count).ln()).collect();
        let length = weights.iter().map(|weight| weight * weight).sum::<f32>().sqrt();
        let weighted = ids.iter().copied().zip(weights);
        let mut pooled = vec![0.0; self.width];
        match &self.values {
            Values::Float(values) => {
                self.add_rows(values, weighted, &mut pooled)?;
                pooled.iter_mut().for_each(|sum| *sum /= length);
            }
            Values::Int8 { values, scales } => {
                self.add_rows(values, weighted, &mut pooled)?;
                for (sum, scale) in pooled.iter_mut().zip(scales) {
                    *sum = *sum * scale / length;
                }
            }
        }
        Ok(pooled)
    }
}
