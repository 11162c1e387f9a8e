//! Adds an ONNX file's nodes, one by one, to tract's typed graph.
//!
//! The trainer's own functions (domain [`FUNCTION_DOMAIN`]) become fused operators; the ONNX operators
//! that the trainer writes around them become tract's. Each node is typed as it is added, so no
//! analysis of the whole graph follows, and only these operators are linked into the engine.

use std::collections::HashMap;

use tract_onnx::pb::{AttributeProto, NodeProto};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::array::{Slice, TypedConcat};
use tract_onnx::tract_core::ops::cast::cast;
use tract_onnx::tract_core::ops::change_axes::wire_with_rank_broadcast;
use tract_onnx::tract_core::ops::math;

use super::bert_embeddings::BertEmbeddings;
use super::constants::Constants;
use super::encoder_layer::{Dense, EncoderLayer, ScratchPool};
use super::fused::Fused;
use super::mean_pool::MeanPool;
use super::ngram_bag::{NgramBag, Values};
use super::row_function::RowFunction;
use super::row_product::RowProduct;
use super::table::Table;
use super::token_bag::TokenBag;
use super::token_numbers::TokenNumbers;
use super::token_state::TokenState;
use crate::kernels::{FloatWeights, Int8Weights, Isa, Norm};

/// The domain of the functions that the trainer writes and this engine fuses.
pub const FUNCTION_DOMAIN: &str = "pointsman";

/// Most numbers in a value that does not grow with the query: sixteen times the rows of a stored
/// kernel head.
const LARGEST_VALUE: usize = 1 << 20;
/// Most numbers a token in a value that does.
const LARGEST_STATE: usize = 1 << 14;
/// Most numbers in all values together, counted for one token.
const LARGEST_GRAPH: usize = 1 << 24;

/// A graph under construction with the kernels of one instruction set.
pub(super) struct Nodes<I: Isa> {
    pub model: TypedModel,
    /// S, the query's tokens.
    length: Symbol,
    /// Numbers in all values so far, for one token.
    computed: usize,
    constants: Constants,
    /// Values by their names in the file.
    wires: HashMap<String, OutletId>,
    /// int8 constants that a later product dequantises: the names of their values and scales.
    dequantised: HashMap<String, (String, String)>,
    scratch: ScratchPool<I>,
}

impl<I: Isa> Nodes<I> {
    /// `length` is the symbol of the query's tokens.
    pub fn new(model: TypedModel, length: Symbol, constants: Constants) -> Self {
        Self {
            model,
            length,
            computed: 0,
            constants,
            wires: HashMap::new(),
            dequantised: HashMap::new(),
            scratch: ScratchPool::default(),
        }
    }

    pub fn name(&mut self, name: &str, wire: OutletId) {
        self.wires.insert(name.to_owned(), wire);
    }

    pub fn get(&self, name: &str) -> Option<OutletId> {
        self.wires.get(name).copied()
    }

    /// Adds a node.
    ///
    /// # Errors
    /// Where it is not of an operator that this engine knows, does not fit, or has a larger output than
    /// any router needs.
    pub fn add(&mut self, node: &NodeProto) -> TractResult<()> {
        let wire = match &*node.domain {
            FUNCTION_DOMAIN => self.function(node),
            "" | "ai.onnx" => self.standard(node),
            _ => self.unknown(node),
        };
        let wire = wire
            .and_then(|wire| wire.map(|wire| self.within_limits(wire)).transpose())
            .with_context(|| format!("node {:?}, {}", node.name, node.op_type))?;
        if let (Some(wire), Some(output)) = (wire, node.output.first()) {
            self.name(output, wire);
        }
        Ok(())
    }

