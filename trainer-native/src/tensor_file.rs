//! Float tensors in one safetensors file, with a note: checkpoints, token tables.
//!
//! A file appears whole or not at all; a damaged one is named.

use std::collections::HashMap;
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::error::TrainerError;

/// A tensor by name: shape and values, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values.
    pub values: Vec<f32>,
}

/// What a file holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TensorFile {
    /// The tensors.
    pub tensors: Vec<NamedTensor>,
    /// Words about them.
    pub note: HashMap<String, String>,
}

impl TensorFile {
    /// Writes the file in place of an earlier one.
    ///
    /// # Errors
    /// [`TrainerError::File`]; [`TrainerError::BadCheckpoint`] where a shape does not fit.
    pub fn write(&self, path: &Path) -> Result<(), TrainerError> {
        let fault = |detail: String| TrainerError::BadCheckpoint { path: path.into(), detail };
        let bytes: Vec<Vec<u8>> = self
            .tensors
            .iter()
            .map(|t| t.values.iter().flat_map(|v| v.to_le_bytes()).collect())
            .collect();
        let views = self
            .tensors
            .iter()
            .zip(&bytes)
            .map(|(tensor, bytes)| {
                let view = TensorView::new(Dtype::F32, tensor.shape.clone(), bytes);
                Ok((tensor.name.as_str(), view.map_err(|e| fault(e.to_string()))?))
            })
            .collect::<Result<Vec<_>, TrainerError>>()?;
        let file = safetensors::serialize(views, Some(self.note.clone()))
            .map_err(|e| fault(e.to_string()))?;
        let partial = path.with_extension("partial");
        std::fs::write(&partial, file).map_err(TrainerError::file(&partial))?;
        std::fs::rename(&partial, path).map_err(TrainerError::file(path))
    }

    /// Reads a file that [`TensorFile::write`] wrote.
    ///
    /// # Errors
    /// [`TrainerError::File`]; [`TrainerError::BadCheckpoint`] where it is damaged, or holds
    /// another element type than F32.
    pub fn read(path: &Path) -> Result<Self, TrainerError> {
        let fault = |detail: String| TrainerError::BadCheckpoint { path: path.into(), detail };
        let bytes = std::fs::read(path).map_err(TrainerError::file(path))?;
        let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|e| fault(e.to_string()))?;
        let note = metadata.metadata().clone().unwrap_or_default();
        let file = SafeTensors::deserialize(&bytes).map_err(|e| fault(e.to_string()))?;
        let tensors = file
            .tensors()
            .into_iter()
            .map(|(name, view)| match view.dtype() {
                Dtype::F32 => {
                    let chunks = view.data().as_chunks::<4>().0;
                    let values = chunks.iter().map(|b| f32::from_le_bytes(*b)).collect();
                    Ok(NamedTensor { name, shape: view.shape().to_vec(), values })
                }
                other => Err(fault(format!("{name:?} is {other:?}, expected F32"))),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { tensors, note })
    }

    /// Takes a tensor out, checking its shape; 0 stands for any length.
    ///
    /// # Errors
    /// [`TrainerError::BadCheckpoint`] naming `path`.
    pub fn take(
        &mut self,
        path: &Path,
        name: &str,
        expected: &[usize],
    ) -> Result<NamedTensor, TrainerError> {
        let fault = |detail: String| TrainerError::BadCheckpoint { path: path.into(), detail };
        let at = self.tensors.iter().position(|tensor| tensor.name == name);
        let tensor = self.tensors.swap_remove(at.ok_or_else(|| fault(format!("no {name:?}")))?);
        let fits = tensor.shape.len() == expected.len()
            && tensor.shape.iter().zip(expected).all(|(&a, &b)| b == 0 || a == b);
        match fits {
            true => Ok(tensor),
            false => Err(fault(format!(
                "{name:?} has shape {:?}, expected {expected:?} (0: any)",
                tensor.shape
            ))),
        }
    }
}
