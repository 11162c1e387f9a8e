//! Makes the encoder of a run.

use std::path::Path;

use super::context::Context;
use crate::encoder::static_table::StaticTable;
use crate::encoder::{Encoder, Network, from_folder};
use crate::error::TrainerError;
use crate::recipe::{EncoderRecipe, Optimisation, StaticEncoderRecipe};

/// Makes the encoder that the recipe asks for from the Hugging Face folder `source`, or reads it back
/// from the run's folder.
///
/// # Errors
/// [`TrainerError::BadEncoder`], [`TrainerError::Interrupted`], [`TrainerError::File`].
pub fn encoder(context: &Context<'_>, source: &Path) -> Result<Encoder, TrainerError> {
    match &context.recipe.encoder {
        EncoderRecipe::Static(settings) => static_encoder(context, settings, source),
        EncoderRecipe::Transformer(settings) => {
            // An encoder that is fine-tuned with its head has its embeddings left unscaled.
            let trains_encoder =
                context.recipe.head.optimisation() == Some(Optimisation::FineTuning);
            let scale = settings.scale.filter(|_| !trains_encoder);
            let queries: from_folder::Queries<'_> = &|visit| context.data.for_each_query(visit);
            #[allow(clippy::cast_possible_truncation)]
            let scale = scale.map(|scale| scale as f32);
            from_folder::transformer(settings, scale, queries, source, &context.device.device)
        }
    }
}

fn static_encoder(
    context: &Context<'_>,
    settings: &StaticEncoderRecipe,
    source: &Path,
) -> Result<Encoder, TrainerError> {
    let (table_path, tokenizer_path) =
        (context.file("encoder.safetensors"), context.file("tokenizer.json"));
    if table_path.exists() && tokenizer_path.exists() {
        let tokenizer_json =
            std::fs::read(&tokenizer_path).map_err(TrainerError::file(&tokenizer_path))?;
        let table = StaticTable::read(&table_path)?;
        return Ok(Encoder { network: Network::Static(table), tokenizer_json });
    }
    let queries: from_folder::Queries<'_> = &|visit| context.data.for_each_query(visit);
    let (device, stop) = (&context.device.device, context.stop);
    let (table, tokenizer_json) =
        from_folder::static_table(settings, queries, source, device, stop)?;
    table.write(&table_path)?;
    std::fs::write(&tokenizer_path, &tokenizer_json)
        .map_err(TrainerError::file(&tokenizer_path))?;
    Ok(Encoder { network: Network::Static(table), tokenizer_json })
}
