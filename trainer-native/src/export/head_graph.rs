//! Reads the constants of a head in a bundle's graph, and adds one LLM to it.
//!
//! A constant that has a value for each LLM has the LLMs on its last axis. Nothing else in the file
//! changes: encoder and known columns stay the same byte by byte. To a head without such constants, LLMs
//! are added beside the known scores:
//!
//! ```text
//! scores [1, M + A] = [known_scores [1, M] ; embedding [1, D] x added_weights [D, A] + added_bias [1, A]]
//! ```

use pointsman::RouterError;
use prost::Message;
use tract_onnx::pb;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::dimension;

use super::node::{Attribute, node};
use crate::error::TrainerError;

const SCORES: &str = "scores";
const EMBEDDING: &str = "embedding";
const KNOWN_SCORES: &str = "known_scores";
const ADDED_WEIGHTS: &str = "added_weights";
const ADDED_BIAS: &str = "added_bias";

/// The graph of a bundle whose head is in the graph.
pub struct HeadGraph {
    model: pb::ModelProto,
}

/// A new LLM's score as a linear function of the embedding.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearScore {
    /// Coefficient of each coordinate, the length last, `[D]`.
    pub weights: Vec<f32>,
    pub intercept: f32,
}

/// A constant's name and the values that an LLM adds to it, one for each row.
pub type LlmColumn = (&'static str, Vec<f32>);

impl HeadGraph {
    /// Reads `model.onnx`.
    ///
    /// # Errors
    /// `bundle_bad_model` where the bytes are not an ONNX file.
    pub fn read(bytes: &[u8]) -> Result<Self, TrainerError> {
        let model = pb::ModelProto::decode(bytes).map_err(|e| bad_model(e.to_string()))?;
        Ok(Self { model })
    }

    /// Whether the graph has a constant of that name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        let mut constants = self.model.graph.iter().flat_map(|graph| &graph.initializer);
        constants.any(|constant| constant.name == name)
    }

    /// Values of a float constant, row by row, and its shape.
    ///
    /// # Errors
    /// `bundle_bad_model` where it has no such constant.
    pub fn floats(&self, name: &str) -> Result<(Vec<f32>, Vec<usize>), TrainerError> {
        let mut constants = self.model.graph.iter().flat_map(|graph| &graph.initializer);
        let constant = constants
            .find(|constant| constant.name == name && constant.data_type == DataType::Float as i32)
            .ok_or_else(|| bad_model(format!("it has no float constant {name:?}")))?;
        let dims: Vec<usize> =
            constant.dims.iter().map(|&dim| usize::try_from(dim).unwrap_or_default()).collect();
        let chunks = constant.raw_data.as_chunks::<4>().0;
        let values: Vec<f32> = chunks.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        match values.len() == dims.iter().product::<usize>() {
            true => Ok((values, dims)),
            false => {
                Err(bad_model(format!("{name:?} has {} values of shape {dims:?}", values.len())))
            }
        }
    }

    /// Returns the model file with one more LLM after the others: `columns` are all constants that
    /// have a value for each LLM.
    ///
    /// # Errors
    /// `bundle_bad_model` where it lacks one of the constants or the output, or where a column has
    /// another length than the constant has rows.
    pub fn with_llm(mut self, columns: &[LlmColumn]) -> Result<Vec<u8>, TrainerError> {
        for (name, column) in columns {
            let (values, mut dims) = self.floats(name)?;
            let last = dims.last_mut().filter(|last| **last > 0);
            let last = last.ok_or_else(|| bad_model(format!("{name:?} has no LLM")))?;
            let llms = *last;
            if column.len() != values.len() / llms {
                let (found, rows) = (column.len(), values.len() / llms);
                return Err(bad_model(format!("a column of {found}, {name:?} has {rows} rows")));
            }
            *last += 1;
            let mut raw = Vec::with_capacity((values.len() + column.len()) * 4);
            for (row, added) in values.chunks_exact(llms).zip(column) {
                raw.extend(row.iter().chain([added]).flat_map(|value| value.to_le_bytes()));
            }
            let constants = self.model.graph.iter_mut().flat_map(|graph| &mut graph.initializer);
            for constant in constants.filter(|constant| constant.name == *name) {
                constant.dims = dims.iter().map(|&dim| dim as i64).collect();
                constant.raw_data.clone_from(&raw);
            }
        }
        self.one_more_score()?;
        Ok(self.model.encode_to_vec())
    }

    /// Returns the model file with one more LLM after the others, whose score is `score`. The known
    /// scores are computed as before.
    ///
    /// # Errors
    /// `bundle_bad_model` where it lacks the embedding or the scores, or where there is not one coefficient
    /// for each coordinate.
    pub fn with_linear_score(mut self, score: &LinearScore) -> Result<Vec<u8>, TrainerError> {
        if self.has(ADDED_WEIGHTS) {
            let columns =
                [(ADDED_WEIGHTS, score.weights.clone()), (ADDED_BIAS, vec![score.intercept])];
            return self.with_llm(&columns);
        }
        let graph = self.model.graph.get_or_insert_default();
        let by = |name: &str| {
            graph.node.iter().position(|node| node.output.iter().any(|output| output == name))
        };
        let (Some(scores), Some(_)) = (by(SCORES), by(EMBEDDING)) else {
            return Err(bad_model(format!("it has no nodes {SCORES:?} and {EMBEDDING:?}")));
        };
        graph.node[scores].name = KNOWN_SCORES.into();
        graph.node[scores].output = vec![KNOWN_SCORES.into()];
        for (name, dims, values) in [
            (ADDED_WEIGHTS, [score.weights.len(), 1], score.weights.as_slice()),
            (ADDED_BIAS, [1, 1], &[score.intercept]),
        ] {
            graph.initializer.push(pb::TensorProto {
                name: name.into(),
                dims: dims.iter().map(|&dim| dim as i64).collect(),
                data_type: DataType::Float as i32,
                raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
                ..Default::default()
            });
        }
        let axis = [Attribute::Int("axis", 1)];
        let no: [Attribute<'_>; 0] = [];
        for (operator, name, inputs, attributes) in [
            ("MatMul", "added_product", [EMBEDDING, ADDED_WEIGHTS], &no[..]),
            ("Add", "added_scores", ["added_product", ADDED_BIAS], &no[..]),
            ("Concat", SCORES, [KNOWN_SCORES, "added_scores"], &axis[..]),
        ] {
            graph.node.push(node(operator, name, vec![name.into()], &inputs, attributes));
        }
        self.one_more_score()?;
        Ok(self.model.encode_to_vec())
    }

    /// Adds one to the width of the output `scores`.
    fn one_more_score(&mut self) -> Result<(), TrainerError> {
        let graph = self.model.graph.as_mut();
        let output =
            graph.and_then(|graph| graph.output.iter_mut().find(|output| output.name == SCORES));
        let shape = output
            .and_then(|output| output.r#type.as_mut())
            .and_then(|kind| kind.value.as_mut())
            .and_then(|value| match value {
                pb::type_proto::Value::TensorType(tensor) => tensor.shape.as_mut(),
                #[allow(unreachable_patterns)]
                _ => None,
            })
            .and_then(|shape| shape.dim.last_mut());
        let width = shape.and_then(|shape| shape.value.as_mut());
        match width {
            Some(dimension::Value::DimValue(llms)) => {
                *llms += 1;
                Ok(())
            }
            _ => Err(bad_model(format!("it has no output {SCORES:?} of a known width"))),
        }
    }
}

pub(super) fn bad_model(detail: String) -> TrainerError {
    RouterError::BundleBadModel { detail }.into()
}
