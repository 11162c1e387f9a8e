//! Nodes of ONNX's own operators and their attributes, as protobuf.

use tract_onnx::pb;
use tract_onnx::pb::tensor_proto::DataType;

/// Version of the operator set that graphs and functions use.
pub(super) const OPSET: i64 = 17;

/// An attribute of a node.
#[derive(Debug, Clone, Copy)]
pub enum Attribute<'a> {
    Int(&'a str, i64),
    Float(&'a str, f32),
    /// A tensor of one float and no axis. A `Float` of 0 would not be written, and some readers
    /// then reject the node.
    Scalar(&'a str, f32),
    Ints(&'a str, &'a [i64]),
}

/// A node of ONNX's own operators.
pub(super) fn node(
    operator: &str,
    name: &str,
    outputs: Vec<String>,
    inputs: &[&str],
    attributes: &[Attribute<'_>],
) -> pb::NodeProto {
    pb::NodeProto {
        op_type: operator.into(),
        name: name.into(),
        input: inputs.iter().map(|&i| i.into()).collect(),
        output: outputs,
        attribute: attributes.iter().map(attribute).collect(),
        ..Default::default()
    }
}

pub(super) fn attribute(attribute: &Attribute<'_>) -> pb::AttributeProto {
    use pb::attribute_proto::AttributeType;
    let base = |name: &str, kind: AttributeType| pb::AttributeProto {
        name: name.into(),
        r#type: kind as i32,
        ..Default::default()
    };
    match *attribute {
        Attribute::Int(name, i) => pb::AttributeProto { i, ..base(name, AttributeType::Int) },
        Attribute::Float(name, f) => pb::AttributeProto { f, ..base(name, AttributeType::Float) },
        Attribute::Scalar(name, value) => {
            let tensor = pb::TensorProto {
                data_type: DataType::Float as i32,
                raw_data: value.to_le_bytes().to_vec(),
                ..Default::default()
            };
            pb::AttributeProto { t: Some(tensor), ..base(name, AttributeType::Tensor) }
        }
        Attribute::Ints(name, ints) => {
            pb::AttributeProto { ints: ints.to_vec(), ..base(name, AttributeType::Ints) }
        }
    }
}
