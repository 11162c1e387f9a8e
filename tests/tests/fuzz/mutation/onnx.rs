//! Damages an ONNX graph by its nodes and constants, so that it still parses and reaches the engine's
//! own reader.

use prost::Message;
use rand::{RngExt, seq::IndexedRandom};
use tract_onnx::pb::{AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto};

use super::{Rng, bytes};

const OPERATORS: [&str; 33] = [
    "TokenBag",
    "TokenBagInt8",
    "NgramBag",
    "NgramBagInt8",
    "BertEmbeddings",
    "BertEmbeddingsInt8",
    "FactorisedBertEmbeddings",
    "FactorisedBertEmbeddingsInt8",
    "EncoderLayer",
    "EncoderLayerInt8",
    "MeanPool",
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Max",
    "Sqrt",
    "Log",
    "Exp",
    "Cast",
    "Identity",
    "Relu",
    "MatMul",
    "DequantizeLinear",
    "ReduceSum",
    "ReduceMax",
    "ReduceL2",
    "Softmax",
    "Gather",
    "Concat",
    "Slice",
    "Loop",
    "Reshape",
];
const NUMBERS: [i64; 20] = [
    0,
    1,
    2,
    3,
    4,
    7,
    8,
    16,
    63,
    64,
    255,
    1 << 16,
    1 << 20,
    1 << 31,
    1 << 32,
    1 << 40,
    1 << 62,
    i64::MAX,
    i64::MIN,
    -1,
];
const FLOATS: [f32; 9] =
    [0.0, -0.0, 1.0, -1.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, 1e-45];

/// Damages a model in one to four places, or its bytes.
pub fn mutate(rng: &mut Rng, input: &[u8], other: &[u8]) -> Vec<u8> {
    if rng.random_ratio(1, 5) {
        return bytes::mutate(rng, input, other, &[]);
    }
    let (Ok(mut model), other) = (ModelProto::decode(input), ModelProto::decode(other)) else {
        return bytes::mutate(rng, input, other, &[]);
    };
    let other = other.ok().and_then(|model| model.graph).unwrap_or_default();
    if let Some(graph) = &mut model.graph {
        for _ in 0..[1, 1, 2, 4][rng.random_range(0..4)] {
            once(rng, graph, &other);
        }
    }
    model.encode_to_vec()
}

fn number(rng: &mut Rng) -> i64 {
    match rng.random_ratio(1, 3) {
        true => NUMBERS.choose(rng).copied().unwrap_or_default(),
        false => rng.random_range(-2..70),
    }
}

/// The name of any value of the graph.
fn name(rng: &mut Rng, graph: &GraphProto) -> String {
    let outputs = graph.node.iter().flat_map(|node| &node.output);
    let constants = graph.initializer.iter().map(|tensor| &tensor.name);
    let inputs = graph.input.iter().map(|input| &input.name);
    let names: Vec<&String> = outputs.chain(constants).chain(inputs).collect();
    names.choose(rng).map(|name| (*name).clone()).unwrap_or_default()
}

fn once(rng: &mut Rng, graph: &mut GraphProto, other: &GraphProto) {
    let any = name(rng, graph);
    match rng.random_range(0..14) {
        0..=5 => {
            let count = graph.node.len();
            if count > 0 {
                let at = rng.random_range(0..count);
                damage_node(rng, &mut graph.node[at], any);
            }
        }
        6..=9 => {
            let count = graph.initializer.len();
            if count > 0 {
                let at = rng.random_range(0..count);
                damage_tensor(rng, &mut graph.initializer[at], any);
            }
        }
        10 => {
            let count = graph.node.len();
            if count > 0 {
                let (at, second) = (rng.random_range(0..count), rng.random_range(0..count));
                match rng.random_range(0..3) {
                    0 => drop(graph.node.remove(at)),
                    1 => graph.node.swap(at, second),
                    _ => {
                        let mut copy = graph.node[at].clone();
                        copy.output = vec![format!("copy{at}")];
                        graph.node.insert(second, copy);
                    }
                }
            }
        }
        11 => {
            let nodes: Vec<&NodeProto> = other.node.iter().collect();
            if let Some(&node) = nodes.choose(rng) {
                let at = rng.random_range(0..=graph.node.len());
                graph.node.insert(at, node.clone());
                graph.initializer.extend(other.initializer.iter().cloned());
            }
        }
        12 => {
            let list = if rng.random() { &mut graph.output } else { &mut graph.input };
            let count = list.len();
            if count > 0 {
                let at = rng.random_range(0..count);
                match rng.random_range(0..3) {
                    0 => drop(list.remove(at)),
                    1 => list[at].name = any,
                    _ => list.insert(at, list[at].clone()),
                }
            }
        }
        _ => {
            // A node of any operator on any values, in place of one that computes an output.
            let inputs = (0..rng.random_range(0..4)).map(|_| name(rng, graph)).collect();
            let op_type = OPERATORS.choose(rng).copied().unwrap_or_default().to_owned();
            let output = vec![name(rng, graph)];
            let mut axis = attribute(rng);
            axis.name = ["axis", "axes", "keepdims", "epsilon", "heads_shape"]
                .choose(rng)
                .copied()
                .unwrap_or_default()
                .into();
            let node = NodeProto {
                input: inputs,
                output,
                op_type,
                name: format!("added{}", graph.node.len()),
                attribute: vec![axis],
                ..NodeProto::default()
            };
            let at = rng.random_range(0..=graph.node.len());
            graph.node.insert(at, node);
        }
    }
}

