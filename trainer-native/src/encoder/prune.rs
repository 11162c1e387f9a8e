//! Cuts an encoder down to chosen layers, and to the words that a corpus uses: the *mini* tier.
//!
//! Nothing is trained. Kept layers and word vectors are those of the original, so with all layers
//! kept a query of kept tokens has the embedding it had. [`vocabulary`] says which tokens are always kept,
//! and how a dropped word is tokenised.
//!
//! ```no_run
//! # use std::path::Path;
//! use burn::tensor::Device;
//! use pointsman_trainer::encoder::prune::{Cut, prune};
//! use pointsman_trainer::encoder::{hugging_face, to_folder};
//! # fn main() -> Result<(), pointsman_trainer::TrainerError> {
//! let folder = hugging_face::read(Path::new("all-MiniLM-L6-v2"), &Device::flex())?;
//! let mini = prune(&folder, &Cut { layers: Some(&[0, 2, 5]), words: None })?;
//! to_folder::write(Path::new("mini"), &folder.config_json, &mini)?;
//! # Ok(())
//! # }
//! ```

use super::bert_weights::BertWeights;
use super::hugging_face::EncoderFolder;
use super::vocabulary::{self, Pruned, SpecialTokens, TokenCounts};
use crate::error::TrainerError;

/// What to keep of an encoder; an absent part stays whole.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cut<'a> {
    /// Layers numbered from 0, in the order in which they follow each other.
    pub layers: Option<&'a [usize]>,
    pub words: Option<Words<'a>>,
}

#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    /// How often a corpus uses each token.
    pub counts: &'a TokenCounts,
    /// Most words to keep, the most frequent first; every used word where absent.
    pub most: Option<usize>,
}

/// A cut-down encoder.
#[derive(Debug, Clone)]
pub struct Mini {
    pub weights: BertWeights,
    pub tokenizer_json: Vec<u8>,
    /// The original ids of its words; `None` where all were kept.
    pub pruned: Option<Pruned>,
}

/// Cuts an encoder down.
///
/// # Errors
/// [`TrainerError::BadEncoder`] where the encoder lacks a layer of the cut, or its tokenizer is
/// neither WordPiece nor Unigram or has no special tokens.
pub fn prune(folder: &EncoderFolder, cut: &Cut<'_>) -> Result<Mini, TrainerError> {
    let mut weights = BertWeights::of(&folder.bert)?;
    if let Some(layers) = cut.layers {
        weights.keep_layers(layers)?;
    }
    let json = &folder.tokenizer_json;
    let Some(Words { counts, most }) = cut.words else {
        return Ok(Mini { weights, tokenizer_json: json.clone(), pruned: None });
    };
    let pruned = vocabulary::prune_with(json, counts, most, SpecialTokens::Kept)?;
    weights.prune_vocabulary(&pruned.original_ids)?;
    Ok(Mini { weights, tokenizer_json: pruned.tokenizer_json.clone(), pruned: Some(pruned) })
}
