//! Reads the LLM directions in the graph of a `routerdc` bundle, and adds one.
//!
//! ```text
//! scores [1, T] = unit(embedding) [1, size]  x  llm_weights [size, T]
//! column t of llm_weights = unit(k_t) / temperature, zeros in coordinates that do not count
//! ```
//! Nothing else in the file changes: encoder and known columns stay the same byte by byte.

use pointsman::RouterError;
use prost::Message;
use tract_onnx::pb;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::dimension;

use crate::error::TrainerError;

/// The constant whose columns are the LLMs, as [`RouterDcHead`](crate::router::routerdc::RouterDcHead)
/// names it.
const COLUMNS: &str = "llm_weights";
/// 1 for each coordinate of the embedding that counts, else 0.
const COUNTED: &str = "query.counted";
const SCORES: &str = "scores";

/// The graph of a `routerdc` bundle.
pub struct RouterDcGraph {
    model: pb::ModelProto,
}

/// The LLM directions of a graph.
#[derive(Debug, Clone, PartialEq)]
pub struct LlmColumns {
    /// `unit(k_t) / temperature`, `[size, T]` row by row.
    pub values: Vec<f32>,
    /// Size of an exported embedding.
    pub size: usize,
    /// T, the number of LLMs.
    pub llms: usize,
    /// E, the number of coordinates that count: the first ones.
    pub width: usize,
}

impl RouterDcGraph {
    /// Reads `model.onnx`.
    ///
    /// # Errors
    /// `bundle_bad_model` where the bytes are not an ONNX file.
    pub fn read(bytes: &[u8]) -> Result<Self, TrainerError> {
        let model = pb::ModelProto::decode(bytes).map_err(|e| bad(e.to_string()))?;
        Ok(Self { model })
    }

    /// Reads its LLM directions.
    ///
    /// # Errors
    /// `bundle_bad_model` where it has no such constants.
    pub fn columns(&self) -> Result<LlmColumns, TrainerError> {
        let (values, dims) = self.floats(COLUMNS)?;
        let [size, llms] = dims[..] else {
            return Err(bad(format!("{COLUMNS} has shape {dims:?}, expected two axes")));
        };
        let (counted, _) = self.floats(COUNTED)?;
        let width = counted.iter().filter(|&&value| value > 0.0).count();
        match width <= size && counted.iter().take(width).all(|&value| value > 0.0) {
            true => Ok(LlmColumns { values, size, llms, width }),
            false => Err(bad(format!("{COUNTED} counts {width} of {size} coordinates"))),
        }
    }

    /// Returns the model file with one more LLM after the others: `column` is its direction,
    /// `[size]`.
    ///
    /// # Errors
    /// `bundle_bad_model` where it has no such constant or output.
    pub fn with_llm(mut self, column: &[f32]) -> Result<Vec<u8>, TrainerError> {
        let LlmColumns { values, size, llms, .. } = self.columns()?;
        if column.len() != size {
            return Err(bad(format!("a column of {}, {COLUMNS} has {size} rows", column.len())));
        }
        let mut raw = Vec::with_capacity((values.len() + size) * 4);
        for (row, added) in values.chunks_exact(llms).zip(column) {
            raw.extend(row.iter().chain([added]).flat_map(|value| value.to_le_bytes()));
        }
        let graph = self.model.graph.as_mut().ok_or_else(|| bad("it has no graph".into()))?;
        for constant in graph.initializer.iter_mut().filter(|constant| constant.name == COLUMNS) {
            constant.dims = vec![size as i64, llms as i64 + 1];
            constant.raw_data.clone_from(&raw);
        }
        let output = graph.output.iter_mut().find(|output| output.name == SCORES);
        let shape = output
            .and_then(|output| output.r#type.as_mut())
            .and_then(|kind| kind.value.as_mut())
            .and_then(|value| match value {
                pb::type_proto::Value::TensorType(tensor) => tensor.shape.as_mut(),
                #[allow(unreachable_patterns)]
                _ => None,
            })
            .and_then(|shape| shape.dim.last_mut());
        let shape = shape.ok_or_else(|| bad(format!("it has no output {SCORES:?}")))?;
        shape.value = Some(dimension::Value::DimValue(llms as i64 + 1));
        Ok(self.model.encode_to_vec())
    }

    fn floats(&self, name: &str) -> Result<(Vec<f32>, Vec<usize>), TrainerError> {
        let mut constants = self.model.graph.iter().flat_map(|graph| &graph.initializer);
        let constant = constants
            .find(|constant| constant.name == name && constant.data_type == DataType::Float as i32)
            .ok_or_else(|| bad(format!("it has no float constant {name:?}")))?;
        let dims: Vec<usize> =
            constant.dims.iter().map(|&dim| usize::try_from(dim).unwrap_or_default()).collect();
        let chunks = constant.raw_data.as_chunks::<4>().0;
        let values: Vec<f32> = chunks.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        match values.len() == dims.iter().product::<usize>() {
            true => Ok((values, dims)),
            false => Err(bad(format!("{name:?} has {} values of shape {dims:?}", values.len()))),
        }
    }
}

fn bad(detail: String) -> TrainerError {
    RouterError::BundleBadModel { detail }.into()
}
