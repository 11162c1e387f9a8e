//! Functions that encoder graphs are written in, each defined by ONNX's own operators.
//!
//! A model file contains the definitions of the functions that it calls (ONNX's model-local
//! functions), so any runtime can expand them; the engine has a fused operator for each instead.
//! Tests compare each fused operator with its definition.
//!
//! ```text
//! TokenBag(ids, mask, tokens, table)         mask table[ids] / sqrt(tokens)                 [1, D]
//! NgramBag(ids, counts, table)               w table[ids] / |w|, w = ln(1 + counts)            [1, D]
//! BertEmbeddings(ids, words, positions, gamma, beta)
//!                                            norm(words[ids] + positions[0..S])             [1, S, H]
//! FactorisedBertEmbeddings(ids, words, basis, positions, gamma, beta)
//!                                            norm(words[ids] basis + positions[0..S])       [1, S, H]
//! EncoderLayer(hidden, mask, ...)            one transformer layer                          [1, S, H]
//! MeanPool(hidden, mask, tokens)             mask hidden / tokens                           [1, H]
//! Dense(x, weight, bias)                     x weight + bias
//! ```
//! Names of int8 variants end in `Int8`: a table is then followed by one scale for each row, a
//! weight by one scale for each output, and so is the table of `NgramBagInt8`. `DenseInt8` quantises each row of its input at run time, to
//! 8 bits with a zero point, and multiplies it by weights of seven bits:
//!
//! ```text
//! least = min(0, min x), most = max(0, max x), zero = round(-least 255 / (most - least))
//! q     = clip(round(x 255 / (most - least)) + zero, 0, 255)                                uint8
//! y     = (q weight - zero sum_k weight[k]) * ((most - least) / 255 * scales) + bias
//! ```

use tract_onnx::pb;

pub use pointsman::FUNCTION_DOMAIN as DOMAIN;

use super::node::{Attribute, OPSET, attribute, node};
use crate::precision::Precision;

pub const VERSION: i64 = 1;

/// A function that graphs call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    /// The weighted sum of rows of a table.
    TokenBag,
    /// The mean of rows of a table, weighted by how often each occurs.
    NgramBag,
    /// The normalised sum of word and position embeddings.
    BertEmbeddings,
    /// [`Self::BertEmbeddings`] with words of few numbers, times a basis in float.
    FactorisedBertEmbeddings,
    EncoderLayer,
    /// The mean of hidden states.
    MeanPool,
    /// `x weight + bias`.
    Dense,
}

impl Function {
    /// Name in the model file.
    #[must_use]
    pub fn name(self, precision: Precision) -> &'static str {
        match (self, precision) {
            (Self::TokenBag, Precision::Float) => "TokenBag",
            (Self::TokenBag, Precision::Int8) => "TokenBagInt8",
            (Self::NgramBag, Precision::Float) => "NgramBag",
            (Self::NgramBag, Precision::Int8) => "NgramBagInt8",
            (Self::BertEmbeddings, Precision::Float) => "BertEmbeddings",
            (Self::BertEmbeddings, Precision::Int8) => "BertEmbeddingsInt8",
            (Self::FactorisedBertEmbeddings, Precision::Float) => "FactorisedBertEmbeddings",
            (Self::FactorisedBertEmbeddings, Precision::Int8) => "FactorisedBertEmbeddingsInt8",
            (Self::EncoderLayer, Precision::Float) => "EncoderLayer",
            (Self::EncoderLayer, Precision::Int8) => "EncoderLayerInt8",
            (Self::MeanPool, _) => "MeanPool",
            (Self::Dense, Precision::Float) => "Dense",
            (Self::Dense, Precision::Int8) => "DenseInt8",
        }
    }

    /// The functions that it calls.
    pub(super) fn calls(self) -> &'static [Self] {
        match self {
            Self::EncoderLayer => &[Self::Dense],
            _ => &[],
        }
    }

    pub(super) fn definition(self, precision: Precision) -> pb::FunctionProto {
        let mut body = Body::new(self.name(precision), precision);
        match self {
            Self::TokenBag => token_bag(&mut body),
            Self::NgramBag => ngram_bag(&mut body),
            Self::BertEmbeddings => bert_embeddings(&mut body, false),
            Self::FactorisedBertEmbeddings => bert_embeddings(&mut body, true),
            Self::EncoderLayer => encoder_layer(&mut body),
            Self::MeanPool => mean_pool(&mut body),
            Self::Dense => dense(&mut body),
        }
        body.function
    }
}

/// A function definition being built.
struct Body {
    function: pb::FunctionProto,
    precision: Precision,
}

