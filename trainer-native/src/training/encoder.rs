//! Makes the encoder of a run.

use std::path::Path;

use super::bundle_encoder;
use super::context::Context;
use crate::encoder::static_table::StaticTable;
use crate::encoder::{Encoder, Network, from_folder};
use crate::error::TrainerError;
use crate::recipe::{EncoderRecipe, Optimisation};

/// Makes the encoder that the recipe asks for from the Hugging Face folder or the bundle `source`, or reads it back
/// from the run's folder.
///
/// # Errors
/// [`TrainerError::BadEncoder`], [`TrainerError::Interrupted`], [`TrainerError::File`].
pub fn encoder(context: &Context<'_>, source: &Path) -> Result<Encoder, TrainerError> {
    let queries: from_folder::Queries<'_> = &|visit| context.data.for_each_query(visit);
    let device = &context.device.device;
    match &context.recipe.encoder {
        EncoderRecipe::Static(settings) => {
            let make =
                || from_folder::static_table(settings, queries, source, device, context.stop);
            let (table, tokenizer_json) = kept_table(context, make)?;
            Ok(Encoder { network: Network::Static(table), tokenizer_json })
        }
        EncoderRecipe::Pieces(settings) => {
            let make = || from_folder::piece_table(settings, queries, source, device);
            let (table, tokenizer_json) = kept_table(context, make)?;
            Ok(Encoder { network: Network::Ngrams(table), tokenizer_json })
        }
        EncoderRecipe::Transformer(settings) => {
            // An encoder that is fine-tuned with its head has its embeddings left unscaled.
            let trains_encoder =
                context.recipe.head.optimisation() == Some(Optimisation::FineTuning);
            let scale = settings.scale.filter(|_| !trains_encoder);
            #[allow(clippy::cast_possible_truncation)]
            let scale = scale.map(|scale| scale as f32);
            from_folder::transformer(settings, scale, queries, source, device)
        }
        EncoderRecipe::Bundle(_) => bundle_encoder::read(source),
    }
}

/// A table and the tokenizer of its rows.
type Table = (StaticTable, Vec<u8>);

/// The table that an earlier call kept in the run's folder, or else that of `make`, which is kept there.
fn kept_table(
    context: &Context<'_>,
    make: impl FnOnce() -> Result<Table, TrainerError>,
) -> Result<Table, TrainerError> {
    let (table_path, tokenizer_path) =
        (context.file("encoder.safetensors"), context.file("tokenizer.json"));
    if table_path.exists() && tokenizer_path.exists() {
        let tokenizer_json =
            std::fs::read(&tokenizer_path).map_err(TrainerError::file(&tokenizer_path))?;
        return Ok((StaticTable::read(&table_path)?, tokenizer_json));
    }
    let (table, tokenizer_json) = make()?;
    table.write(&table_path)?;
    std::fs::write(&tokenizer_path, &tokenizer_json)
        .map_err(TrainerError::file(&tokenizer_path))?;
    Ok((table, tokenizer_json))
}
