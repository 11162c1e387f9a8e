//! A table with a row for each token or position, in float or in int8 with one scale per row.

use tract_onnx::prelude::TractResult;
use tract_onnx::tract_core::internal::bail;

/// A table `[V, D]`.
pub(super) struct Table {
    /// D.
    pub width: usize,
    values: Values,
}

enum Values {
    Float(Vec<f32>),
    Int8 { values: Vec<i8>, scales: Vec<f32> },
}

impl Table {
    /// A table of floats, row by row.
    ///
    /// # Errors
    /// Where its rows are empty.
    pub fn float(values: Vec<f32>, width: usize) -> TractResult<Self> {
        if width == 0 {
            bail!("a table has rows of width 0");
        }
        Ok(Self { width, values: Values::Float(values) })
    }

    /// A table of int8, row by row, with one scale per row.
    ///
    /// # Errors
    /// Where the lengths do not agree.
    pub fn int8(values: Vec<i8>, width: usize, scales: Vec<f32>) -> TractResult<Self> {
        if width == 0 || scales.len().checked_mul(width) != Some(values.len()) {
            bail!("a table of {} values has {} scales, width {width}", values.len(), scales.len());
        }
        Ok(Self { width, values: Values::Int8 { values, scales } })
    }

    /// V.
    pub fn rows(&self) -> usize {
        match &self.values {
            Values::Float(values) => values.len() / self.width,
            Values::Int8 { scales, .. } => scales.len(),
        }
    }

    /// Adds `weight` times a row to `sum`.
    ///
    /// # Errors
    /// Where there is no such row.
    #[inline]
    pub fn add(&self, row: i64, weight: f32, sum: &mut [f32]) -> TractResult<()> {
        let Some(row) = usize::try_from(row).ok().filter(|&row| row < self.rows()) else {
            bail!("id {row} is beyond a table of {} rows", self.rows());
        };
        let span = row * self.width..(row + 1) * self.width;
        match &self.values {
            Values::Float(values) => {
                for (sum, value) in sum.iter_mut().zip(&values[span]) {
                    *sum += weight * value;
                }
            }
            Values::Int8 { values, scales } => {
                let weight = weight * scales[row];
                for (sum, &value) in sum.iter_mut().zip(&values[span]) {
                    *sum += weight * f32::from(value);
                }
            }
        }
        Ok(())
    }
}
