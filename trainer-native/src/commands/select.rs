//! `trainer select`: which prompts to label next.

use std::path::PathBuf;

use clap::Args;
use pointsman_trainer::data::{Format, ReadOptions, read_prompts};
use pointsman_trainer::labelling::{Base, Strategy, Wanted, next};
use pointsman_trainer::training::interrupt;

#[derive(Args)]
pub struct SelectArgs {
    /// Folder of the bundle, of kind `difficulty`, that labels will be learnt on top of, or that was trained on the
    /// labels so far.
    #[arg(long)]
    base: PathBuf,
    /// A file or folder of prompts, or of any table with queries.
    #[arg(long)]
    prompts: PathBuf,
    /// How many to choose.
    #[arg(long)]
    count: usize,
    /// A file or folder of queries that have labels: outcomes, preferences or prompts. May be given several times.
    #[arg(long)]
    labelled: Vec<PathBuf>,
    /// What decides which are chosen.
    #[arg(long, value_enum, default_value = "both")]
    strategy: Strategy,
    /// Share of strong calls, in [0, 1], near whose threshold a prompt is uncertain; the bundle's own where absent.
    #[arg(long)]
    strong_share: Option<f64>,
    /// Seed of the draws.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Layout of the prompts; detected where absent.
    #[arg(long)]
    format: Option<String>,
    /// File to write the chosen prompts to, most useful first, as prompts JSONL.
    #[arg(long)]
    out: PathBuf,
    /// Skips bad rows and counts them.
    #[arg(long)]
    skip_bad: bool,
}

pub fn run(args: &SelectArgs) -> anyhow::Result<()> {
    let stop = interrupt::flag()?;
    if args.count == 0 {
        anyhow::bail!("--count 0: expected at least 1");
    }
    let base = Base::read(&args.base)?;
    let own_share = base.router.info().head.default_strong_share;
    let strong_share = args.strong_share.or(own_share).unwrap_or(0.5);
    if !(0.0..=1.0).contains(&strong_share) {
        anyhow::bail!("--strong-share {strong_share}: expected a number in [0, 1]");
    }
    let inputs = std::iter::once(&args.prompts).chain(&args.labelled);
    let real = |path: &PathBuf| path.canonicalize().ok();
    if let Some(input) =
        inputs.filter(|path| real(path).is_some()).find(|path| real(path) == real(&args.out))
    {
        anyhow::bail!("--out {}: it is read too, expected another file", input.display());
    }
    let format = args.format.as_deref().map(Format::from_name).transpose()?;
    let read = read_prompts(&args.prompts, format, &ReadOptions { skip_bad: args.skip_bad })?;
    if read.source.bad_count > 0 {
        eprintln!("{} bad rows left out", read.source.bad_count);
    }
    for (what, rows) in &read.source.passed_over {
        eprintln!("passed over {rows} {what}");
    }
    let mut labelled = Vec::new();
    for path in &args.labelled {
        labelled.extend(super::queries(path, None, args.skip_bad)?);
    }
    let wanted =
        Wanted { count: args.count, strategy: args.strategy, strong_share, seed: args.seed };
    let chosen = next(&base, &read.rows, &labelled, wanted, &stop)?;
    let mut text = String::new();
    for prompt in &chosen {
        text += &serde_json::to_string(prompt)?;
        text.push('\n');
    }
    super::write(&args.out, text)?;
    let clusters: std::collections::BTreeSet<usize> =
        chosen.iter().map(|prompt| prompt.cluster).collect();
    println!(
        "{} of {} prompts, of {} clusters, written to {}",
        chosen.len(),
        read.rows.len(),
        clusters.len(),
        args.out.display()
    );
    Ok(())
}
