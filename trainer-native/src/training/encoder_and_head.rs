//! Fine-tunes an encoder of either tier together with a head.

use burn::module::{Module, ModuleDisplay};

use super::context::Context;
use super::fine_tune::{self, Objective};
use super::optimiser::{Rules, Schedule};
use crate::encoder::bert_weights::BertWeights;
use crate::encoder::static_table::StaticTable;
use crate::encoder::trainable::{
    Frozen, StaticEncoder, TrainableEncoder, TransformerEncoder, WithHead,
};
use crate::encoder::{Encoder, Network};
use crate::error::TrainerError;
use crate::progress::bar;
use crate::tensors::floats;

/// Trains `encoder` without its `frozen` parts, and the head that `head` makes for its width.
///
/// # Errors
/// Those of [`fine_tune`](fine_tune::fine_tune); [`TrainerError::BadSetting`] for hashed n-grams and the encoder of a
/// bundle.
pub fn train<H, O>(
    context: &Context<'_>,
    encoder: Encoder,
    frozen: Frozen,
    head: impl Fn(usize) -> H,
    objective: &O,
) -> Result<(Encoder, H), TrainerError>
where
    H: Module + ModuleDisplay,
    O: Objective<WithHead<StaticEncoder, H>> + Objective<WithHead<TransformerEncoder, H>>,
{
    let device = context.autodiff();
    let (network, head) = match encoder.network {
        Network::Static(table) => {
            let start = StaticEncoder::new(&table, &device);
            let head = head(start.width());
            let frozen = frozen.words.then(|| "encoder.table".to_owned());
            let network = WithHead { encoder: start, head };
            let tuned = tune(context, network, frozen, objective)?;
            let values = floats(tuned.encoder.table.weight.val().into_data())?;
            (Network::Static(StaticTable { values, ..table }), tuned.head)
        }
        Network::Ngrams(_) | Network::Bundle(_) => {
            return Err(TrainerError::BadSetting {
                setting: "head.kind".into(),
                detail: "this kind trains its encoder by steps, and hashed n-grams and the encoder of a bundle \
                         stay as they are: use a kind with a head on embeddings, or another encoder"
                    .into(),
            });
        }
        Network::Transformer { weights, pooling, scale, token_rows } => {
            let start = TransformerEncoder { bert: weights.bert(&device), pooling };
            let head = head(start.width());
            let frozen = TransformerEncoder::frozen_paths("encoder", frozen);
            let network = WithHead { encoder: start, head };
            let tuned = tune(context, network, frozen, objective)?;
            let weights = BertWeights::of(&tuned.encoder.bert)?;
            (Network::Transformer { weights, pooling, scale, token_rows }, tuned.head)
        }
    };
    Ok((Encoder { network, tokenizer_json: encoder.tokenizer_json }, head))
}

fn tune<M: Module>(
    context: &Context<'_>,
    network: M,
    frozen: impl IntoIterator<Item = String>,
    objective: &impl Objective<M>,
) -> Result<M, TrainerError> {
    let settings = context.fine_tuning()?;
    let head = Schedule::AdamW {
        learning_rate: settings.head_learning_rate.unwrap_or(settings.learning_rate),
        weight_decay: settings.weight_decay,
    };
    let rules = Rules::adamw(settings.learning_rate, settings.weight_decay)
        .with("head", head)
        .frozen(frozen);
    let how = fine_tune::Settings {
        seed: context.recipe.seed,
        epochs: settings.epochs,
        max_steps: settings.max_steps,
        micro_batch: settings.batch,
        accumulate: settings.accumulate,
        warm_up: settings.warm_up,
        clip: settings.clip,
        rules,
        check_steps: settings.check_steps,
        patience: settings.patience,
    };
    let place = fine_tune::Place { folder: &context.folder, identity: &context.identity };
    let progress = bar("fine-tuning");
    let tuned = fine_tune::fine_tune(network, objective, &how, &place, &progress, context.stop)?;
    eprintln!("fine-tuned to step {}, {:.0} tokens/s", tuned.step, tuned.tokens_per_second);
    Ok(tuned.network)
}
