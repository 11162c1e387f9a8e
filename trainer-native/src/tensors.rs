//! Writes and reads named tensors and a note in one safetensors file.
//!
//! A file is replaced in one step, so an interruption while it is written leaves the earlier file.
//! Values are stored bit for bit.
//!
//! ```
//! use std::collections::HashMap;
//! use pointsman_trainer::tensors::{Checkpoint, NamedTensor};
//! # fn main() -> Result<(), pointsman_trainer::TrainerError> {
//! let path = std::env::temp_dir().join(format!("checkpoint-{}", std::process::id()));
//! let bias = NamedTensor { name: "bias".into(), shape: vec![2], values: vec![0.5, -1.0] };
//! Checkpoint { tensors: vec![bias], note: HashMap::new() }.write(&path)?;
//! let mut read = Checkpoint::read(&path)?;
//! assert_eq!(read.take("bias", &[2], &path)?, [0.5, -1.0]);
//! # std::fs::remove_file(path).ok();
//! # Ok(())
//! # }
//! ```

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::error::TrainerError;

/// A tensor of floats in host memory.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    /// Name, unique in the file.
    pub name: String,
    pub shape: Vec<usize>,
    /// Values, row by row.
    pub values: Vec<f32>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Checkpoint {
    pub tensors: Vec<NamedTensor>,
    /// Further facts that the run needs to resume.
    pub note: HashMap<String, String>,
}

impl Checkpoint {
    /// Writes the file, replacing an earlier one.
    ///
    /// # Errors
    /// [`TrainerError::File`]; [`TrainerError::NotFinite`] where a value is not finite; the earlier
    /// file then stays.
    pub fn write(&self, path: &Path) -> Result<(), TrainerError> {
        let fault = |detail: String| TrainerError::BadCheckpoint { path: path.into(), detail };
        let mut encoded = Vec::with_capacity(self.tensors.len());
        for NamedTensor { name, shape, values } in &self.tensors {
            if let Some(at) = values.iter().position(|v| !v.is_finite()) {
                return Err(TrainerError::NotFinite {
                    what: "a parameter",
                    detail: format!("{name:?} holds {} at {at}: lower the rate", values[at]),
                });
            }
            let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            encoded.push((name.as_str(), shape.clone(), bytes));
        }
        let views = encoded
            .iter()
            .map(|(name, shape, bytes)| {
                let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
                Ok((*name, view.map_err(|e| fault(e.to_string()))?))
            })
            .collect::<Result<Vec<_>, TrainerError>>()?;
        let bytes = safetensors::serialize(views, Some(self.note.clone()))
            .map_err(|e| fault(e.to_string()))?;
        let partial = path.with_extension("partial");
        let io = |source| TrainerError::File { path: path.to_owned(), source };
        std::fs::write(&partial, bytes).map_err(io)?;
        std::fs::rename(&partial, path).map_err(io)
    }

    /// Reads a file that [`Checkpoint::write`] wrote.
    ///
    /// # Errors
    /// [`TrainerError::File`]; [`TrainerError::BadCheckpoint`] where the file is damaged, or holds
    /// other types than F32.
    pub fn read(path: &Path) -> Result<Self, TrainerError> {
        let fault = |detail: String| TrainerError::BadCheckpoint { path: path.into(), detail };
        let bytes = std::fs::read(path)
            .map_err(|source| TrainerError::File { path: path.to_owned(), source })?;
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|e| fault(e.to_string()))?;
        let note = metadata.metadata().clone().unwrap_or_default();
        let file = SafeTensors::deserialize(&bytes).map_err(|e| fault(e.to_string()))?;
        let tensors = file.tensors().into_iter().map(|(name, view)| {
            if view.dtype() != Dtype::F32 {
                return Err(fault(format!("{name:?} is {:?}, expected F32", view.dtype())));
            }
            let chunks = view.data().as_chunks::<4>().0;
            let values = chunks.iter().map(|b| f32::from_le_bytes(*b)).collect();
            Ok(NamedTensor { name, shape: view.shape().to_vec(), values })
        });
        Ok(Self { tensors: tensors.collect::<Result<_, _>>()?, note })
    }

    /// Takes a tensor's values out; `path` is for the message.
    ///
    /// # Errors
    /// [`TrainerError::BadCheckpoint`] where it is missing or has another shape.
    pub fn take(
        &mut self,
        name: &str,
        shape: &[usize],
        path: &Path,
    ) -> Result<Vec<f32>, TrainerError> {
        let fault = |detail: String| TrainerError::BadCheckpoint { path: path.into(), detail };
        let Some(at) = self.tensors.iter().position(|t| t.name == name) else {
            return Err(fault(format!("no tensor {name:?}")));
        };
        let found = self.tensors.swap_remove(at);
        match found.shape == shape {
            true => Ok(found.values),
            false => {
                Err(fault(format!("{name:?} has shape {:?}, expected {shape:?}", found.shape)))
            }
        }
    }
}
