//! Tensors in host memory: their floats, and files of named tensors with a note, in safetensors.
//!
//! A file is replaced in one step, so an interruption while it is written leaves the earlier file.
//! Values are stored bit for bit.

use std::collections::HashMap;
use std::path::Path;

use burn::tensor::{Tensor, TensorData};
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
        std::fs::write(&partial, bytes).map_err(TrainerError::file(path))?;
        std::fs::rename(&partial, path).map_err(TrainerError::file(path))
    }

    /// Reads a file that [`Checkpoint::write`] wrote.
    ///
    /// # Errors
    /// [`TrainerError::File`]; [`TrainerError::BadCheckpoint`] where the file is damaged, or holds
    /// other types than F32.
    pub fn read(path: &Path) -> Result<Self, TrainerError> {
        let fault = |detail: String| TrainerError::BadCheckpoint { path: path.into(), detail };
        let bytes = std::fs::read(path).map_err(TrainerError::file(path))?;
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

/// The floats of a tensor, row by row.
///
/// # Errors
/// [`TrainerError::NotFinite`] where it holds another type.
pub fn floats(data: TensorData) -> Result<Vec<f32>, TrainerError> {
    data.try_to_vec::<f32>().map_err(|e| TrainerError::NotFinite {
        what: "a tensor",
        detail: format!("it cannot be read as f32: {e:?}"),
    })
}

/// The floats of a tensor that are all finite; `what` and `name` are for the message.
///
/// # Errors
/// [`TrainerError::NotFinite`].
pub fn finite<const D: usize>(
    what: &'static str,
    name: &str,
    tensor: Tensor<D>,
) -> Result<Vec<f32>, TrainerError> {
    let values = floats(tensor.into_data())?;
    match values.iter().position(|v| !v.is_finite()) {
        None => Ok(values),
        Some(at) => {
            let detail = format!("{name} holds {} at {at}", values[at]);
            Err(TrainerError::NotFinite { what, detail })
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn tensors_survive_their_file_bit_for_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.safetensors");
        let values = vec![0.1 + 0.2, -1.0];
        let bias = NamedTensor { name: "bias".into(), shape: vec![2], values: values.clone() };
        let note = HashMap::from([("epoch".to_owned(), "3".to_owned())]);
        Checkpoint { tensors: vec![bias], note: note.clone() }.write(&path).unwrap();
        let mut read = Checkpoint::read(&path).unwrap();
        assert_eq!(read.note, note);
        assert_eq!(read.take("bias", &[1, 2], &path).unwrap_err().code(), "bad_checkpoint");
        let mut read = Checkpoint::read(&path).unwrap();
        assert_eq!(read.take("bias", &[2], &path).unwrap(), values);
        assert_eq!(read.take("bias", &[2], &path).unwrap_err().code(), "bad_checkpoint");
    }
}
