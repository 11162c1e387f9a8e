//! `trainer train`: a recipe to a bundle and its evaluation.

use std::path::PathBuf;

use clap::Args;
use switchyard_trainer::device::{self, DeviceChoice};
use switchyard_trainer::run::Run;
use switchyard_trainer::training::interrupt;
use switchyard_trainer::{finish, prepare, recipe};

#[derive(Args)]
pub struct TrainArgs {
    /// The experiment.
    #[arg(long, default_value = "trainer-native/recipes/default.toml")]
    recipe: PathBuf,
    /// Folder of the sources that the recipe names.
    #[arg(long)]
    data: PathBuf,
    /// Hugging Face folder of the encoder to start from.
    #[arg(long)]
    encoder: PathBuf,
    /// Folder of the run; kept between calls.
    #[arg(long, default_value = "runs/default")]
    out: PathBuf,
    /// A seed in place of the recipe's.
    #[arg(long)]
    seed: Option<u64>,
    /// Where to train.
    #[arg(long, value_enum, default_value_t = DeviceChoice::Auto)]
    device: DeviceChoice,
    /// Leaves bad rows out and counts them, instead of stopping at the first.
    #[arg(long)]
    skip_bad: bool,
}

pub fn run(args: &TrainArgs) -> anyhow::Result<()> {
    let stop = interrupt::flag()?;
    let mut recipe = recipe::read(&args.recipe)?;
    recipe.recipe.seed = args.seed.unwrap_or(recipe.recipe.seed);
    let facts = &recipe.recipe;
    let chosen = device::open(args.device)?;
    eprintln!("recipe {}, seed {}, device {}", facts.name, facts.seed, chosen.description);
    let prepared = prepare::prepare(facts, &args.data, args.skip_bad)?;
    for source in &prepared.sources {
        eprintln!(
            "{}: {} rows to train on, {} removed as leaks",
            source.name, source.rows, source.removed_as_leaks
        );
    }
    eprintln!(
        "{}: {} rows to score, {} removed as leaks; {} queries held back for calibration",
        prepared.benchmark,
        prepared.test.rows.len(),
        prepared.test_leaks,
        prepared.calibration.len()
    );
    let run = Run::open(&args.out, &recipe, &prepared)?;
    let encoder = run.encoder(&recipe, &prepared, &args.encoder, &chosen, &stop)?;
    let trained = run.train(&recipe, &prepared, encoder, &chosen, &stop)?;
    let finished = finish::finish(&run, &recipe, &prepared, &trained, &chosen, &stop)?;
    let folder = run.file("bundle");
    finished.bundle.write(&folder)?;
    finished.float.write(&run.file("bundle-float"))?;
    if let Some(result) = &finished.result {
        super::report::write_all(&args.out, result)?;
    }
    let d = &finished.disagreement;
    println!(
        "float against int8, {} queries: win rates differ by {:.5} on average and {:.5} at most; \
         {:.2} % of decisions change at the default share",
        d.queries,
        d.mean,
        d.largest,
        d.changed * 100.0
    );
    eprintln!("bundle written to {}", folder.display());
    Ok(())
}