    /// Checks a value's size, which a broadcast or a concatenation of concatenations multiplies: the
    /// values of a graph of a few kilobytes could fill the memory.
    fn within_limits(&mut self, wire: OutletId) -> TractResult<OutletId> {
        let fact = self.model.outlet_fact(wire)?;
        let one_token = SymbolValues::default().with(&self.length, 1);
        let many_tokens = SymbolValues::default().with(&self.length, 2);
        let (mut size, mut growing) = (1_usize, 0);
        for dim in fact.shape.iter() {
            let dim_size = usize::try_from(dim.eval_to_i64(&one_token)?)?;
            size = size.saturating_mul(dim_size);
            growing += usize::from(usize::try_from(dim.eval_to_i64(&many_tokens)?)? != dim_size);
        }
        let limit = if growing == 0 { LARGEST_VALUE } else { LARGEST_STATE };
        self.computed = self.computed.saturating_add(size);
        if size > limit || growing > 1 || self.computed > LARGEST_GRAPH {
            bail!("its output {:?} is larger than any router's", fact.shape);
        }
        Ok(wire)
    }

    fn unknown<T>(&self, node: &NodeProto) -> TractResult<T> {
        let (domain, operator) = (&node.domain, &node.op_type);
        bail!(
            "this engine does not know the operator {domain:?} {operator:?}: export the bundle with \
             the trainer of the engine's version"
        )
    }

