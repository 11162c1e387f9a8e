//! Reads `model.onnx` into a plan that tract runs.
//!
//! The trainer writes an encoder as a few calls of functions that the file itself defines in ONNX's own
//! operators: `TokenBag`, `NgramBag`, `BertEmbeddings` and `FactorisedBertEmbeddings`, `EncoderLayer`,
//! `MeanPool`, each in float and in int8.
//! Other runtimes expand the functions and need no custom operator. This engine has a fused operator
//! for each, so a transformer layer is one node here.
//!
//! The graph takes `input_ids` and `attention_mask`, int64 `[1, S]` with S symbolic, and gives
//! `embedding`, float `[1, D]`, and, for the kinds whose head is in the graph, `scores`, float
//! `[1, M]`. Nothing is padded: S is the query's own length.

mod bert_embeddings;
mod constants;
mod encoder_layer;
mod fused;
mod mean_pool;
mod ngram_bag;
mod nodes;
mod row_function;
mod row_product;
mod table;
mod token_bag;
mod token_numbers;
mod token_state;

use std::sync::Arc;

use prost::Message;
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::dims;
use tract_onnx::tract_core::internal::*;

use self::constants::Constants;
pub use self::nodes::FUNCTION_DOMAIN;
use self::nodes::Nodes;
use crate::kernels::{Isa, OnIsa, on_best};

/// Most nodes: a transformer layer is one. tract compares the name of each with all others.
const MOST_NODES: usize = 2000;

/// A graph ready to run.
pub(crate) struct Graph {
    plan: Arc<TypedSimplePlan>,
    /// Which output is `scores`, where the head is in the graph.
    scores: Option<usize>,
    embedding: usize,
}

impl Graph {
    /// Reads `model.onnx` and checks its inputs and outputs: `candidates` scores where the head is in
    /// the graph, and an embedding of `embedding_size`.
    ///
    /// # Errors
    /// Where the file is not such a graph.
    pub fn from_onnx(
        bytes: &[u8],
        candidates: Option<usize>,
        embedding_size: usize,
    ) -> TractResult<Self> {
        let file = ModelProto::decode(bytes)?;
        on_best(Load { file, candidates, embedding_size })
    }

    /// Runs the graph on token ids `[S]` and how often each occurs, `[S]`: the scores, empty where the head
    /// is not in the graph, and the embedding.
    ///
    /// # Errors
    /// Where the lengths differ, an id is out of range or a value not finite.
    pub fn run(&self, ids: &[i64], counts: &[i64]) -> TractResult<(Vec<f32>, Vec<f32>)> {
        let shape = [1, ids.len()];
        let outputs = self.plan.run(tvec![
            Tensor::from_shape(&shape, ids)?.into_tvalue(),
            Tensor::from_shape(&shape, counts)?.into_tvalue(),
        ])?;
        let values = |slot: usize| -> TractResult<Vec<f32>> {
            Ok(outputs[slot].try_as_plain_ram()?.as_slice::<f32>()?.to_vec())
        };
        let scores = self.scores.map(values).transpose()?.unwrap_or_default();
        Ok((scores, values(self.embedding)?))
    }
}

/// The instruction set whose kernels run here: `simd128`, `relaxed-simd`, `avx512-vnni` and so on.
#[must_use]
pub fn instruction_set() -> &'static str {
    struct Name;
    impl OnIsa for Name {
        type Output = &'static str;
        fn run<I: Isa>(self) -> &'static str {
            I::NAME
        }
    }
    on_best(Name)
}

struct Load {
    file: ModelProto,
    candidates: Option<usize>,
    embedding_size: usize,
}

impl OnIsa for Load {
    type Output = TractResult<Graph>;

    fn run<I: Isa>(self) -> TractResult<Graph> {
        let Some(graph) = self.file.graph else { bail!("it is not an ONNX file, or has no graph") };
        let names: Vec<&str> = graph.input.iter().map(|input| &*input.name).collect();
        if names != ["input_ids", "attention_mask"] {
            bail!("its inputs are {names:?}, expected [\"input_ids\", \"attention_mask\"]");
        }
        if graph.node.len() > MOST_NODES {
            bail!("it has {} nodes, expected {MOST_NODES} or fewer", graph.node.len());
        }
        let mut model = TypedModel::default();
        let length = model.symbols.sym("S");
        let inputs = names.iter().map(|name| {
            let fact = i64::fact(dims!(1, length.clone()));
            Ok((*name, model.add_source(*name, fact)?))
        });
        let inputs = inputs.collect::<TractResult<Vec<_>>>()?;
        let mut nodes = Nodes::<I>::new(model, length, Constants::new(graph.initializer));
        for (name, wire) in inputs {
            nodes.name(name, wire);
        }
        for node in &graph.node {
            nodes.add(node)?;
        }
        let labels: Vec<&str> = graph.output.iter().map(|output| &*output.name).collect();
        let outputs = labels.iter().map(|&name| match nodes.get(name) {
            Some(wire) => Ok(wire),
            None => bail!("nothing computes its output {name:?}"),
        });
        let outputs = outputs.collect::<TractResult<Vec<_>>>()?;
        let mut model = nodes.model;
        model.select_output_outlets(&outputs)?;
        let find = |name: &str, width: usize| -> TractResult<usize> {
            let Some(slot) = labels.iter().position(|label| *label == name) else {
                bail!("its outputs are {labels:?}, expected {name:?} among them");
            };
            let fact = model.output_fact(slot)?;
            if fact.datum_type != DatumType::F32 || fact.shape != dims!(1, width.to_dim()) {
                bail!("its output {name:?} is {fact:?}, router.json says float [1, {width}]");
            }
            Ok(slot)
        };
        let scores = self.candidates.map(|width| find("scores", width)).transpose()?;
        let embedding = find("embedding", self.embedding_size)?;
        Ok(Graph { plan: model.into_runnable()?, scores, embedding })
    }
}
