//! `trainer train`: a recipe to a bundle and its evaluation. `trainer distil`: the same under a
//! teacher.

use std::path::{Path, PathBuf};

use clap::Args;
use switchyard_trainer::device::{self, DeviceChoice};
use switchyard_trainer::run::Run;
use switchyard_trainer::teacher::Teacher;
use switchyard_trainer::training::interrupt;
use switchyard_trainer::{finish, prepare, recipe};

#[derive(Args)]
pub struct TrainArgs {
    /// The experiment.
    #[arg(long, default_value = "trainer-native/recipes/default.toml")]
    recipe: PathBuf,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Args)]
pub struct DistilArgs {
    /// The student's experiment: any kind and tier. Labels of its sources are not read.
    recipe: PathBuf,
    /// Bundle whose qualities, or win rates where the recipe has a strong and a weak candidate, are
    /// trained on in place of labels.
    #[arg(long)]
    teacher: PathBuf,
    #[command(flatten)]
    run: RunArgs,
}

/// What a run needs besides its recipe.
#[derive(Args)]
struct RunArgs {
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
    train(&args.recipe, None, &args.run)
}

pub fn distil(args: &DistilArgs) -> anyhow::Result<()> {
    train(&args.recipe, Some(&args.teacher), &args.run)
}

fn train(recipe: &Path, teacher: Option<&Path>, args: &RunArgs) -> anyhow::Result<()> {
    let stop = interrupt::flag()?;
    let mut recipe = recipe::read(recipe)?;
    recipe.recipe.seed = args.seed.unwrap_or(recipe.recipe.seed);
    let facts = &recipe.recipe;
    let chosen = device::open(args.device)?;
    eprintln!("recipe {}, seed {}, device {}", facts.name, facts.seed, chosen.description);
    let teacher = teacher.map(|folder| Teacher::read(folder, facts)).transpose()?;
    let mut prepared = prepare::prepare(facts, &args.data, args.skip_bad)?;
    if let Some(teacher) = &teacher {
        prepared.sha256 = teacher.identity(&prepared);
    }
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
    let taught = match &teacher {
        Some(teacher) => {
            let taught =
                teacher.teach(facts, &prepared, &run.file("teacher.safetensors"), &stop)?;
            let (name, rows) = (&teacher.router().info().name, taught.train.rows.len());
            eprintln!("teacher {name}: {rows} queries assessed");
            Some(taught)
        }
        None => None,
    };
    let labelled = taught.as_ref().unwrap_or(&prepared);
    let trained = run.train(&recipe, labelled, encoder, &chosen, &stop)?;
    let mut finished = finish::finish(&run, &recipe, &prepared, &trained, &chosen, &stop)?;
    if let Some(teacher) = &teacher {
        teacher.sign(&mut finished.bundle.manifest);
        teacher.sign(&mut finished.float.manifest);
    }
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
    if let Some(teacher) = &teacher {
        let kept = teacher.kept(facts, &prepared, &finished.bundle.router()?, &stop)?;
        let path = run.file("kept.json");
        super::write(&path, serde_json::to_string_pretty(&kept)? + "\n")?;
        println!("{kept}");
    }
    eprintln!("bundle written to {}", folder.display());
    Ok(())
}
