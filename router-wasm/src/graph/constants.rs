//! Reads and checks the constants of an ONNX file.

use std::collections::HashMap;

use tract_onnx::pb::TensorProto;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;

/// Constants by name.
pub(super) struct Constants(HashMap<String, TensorProto>);

impl Constants {
    pub fn new(initializers: Vec<TensorProto>) -> Self {
        Self(initializers.into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect())
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn get(&self, name: &str, kind: DataType, bytes: usize) -> TractResult<&TensorProto> {
        let Some(tensor) = self.0.get(name) else { bail!("the file has no constant {name:?}") };
        if tensor.data_type != kind as i32 {
            bail!("constant {name:?} has data type {}, expected {kind:?}", tensor.data_type);
        }
        let mut count = 1_usize;
        for &dim in &tensor.dims {
            let size = usize::try_from(dim).ok();
            let Some(product) = size.and_then(|size| count.checked_mul(size)) else {
                bail!("constant {name:?} has the shape {:?}", tensor.dims);
            };
            count = product;
        }
        if count.checked_mul(bytes) != Some(tensor.raw_data.len()) {
            let found = tensor.raw_data.len();
            bail!(
                "constant {name:?} has {found} bytes, its shape {:?} needs {count} values",
                tensor.dims
            );
        }
        Ok(tensor)
    }

    /// The size of the last axis; 1 where there is none.
    pub fn width(&self, name: &str) -> usize {
        let last = self.0.get(name).and_then(|tensor| tensor.dims.last());
        last.and_then(|&dim| usize::try_from(dim).ok()).unwrap_or(1)
    }

    /// The number of axes; 0 where there is no such constant.
    pub fn rank(&self, name: &str) -> usize {
        self.0.get(name).map_or(0, |tensor| tensor.dims.len())
    }

    /// A constant of finite floats.
    pub fn floats(&self, name: &str) -> TractResult<Vec<f32>> {
        let chunks = self.get(name, DataType::Float, 4)?.raw_data.as_chunks::<4>().0;
        let values: Vec<f32> = chunks.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        if let Some(found) = values.iter().find(|value| !value.is_finite()) {
            bail!("constant {name:?} holds {found}");
        }
        Ok(values)
    }

    /// A constant of int8.
    pub fn int8s(&self, name: &str) -> TractResult<Vec<i8>> {
        let tensor = self.get(name, DataType::Int8, 1)?;
        Ok(tensor.raw_data.iter().map(|byte| byte.cast_signed()).collect())
    }

    /// A constant of int64.
    pub fn int64s(&self, name: &str) -> TractResult<Vec<i64>> {
        let tensor = self.get(name, DataType::Int64, 8)?;
        Ok(tensor.raw_data.as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b)).collect())
    }

    /// A constant of floats or int64 as a tract tensor.
    pub fn tensor(&self, name: &str) -> TractResult<Tensor> {
        let (kind, dims) = match self.0.get(name) {
            Some(tensor) => (tensor.data_type, &tensor.dims[..]),
            None => (0, &[][..]),
        };
        let shape: TVec<usize> = dims.iter().filter_map(|&dim| usize::try_from(dim).ok()).collect();
        if kind == DataType::Int64 as i32 {
            Tensor::from_shape(&shape, &self.int64s(name)?)
        } else {
            Tensor::from_shape(&shape, &self.floats(name)?)
        }
    }
}
