//! Turns query text into the graph's outputs: [`QueryTokenizer`], then [`Graph`].

use crate::bundle::{Bundle, MODEL_FILE, TOKENIZER_FILE};
use crate::contained::contained;
use crate::error::RouterError;
use crate::graph::Graph;
use crate::kind::Kind;
use crate::tokenizer::{QueryTokenizer, Tokens};

/// The graph's outputs for one query.
#[derive(Debug, Clone, PartialEq)]
pub struct Outputs {
    /// One score per candidate, in the manifest's order; of kind `difficulty` one demand per name in
    /// `head.demands`; empty where the kind's head is not in the graph.
    pub scores: Vec<f32>,
    /// The query's embedding, of length D.
    pub embedding: Vec<f32>,
}

/// Tokenizer and graph of one bundle.
pub struct Encoder {
    tokenizer: QueryTokenizer,
    graph: Graph,
}

impl Encoder {
    /// Parses `tokenizer.json` and `model.onnx`, and checks the graph's inputs and outputs against the
    /// manifest.
    ///
    /// # Errors
    /// [`RouterError::BundleBadTokenizer`], [`RouterError::BundleBadModel`].
    pub fn from_bundle(bundle: &Bundle<'_>, kind: Kind) -> Result<Self, RouterError> {
        let info = &bundle.manifest.encoder;
        let json = bundle.file(TOKENIZER_FILE)?;
        let bad_tokenizer = |detail: String| RouterError::BundleBadTokenizer { detail };
        let tokenizer = contained(|| QueryTokenizer::from_json(json, info), bad_tokenizer)?;
        let model = bundle.file(MODEL_FILE)?;
        let manifest = &bundle.manifest;
        let scores = match kind {
            Kind::Difficulty => manifest.head.demands.as_ref().map(Vec::len),
            other => other.has_graph_scores().then_some(manifest.candidates.len()),
        };
        let bad_model = |detail: String| RouterError::BundleBadModel { detail };
        let parse = || {
            Graph::from_onnx(model, scores, info.embedding_size)
                .map_err(|e| bad_model(format!("{e:#}")))
        };
        let graph = contained(parse, bad_model)?;
        Ok(Self { tokenizer, graph })
    }

    /// Splits `text` into token ids, truncated to the encoder's longest sequence.
    ///
    /// # Errors
    /// [`RouterError::InferenceFailed`] where the tokenizer fails;
    /// [`RouterError::QueryEmpty`] where no token is left.
    pub fn tokenize(&self, text: &str) -> Result<Tokens, RouterError> {
        contained(|| self.tokenizer.tokenize(text), failed)
    }

    /// Counts the tokens of a text of any length, without special ones; 0 where the tokenizer fails. Hashed
    /// n-grams estimate the tokens of an LLM.
    #[must_use]
    pub fn count(&self, text: &str) -> usize {
        contained(|| Ok(self.tokenizer.count(text)), failed).unwrap_or_default()
    }

    /// How many tokens the tokenizer knows; ids are below this where they are consecutive.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        self.tokenizer.vocabulary()
    }

    /// Runs the graph on one query's tokens.
    ///
    /// # Errors
    /// [`RouterError::InferenceFailed`], [`RouterError::NotFinite`].
    pub fn run(&self, tokens: &Tokens) -> Result<Outputs, RouterError> {
        let Tokens { ids, counts, .. } = tokens;
        let evaluate = || self.graph.run(ids, counts).map_err(|e| failed(format!("{e:#}")));
        let (scores, embedding) = contained(evaluate, failed)?;
        let finite = |values: Vec<f32>, output: &str| match values.iter().find(|v| !v.is_finite()) {
            None => Ok(values),
            Some(found) => {
                Err(RouterError::NotFinite { output: output.into(), found: found.to_string() })
            }
        };
        Ok(Outputs {
            scores: finite(scores, "scores")?,
            embedding: finite(embedding, "embedding")?,
        })
    }
}

fn failed(detail: String) -> RouterError {
    RouterError::InferenceFailed { detail }
}