    fn input<'n>(&self, node: &'n NodeProto, at: usize) -> TractResult<&'n str> {
        match node.input.get(at) {
            Some(name) => Ok(name),
            None => bail!("it has {} inputs, expected {} or more", node.input.len(), at + 1),
        }
    }

    /// A node's input as a value of the graph; a constant becomes one.
    fn wire(&mut self, node: &NodeProto, at: usize) -> TractResult<OutletId> {
        let name = self.input(node, at)?;
        if let Some(wire) = self.get(name) {
            return Ok(wire);
        }
        let tensor = self.constants.tensor(name)?;
        let wire = self.model.add_const(name, tensor)?;
        self.name(name, wire);
        Ok(wire)
    }

    fn floats(&self, node: &NodeProto, at: usize) -> TractResult<Vec<f32>> {
        self.constants.floats(self.input(node, at)?)
    }

    fn int8s(&self, node: &NodeProto, at: usize) -> TractResult<Vec<i8>> {
        self.constants.int8s(self.input(node, at)?)
    }

    fn fused(
        &mut self,
        node: &NodeProto,
        op: Fused,
        inputs: usize,
    ) -> TractResult<Option<OutletId>> {
        let inputs: TVec<OutletId> =
            (0..inputs).map(|at| self.wire(node, at)).collect::<TractResult<_>>()?;
        Ok(self.model.wire_node(&node.name, op, &inputs)?.first().copied())
    }

    fn function(&mut self, node: &NodeProto) -> TractResult<Option<OutletId>> {
        match &*node.op_type {
            "TokenBag" | "TokenBagInt8" => {
                let (table, _) = self.table(node, 3)?;
                self.fused(node, Fused::new(TokenBag { table }), 3)
            }
            "NgramBag" | "NgramBagInt8" => {
                let width = self.constants.width(self.input(node, 2)?);
                let values = match &*node.op_type {
                    "NgramBag" => Values::Float(self.floats(node, 2)?),
                    _ => {
                        Values::Int8 { values: self.int8s(node, 2)?, scales: self.floats(node, 3)? }
                    }
                };
                self.fused(node, Fused::new(NgramBag::new(values, width)?), 2)
            }
            "BertEmbeddings"
            | "BertEmbeddingsInt8"
            | "FactorisedBertEmbeddings"
            | "FactorisedBertEmbeddingsInt8" => {
                let (words, mut next) = self.table(node, 1)?;
                let mut width = words.width;
                let mut basis = None;
                if node.op_type.starts_with("Factorised") {
                    let values = self.floats(node, next)?;
                    width = self.constants.width(self.input(node, next)?);
                    if width.checked_mul(words.width) != Some(values.len()) {
                        bail!("a basis of {} values for words of {}", values.len(), words.width);
                    }
                    basis = Some(values);
                    next += 1;
                }
                let (positions, next) = self.table(node, next)?;
                let (norm, _) = self.norm(node, next)?;
                if width != norm.gamma.len() || positions.width != width {
                    bail!("tables of width {width} and {}", positions.width);
                }
                self.fused(node, Fused::new(BertEmbeddings { words, basis, positions, norm }), 1)
            }
            "EncoderLayer" | "EncoderLayerInt8" => {
                let layer = self.encoder_layer(node)?;
                self.fused(node, Fused::new(layer), 2)
            }
            "MeanPool" => self.fused(node, Fused::new(MeanPool), 3),
            _ => self.unknown(node),
        }
    }

    /// Reads a table from a function's inputs; also returns the index of the next input.
    fn table(&self, node: &NodeProto, at: usize) -> TractResult<(Table, usize)> {
        let width = self.constants.width(self.input(node, at)?);
        if node.op_type.ends_with("Int8") {
            let scales = self.floats(node, at + 1)?;
            Ok((Table::int8(self.int8s(node, at)?, width, scales)?, at + 2))
        } else {
            Ok((Table::float(self.floats(node, at)?, width)?, at + 1))
        }
    }

    fn norm(&self, node: &NodeProto, at: usize) -> TractResult<(Norm, usize)> {
        let (gamma, beta) = (self.floats(node, at)?, self.floats(node, at + 1)?);
        let epsilon = attribute(node, "epsilon").map_or(0.0, |attribute| attribute.f);
        let sound = !gamma.is_empty() && epsilon >= 0.0 && epsilon.is_finite();
        if gamma.len() != beta.len() || !sound {
            bail!("a norm with {} factors, {} terms, epsilon {epsilon}", gamma.len(), beta.len());
        }
        Ok((Norm { gamma, beta, epsilon }, at + 2))
    }

    fn dense(
        &self,
        node: &NodeProto,
        at: usize,
        [inputs, outputs]: [usize; 2],
    ) -> TractResult<(Dense<I>, usize)> {
        let name = self.input(node, at)?;
        let (dense, found, next) = if node.op_type.ends_with("Int8") {
            let (values, scales) = (self.int8s(node, at)?, self.floats(node, at + 1)?);
            let weights = Int8Weights::new(&values, &scales, &self.floats(node, at + 2)?);
            (weights.map(Dense::Int8), values.len(), at + 3)
        } else {
            let values = self.floats(node, at)?;
            let weights = FloatWeights::new(&values, &self.floats(node, at + 1)?);
            (weights.map(Dense::Float), values.len(), at + 2)
        };
        match dense {
            Some(dense) if dense.outputs() == outputs && found == inputs * outputs => {
                Ok((dense, next))
            }
            _ => bail!(
                "{name:?} is not a matrix [{inputs}, {outputs}] with a bias, int8 values of seven bits"
            ),
        }
    }

    fn encoder_layer(&self, node: &NodeProto) -> TractResult<EncoderLayer<I>> {
        let shape = attribute(node, "heads_shape").map_or(&[][..], |attribute| &attribute.ints);
        let sizes: Vec<usize> = shape.iter().filter_map(|&s| usize::try_from(s).ok()).collect();
        let (heads, width) = match sizes[..] {
            [0, 0, heads, size] => (heads, heads.saturating_mul(size)),
            _ => (0, 0),
        };
        if !(1..1 << 20).contains(&width) {
            bail!("heads_shape is {shape:?}, expected [0, 0, heads, H / heads]");
        }
        let (projection, next) = self.dense(node, 2, [width, 3 * width])?;
        let (output, next) = self.dense(node, next, [width, width])?;
        let (attention_norm, next) = self.norm(node, next)?;
        let inner = self.constants.width(self.input(node, next)?);
        let (up, next) = self.dense(node, next, [width, inner])?;
        let (down, next) = self.dense(node, next, [inner, width])?;
        let (output_norm, _) = self.norm(node, next)?;
        if [&attention_norm, &output_norm].iter().any(|norm| norm.gamma.len() != width) {
            bail!("its norms are not of width {width}");
        }
        let scratch = self.scratch.clone();
        Ok(EncoderLayer {
            heads,
            projection,
            output,
            attention_norm,
            up,
            down,
            output_norm,
            scratch,
        })
    }

    fn standard(&mut self, node: &NodeProto) -> TractResult<Option<OutletId>> {
        let wire = match &*node.op_type {
            "Add" => self.binary(node, math::add())?,
            "Sub" => self.binary(node, math::sub())?,
            "Mul" => self.binary(node, math::mul())?,
            "Div" => self.binary(node, math::div())?,
            "Max" => self.binary(node, math::max())?,
            "Sqrt" => self.unary(node, math::sqrt())?,
            "Log" => return self.fused(node, Fused::new(RowFunction::Log), 1),
            "Exp" => return self.fused(node, Fused::new(RowFunction::Exp), 1),
            "Cast" => self.unary(node, cast(f32::datum_type()))?,
            "Identity" => self.wire(node, 0)?,
            "Relu" => {
                let x = self.wire(node, 0)?;
                let zero = self.model.add_const(format!("{}.zero", node.name), tensor0(0.0_f32))?;
                let inputs = [x, zero];
                first(wire_with_rank_broadcast(&node.name, &mut self.model, math::max(), &inputs)?)?
            }
            "MatMul" => return self.product(node),
            "DequantizeLinear" => {
                let constant = (self.input(node, 0)?.to_owned(), self.input(node, 1)?.to_owned());
                let output = node.output.first().cloned().unwrap_or_default();
                self.dequantised.insert(output, constant);
                return Ok(None);
            }
            "ReduceSum" => return self.of_row(node, RowFunction::Sum),
            "ReduceMax" => return self.of_row(node, RowFunction::Max),
            "ReduceL2" => return self.of_row(node, RowFunction::Length),
            "Softmax" => return self.of_row(node, RowFunction::Softmax),
            "Gather" => return self.gather(node),
            "Concat" => {
                let inputs: TVec<OutletId> = (0..node.input.len())
                    .map(|at| self.wire(node, at))
                    .collect::<TractResult<_>>()?;
                let axis = self.axis(node, *inputs.first().context("it has no inputs")?)?;
                self.one(node, TypedConcat { axis }, &inputs)?
            }
            "Slice" => self.slice(node)?,
            _ => return self.unknown(node),
        };
        Ok(Some(wire))
    }

    fn one(
        &mut self,
        node: &NodeProto,
        op: impl Into<Box<dyn TypedOp>>,
        inputs: &[OutletId],
    ) -> TractResult<OutletId> {
        first(self.model.wire_node(&node.name, op, inputs)?)
    }

    fn unary(
        &mut self,
        node: &NodeProto,
        op: impl Into<Box<dyn TypedOp>>,
    ) -> TractResult<OutletId> {
        let x = self.wire(node, 0)?;
        self.one(node, op, &[x])
    }

    fn binary(
        &mut self,
        node: &NodeProto,
        op: impl Into<Box<dyn TypedOp>>,
    ) -> TractResult<OutletId> {
        let inputs = [self.wire(node, 0)?, self.wire(node, 1)?];
        for wire in inputs {
            // Whole numbers can be divided by zero, which ends the process.
            let found = self.model.outlet_fact(wire)?.datum_type;
            if found != DatumType::F32 {
                bail!("it computes with {found:?}, expected floats");
            }
        }
        first(wire_with_rank_broadcast(&node.name, &mut self.model, op, &inputs)?)
    }

    /// An attribute `axis`, counted from the front.
    fn axis(&self, node: &NodeProto, x: OutletId) -> TractResult<usize> {
        let axis = attribute(node, "axis").map_or(0, |attribute| attribute.i);
        self.axis_of(axis, x)
    }

    fn axis_of(&self, axis: i64, x: OutletId) -> TractResult<usize> {
        let rank = self.model.outlet_fact(x)?.rank();
        let counted = if axis < 0 { axis + rank as i64 } else { axis };
        match usize::try_from(counted).ok().filter(|&axis| axis < rank) {
            Some(axis) => Ok(axis),
            None => bail!("axis {axis} of a value with {rank} axes"),
        }
    }

    /// Adds a product with constant weights.
    fn product(&mut self, node: &NodeProto) -> TractResult<Option<OutletId>> {
        let name = self.input(node, 1)?;
        let outputs = |name: &str| self.constants.width(name);
        let weights = match self.dequantised.get(name) {
            Some((values, scales)) => {
                let (outputs, values) = (outputs(values), self.constants.int8s(values)?);
                let scales = self.constants.floats(scales)?;
                if scales.len() != outputs {
                    bail!("{outputs} outputs have {} scales", scales.len());
                }
                RowProduct::Int8 { values, scales }
            }
            None if self.constants.has(name) => {
                RowProduct::Float { values: self.constants.floats(name)?, outputs: outputs(name) }
            }
            None => bail!("its second factor, {name:?}, is not a constant"),
        };
        if weights.outputs() == 0 {
            bail!("its second factor, {name:?}, has no column");
        }
        self.fused(node, Fused::new(weights), 1)
    }

    /// Adds a function of a row's last axis, which it keeps.
    fn of_row(&mut self, node: &NodeProto, function: RowFunction) -> TractResult<Option<OutletId>> {
        let axes = match (attribute(node, "axes"), attribute(node, "axis")) {
            (Some(axes), _) => axes.ints.clone(),
            (None, Some(axis)) => vec![axis.i],
            (None, None) => self.constants.int64s(self.input(node, 1)?)?,
        };
        if axes != [1] && axes != [-1] {
            bail!("its axes are {axes:?}, expected the last of two");
        }
        if attribute(node, "keepdims").is_some_and(|keep| keep.i != 1) {
            bail!("its keepdims is not 1");
        }
        self.fused(node, Fused::new(function), 1)
    }

    /// Adds a gathering, of one of two kinds: the hidden state of the token at a constant place of axis 1,
    /// or a constant number for each token.
    fn gather(&mut self, node: &NodeProto) -> TractResult<Option<OutletId>> {
        let (values, places) = (self.input(node, 0)?, self.input(node, 1)?);
        let axis = attribute(node, "axis").map_or(0, |attribute| attribute.i);
        if self.constants.has(values) {
            if axis != 0 || self.constants.rank(values) != 1 {
                bail!("it gathers from the constant {values:?}, expected one axis");
            }
            let numbers = Table::float(self.constants.floats(values)?, 1)?;
            let ids = self.wire(node, 1)?;
            return self.one(node, Fused::new(TokenNumbers { numbers }), &[ids]).map(Some);
        }
        let rank = self.constants.rank(places);
        match (axis, &self.constants.int64s(places)?[..], rank) {
            (1, &[place], 0) if place >= 0 => {
                self.fused(node, Fused::new(TokenState { place: usize::try_from(place)? }), 1)
            }
            (_, found, _) => {
                bail!("it gathers {found:?} of axis {axis}, expected one place of axis 1")
            }
        }
    }

    /// Adds a slice of one axis between constant ends.
    fn slice(&mut self, node: &NodeProto) -> TractResult<OutletId> {
        let x = self.wire(node, 0)?;
        let number = |at: usize| -> TractResult<i64> {
            match self.constants.int64s(self.input(node, at)?)?[..] {
                [number] => Ok(number),
                _ => bail!("it slices more than one axis"),
            }
        };
        let (start, end, axis) = (number(1)?, number(2)?, self.axis_of(number(3)?, x)?);
        let size = self.model.outlet_fact(x)?.shape[axis].to_i64()?;
        if !(0 <= start && start <= end && end <= size) {
            bail!("it slices {start} to {end} of {size} values");
        }
        self.one(node, Slice::new(axis, start, end), &[x])
    }
}

fn attribute<'n>(node: &'n NodeProto, name: &str) -> Option<&'n AttributeProto> {
    node.attribute.iter().find(|attribute| attribute.name == name)
}

fn first(wires: TVec<OutletId>) -> TractResult<OutletId> {
    wires.first().copied().context("an operator without output")
}
