//! Query text to the graph's outputs: [`QueryTokenizer`], then tract.
//!
//! The graph takes `input_ids` and `attention_mask`, int64 `[1, S]` with S symbolic, and gives
//! `embedding`, float `[1, D]`, and, for the kinds whose head is in the graph, `scores`, float
//! `[1, M]`. Nothing is padded: S is the query's
//! own length.

use std::sync::Arc;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::dims;
use tract_onnx::tract_core::internal::{ToDim, bail};

use crate::bundle::{Bundle, MODEL_FILE, TOKENIZER_FILE};
use crate::contained::contained;
use crate::error::RouterError;
use crate::router::Kind;
use crate::tokenizer::{QueryTokenizer, Tokens};

/// What the graph gives for one query.
#[derive(Debug, Clone, PartialEq)]
pub struct Outputs {
    /// One score per candidate, in the manifest's order; empty where the kind's head is not in the
    /// graph.
    pub scores: Vec<f32>,
    /// The query's embedding, of length D.
    pub embedding: Vec<f32>,
}

/// Tokenizer and graph of one bundle.
pub struct Encoder {
    tokenizer: QueryTokenizer,
    plan: Arc<TypedSimplePlan>,
    scores_output: Option<usize>,
    embedding_output: usize,
}

impl Encoder {
    /// Parses `tokenizer.json` and `model.onnx`, and checks the graph's face against the manifest.
    ///
    /// # Errors
    /// [`RouterError::BundleBadTokenizer`], [`RouterError::BundleBadModel`].
    pub fn from_bundle(bundle: &Bundle<'_>, kind: Kind) -> Result<Self, RouterError> {
        let info = &bundle.manifest.encoder;
        let json = bundle.file(TOKENIZER_FILE)?;
        let bad_tokenizer = |detail: String| RouterError::BundleBadTokenizer { detail };
        let tokenizer = contained(|| QueryTokenizer::from_json(json, info), bad_tokenizer)?;
        let model = bundle.file(MODEL_FILE)?;
        let candidates = kind.has_graph_scores().then_some(bundle.manifest.candidates.len());
        let bad_model = |detail: String| RouterError::BundleBadModel { detail };
        let parse = || {
            parse_model(model, candidates, info.embedding_size)
                .map_err(|e| bad_model(format!("{e:#}")))
        };
        let (plan, scores_output, embedding_output) = contained(parse, bad_model)?;
        Ok(Self { tokenizer, plan, scores_output, embedding_output })
    }

    /// Token ids of `text`, cut to the encoder's longest sequence.
    ///
    /// # Errors
    /// [`RouterError::InferenceFailed`] where the tokenizer fails;
    /// [`RouterError::QueryEmpty`] where no token is left.
    pub fn tokenize(&self, text: &str) -> Result<Tokens, RouterError> {
        contained(|| self.tokenizer.tokenize(text), failed)
    }

    /// Tokens that the tokenizer knows: every id is below this.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        self.tokenizer.vocabulary()
    }

    /// Runs the graph on one query's ids.
    ///
    /// # Errors
    /// [`RouterError::InferenceFailed`], [`RouterError::NotFinite`].
    pub fn run(&self, ids: &[i64]) -> Result<Outputs, RouterError> {
        let evaluate = || self.evaluate(ids).map_err(|e| failed(format!("{e:#}")));
        let mut outputs = contained(evaluate, failed)?;
        let mut take = |slot: usize, output: &str| {
            let values = std::mem::take(&mut outputs[slot]);
            match values.iter().find(|v| !v.is_finite()) {
                None => Ok(values),
                Some(found) => {
                    Err(RouterError::NotFinite { output: output.into(), found: found.to_string() })
                }
            }
        };
        let scores = match self.scores_output {
            Some(slot) => take(slot, "scores")?,
            None => Vec::new(),
        };
        let embedding = take(self.embedding_output, "embedding")?;
        Ok(Outputs { scores, embedding })
    }

    fn evaluate(&self, ids: &[i64]) -> TractResult<Vec<Vec<f32>>> {
        let shape = [1, ids.len()];
        let mask = vec![1_i64; ids.len()];
        let outputs = self.plan.run(tvec![
            Tensor::from_shape(&shape, ids)?.into_tvalue(),
            Tensor::from_shape(&shape, &mask)?.into_tvalue(),
        ])?;
        outputs
            .iter()
            .map(|output| Ok(output.try_as_plain_ram()?.as_slice::<f32>()?.to_vec()))
            .collect()
    }
}

fn failed(detail: String) -> RouterError {
    RouterError::InferenceFailed { detail }
}

type Plan = (Arc<TypedSimplePlan>, Option<usize>, usize);

fn parse_model(
    bytes: &[u8],
    candidates: Option<usize>,
    embedding_size: usize,
) -> TractResult<Plan> {
    let mut model = tract_onnx::onnx().model_for_read(&mut &*bytes)?;
    let names: Vec<String> =
        model.input_outlets()?.iter().map(|o| model.node(o.node).name.clone()).collect();
    if names != ["input_ids", "attention_mask"] {
        bail!("its inputs are {names:?}, expected [\"input_ids\", \"attention_mask\"]");
    }
    let length = model.symbols.sym("S");
    for input in 0..2 {
        model.set_input_fact(input, i64::fact(dims!(1, length)).into())?;
    }
    let labels: Vec<String> = model
        .output_outlets()?
        .iter()
        .map(|o| {
            let label = model.outlet_label(*o).map(str::to_owned);
            label.unwrap_or_else(|| model.node(o.node).name.clone())
        })
        .collect();
    let find = |name: &str| match labels.iter().position(|label| label == name) {
        Some(slot) => Ok(slot),
        None => bail!("its outputs are {labels:?}, expected {name:?} among them"),
    };
    let scores = candidates.map(|_| find("scores")).transpose()?;
    let embedding = find("embedding")?;
    let model = model.into_optimized()?;
    let scores_face = scores.zip(candidates).map(|(slot, width)| (slot, "scores", width));
    for (slot, name, width) in
        scores_face.into_iter().chain([(embedding, "embedding", embedding_size)])
    {
        let fact = model.output_fact(slot)?;
        let expected = dims!(1, width.to_dim());
        if fact.datum_type != DatumType::F32 || fact.shape != expected {
            bail!("its output {name:?} is {fact:?}, router.json says float [1, {width}]");
        }
    }
    Ok((model.into_runnable()?, scores, embedding))
}
