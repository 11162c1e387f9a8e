//! `trainer prune`: cuts an encoder folder down to a smaller one.

use std::path::PathBuf;

use clap::Args;
use pointsman_trainer::device::{self, DeviceChoice};
use pointsman_trainer::encoder::bert_weights::BertWeights;
use pointsman_trainer::encoder::prune::{Cut, Words, prune};
use pointsman_trainer::encoder::vocabulary::TokenCounts;
use pointsman_trainer::encoder::{hugging_face, parse_tokenizer, to_folder};
use pointsman_trainer::export::encoder_sizes::EncoderSizes;

#[derive(Args)]
pub struct PruneArgs {
    /// Hugging Face folder of a BERT-family encoder.
    encoder: PathBuf,
    /// Layers to keep, numbered from 0, in the order given; all where absent.
    #[arg(long, value_delimiter = ',')]
    layers: Option<Vec<usize>>,
    /// Outcomes or preferences whose queries use the tokens to keep; other tokens are dropped. All
    /// tokens are kept where absent.
    #[arg(long, num_args = 1..)]
    corpus: Vec<PathBuf>,
    /// Layout of the corpus; detected for each file where absent.
    #[arg(long)]
    format: Option<String>,
    /// Most tokens to keep, the most frequent of the corpus first; all that the corpus uses where
    /// absent.
    #[arg(long, requires = "corpus")]
    vocabulary: Option<usize>,
    /// Folder to write to: new or empty.
    #[arg(long)]
    out: PathBuf,
    /// Skips bad rows of the corpus and counts them, instead of stopping at the first.
    #[arg(long)]
    skip_bad: bool,
}

pub fn run(args: &PruneArgs) -> anyhow::Result<()> {
    if args.layers.is_none() && args.corpus.is_empty() {
        anyhow::bail!("nothing to prune: give --layers, or --corpus, or both");
    }
    let device = device::open(DeviceChoice::Cpu)?.device;
    let folder = hugging_face::read(&args.encoder, &device)?;
    let whole = parse_tokenizer(&folder.tokenizer_json)?;
    let (mut counts, mut queries) = (TokenCounts::default(), Vec::new());
    for path in &args.corpus {
        queries.extend(super::queries(path, args.format.as_deref(), args.skip_bad)?);
    }
    counts.add(&whole, &queries)?;
    let words = Words { counts: &counts, most: args.vocabulary };
    let words = (!args.corpus.is_empty()).then_some(words);
    let mini = prune(&folder, &Cut { layers: args.layers.as_deref(), words })?;
    to_folder::write(&args.out, &folder.config_json, &mini)?;

    let before = EncoderSizes::of(&BertWeights::of(&folder.bert)?, &folder.tokenizer_json)?;
    let after = EncoderSizes::of(&mini.weights, &mini.tokenizer_json)?;
    println!("{:<26}{:>12}{:>12}", "", "before", "after");
    for (what, before, after) in [
        ("layers", before.layers, after.layers),
        ("tokens", before.tokens, after.tokens),
        ("parameters", before.parameters, after.parameters),
        ("bytes, exported in float", before.float_bytes, after.float_bytes),
        ("bytes, exported in int8", before.int8_bytes, after.int8_bytes),
        ("bytes of tokenizer.json", before.tokenizer_bytes, after.tokenizer_bytes),
    ] {
        println!("{what:<26}{before:>12}{after:>12}");
    }
    if let Some(pruned) = &mini.pruned {
        let kept = pruned.unchanged(&whole, &queries)?;
        println!(
            "{:.2} % of the corpus's {} tokens ({} queries) are tokenised as before",
            kept.share() * 100.0,
            kept.tokens,
            queries.len()
        );
    }
    eprintln!("encoder written to {}", args.out.display());
    Ok(())
}
