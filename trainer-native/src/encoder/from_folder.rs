//! Makes the encoder that a recipe asks for from a Hugging Face folder.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use burn::tensor::Device;
use pointsman::PieceSettings;

use super::bert::Pooling;
use super::bert_weights::BertWeights;
use super::prune::{Cut, Mini, Words, prune};
use super::static_table::{self, StaticTable, Surround};
use super::vocabulary::{self, TokenCounts};
use super::{
    Encoder, Network, hugging_face, parse_tokenizer, piece_table, token_ids, tokenizer_error,
};
use crate::error::TrainerError;
use crate::progress::bar;
use crate::recipe::{PieceEncoderRecipe, StaticEncoderRecipe, TransformerEncoderRecipe};

/// Queries tokenised at once when tokens are counted.
const COUNTED: usize = 4096;

/// Calls a function on each query whose tokens are counted.
pub type Queries<'a> =
    &'a dyn Fn(&mut dyn FnMut(&str) -> Result<(), TrainerError>) -> Result<(), TrainerError>;

/// Distils a token table from the folder `source`, and cuts the tokenizer down to it.
///
/// # Errors
/// [`TrainerError::BadEncoder`], [`TrainerError::Interrupted`].
pub fn static_table(
    settings: &StaticEncoderRecipe,
    queries: Queries<'_>,
    source: &Path,
    device: &Device,
    stop: &AtomicBool,
) -> Result<(StaticTable, Vec<u8>), TrainerError> {
    let folder = hugging_face::read(source, device)?;
    let original = parse_tokenizer(&folder.tokenizer_json)?;
    let counts = token_counts(queries, &original)?;
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
    queries(&mut |query| {
        let ids = token_ids(&tokenizer, query, settings.max_tokens, settings.truncate)?;
        spread.add(&table, &ids);
        Ok(())
    })?;
    spread.scale_to(&mut table, settings.scale);
    Ok((table, pruned.tokenizer_json))
}

/// Makes a table of the tokens of the folder `source` and of hashed pairs of them, and the tokenizer cut down
/// to it.
///
/// # Errors
/// [`TrainerError::BadEncoder`].
pub fn piece_table(
    settings: &PieceEncoderRecipe,
    queries: Queries<'_>,
    source: &Path,
    device: &Device,
) -> Result<(StaticTable, Vec<u8>), TrainerError> {
    let folder = hugging_face::read(source, device)?;
    let counts = token_counts(queries, &parse_tokenizer(&folder.tokenizer_json)?)?;
    let pruned = vocabulary::prune(&folder.tokenizer_json, &counts, settings.vocabulary)?;
    let mut weights = BertWeights::of(&folder.bert)?;
    weights.prune_vocabulary(&pruned.original_ids)?;
    let uses: Vec<u64> = pruned.original_ids.iter().map(|&id| counts.get(id)).collect();
    let sizes = (settings.components, settings.buckets as usize);
    let table = piece_table::of_words(&weights.words, weights.width, sizes, &uses);
    let PieceEncoderRecipe { buckets, tail_characters, .. } = *settings;
    let tokenizer = PieceSettings { buckets, tail_characters }.to_json(&pruned.tokenizer_json);
    Ok((table, tokenizer))
}

/// Reads the transformer of the folder `source`, cut down as the recipe says.
///
/// # Errors
/// [`TrainerError::BadEncoder`].
pub fn transformer(
    settings: &TransformerEncoderRecipe,
    scale: Option<f32>,
    queries: Queries<'_>,
    source: &Path,
    device: &Device,
) -> Result<Encoder, TrainerError> {
    let folder = hugging_face::read(source, device)?;
    if folder.config.max_position_embeddings < settings.max_tokens {
        return Err(TrainerError::BadEncoder {
            path: source.to_owned(),
            detail: format!(
                "it takes at most {} tokens, the recipe asks for max_tokens = {}",
                folder.config.max_position_embeddings, settings.max_tokens
            ),
        });
    }
    let whole = parse_tokenizer(&folder.tokenizer_json)?;
    let counts = match settings.vocabulary.or(settings.token_components) {
        Some(_) => Some(token_counts(queries, &whole)?),
        None => None,
    };
    let words = counts.as_ref().filter(|_| settings.vocabulary.is_some());
    let words = words.map(|counts| Words { counts, most: settings.vocabulary });
    let cut = Cut { layers: settings.layers.as_deref(), words };
    let Mini { mut weights, tokenizer_json, pruned } = prune(&folder, &cut)?;
    if let Some((components, counts)) = settings.token_components.zip(counts.as_ref()) {
        let Surround { start, end } = surround(&whole)?;
        let ids = match pruned {
            Some(pruned) => pruned.original_ids,
            None => (0_u32..).take(weights.vocabulary()).collect(),
        };
        let most = ids.iter().map(|&id| counts.get(id)).max().unwrap_or_default();
        // Every query has the special tokens, which are not counted.
        let uses = |&id: &u32| if id == start || id == end { most } else { counts.get(id) };
        weights.factorise_words(components, &ids.iter().map(uses).collect::<Vec<_>>());
    }
    weights.cut_positions(settings.max_tokens);
    let network = Network::Transformer { weights, pooling: Pooling::Mean, scale, token_rows: None };
    Ok(Encoder { network, tokenizer_json })
}

/// The special tokens that stand around a query.
fn surround(tokenizer: &tokenizers::Tokenizer) -> Result<Surround, TrainerError> {
    let nothing = tokenizer.encode_fast("", true).map_err(tokenizer_error)?;
    match *nothing.get_ids() {
        [start, end] => Ok(Surround { start, end }),
        ref ids => Err(TrainerError::BadEncoder {
            path: "tokenizer.json".into(),
            detail: format!(
                "it puts {} special tokens around a query, expected one before and one after",
                ids.len()
            ),
        }),
    }
}

fn token_counts(
    queries: Queries<'_>,
    tokenizer: &tokenizers::Tokenizer,
) -> Result<TokenCounts, TrainerError> {
    let mut counts = TokenCounts::default();
    let mut waiting: Vec<String> = Vec::with_capacity(COUNTED);
    queries(&mut |query| {
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
