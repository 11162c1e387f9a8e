//! `trainer learning-curve`: quality against the number of labels.

use std::path::PathBuf;

use clap::Args;
use pointsman_trainer::TrainerError;
use pointsman_trainer::labelling::{Base, Measure, Numbers, Settings, Source, Strategy, measure};
use pointsman_trainer::training::interrupt;

#[derive(Args)]
pub struct LearningCurveArgs {
    /// Folder of the bundle, of kind `difficulty`, that labels are learnt on top of.
    #[arg(long)]
    base: PathBuf,
    /// A file or folder of outcomes: the labels.
    #[arg(long)]
    data: PathBuf,
    /// Layout of the data; detected where absent.
    #[arg(long)]
    format: Option<String>,
    /// Name of the strong LLM in the data.
    #[arg(long)]
    strong: String,
    /// Name of the weak LLM in the data.
    #[arg(long)]
    weak: String,
    /// Numbers of labels to learn from; 25, 50, 100 and so on up to all where absent.
    #[arg(long, value_delimiter = ',')]
    labels: Vec<usize>,
    /// In which order prompts are labelled.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "random")]
    strategy: Vec<Strategy>,
    /// How a strategy measures that the router is uncertain.
    #[arg(long, value_enum, default_value = "threshold")]
    uncertainty: Measure,
    /// How many times questions are held out and labels drawn.
    #[arg(long, default_value_t = 5)]
    seeds: usize,
    /// Seed of the first draw.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Share of strong calls, in [0, 1], at which the quality kept is measured.
    #[arg(long, default_value_t = 0.3)]
    strong_share: f64,
    /// Folder to write `learning-curve.json`, `.md` and `.svg` to; standard output where absent.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Skips bad rows and counts them.
    #[arg(long)]
    skip_bad: bool,
}

pub fn run(args: &LearningCurveArgs) -> anyhow::Result<()> {
    if !(0.0..=1.0).contains(&args.strong_share) {
        anyhow::bail!("--strong-share {}: expected a number in [0, 1]", args.strong_share);
    }
    if args.seeds == 0 {
        anyhow::bail!("--seeds 0: expected at least 1");
    }
    let stop = interrupt::flag()?;
    let base = Base::read(&args.base)?;
    let loaded = super::outcomes(&args.data, args.format.as_deref(), args.skip_bad)?;
    let name = args.data.file_name().unwrap_or(args.data.as_os_str()).to_string_lossy();
    let source = Source { name: &name, sha256: &loaded.sha256, outcomes: &loaded.outcomes };
    let numbers = match args.labels.as_slice() {
        [] => Numbers::Doubling,
        given => Numbers::Given(given.to_vec()),
    };
    let mut strategies = args.strategy.clone();
    let mut seen = Vec::new();
    strategies.retain(|strategy| {
        !seen.contains(strategy) && {
            seen.push(*strategy);
            true
        }
    });
    let settings = Settings {
        labels: Vec::new(),
        strategies,
        first_seed: args.seed,
        seeds: args.seeds,
        held_out: 1.0 / 3.0,
        strong_share: args.strong_share,
        uncertainty: args.uncertainty,
    };
    let pair = (args.strong.as_str(), args.weak.as_str());
    let curve = measure(&base, source, pair, &numbers, settings, &stop)?;
    let page = curve.markdown();
    let Some(folder) = &args.out else {
        print!("{page}");
        return Ok(());
    };
    std::fs::create_dir_all(folder).map_err(TrainerError::file(folder))?;
    let json = serde_json::to_string_pretty(&curve)? + "\n";
    let files = [("json", json), ("md", page), ("svg", curve.sheet().svg("learning-curve"))];
    for (extension, text) in files {
        let path = folder.join(format!("learning-curve.{extension}"));
        super::write(&path, text)?;
        println!("{}", path.display());
    }
    for series in &curve.series {
        println!("{}: {}", series.strategy.name(), series.verdict());
    }
    Ok(())
}
