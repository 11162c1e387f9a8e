//! Query text to the graph's outputs: tokenizer, then graph.

use tokenizers::{Tokenizer, TruncationDirection};

use crate::bundle::{Bundle, MODEL_FILE, TOKENIZER_FILE};
use crate::error::RouterError;
use crate::graph::Graph;
use crate::manifest::{EncoderInfo, TruncationSide};
use crate::router::Kind;

/// A query's token ids as the graph takes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// Ids after truncation, special tokens included where the bundle asks for them.
    pub ids: Vec<i64>,
    /// Tokens of the whole query, before truncation and without special tokens.
    pub total: usize,
}

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
    tokenizer: Tokenizer,
    graph: Graph,
    /// Longest query in tokens, special ones not counted; at least 1.
    query_tokens: usize,
    special_tokens: bool,
    direction: TruncationDirection,
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
        let (tokenizer, query_tokens) = contained(|| parse_tokenizer(json, info), bad_tokenizer)?;
        let model = bundle.file(MODEL_FILE)?;
        let candidates = kind.has_graph_scores().then_some(bundle.manifest.candidates.len());
        let bad_model = |detail: String| RouterError::BundleBadModel { detail };
        let parse = || {
            Graph::from_onnx(model, candidates, info.embedding_size)
                .map_err(|e| bad_model(format!("{e:#}")))
        };
        let graph = contained(parse, bad_model)?;
        Ok(Self {
            tokenizer,
            graph,
            query_tokens,
            special_tokens: info.special_tokens,
            direction: match info.truncation_side {
                TruncationSide::Left => TruncationDirection::Left,
                TruncationSide::Right => TruncationDirection::Right,
            },
        })
    }

    /// Token ids of `text`, cut to the encoder's longest sequence.
    ///
    /// # Errors
    /// [`RouterError::InferenceFailed`] where the tokenizer fails;
    /// [`RouterError::QueryEmpty`] where no token is left.
    pub fn tokenize(&self, text: &str) -> Result<Tokens, RouterError> {
        contained(|| self.tokenize_uncontained(text), failed)
    }

    /// Tokens that the tokenizer knows: every id is below this.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }

    fn tokenize_uncontained(&self, text: &str) -> Result<Tokens, RouterError> {
        let failed = |e: tokenizers::Error| failed(format!("tokenizer: {e}"));
        let mut encoding = self.tokenizer.encode_fast(text, false).map_err(failed)?;
        let total = encoding.len();
        encoding.truncate(self.query_tokens, 0, self.direction);
        let encoding =
            self.tokenizer.post_process(encoding, None, self.special_tokens).map_err(failed)?;
        if encoding.is_empty() {
            return Err(RouterError::QueryEmpty);
        }
        Ok(Tokens { ids: encoding.get_ids().iter().map(|&id| i64::from(id)).collect(), total })
    }

    /// Runs the graph on one query's ids.
    ///
    /// # Errors
    /// [`RouterError::InferenceFailed`], [`RouterError::NotFinite`].
    pub fn run(&self, ids: &[i64]) -> Result<Outputs, RouterError> {
        let evaluate = || self.graph.run(ids).map_err(|e| failed(format!("{e:#}")));
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

/// Runs tract or tokenizers, which panic on some damaged files, and turns a panic into an error.
/// Where panics abort (wasm) the instance is lost instead, and the host starts a fresh one.
fn contained<T>(
    run: impl FnOnce() -> Result<T, RouterError>,
    stopped: impl FnOnce(String) -> RouterError,
) -> Result<T, RouterError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(stopped(format!("a library stopped at it: {}", text.unwrap_or_default())))
    })
}

/// The tokenizer, and how many tokens of a query fit beside its special ones.
fn parse_tokenizer(bytes: &[u8], info: &EncoderInfo) -> Result<(Tokenizer, usize), RouterError> {
    let bad = |detail: String| RouterError::BundleBadTokenizer { detail };
    let mut tokenizer = Tokenizer::from_bytes(bytes).map_err(|e| bad(e.to_string()))?;
    // Length is the engine's affair: a padding or truncation stored in the file would change it.
    tokenizer.with_padding(None);
    tokenizer.with_truncation(None).map_err(|e| bad(e.to_string()))?;
    let added = match (info.special_tokens, tokenizer.get_post_processor()) {
        (true, Some(processor)) => tokenizers::PostProcessor::added_tokens(processor, false),
        _ => 0,
    };
    match info.max_tokens.checked_sub(added) {
        Some(query_tokens @ 1..) => Ok((tokenizer, query_tokens)),
        _ => Err(bad(format!(
            "it adds {added} special tokens and router.json allows {} tokens in all",
            info.max_tokens
        ))),
    }
}
