//! An int8 router in the form that ONNX Runtime runs fastest, to measure it at its best.
//!
//! The exporter's `DenseInt8` quantises each row of its input by itself. ONNX Runtime has a kernel
//! for one scale over the whole input, and fuses these nodes into it:
//!
//! ```text
//! q, step, zero = DynamicQuantizeLinear(x)
//! y             = Cast(MatMulInteger(q, weight, zero)) * (weight_scales * step) + weight_bias
//! ```
//! A file carries the definitions of its functions, so another definition of this one makes the
//! other form, of the same weights. Its answers are those of a coarser quantisation.

use anyhow::{Context, Result};
use prost::Message;
use tract_onnx::pb;

/// The exporter's function that is defined anew.
const DENSE: &str = "DenseInt8";

/// A model file whose int8 products have one scale for the whole of their input.
///
/// # Errors
/// Where the bytes are no ONNX model, or one without `DenseInt8`.
pub fn per_tensor(model: &[u8]) -> Result<Vec<u8>> {
    let mut model = pb::ModelProto::decode(model).context("no ONNX model")?;
    let dense = model
        .functions
        .iter_mut()
        .find(|function| function.name.as_deref() == Some(DENSE))
        .with_context(|| format!("the model defines no function {DENSE}"))?;
    let float = pb::tensor_proto::DataType::Float as i64;
    let mut cast = node("Cast", &["sums_int32"], &["sums"]);
    cast.attribute.push(pb::AttributeProto {
        name: "to".into(),
        r#type: pb::attribute_proto::AttributeType::Int as i32,
        i: float,
        ..Default::default()
    });
    dense.node = vec![
        node("DynamicQuantizeLinear", &["x"], &["q", "step", "zero"]),
        node("MatMulInteger", &["q", "weight", "zero"], &["sums_int32"]),
        cast,
        node("Mul", &["weight_scales", "step"], &["scale"]),
        node("Mul", &["sums", "scale"], &["product"]),
        node("Add", &["product", "weight_bias"], &["y"]),
    ];
    Ok(model.encode_to_vec())
}

fn node(operator: &str, inputs: &[&str], outputs: &[&str]) -> pb::NodeProto {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    pb::NodeProto {
        op_type: operator.into(),
        name: outputs.concat(),
        input: names(inputs),
        output: names(outputs),
        ..Default::default()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::tiny;
    use switchyard_router::{Kind, MODEL_FILE};
    use switchyard_trainer::export::Precision;

    #[test]
    fn only_the_definition_of_the_product_changes_and_it_keeps_its_inputs() {
        let folder = tempfile::tempdir().unwrap();
        let draft = tiny::bundle_of(Kind::Mf, "transformer", Precision::Int8).unwrap();
        draft.write(&folder.path().join("bundle")).unwrap();
        let before = std::fs::read(folder.path().join("bundle").join(MODEL_FILE)).unwrap();
        let after = pb::ModelProto::decode(per_tensor(&before).unwrap().as_slice()).unwrap();
        let before = pb::ModelProto::decode(before.as_slice()).unwrap();
        assert_eq!(before.graph, after.graph);
        assert_eq!(before.functions.len(), after.functions.len());
        for (old, new) in before.functions.iter().zip(&after.functions) {
            assert_eq!((&old.name, &old.input, &old.output), (&new.name, &new.input, &new.output));
            assert_eq!(old.node != new.node, old.name.as_deref() == Some(DENSE));
        }
    }

    #[test]
    fn a_model_without_such_a_product_is_refused() {
        let empty = pb::ModelProto::default().encode_to_vec();
        assert!(per_tensor(&empty).unwrap_err().to_string().contains(DENSE));
    }
}