impl Body {
    fn new(name: &str, precision: Precision) -> Self {
        let import =
            |domain: &str, version| pb::OperatorSetIdProto { domain: domain.into(), version };
        let function = pb::FunctionProto {
            name: Some(name.into()),
            domain: Some(DOMAIN.into()),
            opset_import: vec![import("", OPSET), import(DOMAIN, VERSION)],
            ..Default::default()
        };
        Self { function, precision }
    }

    fn inputs<const N: usize>(&mut self, names: [&'static str; N]) {
        self.function.input.extend(names.map(String::from));
    }

    /// Adds the input of a table or weight, and in int8 its scales.
    fn weights(&mut self, name: &str) {
        self.function.input.push(name.into());
        if self.precision == Precision::Int8 {
            self.function.input.push(format!("{name}_scales"));
        }
    }

    /// Sets the value that the function returns.
    fn output(&mut self, name: &str) {
        self.function.output.push(name.into());
    }

    fn push(&mut self, node: pb::NodeProto) {
        self.function.node.push(node);
    }

    fn node(
        &mut self,
        operator: &str,
        output: &str,
        inputs: &[&str],
        attributes: &[Attribute<'_>],
    ) {
        self.push(node(operator, output, vec![output.into()], inputs, attributes));
    }

    fn float(&mut self, name: &str, value: f32) {
        self.node("Constant", name, &[], &[Attribute::Scalar("value", value)]);
    }

    fn ints(&mut self, name: &str, values: &[i64]) {
        self.node("Constant", name, &[], &[Attribute::Ints("value_ints", values)]);
    }

    /// Passes an attribute of the function on to a node.
    fn passed_on(&mut self, name: &str, own: Attribute<'_>) -> pb::AttributeProto {
        if !self.function.attribute.iter().any(|known| known == name) {
            self.function.attribute.push(name.into());
        }
        pb::AttributeProto { ref_attr_name: name.into(), ..attribute(&own) }
    }

    /// Adds `table[ids]`, dequantised: `[1, S, D]`.
    fn rows(&mut self, table: &str, output: &str, take: impl Fn(&mut Self, &str, &str)) {
        match self.precision {
            Precision::Float => take(self, table, output),
            Precision::Int8 => {
                let [rows, floats, scales, column] =
                    ["int8", "float", "scales", "column"].map(|part| format!("{output}_{part}"));
                take(self, table, &rows);
                self.cast_to_float(&rows, &floats);
                let axes = format!("{output}_axes");
                self.ints(&axes, &[1]);
                self.node("Unsqueeze", &column, &[&format!("{table}_scales"), &axes], &[]);
                take(self, &column, &scales);
                self.node("Mul", output, &[&floats, &scales], &[]);
            }
        }
    }

    fn cast_to_float(&mut self, input: &str, output: &str) {
        let float = pb::tensor_proto::DataType::Float as i64;
        self.node("Cast", output, &[input], &[Attribute::Int("to", float)]);
    }

    /// Adds `weights [1, S] rows [1, S, D]`: `[1, D]`.
    fn weighted_sum(&mut self, output: &str, weights: &str, rows: &str) {
        self.ints("axis_1", &[1]);
        self.node("Unsqueeze", "weight_row", &[weights, "axis_1"], &[]);
        self.node("MatMul", "sum", &["weight_row", rows], &[]);
        self.node("Squeeze", output, &["sum", "axis_1"], &[]);
    }

    fn norm(&mut self, output: &str, x: &str, gamma: &str, beta: &str) {
        let epsilon = self.passed_on("epsilon", Attribute::Float("epsilon", 0.0));
        let last = [Attribute::Int("axis", -1)];
        let mut node =
            node("LayerNormalization", output, vec![output.into()], &[x, gamma, beta], &last);
        node.attribute.push(epsilon);
        self.push(node);
    }

    /// Calls [`Function::Dense`] with the inputs that [`Body::weights`] and a bias made.
    fn dense(&mut self, output: &str, x: &str, weight: &str) {
        let (scales, bias) = (format!("{weight}_scales"), format!("{weight}_bias"));
        let inputs = match self.precision {
            Precision::Float => vec![x, weight, &bias],
            Precision::Int8 => vec![x, weight, &scales, &bias],
        };
        let name = Function::Dense.name(self.precision);
        let mut call = node(name, output, vec![output.into()], &inputs, &[]);
        call.domain = DOMAIN.into();
        self.push(call);
    }

    fn dense_inputs(&mut self, weight: &str) {
        self.weights(weight);
        self.function.input.push(format!("{weight}_bias"));
    }
}

fn token_bag(body: &mut Body) {
    body.inputs(["ids", "mask", "tokens"]);
    body.weights("table");
    let axis = [Attribute::Int("axis", 0)];
    body.node("Gather", "taken", &["table", "ids"], &axis);
    // One product dequantises and pools.
    let (rows, weights) = match body.precision {
        Precision::Float => ("taken", "mask"),
        Precision::Int8 => {
            body.cast_to_float("taken", "rows");
            body.node("Gather", "scales", &["table_scales", "ids"], &axis);
            body.node("Mul", "weights", &["scales", "mask"], &[]);
            ("rows", "weights")
        }
    };
    body.weighted_sum("sum_row", weights, rows);
    body.node("Sqrt", "root", &["tokens"], &[]);
    body.node("Div", "pooled", &["sum_row", "root"], &[]);
    body.output("pooled");
}

fn ngram_bag(body: &mut Body) {
    body.inputs(["ids", "counts"]);
    body.weights("table");
    body.float("one", 1.0);
    body.node("Add", "counts_and_one", &["counts", "one"], &[]);
    body.node("Log", "weights", &["counts_and_one"], &[]);
    let axes = [Attribute::Ints("axes", &[1]), Attribute::Int("keepdims", 1)];
    body.node("ReduceL2", "length", &["weights"], &axes);
    body.node("Gather", "taken", &["table", "ids"], &[Attribute::Int("axis", 0)]);
    let sum = match body.precision {
        Precision::Float => {
            body.weighted_sum("sum_row", "weights", "taken");
            "sum_row"
        }
        Precision::Int8 => {
            body.cast_to_float("taken", "rows");
            body.weighted_sum("sum_row", "weights", "rows");
            body.node("Mul", "sum_scaled", &["sum_row", "table_scales"], &[]);
            "sum_scaled"
        }
    };
    body.node("Div", "pooled", &[sum, "length"], &[]);
    body.output("pooled");
}

fn bert_embeddings(body: &mut Body, factorised: bool) {
    body.inputs(["ids"]);
    body.weights("words");
    if factorised {
        body.inputs(["basis"]);
    }
    body.weights("positions");
    body.inputs(["gamma", "beta"]);
    let words = if factorised { "word_codes" } else { "word_rows" };
    body.rows("words", words, |body, table, output| {
        body.node("Gather", output, &[table, "ids"], &[Attribute::Int("axis", 0)]);
    });
    if factorised {
        body.node("MatMul", "word_rows", &[words, "basis"], &[]);
    }
    body.node("Shape", "shape", &["ids"], &[]);
    for (name, value) in [("zero", 0), ("one", 1), ("two", 2)] {
        body.ints(name, &[value]);
    }
    body.node("Slice", "length", &["shape", "one", "two"], &[]);
    body.rows("positions", "position_rows", |body, table, output| {
        body.node("Slice", output, &[table, "zero", "length", "zero"], &[]);
    });
    body.node("Add", "both", &["word_rows", "position_rows"], &[]);
    body.norm("hidden", "both", "gamma", "beta");
    body.output("hidden");
}

fn mean_pool(body: &mut Body) {
    body.inputs(["hidden", "mask", "tokens"]);
    body.weighted_sum("sum_row", "mask", "hidden");
    body.node("Div", "pooled", &["sum_row", "tokens"], &[]);
    body.output("pooled");
}

fn dense(body: &mut Body) {
    body.inputs(["x"]);
    body.dense_inputs("weight");
    body.output("y");
    if body.precision == Precision::Float {
        body.node("MatMul", "product", &["x", "weight"], &[]);
        body.node("Add", "y", &["product", "weight_bias"], &[]);
        return;
    }
    for (name, value) in [("nothing", 0.0), ("steps", 255.0), ("least_range", 1e-20)] {
        body.float(name, value);
    }
    let last = [Attribute::Ints("axes", &[-1]), Attribute::Int("keepdims", 1)];
    for (end, reduce, bound) in [("least", "ReduceMin", "Min"), ("most", "ReduceMax", "Max")] {
        let found = format!("{end}_found");
        body.node(reduce, &found, &["x"], &last);
        body.node(bound, end, &[&found, "nothing"], &[]);
    }
    body.node("Sub", "range_found", &["most", "least"], &[]);
    body.node("Max", "range", &["range_found", "least_range"], &[]);
    body.node("Div", "inverse", &["steps", "range"], &[]);
    body.node("Div", "step", &["range", "steps"], &[]);
    body.node("Neg", "below", &["least"], &[]);
    body.node("Mul", "below_steps", &["below", "inverse"], &[]);
    body.node("Round", "zero", &["below_steps"], &[]);
    body.node("Mul", "x_steps", &["x", "inverse"], &[]);
    body.node("Round", "x_rounded", &["x_steps"], &[]);
    body.node("Add", "x_shifted", &["x_rounded", "zero"], &[]);
    body.node("Clip", "x_clipped", &["x_shifted", "nothing", "steps"], &[]);
    let uint8 = pb::tensor_proto::DataType::Uint8 as i64;
    body.node("Cast", "q", &["x_clipped"], &[Attribute::Int("to", uint8)]);
    body.node("MatMulInteger", "sums_int32", &["q", "weight"], &[]);
    body.cast_to_float("sums_int32", "sums");
    body.cast_to_float("weight", "weight_float");
    body.ints("axis_0", &[0]);
    let keep = [Attribute::Int("keepdims", 1)];
    body.node("ReduceSum", "column_sums", &["weight_float", "axis_0"], &keep);
    body.node("Mul", "of_zero", &["zero", "column_sums"], &[]);
    body.node("Sub", "centred", &["sums", "of_zero"], &[]);
    body.node("Mul", "scale", &["step", "weight_scales"], &[]);
    body.node("Mul", "product", &["centred", "scale"], &[]);
    body.node("Add", "y", &["product", "weight_bias"], &[]);
}

fn encoder_layer(body: &mut Body) {
    body.inputs(["hidden", "mask"]);
    for (weight, norm) in [
        ("projection", None),
        ("output", Some(["attention_gamma", "attention_beta"])),
        ("up", None),
        ("down", Some(["output_gamma", "output_beta"])),
    ] {
        body.dense_inputs(weight);
        if let Some(norm) = norm {
            body.inputs(norm);
        }
    }
    body.dense("projected", "hidden", "projection");
    let thirds = ["query", "key", "value"];
    let last = [Attribute::Int("axis", -1)];
    body.push(node("Split", "thirds", thirds.map(String::from).to_vec(), &["projected"], &last));
    let shape = body.passed_on("heads_shape", Attribute::Ints("value_ints", &[]));
    let mut constant = node("Constant", "by_head", vec!["by_head".into()], &[], &[]);
    constant.attribute.push(shape);
    body.push(constant);
    for (part, order) in thirds.into_iter().zip([[0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]]) {
        let split = format!("{part}_split");
        body.node("Reshape", &split, &[part, "by_head"], &[]);
        let order = [Attribute::Ints("perm", &order)];
        body.node("Transpose", &format!("{part}_heads"), &[&split], &order);
    }
    body.float("one", 1.0);
    body.float("large", 1e9);
    body.ints("axes_1_2", &[1, 2]);
    body.node("Sub", "absent", &["mask", "one"], &[]);
    body.node("Mul", "bias_row", &["absent", "large"], &[]);
    body.node("Unsqueeze", "bias", &["bias_row", "axes_1_2"], &[]);
    body.node("MatMul", "scores", &["query_heads", "key_heads"], &[]);
    body.node("Add", "scores_masked", &["scores", "bias"], &[]);
    body.node("Softmax", "shares", &["scores_masked"], &last);
    body.node("MatMul", "mixed", &["shares", "value_heads"], &[]);
    let order = [Attribute::Ints("perm", &[0, 2, 1, 3])];
    body.node("Transpose", "mixed_tokens", &["mixed"], &order);
    body.ints("joined_shape", &[0, 0, -1]);
    body.node("Reshape", "context", &["mixed_tokens", "joined_shape"], &[]);
    body.dense("attended", "context", "output");
    body.node("Add", "attended_sum", &["hidden", "attended"], &[]);
    body.norm("middle", "attended_sum", "attention_gamma", "attention_beta");
    body.dense("raised", "middle", "up");
    body.float("half", 0.5);
    body.float("root_two", std::f32::consts::SQRT_2);
    body.node("Div", "erf_input", &["raised", "root_two"], &[]);
    body.node("Erf", "erf", &["erf_input"], &[]);
    body.node("Add", "erf_above", &["erf", "one"], &[]);
    body.node("Mul", "share", &["erf_above", "half"], &[]);
    body.node("Mul", "active", &["raised", "share"], &[]);
    body.dense("lowered", "active", "down");
    body.node("Add", "lowered_sum", &["middle", "lowered"], &[]);
    body.norm("next_hidden", "lowered_sum", "output_gamma", "output_beta");
    body.output("next_hidden");
}
