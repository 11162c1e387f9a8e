//! `trainer train`: a recipe to a bundle and its evaluation.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use clap::Args;
use pointsman_trainer::device::{self, ChosenDevice, DeviceChoice};
use pointsman_trainer::eval::report::Stored;
use pointsman_trainer::recipe::RecipeFile;
use pointsman_trainer::run::Run;
use pointsman_trainer::teacher::Teacher;
use pointsman_trainer::training::interrupt;
use pointsman_trainer::{TrainerError, finish, prepare, recipe};

#[derive(Args)]
pub struct TrainArgs {
    /// The experiment.
    #[arg(long, default_value = "trainer-native/recipes/default.toml")]
    recipe: PathBuf,
    #[command(flatten)]
    with: With,
    /// Folder of the run; kept between calls.
    #[arg(long, default_value = "runs/default")]
    out: PathBuf,
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
    with: With,
    /// Folder of the run; kept between calls.
    #[arg(long, default_value = "runs/default")]
    out: PathBuf,
}

/// What every training run is told.
#[derive(Args)]
pub struct With {
    /// Folder of the sources that the recipe names.
    #[arg(long)]
    data: PathBuf,
    /// Hugging Face folder of the encoder to start from.
    #[arg(long)]
    encoder: PathBuf,
    /// A seed in place of the recipe's.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Where to train.
    #[arg(long, value_enum, default_value_t = DeviceChoice::Auto)]
    device: DeviceChoice,
    /// Leaves bad rows out and counts them, instead of stopping at the first.
    #[arg(long)]
    skip_bad: bool,
}

pub fn run(args: &TrainArgs) -> anyhow::Result<()> {
    let stop = interrupt::flag()?;
    let chosen = args.with.open()?;
    let recipe = recipe::read(&args.recipe)?;
    train(recipe, None, &args.with, &args.out, &chosen, &stop, Finished::Redo)
}

pub fn distil(args: &DistilArgs) -> anyhow::Result<()> {
    let stop = interrupt::flag()?;
    let chosen = args.with.open()?;
    let (recipe, teacher) = (recipe::read(&args.recipe)?, Some(args.teacher.as_path()));
    train(recipe, teacher, &args.with, &args.out, &chosen, &stop, Finished::Redo)
}

impl With {
    /// The device asked for.
    pub fn open(&self) -> Result<ChosenDevice, TrainerError> {
        device::open(self.device)
    }
}

/// What becomes of a run that has its result already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// It is exported and evaluated again.
    Redo,
    /// It stays as it is.
    Keep,
}

/// One run, from where an earlier call stopped; on the answers of the bundle `teacher` where one is
/// given.
pub fn train(
    mut recipe: RecipeFile,
    teacher: Option<&Path>,
    with: &With,
    out: &Path,
    chosen: &ChosenDevice,
    stop: &AtomicBool,
    finished: Finished,
) -> anyhow::Result<()> {
    recipe.recipe.seed = with.seed.unwrap_or(recipe.recipe.seed);
    let facts = &recipe.recipe;
    eprintln!("recipe {}, seed {}, device {}", facts.name, facts.seed, chosen.description);
    let teacher = teacher.map(|folder| Teacher::read(folder, facts)).transpose()?;
    let mut prepared = prepare::prepare(facts, &with.data, with.skip_bad)?;
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
    let run = Run::open(out, &recipe, &prepared)?;
    // The folder is of this recipe, seed and data, or would not have been opened.
    if finished == Finished::Keep && has_result(&run) {
        eprintln!("{} is finished; delete it to train it anew", out.display());
        return Ok(());
    }
    let encoder = run.encoder(&recipe, &prepared, &with.encoder, chosen, stop)?;
    let taught = match &teacher {
        Some(teacher) => {
            let kept = run.file("teacher.safetensors");
            let taught = teacher.teach(facts, &prepared, &kept, stop)?;
            let (name, rows) = (&teacher.router().info().name, taught.train.rows.len());
            eprintln!("teacher {name}: {rows} queries assessed");
            Some(taught)
        }
        None => None,
    };
    let labelled = taught.as_ref().unwrap_or(&prepared);
    let trained = run.train(&recipe, labelled, encoder, chosen, stop)?;
    let mut finished = finish::finish(&run, &recipe, &prepared, &trained, chosen, stop)?;
    if let Some(teacher) = &teacher {
        teacher.sign(&mut finished.bundle.manifest);
        teacher.sign(&mut finished.float.manifest);
    }
    let folder = run.file("bundle");
    finished.bundle.write(&folder)?;
    finished.float.write(&run.file("bundle-float"))?;
    if let Some(result) = &finished.result {
        super::report::write_all(out, result)?;
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
        let kept = teacher.kept(facts, &prepared, &finished.bundle.router()?, stop)?;
        super::write(&run.file("kept.json"), serde_json::to_string_pretty(&kept)? + "\n")?;
        println!("{kept}");
    }
    eprintln!("bundle written to {}", folder.display());
    Ok(())
}

fn has_result(run: &Run) -> bool {
    let text = std::fs::read_to_string(run.file("result.json")).ok();
    text.is_some_and(|text| Stored::read(&text).is_ok())
}
