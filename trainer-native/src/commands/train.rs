//! `trainer train`: trains a recipe into a bundle and evaluates it.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use clap::Args;
use pointsman_trainer::dataset::Prepared;
use pointsman_trainer::device::{self, ChosenDevice, DeviceChoice};
use pointsman_trainer::eval::Stored;
use pointsman_trainer::recipe::RecipeFile;
use pointsman_trainer::teacher::Teacher;
use pointsman_trainer::training::context::Context;
use pointsman_trainer::training::encoder::encoder;
use pointsman_trainer::training::interrupt;
use pointsman_trainer::{TrainerError, dataset, finish, recipe, router};

#[derive(Args)]
pub struct TrainArgs {
    /// The recipe, a TOML file.
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
    /// The student's recipe, of any kind and tier. Labels of its sources are not read.
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

/// Arguments of every training run.
#[derive(Args)]
pub struct With {
    /// Folder of the sources that the recipe names.
    #[arg(long)]
    data: PathBuf,
    /// Hugging Face folder of the encoder to start from.
    #[arg(long)]
    encoder: PathBuf,
    /// Seed to use in place of the recipe's.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Device to train on.
    #[arg(long, value_enum, default_value_t = DeviceChoice::Auto)]
    device: DeviceChoice,
    /// Skips bad rows and counts them, instead of stopping at the first.
    #[arg(long)]
    skip_bad: bool,
}

pub fn run(args: &TrainArgs) -> anyhow::Result<()> {
    let stop = interrupt::flag()?;
    let recipe = recipe::read(&args.recipe)?;
    let chosen_device = args.with.open([&recipe])?;
    train(recipe, None, &args.with, &args.out, &chosen_device, &stop, Finished::Redo)
}

pub fn distil(args: &DistilArgs) -> anyhow::Result<()> {
    let stop = interrupt::flag()?;
    let (recipe, teacher) = (recipe::read(&args.recipe)?, Some(args.teacher.as_path()));
    let chosen_device = args.with.open([&recipe])?;
    train(recipe, teacher, &args.with, &args.out, &chosen_device, &stop, Finished::Redo)
}

impl With {
    /// Checks that the data of the recipes is there, then opens the device.
    pub fn open<'a>(
        &self,
        recipes: impl IntoIterator<Item = &'a RecipeFile>,
    ) -> Result<ChosenDevice, TrainerError> {
        for file in recipes {
            dataset::require_files(&file.recipe, &self.data)?;
        }
        device::open(self.device)
    }
}

/// What to do with a run that has its result already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// Export and evaluate it again.
    Redo,
    /// Leave it as it is.
    Keep,
}

/// Trains one run, resuming where an earlier call stopped; on the answers of the bundle `teacher`
/// where one is given.
pub fn train(
    mut recipe_file: RecipeFile,
    teacher: Option<&Path>,
    with: &With,
    out: &Path,
    chosen_device: &ChosenDevice,
    stop: &AtomicBool,
    finished: Finished,
) -> anyhow::Result<()> {
    recipe_file.recipe.seed = with.seed.unwrap_or(recipe_file.recipe.seed);
    let recipe = &recipe_file.recipe;
    eprintln!("recipe {}, seed {}, device {}", recipe.name, recipe.seed, chosen_device.description);
    let teacher = teacher.map(|folder| Teacher::read(folder, recipe)).transpose()?;
    let mut data = dataset::prepare(recipe, &with.data, with.skip_bad)?;
    if let Some(teacher) = &teacher {
        data.sha256 = teacher.identity(&data);
    }
    print_counts(&data);
    let context = Context::open(out, &recipe_file, &data, chosen_device, stop)?;
    // The folder belongs to this recipe, seed and data: opening it checked that.
    if finished == Finished::Keep && has_result(&context) {
        eprintln!("{} is finished; delete it to train it anew", out.display());
        return Ok(());
    }
    let encoder = encoder(&context, &with.encoder)?;
    let trained = match &teacher {
        Some(teacher) => {
            let relabelled = teacher.teach(&context)?;
            let (name, rows) = (&teacher.router().info().name, relabelled.train.rows.len());
            eprintln!("teacher {name}: {rows} queries assessed");
            router::train(&context.with_data(&relabelled), encoder)?
        }
        None => router::train(&context, encoder)?,
    };
    let mut finished = finish::finish(&context, &trained)?;
    if let Some(teacher) = &teacher {
        teacher.sign(&mut finished.bundle.manifest);
        teacher.sign(&mut finished.float.manifest);
    }
    let folder = context.file("bundle");
    finished.bundle.write(&folder)?;
    finished.float.write(&context.file("bundle-float"))?;
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
        let comparison = teacher.compare(&context, &finished.bundle.router()?)?;
        super::write(
            &context.file("comparison.json"),
            serde_json::to_string_pretty(&comparison)? + "\n",
        )?;
        println!("{comparison}");
    }
    eprintln!("bundle written to {}", folder.display());
    Ok(())
}

/// Says how many rows each source gives.
fn print_counts(data: &Prepared) {
    for source in &data.sources {
        eprintln!(
            "{}: {} rows to train on, {} removed as leaks",
            source.name, source.rows, source.removed_as_leaks
        );
    }
    eprintln!(
        "{}: {} rows to score, {} removed as leaks; {} queries held back for calibration",
        data.benchmark,
        data.test.rows.len(),
        data.test_leaks,
        data.calibration.len()
    );
}

fn has_result(context: &Context<'_>) -> bool {
    let text = std::fs::read_to_string(context.file("result.json")).ok();
    text.is_some_and(|text| Stored::read(&text).is_ok())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn missing_data_is_reported_before_a_device_is_opened() {
        let folder = tempfile::TempDir::new().unwrap();
        let absent =
            if cfg!(target_os = "macos") { DeviceChoice::Vulkan } else { DeviceChoice::Metal };
        let with = With {
            data: folder.path().to_owned(),
            encoder: folder.path().to_owned(),
            seed: None,
            device: absent,
            skip_bad: false,
        };
        let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes/ridge-static.toml");
        let error = with.open([&recipe::read(&recipe).unwrap()]).unwrap_err();
        assert_eq!(error.code(), "missing_data");
        let text = error.to_string();
        for part in ["found 0 of 6", "outcomes/mmlu_pro.jsonl", "llmrouter/train.json", "DATA.md"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
