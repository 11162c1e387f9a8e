//! Encoders: query text to an embedding.
//!
//! - [`bert`]: a BERT-family transformer in burn;
//! - [`bert_weights`]: its weights on the host, to cut down and to export;
//! - [`hugging_face`]: reading one from a Hugging Face folder;
//! - [`from_folder`]: the encoder a recipe asks for, made from such a folder;
//! - [`prune`]: such an encoder cut down to chosen layers and words;
//! - [`to_folder`]: a cut-down encoder as a Hugging Face folder;
//! - [`vocabulary`]: a WordPiece tokenizer cut down to the tokens that a corpus uses;
//! - [`trainable`]: an encoder that is trained end to end, of either tier;
//! - [`static_table`]: the *static* tier, a token table distilled from a transformer;
//! - [`embeddings`]: embeddings of queries, computed once and kept.
//!
//! An [`Encoder`] is what a run deploys: its weights on the host, its tokenizer, its facts.

pub mod bert;
pub mod bert_weights;
pub mod embeddings;
pub mod from_folder;
pub mod hugging_face;
pub mod prune;
pub mod static_table;
pub mod to_folder;
pub mod trainable;
pub mod vocabulary;

use pointsman::{EncoderInfo, Router, RouterError, TruncationSide};
use tokenizers::Tokenizer;

use crate::error::TrainerError;
use crate::recipe::EncoderRecipe;
use bert::Pooling;
use bert_weights::BertWeights;
use static_table::StaticTable;
use trainable::Limits;

/// An encoder's weights, on the host.
#[derive(Debug, Clone)]
pub enum Network {
    Static(StaticTable),
    /// A transformer, mean-pooled or at `[CLS]`.
    Transformer {
        weights: BertWeights,
        /// How token vectors become one.
        pooling: Pooling,
        /// Root mean square that each embedding's coordinates are brought to; as they come where
        /// absent.
        scale: Option<f32>,
    },
}

impl Network {
    #[must_use]
    pub fn limits(&self) -> Limits {
        match self {
            Self::Static(table) => Limits { vocabulary: table.rows, longest: None },
            Self::Transformer { weights, .. } => {
                Limits { vocabulary: weights.vocabulary(), longest: Some(weights.longest()) }
            }
        }
    }

    /// Size of the embedding: pooled coordinates and the length.
    #[must_use]
    pub fn embedding_size(&self) -> usize {
        match self {
            Self::Static(table) => table.width + 1,
            Self::Transformer { weights, .. } => weights.width + 1,
        }
    }
}

/// An encoder as a bundle carries it.
#[derive(Debug, Clone)]
pub struct Encoder {
    pub network: Network,
    /// `tokenizer.json`.
    pub tokenizer_json: Vec<u8>,
}

impl Encoder {
    /// What a manifest states of it.
    #[must_use]
    pub fn info(&self, recipe: &EncoderRecipe) -> EncoderInfo {
        let (pooling, special_tokens) = match &self.network {
            Network::Static(_) => ("sum / sqrt(tokens), with length", false),
            Network::Transformer { pooling: Pooling::Mean, .. } => ("mean, with length", true),
            Network::Transformer { pooling: Pooling::Cls, .. } => ("cls, with length", true),
        };
        EncoderInfo {
            tier: recipe.tier().into(),
            max_tokens: recipe.max_tokens(),
            truncation_side: recipe.truncate(),
            pooling: pooling.into(),
            embedding_size: self.network.embedding_size(),
            special_tokens,
            source: Some(recipe.source().into()),
        }
    }
}

/// Reads a `tokenizer.json`; padding and truncation in it are the trainer's affair and dropped.
///
/// # Errors
/// [`TrainerError::BadEncoder`].
pub fn parse_tokenizer(json: &[u8]) -> Result<Tokenizer, TrainerError> {
    let mut tokenizer = Tokenizer::from_bytes(json).map_err(tokenizer_error)?;
    tokenizer.with_padding(None);
    tokenizer.with_truncation(None).map_err(tokenizer_error)?;
    Ok(tokenizer)
}

/// The trainer's error for one of the tokenizer's.
#[allow(clippy::needless_pass_by_value)]
pub(crate) fn tokenizer_error(error: tokenizers::Error) -> TrainerError {
    TrainerError::BadEncoder { path: "tokenizer.json".into(), detail: error.to_string() }
}

/// Token ids of a query as the static tier sees it: no special tokens, the end `side` of what is
/// longer than `max_tokens` cut off.
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
    let first = match side {
        TruncationSide::Left => ids.len().saturating_sub(max_tokens),
        TruncationSide::Right => 0,
    };
    Ok(ids.iter().copied().skip(first).take(max_tokens).collect())
}

/// Token ids of a query as `router` reads it; `None` for a query that has none.
///
/// # Errors
/// The engine's.
pub fn deployed_ids(router: &Router, query: &str) -> Result<Option<Vec<u32>>, TrainerError> {
    let tokens = if_any_token(router.encoder().tokenize(query))?;
    let id = |&id: &i64| u32::try_from(id).unwrap_or(u32::MAX);
    Ok(tokens.map(|tokens| tokens.ids.iter().map(id).collect()))
}

/// A query without a token is no mistake here: it is left out of what is trained on.
pub(crate) fn if_any_token<T>(found: Result<T, RouterError>) -> Result<Option<T>, TrainerError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(RouterError::QueryEmpty) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
