//! The encoder that a recipe asks for, made from a Hugging Face folder.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use burn::tensor::Device;

use super::bert::Pooling;
use super::bert_weights::BertWeights;
use super::static_table::{self, StaticTable, Surround};
use super::vocabulary::{self, SpecialTokens, TokenCounts};
use super::{Encoder, Network, hugging_face, parse_tokenizer, token_ids};
use crate::error::TrainerError;
use crate::prepare::Prepared;
use crate::progress::bar;
use crate::recipe::{StaticEncoderRecipe, TransformerEncoderRecipe};

/// Queries tokenised at once when tokens are counted.
const COUNTED: usize = 4096;

/// A token table distilled from the folder `source`, and the tokenizer cut down to it.
///
/// # Errors
/// [`TrainerError::BadEncoder`], [`TrainerError::Interrupted`].
pub fn static_table(
    settings: &StaticEncoderRecipe,
    prepared: &Prepared,
    source: &Path,
    device: &Device,
    stop: &AtomicBool,
) -> Result<(StaticTable, Vec<u8>), TrainerError> {
    let folder = hugging_face::read(source, device)?;
    let original = parse_tokenizer(&folder.tokenizer_json)?;
    let counts = token_counts(prepared, &original)?;
    let pruned = vocabulary::prune(&folder.tokenizer_json, &counts, settings.vocabulary)?;
    let surround = surround(&original)?;
    let progress = bar("distilling tokens");
    let ids = &pruned.original_ids;
    let vectors =
        static_table::token_vectors(&folder.bert, ids, surround, device, &progress, stop)?;
    let mut table = static_table::compress(
        &vectors,
        ids,
        &counts,
        settings.components,
        settings.frequency_weight,
    );
    let tokenizer = parse_tokenizer(&pruned.tokenizer_json)?;
    let mut spread = static_table::Spread::default();
    prepared.for_each_query(&mut |query| {
        spread.add(&table, &token_ids(&tokenizer, query, settings.max_tokens)?);
        Ok(())
    })?;
    spread.scale_to(&mut table, settings.scale);
    Ok((table, pruned.tokenizer_json))
}

/// The transformer of the folder `source`, cut down as the recipe says.
///
/// # Errors
/// [`TrainerError::BadEncoder`].
pub fn transformer(
    settings: &TransformerEncoderRecipe,
    scale: Option<f32>,
    prepared: &Prepared,
    source: &Path,
    device: &Device,
) -> Result<Encoder, TrainerError> {
    let folder = hugging_face::read(source, device)?;
    let mut weights = BertWeights::of(&folder.bert)?;
    if weights.longest() < settings.max_tokens {
        return Err(TrainerError::BadEncoder {
            path: source.to_owned(),
            detail: format!(
                "it takes {} tokens, the recipe asks for max_tokens = {}",
                weights.longest(),
                settings.max_tokens
            ),
        });
    }
    weights.cut_positions(settings.max_tokens);
    if let Some(layers) = &settings.layers {
        weights.keep_layers(layers)?;
    }
    let tokenizer_json = match settings.vocabulary {
        None => folder.tokenizer_json,
        Some(size) => {
            let original = parse_tokenizer(&folder.tokenizer_json)?;
            let counts = token_counts(prepared, &original)?;
            let pruned =
                vocabulary::prune_with(&folder.tokenizer_json, &counts, size, SpecialTokens::Kept)?;
            weights.prune_vocabulary(&pruned.original_ids)?;
            pruned.tokenizer_json
        }
    };
    let network = Network::Transformer { weights, pooling: Pooling::Mean, scale };
    Ok(Encoder { network, tokenizer_json })
}

fn surround(tokenizer: &tokenizers::Tokenizer) -> Result<Surround, TrainerError> {
    let id = |token: &str| {
        tokenizer.token_to_id(token).ok_or_else(|| TrainerError::BadEncoder {
            path: "tokenizer.json".into(),
            detail: format!("no token {token:?}"),
        })
    };
    Ok(Surround { start: id("[CLS]")?, end: id("[SEP]")? })
}

fn token_counts(
    prepared: &Prepared,
    tokenizer: &tokenizers::Tokenizer,
) -> Result<TokenCounts, TrainerError> {
    let mut counts = TokenCounts::default();
    let mut waiting: Vec<String> = Vec::with_capacity(COUNTED);
    prepared.for_each_query(&mut |query| {
        waiting.push(query.to_owned());
        if waiting.len() == COUNTED {
            counts.add(tokenizer, &waiting)?;
            waiting.clear();
        }
        Ok(())
    })?;
    counts.add(tokenizer, &waiting)?;
    Ok(counts)
}