fn attribute(rng: &mut Rng) -> AttributeProto {
    AttributeProto {
        i: number(rng),
        f: FLOATS.choose(rng).copied().unwrap_or_default(),
        ints: (0..rng.random_range(0..6)).map(|_| number(rng)).collect(),
        ..AttributeProto::default()
    }
}

fn damage_node(rng: &mut Rng, node: &mut NodeProto, any: String) {
    let inputs = node.input.len();
    match rng.random_range(0..9) {
        0 => node.op_type = OPERATORS.choose(rng).copied().unwrap_or_default().to_owned(),
        1 if inputs > 0 => node.input[rng.random_range(0..inputs)] = any,
        2 if inputs > 0 => drop(node.input.remove(rng.random_range(0..inputs))),
        3 => node.input.insert(rng.random_range(0..=inputs), any),
        4 if inputs > 1 => {
            let (at, second) = (rng.random_range(0..inputs), rng.random_range(0..inputs));
            node.input.swap(at, second);
        }
        5 => node.output = vec![any],
        6 => node.name = any,
        7 => node.domain = ["", "ai.onnx", "pointsman", "x"][rng.random_range(0..4)].into(),
        _ => {
            let fresh = attribute(rng);
            match node.attribute.len() {
                0 => node.attribute.push(fresh),
                count => {
                    let at = rng.random_range(0..count);
                    match rng.random_range(0..3) {
                        0 => drop(node.attribute.remove(at)),
                        1 => {
                            let ints = &mut node.attribute[at].ints;
                            match ints.is_empty() {
                                true => node.attribute[at].i = fresh.i,
                                false => {
                                    let place = rng.random_range(0..ints.len());
                                    ints[place] = number(rng);
                                }
                            }
                        }
                        _ => {
                            let name = node.attribute[at].name.clone();
                            node.attribute[at] = AttributeProto { name, ..fresh };
                        }
                    }
                }
            }
        }
    }
}

fn damage_tensor(rng: &mut Rng, tensor: &mut TensorProto, any: String) {
    let (dims, length) = (tensor.dims.len(), tensor.raw_data.len());
    match rng.random_range(0..9) {
        0 if dims > 0 => tensor.dims[rng.random_range(0..dims)] = number(rng),
        1 if dims > 0 => drop(tensor.dims.remove(rng.random_range(0..dims))),
        2 => tensor.dims.insert(rng.random_range(0..=dims), number(rng)),
        3 if dims > 1 => tensor.dims.swap(0, dims - 1),
        4 => tensor.data_type = rng.random_range(-1..18),
        5 => tensor.name = any,
        6 if length >= 4 => {
            // A number of the constant: NaN, an infinity, an index beyond every table.
            let at = rng.random_range(0..length / 4) * 4;
            let float = FLOATS.choose(rng).copied().unwrap_or_default().to_le_bytes();
            tensor.raw_data[at..at + 4].copy_from_slice(&float);
        }
        7 if length >= 8 => {
            let at = rng.random_range(0..length / 8) * 8;
            tensor.raw_data[at..at + 8].copy_from_slice(&number(rng).to_le_bytes());
        }
        _ => {
            // A consistent constant of another shape.
            let size = match tensor.data_type {
                1 => 4,
                7 => 8,
                _ => 1,
            };
            let shape: Vec<i64> =
                (0..rng.random_range(0..4)).map(|_| rng.random_range(0..9)).collect();
            let count: i64 = shape.iter().product();
            tensor.raw_data.resize(usize::try_from(count).unwrap_or_default() * size, 1);
            tensor.dims = shape;
        }
    }
}
