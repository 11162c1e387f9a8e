//! Rewrites an exported graph: with its functions expanded, for runtimes that know only ONNX's own
//! operators; and with matrix products that ONNX Runtime fuses, for a fair benchmark.

use std::collections::HashMap;

use anyhow::{Context, Result};
use pointsman_trainer::export::functions::{DOMAIN, Function};
use pointsman_trainer::precision::Precision;
use prost::Message;
use tract_onnx::pb;

/// Replaces every function call in a model file by the function's nodes.
///
/// # Errors
/// If the bytes are not a model, or call an undefined function.
pub fn expanded(model: &[u8]) -> Result<Vec<u8>> {
    let mut model = pb::ModelProto::decode(model)?;
    let functions: HashMap<String, pb::FunctionProto> =
        model.functions.drain(..).map(|f| (f.name.clone().unwrap_or_default(), f)).collect();
    let graph = model.graph.as_mut().context("the model has no graph")?;
    let mut nodes = Vec::new();
    for node in graph.node.drain(..) {
        expand(node, &functions, &mut nodes)?;
    }
    graph.node = nodes;
    Ok(model.encode_to_vec())
}

fn expand(
    call: pb::NodeProto,
    functions: &HashMap<String, pb::FunctionProto>,
    nodes: &mut Vec<pb::NodeProto>,
) -> Result<()> {
    if call.domain != DOMAIN {
        nodes.push(call);
        return Ok(());
    }
    let function =
        functions.get(&call.op_type).with_context(|| format!("{} is not defined", call.op_type))?;
    let mut names: HashMap<&str, &str> = HashMap::new();
    let pairs = function.input.iter().zip(&call.input);
    names.extend(pairs.chain(function.output.iter().zip(&call.output)).map(|(a, b)| (&**a, &**b)));
    let renamed = |name: &String| match names.get(&**name) {
        Some(outside) => (*outside).to_owned(),
        None => format!("{}/{name}", call.name),
    };
    for inner in &function.node {
        let mut node = inner.clone();
        node.name = format!("{}/{}", call.name, inner.name);
        node.input = inner.input.iter().map(renamed).collect();
        node.output = inner.output.iter().map(renamed).collect();
        for attribute in &mut node.attribute {
            if attribute.ref_attr_name.is_empty() {
                continue;
            }
            let given = call.attribute.iter().find(|given| given.name == attribute.ref_attr_name);
            let given =
                given.with_context(|| format!("{} is not given", attribute.ref_attr_name))?;
            *attribute = pb::AttributeProto { name: attribute.name.clone(), ..given.clone() };
        }
        expand(node, functions, nodes)?;
    }
    Ok(())
}

/// Rewrites a model file to one activation scale per tensor instead of one per token, the pattern that
/// ONNX Runtime runs as one operator. The weights are the same, the results less exact.
///
/// # Errors
/// If the bytes are not a model.
pub fn with_tensor_scales(model: &[u8]) -> Result<Vec<u8>> {
    let mut model = pb::ModelProto::decode(model)?;
    let name = Function::Dense.name(Precision::Int8);
    for function in model.functions.iter_mut().filter(|f| f.name.as_deref() == Some(name)) {
        let node = |operator: &str, inputs: &[&str], outputs: &[&str]| pb::NodeProto {
            op_type: operator.into(),
            name: outputs[0].into(),
            input: inputs.iter().map(|&name| name.into()).collect(),
            output: outputs.iter().map(|&name| name.into()).collect(),
            ..Default::default()
        };
        let mut cast = node("Cast", &["sums"], &["sums_float"]);
        cast.attribute.push(pb::AttributeProto {
            name: "to".into(),
            r#type: pb::attribute_proto::AttributeType::Int as i32,
            i: pb::tensor_proto::DataType::Float as i64,
            ..Default::default()
        });
        function.node = vec![
            node("DynamicQuantizeLinear", &["x"], &["q", "step", "zero"]),
            node("MatMulInteger", &["q", "weight", "zero"], &["sums"]),
            cast,
            node("Mul", &["step", "weight_scales"], &["scale"]),
            node("Mul", &["sums_float", "scale"], &["product"]),
            node("Add", &["product", "weight_bias"], &["y"]),
        ];
    }
    Ok(model.encode_to_vec())
}
