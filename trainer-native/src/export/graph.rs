//! Builds an ONNX graph, node by node.
//!
//! burn has no ONNX export, so the trainer writes the protobuf itself, with the message types that
//! tract reads. A value is named at the node that computes it.
//!
//! ```
//! use pointsman_trainer::export::graph::{Graph, Value};
//! let mut graph = Graph::new("twice");
//! let x = graph.input("x", Value::Float, &["1", "D"]);
//! let two = graph.floats("two", &[1], &[2.0]);
//! let y = graph.node("Mul", "y", &[&x, &two], &[]);
//! graph.output(&y, Value::Float, &["1", "D"]);
//! assert!(!graph.into_bytes().is_empty());
//! ```

use std::collections::BTreeSet;

use prost::Message;
use tract_onnx::pb;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};

use super::functions::{DOMAIN, Function, VERSION};
pub use super::node::Attribute;
use super::node::{OPSET, node};
use crate::precision::Precision;

/// Version of the file format that goes with operator set [`OPSET`].
const IR_VERSION: i64 = 8;

/// Element type of a graph's input or output.
#[derive(Debug, Clone, Copy)]
pub enum Value {
    /// 32-bit float.
    Float,
    /// 64-bit integer.
    Int64,
}

#[derive(Debug)]
pub struct Graph {
    graph: pb::GraphProto,
    /// The called functions, whose definitions the file must contain.
    functions: BTreeSet<(Function, Precision)>,
    /// Definitions of a file that this graph began as.
    kept: Vec<pb::FunctionProto>,
}

impl Graph {
    #[must_use]
    pub fn new(name: &str) -> Self {
        let graph = pb::GraphProto { name: name.into(), ..Default::default() };
        Self { graph, functions: BTreeSet::new(), kept: Vec::new() }
    }

    /// Begins with the graph of a file, and the functions that it defines.
    #[must_use]
    pub fn of(model: pb::ModelProto) -> Self {
        let graph = model.graph.unwrap_or_default();
        Self { graph, functions: BTreeSet::new(), kept: model.functions }
    }

    /// Adds an input; a dimension that is not a number is symbolic.
    pub fn input(&mut self, name: &str, element: Value, shape: &[&str]) -> String {
        self.graph.input.push(value_info(name, element, shape));
        name.into()
    }

    /// Marks a value as an output.
    pub fn output(&mut self, name: &str, element: Value, shape: &[&str]) {
        self.graph.output.push(value_info(name, element, shape));
    }

    pub fn floats(&mut self, name: &str, dims: &[usize], values: &[f32]) -> String {
        let raw = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(name, dims, DataType::Float, raw)
    }

    /// Adds an int8 constant.
    pub fn int8s(&mut self, name: &str, dims: &[usize], values: &[i8]) -> String {
        let raw = values.iter().map(|v| v.cast_unsigned()).collect();
        self.constant(name, dims, DataType::Int8, raw)
    }

    /// Adds an int64 constant.
    pub fn int64s(&mut self, name: &str, dims: &[usize], values: &[i64]) -> String {
        let raw = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(name, dims, DataType::Int64, raw)
    }

    /// Adds a node with one output, called `name`.
    pub fn node(
        &mut self,
        operator: &str,
        name: &str,
        inputs: &[&str],
        attributes: &[Attribute<'_>],
    ) -> String {
        self.graph.node.push(node(operator, name, vec![name.into()], inputs, attributes));
        name.into()
    }

    /// Adds a call of a function, whose output is called `name`.
    pub fn call(
        &mut self,
        (function, precision): (Function, Precision),
        name: &str,
        inputs: &[&str],
        attributes: &[Attribute<'_>],
    ) -> String {
        let operator = function.name(precision);
        let mut node = node(operator, name, vec![name.into()], inputs, attributes);
        node.domain = DOMAIN.into();
        self.graph.node.push(node);
        self.functions.insert((function, precision));
        self.functions.extend(function.calls().iter().map(|&called| (called, precision)));
        name.into()
    }

    pub fn to_float(&mut self, name: &str, input: &str) -> String {
        self.node("Cast", name, &[input], &[Attribute::Int("to", DataType::Float as i64)])
    }

    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        let import =
            |domain: &str, version| pb::OperatorSetIdProto { domain: domain.into(), version };
        let mut opsets = vec![import("", OPSET)];
        if !(self.functions.is_empty() && self.kept.is_empty()) {
            opsets.push(import(DOMAIN, VERSION));
        }
        let mut functions = self.kept;
        for (function, precision) in self.functions {
            let name = Some(function.name(precision));
            if !functions.iter().any(|kept| kept.name.as_deref() == name) {
                functions.push(function.definition(precision));
            }
        }
        pb::ModelProto {
            ir_version: IR_VERSION,
            opset_import: opsets,
            functions,
            producer_name: "pointsman-trainer".into(),
            producer_version: env!("CARGO_PKG_VERSION").into(),
            graph: Some(self.graph),
            ..Default::default()
        }
        .encode_to_vec()
    }

    fn constant(&mut self, name: &str, dims: &[usize], kind: DataType, raw: Vec<u8>) -> String {
        self.graph.initializer.push(pb::TensorProto {
            name: name.into(),
            dims: dims.iter().map(|&d| d as i64).collect(),
            data_type: kind as i32,
            raw_data: raw,
            ..Default::default()
        });
        name.into()
    }
}

fn value_info(name: &str, element: Value, shape: &[&str]) -> pb::ValueInfoProto {
    let dim = shape
        .iter()
        .map(|d| Dimension {
            denotation: String::new(),
            value: Some(match d.parse() {
                Ok(size) => dimension::Value::DimValue(size),
                Err(_) => dimension::Value::DimParam((*d).into()),
            }),
        })
        .collect();
    let elem_type = match element {
        Value::Float => DataType::Float,
        Value::Int64 => DataType::Int64,
    };
    let tensor = pb::type_proto::Tensor {
        elem_type: elem_type as i32,
        shape: Some(pb::TensorShapeProto { dim }),
    };
    pb::ValueInfoProto {
        name: name.into(),
        r#type: Some(pb::TypeProto {
            denotation: String::new(),
            value: Some(pb::type_proto::Value::TensorType(tensor)),
        }),
        ..Default::default()
    }
}
